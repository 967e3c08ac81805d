/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints. Times between them are host time; only model_ns is modelled. npu_job_run is the
 * moment of the doorbell, not of the job's start in the device. The scheduler's stable events
 * (gpu_scheduler:*) show the same jobs by fence context and number, as npu_job_submit does.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM npu

#if !defined(NPU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NPU_TRACE_H

#include <linux/device.h>
#include <linux/dma-fence.h>
#include <linux/tracepoint.h>

TRACE_EVENT(npu_job_submit,
	    TP_PROTO(struct device *dev, u32 queue, u64 seqno, struct dma_fence *fence),
	    TP_ARGS(dev, queue, seqno, fence),
	    TP_STRUCT__entry(__string(dev, dev_name(dev))
			     __field(u32, queue)
			     __field(u64, seqno)
			     __field(u64, fence_context)
			     __field(u64, fence_seqno)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->queue = queue;
			   __entry->seqno = seqno;
			   __entry->fence_context = fence->context;
			   __entry->fence_seqno = fence->seqno;),
	    TP_printk("dev=%s queue=%u job=%llu fence=%llu:%llu",
		      __get_str(dev), __entry->queue, __entry->seqno, __entry->fence_context,
		      __entry->fence_seqno)
);

TRACE_EVENT(npu_job_run,
	    TP_PROTO(struct device *dev, u32 queue, u64 seqno, int error),
	    TP_ARGS(dev, queue, seqno, error),
	    TP_STRUCT__entry(__string(dev, dev_name(dev))
			     __field(u32, queue)
			     __field(u64, seqno)
			     __field(int, error)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->queue = queue;
			   __entry->seqno = seqno;
			   __entry->error = error;),
	    TP_printk("dev=%s queue=%u job=%llu error=%d",
		      __get_str(dev), __entry->queue, __entry->seqno, __entry->error)
);

TRACE_EVENT(npu_job_done,
	    TP_PROTO(struct device *dev, u32 queue, u64 seqno, u32 fault, u64 model_ns),
	    TP_ARGS(dev, queue, seqno, fault, model_ns),
	    TP_STRUCT__entry(__string(dev, dev_name(dev))
			     __field(u32, queue)
			     __field(u64, seqno)
			     __field(u32, fault)
			     __field(u64, model_ns)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->queue = queue;
			   __entry->seqno = seqno;
			   __entry->fault = fault;
			   __entry->model_ns = model_ns;),
	    TP_printk("dev=%s queue=%u job=%llu fault=%u model_ns=%llu",
		      __get_str(dev), __entry->queue, __entry->seqno, __entry->fault,
		      __entry->model_ns)
);

TRACE_EVENT(npu_fault,
	    TP_PROTO(struct device *dev, u32 queue, u64 seqno, u32 fault, u64 addr),
	    TP_ARGS(dev, queue, seqno, fault, addr),
	    TP_STRUCT__entry(__string(dev, dev_name(dev))
			     __field(u32, queue)
			     __field(u64, seqno)
			     __field(u32, fault)
			     __field(u64, addr)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->queue = queue;
			   __entry->seqno = seqno;
			   __entry->fault = fault;
			   __entry->addr = addr;),
	    TP_printk("dev=%s queue=%u job=%llu fault=%u addr=%#llx",
		      __get_str(dev), __entry->queue, __entry->seqno, __entry->fault,
		      __entry->addr)
);

TRACE_EVENT(npu_mbox_send,
	    TP_PROTO(struct device *dev, u32 type, u32 id),
	    TP_ARGS(dev, type, id),
	    TP_STRUCT__entry(__string(dev, dev_name(dev))
			     __field(u32, type)
			     __field(u32, id)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->type = type;
			   __entry->id = id;),
	    TP_printk("dev=%s type=%#x id=%u",
		      __get_str(dev), __entry->type, __entry->id)
);

TRACE_EVENT(npu_mbox_reply,
	    TP_PROTO(struct device *dev, u32 type, u32 id, u32 status),
	    TP_ARGS(dev, type, id, status),
	    TP_STRUCT__entry(__string(dev, dev_name(dev))
			     __field(u32, type)
			     __field(u32, id)
			     __field(u32, status)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->type = type;
			   __entry->id = id;
			   __entry->status = status;),
	    TP_printk("dev=%s type=%#x id=%u status=%u",
		      __get_str(dev), __entry->type, __entry->id, __entry->status)
);

TRACE_EVENT(npu_bind,
	    TP_PROTO(struct device *dev, u32 context, u32 type, u64 va, u64 size, int error),
	    TP_ARGS(dev, context, type, va, size, error),
	    TP_STRUCT__entry(__string(dev, dev_name(dev))
			     __field(u32, context)
			     __field(u32, type)
			     __field(u64, va)
			     __field(u64, size)
			     __field(int, error)),
	    TP_fast_assign(__assign_str(dev);
			   __entry->context = context;
			   __entry->type = type;
			   __entry->va = va;
			   __entry->size = size;
			   __entry->error = error;),
	    TP_printk("dev=%s context=%u type=%u va=%#llx size=%#llx error=%d",
		      __get_str(dev), __entry->context, __entry->type, __entry->va,
		      __entry->size, __entry->error)
);

TRACE_EVENT(npu_reset,
	    TP_PROTO(struct device *dev, const char *why),
	    TP_ARGS(dev, why),
	    TP_STRUCT__entry(__string(dev, dev_name(dev))
			     __string(why, why)),
	    TP_fast_assign(__assign_str(dev);
			   __assign_str(why);),
	    TP_printk("dev=%s why=%s",
		      __get_str(dev), __get_str(why))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE npu_trace
#include <trace/define_trace.h>
