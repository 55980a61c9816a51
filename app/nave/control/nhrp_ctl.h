// SPDX-License-Identifier: BSD-3-Clause
// NHRP on the control core: punted messages in, verdict of the NHS, publish, reply out. Control core only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "cache.h"
#include "nhrp_msg.h"
#include "nhs.h"

struct nave;
struct nhrp_ctl;

// Counters beside those of lib/nhrp (nhs.h); one list makes enum, name and help.
#define NHRP_CTL_COUNTERS(X) \
	X(RECEIVED, "received", "NHRP messages taken from the punt rings") \
	X(NO_TUNNEL, "no_tunnel", "messages of a tunnel that is gone") \
	X(NO_PEER, "no_peer", "messages to a tunnel of mode ike whose SA is gone") \
	X(PUBLISH_FAILED, "publish_failed", "bindings refused because a forwarding table was full") \
	X(SENT, "sent", "NHRP messages given to the workers") \
	X(WAITED, "waited", "replies that waited for the underlay neighbour") \
	X(WAIT_REPLACED, "wait_replaced", "replies replaced by a newer one to the same client while they waited") \
	X(WAIT_FULL, "wait_full", "replies lost because too many waited for a neighbour") \
	X(WAIT_TIMEOUT, "wait_timeout", "replies lost because no neighbour answered within 1 s") \
	X(NO_WAY, "no_way", "replies lost because the NBMA address has no way out or may not be sent to in clear") \
	X(NO_MBUF, "no_mbuf", "replies lost because the pool was empty") \
	X(RING_FULL, "ring_full", "replies lost because the ring to the worker was full") \
	X(ENCODE_FAILED, "encode_failed", "replies that could not be said on the wire")

enum nhrp_ctl_counter {
#define X(name, counter, help) NHRP_CTL_##name,
	NHRP_CTL_COUNTERS(X)
#undef X
		NHRP_CTL_COUNT
};

const char *nhrp_ctl_counter_name(enum nhrp_ctl_counter c);
const char *nhrp_ctl_counter_help(enum nhrp_ctl_counter c);

struct nhrp_ctl_stats {
	uint64_t counters[NHRP_CTL_COUNT];
	uint64_t decode_errors[NHRP_ERR_COUNT]; // by enum nhrp_decode_error, names by nhrp_decode_error_name()
	uint32_t waiting; // replies that wait for a neighbour now
};

// Needs nave->conf, fwd, datapath, publish, control; adds the static maps of the configuration. NULL, errno.
struct nhrp_ctl *nhrp_ctl_create(struct nave *nave);
void nhrp_ctl_free(struct nhrp_ctl *n);

const struct nhrp_ctl_stats *nhrp_ctl_stats(const struct nhrp_ctl *n);
const struct nhs *nhrp_ctl_nhs(const struct nhrp_ctl *n); // counters of the protocol
void nhrp_ctl_clear(struct nhrp_ctl *n); // counters of both to zero

// Bindings: nhrp_cache_cursor_open/next/close, nhrp_cache_lookup and counts of cache.h.
struct nhrp_cache *nhrp_ctl_cache(struct nhrp_ctl *n);
// Withdraws and forgets the bindings of a protocol address, on one tunnel or (CONF_NONE) on all; static ones stay.
// Returns how many went.
int nhrp_ctl_evict(struct nhrp_ctl *n, uint16_t tunnel, const struct addr *protocol);
// A protected peer has an outbound SA: it gets the static maps of its NBMA address on tunnels of mode ike that its
// identity may have and no other peer with an SA has.
void nhrp_ctl_peer_came(struct nhrp_ctl *n, uint32_t peer, uint32_t identity);
// Withdraws and forgets what is registered with a protected peer. Returns how many bindings went.
unsigned nhrp_ctl_peer_gone(struct nhrp_ctl *n, uint32_t peer);
// The bindings of a protected peer are where it is now, so that its next renewal refreshes them.
void nhrp_ctl_peer_moved(struct nhrp_ctl *n, uint32_t peer);
