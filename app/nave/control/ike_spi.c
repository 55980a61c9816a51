// SPDX-License-Identifier: BSD-3-Clause
// SPIs between GET_SPI and ADD_SA, by slot of the SAD, in the order of their time.
#include "ike_state.h"

#include <errno.h>

#include "ipsec.h"
#include "sa_ctl.h"
#include "clock.h" // after DPDK

#define SPIS_PER_TURN 64

static struct ike_spi *spi_of(struct ike_ctl *c, uint32_t spi) {
	uint32_t slot = spi & SPI_INDEX_MAX;

	return slot && slot < c->nave->fwd.ipsec->n_in && c->spis[slot].spi == spi ? &c->spis[slot] : NULL;
}

static void unlink_spi(struct ike_ctl *c, struct ike_spi *s) {
	if (s->prev)
		c->spis[s->prev].next = s->next;
	else
		c->spi_first = s->next;
	if (s->next)
		c->spis[s->next].prev = s->prev;
	else
		c->spi_last = s->prev;
	*s = (struct ike_spi){0};
	c->n_spis--;
}

int ike_spi_keep(struct ike_ctl *c, uint32_t *spi) {
	int rc = sa_ctl_reserve(c->nave->sas, spi);
	uint32_t slot;

	if (rc < 0)
		return rc;
	slot = *spi & SPI_INDEX_MAX;
	c->spis[slot] =
		(struct ike_spi){.spi = *spi, .prev = c->spi_last, .due_ns = c->now_ns + IKE_SPI_KEPT_S * NS_PER_S};
	if (c->spi_last)
		c->spis[c->spi_last].next = slot;
	else
		c->spi_first = slot;
	c->spi_last = slot;
	c->n_spis++;
	return 0;
}

bool ike_spi_is_kept(struct ike_ctl *c, uint32_t spi) {
	return spi_of(c, spi) != NULL;
}

void ike_spi_taken(struct ike_ctl *c, uint32_t spi) {
	struct ike_spi *s = spi_of(c, spi);

	if (s)
		unlink_spi(c, s);
}

bool ike_spi_give_back(struct ike_ctl *c, uint32_t spi) {
	struct ike_spi *s = spi_of(c, spi);

	if (!s)
		return false;
	unlink_spi(c, s);
	sa_ctl_cancel(c->nave->sas, spi);
	return true;
}

static void drop_first(struct ike_ctl *c) {
	ike_spi_give_back(c, c->spis[c->spi_first].spi);
	c->counters[IKE_CTL_SPI_TIMEOUT]++;
}

void ike_spi_turn(struct ike_ctl *c) {
	for (unsigned i = 0; i < SPIS_PER_TURN && c->spi_first && c->spis[c->spi_first].due_ns <= c->now_ns; i++)
		drop_first(c);
}

// In slices, by the next turns.
void ike_spi_give_back_all(struct ike_ctl *c) {
	for (uint32_t slot = c->spi_first; slot; slot = c->spis[slot].next)
		c->spis[slot].due_ns = c->now_ns;
}
