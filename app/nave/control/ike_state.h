// SPDX-License-Identifier: BSD-3-Clause
// What ike_ctl.c and ike_*.c share. Nobody else includes this.
#pragma once

#include "addr.h"
#include "ike_ctl.h"
#include "ike_server.h"
#include "idx_hash.h"
#include "nave.h"
#include "publish.h"
#include "token_bucket.h"

#define IKE_SPI_KEPT_S 60
#define IKE_HOLD_S 10 // a rekey or re-authentication that is under way does not take the spoke's registration
#define IKE_LATE_S 5 // packets of a replaced inbound SA may still be under way

struct ike_sa { // by number of sa_ctl
	bool is_used;
	bool is_named; // found by its name; not when it is being deleted
	bool is_orphan;
	bool soft_due, soft_told, hard_due, hard_told;
	uint32_t identity; // held
	uint32_t daemon; // that it came from: ike_ctl.daemon
	struct nave_ike_sa_name name; // as the plugin knows it: the peer may be elsewhere by now
	struct nave_ike_limits limits;
	uint64_t orphaned_ns;
	uint64_t ends_ns; // to be deleted then; 0: not
	uint64_t packets, packet_ns; // its count when it was last looked at, and when that last changed; 0: never
};

struct ike_peer { // by index; counts when gen is that of the peer
	uint32_t gen;
	uint32_t ike_id;
	uint32_t daemon; // whose number that is: another's IKE SAs have the same ones
	bool waits; // in the list of those without an SA
	uint32_t wait_next, wait_prev, wait_gen;
	uint32_t wait_identity; // held, as long as its registrations may be there
	uint64_t due_ns;
};

struct ike_spi { // by slot of the SAD
	uint32_t spi; // 0: not kept
	uint32_t next, prev;
	uint64_t due_ns;
};

struct ike_ctl {
	struct nave *nave;
	struct ike_server *server;
	struct ike_sa *sas; // [max]
	uint32_t max, high; // numbers from high on were never used
	uint32_t n_sas, n_orphans;
	struct idx_hash *by_name;
	struct ike_peer *peers; // [fwd.peers.max]
	struct idx_hash *by_ike_id; // -> peer
	uint32_t wait_first, wait_last; // peers without an SA, the longest so first
	struct ike_spi *spis; // [fwd.ipsec->n_in]
	uint32_t spi_first, spi_last, n_spis; // the longest kept first
	uint64_t plugin_boot_id;
	uint32_t daemon; // counts boot ids
	bool is_sync_wanted; // it is the one that was there before
	char plugin[NAVE_IKE_NAME_MAX];
	uint64_t since_ns;
	uint32_t scan_at; // 0: between two walks
	uint64_t scan_ns; // the next walk begins
	uint64_t grace_ns;
	uint64_t now_ns; // of this turn
	struct token_bucket log_limit; // of warnings that peers can cause
	uint64_t counters[IKE_CTL_COUNT];
};

static inline struct addr ike_addr(const struct nave_ike_host *h) {
	return addr_from_bytes(h->family, h->address);
}

// The hub's end and the peer's of an SA.
static inline const struct nave_ike_host *ike_local(const struct nave_ike_sa_name *n) {
	return n->direction == NAVE_IKE_INBOUND ? &n->dst : &n->src;
}
static inline const struct nave_ike_host *ike_remote(const struct nave_ike_sa_name *n) {
	return n->direction == NAVE_IKE_INBOUND ? &n->src : &n->dst;
}

// ike_ctl.c: the RESULT says so, and the counters.
void ike_refuse(struct ike_ctl *c, struct nave_ike_result *r, enum nave_ike_status status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

// ike_sa.c
int ike_sa_tables(struct ike_ctl *c);
void ike_sa_tables_free(struct ike_ctl *c);
uint32_t ike_sa_find(const struct ike_ctl *c, const struct nave_ike_sa_name *name); // its number; 0: none
int ike_sa_name(struct ike_ctl *c, uint32_t number, const struct nave_ike_sa_name *name); // another than before
int ike_sa_put(struct ike_ctl *c, uint32_t number, const struct nave_ike_add_sa *m, uint32_t identity);
void ike_sa_end(struct ike_ctl *c, uint32_t number); // deleted now, or as soon as there is room for that
void ike_sa_end_soon(struct ike_ctl *c, uint32_t number); // the next walk deletes it
void ike_sa_deleted(void *ike_ctl, uint32_t number, uint32_t peer); // sa_ctl_deleted_fn

// ike_add.c
void ike_add_sa(void *ike_ctl, const struct nave_ike_add_sa *m, struct nave_ike_result *r);
bool ike_has_tunnel_at(const struct ike_ctl *c, const struct addr *local);

// ike_request.c
void ike_get_spi(void *ike_ctl, const struct nave_ike_get_spi *m, struct nave_ike_result *r);
void ike_update_sa(void *ike_ctl, const struct nave_ike_update_sa *m, struct nave_ike_result *r);
void ike_query_sa(void *ike_ctl, const struct nave_ike_name_sa *m, struct nave_ike_result *r);
void ike_del_sa(void *ike_ctl, const struct nave_ike_name_sa *m, struct nave_ike_result *r);
void ike_flush(void *ike_ctl, struct nave_ike_result *r);

// ike_spi.c
int ike_spi_keep(struct ike_ctl *c, uint32_t *spi); // -ENOSPC
bool ike_spi_is_kept(struct ike_ctl *c, uint32_t spi);
void ike_spi_taken(struct ike_ctl *c, uint32_t spi); // by an SA
bool ike_spi_give_back(struct ike_ctl *c, uint32_t spi); // false: it was not kept
void ike_spi_turn(struct ike_ctl *c);
void ike_spi_give_back_all(struct ike_ctl *c);

// ike_peer.c
void ike_peer_is_of(struct ike_ctl *c, uint32_t peer, uint32_t ike_id);
void ike_peer_without_sa(struct ike_ctl *c, uint32_t peer, uint32_t identity); // which it had
// What is at where belongs to the identity, or has neither SA nor registration any more: static maps alone may have it.
// -ENOSPC, -ENOBUFS: try again.
int ike_peer_displace(struct ike_ctl *c, const struct publish_peer *where, uint32_t identity);
void ike_peer_turn(struct ike_ctl *c);

// ike_event.c
void ike_event(void *ike_ctl, const struct sa_event *ev); // sa_ctl_event_fn
void ike_tell_expire(struct ike_ctl *c, struct ike_sa *s); // what is due and was not told
void ike_tell_ended(struct ike_ctl *c, const struct nave_ike_sa_name *name); // the hub does not have it (any more)
void ike_tell_mapping(struct ike_ctl *c, const struct nave_ike_sa_name *name, const struct publish_peer *at);

// ike_scan.c
void ike_scan_turn(struct ike_ctl *c);
void ike_scan_soon(struct ike_ctl *c);
void ike_sa_look(struct ike_ctl *c, uint32_t number, uint64_t *packets, uint64_t *bytes);

// ike_restart.c
void ike_hello(void *ike_ctl, const struct nave_ike_hello *m);
void ike_sync(void *ike_ctl, const struct nave_ike_sync *m);
void ike_gone(void *ike_ctl);
void ike_replace_orphans(struct ike_ctl *c, uint32_t peer); // it has a new outbound SA
