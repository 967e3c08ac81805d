// SPDX-License-Identifier: MIT
/* What goes together is opened; what does not is refused with the command that mends it. */
#include <errno.h>
#include <string.h>

#include "npu.h"
#include "tap.h"
#include "versions.h"

static void refused(enum versions_part part, const char *who, uint32_t found, const char *text,
		    const char *promise)
{
	int rc = versions_check(part, who, found);

	if (!tap_ok(rc == -EPROTO && !strcmp(npu_error_text(), text), "%s", promise))
		tap_diag("%d: %s", rc, npu_error_text());
}

int main(void)
{
	tap_ok(!versions_check(VERSIONS_DRIVER, "node", NPU_VERSION(1, 0)),
	       "a driver of ioctls 1.0 is taken: what came later is off");
	tap_ok(!versions_check(VERSIONS_DRIVER, "node", NPU_IOCTLS_DRIVER_MAX) &&
	       !versions_check(VERSIONS_DEVICE, "node", NPU_COMMANDS_DEVICE_MAX) &&
	       !versions_check(VERSIONS_FIRMWARE, "file", NPU_MESSAGES_FIRMWARE_MAX),
	       "driver, device and firmware of this release are taken");
	tap_ok(!versions_check(VERSIONS_DRIVER, "node", NPU_VERSION(1, 99)) &&
	       !versions_check(VERSIONS_DEVICE, "node", NPU_VERSION(1, 99)),
	       "newer minors are taken: they only add");
	refused(VERSIONS_DRIVER, "/dev/accel/accel0", NPU_VERSION(0, 9),
		"/dev/accel/accel0: the driver speaks ioctls 0.9, this library 1.0-1.1; install "
		"the driver of this release: make install, then modprobe -r npu && modprobe npu",
		"an older driver is refused, a new driver mends it");
	refused(VERSIONS_DRIVER, "/dev/accel/accel0", NPU_VERSION(2, 0),
		"/dev/accel/accel0: the driver speaks ioctls 2.0, this library 1.0-1.1; install "
		"libnpu of this release: make -C libnpu install",
		"a newer driver is refused, a new library mends it");
	refused(VERSIONS_DEVICE, "/dev/accel/accel1", NPU_VERSION(0, 1),
		"/dev/accel/accel1: the device speaks commands 0.1, this library 1.0; use the "
		"device model of this release: make setup",
		"an older device is refused, a new device model mends it");
	refused(VERSIONS_DEVICE, "/dev/accel/accel1", NPU_VERSION(2, 3),
		"/dev/accel/accel1: the device speaks commands 2.3, this library 1.0; install "
		"libnpu of this release: make -C libnpu install",
		"a newer device is refused, a new library mends it");
	refused(VERSIONS_FIRMWARE, "sim: firmware old.fw", NPU_VERSION(0, 9),
		"sim: firmware old.fw: the firmware speaks messages 0.9, this library 1.0-1.1; "
		"install firmware of this release: make -C firmware-loader install",
		"an older firmware is refused, a new firmware mends it");
	return tap_done();
}
