// SPDX-License-Identifier: BSD-3-Clause
// Every packet of the captures of real peers (FRR, OpenNHRP, strongSwan): each is classified, each NHRP message decodes
// and encodes to the same bytes, but for the exceptions listed here.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cursor.h"
#include "esp_wire.h"
#include "gre_wire.h"
#include "ike_wire.h"
#include "nhrp_msg.h"
#include "pcap_walk.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct counts {
	unsigned nhrp, gre, esp, natt_esp, natt_ike, keepalive, ike;
};

// Packets in each file, in the order of struct counts; gre: those that carry no NHRP.
static const struct {
	const char *file;
	struct counts want;
} captures[] = {
	{"stage-a-frr84.pcap", {14, 68, 0, 0, 0, 0, 0}},
	{"stage-a.pcap", {14, 70, 0, 0, 0, 0, 0}},
	{"stage-b-badauth.pcap", {22, 0, 0, 0, 0, 0, 0}},
	{"stage-b-csum.pcap", {14, 36, 0, 0, 0, 0, 0}},
	{"stage-b-unique.pcap", {30, 0, 0, 0, 0, 0, 0}},
	{"stage-b.pcap", {48, 74, 0, 0, 0, 0, 0}},
	{"stage-c.pcap", {0, 0, 70, 0, 0, 0, 43}},
	{"stage-d-bgp.pcap", {14, 91, 0, 0, 0, 0, 0}},
	{"stage-d-ospf.pcap", {14, 101, 0, 0, 0, 0, 0}},
	{"stage-e-inside.pcap", {7, 40, 0, 0, 0, 0, 0}},
	{"stage-e-ipsec-inside.pcap", {0, 0, 0, 47, 7, 0, 4}},
	{"stage-e-ipsec.pcap", {0, 0, 13, 45, 14, 0, 6}},
	{"stage-e.pcap", {14, 46, 0, 0, 0, 0, 0}},
	{"stage-f.pcap", {0, 0, 26, 0, 0, 0, 28}},
	{"stage-p-frrhub.pcap", {20, 50, 0, 0, 0, 0, 0}},
	{"stage-p-opennhrp.pcap", {27, 38, 0, 0, 0, 0, 0}},
};

// Packets that do not come back byte for byte, and why.
static const struct {
	const char *file;
	unsigned frame;
	const char *why;
} not_identical[] = {
	{"stage-p-opennhrp.pcap", 64, "OpenNHRP counts 16 zero bytes behind End in pktsz of an Error Indication"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct walk {
	const char *file;
	struct counts seen;
	unsigned exceptions;
};

static const char *why_not_identical(const char *file, unsigned frame) {
	for (unsigned i = 0; i < COUNT(not_identical); i++)
		if (!strcmp(not_identical[i].file, file) && not_identical[i].frame == frame)
			return not_identical[i].why;
	return NULL;
}

static void check_extensions(const struct walk *w, unsigned frame, const struct nhrp_msg *m) {
	struct nhrp_cie cies[NHRP_CIE_MAX];
	uint8_t again[NHRP_PACKET_MAX];

	for (unsigned i = 0; i < m->n_exts; i++) {
		const struct nhrp_ext *x = &m->exts[i];
		int n;

		if (x->type < NHRP_EXT_RESPONDER_ADDRESS || (x->type > NHRP_EXT_REVERSE_TRANSIT && !nhrp_ext_is_nat(x)))
			continue;
		n = nhrp_ext_cies(m, x, cies, NHRP_CIE_MAX);
		if (n < 0)
			fail_msg("%s frame %u: extension %u: %d", w->file, frame, x->type, n);
		assert_int_equal(nhrp_cies_encode(m, cies, (unsigned)n, again, sizeof(again)), x->len_bytes);
		assert_memory_equal(again, x->value, x->len_bytes);
	}
}

static void check_nhrp(struct walk *w, unsigned frame, const uint8_t *bytes, size_t len) {
	const char *why = why_not_identical(w->file, frame);
	uint8_t again[NHRP_PACKET_MAX];
	enum nhrp_decode_error e;
	struct nhrp_msg m;
	int again_len;

	w->seen.nhrp++;
	e = nhrp_msg_decode(bytes, len, &m);
	if (e)
		fail_msg("%s frame %u: %s", w->file, frame, nhrp_decode_error_name(e));
	again_len = nhrp_msg_encode(&m, again, sizeof(again));
	if (again_len < 0)
		fail_msg("%s frame %u: encode: %d", w->file, frame, again_len);
	if (why) {
		w->exceptions++;
		if ((size_t)again_len == len && !memcmp(again, bytes, len))
			fail_msg("%s frame %u is identical now, though: %s", w->file, frame, why);
		assert_int_equal(nhrp_msg_decode(again, (size_t)again_len, &m), NHRP_ERR_NONE);
	} else if ((size_t)again_len != len || memcmp(again, bytes, len)) {
		fail_msg("%s frame %u: %s of %zu bytes encodes to %d other bytes", w->file, frame,
			nhrp_type_name(m.type), len, again_len);
	}
	check_extensions(w, frame, &m);
}

static void check_gre(struct walk *w, unsigned frame, const uint8_t *bytes, size_t len) {
	uint8_t again[GRE_HEADER_MAX];
	struct gre_header h;

	if (gre_parse(bytes, len, &h) != GRE_OK || !gre_checksum_ok(bytes, len))
		fail_msg("%s frame %u: GRE", w->file, frame);
	assert_int_equal(gre_write(&h, again), h.len_bytes);
	if (h.flags & GRE_FLAG_CHECKSUM)
		memcpy(again + 4, bytes + 4, 2);
	assert_memory_equal(again, bytes, h.len_bytes);
	if (h.protocol == GRE_PROTO_NHRP)
		check_nhrp(w, frame, bytes + h.len_bytes, len - h.len_bytes);
	else
		w->seen.gre++;
}

static void check_ike(const struct walk *w, unsigned frame, const uint8_t *bytes, size_t len) {
	struct ike_header h;

	if (ike_parse(bytes, len, &h) < 0)
		fail_msg("%s frame %u: IKE", w->file, frame);
	assert_int_equal(h.len_bytes, len);
	// Only the request of an IKE_SA_INIT (34) knows no responder yet.
	assert_int_equal(ike_rank_of(bytes, len) == IKE_KNOWN, h.exchange_type != 34 || h.is_response);
}

static void check_natt(struct walk *w, unsigned frame, const uint8_t *bytes, size_t len) {
	switch (natt_classify(bytes, len)) {
	case NATT_ESP:
		assert_true(esp_spi(bytes, len) >= ESP_SPI_MIN);
		w->seen.natt_esp++;
		break;
	case NATT_IKE:
		check_ike(w, frame, bytes + 4, len - 4);
		w->seen.natt_ike++;
		break;
	case NATT_KEEPALIVE:
		w->seen.keepalive++;
		break;
	case NATT_MALFORMED:
		fail_msg("%s frame %u: UDP 4500", w->file, frame);
	}
}

static void visit(void *arg, unsigned frame, enum pcap_kind kind, const uint8_t *bytes, size_t len) {
	struct walk *w = arg;

	switch (kind) {
	case PCAP_GRE:
		check_gre(w, frame, bytes, len);
		break;
	case PCAP_ESP:
		assert_true(esp_spi(bytes, len) >= ESP_SPI_MIN);
		w->seen.esp++;
		break;
	case PCAP_IKE:
		check_ike(w, frame, bytes, len);
		w->seen.ike++;
		break;
	case PCAP_NATT:
		check_natt(w, frame, bytes, len);
		break;
	case PCAP_OTHER:
		break;
	}
}

static struct walk walk_file(const char *file) {
	struct walk w = {.file = file};
	char path[4096];
	int n;

	snprintf(path, sizeof(path), "%s/%s", CAPTURES_DIR, file);
	n = pcap_walk(path, visit, &w);
	if (n <= 0)
		fail_msg("%s: %s", path, n ? strerror(-n) : "no frame");
	return w;
}

static void test_listed_files_hold_what_the_table_says(void **state) {
	unsigned exceptions = 0;

	(void)state;
	for (unsigned i = 0; i < COUNT(captures); i++) {
		const struct counts *want = &captures[i].want;
		struct walk w = walk_file(captures[i].file);

		if (memcmp(want, &w.seen, sizeof(*want)))
			fail_msg("%s: {%u, %u, %u, %u, %u, %u, %u}", captures[i].file, w.seen.nhrp, w.seen.gre,
				w.seen.esp, w.seen.natt_esp, w.seen.natt_ike, w.seen.keepalive, w.seen.ike);
		exceptions += w.exceptions;
	}
	assert_int_equal(exceptions, COUNT(not_identical));
}

// Captures added later are decoded too; only the counts wait until somebody lists them.
static void test_every_file_of_the_folder_decodes(void **state) {
	DIR *d = opendir(CAPTURES_DIR);
	unsigned n = 0;

	(void)state;
	if (!d)
		fail_msg("no captures in %s", CAPTURES_DIR);
	for (struct dirent *e; (e = readdir(d));) {
		size_t len = strlen(e->d_name);

		if (len > 5 && !strcmp(e->d_name + len - 5, ".pcap")) {
			walk_file(e->d_name);
			n++;
		}
	}
	closedir(d);
	assert_true(n >= COUNT(captures));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listed_files_hold_what_the_table_says),
		cmocka_unit_test(test_every_file_of_the_folder_decodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
