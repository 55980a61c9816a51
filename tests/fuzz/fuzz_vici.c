// SPDX-License-Identifier: BSD-3-Clause
// A vici packet: its message as a tree, and as each of the events that are understood.
#include "fuzz.h"
#include "vici_sa.h"

static void check_text(const struct vici_text *t, const uint8_t *bytes, size_t len) {
	const uint8_t *at = (const uint8_t *)t->at;

	FUZZ_CHECK(t->len_bytes == 0 || (at >= bytes && at + t->len_bytes <= bytes + len));
}

static bool walk(struct vici_reader r, const uint8_t *bytes, size_t len) {
	struct vici_element e;
	uint32_t depth = 0;

	while (vici_next(&r, &e)) {
		FUZZ_CHECK(e.kind >= VICI_SECTION_START && e.kind <= VICI_LIST_END);
		depth += e.kind == VICI_SECTION_START;
		FUZZ_CHECK(e.kind != VICI_SECTION_END || depth > 0);
		depth -= e.kind == VICI_SECTION_END;
		FUZZ_CHECK(r.depth == depth);
		check_text(&e.name, bytes, len);
		check_text(&e.value, bytes, len);
	}
	FUZZ_CHECK(r.c.failed || depth == 0);
	return !r.c.failed;
}

static void check_sa(const struct vici_ike_sa *sa) {
	FUZZ_CHECK(sa->id > 0);
	FUZZ_CHECK(memchr(sa->identity, 0, sizeof(sa->identity)));
	FUZZ_CHECK(memchr(sa->connection, 0, sizeof(sa->connection)));
	for (unsigned i = 0; i < VICI_CHILDREN_MAX; i++)
		FUZZ_CHECK(memchr(sa->children[i].name, 0, sizeof(sa->children[i].name)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
	struct vici_packet p;
	struct vici_ike_sa sa;
	uint32_t old_id, new_id;
	bool is_tree, up;

	if (vici_packet_read(bytes, len, &p) < 0)
		return 0;
	FUZZ_CHECK(p.type <= VICI_EVENT);
	check_text(&p.name, bytes, len);
	is_tree = walk(p.message, bytes, len);
	if (vici_updown_read(&p.message, &up, &sa) == 0) {
		FUZZ_CHECK(is_tree);
		check_sa(&sa);
	}
	if (vici_rekey_read(&p.message, &old_id, &new_id) == 0)
		FUZZ_CHECK(is_tree && old_id && new_id);
	return 0;
}
