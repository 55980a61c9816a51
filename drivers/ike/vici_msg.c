// SPDX-License-Identifier: BSD-3-Clause
#include "vici_msg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// --- text ---
bool vici_is(const struct vici_text *t, const char *word) {
	return t->len_bytes == strlen(word) && memcmp(t->at, word, t->len_bytes) == 0;
}

bool vici_copy(const struct vici_text *t, char *out, size_t size) {
	out[0] = '\0';
	if (t->len_bytes >= size || memchr(t->at, '\0', t->len_bytes))
		return false;
	memcpy(out, t->at, t->len_bytes);
	out[t->len_bytes] = '\0';
	return true;
}

static int digit(char c, unsigned base) {
	int d = c >= '0' && c <= '9'   ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10
				       : -1;

	return d < (int)base ? d : -1;
}

static bool number(const struct vici_text *t, unsigned base, uint32_t *value) {
	uint64_t v = 0;

	*value = 0;
	if (t->len_bytes == 0)
		return false;
	for (uint16_t i = 0; i < t->len_bytes; i++) {
		int d = digit(t->at[i], base);

		v = v * base + (unsigned)d;
		if (d < 0 || v > UINT32_MAX)
			return false;
	}
	*value = (uint32_t)v;
	return true;
}

bool vici_decimal(const struct vici_text *t, uint32_t *value) {
	return number(t, 10, value);
}

bool vici_hex(const struct vici_text *t, uint32_t *value) {
	*value = 0;
	return t->len_bytes <= 8 && number(t, 16, value);
}

// --- reading ---
// The bytes of a text that does not fit are none, so that its length is 0 too.
static struct vici_text pull_text(struct cursor *c, uint16_t len) {
	const uint8_t *p = cursor_pull(c, len);

	return (struct vici_text){p ? (const char *)p : "", p ? len : 0};
}

static bool has_name(uint8_t type) {
	return type == VICI_CMD_REQUEST || type == VICI_EVENT_REGISTER || type == VICI_EVENT_UNREGISTER ||
	       type == VICI_EVENT;
}

int vici_packet_read(const uint8_t *bytes, size_t len, struct vici_packet *p) {
	struct cursor c = cursor_of(bytes, len);

	*p = (struct vici_packet){.type = cursor_pull_u8(&c), .name = {.at = ""}};
	if (has_name(p->type))
		p->name = pull_text(&c, cursor_pull_u8(&c));
	p->message.c = c;
	return c.failed || p->type > VICI_EVENT ? -EINVAL : 0;
}

// In a list are items alone; sections and lists are closed where they were opened.
static bool is_in_place(const struct vici_reader *r, uint8_t kind) {
	switch (kind) {
	case VICI_SECTION_START:
	case VICI_KEY_VALUE:
	case VICI_LIST_START:
		return !r->in_list;
	case VICI_SECTION_END:
		return !r->in_list && r->depth > 0;
	case VICI_LIST_ITEM:
	case VICI_LIST_END:
		return r->in_list;
	default:
		return false;
	}
}

static bool fail(struct vici_reader *r) {
	r->c.failed = true;
	r->c.at = r->c.end;
	return false;
}

bool vici_next(struct vici_reader *r, struct vici_element *e) {
	*e = (struct vici_element){.name = {.at = ""}, .value = {.at = ""}};
	if (cursor_left(&r->c) == 0)
		return r->depth || r->in_list ? fail(r) : false;
	e->kind = cursor_pull_u8(&r->c);
	if (!is_in_place(r, e->kind))
		return fail(r);
	if (e->kind == VICI_SECTION_START || e->kind == VICI_KEY_VALUE || e->kind == VICI_LIST_START)
		e->name = pull_text(&r->c, cursor_pull_u8(&r->c));
	if (e->kind == VICI_KEY_VALUE || e->kind == VICI_LIST_ITEM)
		e->value = pull_text(&r->c, cursor_pull_u16(&r->c));
	if (r->c.failed)
		return false;
	r->depth += e->kind == VICI_SECTION_START;
	r->depth -= e->kind == VICI_SECTION_END;
	r->in_list = e->kind == VICI_LIST_START || e->kind == VICI_LIST_ITEM;
	return true;
}

void vici_skip_section(struct vici_reader *r) {
	uint32_t outer = r->depth - 1;
	struct vici_element e;

	while (r->depth > outer && vici_next(r, &e))
		;
}

// --- writing ---
static void push_text(struct cursor_out *c, const char *text, size_t len) {
	cursor_push(c, (const uint8_t *)text, len);
}

static void push_name(struct cursor_out *c, const char *name) {
	size_t len = strlen(name);

	c->failed |= len > UINT8_MAX;
	cursor_push_u8(c, (uint8_t)len);
	push_text(c, name, len);
}

struct vici_writer vici_write(uint8_t *bytes, size_t cap, enum vici_type type, const char *name) {
	struct vici_writer w = {cursor_out_of(bytes, cap)};

	cursor_push_u32(&w.c, 0);
	cursor_push_u8(&w.c, (uint8_t)type);
	push_name(&w.c, name);
	return w;
}

void vici_put(struct vici_writer *w, const char *key, const char *value) {
	size_t len = strlen(value);

	cursor_push_u8(&w->c, VICI_KEY_VALUE);
	push_name(&w->c, key);
	w->c.failed |= len > UINT16_MAX;
	cursor_push_u16(&w->c, (uint16_t)len);
	push_text(&w->c, value, len);
}

void vici_put_u32(struct vici_writer *w, const char *key, uint32_t value) {
	char text[11];

	snprintf(text, sizeof(text), "%u", value);
	vici_put(w, key, text);
}

size_t vici_write_end(struct vici_writer *w) {
	size_t len = cursor_out_len(&w->c);
	struct cursor_out front = cursor_out_of(w->c.start, 4);

	if (w->c.failed || len - 4 > VICI_PACKET_MAX)
		return 0;
	cursor_push_u32(&front, (uint32_t)(len - 4));
	return len;
}
