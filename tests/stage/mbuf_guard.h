// SPDX-License-Identifier: BSD-3-Clause
// AddressSanitizer does not see mbufs: their memory is a pool's. In its builds what lies around the data of an injected
// packet is poisoned, so that a read or write beyond the packet stops the test; room for the headers that a stage may
// push stays open, and behind the packet, where a test says so, room for what ESP puts there.
#pragma once

#include <stdbool.h>

#include <rte_mbuf.h>

#define GUARD_PUSH_ROOM 80 // Ethernet, IPv6, GRE with all fields, and some
#define GUARD_ESP_PUSH 80 // UDP, ESP, IV, and the IP header of tunnel mode
#define GUARD_ESP_TAIL 64 // padding, trailer and ICV

extern bool mbuf_guard_open_for_esp; // hub.c

#if defined(__SANITIZE_ADDRESS__)
#define MBUF_GUARD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MBUF_GUARD 1
#endif
#endif

#ifdef MBUF_GUARD
#include <sanitizer/asan_interface.h>

// A fresh mbuf may still have the poison of its last use.
static inline void mbuf_guard_open(struct rte_mbuf *m) {
	ASAN_UNPOISON_MEMORY_REGION(m->buf_addr, m->buf_len);
}

static inline void mbuf_guard_close(struct rte_mbuf *m) {
	char *begin = m->buf_addr, *data = rte_pktmbuf_mtod(m, char *), *end = data + m->data_len;
	int push = GUARD_PUSH_ROOM + (mbuf_guard_open_for_esp ? GUARD_ESP_PUSH : 0);
	int tail = mbuf_guard_open_for_esp ? GUARD_ESP_TAIL : 0;

	if (data - begin > push)
		ASAN_POISON_MEMORY_REGION(begin, data - begin - push);
	if (begin + m->buf_len - end > tail)
		ASAN_POISON_MEMORY_REGION(end + tail, begin + m->buf_len - end - tail);
}

static inline bool mbuf_guard_holds(struct rte_mbuf *m) {
	char *data = rte_pktmbuf_mtod(m, char *);
	int tail = mbuf_guard_open_for_esp ? GUARD_ESP_TAIL : 0;

	return !__asan_region_is_poisoned(data, m->data_len) && __asan_address_is_poisoned(data + m->data_len + tail) &&
	       (mbuf_guard_open_for_esp || __asan_address_is_poisoned(m->buf_addr));
}
#else
static inline void mbuf_guard_open(struct rte_mbuf *m) {
	(void)m;
}
static inline void mbuf_guard_close(struct rte_mbuf *m) {
	(void)m;
}
static inline bool mbuf_guard_holds(struct rte_mbuf *m) {
	(void)m;
	return true;
}
#endif

// Before the pool's memory is given back.
static inline void mbuf_guard_open_one(struct rte_mempool *pool, void *arg, void *m, unsigned index) {
	(void)pool;
	(void)arg;
	(void)index;
	mbuf_guard_open(m);
}

static inline void mbuf_guard_open_all(struct rte_mempool *pool) {
	rte_mempool_obj_iter(pool, mbuf_guard_open_one, NULL);
}
