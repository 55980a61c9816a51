// SPDX-License-Identifier: BSD-3-Clause
// Control puts SAs in place while a worker claims their peers: whoever writes, it is one at a time, and what the worker
// reads is whole. Meant for the thread sanitizer too.
#include "publish_fixture.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>

#include "crypto_null.h"
#include "sa_fixture.h"

#define ROUNDS 400
#define SAS 4 // one after the other, of each peer
#define PAUSE_STEP 50
#define SUITE ESP_AES_CBC_128_SHA256_128

static struct {
	uint32_t peer; // of this round; atomic, 0: none yet
	uint32_t seen; // number of the SA that the worker saw last; atomic
	bool full; // the ring of one: atomic
	struct sa_message msg;
	unsigned torn; // by the worker
	unsigned told, strangers; // by control
} shared;

static int tell(void *arg, uint16_t worker, uint32_t peer, const struct sa_message *msg) {
	(void)arg;
	(void)peer;
	shared.strangers += worker != 0;
	if (__atomic_load_n(&shared.full, __ATOMIC_ACQUIRE))
		return -ENOBUFS;
	shared.msg = *msg;
	shared.told++;
	__atomic_store_n(&shared.full, true, __ATOMIC_RELEASE);
	return 0;
}

static void ring_look(struct fwd *f, uint32_t peer) {
	if (!__atomic_load_n(&shared.full, __ATOMIC_ACQUIRE))
		return;
	sa_message_apply(f->ipsec, peer_at(&f->peers, peer), peer, &shared.msg);
	__atomic_store_n(&shared.full, false, __ATOMIC_RELEASE);
}

// SPI, number and salt say the same, whichever SA it is.
static void sa_look(const struct fwd *f, uint32_t peer) {
	const struct sa_out *sa = sa_out_at(f->ipsec, peer);

	if (!sa->is_valid)
		return;
	shared.torn += sa->spi_be != htonl(0x2000 + sa->number) || sa->suite != SUITE || sa->seq != 0;
	__atomic_store_n(&shared.seen, sa->number, __ATOMIC_RELEASE);
}

static void *worker(void *arg) {
	struct fwd *f = arg;
	cpu_set_t cpus;
	uint32_t peer;

	memset(&cpus, 0xff, sizeof(cpus)); // EAL has bound the thread that made this one to a CPU
	sched_setaffinity(0, sizeof(cpus), &cpus);
	while ((peer = __atomic_load_n(&shared.peer, __ATOMIC_ACQUIRE)) != UINT32_MAX) {
		if (!peer || !peer_claim(peer_at(&f->peers, peer), 0)) {
			sched_yield();
			continue;
		}
		ring_look(f, peer);
		sa_look(f, peer);
	}
	return NULL;
}

static void add(struct hub *h, const struct publish_peer *where, uint32_t number) {
	struct sa_params params = {.suite = SUITE};
	struct sa_keys keys = keys_of(SUITE, (uint8_t)number);
	uint32_t peer;
	int rc;

	do {
		rc = publish_sa_out(h->publish, where, &params, &keys, 0x2000 + number, number, &peer);
		if (rc == -ENOBUFS)
			sched_yield();
	} while (rc == -ENOBUFS);
	assert_int_equal(rc, 0);
	__atomic_store_n(&shared.peer, peer, __ATOMIC_RELEASE); // as an adjacency leads to it
}

static void wait_seen(uint32_t number) {
	while (__atomic_load_n(&shared.seen, __ATOMIC_ACQUIRE) != number)
		sched_yield();
}

// From not at all to long enough for the worker to be there.
static void pause_some(uint32_t round) {
	for (volatile uint32_t n = 0; n < round * PAUSE_STEP; n++)
		;
	if (round % 64 == 63)
		sched_yield();
}

static void one_writes_at_a_time(void **state) {
	struct hub *h = *state;
	struct publish_peer where = {.nbma = ip("198.51.100.11")};
	pthread_t thread;

	publish_on_sa(h->publish, tell, NULL);
	assert_int_equal(pthread_create(&thread, NULL, worker, &h->fwd), 0);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		where.nbma = addr_ipv4(0xc6330001 + round);
		for (uint32_t i = 0; i < SAS; i++) {
			add(h, &where, round * SAS + i + 1);
			pause_some(round);
		}
		wait_seen(round * SAS + SAS);
		__atomic_store_n(&shared.peer, 0, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&shared.peer, UINT32_MAX, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	print_message("%u of %u SAs by message\n", shared.told, ROUNDS * SAS);
	assert_int_equal(shared.torn, 0);
	assert_int_equal(shared.strangers, 0);
	assert_true(shared.told > 0);
}

static int up(void **state) {
	struct fwd_sizes sizes = {.max_spokes = ROUNDS, .n_workers = 1};

	return hub_up_with(state, &sizes, &crypto_null_ops);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(one_writes_at_a_time, up, hub_down)};
	int failed;

	if (eal_start("test_sa_owner") < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rte_eal_cleanup();
	return failed;
}
