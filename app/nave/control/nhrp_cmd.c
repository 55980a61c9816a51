// SPDX-License-Identifier: BSD-3-Clause
#include "commands.h"

#include <stdio.h>

#include "nave.h"
#include "nhrp_ctl.h"

static void counter_row(struct out *out, const char *name, uint64_t count, const char *help) {
	out_row(out);
	out_str(out, "name", name);
	out_u64(out, "count", count);
	out_str(out, "help", help);
}

int show_nhrp_statistics(struct nave *nave, const struct console_args *args, struct out *out) {
	const struct nhs *nhs = nave->nhrp ? nhrp_ctl_nhs(nave->nhrp) : NULL;
	const struct nhrp_ctl_stats *st = nave->nhrp ? nhrp_ctl_stats(nave->nhrp) : NULL;

	(void)args;
	out_list(out, "nhrp counters");
	for (unsigned i = 0; nhs && i < NHS_COUNT_MAX; i++)
		counter_row(out, nhs_counter_name(i), nhs->counters[i], nhs_counter_help(i));
	for (unsigned i = 0; st && i < NHRP_CTL_COUNT; i++)
		counter_row(out, nhrp_ctl_counter_name(i), st->counters[i], nhrp_ctl_counter_help(i));
	for (unsigned i = NHRP_ERR_NONE + 1; st && i < NHRP_ERR_COUNT; i++) {
		char name[64];

		snprintf(name, sizeof(name), "decode_%s", nhrp_decode_error_name(i));
		counter_row(out, name, st->decode_errors[i], nhrp_decode_error_help(i));
	}
	return 0;
}

const struct console_cmd nhrp_cmds[] = {
	{"show nhrp statistics", "NHRP messages by type, verdict and reason", show_nhrp_statistics, false},
	{0},
};
