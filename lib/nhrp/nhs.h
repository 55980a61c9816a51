// SPDX-License-Identifier: BSD-3-Clause
// The Next Hop Server: what a hub does with each NHRP message (RFC 2332 sections 5.2 and 6). Pure: messages in, a
// verdict and cache changes out. No sockets, no mbufs, no workers; time is an argument. Control core only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "cache.h"
#include "nhrp_msg.h"
#include "token_bucket.h"

// Drops and refusals of the NHS; one list makes enum, counter and help.
#define NHS_COUNTERS(X) \
	X(RX_RESOLUTION_REQUEST, "rx_resolution_request", "Resolution Requests received") \
	X(RX_RESOLUTION_REPLY, "rx_resolution_reply", "Resolution Replies received") \
	X(RX_REGISTRATION_REQUEST, "rx_registration_request", "Registration Requests received") \
	X(RX_REGISTRATION_REPLY, "rx_registration_reply", "Registration Replies received") \
	X(RX_PURGE_REQUEST, "rx_purge_request", "Purge Requests received") \
	X(RX_PURGE_REPLY, "rx_purge_reply", "Purge Replies received") \
	X(RX_ERROR_INDICATION, "rx_error_indication", "Error Indications received") \
	X(RX_TRAFFIC_INDICATION, "rx_traffic_indication", "Traffic Indications received") \
	X(TX_REGISTRATION_REPLY, "tx_registration_reply", "Registration Replies sent") \
	X(TX_PURGE_REPLY, "tx_purge_reply", "Purge Replies sent") \
	X(TX_ERROR_INDICATION, "tx_error_indication", "Error Indications sent") \
	X(ERROR_RATE_LIMITED, "error_rate_limited", "Error Indications not sent because of the rate limit") \
	X(PURGE_RATE_LIMITED, "purge_rate_limited", "Purge Requests of a class put off by the rate limit") \
	X(REGISTERED, "registered", "registrations accepted for a new binding") \
	X(REFRESHED, "refreshed", "registrations that refreshed their own binding") \
	X(MOVED, "moved", "registrations that moved a binding to another NBMA address") \
	X(PURGED, "purged", "bindings removed by a Purge Request") \
	X(EXPIRED, "expired", "bindings whose holding time ended") \
	X(REFUSED_UNIQUE, "refused_unique", "CIEs refused with code 14, an address that another client has") \
	X(REFUSED_RESOURCES, "refused_resources", "CIEs refused with code 5, cache or max-registrations full") \
	X(REFUSED_PREFIX, "refused_prefix", "CIEs refused with code 4 or 13, a prefix that may not be registered") \
	X(REFUSED_PROHIBITED, "refused_prohibited", "CIEs refused with code 4, administratively prohibited") \
	X(REFUSED_IDENTITY, "refused_identity", "CIEs refused with code 4, not for the sender's IKE identity") \
	X(DROP_IDENTITY, "drop_identity", "messages of IKE identities that may not use the tunnel") \
	X(DROP_AUTHENTICATION, "drop_authentication", "messages with a missing or wrong authentication string") \
	X(DROP_UNSUPPORTED, "drop_unsupported", "messages that this NHS has no use for") \
	X(DROP_MALFORMED, "drop_malformed", "messages whose content makes no sense, by section 5.2")

enum nhs_counter {
#define X(name, counter, help) NHS_COUNT_##name,
	NHS_COUNTERS(X)
#undef X
		NHS_COUNT_MAX
};

const char *nhs_counter_name(enum nhs_counter c);
const char *nhs_counter_help(enum nhs_counter c);

#define NHS_AUTH_MAX 8 // Cisco's plaintext string

struct nhs_config { // of one tunnel; the caller keeps it for as long as the NHS is used
	uint16_t tunnel;
	struct addr nbma; // our own NBMA address on this tunnel
	struct addr protocol[2]; // our own protocol addresses: [0] IPv4, [1] IPv6, ADDR_NONE when absent
	struct prefix subnet[2]; // of the same
	char authentication[NHS_AUTH_MAX + 1]; // "": none wanted
	uint32_t max_registrations; // bindings of this tunnel, static ones counted; 0: the cache's size
	uint16_t holding_time_s; // default for holding time 0, and what we say of ourselves
	uint16_t mtu;
	bool multicast_dynamic; // a registration brings the multicast map with it
};

struct nhs {
	struct nhrp_cache *cache;
	struct token_bucket error_limit; // Error Indications per second, whole hub
	struct token_bucket walk_limit; // walks through the whole cache per second: classes purged or registered
	uint64_t counters[NHS_COUNT_MAX];
};

struct nhs_allowed { // of an identity
	const struct prefix *protocol; // where its protocol addresses must be; none: anywhere in the tunnel's subnet
	const struct prefix *prefixes; // where prefixes that it registers may be besides, and outside of the subnet
	uint16_t n_protocol, n_prefixes;
};

// Where a message came from, as the workers saw it.
struct nhs_source {
	struct addr nbma; // outer source
	uint16_t nbma_port; // 0 on plain GRE
	bool may_not_use; // the identity has nothing to do on this tunnel: registrations are refused, all else is
			  // dropped
	uint32_t identity; // whose SAs it came through; 0: nobody's
	const struct nhs_allowed *allowed; // NULL: what the tunnel allows
};

enum nhs_change_kind {
	NHS_ADDED, // binding is new
	NHS_CHANGED, // same prefix, another NBMA address (old_nbma), MTU or multicast flag
	NHS_REFRESHED, // only the expiry
	NHS_REMOVED, // will be removed: the caller withdraws it, then calls nhrp_cache_remove()
};

struct nhs_change {
	enum nhs_change_kind kind;
	struct binding *binding;
	struct addr old_nbma; // NHS_CHANGED
};

#define NHS_CHANGES_MAX 64

// The first CIE that was refused because of the sender's identity, for the log.
struct nhs_refusal {
	enum {
		NHS_REFUSAL_NONE,
		NHS_REFUSAL_TUNNEL,
		NHS_REFUSAL_PREFIX, // not its own to register
		NHS_REFUSAL_OWNER, // another identity has it
	} kind;
	struct prefix prefix;
	uint32_t owner; // NHS_REFUSAL_OWNER
};

// What the caller has to do: first publish every change (in order; a binding is in there once), then send the reply to
// where the message came from.
struct nhs_result {
	bool send;
	bool to_source; // reply to source.nbma, not to a registered peer (Error Indication of an unknown spoke, refused
			// registration)
	struct nhs_refusal refusal;
	unsigned n_changes;
	struct nhs_change changes[NHS_CHANGES_MAX];
	struct nhrp_msg reply; // borrows from the request's bytes and from scratch
	uint8_t scratch[512]; // extension values of the reply
};

int nhs_init(struct nhs *n, uint32_t max_entries, uint64_t now_ns); // -ENOMEM
void nhs_fini(struct nhs *n);

// The one entrance: dispatches by type, checks authentication first. msg was decoded from bytes[len], which error
// replies quote. Never answers an Error Indication, never quotes an unauthenticated sender's secret.
void nhs_receive(struct nhs *n, const struct nhs_config *conf, const struct nhrp_msg *msg, const uint8_t *bytes,
	uint16_t len_bytes, const struct nhs_source *src, uint64_t now_ns, struct nhs_result *out);

// nhrp_cache_expire() with counting; fn withdraws the binding and removes it.
unsigned nhs_expire(struct nhs *n, uint64_t now_ns, unsigned budget, binding_fn fn, void *arg);

// Static map of the configuration. NULL when the pool is used up or the prefix is taken.
struct binding *nhs_add_static(struct nhs *n, const struct nhs_config *conf, const struct addr *protocol,
	const struct addr *nbma, bool multicast, uint64_t now_ns);
