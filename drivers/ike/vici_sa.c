// SPDX-License-Identifier: BSD-3-Clause
#include "vici_sa.h"

#include <errno.h>
#include <string.h>

// A number that is none spoils the message: charon writes no such thing.
static void decimal(struct vici_reader *r, const struct vici_text *t, uint32_t *value) {
	r->c.failed |= !vici_decimal(t, value);
}

static void hex(struct vici_reader *r, const struct vici_text *t, uint32_t *value) {
	r->c.failed |= !vici_hex(t, value);
}

static void port(struct vici_reader *r, const struct vici_text *t, uint16_t *value) {
	uint32_t v;

	decimal(r, t, &v);
	r->c.failed |= v > UINT16_MAX;
	*value = (uint16_t)v;
}

static struct addr host(const struct vici_text *t) {
	struct addr a = {.family = ADDR_NONE};
	char text[ADDR_STRLEN];

	if (!vici_copy(t, text, sizeof(text)) || addr_parse(text, &a) < 0)
		return (struct addr){.family = ADDR_NONE};
	return a;
}

// Not REKEYED: another one has its CHILD_SAs.
static bool state_is_established(const struct vici_text *t) {
	return vici_is(t, "ESTABLISHED") || vici_is(t, "REKEYING") || vici_is(t, "DELETING");
}

// --- a CHILD_SA ---
static void child_key(struct vici_reader *r, const struct vici_element *e, struct vici_child_sa *child) {
	if (vici_is(&e->name, "name"))
		vici_copy(&e->value, child->name, sizeof(child->name));
	else if (vici_is(&e->name, "uniqueid"))
		decimal(r, &e->value, &child->id);
	else if (vici_is(&e->name, "spi-in"))
		hex(r, &e->value, &child->spi_in);
	else if (vici_is(&e->name, "spi-out"))
		hex(r, &e->value, &child->spi_out);
}

static void child_read(struct vici_reader *r, struct vici_child_sa *child) {
	struct vici_element e;

	while (vici_next(r, &e) && e.kind != VICI_SECTION_END) {
		if (e.kind == VICI_KEY_VALUE)
			child_key(r, &e, child);
		else if (e.kind == VICI_SECTION_START)
			vici_skip_section(r);
	}
}

static void children_read(struct vici_reader *r, struct vici_ike_sa *sa) {
	struct vici_element e;

	while (vici_next(r, &e) && e.kind != VICI_SECTION_END) {
		if (e.kind != VICI_SECTION_START)
			continue;
		if (sa->n_children < VICI_CHILDREN_MAX)
			child_read(r, &sa->children[sa->n_children]);
		else
			vici_skip_section(r);
		sa->n_children += sa->n_children < UINT16_MAX;
	}
}

// --- an IKE_SA ---
static void ike_key(struct vici_reader *r, const struct vici_element *e, struct vici_ike_sa *sa) {
	if (vici_is(&e->name, "uniqueid"))
		decimal(r, &e->value, &sa->id);
	else if (vici_is(&e->name, "state"))
		sa->is_established = state_is_established(&e->value);
	else if (vici_is(&e->name, "remote-id"))
		vici_copy(&e->value, sa->identity, sizeof(sa->identity));
	else if (vici_is(&e->name, "remote-host"))
		sa->remote = host(&e->value);
	else if (vici_is(&e->name, "remote-port"))
		port(r, &e->value, &sa->remote_port);
}

static void ike_read(struct vici_reader *r, struct vici_ike_sa *sa) {
	struct vici_element e;

	while (vici_next(r, &e) && e.kind != VICI_SECTION_END) {
		if (e.kind == VICI_KEY_VALUE)
			ike_key(r, &e, sa);
		else if (e.kind == VICI_SECTION_START && vici_is(&e.name, "child-sas"))
			children_read(r, sa);
		else if (e.kind == VICI_SECTION_START)
			vici_skip_section(r);
	}
}

int vici_updown_read(const struct vici_reader *message, bool *up, struct vici_ike_sa *sa) {
	struct vici_reader r = *message;
	struct vici_element e;

	*up = false; // charon says up = yes, or nothing
	memset(sa, 0, sizeof(*sa));
	while (vici_next(&r, &e)) {
		if (e.kind == VICI_KEY_VALUE && vici_is(&e.name, "up"))
			*up = vici_is(&e.value, "yes");
		if (e.kind != VICI_SECTION_START)
			continue;
		if (sa->id) // charon tells of one
			vici_skip_section(&r);
		else {
			vici_copy(&e.name, sa->connection, sizeof(sa->connection));
			ike_read(&r, sa);
		}
	}
	return r.c.failed || sa->id == 0 ? -EINVAL : 0;
}

int vici_sa_read(const struct vici_reader *message, struct vici_ike_sa *sa) {
	bool up;

	return vici_updown_read(message, &up, sa);
}

static void rekey_sections(struct vici_reader *r, uint32_t *old_id, uint32_t *new_id) {
	struct vici_element e;
	struct vici_ike_sa sa;

	while (vici_next(r, &e) && e.kind != VICI_SECTION_END) {
		if (e.kind != VICI_SECTION_START)
			continue;
		memset(&sa, 0, sizeof(sa));
		ike_read(r, &sa);
		if (vici_is(&e.name, "old"))
			*old_id = sa.id;
		else if (vici_is(&e.name, "new"))
			*new_id = sa.id;
	}
}

int vici_rekey_read(const struct vici_reader *message, uint32_t *old_id, uint32_t *new_id) {
	struct vici_reader r = *message;
	struct vici_element e;

	*old_id = *new_id = 0;
	while (vici_next(&r, &e))
		if (e.kind == VICI_SECTION_START)
			rekey_sections(&r, old_id, new_id);
	return r.c.failed || *old_id == 0 || *new_id == 0 ? -EINVAL : 0;
}
