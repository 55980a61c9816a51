# SPDX-License-Identifier: BSD-3-Clause
"""Frames of spokes, made octet by octet, and the wire that they go out on.

Spoke N: NBMA address 192.0.2.N, protocol address 10.255.0.N, LAN 10.1.N.0/24, and a MAC made of the first.
"""
import select
import socket
import struct
import time

HUB_NBMA, HUB_PROTOCOL = "192.0.2.1", "10.255.0.1"
KEY, KEY_AUTHENTICATED = 1001, 1002
ETH_IPV4, ETH_IPV6, ETH_ARP = 0x0800, 0x86dd, 0x0806
GRE_IPV4, GRE_NHRP = 0x0800, 0x2001
PROTO_ICMP, PROTO_UDP, PROTO_GRE, PROTO_ESP = 1, 17, 47, 50
RESOLUTION_REQUEST, REGISTRATION_REQUEST, REGISTRATION_REPLY = 1, 3, 4
PACKET_IGNORE_OUTGOING = 23


def a(address):
    return socket.inet_aton(address)


def nbma(n):
    return "192.0.2.%d" % n


def protocol(n):
    return "10.255.0.%d" % n


def mac_of(address):
    return b"\x02\x00" + a(address)


def checksum(b):
    b += b"\0" * (len(b) % 2)
    s = sum(struct.unpack(">%dH" % (len(b) // 2), b))
    s = (s >> 16) + (s & 0xffff)
    return ~(s + (s >> 16)) & 0xffff


def ipv4(src, dst, proto, payload, vihl=0x45, total=None, ttl=64, frag=0, bad_checksum=False):
    total = 20 + len(payload) if total is None else total
    h = struct.pack(">BBHHHBBH4s4s", vihl, 0, total, 0, frag, ttl, proto, 0, a(src), a(dst))
    return h[:10] + struct.pack(">H", checksum(h) ^ (0x5555 if bad_checksum else 0)) + h[12:] + payload


def gre(proto, payload, key=KEY, flags=0, with_checksum=False, bad_checksum=False):
    """Flags: further bits of the first two octets."""
    word = flags | (0x8000 if with_checksum else 0) | (0x2000 if key is not None else 0)
    h = struct.pack(">HH", word, proto)
    tail = (struct.pack(">I", key) if key is not None else b"") + payload
    if not with_checksum:
        return h + tail
    c = checksum(h + b"\0\0\0\0" + tail) ^ (0x5555 if bad_checksum else 0)
    return h + struct.pack(">HH", c, 0) + tail


def udp(sport, dport, payload=b""):
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def echo(number, size=32):
    b = struct.pack(">BBHHH", 8, 0, 0, 0x6e61, number & 0xffff) + b"n" * size
    return b[:2] + struct.pack(">H", checksum(b)) + b[4:]


def cie(hold=600, prefix=32):
    return struct.pack(">BBHHHBBBB", 0, prefix, 0, 0, hold, 0, 0, 0, 0)


def extension(kind, value=b""):
    return struct.pack(">HH", kind, len(value)) + value


def authentication(secret):
    return extension(0x8007, struct.pack(">I", 1) + secret)


def nhrp(kind, src_nbma, src, dst, request_id=1, cies=cie(), extensions=None, version=1, afn=1, proto=0x0800, flags=0x2,
         ext_off=None, size=None, src_len=4, bad_checksum=False):
    """RFC 2332 section 5.2; each field can be made wrong, the checksum is right unless asked otherwise."""
    extensions = extension(0x8003) + extension(0x8004) + extension(0x8005) + extension(0x8000) \
        if extensions is None else extensions
    mandatory = struct.pack(">BBHI", src_len, 4, flags, request_id) + a(src_nbma) + a(src) + a(dst) + cies
    off = 20 + len(mandatory) if extensions else 0
    total = 20 + len(mandatory) + len(extensions)
    h = struct.pack(">HH5xBHHHBBBB", afn, proto, 255, total if size is None else size, 0,
                    off if ext_off is None else ext_off, version, kind, 4, 0)
    whole = h + mandatory + extensions
    c = checksum(whole) ^ (0x5555 if bad_checksum else 0)
    return whole[:12] + struct.pack(">H", c) + whole[14:]


def registration(n, request_id=1, **more):
    return nhrp(REGISTRATION_REQUEST, nbma(n), protocol(n), HUB_PROTOCOL, request_id, **more)


class Wire:
    """A packet socket on the spokes' end; what the spokes send themselves is not seen."""

    def __init__(self, interface, hub_mac):
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.s.setsockopt(263, PACKET_IGNORE_OUTGOING, 1)  # SOL_PACKET
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.s.bind((interface, 0))
        self.hub_mac = bytes.fromhex(hub_mac.replace(":", ""))

    def frame(self, src, payload, ethertype=ETH_IPV4, dst_mac=None):
        return (dst_mac or self.hub_mac) + mac_of(src) + struct.pack(">H", ethertype) + payload

    def outer(self, n, proto, payload, dst=HUB_NBMA, **more):
        return self.frame(nbma(n), ipv4(nbma(n), dst, proto, payload, **more))

    def tunnel(self, n, proto, payload, **more):
        """A GRE packet of spoke n."""
        return self.outer(n, PROTO_GRE, gre(proto, payload, **more))

    def send(self, frame):
        self.s.send(frame)

    def answer_arp(self, f):
        """True: it was a request for a spoke's address, and is answered."""
        if f[12:14] != struct.pack(">H", ETH_ARP) or f[20:22] != b"\0\1":
            return False
        sender, asked = f[22:32], socket.inet_ntoa(f[38:42])
        if asked == HUB_NBMA:
            return False
        self.s.send(f[6:12] + mac_of(asked) + f[12:20] + b"\0\2" + mac_of(asked) + a(asked) + sender)
        return True

    def receive(self, seconds):
        """The next frame that is no ARP, or None."""
        end = time.monotonic() + seconds
        while select.select([self.s], [], [], max(0, end - time.monotonic()))[0]:
            f = self.s.recv(65536)
            if not self.answer_arp(f) and f[12:14] == struct.pack(">H", ETH_IPV4):
                return f
        return None

    def receive_gre(self, n, seconds):
        """(protocol, payload) of the next GRE packet to spoke n; None."""
        end = time.monotonic() + seconds
        while True:
            f = self.receive(max(0, end - time.monotonic()))
            if f is None:
                return None
            if f[23] == PROTO_GRE and f[30:34] == a(nbma(n)):
                flags, proto = struct.unpack(">HH", f[34:38])
                return proto, f[38 + (4 if flags & 0x2000 else 0) + (4 if flags & 0x8000 else 0):]

    def register(self, n, request_id=1, seconds=2.0, **more):
        """Whether the hub accepts: a Registration Reply of that request, code 0."""
        self.send(self.tunnel(n, GRE_NHRP, registration(n, request_id), **more))
        end = time.monotonic() + seconds
        while True:
            got = self.receive_gre(n, max(0, end - time.monotonic()))
            if got is None:
                return False
            proto, p = got
            if proto == GRE_NHRP and p[17] == REGISTRATION_REPLY and struct.unpack(">I", p[24:28])[0] == request_id:
                return p[40] == 0
