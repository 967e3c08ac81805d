// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of completions that never come: jobs end all the same, by the look that the driver
 * takes when their time is up. Not run by itself: somebody has to make the device drop its
 * interrupts (in QEMU: qom-set npu0 drop-interrupts true) once "waiting" is printed.
 */
#include "../../../kselftest.h"
#include "npu_param.h"
#include "npu_jobs.h"
#include "npu_interrupts.h"

#define TIMEOUT_MS	300
#define PATIENCE	(60 * SEC)

/* Runs jobs until one ends without an interrupt. */
static bool interrupts_stop(struct npu_client *c)
{
	__s64 end = npu_deadline(PATIENCE);

	while (npu_deadline(0) < end) {
		long before = npu_done_interrupts();

		if (!npu_client_adds(c, 1))
			return false;
		if (npu_done_interrupts() == before)
			return true;
		usleep(20000);
	}
	return false;
}

static bool batch_ends(struct npu_client *c)
{
	struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = c->done };
	struct drm_npu_job jobs[DRM_NPU_MAX_JOBS];
	__u32 size = npu_build_append(c, 0);
	__u64 id = 7;

	npu_poke(c, NPU_AT_COUNT, 0);
	for (int i = 0; i < DRM_NPU_MAX_JOBS; i++) {
		jobs[i] = npu_job_at(0, size);
		npu_job_params(&jobs[i], &id, 1);
	}
	npu_job_syncs(&jobs[DRM_NPU_MAX_JOBS - 1], &out, 1);
	return !npu_submit(c->fd, c->queue, jobs, DRM_NPU_MAX_JOBS, NULL) &&
	       !npu_syncobj_wait(c->fd, c->done, 20 * SEC) &&
	       npu_fence_status(c->fd, c->done) == 1 &&
	       npu_peek(c, NPU_AT_COUNT) == DRM_NPU_MAX_JOBS;
}

static bool hang_ends(struct npu_client *c)
{
	struct drm_npu_job_result r;

	return !npu_client_run(c, npu_build_hang(c), NULL, 0, &r) && r.error == -ETIME;
}

int main(void)
{
	struct npu_client c;
	int timeout_ms, ret;

	ksft_print_header();
	timeout_ms = npu_set_param("job_timeout_ms", TIMEOUT_MS);
	ret = npu_client_open(&c);
	if (ret == -ENODEV)
		ksft_exit_skip("no npu device\n");
	if (ret || timeout_ms < 0)
		ksft_exit_fail_msg("no client (%d) or no parameter (%d)\n", ret, timeout_ms);
	ksft_set_plan(4);

	ksft_print_msg("waiting for interrupts to be dropped\n");
	fflush(stdout);
	ksft_test_result(interrupts_stop(&c),
			 "lost interrupt: the job ends and its result is right\n");
	ksft_test_result(npu_client_adds(&c, 9), "lost interrupt: so does the next\n");
	ksft_test_result(batch_ends(&c), "lost interrupt: a full batch ends in order\n");
	ksft_test_result(hang_ends(&c), "lost interrupt: a hang still ends with ETIME\n");
	npu_client_close(&c);
	npu_set_param("job_timeout_ms", timeout_ms);
	ksft_finished();
}
