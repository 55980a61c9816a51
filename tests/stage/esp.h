// SPDX-License-Identifier: BSD-3-Clause
// Protected spokes for stage tests. The hub's side is filled in as control would; the spoke's side is RFC 4303 by hand
// and libcrypto, with nothing of lib/ipsec but its list of suites.
//
//   spoke ── up ──▶ hub      an SA of the hub's SAD; the spoke seals
//   spoke ◀── down ── hub    the outbound SA of the peer; the spoke opens
#pragma once

#include "hub.h"
#include "sa.h"

#define HUB_NATT_PORT 4500
#define ESP_WINDOW 1024 // where a test does not say

struct esp_how { // a tunnel between a spoke and the hub
	enum esp_suite suite;
	bool esn, tunnel_mode;
	uint16_t port; // ESP in UDP: of the spoke, as the hub sees it; 0: native
	uint16_t window; // of the hub's; 0: ESP_WINDOW
};

struct esp_sa { // one direction, as the spoke has it
	struct esp_how how;
	struct sa_keys keys;
	uint32_t spi;
	uint32_t slot; // up: in the hub's SAD
	uint64_t seq; // last one sent
};

struct esp_spoke {
	struct spoke s;
	struct esp_how how;
	struct esp_sa up, down; // the newest of each
};

extern uint64_t esp_now_ns; // control's clock
extern const struct esp_crypto_ops *const hub_crypto; // the product's: intel-ipsec-mb

// A hub with crypto and so many workers, tunnel 0 (endpoint 0, key 1001) and tunnel 1 (endpoint 1, key 1001), both
// protected, and tunnel 2 (endpoint 2, no key), which is not.
void esp_hub_create(struct hub *h, uint16_t n_workers);
void esp_hub_create_with(struct hub *h, const struct hub_conf *conf);
// Ready to talk: SAs in both directions. Its number n as for hub_spoke().
struct esp_spoke esp_spoke(struct hub *h, uint16_t tunnel, const char *nbma, unsigned n, const struct esp_how *how);
// The same without any SA.
struct esp_spoke esp_spoke_bare(
	struct hub *h, uint16_t tunnel, const char *nbma, unsigned n, const struct esp_how *how);
struct peer *esp_peer(const struct hub *h, const struct esp_spoke *es);
struct sa_in *esp_sa_in(const struct hub *h, const struct esp_sa *up);
uint32_t esp_dropped(const struct hub *h, const struct esp_sa *up, enum sa_drop why);

// Control makes an inbound SA, up from now on; the one before stays until it is withdrawn.
void esp_up_make(struct hub *h, struct esp_spoke *es);
void esp_up_make_foreign(struct hub *h, struct esp_spoke *es, uint32_t spi); // which somebody else chose
void esp_up_withdraw(struct hub *h, const struct esp_sa *up);
// A fresh outbound SA in a message; down from now on.
void esp_down_message(struct hub *h, struct esp_spoke *es, struct sa_message *msg);
void esp_down_make(struct hub *h, struct esp_spoke *es); // and applied, while nobody owns the peer
int esp_message_send(struct hub *h, uint16_t worker, const struct esp_spoke *to, const struct sa_message *msg);
// Where the spoke is now; for the header alone. Control tells the SAs of the new source too.
void esp_move_message(
	const struct hub *h, struct esp_spoke *es, const char *nbma, uint16_t port, struct sa_message *msg);

// What is inside becomes ESP, SPI to ICV, with a random IV. pad_more: octets of padding beyond the least.
void esp_seal(struct frame *f, const struct esp_sa *sa, uint64_t seq, uint8_t pad_more, uint8_t next);
// The same of a text that has its trailer, whatever that is, and with this IV (NULL: random).
void esp_seal_text(struct frame *f, const struct esp_sa *sa, uint64_t seq, const uint8_t *iv);
// Headers around ESP, as the spoke sends them.
void esp_outer_from_spoke(struct frame *f, const struct hub *h, const struct esp_spoke *es, uint8_t tos);
// GRE, and the IP header of tunnel mode: what the SA protects.
void esp_inside_from_spoke(struct frame *f, const struct hub *h, const struct esp_spoke *es, uint16_t gre_protocol);
uint8_t esp_next_header(const struct esp_spoke *es);
// All of it, on up's next sequence number, or on this one.
void esp_from_spoke(struct frame *f, const struct hub *h, struct esp_spoke *es, uint16_t gre_protocol);
void esp_from_spoke_seq(
	struct frame *f, const struct hub *h, const struct esp_spoke *es, uint16_t gre_protocol, uint64_t seq);
void esp_inside_to_spoke(
	struct frame *f, const struct hub *h, const struct esp_spoke *es, uint16_t gre_protocol, uint8_t tos);
// What the spoke must receive on that sequence number, with this IV: the sender may choose it.
void esp_to_spoke(struct frame *f, const struct hub *h, const struct esp_spoke *es, uint16_t gre_protocol, uint8_t tos,
	uint64_t seq, const uint8_t *iv);

struct esp_seen { // in a sent frame
	uint32_t spi, seq;
	const uint8_t *iv, *end;
};
struct esp_seen esp_look(const struct rte_mbuf *m);
// Asserts that m is what is inside, sealed for the spoke on down's next sequence number. Frees m.
void esp_expect(struct rte_mbuf *m, const struct hub *h, struct esp_spoke *es, const struct frame *inside,
	uint16_t gre_protocol, uint8_t tos);
void esp_expect_sent(
	const struct hub *h, struct esp_spoke *es, const struct frame *inside, uint16_t gre_protocol, uint8_t tos);
// The same where packets to different peers may have overtaken each other: the next frame of down's SPI. Once a test
// has begun to ask this way it asks for all frames so, and for nothing left.
struct rte_mbuf *esp_sent_to(const struct esp_spoke *es);
void esp_expect_sent_to(
	const struct hub *h, struct esp_spoke *es, const struct frame *inside, uint16_t gre_protocol, uint8_t tos);
void esp_expect_sent_plain(struct frame *f); // exactly this
void esp_expect_nothing_left(void);

// One UDP packet of n octets from spoke to spoke, and what must come of it.
void esp_pass(struct hub *h, struct esp_spoke *from, struct esp_spoke *to, bool ipv6, uint16_t n);
struct addr esp_host(const struct prefix *p, uint8_t last);
uint16_t gre_protocol_of(const struct addr *a);

// Control's NHRP to a spoke: 92 octets that the seed tells apart.
struct rte_mbuf *esp_answer(const struct hub *h, const struct esp_spoke *to, struct frame *f);
void esp_answer_send(const struct hub *h, const struct esp_spoke *to, uint8_t seed);
void esp_expect_answer(const struct hub *h, struct esp_spoke *to, uint8_t seed);

// The next event for control, copied out. false: none.
bool hub_event(struct hub *h, struct sa_event *e);
