// SPDX-License-Identifier: BSD-3-Clause
// Four workers that share two CPUs, running: spokes with a receive window of 32 lose nothing and see their numbers in
// order, while control replaces SAs in both directions, rewrites headers and answers.
//
//   the spokes (a thread) ── rx queues ──▶ workers ── tx queues ──▶ the spokes        control (the main thread)
//
// The spokes hear of new SAs behind ThreadSanitizer's back, as they would by IKE: nothing of the test orders what
// control does before what workers do.
#include <pthread.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "esp.h"
#include "esp_packet.h"
#include "stage.h"
#include "tsan_sync.h"

#define WORKERS 4
#define SPOKES 12
#define BURST 8 // packets of a spoke at a time
#define UNDER_WAY_MAX 512 // less than any ring holds
#define DOWNS_MAX 64 // outbound SAs of a spoke over the test

#ifdef TSAN
#define ROUNDS 240
#else
#define ROUNDS 800
#endif

// What a spoke knows of its SAs; control writes, the spokes read.
struct known {
	struct esp_sa up, down[DOWNS_MAX];
	uint32_t n_down, up_number;
};

struct scene {
	struct hub h;
	struct esp_spoke spokes[SPOKES]; // control's
	struct known known[SPOKES];
	uint64_t answers; // that control sent
	uint32_t answers_told, drain_wanted;
	// The spokes'.
	struct esp_spoke at[SPOKES];
	uint64_t seen[SPOKES][DOWNS_MAX]; // last number
	int queue_of[SPOKES]; // on which they were sent; -1: none yet
	uint32_t uses[SPOKES]; // up_number
	uint32_t drained; // drain_wanted
	uint64_t injected, arrived, answered;
	bool done;
	const char *complaint;
};

static struct scene scene;

NO_TSAN static void words_copy(void *to, const void *from, size_t bytes) {
	volatile uint8_t *t = to;
	const volatile uint8_t *f = from;

	for (size_t i = 0; i < bytes; i++)
		t[i] = f[i];
}

NO_TSAN static void tell_up(struct known *k, const struct esp_sa *up) {
	words_copy(&k->up, up, sizeof(*up));
	__atomic_store_n(&k->up_number, k->up_number + 1, __ATOMIC_RELEASE);
}

NO_TSAN static void tell_down(struct known *k, const struct esp_sa *down) {
	words_copy(&k->down[k->n_down], down, sizeof(*down));
	__atomic_store_n(&k->n_down, k->n_down + 1, __ATOMIC_RELEASE);
}

NO_TSAN static uint32_t hear_u32(const uint32_t *of) {
	return __atomic_load_n(of, __ATOMIC_ACQUIRE);
}

NO_TSAN static void tell_u32(uint32_t *to, uint32_t v) {
	__atomic_store_n(to, v, __ATOMIC_RELEASE);
}

NO_TSAN static bool hear_done(void) {
	return __atomic_load_n(&scene.done, __ATOMIC_ACQUIRE);
}

NO_TSAN static void tell_done(void) {
	__atomic_store_n(&scene.done, true, __ATOMIC_RELEASE);
}

// Every packet to a spoke is the same, whoever sends it.
static void inner(const struct scene *s, struct frame *f, unsigned to, uint8_t hops) {
	struct addr src = addr_of("172.31.0.1"), dst = esp_host(&s->spokes[to].s.lan, 7);

	inner_udp(f, &src, &dst, 36, hops, 0);
}

static void send_one(struct scene *s, unsigned from, unsigned to, uint16_t queue) {
	uint32_t number = hear_u32(&s->known[from].up_number);
	struct esp_spoke *at = &s->at[from];
	struct rte_mbuf *m;
	uint8_t iv[16] = {0};
	struct frame f;

	if (number != s->uses[from]) {
		words_copy(&at->up, &s->known[from].up, sizeof(at->up));
		tell_u32(&s->uses[from], number);
	}
	inner(s, &f, to, 64);
	esp_inside_from_spoke(&f, &s->h, at, 0x0800);
	frame_esp_trailer(&f, (uint8_t)(-(f.len + 2) & 3), esp_next_header(at));
	at->up.seq++;
	memcpy(iv, &at->up.seq, 8);
	esp_seal_text(&f, &at->up, at->up.seq, iv);
	esp_outer_from_spoke(&f, &s->h, at, 0);
	m = rte_pktmbuf_alloc(hub_rx_pool());
	memcpy(rte_pktmbuf_append(m, f.len), frame_bytes(&f), f.len);
	tsan_give(m);
	hub_queue(WAN, queue, m);
	s->injected++;
}

static const char *arrived_in_order(struct scene *s, unsigned to, unsigned down, struct rte_mbuf *m, int queue) {
	struct esp_spoke *at = &s->at[to];
	struct esp_seen seen = esp_look(m);
	bool is_answer = rte_pktmbuf_mtod(m, uint8_t *)[15] == 0xc0;
	struct frame f;

	if (s->queue_of[to] >= 0 && s->queue_of[to] != queue)
		return "a spoke's packets left on two queues";
	s->queue_of[to] = queue;
	if (seen.seq != s->seen[to][down] + 1)
		return "a sequence number is missing, or came late";
	s->seen[to][down]++;
	words_copy(&at->down, &s->known[to].down[down], sizeof(at->down));
	if (is_answer)
		frame_payload(&f, 92, 3);
	else
		inner(s, &f, to, 63);
	esp_to_spoke(&f, &s->h, at, is_answer ? 0x2001 : 0x0800, is_answer ? 0xc0 : 0, seen.seq, seen.iv);
	s->answered += is_answer;
	s->arrived += !is_answer;
	return f.len == m->data_len && memcmp(frame_bytes(&f), rte_pktmbuf_mtod(m, void *), f.len) == 0
		       ? NULL
		       : "not what was sent";
}

static const char *arrived(struct scene *s, struct rte_mbuf *m, int queue) {
	uint32_t spi = esp_look(m).spi;

	for (unsigned to = 0; to < SPOKES; to++) {
		uint32_t n = hear_u32(&s->known[to].n_down);

		for (unsigned d = n; d-- > 0;)
			if (s->known[to].down[d].spi == spi)
				return arrived_in_order(s, to, d, m, queue);
	}
	return "an SPI of nobody";
}

static void take_all(struct scene *s) {
	for (int q = 0; q < WORKERS; q++) {
		struct rte_mbuf *m;

		while ((m = hub_sent_from(WAN, q)) != NULL) {
			const char *why;

			tsan_take(m);
			why = arrived(s, m, q);
			if (why && !s->complaint)
				s->complaint = why;
			rte_pktmbuf_free(m);
		}
	}
}

static void drain(struct scene *s, uint64_t under_way) {
	uint64_t until = rte_get_timer_cycles() + 30 * rte_get_timer_hz();

	for (take_all(s); s->injected - s->arrived > under_way && !s->complaint; take_all(s)) {
		if (rte_get_timer_cycles() > until)
			s->complaint = "packets are lost";
		usleep(20);
	}
}

// Control wants to know that nothing is under way that was sent before.
static void drain_if_wanted(struct scene *s) {
	uint32_t wanted = hear_u32(&s->drain_wanted);

	if (wanted == s->drained)
		return;
	drain(s, 0);
	tell_u32(&s->drained, wanted);
}

// The queue that a spoke's flow hashes to changes every now and then: then its packets come to another worker than
// owns it. Packets on two queues have no order, so the line is empty at that moment.
static void *spokes_run(void *arg) {
	struct scene *s = arg;

	for (unsigned r = 0; r < ROUNDS && !s->complaint; r++) {
		if (r % 40 == 0)
			drain(s, 0);
		for (unsigned from = 0; from < SPOKES; from++)
			for (unsigned i = 0; i < BURST; i++)
				send_one(s, from, (from + 1 + r % (SPOKES - 1)) % SPOKES, (from + r / 40) % WORKERS);
		drain(s, UNDER_WAY_MAX - SPOKES * BURST);
		drain_if_wanted(s);
	}
	drain(s, 0);
	tell_done();
	for (uint64_t until = rte_get_timer_cycles() + 30 * rte_get_timer_hz();
		s->answered < hear_u32(&s->answers_told) && !s->complaint && rte_get_timer_cycles() < until;
		take_all(s))
		usleep(20);
	return NULL;
}

static void answer_send(struct scene *s, unsigned to) {
	struct rte_mbuf *m = rte_pktmbuf_alloc(datapath_control_pool(s->h.dp));
	struct frame f;

	assert_non_null(m);
	frame_payload(&f, 92, 3);
	memcpy(rte_pktmbuf_append(m, f.len), frame_bytes(&f), f.len);
	*pkt_meta(m) = (struct pkt_meta){
		.way = WAY_PEER,
		.gre_protocol = 0x2001,
		.peer_out = s->spokes[to].s.peer,
		.peer_out_gen = esp_peer(&s->h, &s->spokes[to])->gen,
	};
	assert_int_equal(datapath_send(s->h.dp, m, EGRESS_CONTROL), 0);
	s->answers++;
}

// As it was: written all the same.
static void header_put(const struct scene *s, const struct esp_spoke *es, struct sa_message *msg) {
	struct peer p = {0};

	peer_template_esp(&p, &s->h.fwd.endpoints[0].addr, &es->s.nbma, es->how.port);
	msg->has_hdr = true;
	msg->family = p.family;
	msg->hdr_len_bytes = p.hdr_len_bytes;
	memcpy(msg->hdr, p.hdr, sizeof(msg->hdr));
}

// Inbound first, then outbound. false: nobody owns the peer yet, or there were enough.
static bool rekey_begin(struct scene *s, unsigned i) {
	static struct sa_message msg;
	struct esp_spoke *es = &s->spokes[i];
	uint16_t owner = rcu_read(&esp_peer(&s->h, es)->owner);

	if (owner >= WORKERS || s->known[i].n_down == DOWNS_MAX)
		return false;
	esp_up_make(&s->h, es);
	tell_up(&s->known[i], &es->up);
	rcu_publish(&esp_sa_in(&s->h, &es->up)->from, sa_from_word(&es->s.nbma, es->how.port, 0)); // as it was
	esp_down_message(&s->h, es, &msg);
	tell_down(&s->known[i], &es->down);
	header_put(s, es, &msg);
	assert_int_equal(datapath_send_sa(s->h.dp, owner, es->s.peer, &msg), 0);
	answer_send(s, i);
	return true;
}

// The old inbound one goes when the spoke has left it, and what it sent has come; it sends on meanwhile.
static unsigned rekey_all(struct scene *s) {
	struct esp_sa old[SPOKES];
	bool is_made[SPOKES];
	unsigned n = 0;

	for (unsigned i = 0; i < SPOKES; i++) {
		old[i] = s->spokes[i].up;
		is_made[i] = rekey_begin(s, i);
		n += is_made[i];
	}
	for (unsigned i = 0; i < SPOKES; i++)
		while (is_made[i] && hear_u32(&s->uses[i]) != s->known[i].up_number && !hear_done())
			usleep(50);
	tell_u32(&s->drain_wanted, s->drain_wanted + 1);
	while (hear_u32(&s->drained) != s->drain_wanted && !hear_done())
		usleep(50);
	for (unsigned i = 0; i < SPOKES; i++)
		if (is_made[i])
			esp_up_withdraw(&s->h, &old[i]);
	rcu_reclaim(s->h.fwd.rcu, 100);
	esp_now_ns += 6 * UINT64_C(1000000000); // the slots need not rest here
	return n;
}

static struct scene *scene_make(void) {
	struct scene *s = &scene;
	char nbma[32];

	esp_hub_create(&s->h, WORKERS);
	for (unsigned i = 0; i < SPOKES; i++) {
		struct esp_how how = {.suite = i % 3 ? ESP_AES_GCM_128_16 : ESP_CHACHA20_POLY1305,
			.esn = i & 1,
			.port = i & 4 ? 40000 + i : 0,
			.window = 32};

		snprintf(nbma, sizeof(nbma), "192.0.2.%u", 100 + i);
		s->spokes[i] = esp_spoke(&s->h, 0, nbma, 100 + i, &how);
		s->at[i] = s->spokes[i];
		tell_up(&s->known[i], &s->spokes[i].up);
		tell_down(&s->known[i], &s->spokes[i].down);
		s->uses[i] = 0;
		s->queue_of[i] = -1;
	}
	return s;
}

static void test_sas_are_replaced_under_traffic(void **state) {
	struct scene *s = scene_make();
	pthread_t spokes;
	unsigned rekeys = 0;

	(void)state;
	if (rte_lcore_count() <= WORKERS)
		fail_msg("needs --lcores with %u workers", WORKERS);
	assert_int_equal(datapath_start(s->h.dp), 0);
	assert_int_equal(pthread_create(&spokes, NULL, spokes_run, s), 0);
	while (!hear_done())
		rekeys += rekey_all(s);
	tell_u32(&s->answers_told, (uint32_t)s->answers);
	assert_int_equal(pthread_join(spokes, NULL), 0);
	datapath_stop(s->h.dp);
	if (s->complaint)
		fail_msg("%s", s->complaint);
	assert_int_equal(s->injected, (uint64_t)ROUNDS * SPOKES * BURST);
	assert_int_equal(s->arrived, s->injected);
	assert_int_equal(s->answered, s->answers);
	hub_expect_no_drops(&s->h);
	assert_true(rekeys >= 4 * SPOKES);
	print_message("%lu packets, %u rekeys, %lu answers\n", s->arrived, rekeys, s->answers);
	hub_destroy(&s->h);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sas_are_replaced_under_traffic),
	};

	if (stage_main(argc, argv))
		return 1;
	tsan_hooks(HUB_QUEUES_MAX);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
