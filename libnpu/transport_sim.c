// SPDX-License-Identifier: MIT
/*
 * The device model in this process. The only file that knows the core library: it makes the
 * device, describes the machine, boots the firmware and serves interrupts.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "npu_core.h"
#include "npu_fw_image.h"
#include "npu_mmu.h"
#include "sim.h"
#include "versions.h"

#define SIM_POLL_US		100
#define SIM_LOG_BYTES		65536

/* What a specification may set */
struct sim_options {
	struct npu_core_config core;
	const char *firmware;		/* file, NULL: the one built in */
};

static const struct machine_key {
	const char *name;
	size_t offset;
} machine_keys[] = {
#define KEY(f) { #f, offsetof(struct npu_machine, f) }
	KEY(cores), KEY(spad_bytes), KEY(fifo_bytes), KEY(macs), KEY(matrix_mhz),
	KEY(vector_bits), KEY(dma_channels), KEY(dma_bytes), KEY(dma_mhz), KEY(dram_mbps),
	KEY(dram_efficiency), KEY(dram_ns), KEY(contexts), KEY(queues),
#undef KEY
};

static int parse_isa(const char *value, enum npu_isa *isa)
{
	static const struct {
		const char *name;
		enum npu_isa isa;
	} names[] = {
		{ "best", NPU_ISA_BEST }, { "scalar", NPU_ISA_SCALAR },
		{ "avx2", NPU_ISA_AVX2 }, { "avx512", NPU_ISA_AVX512 },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(value, names[i].name)) {
			*isa = names[i].isa;
			return 0;
		}
	return npu_fail(-EINVAL, "sim: isa=%s, must be best, scalar, avx2 or avx512", value);
}

static int parse_profile(const char *value, struct npu_machine *m)
{
	if (!strcmp(value, "default"))
		*m = npu_machine_default;
	else if (!strcmp(value, "small"))
		*m = npu_machine_small;
	else
		return npu_fail(-EINVAL, "sim: profile=%s, must be default or small", value);
	return 0;
}

static int parse_number(const char *key, const char *value, uint32_t *out)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(value, &end, 0);
	if (errno || *end || end == value || *value == '-' || n > UINT32_MAX)
		return npu_fail(-EINVAL, "sim: %s=%s is no number of 32 bits", key, value);
	*out = (uint32_t)n;
	return 0;
}

static int parse_key(const char *key, const char *value, struct sim_options *o)
{
	if (!strcmp(key, "profile"))
		return parse_profile(value, &o->core.machine);
	if (!strcmp(key, "isa"))
		return parse_isa(value, &o->core.isa);
	if (!strcmp(key, "threads"))
		return parse_number(key, value, &o->core.threads);
	if (!strcmp(key, "firmware")) {
		o->firmware = value;
		return 0;
	}
	for (size_t i = 0; i < sizeof(machine_keys) / sizeof(machine_keys[0]); i++)
		if (!strcmp(key, machine_keys[i].name))
			return parse_number(key, value, (uint32_t *)((char *)&o->core.machine +
								     machine_keys[i].offset));
	return npu_fail(-EINVAL, "sim: unknown key %s (profile, threads, isa, firmware, cores, "
			"spad_bytes, ...; see libnpu(7))", key);
}

/* Splits "key=value,..." in place. */
static int parse_options(char *args, struct sim_options *o)
{
	char *save = NULL;

	for (char *item = strtok_r(args, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		char *value = strchr(item, '=');
		int rc;

		if (!value)
			return npu_fail(-EINVAL, "sim: %s has no value, wanted key=value", item);
		*value++ = 0;
		rc = parse_key(item, value, o);
		if (rc)
			return rc;
	}
	return 0;
}

/* Bus addresses are addresses of this process; only the driver's part writes them. */
static void *bus_map(void *opaque, uint64_t addr, uint64_t len, bool write, uint64_t *mapped)
{
	(void)opaque;
	(void)write;
	*mapped = len;
	return (void *)(uintptr_t)addr;
}

static void bus_unmap(void *opaque, void *ptr, uint64_t mapped, bool write)
{
	(void)opaque;
	(void)ptr;
	(void)mapped;
	(void)write;
}

static void interrupt(void *opaque, unsigned int vector)
{
	struct sim *s = opaque;

	pthread_mutex_lock(&s->lock);
	if (vector == NPU_MSIX_DONE) {
		s->done_armed = false;
		sim_done_drain(s);
		s->work |= s->held || s->fds;
	} else {
		s->d2h_armed = false;
		sim_mailbox_drain(s);
		s->work = true;
	}
	/* also without news: a waiter may have to arm again */
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static const struct npu_host_ops host_ops = {
	.map = bus_map,
	.unmap = bus_unmap,
	.interrupt = interrupt,
};

uint32_t sim_reg_read(struct sim *s, uint32_t offset)
{
	uint32_t value;

	pthread_mutex_lock(&s->reg_lock);
	value = npu_core_reg_read(s->core, offset);
	pthread_mutex_unlock(&s->reg_lock);
	return value;
}

void sim_reg_write(struct sim *s, uint32_t offset, uint32_t value)
{
	pthread_mutex_lock(&s->reg_lock);
	npu_core_reg_write(s->core, offset, value);
	pthread_mutex_unlock(&s->reg_lock);
}

void sim_reg_write_tail(struct sim *s, uint32_t offset, const uint64_t *value)
{
	pthread_mutex_lock(&s->reg_lock);
	npu_core_reg_write(s->core, offset, (uint32_t)__atomic_load_n(value, __ATOMIC_ACQUIRE));
	pthread_mutex_unlock(&s->reg_lock);
}

int64_t sim_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

bool sim_wait_changed(struct sim *s, int64_t deadline_ns)
{
	struct timespec ts = {
		.tv_sec = deadline_ns / 1000000000,
		.tv_nsec = deadline_ns % 1000000000,
	};

	if (deadline_ns == INT64_MAX)
		return pthread_cond_wait(&s->changed, &s->lock) == 0;
	return pthread_cond_timedwait(&s->changed, &s->lock, &ts) == 0;
}

/* Writes the registers that interrupt handlers must not. */
static void *sim_thread(void *arg)
{
	struct sim *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		if (!s->work) {
			pthread_cond_wait(&s->changed, &s->lock);
			continue;
		}
		s->work = false;
		pthread_mutex_unlock(&s->lock);
		sim_mailbox_arm(s);
		sim_contexts_revive(s);
		sim_queues_kick(s);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* Memory that driver and device share: one mapping, each part on pages of its own. */
static int dma_alloc(struct sim *s)
{
	const size_t part[] = {
		sizeof(*s->boot), SIM_MSG_ENTRIES * sizeof(*s->h2d),
		SIM_MSG_ENTRIES * sizeof(*s->d2h), SIM_DONE_ENTRIES * sizeof(*s->done),
		sizeof(*s->status), SIM_LOG_BYTES,
	};
	enum { N = sizeof(part) / sizeof(part[0]) };
	uint64_t at[N];
	char *base;

	for (int i = 0; i < N; i++) {
		at[i] = s->dma_size;
		s->dma_size += NPU_ALIGN_UP(part[i], (size_t)NPU_PAGE_SIZE);
	}
	base = mmap(NULL, s->dma_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		return npu_fail(-ENOMEM, "sim: no memory for %zu bytes", s->dma_size);
	s->dma = base;
	s->boot = (void *)(base + at[0]);
	s->h2d = (void *)(base + at[1]);
	s->d2h = (void *)(base + at[2]);
	s->done = (void *)(base + at[3]);
	s->status = (void *)(base + at[4]);
	*s->boot = (struct npu_boot_params){
		.size = sizeof(*s->boot),
		.api = NPU_FW_API_MAJOR << 16 | NPU_FW_API_MINOR,
		.h2d_addr = (uintptr_t)s->h2d,
		.d2h_addr = (uintptr_t)s->d2h,
		.done_addr = (uintptr_t)s->done,
		.status_addr = (uintptr_t)s->status,
		.log_addr = (uintptr_t)base + at[5],
		.h2d_entries = SIM_MSG_ENTRIES,
		.d2h_entries = SIM_MSG_ENTRIES,
		.done_entries = SIM_DONE_ENTRIES,
		.log_bytes = SIM_LOG_BYTES,
	};
	return 0;
}

/* sim_firmware.S */
extern const char npu_sim_firmware[], npu_sim_firmware_end[];

/* A file's image in memory of its own. */
static int image_read(const char *file, const void **image, size_t *size)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct stat st = { 0 };
	void *p = MAP_FAILED;
	int rc = 0;

	if (fd < 0 || fstat(fd, &st)) {
		rc = npu_fail(-errno, "sim: firmware %s: %s", file, strerror(errno));
		goto out_close;
	}
	if (st.st_size <= 0 || st.st_size > NPU_FW_MAX_BYTES) {
		rc = npu_fail(-EPROTO, "sim: firmware %s: %lld bytes, must be 1..%u", file,
			      (long long)st.st_size, NPU_FW_MAX_BYTES);
		goto out_close;
	}
	*size = (size_t)st.st_size;
	p = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		rc = npu_fail(-ENOMEM, "sim: no memory for the firmware");
	} else if (read(fd, p, *size) != st.st_size) {
		rc = npu_fail(-EIO, "sim: firmware %s: cannot read", file);
		munmap(p, *size);
	}
	*image = p;
out_close:
	if (fd >= 0)
		close(fd);
	return rc;
}

/* The image on whole pages: of a file, or the one built in. */
static int image_get(const char *file, const void **image, size_t *size)
{
	if (file)
		return image_read(file, image, size);
	*image = npu_sim_firmware;
	*size = (size_t)(npu_sim_firmware_end - npu_sim_firmware);
	return 0;
}

static void image_put(const char *file, const void *image, size_t size)
{
	if (file)
		munmap((void *)(uintptr_t)image, size);
}

static int boot_refused(struct sim *s, const char *file)
{
	uint32_t error = sim_reg_read(s, NPU_REG_ERROR);
	uint32_t found = sim_reg_read(s, NPU_REG_ERROR_FOUND);
	uint32_t wanted = sim_reg_read(s, NPU_REG_ERROR_WANTED);

	/* what the firmware speaks of that which is nearest to ours */
	if (error == NPU_BOOT_API && versions_check(VERSIONS_FIRMWARE, file, wanted))
		return -EPROTO;
	return npu_fail(-EPROTO, "sim: firmware %s refused: boot error %u, found 0x%x, "
			"wanted 0x%x (npu-fw inspect tells more)", file, error, found, wanted);
}

/* Starts the boot ROM and waits for the firmware's first message. */
static int boot(struct sim *s, const char *file)
{
	int64_t deadline = sim_now_ns() + SIM_TIMEOUT_MS * 1000000ll;
	uint64_t addr, params = (uintptr_t)s->boot;
	uint32_t state;
	size_t size = 0;
	const void *image = NULL;
	int rc = image_get(file, &image, &size);

	if (rc)
		return rc;
	addr = (uintptr_t)image;
	sim_reg_write(s, NPU_REG_FW_ADDR_LO, (uint32_t)addr);
	sim_reg_write(s, NPU_REG_FW_ADDR_HI, (uint32_t)(addr >> 32));
	sim_reg_write(s, NPU_REG_FW_SIZE, (uint32_t)size);
	sim_reg_write(s, NPU_REG_BOOT_LO, (uint32_t)params);
	sim_reg_write(s, NPU_REG_BOOT_HI, (uint32_t)(params >> 32));
	sim_reg_write(s, NPU_REG_BOOT, 1);
	while ((state = sim_reg_read(s, NPU_REG_STATE)) == NPU_STATE_BOOTING &&
	       sim_now_ns() < deadline)
		usleep(SIM_POLL_US);
	/* the image is not read after the boot */
	image_put(file, image, size);
	if (state != NPU_STATE_RUNNING)
		return boot_refused(s, file ? file : "built in");
	/* a boot forgets what was armed before */
	sim_mailbox_arm(s);
	pthread_mutex_lock(&s->lock);
	sim_mailbox_drain(s);
	while (!s->replied && !rc)
		if (!sim_wait_changed(s, deadline))
			rc = npu_fail(-EPROTO, "sim: the firmware did not report in %u ms",
				      SIM_TIMEOUT_MS);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static void describe(struct sim *s, struct npu_device_info *info)
{
	const struct {
		uint32_t *field;
		uint32_t reg;
	} regs[] = {
		{ &info->hw_version, NPU_REG_HW_VERSION },
		{ &info->cmd_version, NPU_REG_CMD_VERSION },
		{ &info->cores, NPU_REG_CORES },
		{ &info->spad_bytes, NPU_REG_SPAD_BYTES },
		{ &info->fifo_bytes, NPU_REG_FIFO_BYTES },
		{ &info->macs, NPU_REG_MACS },
		{ &info->matrix_mhz, NPU_REG_MATRIX_MHZ },
		{ &info->vector_bits, NPU_REG_VECTOR_BITS },
		{ &info->dma_channels, NPU_REG_DMA_CHANNELS },
		{ &info->dma_bytes, NPU_REG_DMA_BYTES },
		{ &info->dma_mhz, NPU_REG_DMA_MHZ },
		{ &info->dram_mbps, NPU_REG_DRAM_MBPS },
		{ &info->dram_ns, NPU_REG_DRAM_NS },
		{ &info->contexts, NPU_REG_CONTEXTS },
		{ &info->queues, NPU_REG_QUEUES },
		{ &info->fw_api, NPU_REG_FW_API },
	};

	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		*regs[i].field = sim_reg_read(s, regs[i].reg);
	info->node = "sim";
	memcpy(info->fw_version, s->reply.ready.version, sizeof(info->fw_version));
	info->fw_version[sizeof(info->fw_version) - 1] = 0;
	info->va_min = NPU_VA_MIN;
	info->va_max = 1ull << sim_reg_read(s, NPU_REG_VA_BITS);
}

static void locks_init(struct sim *s)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&s->reg_lock, NULL);
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->request_lock, NULL);
	pthread_mutex_init(&s->create_lock, NULL);
	pthread_mutex_init(&s->kick_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static void sim_close(struct npu_device *dev)
{
	struct sim *s = dev->priv;

	if (s->thread_runs) {
		pthread_mutex_lock(&s->lock);
		s->stop = true;
		pthread_cond_broadcast(&s->changed);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
	}
	npu_core_destroy(s->core);
	if (s->dma)
		munmap(s->dma, s->dma_size);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->kick_lock);
	pthread_mutex_destroy(&s->create_lock);
	pthread_mutex_destroy(&s->request_lock);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->reg_lock);
	free(s);
}

static int start(struct sim *s, const struct sim_options *o)
{
	const char *why = NULL;
	int rc = npu_core_create(&o->core, &host_ops, s, &s->core, &why);

	if (rc == -ENOTSUP)
		return npu_fail(rc, "sim: this host does not have the instruction set wanted");
	if (rc)
		return npu_fail(rc, "sim: machine: %s", why ? why : strerror(-rc));
	rc = dma_alloc(s);
	if (rc)
		return rc;
	if (pthread_create(&s->thread, NULL, sim_thread, s))
		return npu_fail(-EAGAIN, "sim: no thread");
	s->thread_runs = true;
	return boot(s, o->firmware);
}

static int sim_open(struct npu_device *dev, const char *args)
{
	struct sim_options o = {
		.core = { .machine = npu_machine_default, .development = true },
	};
	char *copy = strdup(args ? args : "");
	struct sim *s = calloc(1, sizeof(*s));
	int rc;

	if (!copy || !s) {
		free(copy);
		free(s);
		return npu_fail(-ENOMEM, "sim: no memory");
	}
	rc = parse_options(copy, &o);
	if (rc) {
		free(copy);
		free(s);
		return rc;
	}
	locks_init(s);
	dev->priv = s;
	rc = start(s, &o);
	free(copy);
	if (rc) {
		sim_close(dev);
		return rc;
	}
	describe(s, &dev->info);
	rc = versions_check(VERSIONS_DEVICE, "sim", dev->info.cmd_version);
	if (rc)
		sim_close(dev);
	return rc;
}

/* Memory aligned so that large pages can map it, with the rest of the reservation given back. */
static int sim_buffer_create(struct npu_buffer *buf)
{
	uint64_t align = buf->size >= NPU_LARGE_PAGE_SIZE ? NPU_LARGE_PAGE_SIZE : NPU_PAGE_SIZE;
	uint64_t size = buf->size + align - NPU_PAGE_SIZE;
	uint64_t start, up;
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		return npu_fail(-ENOMEM, "buffer: no memory for %llu bytes",
				(unsigned long long)buf->size);
	start = (uintptr_t)mem;
	up = NPU_ALIGN_UP(start, align);
	if (up > start)
		munmap(mem, up - start);
	if (up + buf->size < start + size)
		munmap((void *)(uintptr_t)(up + buf->size), start + size - up - buf->size);
	buf->priv = (void *)(uintptr_t)up;
	if (align == NPU_LARGE_PAGE_SIZE)
		madvise(buf->priv, buf->size, MADV_HUGEPAGE);
	return 0;
}

static void sim_buffer_destroy(struct npu_buffer *buf)
{
	munmap(buf->priv, buf->size);
}

static int sim_buffer_map(struct npu_buffer *buf, void **out)
{
	*out = buf->priv;
	return 0;
}

/* A free context number; with lock held. */
static int context_reserve(struct sim *s, struct npu_vm *vm)
{
	for (uint32_t i = 0; i < vm->dev->info.contexts; i++)
		if (!s->context[i]) {
			s->context[i] = true;
			vm->id = i;
			return 0;
		}
	return npu_fail(-ENOSPC, "address space: all %u contexts are in use",
			vm->dev->info.contexts);
}

static void context_release(struct sim *s, struct npu_vm *vm)
{
	pthread_mutex_lock(&s->lock);
	s->context[vm->id] = false;
	pthread_mutex_unlock(&s->lock);
}

static int sim_vm_create(struct npu_vm *vm)
{
	struct sim *s = sim_of(vm->dev);
	struct sim_vm *v = calloc(1, sizeof(*v));
	struct npu_msg msg = { .type = NPU_MSG_CONTEXT_CREATE };
	int rc;

	if (!v || sim_pt_init(&v->pt)) {
		free(v);
		return npu_fail(-ENOMEM, "address space: no memory");
	}
	pthread_mutex_lock(&s->lock);
	rc = context_reserve(s, vm);
	pthread_mutex_unlock(&s->lock);
	if (rc)
		goto out_free;
	msg.context_create.context = vm->id;
	msg.context_create.root = (uintptr_t)v->pt.root;
	rc = sim_request(s, &msg);
	if (rc)
		goto out_release;
	vm->priv = v;
	return 0;

out_release:
	context_release(s, vm);
out_free:
	sim_pt_free(&v->pt);
	free(v);
	return rc;
}

static void sim_vm_destroy(struct npu_vm *vm)
{
	struct sim *s = sim_of(vm->dev);
	struct sim_vm *v = vm->priv;
	struct npu_msg msg = { .type = NPU_MSG_CONTEXT_DESTROY, .context.context = vm->id };

	sim_request(s, &msg);
	context_release(s, vm);
	sim_pt_free(&v->pt);
	free(v);
}

static int sim_vm_map(struct npu_vm *vm, struct npu_buffer *buf, uint64_t offset, uint64_t size,
		      uint64_t va, uint32_t flags)
{
	struct sim_vm *v = vm->priv;

	if (sim_pt_map(&v->pt, va, (char *)buf->priv + offset, size, flags & NPU_BIND_WRITE))
		return npu_fail(-ENOMEM, "bind: no memory for page tables");
	return 0;
}

static int sim_vm_unmap(struct npu_vm *vm, uint64_t va, uint64_t size)
{
	struct sim_vm *v = vm->priv;
	struct npu_msg msg = { .type = NPU_MSG_TLB_INVALIDATE };

	sim_pt_unmap(&v->pt, va, size);
	msg.tlb_invalidate.context = vm->id;
	msg.tlb_invalidate.start = va;
	msg.tlb_invalidate.size = size;
	return sim_request(sim_of(vm->dev), &msg);
}

const struct npu_transport npu_transport_sim = {
	.name = "sim",
	.open = sim_open,
	.close = sim_close,
	.buffer_create = sim_buffer_create,
	.buffer_destroy = sim_buffer_destroy,
	.buffer_map = sim_buffer_map,
	.vm_create = sim_vm_create,
	.vm_destroy = sim_vm_destroy,
	.vm_map = sim_vm_map,
	.vm_unmap = sim_vm_unmap,
	.sync_create = sim_sync_create,
	.sync_destroy = sim_sync_destroy,
	.sync_signal = sim_sync_signal,
	.sync_wait = sim_sync_wait,
	.queue_create = sim_queue_create,
	.queue_destroy = sim_queue_destroy,
	.queue_state = sim_queue_state,
	.submit = sim_submit,
	.wait = sim_wait,
	.job_fd = sim_job_fd,
	.job_result = sim_job_result,
};
