#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# probe.sh OUT COMPILER FLAGS... - writes OUT with a NPU_HAVE_* line for each probe below that
# compiles against the kernel headers that the flags name.
set -u

out=$1
shift
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

compiles() {
	"$@" -Werror -Wno-unused-variable -Wno-unused-function -Wno-missing-prototypes \
		-Wno-missing-declarations -Wno-unused-but-set-variable \
		-fsyntax-only -x c "$dir/probe.c" 2>"$dir/log"
}

# probe NAME, program on stdin
probe() {
	name=$1
	cat >"$dir/probe.c"
	if compiles $compiler; then
		echo "#define NPU_HAVE_$name 1" >>"$dir/out"
	else
		echo "/* no NPU_HAVE_$name */" >>"$dir/out"
	fi
}

cat >"$dir/probe.c" <<'C'
#include <linux/module.h>
#include <linux/pci.h>
#include <drm/drm_drv.h>
#include <drm/gpu_scheduler.h>
#include <drm/drm_gpuvm.h>
C
compiler=$*
if ! compiles $compiler; then
	cat "$dir/log" >&2
	echo "npu: the kernel headers do not compile at all; see the first error above" >&2
	exit 1
fi
echo "/* Made by compat/probe.sh */" >"$dir/out"

probe SCHED_INIT_ARGS <<'C'
#include <drm/gpu_scheduler.h>
int f(struct drm_gpu_scheduler *s, struct drm_sched_init_args *a) { return drm_sched_init(s, a); }
C

probe SCHED_ARGS_NUM_RQS <<'C'
#include <drm/gpu_scheduler.h>
struct drm_sched_init_args a = { .num_rqs = 1 };
C

probe SCHED_JOB_CLIENT_ID <<'C'
#include <drm/gpu_scheduler.h>
int f(struct drm_sched_job *j, struct drm_sched_entity *e)
{
	return drm_sched_job_init(j, e, 1, NULL, 0ull);
}
C

probe SCHED_NO_HANG <<'C'
#include <drm/gpu_scheduler.h>
enum drm_gpu_sched_stat s = DRM_GPU_SCHED_STAT_NO_HANG;
C

probe GPUVM_MAP_REQ <<'C'
#include <drm/drm_gpuvm.h>
int f(struct drm_gpuvm *vm, struct drm_gpuvm_map_req *r)
{
	r->map.va.addr = 0;
	return drm_gpuvm_sm_map(vm, NULL, r);
}
C

probe GPUVM_BO_OBTAIN_LOCKED <<'C'
#include <drm/drm_gpuvm.h>
struct drm_gpuvm_bo *f(struct drm_gpuvm *vm, struct drm_gem_object *o)
{
	return drm_gpuvm_bo_obtain_locked(vm, o);
}
C

probe DRIVER_GEM_GPUVA <<'C'
#include <drm/drm_drv.h>
u32 f = DRIVER_GEM_GPUVA;
C

probe DRIVER_DATE <<'C'
#include <drm/drm_drv.h>
struct drm_driver d = { .date = "" };
C

probe GEM_IS_IMPORTED <<'C'
#include <drm/drm_gem.h>
bool f(struct drm_gem_object *o) { return drm_gem_is_imported(o); }
C

probe SHMEM_PUT_PAGES_LOCKED <<'C'
#include <drm/drm_gem_shmem_helper.h>
void f(struct drm_gem_shmem_object *s) { drm_gem_shmem_put_pages_locked(s); }
C

mv "$dir/out" "$out"
