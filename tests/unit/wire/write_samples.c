// SPDX-License-Identifier: BSD-3-Clause
// Writes a capture file of every message we can build, in Ethernet, IP and GRE, and prints for each frame what a reader
// should find in it, one line a frame, in the order of judge's fields.
#include "checksum.h"
#include "cursor.h"
#include "gre_wire.h"
#include "nhrp_samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define FRAME_MAX 2048

static const uint16_t gre_forms[] = {0, GRE_FLAG_KEY, GRE_FLAG_CHECKSUM, GRE_FLAG_CHECKSUM | GRE_FLAG_KEY,
	GRE_FLAG_CHECKSUM | GRE_FLAG_KEY | GRE_FLAG_SEQUENCE};

// Outer source and destination are the message's own source NBMA address, as nothing here depends on them.
static void ip_push(struct cursor_out *c, const struct addr *nbma, uint16_t payload_len) {
	uint8_t *header = c->at;

	if (nbma->family == ADDR_IPV4) {
		uint16_t sum;

		cursor_push_u32(c, 0x45c00000u + 20 + payload_len);
		cursor_push_u32(c, 0x00004000);
		cursor_push_u32(c, 64u << 24 | 47 << 16);
		cursor_push(c, nbma->bytes, 4);
		cursor_push(c, nbma->bytes, 4);
		sum = checksum(header, 20);
		memcpy(header + 10, &sum, 2);
	} else {
		cursor_push_u32(c, 0x6c000000);
		cursor_push_u32(c, (uint32_t)payload_len << 16 | 47 << 8 | 64);
		cursor_push(c, nbma->bytes, 16);
		cursor_push(c, nbma->bytes, 16);
	}
}

static size_t frame_build(const struct nhrp_sample *s, uint16_t gre_flags, uint8_t *frame) {
	const struct gre_header gre = {.flags = gre_flags, .protocol = GRE_PROTO_NHRP, .key = 42, .sequence = 7};
	struct cursor_out c = cursor_out_of(frame, FRAME_MAX);
	uint8_t packet[GRE_HEADER_MAX + NHRP_PACKET_MAX];
	uint8_t gre_len = gre_write(&gre, packet);
	int nhrp_len = nhrp_msg_encode(&s->msg, packet + gre_len, NHRP_PACKET_MAX);

	if (nhrp_len < 0)
		return 0;
	if (gre_flags & GRE_FLAG_CHECKSUM)
		gre_checksum_write(packet, (size_t)(gre_len + nhrp_len));
	cursor_push(&c, (const uint8_t *)"\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	cursor_push_u16(&c, s->msg.nbma_family == ADDR_IPV4 ? 0x0800 : 0x86dd);
	ip_push(&c, &s->msg.src_nbma, (uint16_t)(gre_len + nhrp_len));
	cursor_push(&c, packet, (size_t)(gre_len + nhrp_len));
	return c.failed ? 0 : cursor_out_len(&c);
}

static void frame_write(FILE *f, const uint8_t *frame, size_t len) {
	const uint32_t header[4] = {0, 0, (uint32_t)len, (uint32_t)len};

	fwrite(header, sizeof(header), 1, f);
	fwrite(frame, len, 1, f);
}

static void addr_print(const struct addr *a) {
	char text[ADDR_STRLEN];

	printf("|%s", addr_format(a, text));
}

// Frame, GRE flags, key, then fields of the message; the extensions end with End.
static void expectation_print(unsigned frame, uint16_t gre_flags, const struct nhrp_msg *m) {
	bool numbered = !nhrp_type_has_payload(m->type);

	printf("%u|%04x|%s|%u|%u|", frame, gre_flags, gre_flags & GRE_FLAG_KEY ? "42" : "-", m->type, m->hop_count);
	printf(numbered ? "%u|%u" : "-|-", m->flags, m->request_id);
	addr_print(&m->src_nbma);
	addr_print(&m->src_protocol);
	addr_print(&m->dst_protocol);
	printf("|");
	for (unsigned i = 0; i < m->n_exts; i++)
		printf("%u:%u,", m->exts[i].type, m->exts[i].len_bytes);
	printf(m->has_extensions ? "0:0\n" : "-\n");
}

int main(int argc, char **argv) {
	static const uint32_t file_header[] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};
	static struct nhrp_sample s;
	unsigned n = 0;
	FILE *f = argc == 2 ? fopen(argv[1], "wb") : NULL;

	if (!f) {
		fprintf(stderr, "usage: write_samples FILE.pcap\n");
		return 2;
	}
	fwrite(file_header, sizeof(file_header), 1, f);
	for (unsigned i = 0; i < NHRP_SAMPLES; i++) {
		nhrp_sample_build(i, &s);
		for (unsigned g = 0; g < sizeof(gre_forms) / sizeof(gre_forms[0]); g++) {
			uint8_t frame[FRAME_MAX];
			size_t len = frame_build(&s, gre_forms[g], frame);

			if (!len)
				return 1;
			frame_write(f, frame, len);
			expectation_print(++n, gre_forms[g], &s.msg);
		}
	}
	return fclose(f) ? 1 : 0;
}
