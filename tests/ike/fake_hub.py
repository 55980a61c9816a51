# SPDX-License-Identifier: BSD-3-Clause
"""A hub that only speaks drivers/ike/nave_ike.h, read from the header and not compiled from it: it gives out SPIs, keeps
the SAs that it was given, records every message, and does what a test wants of it, sound or not."""
import collections
import ipaddress
import os
import socket
import struct
import threading
import time

VERSION = 1
HELLO, SYNC, GET_SPI, ADD_SA, UPDATE_SA, QUERY_SA, DEL_SA, FLUSH = range(1, 9)
RESULT, EXPIRE, MAPPING = 64, 65, 66
NAMES = dict(zip(range(1, 9), "HELLO SYNC GET_SPI ADD_SA UPDATE_SA QUERY_SA DEL_SA FLUSH".split()))
INBOUND, OUTBOUND = 1, 2
OK, FAILED, NOT_FOUND, NOT_SUPPORTED, REFUSED = range(1, 6)
LENGTHS = {HELLO: 80, SYNC: 1548, GET_SPI: 48, ADD_SA: 600, UPDATE_SA: 104, QUERY_SA: 56, DEL_SA: 56, FLUSH: 8}

Host = collections.namedtuple("Host", "address bits port")
Sa = collections.namedtuple("Sa", "direction spi src dst")


def unpack_host(raw):
    family, bits, port = struct.unpack_from("=BBH", raw)
    if not family:
        return None
    used = 4 if family == 4 else 16
    assert not any(raw[4 + used:20]), "octets behind an address are zero"
    return Host(str(ipaddress.ip_address(raw[4:4 + used])), bits, port)


def pack_host(h):
    address = ipaddress.ip_address(h.address)
    return struct.pack("=BBH16s", address.version, h.bits, h.port, address.packed)


def unpack_sa(raw):
    direction, r1, r2, r3, spi = struct.unpack_from("=BBBBI", raw)
    assert not (r1 or r2 or r3), "reserved octets are zero"
    return Sa(direction, spi, unpack_host(raw[8:28]), unpack_host(raw[28:48]))


def pack_sa(sa):
    return struct.pack("=BxxxI", sa.direction, sa.spi) + pack_host(sa.src) + pack_host(sa.dst)


def text(raw):
    end = raw.index(0)
    assert not any(raw[end:]), "what is behind a text is zero"
    return raw[:end].decode()


class Message:
    """One of the plugin's, taken apart; all that its type does not have is missing."""

    def __init__(self, raw):
        self.at = time.monotonic()
        self.version, self.type, length, self.id = struct.unpack_from("=BBHI", raw)
        self.name = NAMES.get(self.type, "type %d" % self.type)
        assert self.version == VERSION and length == len(raw) == LENGTHS[self.type], (self.name, length, len(raw))
        assert (self.id == 0) == (self.type in (HELLO, SYNC)), (self.name, self.id)
        body = raw[8:]
        if self.type == HELLO:
            self.boot_id, self.text = struct.unpack_from("=Q", body)[0], text(body[8:72])
        elif self.type == SYNC:
            self.is_last, n = body[0], body[1]
            self.sas = [unpack_sa(body[4 + 48 * i:][:48]) for i in range(n)]
            assert not any(body[4 + 48 * n:]), "the rest of a SYNC is zero"
        elif self.type == GET_SPI:
            self.src, self.dst = unpack_host(body[:20]), unpack_host(body[20:])
        elif self.type != FLUSH:
            self.sa = unpack_sa(body)
        if self.type == ADD_SA:
            self.unpack_add(body)
        elif self.type == UPDATE_SA:
            self.new_src, self.new_dst, self.is_udp = unpack_host(body[48:68]), unpack_host(body[68:88]), body[88]

    def unpack_add(self, body):
        self.is_tunnel, self.is_udp, self.is_esn, self.is_initiator = body[48:52]
        (self.enc_alg, self.auth_alg, enc_bytes, auth_bytes, self.replay, r1, self.ike_id,
         r2) = struct.unpack_from("=HHHHHHII", body, 52)
        assert not (r1 or r2), "reserved octets are zero"
        self.local_ts, self.remote_ts = unpack_host(body[72:92]), unpack_host(body[92:112])
        self.soft_bytes, self.hard_bytes, self.soft_packets, self.hard_packets = struct.unpack_from("=4Q", body, 112)
        self.enc_key, self.auth_key = body[144:144 + enc_bytes], body[208:208 + auth_bytes]
        assert not any(body[144 + enc_bytes:208]) and not any(body[208 + auth_bytes:272]), "behind a key is zero"
        self.connection, self.identity = text(body[272:336]), text(body[336:592])

    def __repr__(self):
        what = getattr(self, "sa", None)
        return self.name + (" %s %08x" % ("in" if what.direction == INBOUND else "out", what.spi) if what else "")


def boot_id():
    return int.from_bytes(os.urandom(8), "little") | 1


class FakeHub:
    def __init__(self, path, spi_base):
        self.path, self.spi = path, spi_base
        self.lock = threading.Condition()
        self.calls = []  # Message, of all connections
        self.faults = []  # what the plugin sent wrong
        self.sas = {}  # (direction, spi): its ADD_SA
        self.counters = {}  # (direction, spi): packets, bytes, idle_s
        self.answer = {}  # type: (status, reason)
        self.is_hung = False  # reads and says nothing
        self.greeting = None  # bytes instead of HELLO
        self.listener = self.connection = None
        self.boot_id = boot_id()

    # --- coming and going ---

    def start(self):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o600)
        self.listener.listen(1)
        threading.Thread(target=self.serve, args=(self.listener,), daemon=True).start()
        return self

    def stop(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        with self.lock:
            listener, connection, self.listener, self.connection = self.listener, self.connection, None, None
        for s in (listener, connection):
            if s:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                s.close()

    def restart(self, same=False):
        self.stop()
        if not same:
            self.boot_id = boot_id()
            self.sas.clear()
        self.start()

    def serve(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connection = connection
            try:
                while raw := connection.recv(4096):
                    self.take(connection, raw)
            except OSError:
                pass
            connection.close()

    # --- what the plugin sends ---

    def take(self, connection, raw):
        try:
            m = Message(raw)
        except (AssertionError, KeyError, ValueError, struct.error, UnicodeDecodeError) as e:
            self.faults.append(repr(e))
            return
        with self.lock:
            if m.type == HELLO and not self.is_hung:
                connection.send(self.greeting or self.pack_hello())
            elif not self.is_hung and m.type not in (HELLO, SYNC):
                connection.send(self.result_of(m))
            self.calls.append(m)
            self.lock.notify_all()

    def pack_hello(self):
        return struct.pack("=BBHIQ64s", VERSION, HELLO, 80, 0, self.boot_id, b"fake hub")

    def result_of(self, m):
        status, reason = self.answer.get(m.type, (OK, ""))
        packets = octets = spi = idle_s = 0
        key = (m.sa.direction, m.sa.spi) if hasattr(m, "sa") else None
        if status == OK and m.type in (UPDATE_SA, QUERY_SA, DEL_SA) and key not in self.sas and m.type != DEL_SA:
            status, reason = NOT_FOUND, "no such SA"
        if status == OK:
            if m.type == GET_SPI:
                self.spi += 1
                spi = m.spi = self.spi
            elif m.type == ADD_SA:
                self.sas[key] = m
            elif m.type == DEL_SA:
                self.sas.pop(key, None)
            elif m.type == FLUSH:
                self.sas.clear()
            elif m.type == QUERY_SA:
                packets, octets, idle_s = self.counters.get(key, (0, 0, 0xFFFFFFFF))
        return struct.pack("=BBHIBxxxIQQII160s", VERSION, RESULT, 200, m.id, status, spi, packets, octets, idle_s, 0,
                           reason.encode())

    # --- what the hub sends by itself ---

    def send(self, raw):
        self.connection.send(raw)

    def expire(self, sa, is_hard):
        self.send(struct.pack("=BBHI", VERSION, EXPIRE, 64, 0) + pack_sa(sa) + struct.pack("=B7x", is_hard))

    def mapping(self, sa, new_src):
        self.send(struct.pack("=BBHI", VERSION, MAPPING, 76, 0) + pack_sa(sa) + pack_host(new_src))

    # --- what a test asks ---

    def mark(self):
        return len(self.calls)

    def since(self, mark, *types):
        with self.lock:
            return [m for m in self.calls[mark:] if not types or m.type in types]

    def wait(self, mark, want, seconds=5.0):
        """Messages since mark as soon as their types contain those of want in this order, or what came in time."""
        end = time.monotonic() + seconds
        with self.lock:
            while True:
                types = iter(m.type for m in self.calls[mark:])
                if all(t in types for t in want):
                    return self.calls[mark:]
                left = end - time.monotonic()
                if left <= 0:
                    return self.calls[mark:]
                self.lock.wait(left)
