// SPDX-License-Identifier: BSD-3-Clause
// What the IKE daemon's plugin may say (nave_ike.h), judged before anybody looks at it. Pure: no socket, no memory.
#pragma once

#include <stddef.h>

#include "nave_ike.h"

// One list makes enum and words for the log.
#define IKE_MSG_ERRORS(X) \
	X(NONE, "nothing") \
	X(LENGTH, "of another length than its type has") \
	X(VERSION, "of another version of the protocol: hub and plugin do not belong together") \
	X(TYPE, "of a type that a plugin does not send") \
	X(ID, "with a wrong id") \
	X(RESERVED, "with octets set that are reserved") \
	X(RANGE, "with a value out of its range") \
	X(TEXT, "with a text that does not end") \
	X(ADDRESS, "with an address that is none")

enum ike_msg_error {
#define X(name, words) IKE_MSG_##name,
	IKE_MSG_ERRORS(X)
#undef X
		IKE_MSG_ERROR_COUNT
};
const char *ike_msg_error_words(enum ike_msg_error e);

// m holds len_bytes of a packet as it came, at most sizeof(*m). IKE_MSG_NONE: every field may be used.
enum ike_msg_error ike_msg_check(const union nave_ike_message *m, size_t len_bytes);
