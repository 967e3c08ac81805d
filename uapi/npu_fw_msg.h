/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * What driver and firmware say to each other, all of it in DMA memory that the driver owns:
 * two message rings, a ring a queue, one ring of completion records, one status page.
 *
 * Ring rule: indices count entries since boot modulo 2^32; entry i lies at slot
 * i % entries, entries is a power of two. The producer writes the entry, then the
 * index, with release order. One producer and one consumer each.
 *
 * Extension rules: message types are added, never changed; an unknown one is answered
 * with NPU_MSG_STATUS_UNKNOWN. The API major changes when an old reader would misread,
 * the minor when something is added.
 */
#ifndef NPU_FW_MSG_H
#define NPU_FW_MSG_H

#include "npu_types.h"
#include "npu_cmd.h"
#include "npu_regs.h"

#define NPU_FW_API_MAJOR	1
#define NPU_FW_API_MINOR	1

#define NPU_MSG_RING_ENTRIES_MIN	16
#define NPU_MSG_RING_ENTRIES_MAX	1024
#define NPU_DONE_RING_ENTRIES_MIN	64
#define NPU_DONE_RING_ENTRIES_MAX	65536
#define NPU_QUEUE_ENTRIES_MIN		4
#define NPU_QUEUE_ENTRIES_MAX		4096
#define NPU_LOG_BYTES_MAX		(16u << 20)

/*
 * At NPU_REG_BOOT_LO/HI when the boot starts; read once. Addresses are bus addresses, page
 * aligned.
 */
struct npu_boot_params {
	__u32 size;		/* of this struct */
	__u32 api;		/* of the driver: major << 16 | minor */
	__u64 h2d_addr;		/* struct npu_msg[h2d_entries], driver -> firmware */
	__u64 d2h_addr;		/* struct npu_msg[d2h_entries], firmware -> driver */
	__u64 done_addr;	/* struct npu_done[done_entries] */
	__u64 status_addr;	/* struct npu_status_page */
	__u64 log_addr;		/* text: byte i since boot lies at i % log_bytes; zero: none */
	__u32 h2d_entries;
	__u32 d2h_entries;
	__u32 done_entries;	/* at least the jobs in flight of all queues together */
	__u32 log_bytes;
	__u64 reserved[8];	/* zero */
};
NPU_CHECK_SIZE(struct npu_boot_params, 128);

enum npu_panic {
	NPU_PANIC_TRAP		= 1,	/* an exception; value: mcause */
	NPU_PANIC_WATCHDOG	= 2,	/* the firmware did not come back to its loop */
	NPU_PANIC_CHECK		= 3,	/* an invariant of its own is broken; value: the line */
	NPU_PANIC_STACK		= 4,	/* its stack has run over */
};

/* Why the firmware has stopped; written before EVENT_PANIC and state DEAD. API 1.1. */
struct npu_fw_panic {
	__u32 magic;		/* NPU_PANIC_MAGIC, written last; else there is none */
	__u32 reason;		/* enum npu_panic */
	__u32 cause;		/* mcause */
	__u32 pc;		/* mepc */
	__u32 value;		/* mtval */
	__u32 status;		/* mstatus */
	__u32 regs[32];		/* x0..x31 */
	__u64 model_ns;
	char text[80];		/* ends with zero */
	__u32 pad[2];
};
NPU_CHECK_SIZE(struct npu_fw_panic, 248);
#define NPU_PANIC_MAGIC		0x4e505043u	/* "CPPN" */

/*
 * Written by the device, read by the driver: no register is read in normal operation.
 */
struct npu_status_page {
	__u32 h2d_head;		/* messages consumed */
	__u32 d2h_tail;		/* messages written */
	__u32 done_tail;	/* completion records written */
	__u32 heartbeat;	/* rises while firmware lives, at least every 100 ms of host time */
	__u64 model_ns;		/* modelled time since boot */
	__u64 energy_pj;	/* modelled energy since boot */
	__u64 busy_ns[4];	/* modelled, by enum npu_engine, all cores added */
	__u32 log_tail;		/* bytes of log written since boot */
	__u32 pad[15];
	struct {
		__u32 head;	/* entries taken from the ring */
		__u32 done;	/* jobs finished */
		__u64 progress;	/* MARKs and job ends of this queue since its creation */
	} queue[NPU_MAX_QUEUES];
	struct npu_fw_panic panic;
	__u32 pad2[2];
};
NPU_CHECK_OFFSET(struct npu_status_page, queue, 128);
NPU_CHECK_OFFSET(struct npu_status_page, panic, 128 + 16 * NPU_MAX_QUEUES);
NPU_CHECK_SIZE(struct npu_status_page, 128 + 16 * NPU_MAX_QUEUES + 256);

/* What a firmware can do beyond API 1.0 */
#define NPU_FW_FEATURE_PREEMPT	0x1	/* jobs stop at safe points for others */
#define NPU_FW_FEATURE_PANIC	0x2	/* fills struct npu_fw_panic */
#define NPU_FW_FEATURE_WAIT_NS	0x4
#define NPU_FW_FEATURE_HANG	0x8	/* kills jobs without progress itself: NPU_FAULT_HANG */

enum npu_engine {
	NPU_ENGINE_MATRIX	= 0,
	NPU_ENGINE_VECTOR	= 1,
	NPU_ENGINE_DMA		= 2,	/* LOAD, STORE, GATHER, ... */
	NPU_ENGINE_STREAM	= 3,	/* weights and KV of MATMUL, WROWS, ATTN */
	NPU_ENGINE_COUNT
};

/* Entry of a queue's ring: one job */
struct npu_ring_entry {
	__u64 cmdbuf;		/* device address, 64-byte aligned */
	__u32 cmdbuf_size;	/* bytes */
	__u32 n_params;		/* at most NPU_MAX_PARAMS */
	__u64 seqno;		/* of the queue, rising; comes back in struct npu_done */
	__u64 reserved[5];	/* zero */
	__u64 params[NPU_MAX_PARAMS];
};
NPU_CHECK_SIZE(struct npu_ring_entry, 256);

/* Completion record. Modelled values are those of the job alone. */
struct npu_done {
	__u64 seqno;
	__u16 queue;
	__u16 fault;		/* enum npu_fault */
	__u16 fault_core;
	__u16 fault_opcode;	/* of the command that faulted */
	__u32 fault_offset;	/* of that command in the command buffer, bytes */
	__u32 fault_mark;	/* id of that core's last MARK */
	__u64 fault_addr;	/* device address, or the value refused */
	__u64 model_ns;		/* first command to last result */
	__u64 busy_ns[NPU_ENGINE_COUNT];	/* all cores added */
	__u64 read_bytes;	/* from memory */
	__u64 write_bytes;
	__u64 macs;
	__u64 energy_pj;
	__u64 host_ns;		/* what the emulation took; zero on silicon */
	__u64 commands;		/* executed */
	/* modelled, from the doorbell to the end without model_ns; API 1.1, else zero */
	__u64 wait_ns;
};
NPU_CHECK_SIZE(struct npu_done, 128);

enum npu_msg_type {
	/* requests, driver -> firmware; each is answered by its type | NPU_MSG_REPLY */
	NPU_MSG_PING		= 0x01,	/* any argument; comes back */
	NPU_MSG_CONTEXT_CREATE	= 0x10,
	NPU_MSG_CONTEXT_DESTROY	= 0x11,
	NPU_MSG_TLB_INVALIDATE	= 0x12,
	NPU_MSG_CONTEXT_RESET	= 0x13,	/* clears the fault; queues stay, their jobs are killed */
	NPU_MSG_QUEUE_CREATE	= 0x20,
	NPU_MSG_QUEUE_DESTROY	= 0x21,	/* kills what is left in it */
	NPU_MSG_QUEUE_SUSPEND	= 0x22,	/* takes no further job; answered when none runs */
	NPU_MSG_QUEUE_RESUME	= 0x23,
	NPU_MSG_QUEUE_RESET	= 0x24,	/* kills running and queued jobs: they complete as KILLED */
	NPU_MSG_QUEUE_PRIORITY	= 0x25,
	NPU_MSG_POWER		= 0x30,
	NPU_MSG_TELEMETRY	= 0x31,
	NPU_MSG_REPLY		= 0x8000,

	/* events, firmware -> driver */
	NPU_MSG_EVENT_READY	= 0x4001,	/* first message after boot */
	NPU_MSG_EVENT_FAULT	= 0x4002,	/* a job faulted; see its record, before or after */
	NPU_MSG_EVENT_PANIC	= 0x4003,	/* the firmware has stopped */
};

enum npu_msg_status {
	NPU_MSG_STATUS_OK	= 0,
	NPU_MSG_STATUS_UNKNOWN	= 1,	/* message type */
	NPU_MSG_STATUS_INVALID	= 2,	/* an argument is out of range */
	NPU_MSG_STATUS_BUSY	= 3,	/* id in use, or a context that still has queues */
	NPU_MSG_STATUS_NOENT	= 4,	/* no such context or queue */
	NPU_MSG_STATUS_BUS	= 5,	/* an address cannot be reached */
};

/* Priorities of a queue, highest last; numbers as in npu_drm.h */
#define NPU_PRIORITY_IDLE	0
#define NPU_PRIORITY_NORMAL	1
#define NPU_PRIORITY_HIGH	2
#define NPU_PRIORITY_REALTIME	3
#define NPU_PRIORITY_COUNT	4

struct npu_msg {
	__u16 type;
	__u16 status;		/* replies: enum npu_msg_status; else zero */
	__u32 id;		/* chosen by the driver, comes back in the reply */
	union {
		__u64 arg[7];	/* unused ones zero */
		struct {
			__u32 context;
			__u32 pad;
			__u64 root;	/* bus address of the root page table */
		} context_create;
		struct {
			__u32 context;
			__u32 pad;
		} context;		/* DESTROY, RESET */
		struct {
			__u32 context;
			__u32 pad;
			__u64 start;	/* device addresses; a reply means that no access */
			__u64 size;	/* by an older translation is still under way */
		} tlb_invalidate;
		struct {
			__u32 queue;
			__u32 context;
			__u32 priority;
			__u32 entries;	/* of the ring, power of two */
			__u64 ring;	/* bus address */
		} queue_create;
		struct {
			__u32 queue;
			__u32 priority;	/* QUEUE_PRIORITY only, else zero */
		} queue;
		struct {
			__u32 api;	/* agreed on: the lower of both highest ones */
			__u32 security_version;
			char version[32];	/* text, ends with zero */
			__u32 features;	/* NPU_FW_FEATURE_*; API 1.1, else zero */
			__u32 source;	/* enum npu_fw_source; API 1.1, else zero */
		} ready;
		struct {
			__u32 queue;
			__u32 context;
			__u64 seqno;
			__u64 addr;
			__u32 fault;	/* enum npu_fault */
			__u32 core;
		} fault;
		struct {
			__u32 reason;	/* enum npu_panic */
			__u32 pad;
			__u64 pc;
			__u64 value;
		} panic;
		struct {
			__u32 state;	/* POWER: 0 off, 1 on */
			__u32 mhz;	/* wanted matrix clock; zero: any */
		} power;
		struct {		/* reply to TELEMETRY */
			__u32 matrix_mhz;
			__u32 millicelsius;
			__u64 energy_pj;	/* since boot */
			__u64 jobs;
			__u64 faults;
			__u64 model_ns;
			__u64 instructions;	/* of the control core; API 1.1, else zero */
		} telemetry;
	};
};
NPU_CHECK_SIZE(struct npu_msg, 64);

#endif
