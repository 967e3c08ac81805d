/* SPDX-License-Identifier: MIT */
/*
 * The matrix engine: MATMUL streams weights strip by strip; WROWS picks rows out of them.
 */
#include <stdlib.h>
#include <string.h>

#include "exec.h"
#include "job.h"
#include "strip.h"

/* A part of a MATMUL is about so much, whichever comes first: */
#define PART_BYTES	(128u << 10)
#define PART_MACS	(8u << 20)
/* Commands that take the host less than this are not shared between threads. */
#define SHARE_NS	20000

/* A MATMUL under way, seen by all threads that help with it */
struct matmul {
	struct npu_stream *s;
	const struct npu_cmd_matmul *c;
	const void *act;
	float *out;
	uint64_t w;
	uint64_t strip_bytes;
	uint32_t m;
	uint32_t strips;
	uint32_t part_strips;
	/* the fault at the lowest address, of all threads */
	pthread_mutex_t lock;
	enum npu_fault fault;
	uint64_t fault_va;
};

static bool part_fault(struct matmul *mm, enum npu_fault fault, uint64_t va)
{
	pthread_mutex_lock(&mm->lock);
	if (!mm->fault || va < mm->fault_va) {
		mm->fault = fault;
		mm->fault_va = va;
	}
	pthread_mutex_unlock(&mm->lock);
	return false;
}

/* @strips strips from host memory @w. */
static void multiply(const struct matmul *mm, const void *w, uint32_t strip, uint32_t strips)
{
	const struct npu_cmd_matmul *c = mm->c;
	struct npu_matmul a = {
		.act = mm->act,
		.lda = c->lda,
		.w = w,
		.out = mm->out + (size_t)strip * NPU_STRIP_ROWS,
		.ldo = c->ldo,
		.m = mm->m,
		.strips = strips,
		.k = c->k,
	};

	mm->s->kern->matmul[c->wtype](&a);
}

/*
 * A copy of the strip at @va, whose bytes do not lie together in the host; *bounce is made when
 * needed.
 */
static bool gather_strip(struct matmul *mm, uint64_t va, uint64_t payload, uint8_t **bounce)
{
	enum npu_fault fault;
	uint64_t run;

	if (!*bounce)
		*bounce = aligned_alloc(64, NPU_ALIGN_UP(payload, 64));
	if (!*bounce)
		return part_fault(mm, NPU_FAULT_BUS, va);
	for (uint64_t done = 0; done < payload; done += run) {
		const uint8_t *w = npu_mmu_run(mm->s->mmu, va + done, payload - done, false, &run,
					       &fault);

		if (!w)
			return part_fault(mm, fault, va + done);
		memcpy(*bounce + done, w, run);
	}
	return true;
}

/* Strips from..end; the last one ends with its payload. */
static bool multiply_strips(struct matmul *mm, uint32_t strip, uint32_t end, uint8_t **bounce)
{
	uint64_t payload = npu_strip_payload(mm->c->wtype, mm->c->k), run;
	enum npu_fault fault;

	while (strip < end) {
		uint64_t va = mm->w + strip * mm->strip_bytes;
		uint64_t len = (end - strip - 1) * mm->strip_bytes + payload;
		const uint8_t *w = npu_mmu_run(mm->s->mmu, va, len, false, &run, &fault);
		uint32_t whole = 1;

		if (!w)
			return part_fault(mm, fault, va);
		if (run == len) {
			whole = end - strip;
		} else if (run >= payload) {
			whole = 1 + (uint32_t)((run - payload) / mm->strip_bytes);
		} else {
			if (!gather_strip(mm, va, payload, bounce))
				return false;
			w = *bounce;
		}
		multiply(mm, w, strip, whole);
		strip += whole;
	}
	return true;
}

static bool matmul_part(void *opaque, uint32_t i)
{
	struct matmul *mm = opaque;
	uint32_t strip = i * mm->part_strips;
	uint32_t end = mm->strips - strip < mm->part_strips ? mm->strips : strip + mm->part_strips;
	uint8_t *bounce = NULL;
	bool ok;

	if (npu_attention(mm->s->gate) & NPU_ATTEND_FAULT &&
	    mm->s->core > __atomic_load_n(&mm->s->job->stop_core, __ATOMIC_RELAXED))
		return false;
	ok = multiply_strips(mm, strip, end, &bounce);
	free(bounce);
	return ok;
}

/* Does all parts, with other threads if there are any and it is worth it. */
static enum npu_step matmul_run(struct matmul *mm, uint64_t host_ns)
{
	uint32_t parts = (mm->strips + mm->part_strips - 1) / mm->part_strips;
	struct npu_stream *s = mm->s;
	bool shared = s->shares && parts > 1 && host_ns > SHARE_NS;
	bool stopped = false;

	npu_split_start(&s->split, parts, matmul_part, mm);
	if (shared)
		npu_job_share(s->job, &s->split);
	while (!stopped && !npu_split_done(&s->split)) {
		npu_split_work(&s->split, s->gate);
		stopped = npu_stream_stopped(s);
	}
	if (shared)
		npu_split_close(&s->split, s->gate);
	if (mm->fault)
		return npu_exec_fault(s, mm->fault, mm->fault_va);
	/* Parts may have been left by a stop that we have not seen ourselves. */
	return stopped || npu_stream_stopped(s) ? NPU_STEP_STOPPED : NPU_STEP_OK;
}

enum npu_step npu_exec_matmul(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_matmul *c = op->cmd;
	bool q8 = c->atype == NPU_ATYPE_Q8;
	uint64_t act_row = q8 ? NPU_ACT_Q8_ROW_BYTES((uint64_t)c->k) : 4ull * c->k;
	uint64_t act_stride = q8 ? act_row : 4ull * c->lda;
	struct matmul mm = { .s = s, .c = c };
	struct npu_work w = { 0 };
	uint64_t macs, host_ns;
	void *act, *out;
	enum npu_step step;

	NPU_TRY(npu_exec_count(s, &c->m, &mm.m));
	if (mm.m > NPU_MAX_M)
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, mm.m);
	NPU_TRY(npu_exec_addr(s, &c->w, NPU_WEIGHT_ALIGN, &mm.w));
	NPU_TRY(npu_exec_rows(s, c->act, mm.m, act_row, act_stride, false, &act));
	NPU_TRY(npu_exec_rows(s, c->out, mm.m, 4ull * c->n, 4ull * c->ldo, true, &out));
	if (npu_exec_overlap(c->act, mm.m, act_row, act_stride, c->out, mm.m, 4ull * c->n,
			     4ull * c->ldo))
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, c->out);
	if (!mm.m)
		return npu_exec_log(s, &c->hdr, &w);

	mm.act = act;
	mm.out = out;
	mm.strips = c->n / NPU_STRIP_ROWS;
	mm.strip_bytes = npu_strip_bytes(c->wtype, c->k);
	macs = (uint64_t)mm.m * NPU_STRIP_ROWS * c->k;	/* of a strip */
	mm.part_strips = 1 + (uint32_t)(PART_BYTES / mm.strip_bytes);
	if (mm.part_strips > PART_MACS / macs)
		mm.part_strips = PART_MACS / macs ? (uint32_t)(PART_MACS / macs) : 1;
	macs *= mm.strips;

	w.stream_bytes = mm.strips * mm.strip_bytes;
	if (mm.w > UINT64_MAX - w.stream_bytes)
		return npu_exec_fault(s, NPU_FAULT_OVERFLOW, mm.w);
	w.matrix_cycles = npu_cycles_matmul(s->machine, c->wtype, mm.m, c->n, c->k);
	w.spad_bytes = mm.m * (act_row + 4ull * c->n);
	if (q8)
		w.macs_int8 = macs;
	else
		w.macs_float = macs;
	host_ns = (w.macs_int8 >> 6) + (w.macs_float >> 4) + (w.stream_bytes >> 4);

	pthread_mutex_init(&mm.lock, NULL);
	step = matmul_run(&mm, host_ns);
	pthread_mutex_destroy(&mm.lock);
	NPU_TRY(step);
	return npu_exec_log(s, &c->hdr, &w);
}

/* Elements of row @r of the strip at @va as floats. */
static enum npu_step weight_row(struct npu_stream *s, const struct npu_cmd_wrows *c, uint64_t va,
				uint32_t r, float *dst)
{
	uint32_t unit = npu_unit_elements(c->wtype), unit_bytes = npu_unit_bytes(c->wtype);
	uint64_t payload = npu_strip_payload(c->wtype, c->k), run;
	uint8_t bounce[NPU_UNIT_BYTES_MAX] __attribute__((aligned(64)));

	for (uint32_t k = 0, n; k < c->k; k += n) {
		uint64_t at = (uint64_t)(k / unit) * unit_bytes, left = payload - at;
		const void *w = npu_exec_run(s, va + at, left, false, &run);

		if (!w)
			return NPU_STEP_FAULT;
		if (run == left) {
			n = c->k - k;
		} else if (run >= unit_bytes) {
			n = (uint32_t)(run / unit_bytes) * unit;
		} else {
			w = npu_exec_in(s, va + at, left < unit_bytes ? left : unit_bytes, bounce);
			if (!w)
				return NPU_STEP_FAULT;
			n = c->k - k < unit ? c->k - k : unit;
		}
		s->kern->wrow[c->wtype](w, r, n, dst + k);
	}
	return NPU_STEP_OK;
}

enum npu_step npu_exec_wrows(struct npu_stream *s, const struct npu_op *op)
{
	const struct npu_cmd_wrows *c = op->cmd;
	uint64_t strip_bytes = npu_strip_bytes(c->wtype, c->k), base;
	struct npu_work w = { 0 };
	uint32_t count, row;
	void *dst, *index;

	NPU_TRY(npu_exec_count(s, &c->count, &count));
	NPU_TRY(npu_exec_addr(s, &c->w, NPU_WEIGHT_ALIGN, &base));
	NPU_TRY(npu_exec_rows(s, c->dst, count, 4ull * c->k, 4ull * c->dst_stride, true, &dst));
	NPU_TRY(npu_exec_spad(s, c->index, 4ull * count, &index));
	if (count && npu_exec_overlap(c->dst, count, 4ull * c->k, 4ull * c->dst_stride, c->index, 1,
				      4ull * count, 0))
		return npu_exec_fault(s, NPU_FAULT_BAD_FIELD, c->index);
	if (base > UINT64_MAX - npu_weight_bytes(c->wtype, c->n, c->k))
		return npu_exec_fault(s, NPU_FAULT_OVERFLOW, base);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t va;

		memcpy(&row, (const uint8_t *)index + 4ull * i, 4);
		if (row >= c->n)
			return npu_exec_fault(s, NPU_FAULT_INDEX, row);
		va = base + row / NPU_STRIP_ROWS * strip_bytes;
		NPU_TRY(weight_row(s, c, va, row % NPU_STRIP_ROWS,
				   (float *)dst + (size_t)i * c->dst_stride));
		if (npu_stream_stopped(s))
			return NPU_STEP_STOPPED;
	}
	w.stream_bytes = count * (strip_bytes / NPU_STRIP_ROWS);
	w.vector_ops = (uint64_t)count * c->k * NPU_VOPS_COPY;
	w.vector_cycles = npu_cycles_vector(s->machine, (uint64_t)count * c->k, NPU_VOPS_COPY);
	w.spad_bytes = 4ull * count * c->k;
	return npu_exec_log(s, &c->hdr, &w);
}
