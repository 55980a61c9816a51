// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugin_jobs.h"

#include <daemon.h>
#include <processing/jobs/callback_job.h>

#include "plugin_wire.h"

struct task {
	plugin_sas_t *sas;
	uint64_t serial;
	bool is_hard;
	struct nave_ike_host new_src;
};

static job_requeue_t run_expire(struct task *task) {
	struct plugin_sa sa;
	host_t *dst;

	if (!plugin_sas_find_serial(task->sas, task->serial, &sa))
		return JOB_REQUEUE_NONE;
	dst = plugin_wire_to_host(&sa.name.dst);
	charon->kernel->expire(charon->kernel, IPPROTO_ESP, htonl(sa.name.spi), dst, task->is_hard);
	dst->destroy(dst);
	return JOB_REQUEUE_NONE;
}

static job_requeue_t run_mapping(struct task *task) {
	host_t *dst, *new_src;
	struct plugin_sa sa;

	if (!plugin_sas_find_serial(task->sas, task->serial, &sa))
		return JOB_REQUEUE_NONE;
	dst = plugin_wire_to_host(&sa.name.dst);
	new_src = plugin_wire_to_host(&task->new_src);
	charon->kernel->mapping(charon->kernel, IPPROTO_ESP, htonl(sa.name.spi), dst, new_src);
	new_src->destroy(new_src);
	dst->destroy(dst);
	return JOB_REQUEUE_NONE;
}

static job_t *job_of(callback_job_cb_t run, const struct task *task) {
	struct task *copy = malloc_thing(struct task);

	*copy = *task;
	return (job_t *)callback_job_create(run, copy, free, NULL);
}

void plugin_jobs_expire(plugin_sas_t *sas, uint64_t serial, bool is_hard, uint32_t after_s) {
	const struct task task = {.sas = sas, .serial = serial, .is_hard = is_hard};
	job_t *job = job_of((callback_job_cb_t)run_expire, &task);

	if (after_s)
		lib->scheduler->schedule_job(lib->scheduler, job, after_s);
	else
		lib->processor->queue_job(lib->processor, job);
}

void plugin_jobs_mapping(plugin_sas_t *sas, uint64_t serial, const struct nave_ike_host *new_src) {
	const struct task task = {.sas = sas, .serial = serial, .new_src = *new_src};

	lib->processor->queue_job(lib->processor, job_of((callback_job_cb_t)run_mapping, &task));
}
