// SPDX-License-Identifier: BSD-3-Clause
#include "auth.h"

#include <string.h>

static const uint8_t plaintext_spi[4] = {0, 0, 0, 1};

// Every byte is looked at, whatever the first difference; the length is no secret, it is on the wire.
static bool bytes_equal(const uint8_t *a, const uint8_t *b, size_t len) {
	volatile uint8_t diff = 0;

	for (size_t i = 0; i < len; i++)
		diff |= a[i] ^ b[i];
	return diff == 0;
}

bool nhrp_auth_ok(const struct nhrp_msg *msg, const char *secret) {
	size_t len = strlen(secret);
	const struct nhrp_ext *auth = NULL;

	if (len == 0)
		return true;
	for (unsigned i = 0; i < msg->n_exts; i++) {
		if (msg->exts[i].type != NHRP_EXT_AUTHENTICATION)
			continue;
		if (auth)
			return false;
		auth = &msg->exts[i];
	}
	return auth && auth->len_bytes == sizeof(plaintext_spi) + len &&
	       memcmp(auth->value, plaintext_spi, sizeof(plaintext_spi)) == 0 &&
	       bytes_equal(auth->value + sizeof(plaintext_spi), (const uint8_t *)secret, len);
}

int nhrp_auth_set(struct nhrp_msg *msg, const char *secret, uint8_t *value) {
	size_t len = strlen(secret);

	nhrp_ext_remove(msg, NHRP_EXT_AUTHENTICATION);
	if (len == 0)
		return 0;
	if (len > NHRP_AUTH_MAX - sizeof(plaintext_spi))
		len = NHRP_AUTH_MAX - sizeof(plaintext_spi);
	memcpy(value, plaintext_spi, sizeof(plaintext_spi));
	memcpy(value + sizeof(plaintext_spi), secret, len);
	return nhrp_ext_add(msg, NHRP_EXT_AUTHENTICATION, true, value, (uint16_t)(sizeof(plaintext_spi) + len));
}
