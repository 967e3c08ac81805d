// SPDX-License-Identifier: MIT
/*
 * Runs the guest's QEMU and stays between it and the user: passes on what the
 * command in the guest writes, keeps the kernel's log, and turns the outcome
 * into an exit status.
 *
 * usage: watch [-t SECONDS] [-i SECONDS] [-T] -l LOGFILE -- QEMU ARG...
 *   -t  the whole run may take so long (0: no limit)
 *   -i  so long may pass without a byte from the guest (0: no limit)
 *   -T  the command has a terminal: pass on keys, raw
 *
 * QEMU gets one end of a socket for each channel, at these descriptors:
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum channel {
	CH_OUT,		/* descriptor 10: standard output of the command */
	CH_ERR,		/* 11: its standard error */
	CH_STATUS,	/* 12: its exit status, one decimal line */
	CH_LOG,		/* 13: the kernel's console */
	CH_CONTROL,	/* 14: QEMU's monitor, to end it without a word */
	CH_COUNT
};

#define FIRST_FD	10
#define TAIL_LINES	60
#define TAIL_BYTES	16384

/* Exit statuses beside the command's own, as timeout(1) and env(1) have them. */
#define EXIT_TIMEOUT	124
#define EXIT_GUEST_DIED	125

/* The guest writes this after the last byte of the command's output. */
#define END_MARK	"\001npu-guest-end\001"
#define END_LEN		(sizeof(END_MARK) - 1)
#define END_WAIT_S	10

/* Bytes on their way out; grows, so that a slow reader never holds up the guest. */
struct stream {
	int in, out;
	char *buf;
	size_t len, cap;
	size_t held;	/* bytes at the end that may be the beginning of the mark */
	bool ended;	/* the mark has been seen, and taken out */
};

static struct stream streams[CH_COUNT];
static struct termios saved_tty;
static bool tty_is_raw;
static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	interrupted = sig;
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void restore_tty(void)
{
	if (tty_is_raw)
		tcsetattr(0, TCSADRAIN, &saved_tty);
}

__attribute__((format(printf, 1, 2)))
static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("guest: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

__attribute__((noreturn, format(printf, 1, 2)))
static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("guest: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(EXIT_GUEST_DIED);
}

static void append(struct stream *s, const char *data, size_t n)
{
	if (s->len + n > s->cap) {
		s->cap = (s->len + n) * 2;
		s->buf = realloc(s->buf, s->cap);
		if (!s->buf)
			die("no memory for %zu bytes of output", s->cap);
	}
	memcpy(s->buf + s->len, data, n);
	s->len += n;
}

/* Looks for the end mark, or a beginning of it, at the end of what has come. */
static void look_for_end(struct stream *s)
{
	s->held = s->len < END_LEN ? s->len : END_LEN;
	while (s->held && memcmp(s->buf + s->len - s->held, END_MARK, s->held))
		s->held--;
	if (s->held == END_LEN) {
		s->len -= END_LEN;
		s->held = 0;
		s->ended = true;
	}
}

/* Reads what there is; false once the other end is closed. */
static bool fill(struct stream *s)
{
	char data[65536];
	ssize_t n = read(s->in, data, sizeof(data));

	if (n > 0) {
		append(s, data, n);
		look_for_end(s);
		return true;
	}
	return n < 0 && (errno == EINTR || errno == EAGAIN);
}

/*
 * Writes no more than poll() promised a pipe would take, so it does not block.
 * A reader that has gone away is no reason to stop the guest: drop the bytes.
 */
static void drain(struct stream *s)
{
	size_t ready = s->len - s->held;
	ssize_t done = write(s->out, s->buf, ready < 4096 ? ready : 4096);

	if (done < 0 && errno != EINTR && errno != EAGAIN)
		done = ready;
	if (done > 0) {
		s->len -= done;
		memmove(s->buf, s->buf + done, s->len);
	}
}

static void drain_all(void)
{
	for (int i = 0; i < CH_COUNT; i++) {
		streams[i].held = 0;
		while (streams[i].out >= 0 && streams[i].len > 0) {
			struct pollfd p = { .fd = streams[i].out, .events = POLLOUT };

			if (poll(&p, 1, 5000) <= 0)
				break;
			drain(&streams[i]);
		}
	}
}

static pid_t start(char **argv, const int guest_fd[CH_COUNT])
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* a group of its own: an interrupt at the terminal comes to us alone */
	setpgid(0, 0);
	for (int i = 0; i < CH_COUNT; i++)
		dup2(guest_fd[i], FIRST_FD + i);
	dup2(open("/dev/null", O_RDONLY), 0);
	execv(argv[0], argv);
	fprintf(stderr, "guest: cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* Ends QEMU, by force if it does not go by itself. Returns its wait status. */
static int stop(pid_t pid)
{
	int status;

	if (write(streams[CH_CONTROL].in, "quit\n", 5) != 5)
		kill(pid, SIGTERM);
	for (int i = 0; i < 500; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		usleep(10000);
	}
	say("qemu did not end when told to, killing it");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return status;
}

static void show_tail(const char *log)
{
	char data[TAIL_BYTES + 1];
	FILE *f = fopen(log, "r");
	char *line = data;
	size_t n;
	int lines = 0;

	if (!f)
		return;
	fseek(f, 0, SEEK_END);
	if (ftell(f) > TAIL_BYTES)
		fseek(f, -TAIL_BYTES, SEEK_END);
	else
		rewind(f);
	n = fread(data, 1, TAIL_BYTES, f);
	data[n] = '\0';
	fclose(f);
	for (char *p = data + n; p > data && lines <= TAIL_LINES; p--)
		if (p[-1] == '\n' && ++lines > TAIL_LINES)
			line = p;
	fprintf(stderr, "--- end of the guest's kernel log, all of it is in %s\n%s---\n", log,
		line);
}

static void raw_tty(void)
{
	struct termios t;

	if (!isatty(0) || tcgetattr(0, &saved_tty))
		return;
	t = saved_tty;
	cfmakeraw(&t);
	t.c_oflag |= OPOST;
	tcsetattr(0, TCSADRAIN, &t);
	tty_is_raw = true;
}

static void pass_keys(void)
{
	char keys[256];
	ssize_t n = read(0, keys, sizeof(keys));

	if (n > 0 && write(streams[CH_OUT].in, keys, n) < 0)
		say("keys lost: %s", strerror(errno));
}

static bool have_status(void)
{
	const struct stream *s = &streams[CH_STATUS];

	return s->len && memchr(s->buf, '\n', s->len);
}

static int command_ended(pid_t pid)
{
	int status = atoi(streams[CH_STATUS].buf);
	int wait = stop(pid);

	if (WIFEXITED(wait) && WEXITSTATUS(wait) == 0)
		return status;
	say("the command ended with %d, then qemu failed (%s %d)", status,
	    WIFSIGNALED(wait) ? "signal" : "status",
	    WIFSIGNALED(wait) ? WTERMSIG(wait) : WEXITSTATUS(wait));
	return EXIT_GUEST_DIED;
}

static int guest_died(pid_t pid)
{
	int wait;

	waitpid(pid, &wait, 0);
	if (WIFSIGNALED(wait))
		say("qemu was ended by signal %d", WTERMSIG(wait));
	else
		say("the guest ended without a result: panic, or power off (qemu's status: %d)",
		    WEXITSTATUS(wait));
	return -EXIT_GUEST_DIED;
}

/*
 * Moves bytes until the guest has told its status, died, or time is up. Returns the status;
 * negative where the end of the kernel's log is to be shown.
 */
static int relay(pid_t pid, double limit_s, double idle_s, bool keys)
{
	double begin = now_s(), last = begin, status_s = 0;
	bool open_in[CH_COUNT];

	memset(open_in, true, sizeof(open_in));
	for (;;) {
		struct pollfd p[2 * CH_COUNT + 1] = { 0 };
		bool heard = false;
		double now;

		for (int i = 0; i < CH_COUNT; i++) {
			struct stream *s = &streams[i];

			p[2 * i].fd = open_in[i] ? s->in : -1;
			p[2 * i].events = POLLIN;
			p[2 * i + 1].fd = s->len > s->held ? s->out : -1;
			p[2 * i + 1].events = POLLOUT;
		}
		p[2 * CH_COUNT] = (struct pollfd){ .fd = keys ? 0 : -1, .events = POLLIN };
		if (poll(p, 2 * CH_COUNT + 1, 500) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		if (interrupted) {
			stop(pid);
			return 128 + interrupted;
		}
		now = now_s();
		for (int i = 0; i < CH_COUNT; i++) {
			if (open_in[i] && (p[2 * i].revents & (POLLIN | POLLHUP | POLLERR))) {
				open_in[i] = fill(&streams[i]);
				heard = true;
			}
			if (p[2 * i + 1].revents)
				drain(&streams[i]);
		}
		if (p[2 * CH_COUNT].revents)
			pass_keys();
		if (heard)
			last = now;
		if (have_status() && !status_s)
			status_s = now;
		if (status_s && ((streams[CH_OUT].ended && streams[CH_ERR].ended) ||
				 now - status_s > END_WAIT_S))
			return command_ended(pid);
		if (!open_in[CH_STATUS])
			return guest_died(pid);
		if (limit_s > 0 && now - begin > limit_s) {
			stop(pid);
			say("the run took longer than %.0f s; --timeout sets the limit", limit_s);
			return -EXIT_TIMEOUT;
		}
		if (idle_s > 0 && now - last > idle_s) {
			stop(pid);
			say("nothing came from the guest for %.0f s; --idle sets the limit",
			    idle_s);
			return -EXIT_TIMEOUT;
		}
	}
}

int main(int argc, char **argv)
{
	const char *log = NULL;
	double limit_s = 0, idle_s = 0;
	int guest_fd[CH_COUNT];
	bool keys = false;
	pid_t pid;
	int opt, result;

	while ((opt = getopt(argc, argv, "+t:i:l:T")) != -1) {
		switch (opt) {
		case 't':
			limit_s = atof(optarg);
			break;
		case 'i':
			idle_s = atof(optarg);
			break;
		case 'l':
			log = optarg;
			break;
		case 'T':
			keys = true;
			break;
		default:
			return 2;
		}
	}
	if (!log || optind == argc)
		die("usage: watch [-t s] [-i s] [-T] -l logfile -- qemu arg...");

	for (int i = 0; i < CH_COUNT; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			die("socketpair: %s", strerror(errno));
		/* out of the way of the numbers that QEMU is told */
		streams[i].in = fcntl(pair[0], F_DUPFD_CLOEXEC, 64);
		guest_fd[i] = fcntl(pair[1], F_DUPFD_CLOEXEC, 64);
		close(pair[0]);
		close(pair[1]);
	}
	streams[CH_OUT].out = STDOUT_FILENO;
	streams[CH_ERR].out = STDERR_FILENO;
	streams[CH_STATUS].out = -1;
	streams[CH_CONTROL].out = -1;
	streams[CH_LOG].out = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (streams[CH_LOG].out < 0)
		die("%s: %s", log, strerror(errno));

	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_signal }, NULL);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_signal }, NULL);
	sigaction(SIGHUP, &(struct sigaction){ .sa_handler = on_signal }, NULL);

	pid = start(argv + optind, guest_fd);
	for (int i = 0; i < CH_COUNT; i++)
		close(guest_fd[i]);
	if (keys) {
		raw_tty();
		atexit(restore_tty);
	}
	result = relay(pid, limit_s, idle_s, keys);
	for (int i = 0; i < CH_COUNT; i++)
		while (recv(streams[i].in, &(char){ 0 }, 1, MSG_PEEK | MSG_DONTWAIT) > 0 &&
		       fill(&streams[i]))
			;
	drain_all();
	restore_tty();
	if (result < 0)
		show_tail(log);
	return abs(result);
}
