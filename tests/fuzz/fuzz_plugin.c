// SPDX-License-Identifier: GPL-2.0-or-later
// What the IKE daemon's plugin takes from the hub's socket. What passes has all that is used later.
#include "fuzz.h"
#include "plugin_check.h"

static void check_sa(const struct nave_ike_sa_name *sa) {
	FUZZ_CHECK(sa->src.family == 4 || sa->src.family == 6);
	FUZZ_CHECK(sa->dst.family == sa->src.family);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
	union nave_ike_message m = {0};

	memcpy(m.bytes, bytes, len < sizeof(m) ? len : sizeof(m));
	if (plugin_check(&m, len))
		return 0;
	FUZZ_CHECK(len == nave_ike_len_bytes(m.h.type) && len <= sizeof(m));
	switch (m.h.type) {
	case NAVE_IKE_HELLO:
		FUZZ_CHECK(memchr(m.hello.name, '\0', sizeof(m.hello.name)));
		break;
	case NAVE_IKE_RESULT:
		FUZZ_CHECK(m.h.id != 0 && memchr(m.result.reason, '\0', sizeof(m.result.reason)));
		break;
	case NAVE_IKE_EXPIRE:
		check_sa(&m.expire.sa);
		break;
	case NAVE_IKE_MAPPING:
		check_sa(&m.mapping.sa);
		FUZZ_CHECK(m.mapping.new_src.family == m.mapping.sa.src.family);
		break;
	default:
		FUZZ_CHECK(!"a type that the plugin does not take");
	}
	return 0;
}
