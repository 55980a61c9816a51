// SPDX-License-Identifier: BSD-3-Clause
#include "spoke.h"

#include <errno.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "auth.h"
#include "checksum.h"
#include "esp_wire.h"
#include "gre_wire.h"

#define IP_OFF 14
#define IP_BYTES 20
#define UDP_OFF (IP_OFF + IP_BYTES)
#define UDP_BYTES 8

static uint8_t outer_protocol(const struct scenario_spokes *s) {
	if (s->protection == PROTECTION_NONE)
		return IPPROTO_GRE;
	return s->nat_t ? IPPROTO_UDP : IPPROTO_ESP;
}

void spoke_frame_init(struct spoke_frame *f, const struct scenario_spokes *s, const uint8_t hub_mac[6]) {
	static const uint8_t gateway_mac[6] = LAB_GATEWAY_MAC;
	struct gre_header gre = {
		.flags = (s->has_key ? GRE_FLAG_KEY : 0) | (s->checksum ? GRE_FLAG_CHECKSUM : 0), .key = s->key};
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(f->outer + IP_OFF);

	memset(f, 0, sizeof(*f));
	memcpy(f->outer, hub_mac, 6);
	memcpy(f->outer + 6, gateway_mac, 6);
	f->outer[12] = 0x08;
	ip->version_ihl = 0x45;
	ip->time_to_live = 64;
	ip->fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
	ip->next_proto_id = outer_protocol(s);
	ip->dst_addr = rte_cpu_to_be_32(LAB_HUB_NBMA);
	f->outer_len_bytes = UDP_OFF + (ip->next_proto_id == IPPROTO_UDP ? UDP_BYTES : 0);
	f->gre_len_bytes = gre_write(&gre, f->gre);
}

int spoke_gre_push(const struct spoke_frame *f, uint16_t gre_protocol, struct rte_mbuf *m) {
	uint16_t inner_len = m->data_len;
	uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, f->gre_len_bytes);

	if (!p)
		return -1;
	memcpy(p, f->gre, f->gre_len_bytes);
	p[2] = gre_protocol >> 8;
	p[3] = gre_protocol & 0xff;
	if (p[0] & 0x80) {
		uint16_t sum = checksum(p, f->gre_len_bytes + inner_len);

		memcpy(p + 4, &sum, sizeof(sum));
	}
	return 0;
}

int spoke_outer_push(const struct spoke_frame *f, uint32_t i, struct rte_mbuf *m) {
	uint16_t payload_len = m->data_len;
	uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, f->outer_len_bytes);
	struct rte_ipv4_hdr *ip;

	if (!p)
		return -1;
	memcpy(p, f->outer, f->outer_len_bytes);
	ip = (struct rte_ipv4_hdr *)(p + IP_OFF);
	ip->total_length = rte_cpu_to_be_16(f->outer_len_bytes - IP_OFF + payload_len);
	ip->src_addr = rte_cpu_to_be_32(spoke_nbma(i));
	ip->hdr_checksum = checksum(ip, sizeof(*ip));
	if (ip->next_proto_id == IPPROTO_UDP) // without a checksum: RFC 3948 section 2.1
		*(struct rte_udp_hdr *)(p + UDP_OFF) =
			(struct rte_udp_hdr){.src_port = rte_cpu_to_be_16(spoke_nbma_port(i)),
				.dst_port = rte_cpu_to_be_16(UDP_PORT_NATT),
				.dgram_len = rte_cpu_to_be_16(UDP_BYTES + payload_len)};
	return 0;
}

static const char *udp_check(const uint8_t *p, const struct spoke_rx *rx) {
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(p + UDP_OFF);

	if (udp->src_port != rte_cpu_to_be_16(UDP_PORT_NATT) ||
		udp->dst_port != rte_cpu_to_be_16(spoke_nbma_port(rx->spoke)))
		return "ESP in UDP, but not between 4500 and the spoke's port";
	if (udp->dgram_len != rte_cpu_to_be_16(UDP_BYTES + rx->len_bytes) || udp->dgram_cksum)
		return "UDP header of ESP in UDP has a wrong length, or a checksum";
	return NULL;
}

const char *spoke_outer_pull(
	const struct spoke_frame *f, const struct scenario_spokes *s, const struct rte_mbuf *m, struct spoke_rx *rx) {
	static const uint8_t gateway_mac[6] = LAB_GATEWAY_MAC;
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(p + IP_OFF);
	uint16_t total;

	if (m->nb_segs != 1 || m->data_len < f->outer_len_bytes + 4)
		return "frame shorter than its headers";
	if (memcmp(p, gateway_mac, 6) != 0 || memcmp(p + 6, f->outer, 6) != 0 || p[12] != 0x08 || p[13])
		return "Ethernet header is not from the hub to the gateway";
	total = rte_be_to_cpu_16(ip->total_length);
	if (ip->version_ihl != 0x45 || ip->next_proto_id != outer_protocol(s) || total > m->data_len - IP_OFF ||
		total < f->outer_len_bytes - IP_OFF)
		return "outer header is not IPv4 with GRE, ESP or UDP as the tunnel has it";
	if (checksum(ip, sizeof(*ip)))
		return "outer IPv4 header checksum is wrong";
	if (ip->src_addr != rte_cpu_to_be_32(LAB_HUB_NBMA))
		return "outer source is not the hub";
	rx->spoke = spoke_by_nbma(rte_be_to_cpu_32(ip->dst_addr), s->count);
	if (rx->spoke == UINT32_MAX)
		return "outer destination is no spoke";
	rx->at = p + f->outer_len_bytes;
	rx->len_bytes = total - (f->outer_len_bytes - IP_OFF);
	return ip->next_proto_id == IPPROTO_UDP ? udp_check(p, rx) : NULL;
}

const char *spoke_gre_pull(const struct spoke_frame *f, const struct scenario_spokes *s, struct spoke_rx *rx) {
	struct gre_header gre;

	if (gre_parse(rx->at, rx->len_bytes, &gre) != GRE_OK || gre.len_bytes != f->gre_len_bytes)
		return "GRE header is malformed or has other fields than the tunnel";
	if (!!(gre.flags & GRE_FLAG_KEY) != s->has_key || gre.key != s->key)
		return "GRE key is wrong";
	if (!gre_checksum_ok(rx->at, rx->len_bytes))
		return "GRE checksum is wrong";
	rx->gre_protocol = gre.protocol;
	rx->inner = rx->at + gre.len_bytes;
	rx->inner_len_bytes = rx->len_bytes - gre.len_bytes;
	return NULL;
}

int spoke_registration_request(
	const struct scenario_spokes *s, uint32_t i, uint32_t request_id, uint8_t *out, size_t cap) {
	static struct nhrp_msg msg; // one generator thread; too large for a fresh one each time
	struct nhrp_cie nat = {.nbma = addr_ipv4(LAB_HUB_NBMA), .protocol = addr_ipv4(0)};
	uint8_t auth[NHRP_AUTH_MAX], nat_value[64];
	int n;

	msg.nbma_family = msg.protocol_family = ADDR_IPV4;
	msg.hop_count = 1;
	msg.type = NHRP_REGISTRATION_REQUEST;
	msg.src_nbma_tl = msg.src_subaddr_len = 0;
	msg.flags = NHRP_FLAG_NAT | (s->unique ? NHRP_REGISTRATION_U : 0);
	msg.request_id = request_id;
	msg.src_nbma = addr_ipv4(spoke_nbma(i));
	msg.src_protocol = addr_ipv4(spoke_protocol(i));
	msg.dst_protocol = addr_ipv4(spoke_protocol(i)); // FRR's "nhs dynamic": the NHS's address is not known yet
	msg.n_cies = 1;
	msg.cies[0] = (struct nhrp_cie){
		.prefix_len = s->unique ? 0xff : 32, .mtu = 1400, .holding_time_s = s->holding_time_s};
	msg.has_extensions = msg.has_end = true;
	msg.n_exts = 0;
	nhrp_ext_add(&msg, NHRP_EXT_RESPONDER_ADDRESS, true, NULL, 0);
	nhrp_ext_add(&msg, NHRP_EXT_FORWARD_TRANSIT, true, NULL, 0);
	nhrp_ext_add(&msg, NHRP_EXT_REVERSE_TRANSIT, true, NULL, 0);
	n = nhrp_cies_encode(&msg, &nat, 1, nat_value, sizeof(nat_value));
	if (n < 0)
		return n;
	nhrp_ext_add(&msg, NHRP_EXT_NAT_ADDRESS, false, nat_value, n);
	nhrp_auth_set(&msg, s->authentication, auth);
	return nhrp_msg_encode(&msg, out, cap);
}

const char *spoke_registration_reply(struct spoke *sp, uint32_t i, const struct nhrp_msg *msg) {
	struct addr self = addr_ipv4(spoke_protocol(i)), hub = addr_ipv4(LAB_HUB_PROTOCOL);

	if (msg->type != NHRP_REGISTRATION_REPLY)
		return "an NHRP message that is no Registration Reply";
	if (msg->request_id != sp->request_id)
		return "a Registration Reply with another request id";
	if (!addr_eq(&msg->src_protocol, &self) || !addr_eq(&msg->dst_protocol, &hub))
		return "a Registration Reply whose addresses are not the spoke's and the hub's";
	if (msg->n_cies != 1)
		return "a Registration Reply without its CIE";
	sp->code = msg->cies[0].code;
	sp->state = sp->code == NHRP_CODE_OK ? SPOKE_UP : SPOKE_REFUSED;
	return NULL;
}
