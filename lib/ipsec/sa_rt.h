// SPDX-License-Identifier: BSD-3-Clause
// What a worker reads and writes of an SA per packet, cache line by cache line; what was negotiated is struct sa
// (sa.h). An SA has one owner lcore, that of its peer: it alone writes the window, the sequence number and the counters
// here, others hand packets over. Everything else is written by control before the SA is published, `from` apart.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "peer.h"
#include "replay.h"

#define SA_KEY_BYTES 1024 // room for the key object of any suite and backend

enum sa_flag {
	SA_ESN = 1, // 64-bit sequence numbers (RFC 4303 section 2.2.1)
	SA_TUNNEL_MODE = 2, // an IP header stands between ESP and GRE
	SA_UDP = 4, // ESP in UDP (RFC 3948)
};

// Where packets of an inbound SA come from: one word, so that control changes it by one store when a NAT has moved the
// peer, and a worker compares it in one go.
struct sa_from {
	uint32_t nbma; // IPv4 as on the wire; of IPv6 a hash, and the peer has the address
	uint16_t port; // UDP; 0: native ESP
	uint16_t endpoint; // local endpoint that it came to
};
_Static_assert(sizeof(struct sa_from) == 8, "published by one store");

// kind of SAs that need nothing special, in and out.
static inline uint32_t sa_kind_in(uint8_t suite, uint16_t owner) {
	return suite | (uint32_t)owner << 16;
}
static inline uint32_t sa_kind_out(uint8_t suite) {
	return suite | 1u << 16;
}

static inline uint64_t sa_from_word(const struct addr *nbma, uint16_t port, uint16_t endpoint) {
	struct sa_from from = {.port = port, .endpoint = endpoint};
	uint64_t word, hi, lo;

	memcpy(&from.nbma, nbma->bytes, sizeof(from.nbma));
	if (__builtin_expect(nbma->family == ADDR_IPV6, 0)) {
		memcpy(&hi, nbma->bytes, sizeof(hi));
		memcpy(&lo, nbma->bytes + sizeof(hi), sizeof(lo));
		from.nbma = idx_hash_mix_ipv6(hi, lo, 0);
	}
	memcpy(&word, &from, sizeof(word));
	return word;
}

// Inbound, in the SAD: this line, the window's bitmap, then the key at ipsec.key_off.
struct sa_in {
	uint32_t spi; // host order, compared in full; 0: the slot is nobody's. rcu_read
	uint32_t salt; // as in memory, esp_crypto.h
	uint64_t from; // struct sa_from, rcu_read
	uint32_t peer; // fixed
	union {
		struct {
			uint8_t suite; // enum esp_suite
			uint8_t flags; // enum sa_flag
			uint16_t owner; // what peer.owner says, once it was looked up; PEER_OWNER_NONE before
		};
		uint32_t kind; // the three, for comparing them at once
	};
	uint64_t packets, bytes; // opened and not replayed; bytes of payload (GRE header and on)
	struct replay replay; // its bitmap begins the next line
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct sa_in) == 64 && offsetof(struct sa_in, replay) == 40, "one cache line before the bitmap");

// What control was told of an outbound SA: once each.
enum sa_told {
	SA_TOLD_NOTHING,
	SA_TOLD_SOFT,
	SA_TOLD_HARD,
};

// Outbound, by peer index: this line, then the key.
struct sa_out {
	uint64_t seq; // last one used; 64-bit whether or not its high half is on the wire
	uint64_t seq_soft; // from here on: SA_EVENT_SOFT, once
	uint64_t seq_end; // last one that may be used (section 3.3.3: never again)
	uint64_t packets, bytes; // sealed since the peer's slot was taken, over all its SAs: sa_out_base
	uint32_t spi_be;
	uint32_t salt;
	union {
		struct {
			uint8_t suite; // enum esp_suite
			uint8_t flags; // enum sa_flag
			bool is_valid; // false: there is none, DROP_NO_SA
			uint8_t told; // enum sa_told
		};
		uint32_t kind;
	};
	uint32_t iv_high; // as in memory, drawn: in the IV's high half, so that no IV comes back with a key that does
	uint32_t inner_nbma; // tunnel mode, IPv4: destination of the IP header inside; 0: the outer one
	uint32_t number; // of struct sa: tells control which one its owner has
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct sa_out) == 64, "one cache line");

// Beside the outbound SA, by peer index, written by the owner.
struct sa_out_base {
	uint64_t packets, bytes; // what the SA's counters were when it came
	uint32_t expired; // packets dropped because its sequence numbers were used up
};

// Drops of one inbound SA, apart from the line that every packet touches.
#define SA_DROPS(X) \
	X(REPLAY_OLD, "replay_old", "left of the window") \
	X(REPLAY_SEEN, "replay_seen", "sequence number seen before") \
	X(ICV, "icv", "ICV wrong") \
	X(MALFORMED, "malformed", "length, padding, or next header wrong") \
	X(NOT_PEER, "not_peer", "outer source is not the SA's peer") \
	X(INNER, "inner", "tunnel mode: the IP header inside is not from the peer to us")

enum sa_drop {
#define X(name, counter, help) SA_DROP_##name,
	SA_DROPS(X)
#undef X
		SA_DROP_COUNT
};
const char *sa_drop_name(enum sa_drop d);
const char *sa_drop_help(enum sa_drop d);

// What the short way has no use for, by slot.
struct sa_in_cold {
	uint32_t drops[SA_DROP_COUNT]; // written by the owner
	uint32_t peer_gen; // of its peer; fixed
	uint32_t inner_nbma; // tunnel mode, IPv4: source of the IP header inside, as on the wire; 0: the outer one
};
_Static_assert(sizeof(struct sa_in_cold) <= 32, "half a line");

// From a worker to control. An SA_EVENT_MAPPING is told for the newest sequence number only, and policed.
enum sa_event_kind {
	SA_EVENT_MAPPING, // authenticated ESP in UDP came from another address or port
	SA_EVENT_SOFT, // outbound: sequence numbers will end
	SA_EVENT_HARD, // outbound: they have ended, the SA sends no more
};

struct sa_event {
	uint8_t kind; // enum sa_event_kind
	uint16_t port; // MAPPING: host order
	uint32_t spi; // MAPPING: of the inbound SA
	uint32_t peer, peer_gen;
	uint64_t seq;
	struct addr nbma; // MAPPING
};

// To the owner of a peer whose outbound SA or outer header changes while it may be in use: the worker copies it between
// two bursts, so that nobody ever sees half of it and sequence numbers go on where they were. In an mbuf, WAY_SA.
struct sa_message {
	bool has_hdr, has_sa;
	uint8_t family, hdr_len_bytes;
	uint8_t hdr[PEER_HDR_MAX];
	struct sa_out sa; // is_valid false: none from now on
	uint8_t key[SA_KEY_BYTES] __attribute__((aligned(64)));
};
