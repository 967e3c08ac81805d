#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The driver comes and goes: bound and unbound, loaded and unloaded, the device
# pulled out, all of it also while a client works.
cd "$(dirname "$0")" || exit 1
. ./lib.sh

ktap_print_header
need_device
ktap_set_plan 16

ktap_test_result 'module: the driver is bound and has a node' bound
ktap_test_result 'module: a client works' works

unbind
ktap_test_result 'module: without a driver there is no node' no_node
ktap_test_result 'module: the driver can be bound again' bind
ktap_test_result 'module: and works' works

start_load 30
unbind
ktap_test_result 'module: a client whose driver goes is told so by each call' load_ended 10
bind
ktap_test_result 'module: the next client works' works

rebind_often()
{
	for _ in 1 2 3 4 5; do
		start_load 30 && unbind && load_ended 10 && bind || return 1
	done
}
ktap_test_result 'module: unbound and bound five times under load' rebind_often

start_load 30
echo 1 >"/sys/bus/pci/devices/$DEVICE/remove"
ktap_test_result 'module: a client whose device is removed is told so by each call' load_ended 10
ktap_test_result 'module: a removed device has no node' no_node
echo 1 >/sys/bus/pci/rescan
back_again()
{
	for _ in $(seq 50); do
		bound && works && return
		sleep 0.1
	done
	return 1
}
ktap_test_result 'module: a device that comes back works' back_again

busy()
{
	! unload_module
}
exec 9<>"$(ls /dev/accel/accel* | head -n 1)"
ktap_test_result 'module: an open file keeps it loaded' busy
unbind
ktap_test_result 'module: also when the device has gone' busy
exec 9>&-
ktap_test_result 'module: closed, it can be unloaded' unload_module

traces_left()
{
	grep -q npu /proc/interrupts || [ -n "$(find /sys/kernel/debug/accel -mindepth 1)" ] || has_node
}
gone()
{
	! traces_left
}
ktap_test_result 'module: unloaded, nothing of it is left' gone

reload_often()
{
	for _ in 1 2 3; do
		load_module && works && unload_module || return 1
	done
	load_module && works
}
ktap_test_result 'module: loaded and unloaded three times' reload_often

ktap_finished
