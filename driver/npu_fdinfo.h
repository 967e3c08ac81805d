/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /proc/PID/fdinfo, keys as in Documentation/gpu/drm-usage-stats.rst; the driver's own are listed
 * in README.md.
 */
#ifndef NPU_FDINFO_H
#define NPU_FDINFO_H

struct drm_file;
struct drm_printer;

/* drm_driver.show_fdinfo */
void npu_fdinfo_show(struct drm_printer *p, struct drm_file *file);

#endif
