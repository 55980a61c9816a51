// SPDX-License-Identifier: BSD-3-Clause
#include "sa.h"

#include "esp_frame.h"

#define IPV4_BYTES 20
#define IPV6_BYTES 40
#define UDP_BYTES 8

int32_t sa_gre_max(const struct sa_params *p, uint8_t family, bool udp, uint16_t path_mtu) {
	const struct esp_suite_info *info = &esp_suites[p->suite];
	struct esp_lengths l = {info->iv_bytes, info->icv_bytes, info->block_bytes};
	int32_t ip_bytes = family == ADDR_IPV6 ? IPV6_BYTES : IPV4_BYTES;
	int32_t room = path_mtu - ip_bytes - (udp ? UDP_BYTES : 0);

	if (room < 0)
		return -1;
	return esp_payload_max(&l, (uint32_t)room) - (p->tunnel_mode ? ip_bytes : 0);
}
