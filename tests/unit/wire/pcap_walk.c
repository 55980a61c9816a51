// SPDX-License-Identifier: BSD-3-Clause
#include "pcap_walk.h"

#include "cursor.h"
#include "esp_wire.h"

#include <errno.h>
#include <stdio.h>

#define PCAP_MAGIC 0xa1b2c3d4u
#define PCAP_LINK_ETHERNET 1
#define FRAME_MAX 65536

struct pcap_file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snap_len, link;
};

struct pcap_frame_header {
	uint32_t seconds, microseconds, captured_len, len;
};

// NAT moves the spoke's port, so either end counts.
static enum pcap_kind kind_of_udp(struct cursor *c) {
	uint16_t from = cursor_pull_u16(c), to = cursor_pull_u16(c);
	uint16_t len = cursor_pull_u16(c);

	cursor_pull_u16(c);
	if (c->failed || len < 8 || len - 8u > cursor_left(c))
		return PCAP_OTHER;
	c->end = c->at + len - 8;
	if (from == UDP_PORT_NATT || to == UDP_PORT_NATT)
		return PCAP_NATT;
	return from == UDP_PORT_IKE || to == UDP_PORT_IKE ? PCAP_IKE : PCAP_OTHER;
}

// Leaves the cursor at the payload, without link padding.
static enum pcap_kind kind_of_frame(struct cursor *c) {
	const uint8_t *ethernet = cursor_pull(c, 14), *ip = c->at;
	unsigned header_len, total_len;

	if (!ethernet || ethernet[12] != 0x08 || ethernet[13] != 0x00 || cursor_left(c) < 20)
		return PCAP_OTHER;
	header_len = (ip[0] & 15) * 4;
	total_len = ip[2] << 8 | ip[3];
	if (header_len < 20 || total_len < header_len || total_len > cursor_left(c) || (ip[6] & 0x3f) || ip[7])
		return PCAP_OTHER;
	c->end = ip + total_len;
	cursor_pull(c, header_len);
	switch (ip[9]) {
	case 17:
		return kind_of_udp(c);
	case 47:
		return PCAP_GRE;
	case 50:
		return PCAP_ESP;
	default:
		return PCAP_OTHER;
	}
}

static int walk(FILE *f, pcap_visit visit, void *arg) {
	static uint8_t bytes[FRAME_MAX];
	struct pcap_file_header file;
	struct pcap_frame_header frame;
	int n = 0;

	if (fread(&file, sizeof(file), 1, f) != 1 || file.magic != PCAP_MAGIC || file.link != PCAP_LINK_ETHERNET)
		return -EBADMSG;
	while (fread(&frame, sizeof(frame), 1, f) == 1) {
		struct cursor c = cursor_of(bytes, frame.captured_len);
		enum pcap_kind kind;

		if (frame.captured_len > FRAME_MAX || fread(bytes, frame.captured_len, 1, f) != 1)
			return -EBADMSG;
		kind = kind_of_frame(&c);
		if (kind == PCAP_OTHER)
			c = cursor_of(bytes, frame.captured_len);
		visit(arg, (unsigned)++n, kind, c.at, cursor_left(&c));
	}
	return n;
}

int pcap_walk(const char *path, pcap_visit visit, void *arg) {
	FILE *f = fopen(path, "rb");
	int n;

	if (!f)
		return -errno;
	n = walk(f, visit, arg);
	fclose(f);
	return n;
}
