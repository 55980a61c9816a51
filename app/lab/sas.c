// SPDX-License-Identifier: BSD-3-Clause
#include "sas.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nave.h"
#include "sa_ctl.h"
#include "spoke_esp.h"

static uint32_t nbma_of(uint32_t spoke) {
	return spoke_nbma(spoke);
}

static struct sa_spec spec_of(const struct lab *lab, uint32_t spoke, enum sa_direction direction) {
	const struct scenario_spokes *s = &lab->scenario->spokes;

	return (struct sa_spec){.direction = direction,
		.origin = SA_FROM_LAB,
		.tunnel = 0,
		.nbma = addr_ipv4(spoke_nbma(spoke)),
		.nbma_port = s->nat_t ? spoke_nbma_port(spoke) : 0,
		.spi = direction == SA_OUTBOUND ? spoke_esp_spi(lab->esp, spoke) : 0,
		.params = {.suite = s->protection,
			.esn = s->esn,
			.tunnel_mode = s->tunnel_mode,
			.replay_window = lab->scenario->hub_replay_window}};
}

static int64_t hub_add(struct lab *lab, uint32_t spoke, enum sa_direction direction) {
	struct sa_spec spec = spec_of(lab, spoke, direction);
	struct sa_keys keys;
	uint32_t spi = 0;
	int64_t number;

	spoke_esp_keys(lab->esp, spoke, direction == SA_INBOUND ? SPOKE_ESP_TO_HUB : SPOKE_ESP_FROM_HUB, &keys);
	spec.keys = &keys;
	number = sa_ctl_add(lab->nave->sas, &spec, &spi);
	if (number > 0 && direction == SA_INBOUND)
		spoke_esp_hub_spi_set(lab->esp, spoke, spi);
	esp_wipe(&keys, sizeof(keys));
	return number;
}

int sas_add(struct lab *lab) {
	const struct scenario *s = lab->scenario;
	struct spoke_esp_conf conf = {.ops = lab->crypto,
		.suite = s->spokes.protection,
		.esn = s->spokes.esn,
		.tunnel_mode = s->spokes.tunnel_mode,
		.window = s->spokes.replay_window,
		.hub_window = s->hub_replay_window,
		.count = s->spokes.count,
		.hub_nbma = LAB_HUB_NBMA,
		.nbma = nbma_of,
		.seed = s->seed};

	lab->esp = spoke_esp_create(&conf);
	if (!lab->esp) {
		fprintf(stderr, "nave-lab: SAs of the spokes: %s: %s\n", esp_suites[conf.suite].name, strerror(errno));
		return -errno;
	}
	for (uint32_t i = 0; i < s->spokes.count; i++) {
		int64_t rc = hub_add(lab, i, SA_INBOUND);

		if (rc > 0)
			rc = hub_add(lab, i, SA_OUTBOUND);
		if (rc > 0)
			continue;
		fprintf(stderr, "nave-lab: SAs of spoke %u at the hub: %s\n", i, strerror((int)-rc));
		return (int)rc;
	}
	return 0;
}

// --- keys for Wireshark ---

static const char *cipher_words(const struct esp_suite_info *suite, enum esp_suite id, char *out, size_t cap) {
	if (id >= ESP_AES_GCM_128_16 && id <= ESP_AES_GCM_256_8)
		snprintf(out, cap, "AES-GCM with %u octet ICV [RFC4106]", suite->icv_bytes);
	else
		snprintf(out, cap, "%s", suite->iv_bytes ? "AES-CBC [RFC3602]" : "NULL");
	return out;
}

static const char *integrity_words(const struct esp_suite_info *suite) {
	switch (suite->auth_key_bytes) {
	case 20:
		return "HMAC-SHA-1-96 [RFC2404]";
	case 32:
		return "HMAC-SHA-256-128 [RFC4868]";
	case 48:
		return "HMAC-SHA-384-192 [RFC4868]";
	case 64:
		return "HMAC-SHA-512-256 [RFC4868]";
	default:
		return "NULL";
	}
}

static void address_print(FILE *f, uint32_t a) {
	fprintf(f, "\"%u.%u.%u.%u\",", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

static void hex_print(FILE *f, const uint8_t *bytes, unsigned n) {
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "%02x", bytes[i]);
}

static void sa_print(const struct lab *lab, FILE *f, uint32_t spoke, enum spoke_esp_way way) {
	const struct esp_suite_info *suite = &esp_suites[lab->scenario->spokes.protection];
	bool to_hub = way == SPOKE_ESP_TO_HUB;
	struct sa_keys keys;
	char cipher[64];

	spoke_esp_keys(lab->esp, spoke, way, &keys);
	fprintf(f, "\"IPv4\",");
	address_print(f, to_hub ? spoke_nbma(spoke) : LAB_HUB_NBMA);
	address_print(f, to_hub ? LAB_HUB_NBMA : spoke_nbma(spoke));
	fprintf(f, "\"0x%08x\",\"%s\",\"", to_hub ? spoke_esp_hub_spi(lab->esp, spoke) : spoke_esp_spi(lab->esp, spoke),
		cipher_words(suite, lab->scenario->spokes.protection, cipher, sizeof(cipher)));
	if (keys.enc_bytes)
		fprintf(f, "0x");
	hex_print(f, keys.enc, keys.enc_bytes);
	hex_print(f, (const uint8_t *)&keys.salt, suite->salt_bytes);
	fprintf(f, "\",\"%s\",\"%s", integrity_words(suite), keys.auth_bytes ? "0x" : "");
	hex_print(f, keys.auth, keys.auth_bytes);
	fprintf(f, "\"\n");
	esp_wipe(&keys, sizeof(keys));
}

int sas_write_keys(const struct lab *lab, const char *path) {
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *f = fd >= 0 && fchmod(fd, 0600) == 0 ? fdopen(fd, "w") : NULL;
	bool failed;

	if (!f) {
		fprintf(stderr, "nave-lab: %s: cannot write: %s\n", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -EIO;
	}
	for (uint32_t i = 0; i < lab->scenario->spokes.count; i++) {
		sa_print(lab, f, i, SPOKE_ESP_TO_HUB);
		sa_print(lab, f, i, SPOKE_ESP_FROM_HUB);
	}
	failed = ferror(f);
	if (fclose(f) == 0 && !failed)
		return 0;
	fprintf(stderr, "nave-lab: %s: cannot write\n", path);
	return -EIO;
}
