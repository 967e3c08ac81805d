#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The device is pulled out of its slot under a client, and put back. Not run by
# itself: somebody has to do both when they are waited for (in QEMU: device_del,
# device_add).
cd "$(dirname "$0")" || exit 1
. ./lib.sh

ktap_print_header
need_device
ktap_set_plan 4

# Tries for half a minute.
in_time()
{
	for _ in $(seq 300); do
		"$@" && return
		sleep 0.1
	done
	return 1
}

there_again() { bound && works; }
gone() { ! find_device >/dev/null && no_node; }

start_load 60
ktap_print_msg 'waiting for the device to be pulled out'
ktap_test_result 'hotplug: a client whose device is pulled out is told so by each call' load_ended 10
ktap_test_result 'hotplug: there is no device and no node' in_time gone
ktap_print_msg 'waiting for the device to be put back'
ktap_test_result 'hotplug: put back, it has a node and works' in_time there_again
ktap_test_result 'hotplug: and can be unloaded' unload_module

ktap_finished
