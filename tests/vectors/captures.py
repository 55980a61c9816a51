#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the captures hold, for the scripts that copy a little of it into the tree."""
import os
import struct

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
FOLDER = os.path.join(ROOT, '..', 'shared', 'captures')


def frames(file):
    """Each frame, from Ethernet on."""
    raw = open(os.path.join(FOLDER, file), 'rb').read()
    at = 24
    while at < len(raw):
        length, = struct.unpack_from('<I', raw, at + 8)
        yield raw[at + 16:at + 16 + length]
        at += 16 + length


def packets(file):
    """(frame number, kind, bytes) of each Ethernet/IPv4 frame; kind: gre (from the GRE header on), esp, natt, ike."""
    for frame, ether in enumerate(frames(file), 1):
        ip = ether[14:]
        if ether[12:14] != b'\x08\0':
            continue
        body = ip[(ip[0] & 15) * 4:struct.unpack_from('!H', ip, 2)[0]]
        if ip[9] in (47, 50):
            yield frame, 'gre' if ip[9] == 47 else 'esp', body
        elif ip[9] == 17:
            ports = struct.unpack_from('!HH', body)
            if 4500 in ports:
                yield frame, 'natt', body[8:]
            elif 500 in ports:
                yield frame, 'ike', body[8:]


def nhrp_of(gre):
    """The NHRP message behind a GRE header, or None."""
    flags, protocol = struct.unpack_from('!HH', gre)
    skip = 4 + sum(4 for bit in (0x8000, 0x2000, 0x1000) if flags & bit)
    return gre[skip:] if protocol == 0x2001 else None


def files():
    return sorted(f for f in os.listdir(FOLDER) if f.endswith('.pcap'))
