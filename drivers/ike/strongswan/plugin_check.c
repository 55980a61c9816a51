// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugin_check.h"

#include <stdbool.h>
#include <string.h>

static bool is_text(const char *text, size_t max) {
	size_t len = strnlen(text, max);

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] > '~')
			return false;
	}
	return len < max;
}

static bool is_address(const struct nave_ike_host *h) {
	return (h->family == 4 && h->len_bits == 32) || (h->family == 6 && h->len_bits == 128);
}

static const char *check_sa(const struct nave_ike_sa_name *sa) {
	if (sa->direction != NAVE_IKE_INBOUND && sa->direction != NAVE_IKE_OUTBOUND)
		return "an SA that is neither inbound nor outbound";
	if (!is_address(&sa->src) || !is_address(&sa->dst) || sa->src.family != sa->dst.family)
		return "an SA without two addresses of one family";
	return NULL;
}

static const char *check_result(const struct nave_ike_result *r) {
	if (r->status < NAVE_IKE_OK || r->status > NAVE_IKE_REFUSED)
		return "a RESULT of unknown status";
	if (r->h.id == 0)
		return "a RESULT without a request's id";
	return is_text(r->reason, sizeof(r->reason)) ? NULL : "a RESULT whose reason is no text";
}

static const char *check_mapping(const struct nave_ike_mapping *m) {
	if (m->sa.direction != NAVE_IKE_INBOUND)
		return "a MAPPING of an SA that is not inbound";
	if (!is_address(&m->new_src) || m->new_src.family != m->sa.src.family)
		return "a MAPPING to no address";
	return check_sa(&m->sa);
}

static const char *check_body(const union nave_ike_message *m) {
	switch (m->h.type) {
	case NAVE_IKE_HELLO:
		if (m->hello.boot_id == 0)
			return "a HELLO without boot id";
		return is_text(m->hello.name, sizeof(m->hello.name)) ? NULL : "a HELLO whose name is no text";
	case NAVE_IKE_RESULT:
		return check_result(&m->result);
	case NAVE_IKE_EXPIRE:
		return check_sa(&m->expire.sa);
	case NAVE_IKE_MAPPING:
		return check_mapping(&m->mapping);
	default:
		return "a message that is not for the plugin";
	}
}

const char *plugin_check(const union nave_ike_message *m, size_t len_bytes) {
	if (len_bytes < sizeof(m->h))
		return "a message shorter than its header";
	if (m->h.version != NAVE_IKE_VERSION)
		return "a message of another protocol version: nave and the plugin are not of one release";
	if (nave_ike_len_bytes(m->h.type) == 0)
		return "a message of unknown type";
	if (m->h.len_bytes != len_bytes || nave_ike_len_bytes(m->h.type) != len_bytes)
		return "a message of wrong length";
	return check_body(m);
}
