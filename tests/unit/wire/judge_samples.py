#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""tshark finds in every frame of write_samples what its builder meant, and nothing to complain of.

usage: judge_samples.py WRITE_SAMPLES FOLDER_OF_JUDGE
Then frames are damaged one way each, to see that the judge would have noticed.
"""
import ipaddress
import os
import subprocess
import sys
import tempfile

NAMES = ['frame.number', 'gre.flags_and_version', 'gre.key', 'nhrp.hdr.op.type', 'nhrp.hdr.hopcnt', 'nhrp.flags',
         'nhrp.reqid', 'nhrp.src.nbma.addr', 'nhrp.src.nbma.addr_bytes', 'nhrp.src.prot.addr',
         'nhrp.src.prot.addr_bytes', 'nhrp.dst.prot.addr', 'nhrp.dst.prot.addr_byets', 'nhrp.ext.type', 'nhrp.ext.len']
QUOTING = (7, 8)  # what an Error Indication quotes shows up as second values of a field


def number(values):
    return str(int(values[0], 0)) if values else '-'


def address(values, as_bytes):
    if values:
        return values[0]
    return str(ipaddress.ip_address(bytes.fromhex(as_bytes[0].replace(':', '')))) if as_bytes else '-'


def reading(row):
    """One frame in the form of write_samples' lines."""
    v = list(row.values())
    quotes = int(v[3][0]) in QUOTING
    exts = ','.join(f'{int(t, 0)}:{n}' for t, n in zip(v[13], v[14])) or '-'
    return '|'.join([v[0][0], f'{int(v[1][0], 0):04x}', number(v[2]), v[3][0], v[4][0],
                     '-' if quotes else number(v[5]), '-' if quotes else number(v[6]),
                     address(v[7], v[8]), address(v[9], v[10]), address(v[11], v[12]), exts])


def self_test(judge, samples, file):
    """What the judge must not let pass. Offsets: Ethernet 14, IPv4 20, GRE 4."""
    plain, keyed, summed = (samples[i] for i in range(3))
    assert plain[14] == 0x45 and summed[34] == 0x80
    for what, frame, complain in [
            ('untouched', plain, False),
            ('IPv4 header checksum', judge.flipped(plain, 14 + 8), True),
            ('NHRP checksum', judge.flipped(plain, 38 + 30), True),
            ('NHRP checksum behind a key', judge.flipped(keyed, 42 + 30), True),
            ('GRE checksum', judge.flipped(summed, 34 + 4), True),
            ('NHRP length', plain[:38 + 11] + bytes([plain[38 + 11] + 40]) + plain[38 + 12:], True)]:
        judge.capture(file, frame)
        complaints, _ = judge.judge(file)
        if bool(complaints) != complain:
            sys.exit(f'judge on a frame with bad {what}: {complaints}')


def main(write_samples, folder):
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    import judge
    with tempfile.TemporaryDirectory() as scratch:
        file = os.path.join(scratch, 'samples.pcap')
        want = subprocess.run([write_samples, file], capture_output=True, text=True, check=True).stdout.splitlines()
        complaints, _ = judge.judge(file)
        got = [reading(row) for row in judge.fields(file, NAMES)]
        complaints += [f'meant {w}\n read {g}' for w, g in zip(want, got) if w != g]
        if len(want) != len(got) or len(want) < 300:
            complaints.append(f'{len(want)} frames written, {len(got)} read')
        if complaints:
            sys.exit('\n'.join(complaints[:40]))
        self_test(judge, list(judge.frames(file)), os.path.join(scratch, 'damaged.pcap'))
    print(f'{len(got)} frames, every one as meant')


if __name__ == '__main__':
    main(*sys.argv[1:])
