// SPDX-License-Identifier: BSD-3-Clause
// The cache of bindings: exact and longest match, the pool's end, expiry, lists made in slices.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cache.h"
#include "clock.h"

static struct prefix prefix_from(const char *text) {
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static struct addr addr_from(const char *text) {
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct binding *add(struct nhrp_cache *c, uint16_t tunnel, const char *text) {
	struct prefix p = prefix_from(text);

	return nhrp_cache_add(c, tunnel, &p);
}

static struct binding *lookup(const struct nhrp_cache *c, const char *text, bool authoritative_only) {
	struct addr a = addr_from(text);

	return nhrp_cache_lookup(c, 1, &a, authoritative_only);
}

static void find_is_exact_in_tunnel_address_and_length(void **state) {
	struct nhrp_cache *c = nhrp_cache_create(16, 0);
	struct prefix host = prefix_from("10.0.0.1"), net = prefix_from("10.0.0.0/24"), v6 = prefix_from("2001:db8::1");
	struct binding *a = add(c, 1, "10.0.0.1"), *b = add(c, 2, "10.0.0.1"), *n = add(c, 1, "10.0.0.0/24");
	struct binding *six = add(c, 1, "2001:db8::1");

	(void)state;
	assert_ptr_equal(nhrp_cache_find(c, 1, &host), a);
	assert_ptr_equal(nhrp_cache_find(c, 2, &host), b);
	assert_null(nhrp_cache_find(c, 3, &host));
	assert_ptr_equal(nhrp_cache_find(c, 1, &net), n);
	assert_null(nhrp_cache_find(c, 2, &net));
	assert_ptr_equal(nhrp_cache_find(c, 1, &v6), six);
	nhrp_cache_remove(c, a);
	assert_null(nhrp_cache_find(c, 1, &host));
	assert_ptr_equal(nhrp_cache_find(c, 2, &host), b);
	nhrp_cache_free(c);
}

static void lookup_takes_the_longest_match(void **state) {
	struct nhrp_cache *c = nhrp_cache_create(16, 0);
	struct binding *n16 = add(c, 1, "10.0.0.0/16"), *n24 = add(c, 1, "10.0.1.0/24"), *host = add(c, 1, "10.0.1.5");
	struct binding *six = add(c, 1, "2001:db8::/64"), *all = add(c, 1, "0.0.0.0/0");

	(void)state;
	assert_ptr_equal(lookup(c, "10.0.1.5", false), host);
	assert_ptr_equal(lookup(c, "10.0.1.6", false), n24);
	assert_ptr_equal(lookup(c, "10.0.2.6", false), n16);
	assert_ptr_equal(lookup(c, "11.0.2.6", false), all);
	assert_ptr_equal(lookup(c, "2001:db8::5", false), six);
	assert_null(lookup(c, "2001:db9::5", false));
	nhrp_cache_remove(c, n24);
	assert_ptr_equal(lookup(c, "10.0.1.6", false), n16);
	nhrp_cache_free(c);
}

static void authoritative_lookup_passes_over_what_was_learnt(void **state) {
	struct nhrp_cache *c = nhrp_cache_create(16, 0);
	struct binding *net = add(c, 1, "10.0.0.0/24"), *host = add(c, 1, "10.0.0.1");

	(void)state;
	net->kind = BINDING_REGISTERED;
	host->kind = BINDING_CACHED;
	assert_ptr_equal(lookup(c, "10.0.0.1", false), host);
	assert_ptr_equal(lookup(c, "10.0.0.1", true), net);
	net->kind = BINDING_CACHED;
	assert_null(lookup(c, "10.0.0.1", true));
	nhrp_cache_free(c);
}

static void full_pool_refuses_until_an_entry_is_given_back(void **state) {
	struct nhrp_cache *c = nhrp_cache_create(2, 0);
	struct binding *a = add(c, 1, "10.0.0.1");

	(void)state;
	assert_non_null(a);
	assert_non_null(add(c, 1, "10.0.0.2"));
	assert_null(add(c, 1, "10.0.0.3"));
	assert_int_equal(nhrp_cache_count(c), 2);
	a->mtu = 1400;
	a->adj = 7;
	nhrp_cache_remove(c, a);
	a = add(c, 1, "10.0.0.3");
	assert_non_null(a);
	assert_int_equal(a->mtu, 0); // nothing of the former owner
	assert_int_equal(a->adj, 0);
	assert_null(add(c, NHRP_CACHE_TUNNELS, "10.0.0.9"));
	nhrp_cache_free(c);
}

static void counts_by_tunnel(void **state) {
	struct nhrp_cache *c = nhrp_cache_create(16, 0);
	struct binding *b;

	(void)state;
	add(c, 1, "10.0.0.1");
	add(c, 1, "10.0.0.2");
	b = add(c, 7, "10.0.0.1");
	assert_int_equal(nhrp_cache_count(c), 3);
	assert_int_equal(nhrp_cache_count_tunnel(c, 1), 2);
	assert_int_equal(nhrp_cache_count_tunnel(c, 7), 1);
	assert_int_equal(nhrp_cache_count_tunnel(c, 65535), 0);
	nhrp_cache_remove(c, b);
	assert_int_equal(nhrp_cache_count_tunnel(c, 7), 0);
	nhrp_cache_free(c);
}

struct expired {
	struct nhrp_cache *cache;
	struct binding *seen[8];
	unsigned n;
};

static void expire_remove(struct binding *b, uint64_t now_ns, void *arg) {
	struct expired *e = arg;

	assert_true(b->expires_ns <= now_ns);
	e->seen[e->n++ % 8] = b;
	nhrp_cache_remove(e->cache, b);
}

static void expiry_at_the_longest_holding_time(void **state) {
	uint64_t start_ns = 12345678901, hold_ns = 65535 * NS_PER_S;
	struct nhrp_cache *c = nhrp_cache_create(16, start_ns);
	struct expired e = {.cache = c};
	struct binding *longest = add(c, 1, "10.0.0.1"), *brief = add(c, 1, "10.0.0.2"), *never = add(c, 1, "10.0.0.3");

	(void)state;
	nhrp_cache_set_expiry(c, longest, start_ns + hold_ns);
	nhrp_cache_set_expiry(c, brief, start_ns + NS_PER_S);
	nhrp_cache_set_expiry(c, never, start_ns + NS_PER_S);
	nhrp_cache_set_expiry(c, never, 0);
	assert_int_equal(nhrp_cache_expire(c, start_ns + NS_PER_S - 1, 64, expire_remove, &e), 0);
	assert_int_equal(nhrp_cache_expire(c, start_ns + NS_PER_S + 10 * NS_PER_MS, 64, expire_remove, &e), 1);
	assert_ptr_equal(e.seen[0], brief);
	assert_int_equal(nhrp_cache_expire(c, start_ns + hold_ns - 1, 64, expire_remove, &e), 0);
	assert_int_equal(nhrp_cache_expire(c, start_ns + hold_ns + 10 * NS_PER_MS, 64, expire_remove, &e), 1);
	assert_ptr_equal(e.seen[1], longest);
	assert_int_equal(nhrp_cache_count(c), 1);
	nhrp_cache_free(c);
}

static void refresh_moves_the_expiry(void **state) {
	struct nhrp_cache *c = nhrp_cache_create(16, 0);
	struct expired e = {.cache = c};
	struct binding *b = add(c, 1, "10.0.0.1");

	(void)state;
	nhrp_cache_set_expiry(c, b, 30 * NS_PER_S);
	for (uint64_t s = 10; s < 300; s += 10) {
		assert_int_equal(nhrp_cache_expire(c, s * NS_PER_S, 64, expire_remove, &e), 0);
		nhrp_cache_set_expiry(c, b, (s + 30) * NS_PER_S);
	}
	assert_int_equal(nhrp_cache_expire(c, 320 * NS_PER_S, 64, expire_remove, &e), 1);
	nhrp_cache_free(c);
}

static void expiry_keeps_to_its_budget(void **state) {
	struct nhrp_cache *c = nhrp_cache_create(512, 0);
	struct expired e = {.cache = c};
	unsigned total = 0;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		struct addr a = addr_ipv4(0x0a000000 + i);
		struct prefix p = prefix_host(&a);

		nhrp_cache_set_expiry(c, nhrp_cache_add(c, 1, &p), NS_PER_S);
	}
	while (nhrp_cache_count(c)) {
		unsigned n = nhrp_cache_expire(c, 2 * NS_PER_S, 64, expire_remove, &e);

		assert_in_range(n, 1, 64);
		total += n;
	}
	assert_int_equal(total, 500);
	nhrp_cache_free(c);
}

static void cursor_steps_over_removed_bindings(void **state) {
	struct nhrp_cache *c = nhrp_cache_create(16, 0);
	struct binding *b[5];
	struct binding_cursor cur, other;
	static const char *const names[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"};

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		b[i] = add(c, 1, names[i]);
	nhrp_cache_cursor_open(c, &cur);
	nhrp_cache_cursor_open(c, &other);
	assert_ptr_equal(nhrp_cache_cursor_next(c, &cur), b[0]);
	assert_ptr_equal(nhrp_cache_cursor_next(c, &cur), b[1]);
	nhrp_cache_remove(c, b[1]); // behind it
	nhrp_cache_remove(c, b[2]); // on it
	assert_ptr_equal(nhrp_cache_cursor_next(c, &cur), b[3]);
	b[2] = add(c, 1, names[2]); // at the end: seen
	assert_ptr_equal(nhrp_cache_cursor_next(c, &cur), b[4]);
	assert_ptr_equal(nhrp_cache_cursor_next(c, &cur), b[2]);
	assert_null(nhrp_cache_cursor_next(c, &cur));
	assert_null(nhrp_cache_cursor_next(c, &cur));
	nhrp_cache_cursor_close(c, &cur);
	nhrp_cache_remove(c, b[0]);
	assert_ptr_equal(nhrp_cache_cursor_next(c, &other), b[3]);
	nhrp_cache_cursor_close(c, &other);
	nhrp_cache_free(c);
}

static void seventeenth_cursor_is_an_empty_list(void **state) {
	struct nhrp_cache *c = nhrp_cache_create(16, 0);
	struct binding_cursor cur[17];
	struct binding *b = add(c, 1, "10.0.0.1");

	(void)state;
	for (unsigned i = 0; i < 17; i++)
		assert_int_equal(nhrp_cache_cursor_open(c, &cur[i]), i < 16);
	assert_ptr_equal(nhrp_cache_cursor_next(c, &cur[15]), b);
	assert_null(nhrp_cache_cursor_next(c, &cur[16]));
	nhrp_cache_cursor_close(c, &cur[16]);
	nhrp_cache_cursor_close(c, &cur[0]);
	nhrp_cache_cursor_open(c, &cur[16]);
	assert_ptr_equal(nhrp_cache_cursor_next(c, &cur[16]), b);
	nhrp_cache_free(c);
}

#define MODEL_N 400

// Adds and removes at random; a plain array says what must be found.
static void random_against_an_array(void **state) {
	struct nhrp_cache *c = nhrp_cache_create(300, 0);
	struct binding *have[MODEL_N] = {0};
	unsigned count = 0;

	(void)state;
	srand(2332);
	for (unsigned round = 0; round < 20000; round++) {
		unsigned i = (unsigned)rand() % MODEL_N;
		struct addr a = addr_ipv4(0x0a000000 + i / 2 * 256);
		struct prefix p = i & 1 ? prefix_of(&a, 24) : prefix_host(&a);

		assert_ptr_equal(nhrp_cache_find(c, 3, &p), have[i]);
		if (have[i]) {
			nhrp_cache_remove(c, have[i]);
			have[i] = NULL;
			count--;
		} else {
			have[i] = nhrp_cache_add(c, 3, &p);
			assert_int_equal(have[i] != NULL, count < 300);
			count += have[i] != NULL;
		}
		assert_int_equal(nhrp_cache_count(c), count);
		assert_int_equal(nhrp_cache_count_tunnel(c, 3), count);
	}
	nhrp_cache_free(c);
}

static void bytes_per_entry_stay_small(void **state) {
	struct nhrp_cache *few = nhrp_cache_create(1024, 0), *many = nhrp_cache_create(65536, 0);

	(void)state;
	assert_true((nhrp_cache_bytes(many) - nhrp_cache_bytes(few)) / (65536 - 1024) <= 192);
	nhrp_cache_free(few);
	nhrp_cache_free(many);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find_is_exact_in_tunnel_address_and_length),
		cmocka_unit_test(lookup_takes_the_longest_match),
		cmocka_unit_test(authoritative_lookup_passes_over_what_was_learnt),
		cmocka_unit_test(full_pool_refuses_until_an_entry_is_given_back),
		cmocka_unit_test(counts_by_tunnel),
		cmocka_unit_test(expiry_at_the_longest_holding_time),
		cmocka_unit_test(refresh_moves_the_expiry),
		cmocka_unit_test(expiry_keeps_to_its_budget),
		cmocka_unit_test(cursor_steps_over_removed_bindings),
		cmocka_unit_test(seventeenth_cursor_is_an_empty_list),
		cmocka_unit_test(random_against_an_array),
		cmocka_unit_test(bytes_per_entry_stay_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
