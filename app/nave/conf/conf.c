// SPDX-License-Identifier: BSD-3-Clause
#include "conf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conf_reader.h"

void conf_complain(const struct conf *c, struct conf_mark mark, FILE *errors, const char *fmt, ...) {
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++) { // what the file holds goes to a terminal
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	if (mark.line)
		fprintf(errors, "%s:%u:%u: %s\n", c->file, mark.line, mark.column, text);
	else // not of the file: what a command line put into it
		fprintf(errors, "%s: %s\n", c->file, text);
}

unsigned conf_refuse_later(const struct conf *c, FILE *errors) {
	for (unsigned i = 0; i < c->n_later; i++)
		conf_complain(c, c->later[i].mark, errors, "%s is valid, but not in this build: leave it out",
			c->later[i].key);
	return c->n_later;
}

static void read_root(struct conf_reader *r, const struct conf_tree *t) {
	struct conf *c = r->conf;

	if (!t->root || conf_node_is_null(t->root)) {
		conf_error(r, (struct conf_mark){1, 1}, "the file is empty: begin with version: 1");
		return;
	}
	conf_map_read(r, conf_top_keys, t->root, c);
	conf_routes_check(r);
	conf_sas_check(r);
	if (c->console.socket[0] == '\0')
		snprintf(c->console.socket, sizeof(c->console.socket), "/run/nave/%s.sock", c->hub.name);
}

static struct conf *load(const char *name, const char *text, size_t len_bytes, FILE *errors) {
	struct conf *c = calloc(1, sizeof(*c));
	struct conf_reader r = {.conf = c};
	struct conf_tree tree;
	bool is_good;
	int rc;

	if (!c)
		return NULL;
	c->file = strdup(name);
	if (!c->file) {
		conf_free(c);
		return NULL;
	}
	rc = conf_tree_build(&tree, &r, text, len_bytes);
	if (rc == 0)
		read_root(&r, &tree);
	else if (rc == -ENOMEM)
		conf_error(&r, (struct conf_mark){1, 1}, "out of memory");
	is_good = r.n_errors == 0;
	conf_errors_print(&r, errors);
	conf_tree_free(&tree);
	if (is_good)
		return c;
	conf_free(c);
	return NULL;
}

struct conf *conf_load_text(const char *name, const char *text, FILE *errors) {
	return load(name, text, strlen(text), errors);
}

// The whole file, ended by a zero byte. NULL after an error.
static char *file_read(const char *file, size_t *len_bytes, FILE *errors) {
	FILE *f = fopen(file, "re");
	size_t max = 1 << 16, n = 0;
	char *text = f ? malloc(max + 1) : NULL;

	while (text && n < CONF_FILE_BYTES_MAX) {
		size_t got = fread(text + n, 1, max - n, f);
		char *larger;

		n += got;
		if (got == 0)
			break;
		if (n < max)
			continue;
		larger = realloc(text, 2 * max + 1);
		if (!larger) {
			free(text);
			text = NULL;
		} else {
			text = larger;
			max *= 2;
		}
	}
	if (!text || ferror(f) || n >= CONF_FILE_BYTES_MAX) {
		fprintf(errors, "%s: cannot be read: %s\n", file,
			n >= CONF_FILE_BYTES_MAX ? "it is larger than 32 MiB" : strerror(errno));
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	*len_bytes = n;
	return text;
}

struct conf *conf_load(const char *file, FILE *errors) {
	size_t len_bytes;
	char *text = file_read(file, &len_bytes, errors);
	struct conf *c;

	if (!text)
		return NULL;
	c = load(file, text, len_bytes, errors);
	explicit_bzero(text, len_bytes); // it may hold keys
	free(text);
	return c;
}

static void tunnel_free(struct conf_tunnel *t) {
	if (t->sas)
		explicit_bzero(t->sas, t->n_sas * sizeof(*t->sas));
	for (uint32_t i = 0; i < t->n_identities; i++) {
		free(t->identities[i].protocol);
		free(t->identities[i].prefixes);
	}
	free(t->identities);
	free(t->sas);
	free(t->statics);
	free(t->nhs);
}

void conf_free(struct conf *c) {
	if (!c)
		return;
	for (unsigned i = 0; i < c->n_ports; i++)
		free(c->ports[i].neighbours);
	for (unsigned i = 0; i < c->n_tunnels; i++)
		tunnel_free(&c->tunnels[i]);
	free(c->vrfs);
	free(c->ports);
	free(c->tunnels);
	free(c->routes);
	free(c->later);
	free(c->file);
	free(c);
}
