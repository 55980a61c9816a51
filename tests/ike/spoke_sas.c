// SPDX-License-Identifier: BSD-3-Clause
#include "spoke_sas.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto_ipsec_mb.h"

#define SAS_PER_SPOKE 8 // two of a direction while it rekeys, and as many that are negotiated
#define NUMBER_BITS 17 // of an SPI; above: how often the number was given
#define SPOKES_PER_NET 250
#define FIRST_NET 0x0a090100u

_Static_assert(SPOKES_MAX *SAS_PER_SPOKE < 1 << NUMBER_BITS, "every SA has a number");

struct spoke_sa {
	uint32_t spi;
	uint32_t next; // of the spoke and direction, newest first; or free
	bool is_reserved; // inbound to a spoke, not installed yet
};

struct spoke {
	uint32_t in, out; // newest
	uint32_t n_in_ever, n_out_ever;
};

struct spoke_sas {
	uint32_t n_spokes, n_sas, free_first, given;
	struct spoke_esp *esp;
	struct spoke_sa *sas; // [n_sas]
	struct spoke *spokes; // [n_spokes + 1]
};

static uint32_t nbma_of(uint32_t number) {
	(void)number;
	return 0; // of tunnel mode's header
}

static struct spoke_esp *esp_create(uint32_t n_sas) {
	struct spoke_esp_conf conf = {.ops = &crypto_ipsec_mb_ops,
		.suite = ESP_AES_GCM_128_16,
		.window = 1024,
		.hub_window = 1024,
		.count = n_sas,
		.nbma = nbma_of};

	return spoke_esp_create(&conf);
}

struct spoke_sas *spoke_sas_create(uint32_t n_spokes) {
	struct spoke_sas *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->n_spokes = n_spokes;
	s->n_sas = n_spokes * SAS_PER_SPOKE + 1;
	s->sas = calloc(s->n_sas, sizeof(*s->sas));
	s->spokes = calloc(n_spokes + 1, sizeof(*s->spokes));
	s->esp = esp_create(s->n_sas);
	if (!s->sas || !s->spokes || !s->esp) {
		spoke_sas_free(s);
		errno = ENOMEM;
		return NULL;
	}
	for (uint32_t i = 1; i + 1 < s->n_sas; i++)
		s->sas[i].next = i + 1;
	s->free_first = 1;
	return s;
}

void spoke_sas_free(struct spoke_sas *s) {
	if (!s)
		return;
	spoke_esp_free(s->esp);
	free(s->spokes);
	free(s->sas);
	free(s);
}

struct spoke_esp *spoke_sas_esp(const struct spoke_sas *s) {
	return s->esp;
}

uint32_t spoke_address(uint32_t spoke) {
	return FIRST_NET + (spoke / SPOKES_PER_NET << 8) + spoke % SPOKES_PER_NET + 1;
}

uint32_t spoke_at(const struct spoke_sas *s, uint32_t address) {
	uint32_t spoke = ((address - FIRST_NET) >> 8) * SPOKES_PER_NET + (address & 0xff) - 1;

	return spoke >= 1 && spoke <= s->n_spokes && spoke_address(spoke) == address ? spoke : 0;
}

// --- numbers ---
static uint32_t take(struct spoke_sas *s) {
	uint32_t number = s->free_first;

	if (number) {
		s->free_first = s->sas[number].next;
		s->sas[number] = (struct spoke_sa){0};
	}
	return number;
}

static void give(struct spoke_sas *s, uint32_t number) {
	s->sas[number] = (struct spoke_sa){.next = s->free_first};
	s->free_first = number;
}

uint32_t spoke_sas_reserve(struct spoke_sas *s) {
	uint32_t number = take(s);

	if (!number)
		return 0;
	s->given = s->given % 0x7fff + 1;
	s->sas[number] = (struct spoke_sa){.spi = s->given << NUMBER_BITS | number, .is_reserved = true};
	return s->sas[number].spi;
}

static uint32_t reserved(const struct spoke_sas *s, uint32_t spi) {
	uint32_t number = spi & ((1u << NUMBER_BITS) - 1);

	return number < s->n_sas && s->sas[number].spi == spi && s->sas[number].is_reserved ? number : 0;
}

// --- installed ---
static uint32_t spoke_of(const struct spoke_sas *s, const struct nave_ike_sa_name *name) {
	const struct nave_ike_host *local = name->direction == NAVE_IKE_INBOUND ? &name->dst : &name->src;
	uint32_t address;

	memcpy(&address, local->address, sizeof(address));
	return local->family == 4 ? spoke_at(s, ntohl(address)) : 0;
}

static bool key_set(struct spoke_sas *s, uint32_t number, const struct nave_ike_add_sa *m) {
	enum spoke_esp_way way = m->sa.direction == NAVE_IKE_INBOUND ? SPOKE_ESP_FROM_HUB : SPOKE_ESP_TO_HUB;
	struct sa_keys keys = {.enc_bytes = esp_suites[ESP_AES_GCM_128_16].enc_key_bytes};
	int rc;

	if (m->enc_key_bytes != keys.enc_bytes + sizeof(keys.salt) || m->is_tunnel_mode || m->is_udp || m->is_esn)
		return false;
	memcpy(keys.enc, m->enc_key, keys.enc_bytes);
	memcpy(&keys.salt, m->enc_key + keys.enc_bytes, sizeof(keys.salt));
	rc = spoke_esp_set(s->esp, number, way, m->sa.spi, &keys);
	esp_wipe(&keys, sizeof(keys));
	return rc == 0;
}

bool spoke_sas_add(struct spoke_sas *s, const struct nave_ike_add_sa *m) {
	bool is_in = m->sa.direction == NAVE_IKE_INBOUND;
	uint32_t spoke = spoke_of(s, &m->sa), number = is_in ? reserved(s, m->sa.spi) : take(s);
	struct spoke *sp = &s->spokes[spoke];
	uint32_t *first = is_in ? &sp->in : &sp->out;

	if (!number)
		return false;
	if (!spoke || !key_set(s, number, m)) {
		give(s, number);
		return false;
	}
	s->sas[number] = (struct spoke_sa){.spi = m->sa.spi, .next = *first};
	*first = number;
	sp->n_in_ever += is_in;
	sp->n_out_ever += !is_in;
	return true;
}

bool spoke_sas_delete(struct spoke_sas *s, const struct nave_ike_sa_name *name) {
	bool is_in = name->direction == NAVE_IKE_INBOUND;
	struct spoke *sp = &s->spokes[spoke_of(s, name)];
	uint32_t *at = is_in ? &sp->in : &sp->out, number;

	while (*at && s->sas[*at].spi != name->spi)
		at = &s->sas[*at].next;
	number = *at;
	if (number)
		*at = s->sas[number].next;
	else if (is_in)
		number = reserved(s, name->spi);
	if (!number)
		return false;
	give(s, number);
	return true;
}

uint32_t spoke_sas_out(const struct spoke_sas *s, uint32_t spoke) {
	return s->spokes[spoke].out;
}

uint32_t spoke_sas_in(const struct spoke_sas *s, uint32_t spoke, uint32_t spi) {
	uint32_t number = s->spokes[spoke].in;

	while (number && s->sas[number].spi != spi)
		number = s->sas[number].next;
	return number;
}

bool spoke_is_rekeying(const struct spoke_sas *s, uint32_t spoke) {
	uint32_t in = s->spokes[spoke].in;

	return in && s->sas[in].next;
}

uint32_t spoke_sas_rekeyed(const struct spoke_sas *s) {
	uint32_t n = 0;

	for (uint32_t i = 1; i <= s->n_spokes; i++) {
		const struct spoke *sp = &s->spokes[i];

		n += sp->n_in_ever > 1 && sp->n_out_ever > 1 && !spoke_is_rekeying(s, i) && sp->out &&
		     !s->sas[sp->out].next;
	}
	return n;
}
