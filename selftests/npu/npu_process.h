/* SPDX-License-Identifier: GPL-2.0-only */
/* Second processes: a file descriptor handed over, and a bystander who works all the time. */
#ifndef NPU_PROCESS_H
#define NPU_PROCESS_H

#include <linux/capability.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "npu_jobs.h"

static inline int npu_send_fd(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(fd))] = "";
	struct iovec iov = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(socket, &m, 0) == 1 ? 0 : -errno;
}

static inline int npu_receive_fd(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(socket, &m, 0) != 1 || !CMSG_FIRSTHDR(&m))
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* Exit status of a child; -1 if a signal ended it. */
static inline int npu_reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* A child that runs jobs of its own, and checks them, until it is told to stop. */
struct npu_bystander {
	pid_t pid;
	int stop;	/* a byte in it ends the child */
	int started;	/* a byte comes when its first job has passed */
};

static inline void npu_bystander_work(int stop, int started)
{
	struct npu_client c;
	unsigned int jobs = 0;
	char byte;

	if (npu_client_open(&c))
		_exit(2);
	fcntl(stop, F_SETFL, O_NONBLOCK);
	while (read(stop, &byte, 1) == -1) {
		if (!npu_client_adds(&c, jobs))
			_exit(1);
		if (!jobs++ && write(started, &byte, 1) != 1)
			_exit(3);
	}
	npu_client_close(&c);
	_exit(0);
}

/* Returns when its first job has passed: 0 or -errno. */
static inline int npu_bystander_start(struct npu_bystander *b)
{
	int stop[2], started[2];
	char byte;

	if (pipe2(stop, O_CLOEXEC) || pipe2(started, O_CLOEXEC))
		return -errno;
	b->pid = fork();
	if (b->pid < 0)
		return -errno;
	if (!b->pid) {
		close(stop[1]);
		npu_bystander_work(stop[0], started[1]);
	}
	close(stop[0]);
	close(started[1]);
	b->stop = stop[1];
	b->started = started[0];
	return read(b->started, &byte, 1) == 1 ? 0 : -ECHILD;
}

/* 0: all its jobs were right; 1: one was not. */
static inline int npu_bystander_stop(struct npu_bystander *b)
{
	ssize_t told = write(b->stop, "", 1);

	close(b->stop);
	close(b->started);
	return told == 1 ? npu_reap(b->pid) : -1;
}

/* Gives up CAP_SYS_NICE for good; for children. */
static inline int npu_drop_sys_nice(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &h, d))
		return -errno;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		d[i].inheritable = 0;
	d[0].effective &= ~(1u << CAP_SYS_NICE);
	d[0].permitted &= ~(1u << CAP_SYS_NICE);
	return syscall(SYS_capset, &h, d) ? -errno : 0;
}

#endif
