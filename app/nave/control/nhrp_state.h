// SPDX-License-Identifier: BSD-3-Clause
// What nhrp_ctl.c and nhrp_send.c share. Nobody else includes this.
#pragma once

#include "nave.h"
#include "nhrp_ctl.h"
#include "token_bucket.h"

struct pkt_meta;

#define NHRP_WAIT_MAX 256

struct nhrp_waiting { // a reply whose underlay neighbour is not resolved
	struct rte_mbuf *m;
	struct addr nbma;
	struct addr client; // protocol address
	uint8_t type;
	uint16_t port;
	uint64_t deadline_ns;
};

struct nhrp_late_map { // a static map whose peer comes by IKE
	uint16_t tunnel;
	const struct conf_static_map *map;
};

struct nhrp_ctl {
	struct nave *nave;
	struct nhs nhs;
	struct nhs_config *confs; // by tunnel
	struct nhrp_late_map *late_maps; // [n_late_maps], by NBMA address
	uint32_t n_late_maps;
	uint16_t n_confs;
	struct nhrp_ctl_stats stats;
	struct nhrp_waiting waiting[NHRP_WAIT_MAX];
	uint64_t waiting_looked_ns;
	struct token_bucket refusal_limit; // log lines about identities
	struct nhs_allowed allowed; // of the sender of the message at hand
	struct nhrp_msg msg; // of the packet at hand: large, and not for the stack
	struct nhs_result result;
};

// The answer to a message that came by tunnel from src, encoded and on its way or waiting for its neighbour.
void nhrp_send(
	struct nhrp_ctl *n, uint16_t tunnel, const struct nhs_source *src, const struct nhrp_msg *msg, uint64_t now_ns);
// The sender of a message. false: through SAs that are gone, so that nobody knows whose it is.
bool nhrp_source(struct nhrp_ctl *n, const struct pkt_meta *meta, struct nhs_source *src);
void nhrp_refusal_log(struct nhrp_ctl *n, uint16_t tunnel, const struct nhs_source *src, uint64_t now_ns);
// A binding holds the number of its identity, so that no other identity gets it: after each change, and at the end.
void nhrp_identity_follow(struct nhrp_ctl *n, struct binding *b);
void nhrp_identity_leave(struct nhrp_ctl *n, struct binding *b);
void nhrp_waiting_turn(struct nhrp_ctl *n, uint64_t now_ns);
void nhrp_waiting_drop(struct nhrp_ctl *n); // all

// nhrp_static.c. The static maps of a tunnel; then, once, those of all that wait for their peers.
int nhrp_static_add(struct nhrp_ctl *n, uint16_t tunnel, uint64_t now_ns);
int nhrp_static_index(struct nhrp_ctl *n); // -ENOMEM
