#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Each kind of bad packet moves its own counter and no other: bad_packets.py CONSOLE NAME INTERFACE HUB_MAC"""
import struct
import sys

from hub import Hub, Results
from packets import *  # pylint: disable=wildcard-import,unused-wildcard-import

COPIES = 3
# Counters of work done; every other counts a loss or a refusal.
ACTIVITY = ("rx_", "tx_", "received", "sent", "registered", "refreshed", "waited", "to_host", "from_host", "neighbour_")
A, B = 11, 12  # spokes that are registered


def cases(w):
    """(counter, what, frame)"""
    data = ipv4(protocol(A), protocol(B), PROTO_UDP, udp(1, 2, b"x" * 64))

    def inner(src=protocol(A), dst=protocol(B), payload=udp(1, 2, b"x" * 64), **more):
        return w.tunnel(A, GRE_IPV4, ipv4(src, dst, PROTO_UDP, payload, **more))

    def outer(payload=gre(GRE_IPV4, data), proto=PROTO_GRE, **more):
        return w.outer(A, proto, payload, **more)

    def control(**more):
        return w.tunnel(A, GRE_NHRP, registration(A, **more))

    def said(kind, src=protocol(A), dst=HUB_PROTOCOL, **more):
        return w.tunnel(A, GRE_NHRP, nhrp(kind, nbma(A), src, dst, **more))

    whole = registration(A)
    yield "not_our_mac", "frame for another MAC", w.frame(nbma(A), b"x" * 50, dst_mac=b"\x02\xaa\xaa\xaa\xaa\xaa")
    yield "ethertype", "LLDP", w.frame(nbma(A), b"x" * 50, ethertype=0x88cc)
    yield "outer_malformed", "truncated IP header", w.frame(nbma(A), data[:12])
    yield "outer_malformed", "IP packet cut short", outer()[:-20]
    yield "outer_malformed", "wrong IP version", outer(vihl=0x55)
    yield "outer_malformed", "header length 16", outer(vihl=0x44)
    yield "outer_malformed", "total length below the header's", outer(total=12)
    yield "outer_malformed", "oversized: longer than the port's MTU and buffers", outer(b"x" * 4000)
    yield "outer_checksum", "bad outer checksum", outer(bad_checksum=True)
    yield "not_local", "another's NBMA address", outer(dst="192.0.2.77")
    yield "esp_unknown", "ESP without SA", outer(b"\x12\x34\x56\x78" + b"x" * 60, PROTO_ESP)
    yield "esp_unknown", "ESP in UDP without SA", outer(udp(4500, 4500, b"\x12\x34\x56\x78" + b"x" * 60), PROTO_UDP)
    yield "natt_keepalive", "NAT keepalive", outer(udp(4500, 4500, b"\xff"), PROTO_UDP)
    yield "natt_malformed", "two octets to UDP 4500", outer(udp(4500, 4500, b"xx"), PROTO_UDP)
    yield "gre_malformed", "truncated GRE header", outer(gre(GRE_IPV4, b"")[:6])
    yield "gre_malformed", "GRE version 1", outer(gre(GRE_IPV4, data, flags=1))
    yield "gre_malformed", "GRE source routing", outer(gre(GRE_IPV4, data, flags=0x4000))
    yield "gre_checksum", "bad GRE checksum", outer(gre(GRE_IPV4, data, with_checksum=True, bad_checksum=True))
    yield "gre_protocol", "Ethernet in GRE", outer(gre(0x6558, data))
    yield "unknown_key", "unknown key", outer(gre(GRE_IPV4, data, key=999))
    yield "unknown_key", "no key", outer(gre(GRE_IPV4, data, key=None))
    yield "unknown_key", "NHRP with an unknown key", outer(gre(GRE_NHRP, whole, key=0))
    yield "unknown_peer", "data of a spoke that is not registered", w.tunnel(99, GRE_IPV4, data)
    yield "spoofed", "another spoke's protocol address", inner(src=protocol(B))
    yield "spoofed", "another spoke's LAN", inner(src="10.1.12.5")
    yield "spoofed", "the hub's own protocol address", inner(src=HUB_PROTOCOL)
    yield "spoofed", "a source without route", inner(src="203.0.113.9")
    yield "inner_malformed", "truncated inner header", w.tunnel(A, GRE_IPV4, data[:10])
    yield "inner_malformed", "wrong inner version", inner(vihl=0x65)
    yield "inner_malformed", "inner packet longer than its frame", inner(total=400)
    yield "inner_checksum", "bad inner checksum", inner(bad_checksum=True)
    yield "inner_source", "inner source 127.0.0.1", inner(src="127.0.0.1")
    yield "inner_source", "inner source is multicast", inner(src="224.0.0.5")
    yield "ttl", "looping: TTL 1", inner(ttl=1)
    yield "same_spoke", "looping: back to the spoke's own LAN", inner(dst="10.1.11.9")
    yield "no_route", "no route", inner(dst="203.0.113.9")
    yield "blackhole", "blackhole route", inner(dst="10.66.0.1")
    yield "not_registered", "a protocol address that nobody has", inner(dst=protocol(200))
    yield "not_registered", "a LAN behind a spoke that is not there", inner(dst="10.1.13.1")
    yield "too_big", "oversized: inner packet of 1450 octets, tunnel MTU 1400", inner(payload=udp(1, 2, b"x" * 1422))
    yield "decode_truncated", "NHRP of 10 octets", w.tunnel(A, GRE_NHRP, whole[:10])
    yield "decode_truncated", "NHRP that says it is longer", control(size=1000)
    yield "decode_version", "NHRP version 2", control(version=2)
    yield "decode_type", "NHRP type 77", said(77)
    yield "decode_checksum", "bad NHRP checksum", control(bad_checksum=True)
    yield "decode_extension_offset", "extensions start behind the packet", control(ext_off=500)
    yield "decode_address_length", "protocol address of 5 octets", control(src_len=5)
    yield "decode_protocol", "NHRP about AppleTalk", control(proto=0x809b)
    yield "decode_extension", "an extension of 64,000 octets", control(extensions=struct.pack(">HH", 0x8003, 64000))
    yield "decode_cie", "half a CIE", control(cies=cie()[:6])
    yield "decode_too_many_cies", "oversized: 100 CIEs", control(cies=cie() * 100)
    yield "drop_malformed", "a registration of nothing", control(cies=b"")
    yield "drop_unsupported", "looping: a Registration Reply", said(REGISTRATION_REPLY)
    yield "drop_unsupported", "looping: a registration for another NHS", said(REGISTRATION_REQUEST, dst=protocol(77))
    yield "drop_unsupported", "an unknown compulsory extension", control(extensions=extension(0x8123))
    yield "drop_authentication", "no authentication", w.tunnel(A, GRE_NHRP, whole, key=KEY_AUTHENTICATED)
    yield "drop_authentication", "a wrong authentication string", w.tunnel(
        A, GRE_NHRP, registration(A, extensions=authentication(b"wrong") + extension(0x8000)), key=KEY_AUTHENTICATED)
    yield "refused_prohibited", "spoofed: registers the hub's own address", said(
        REGISTRATION_REQUEST, src=HUB_PROTOCOL)
    yield "refused_prefix", "registers an address outside the tunnel's subnet", said(
        REGISTRATION_REQUEST, src="172.31.0.1")


def losses(difference):
    return {k: v for k, v in difference.items() if not k.startswith(ACTIVITY)}


def forwards(w):
    """A's packet reaches B unchanged, TTL apart."""
    packet = ipv4(protocol(A), protocol(B), PROTO_UDP, udp(7, 9, bytes(range(200))))
    w.send(w.tunnel(A, GRE_IPV4, packet))
    got = w.receive_gre(B, 2.0)
    return got is not None and got[0] == GRE_IPV4 and got[1][8] == 63 and got[1][12:] == packet[12:]


def drain(w):
    """Frames that the hub sent meanwhile."""
    n = 0
    while w.receive(0.0) is not None:
        n += 1
    return n


def main():
    hub, w, results = Hub(sys.argv[1], sys.argv[2]), Wire(sys.argv[3], sys.argv[4]), Results()
    results.check("two spokes register", w.register(A) and w.register(B))
    results.check("one reaches the other through the hub", forwards(w))
    for counter, what, frame in cases(w):
        drain(w)
        before = hub.counters()
        for _ in range(COPIES):
            w.send(frame)
        expected = {counter: COPIES}
        found = hub.settled(before, lambda d, e=expected: losses(d) == e)
        answers = found.get("tx_registration_reply", 0) + found.get("tx_error_indication", 0)
        sent = drain(w)
        results.check("%s: %s" % (counter, what), losses(found) == expected and sent == answers,
                      "changed: %s; the hub sent %d frames" % (found, sent))
    before = hub.counters()
    results.check("the two still talk", forwards(w) and w.register(A, 2) and w.register(B, 2))
    results.check("and nothing of theirs was dropped", not losses(hub.difference(before)), hub.difference(before))
    spokes = hub.ask("show spokes")
    known = sorted(s["protocol"] for s in spokes if s["type"] != "static")
    results.check("only the two are registered", known == [protocol(A), protocol(B)], spokes)
    return results.failed > 0


if __name__ == "__main__":
    sys.exit(main())
