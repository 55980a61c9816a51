// SPDX-License-Identifier: BSD-3-Clause
// SAs into the tables that workers read. Keys pass through the stack, and a message to the owner, and are wiped there.
#include <errno.h>
#include <sys/random.h>

#include <rte_byteorder.h>

#include "esp_wire.h"
#include "publish_state.h"

#define SOFT_PARTS 16 // SA_EVENT_SOFT comes when a sixteenth of the sequence numbers is left

static int check(const struct publish *p, const struct sa_params *params, const struct sa_keys *keys) {
	const struct ipsec *ip = p->fwd->ipsec;

	if (!ip || (unsigned)params->suite >= ESP_SUITE_COUNT)
		return -EINVAL;
	if (ip->ops->key_bytes(params->suite) == 0)
		return -ENOTSUP;
	return esp_key_check(params->suite, keys->enc, keys->enc_bytes, keys->auth, keys->auth_bytes);
}

static int key_init(const struct publish *p, void *key, const struct sa_params *params, const struct sa_keys *keys) {
	return p->fwd->ipsec->ops->key_init(
		key, params->suite, keys->enc, keys->enc_bytes, keys->auth, keys->auth_bytes);
}

static uint8_t flags_of(const struct sa_params *params, uint16_t nbma_port) {
	return (params->esn ? SA_ESN : 0) | (params->tunnel_mode ? SA_TUNNEL_MODE : 0) | (nbma_port ? SA_UDP : 0);
}

static uint32_t inner_word(const struct sa_params *params) {
	uint32_t word = 0;

	if (params->tunnel_mode && params->inner_nbma.family == ADDR_IPV4)
		memcpy(&word, params->inner_nbma.bytes, sizeof(word));
	return word;
}

static uint16_t window_of(const struct sa_params *params) {
	return params->replay_window ? params->replay_window : REPLAY_WINDOW_DEFAULT;
}

// --- inbound ---
static int sa_in_fill(
	struct publish *p, uint32_t slot, uint32_t peer, const struct sa_params *params, const struct sa_keys *keys) {
	const struct protected_ctl *g = &p->protected[peer];
	const struct peer *pe = peer_at(&p->fwd->peers, peer);
	struct sa_in *sa = sa_in_at(p->fwd->ipsec, slot);

	sa->salt = keys->salt;
	sa->from = sa_from_word(&g->nbma, g->nbma_port, pe->endpoint);
	sa->peer = peer;
	sa_in_cold(p->fwd->ipsec, sa)->peer_gen = pe->gen;
	sa->owner = PEER_OWNER_NONE;
	sa->suite = params->suite;
	sa->flags = flags_of(params, g->nbma_port);
	sa_in_cold(p->fwd->ipsec, sa)->inner_nbma = inner_word(params);
	sa->packets = sa->bytes = 0;
	replay_init(&sa->replay, window_of(params));
	return key_init(p, sa_in_key(p->fwd->ipsec, sa), params, keys);
}

// Where an inbound SA goes: a slot that nobody reads yet.
struct place {
	uint32_t slot, spi;
};

static int place_take(struct publish *p, uint32_t spi, struct place *at) {
	int64_t rc;

	at->spi = spi;
	rc = spi ? sad_alloc_foreign(p->fwd->ipsec, p->now_ns, spi)
		 : (int64_t)sad_alloc(p->fwd->ipsec, p->now_ns, &at->spi);
	if (rc < 0)
		return (int)rc;
	at->slot = (uint32_t)rc;
	return at->slot ? 0 : -ENOSPC;
}

static int sa_in_put(struct publish *p, const struct place *at, uint32_t peer, const struct sa_params *params,
	const struct sa_keys *keys) {
	int rc = sa_in_fill(p, at->slot, peer, params, keys);

	if (rc == 0)
		rc = sad_publish(p->fwd->ipsec, at->slot, at->spi);
	if (rc < 0)
		return rc;
	p->sa_in_next[at->slot] = p->protected[peer].sas_in;
	p->protected[peer].sas_in = at->slot;
	return 0;
}

// Takes the place, or gives it back.
static int sa_in_add(struct publish *p, const struct place *at, const struct publish_peer *where,
	const struct sa_params *params, const struct sa_keys *keys, uint32_t *peer) {
	int rc = protected_hold(p, where, peer);

	if (rc < 0)
		goto err_peer;
	rc = sa_in_put(p, at, *peer, params, keys);
	if (rc < 0)
		goto err_put;
	return 0;

err_put:
	peer_release(p, *peer);
err_peer:
	sad_cancel(p->fwd->ipsec, at->slot, p->now_ns);
	return rc;
}

static int sa_in_check(const struct publish *p, const struct sa_params *params, const struct sa_keys *keys) {
	int rc = check(p, params, keys);

	if (rc < 0)
		return rc;
	// Wider than any of the configuration: there is no room for it.
	return offsetof(struct sa_in, replay) + replay_bytes(window_of(params)) > p->fwd->ipsec->key_off ? -EINVAL : 0;
}

int publish_sa_in(struct publish *p, const struct publish_peer *where, const struct sa_params *params,
	const struct sa_keys *keys, uint32_t *spi, uint32_t *peer) {
	struct place at;
	int rc = sa_in_check(p, params, keys);

	if (rc == 0)
		rc = place_take(p, *spi, &at);
	if (rc == 0)
		rc = sa_in_add(p, &at, where, params, keys, peer);
	if (rc == 0)
		*spi = at.spi;
	return rc;
}

int publish_sa_in_reserved(struct publish *p, const struct publish_peer *where, const struct sa_params *params,
	const struct sa_keys *keys, uint32_t spi, uint32_t *peer) {
	struct place at = {.slot = p->fwd->ipsec ? sad_reserved(p->fwd->ipsec, spi) : 0, .spi = spi};
	int rc;

	if (!at.slot)
		return -ENOENT;
	rc = sa_in_check(p, params, keys);
	if (rc == 0)
		return sa_in_add(p, &at, where, params, keys, peer);
	sad_cancel(p->fwd->ipsec, at.slot, p->now_ns);
	return rc;
}

int publish_spi_reserve(struct publish *p, uint32_t *spi) {
	return p->fwd->ipsec && sad_reserve(p->fwd->ipsec, p->now_ns, spi) ? 0 : -ENOSPC;
}

int publish_spi_cancel(struct publish *p, uint32_t spi) {
	uint32_t slot = p->fwd->ipsec ? sad_reserved(p->fwd->ipsec, spi) : 0;

	if (!slot)
		return -ENOENT;
	sad_cancel(p->fwd->ipsec, slot, p->now_ns);
	return 0;
}

static void sa_in_unlink(struct publish *p, uint32_t peer, uint32_t slot) {
	uint32_t *at = &p->protected[peer].sas_in;

	while (*at != slot)
		at = &p->sa_in_next[*at];
	*at = p->sa_in_next[slot];
}

int publish_sa_in_withdraw(struct publish *p, uint32_t spi) {
	uint32_t slot = p->fwd->ipsec ? sad_lookup(p->fwd->ipsec, spi) : 0, peer;
	int rc;

	if (!slot)
		return -ENOENT;
	peer = sa_in_at(p->fwd->ipsec, slot)->peer;
	rc = sad_withdraw(p->fwd->ipsec, p->fwd->rcu, slot, p->now_ns);
	if (rc < 0)
		return rc;
	sa_in_unlink(p, peer, slot);
	peer_release(p, peer);
	return 0;
}

// --- outbound ---
static uint64_t seq_end_of(const struct sa_params *params) {
	if (params->seq_end)
		return params->seq_end;
	return params->esn ? UINT64_MAX : UINT32_MAX;
}

static int sa_out_fill(struct publish *p, struct sa_message *msg, uint16_t nbma_port, const struct sa_params *params,
	const struct sa_keys *keys, uint32_t spi, uint32_t number) {
	uint64_t end = seq_end_of(params);
	uint32_t iv_high;

	if (getrandom(&iv_high, sizeof(iv_high), GRND_NONBLOCK) != sizeof(iv_high))
		return -EAGAIN; // a machine that has just booted
	msg->has_sa = true;
	msg->sa = (struct sa_out){
		.seq_soft = end - end / SOFT_PARTS,
		.seq_end = end,
		.spi_be = rte_cpu_to_be_32(spi),
		.salt = keys->salt,
		.suite = params->suite,
		.flags = flags_of(params, nbma_port),
		.is_valid = true,
		.iv_high = iv_high,
		.inner_nbma = inner_word(params),
		.number = number,
	};
	return key_init(p, msg->key, params, keys);
}

static int sa_out_put(struct publish *p, uint32_t peer, const struct sa_params *params, const struct sa_keys *keys,
	uint32_t spi, uint32_t number) {
	struct protected_ctl *g = &p->protected[peer];
	struct sa_message msg = {0};
	int rc = sa_out_fill(p, &msg, g->nbma_port, params, keys, spi, number);

	if (rc == 0)
		rc = protected_tell(p, peer, &msg);
	esp_wipe(&msg, sizeof(msg));
	if (rc < 0)
		return rc;
	g->has_out = true;
	g->suite = params->suite;
	g->tunnel_mode = params->tunnel_mode;
	protected_mtu_changed(p, peer);
	return 0;
}

// The peer is held once for its outbound SA, whichever that is.
int publish_sa_out(struct publish *p, const struct publish_peer *where, const struct sa_params *params,
	const struct sa_keys *keys, uint32_t spi, uint32_t number, uint32_t *peer) {
	bool had;
	int rc = check(p, params, keys);

	if (rc < 0)
		return rc;
	if (spi < ESP_SPI_MIN || (!params->esn && params->seq_end > UINT32_MAX))
		return -EINVAL;
	rc = protected_hold(p, where, peer);
	if (rc < 0)
		return rc;
	had = p->protected[*peer].has_out;
	rc = sa_out_put(p, *peer, params, keys, spi, number);
	if (rc < 0 || had)
		peer_release(p, *peer);
	return rc;
}

int publish_sa_out_withdraw(struct publish *p, uint32_t peer) {
	const struct sa_message none = {.has_sa = true}; // and no key: the old one is written over
	int rc;

	if (peer >= p->fwd->peers.max || !protected_is(p, peer) || !p->protected[peer].has_out)
		return -ENOENT;
	rc = protected_tell(p, peer, &none);
	if (rc < 0)
		return rc;
	p->protected[peer].has_out = false;
	protected_mtu_changed(p, peer);
	peer_release(p, peer);
	return 0;
}
