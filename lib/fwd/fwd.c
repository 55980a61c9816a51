// SPDX-License-Identifier: BSD-3-Clause
#include "fwd.h"

#include <errno.h>

// A burst of route changes may wait for one grace period.
#define DEFER_MAX 65536

int fwd_init(struct fwd *f, const struct fwd_sizes *sizes) {
	// A spoke may have a protocol address of each family and a link-local one.
	uint32_t max_adjs = sizes->max_adjs ? sizes->max_adjs : 3 * sizes->max_spokes + 4096;
	// Neighbours that are no spokes are remembered too, as many as the kernel has (gc_thresh3: 1024 a family).
	uint32_t max_nh = sizes->max_nh ? sizes->max_nh : sizes->max_spokes + 4096;

	*f = (struct fwd){.n_workers = sizes->n_workers};
	f->rcu = rcu_create(sizes->n_workers, DEFER_MAX);
	// More peers than spokes: one that moves has its new peer before the old one's grace period is over.
	if (f->rcu == NULL || adj_table_init(&f->adjs, max_adjs) < 0 ||
		peer_table_init(&f->peers, sizes->max_spokes + sizes->max_spokes / 8 + 256) < 0 ||
		nh_table_init(&f->nhs, max_nh) < 0 || neigh_table_init(&f->neigh, &f->adjs, max_adjs) < 0) {
		fwd_fini(f);
		return -ENOMEM;
	}
	return 0;
}

void fwd_fini(struct fwd *f) {
	rcu_free(f->rcu); // first: what is deferred goes back into the tables
	for (unsigned i = 0; i < FWD_VRFS_MAX; i++) {
		fib_free(f->vrfs[i].fib_ipv4);
		fib_free(f->vrfs[i].fib_ipv6);
	}
	neigh_table_fini(&f->neigh);
	nh_table_fini(&f->nhs);
	peer_table_fini(&f->peers);
	adj_table_fini(&f->adjs);
	*f = (struct fwd){0};
}

uint64_t fwd_bytes(const struct fwd *f) {
	uint64_t bytes =
		sizeof(*f) + rcu_bytes(f->rcu) + idx_hash_bytes(f->neigh.hash) + idx_hash_bytes(f->peers.by_nbma);

	bytes += (uint64_t)f->adjs.max * sizeof(*f->adjs.adjs) + (uint64_t)f->peers.max * sizeof(struct peer) +
		 (uint64_t)f->nhs.max * sizeof(*f->nhs.words);
	for (unsigned i = 0; i < FWD_VRFS_MAX; i++)
		bytes += fib_bytes(f->vrfs[i].fib_ipv4) + fib_bytes(f->vrfs[i].fib_ipv6);
	return bytes;
}
