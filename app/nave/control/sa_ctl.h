// SPDX-License-Identifier: BSD-3-Clause
// The hub's SAs: who has which, by number. They come from the configuration and the console (protection: manual), from
// nave-lab, and from IKE. Control core only.
//
// An SA is one direction between a local endpoint and a peer. Several inbound ones of a peer are valid at once; of the
// outbound ones the newest is used. Replacing one is: add the new inbound SA, add the new outbound SA, delete the old
// outbound one, and after what is under way has arrived the old inbound one.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lcore_ctx.h"
#include "sa.h"
#include "sa_rt.h"

struct nave;
struct sa_ctl;

enum sa_direction {
	SA_INBOUND,
	SA_OUTBOUND,
};

enum sa_origin {
	SA_FROM_CONFIGURATION,
	SA_FROM_CONSOLE,
	SA_FROM_LAB,
	SA_FROM_IKE,
};

struct sa_spec {
	uint8_t direction; // enum sa_direction
	uint8_t origin; // enum sa_origin
	uint16_t tunnel; // any of the peer's: names the local endpoint, MTU and window. Protected
	struct addr nbma; // of the peer, as its packets come
	uint16_t nbma_port; // UDP port of its ESP in UDP; 0: native ESP
	bool is_reserved; // inbound: spi is of sa_ctl_reserve
	uint32_t spi; // inbound: 0: the hub chooses one; outbound: the peer's
	uint32_t identity; // of identities.h, that IKE authenticated; 0: none
	struct sa_params params;
	const struct sa_keys *keys; // wiped by the caller
};

struct sa_ctl *sa_ctl_create(struct nave *nave); // NULL, errno; needs nave->publish, tunnels, datapath, control
void sa_ctl_free(struct sa_ctl *c);
// The SAs of the configuration, whose keys are wiped there. -errno, after the reason went to errors with its place.
int sa_ctl_configure(struct sa_ctl *c, FILE *errors);

// Adds it, *spi is the one that it has. Returns its number (above 0), or -EINVAL: key lengths, SPI below 256, tunnel
// not protected; -EEXIST: an inbound SA with this SPI, or an outbound one of the peer; -ENOTSUP: no such suite in the
// crypto backend; -EADDRINUSE: the peer's SAs are of another identity; -ENOSPC: tables full; -EAFNOSUPPORT; -ENOBUFS:
// the owner's ring is full, try again.
int64_t sa_ctl_add(struct sa_ctl *c, const struct sa_spec *spec, uint32_t *spi);
// An SPI for an inbound SA that is still being negotiated: until it is added, or cancelled. -ENOSPC; -ENOENT: no such
// SPI is reserved. After a failed sa_ctl_add it may still be reserved.
int sa_ctl_reserve(struct sa_ctl *c, uint32_t *spi);
int sa_ctl_cancel(struct sa_ctl *c, uint32_t spi);
// The peer's outbound SA with the SPI of spec, in use or not: its number; 0: none.
uint32_t sa_ctl_out_with_spi(const struct sa_ctl *c, const struct sa_spec *spec);
// Of the outbound one in use: none takes its place. -ENOENT; -ENOSPC, -ENOBUFS: nothing changed, try again.
int sa_ctl_delete(struct sa_ctl *c, uint32_t number);
// The peer is at another address or port now (NAT): all its SAs, nothing of them but that; its NHRP bindings follow.
// -errno of publish_peer_move.
int sa_ctl_move(struct sa_ctl *c, uint32_t peer, const struct addr *nbma, uint16_t nbma_port);

struct sa_info {
	uint32_t number, peer, spi;
	uint8_t direction, origin;
	bool is_active; // outbound: the one in use
	uint16_t tunnel;
	struct addr nbma;
	uint16_t nbma_port;
	struct sa_params params;
	uint64_t created_ns;
	uint64_t packets, bytes;
	uint64_t seq; // outbound: last used; inbound: highest received
	uint64_t seq_end; // outbound
	uint16_t window; // inbound
	uint32_t window_missing; // inbound: numbers in the window that did not come
	uint16_t owner; // worker, or PEER_OWNER_NONE
	uint32_t drops[SA_DROP_COUNT]; // inbound
	uint32_t expired; // outbound
};
// For lists made in slices: the next SA after *number, which starts at 0. false: no more.
bool sa_ctl_next(const struct sa_ctl *c, uint32_t *number, struct sa_info *info);
bool sa_ctl_get(const struct sa_ctl *c, uint32_t number, struct sa_info *info);
uint32_t sa_ctl_count(const struct sa_ctl *c);
uint32_t sa_ctl_max(const struct sa_ctl *c); // numbers are below; 0: no tunnel is protected
// Of sa_info, as cheap as may be: what it has carried, and its peer (0: no such SA).
void sa_ctl_use(const struct sa_ctl *c, uint32_t number, uint64_t *packets, uint64_t *bytes);
uint32_t sa_ctl_peer(const struct sa_ctl *c, uint32_t number);
// The SAs of a peer: after 0 the first, after the last 0.
uint32_t sa_ctl_peer_next(const struct sa_ctl *c, uint32_t peer, uint32_t number);
// Packets and bytes of all SAs that a peer has or had, GRE headers counted; what was still under way when an inbound SA
// was deleted is not in it. Since sa_ctl_peer_clear.
void sa_ctl_peer_counters(const struct sa_ctl *c, uint32_t peer, struct spoke_counters *out);
void sa_ctl_peer_clear(struct sa_ctl *c, uint32_t peer);
uint32_t sa_ctl_peer_identity(const struct sa_ctl *c, uint32_t peer); // of its SAs, identity.h; 0: none, or no SA
bool sa_ctl_has_in(const struct sa_ctl *c, uint32_t peer, uint32_t spi); // an inbound SA of the peer has it
void sa_ctl_peer_count(const struct sa_ctl *c, uint32_t peer, uint32_t *n_in, uint32_t *n_out); // its SAs

// Counters of its events: one list makes enum, name and help.
#define SA_CTL_COUNTERS(X) \
	X(MAPPING, "mapping", "peers that a NAT moved to another address or port") \
	X(MAPPING_REFUSED, "mapping_refused", "such moves to where another peer is, or of a peer that is gone") \
	X(SOFT, "soft", "outbound SAs whose sequence numbers will end") \
	X(HARD, "hard", "outbound SAs whose sequence numbers have ended") \
	X(ADDED, "added", "SAs added") \
	X(DELETED, "deleted", "SAs deleted")

enum sa_ctl_counter {
#define X(name, counter, help) SA_CTL_##name,
	SA_CTL_COUNTERS(X)
#undef X
		SA_CTL_COUNT
};
const char *sa_ctl_counter_name(enum sa_ctl_counter c);
const char *sa_ctl_counter_help(enum sa_ctl_counter c);
const uint64_t *sa_ctl_counters(const struct sa_ctl *c); // [SA_CTL_COUNT]
void sa_ctl_clear(struct sa_ctl *c);
// Called with each SA that was deleted, by whomever: it is off its peer's list, its number not given to another yet.
// One listener.
typedef void (*sa_ctl_deleted_fn)(void *arg, uint32_t number, uint32_t peer);
void sa_ctl_on_deleted(struct sa_ctl *c, sa_ctl_deleted_fn fn, void *arg);
// What IKE wants to hear of (EXPIRE, MAPPING): called with each event after it was acted on. One listener.
typedef void (*sa_ctl_event_fn)(void *arg, const struct sa_event *ev);
void sa_ctl_on_event(struct sa_ctl *c, sa_ctl_event_fn fn, void *arg);
