// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_flash.h"

#define PROGRESS_AFTER_MS 2000

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* As the boot ROM of the device judges. */
static enum npu_boot_error judge(void *opaque, const void *image, uint64_t size,
				 uint32_t security_counter)
{
	struct cmd_flash *f = opaque;

	f->limits.security_counter = security_counter;
	npu_image_check(image, size, &f->limits, &f->result);
	return f->result.error;
}

void cmd_flash_begin(struct cmd_flash *f)
{
	memset(f, 0, sizeof(*f));
	f->file.fd = -1;
	f->limits = npu_image_limits_default;
	f->limits.need_code = true;
	f->limits.need_signature = true;
	f->judge.judge = judge;
	f->judge.opaque = f;
}

int cmd_flash_option(struct cmd_flash *f, int c, const char *value)
{
	uint8_t public_key[NPU_FW_KEY_BYTES];

	switch (c) {
	case 'k':
		if (cmd_read_key(value, NPU_KEY_PUBLIC, public_key))
			return EXIT_REFUSED;
		npu_key_id(public_key, f->limits.fused_key);
		f->limits.has_fused_key = true;
		return 0;
	case 't':
		f->limits.development = !strcmp(value, "development");
		if (!f->limits.development && strcmp(value, "production"))
			return cmd_usage_error("--state wants development or production, not",
					       value);
		return 0;
	}
	return EXIT_USAGE;
}

int cmd_flash_refuse(const char *name, const char *why)
{
	fprintf(stderr, "npu-fw: %s: %s\n", name, why);
	return EXIT_REFUSED;
}

int cmd_flash_open_file(struct cmd_flash *f, const char *name, enum npu_flash_file_mode mode)
{
	int ret = npu_flash_file_open(&f->file, name, mode);

	f->name = name;
	if (ret == -EWOULDBLOCK)
		return cmd_flash_refuse(name, "it is in use by a running device or another npu-fw; "
					"wait for it or stop it");
	if (ret == -ENOTBLK)
		return cmd_flash_refuse(name, "it is neither a file nor a block device; name "
					"another one");
	return ret ? cmd_flash_refuse(name, strerror(-ret)) : 0;
}

int cmd_flash_open(struct cmd_flash *f, const char *name, enum npu_flash_file_mode mode)
{
	int ret = cmd_flash_open_file(f, name, mode);

	if (ret)
		return ret;
	if (!npu_flash_open(&f->flash, &f->file.io))
		return 0;
	cmd_flash_close(f);
	return cmd_flash_refuse(name, f->flash.why);
}

static int progress_write(void *opaque, uint64_t at, const void *from, size_t bytes)
{
	struct cmd_flash *f = opaque;
	int ret = f->file.io.write(f->file.io.opaque, at, from, bytes);

	/* the state's sectors are not what takes time */
	if (ret || at < NPU_FLASH_GOLDEN_AT)
		return ret;
	f->writes++;
	if (now_ms() - f->start_ms > PROGRESS_AFTER_MS) {
		fprintf(stderr, "\rnpu-fw: %s: %s, %llu of %llu sectors", f->name, f->doing,
			(unsigned long long)f->writes, (unsigned long long)f->n_writes);
		f->shown = true;
	}
	return ret;
}

static int progress_read(void *opaque, uint64_t at, void *to, size_t bytes)
{
	struct cmd_flash *f = opaque;

	return f->file.io.read(f->file.io.opaque, at, to, bytes);
}

void cmd_flash_progress(struct cmd_flash *f, const char *doing, uint64_t n_writes)
{
	if (!isatty(STDERR_FILENO))
		return;
	f->doing = doing;
	f->n_writes = n_writes;
	f->writes = 0;
	f->start_ms = now_ms();
	f->flash.io.read = progress_read;
	f->flash.io.write = progress_write;
	f->flash.io.opaque = f;
}

void cmd_flash_progress_end(struct cmd_flash *f)
{
	if (f->shown)
		fputc('\n', stderr);
	f->shown = false;
}

void cmd_flash_close(struct cmd_flash *f)
{
	npu_flash_file_close(&f->file);
}
