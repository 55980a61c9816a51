// SPDX-License-Identifier: BSD-3-Clause
// Inbound ESP (RFC 4303 section 3.4): SA by SPI, window, ICV, window again, trailer off.
#pragma once

#include "lcore_ctx.h"

// In: packets at the ESP header, meta.endpoint, meta.nbma and meta.nbma_port (0: native ESP) set, length as the outer
// headers say. Out: the first returned packets are what was inside, at the GRE header, meta.is_esp, spi_in, peer_in and
// peer_in_gen set, order kept. Those whose SA another worker owns are in its ring (esp_to). The rest is dropped:
// ESP_UNKNOWN, ESP_MALFORMED, ESP_REPLAY, ESP_ICV, ESP_DUMMY, NOT_PEER, OWNER_RING_FULL, STALE. What control has to
// know is in lc->events.
uint16_t esp_in_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n);

// One packet of an SA after the cipher, j->ok set: ICV, window, trailer. In: as esp_in_burst. true: as it returns them;
// false: dropped.
struct esp_job;
struct sa_in;
bool esp_in_take(struct lcore_ctx *lc, struct rte_mbuf *m, struct sa_in *sa, const struct esp_job *j, uint64_t seq);
