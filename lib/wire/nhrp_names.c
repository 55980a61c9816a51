// SPDX-License-Identifier: BSD-3-Clause
#include "nhrp_msg.h"

static const struct {
	const char *name, *help;
} decode_errors[NHRP_ERR_COUNT] = {[NHRP_ERR_NONE] = {"none", "decoded"},
#define X(error, counter, text) [NHRP_ERR_##error] = {counter, text},
	NHRP_DECODE_ERRORS(X)
#undef X
};

static const char *const type_names[] = {
	[NHRP_RESOLUTION_REQUEST] = "Resolution Request",
	[NHRP_RESOLUTION_REPLY] = "Resolution Reply",
	[NHRP_REGISTRATION_REQUEST] = "Registration Request",
	[NHRP_REGISTRATION_REPLY] = "Registration Reply",
	[NHRP_PURGE_REQUEST] = "Purge Request",
	[NHRP_PURGE_REPLY] = "Purge Reply",
	[NHRP_ERROR_INDICATION] = "Error Indication",
	[NHRP_TRAFFIC_INDICATION] = "Traffic Indication",
};

const char *nhrp_decode_error_name(enum nhrp_decode_error e) {
	return (unsigned)e < NHRP_ERR_COUNT ? decode_errors[e].name : "unknown";
}

const char *nhrp_decode_error_help(enum nhrp_decode_error e) {
	return (unsigned)e < NHRP_ERR_COUNT ? decode_errors[e].help : "unknown";
}

const char *nhrp_type_name(uint8_t type) {
	return type >= 1 && type < sizeof(type_names) / sizeof(type_names[0]) ? type_names[type] : "unknown type";
}
