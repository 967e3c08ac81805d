/* SPDX-License-Identifier: MIT */
/*
 * The command processor: jobs start, stop, go on and end here.
 */
#ifndef FW_JOB_H
#define FW_JOB_H

#include "hw.h"

struct queue;

struct run {
	struct queue *queue;	/* whose job runs; NULL: none */
	uint32_t priority;	/* that it has had since its start */
	uint32_t limit_ns;	/* of this run; zero: none */
	bool stopping;		/* it has been asked to stop or killed */
	bool hang;		/* killed, for it made no progress */
	bool watched;		/* the watchdog has seen this run */
	uint64_t silent_us;	/* host time without progress */
};

/* Modelled time, the running job included */
uint64_t job_clock(void);

/* Starts the next job of @q, or goes on with its saved one. None runs; there is room for it. */
void job_start(struct queue *q);
/* The running job stops at its next safe point, or ends. */
void job_stop(void);
/* The running job stops at the first safe point after @ns of this run, modelled. */
void job_limit(uint32_t ns);
/* The running job ends at once. */
void job_kill(void);

/* The command processor has something to say. */
void job_event(void);

/* Ends the saved job of @q, or its next one without a start. There is room for its record. */
void job_refuse(struct queue *q, enum npu_fault fault);

/* Shows the running job's progress; kills it if there has been none for too long. */
void job_watch(uint32_t elapsed_us);

#endif
