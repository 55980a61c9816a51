// SPDX-License-Identifier: BSD-3-Clause
// What the IKE daemon says, on the SAs of sa_ctl: one SA each ADD_SA, an SPI kept between GET_SPI and ADD_SA, a peer
// for each identity and place. And the other way: limits, sequence numbers and NAT mappings as events. Control core
// only.
//
// The daemon may go: its SAs are orphans then, and forward on. When the same one (boot id) comes back it says which it
// still has. Of another one's, an orphan goes when its peer has a new outbound SA; and in any case after
// ike.orphan-grace.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct conf;
struct nave;
struct ike_ctl;

#define IKE_CTL_COUNTERS(X) \
	X(GET_SPI, "get_spi", "SPIs asked for") \
	X(ADD_SA, "add_sa", "SAs to be added") \
	X(UPDATE_SA, "update_sa", "SAs said to be at another address or port") \
	X(QUERY_SA, "query_sa", "SAs asked about") \
	X(DEL_SA, "del_sa", "SAs to be deleted") \
	X(FLUSH, "flush", "requests to delete all SAs") \
	X(FAILED, "failed", "requests that failed: the IKE daemon's log says why") \
	X(NOT_FOUND, "not_found", "requests about an SA that is not there") \
	X(NOT_SUPPORTED, "not_supported", "SAs or changes that the hub does not have") \
	X(REFUSED, "refused", "SAs of an identity that may have none there") \
	X(SPI_TIMEOUT, "spi_timeout", "SPIs that no SA came for within 60 s") \
	X(DISPLACED, "displaced", "peers whose address and port another identity has now") \
	X(SOFT, "soft", "SAs said to need a new one: bytes, packets or sequence numbers will end") \
	X(HARD, "hard", "SAs said to have ended, or ended by the hub") \
	X(MAPPING, "mapping", "peers said to be at another address or port") \
	X(ORPHANED, "orphaned", "SAs whose IKE daemon went") \
	X(SYNCED, "synced", "orphans that their IKE daemon came back for") \
	X(UNLISTED, "unlisted", "orphans that it came back without") \
	X(REPLACED, "replaced", "orphans whose peer has new SAs from another IKE daemon") \
	X(ORPHAN_TIMEOUT, "orphan_timeout", "orphans deleted after ike.orphan-grace") \
	X(PEER_GONE, "peer_gone", "peers without an SA whose registrations were withdrawn")

enum ike_ctl_counter {
#define X(name, counter, help) IKE_CTL_##name,
	IKE_CTL_COUNTERS(X)
#undef X
		IKE_CTL_COUNT
};
const char *ike_ctl_counter_name(enum ike_ctl_counter c);
const char *ike_ctl_counter_help(enum ike_ctl_counter c);

bool ike_ctl_is_wanted(const struct conf *conf); // a tunnel has mode ike
// Listens at ike.socket. Needs nave->sas, nhrp, identities. NULL, errno, after the reason went to errors with its
// place.
struct ike_ctl *ike_ctl_create(struct nave *nave, FILE *errors);
void ike_ctl_free(struct ike_ctl *c);

struct ike_info {
	bool is_connected;
	char plugin[64]; // "" before the first
	uint64_t since_ns; // connected, or gone; 0: never
	uint32_t sas, orphans, reserved_spis;
};
void ike_ctl_info(const struct ike_ctl *c, struct ike_info *info);
bool ike_ctl_is_orphan(const struct ike_ctl *c, uint32_t sa); // by number
// Of the IKE SA that the newest SA of a peer came from, the IKE daemon's unique id; 0: none, or of a daemon that is
// gone, or no such peer.
uint32_t ike_ctl_peer_ike_id(const struct ike_ctl *c, uint32_t peer);
void ike_ctl_follow(struct ike_ctl *c); // to their new ids, by nave->ike_vici
// Ends the IKE SA of a peer, with its SAs. 0: the IKE daemon was asked to; -ENOENT: the peer has no SA of IKE;
// -ENOTCONN: it cannot be asked, or another one had the IKE SA: the SAs were deleted; else try again.
int ike_ctl_evict(struct ike_ctl *c, uint32_t peer);
// An IKE SA was rekeyed: what knew it by its old id has the new one.
void ike_ctl_ike_rekeyed(struct ike_ctl *c, uint32_t old_ike_id, uint32_t new_ike_id);

const uint64_t *ike_ctl_counters(const struct ike_ctl *c); // [IKE_CTL_COUNT]
const uint64_t *ike_ctl_server_counters(const struct ike_ctl *c); // ike_server.h
void ike_ctl_clear(struct ike_ctl *c);
