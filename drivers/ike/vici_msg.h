// SPDX-License-Identifier: BSD-3-Clause
// vici packets and messages, as strongSwan's README.vici describes them: a packet has a type, for some types a name,
// and a message, which is a tree of sections, key/value pairs and lists. Reading walks over the caller's bytes and
// copies nothing. No socket, no clock, no malloc.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cursor.h"

#define VICI_PACKET_MAX (512 << 10) // of the protocol, without the length in front

enum vici_type {
	VICI_CMD_REQUEST,
	VICI_CMD_RESPONSE,
	VICI_CMD_UNKNOWN,
	VICI_EVENT_REGISTER,
	VICI_EVENT_UNREGISTER,
	VICI_EVENT_CONFIRM,
	VICI_EVENT_UNKNOWN,
	VICI_EVENT,
};

struct vici_text { // not terminated; any bytes
	const char *at;
	uint16_t len_bytes;
};

bool vici_is(const struct vici_text *t, const char *word);
// Terminated, in a buffer of size bytes. false, and "": it does not fit, or has a NUL in it.
bool vici_copy(const struct vici_text *t, char *out, size_t size);
bool vici_decimal(const struct vici_text *t, uint32_t *value); // digits alone; false: none, or above 2^32-1
bool vici_hex(const struct vici_text *t, uint32_t *value); // 1 to 8 digits without a prefix

// --- reading ---
enum vici_kind {
	VICI_SECTION_START = 1,
	VICI_SECTION_END,
	VICI_KEY_VALUE,
	VICI_LIST_START,
	VICI_LIST_ITEM,
	VICI_LIST_END,
};

struct vici_element {
	uint8_t kind; // enum vici_kind
	struct vici_text name; // of SECTION_START, KEY_VALUE, LIST_START
	struct vici_text value; // of KEY_VALUE, LIST_ITEM
};

struct vici_reader {
	struct cursor c; // failed: the message is no tree, or was cut
	uint32_t depth; // open sections
	bool in_list;
};

struct vici_packet {
	uint8_t type; // enum vici_type
	struct vici_text name;
	struct vici_reader message;
};

// A packet behind its length. -EINVAL: empty, of an unknown type, or its name is cut. The message is not looked at yet.
int vici_packet_read(const uint8_t *bytes, size_t len, struct vici_packet *p);
// The next element. false: the end, or what follows is malformed (c.failed).
bool vici_next(struct vici_reader *r, struct vici_element *e);
void vici_skip_section(struct vici_reader *r); // to the end of the section that was entered last

// --- writing ---
struct vici_writer {
	struct cursor_out c; // failed: it did not fit
};

// Into bytes, with room for the length in front. name: of the command or event.
struct vici_writer vici_write(uint8_t *bytes, size_t cap, enum vici_type type, const char *name);
void vici_put(struct vici_writer *w, const char *key, const char *value);
void vici_put_u32(struct vici_writer *w, const char *key, uint32_t value);
// Puts the length in front. Returns the octets to send, or 0: it did not fit.
size_t vici_write_end(struct vici_writer *w);
