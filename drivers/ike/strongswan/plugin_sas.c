// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugin_sas.h"

#include <collections/hashtable.h>
#include <threading/mutex.h>

#include "plugin_wire.h"

struct plugin_sas {
	mutex_t *mutex;
	hashtable_t *by_name; // struct plugin_sa, which it owns
	hashtable_t *by_serial; // the same
	uint64_t last_serial;
};

static u_int hash_name(const void *key) {
	const struct nave_ike_sa_name *name = key;

	return chunk_hash_inc(chunk_from_thing(name->spi), chunk_hash(chunk_from_thing(name->dst.address)));
}

static bool equal_names(const void *a, const void *b) {
	const struct nave_ike_sa_name *x = a, *y = b;

	return x->spi == y->spi && x->dst.family == y->dst.family && x->dst.port == y->dst.port &&
	       memeq(x->dst.address, y->dst.address, sizeof(x->dst.address));
}

static u_int hash_serial(const void *key) {
	return *(const uint64_t *)key;
}

static bool equal_serials(const void *a, const void *b) {
	return *(const uint64_t *)a == *(const uint64_t *)b;
}

plugin_sas_t *plugin_sas_create(void) {
	plugin_sas_t *sas = malloc_thing(plugin_sas_t);

	*sas = (plugin_sas_t){
		.mutex = mutex_create(MUTEX_TYPE_DEFAULT),
		.by_name = hashtable_create(hash_name, equal_names, 1024),
		.by_serial = hashtable_create(hash_serial, equal_serials, 1024),
	};
	return sas;
}

static void free_sa(void *sa, const void *key) {
	free(sa);
}

void plugin_sas_destroy(plugin_sas_t *sas) {
	sas->by_serial->destroy(sas->by_serial);
	sas->by_name->destroy_function(sas->by_name, free_sa);
	sas->mutex->destroy(sas->mutex);
	free(sas);
}

static void drop(plugin_sas_t *sas, struct plugin_sa *sa) {
	sas->by_name->remove(sas->by_name, &sa->name);
	sas->by_serial->remove(sas->by_serial, &sa->serial);
}

static void put(plugin_sas_t *sas, struct plugin_sa *sa) {
	sas->by_name->put(sas->by_name, &sa->name, sa);
	sas->by_serial->put(sas->by_serial, &sa->serial, sa);
}

uint64_t plugin_sas_add(plugin_sas_t *sas, const struct nave_ike_sa_name *name, uint32_t hub, bool is_larval) {
	struct plugin_sa *sa;
	uint64_t serial = 0;

	sas->mutex->lock(sas->mutex);
	sa = sas->by_name->get(sas->by_name, name);
	if (!sa || sa->is_larval) {
		if (sa)
			drop(sas, sa);
		else
			sa = malloc_thing(struct plugin_sa);
		*sa = (struct plugin_sa){
			.name = *name, .serial = ++sas->last_serial, .hub = hub, .is_larval = is_larval};
		put(sas, sa);
		serial = sa->serial;
	}
	sas->mutex->unlock(sas->mutex);
	return serial;
}

static bool copy_found(plugin_sas_t *sas, hashtable_t *table, const void *key, struct plugin_sa *copy) {
	struct plugin_sa *sa;

	sas->mutex->lock(sas->mutex);
	sa = table->get(table, key);
	if (sa)
		*copy = *sa;
	sas->mutex->unlock(sas->mutex);
	return sa != NULL;
}

bool plugin_sas_find(plugin_sas_t *sas, uint32_t spi_be, host_t *dst, struct plugin_sa *copy) {
	struct nave_ike_sa_name name = {.spi = ntohl(spi_be)};

	plugin_wire_host(&name.dst, dst);
	return plugin_sas_find_name(sas, &name, copy);
}

bool plugin_sas_find_name(plugin_sas_t *sas, const struct nave_ike_sa_name *name, struct plugin_sa *copy) {
	return copy_found(sas, sas->by_name, name, copy);
}

bool plugin_sas_find_serial(plugin_sas_t *sas, uint64_t serial, struct plugin_sa *copy) {
	return copy_found(sas, sas->by_serial, &serial, copy);
}

void plugin_sas_remove(plugin_sas_t *sas, uint64_t serial) {
	struct plugin_sa *sa;

	sas->mutex->lock(sas->mutex);
	sa = sas->by_serial->get(sas->by_serial, &serial);
	if (sa) {
		drop(sas, sa);
		free(sa);
	}
	sas->mutex->unlock(sas->mutex);
}

void plugin_sas_make_larval(plugin_sas_t *sas, uint64_t serial) {
	struct plugin_sa *sa;

	sas->mutex->lock(sas->mutex);
	sa = sas->by_serial->get(sas->by_serial, &serial);
	if (sa)
		sa->is_larval = true;
	sas->mutex->unlock(sas->mutex);
}

void plugin_sas_move(
	plugin_sas_t *sas, uint64_t serial, const struct nave_ike_host *src, const struct nave_ike_host *dst) {
	struct plugin_sa *sa, *other;

	sas->mutex->lock(sas->mutex);
	sa = sas->by_serial->get(sas->by_serial, &serial);
	if (sa) {
		drop(sas, sa);
		sa->name.src = *src;
		sa->name.dst = *dst;
		other = sas->by_name->get(sas->by_name, &sa->name);
		if (other) {
			drop(sas, other);
			free(other);
		}
		put(sas, sa);
	}
	sas->mutex->unlock(sas->mutex);
}

struct plugin_sa *plugin_sas_list(plugin_sas_t *sas, size_t *n_sas) {
	struct plugin_sa *list, *sa;
	enumerator_t *all;

	*n_sas = 0;
	sas->mutex->lock(sas->mutex);
	list = calloc(sas->by_name->get_count(sas->by_name) + 1, sizeof(*list));
	all = sas->by_name->create_enumerator(sas->by_name);
	while (all->enumerate(all, NULL, &sa))
		list[(*n_sas)++] = *sa;
	all->destroy(all);
	sas->mutex->unlock(sas->mutex);
	return list;
}
