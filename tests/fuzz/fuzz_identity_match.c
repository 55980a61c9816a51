// SPDX-License-Identifier: BSD-3-Clause
// Identities come out of certificates and IKE messages. Input: the pattern, a line feed, the identity.
#include "fuzz.h"
#include "identity_match.h"

// A folded form is folded already, and is found where it is looked for.
static void identity_check(const char *text) {
	struct identity_form once, twice;

	if (!identity_read(text, &once))
		return;
	FUZZ_CHECK(once.kind != IDENTITY_ANY && !once.is_wild && once.text[0]);
	FUZZ_CHECK(identity_read(once.text, &twice) && identity_compare(&once, &twice) == 0);
	FUZZ_CHECK(identity_hash(&once, 1) == identity_hash(&twice, 1));
	FUZZ_CHECK(identity_match(&once, &twice));
}

static void pair_check(const char *pattern, const char *text) {
	struct identity_form p, id;

	if (identity_pattern_read(pattern, &p) || !identity_read(text, &id))
		return;
	FUZZ_CHECK(memchr(p.text, 0, sizeof(p.text)) && memchr(id.text, 0, sizeof(id.text)));
	if (p.kind == IDENTITY_ANY)
		FUZZ_CHECK(identity_match(&p, &id));
	else if (identity_match(&p, &id))
		FUZZ_CHECK(p.kind == id.kind && (p.is_wild || identity_compare(&p, &id) == 0));
	else
		FUZZ_CHECK(identity_compare(&p, &id) != 0 || p.is_wild);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
	const uint8_t *feed = memchr(bytes, '\n', len);
	size_t pattern_len = feed ? (size_t)(feed - bytes) : len, skip = feed ? pattern_len + 1 : len;
	char *pattern = strndup((const char *)bytes, pattern_len),
	     *text = strndup((const char *)bytes + skip, len - skip);

	FUZZ_CHECK(pattern && text);
	identity_check(text);
	identity_check(pattern);
	pair_check(pattern, text);
	pair_check(text, pattern);
	free(pattern);
	free(text);
	return 0;
}
