#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""tshark as judge of packets that we built: nothing malformed, no warning, no bad checksum.

usage: judge.py FILE...     exit 1 with one line for each complaint, 0 and a summary when there is none
"""
import collections
import os
import shutil
import struct
import subprocess
import sys

CHECKSUMS = ['ip.checksum.status', 'udp.checksum.status', 'tcp.checksum.status', 'gre.checksum.status',
             'nhrp.hdr.chksum.status']
BAD = '0'  # 1 good, 2 not verified, 3 not present
WARNING = 0x00600000  # PI_WARN; notes and chats below it are about traffic, not about form
# Cisco's authentication extension has no source address.
OPTIONS = ['-n', '-o', 'nhrp.auth_ext_has_addr:FALSE', '-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE',
           '-o', 'tcp.check_checksum:TRUE']


def fields(file, names, options=()):
    """Rows of {name: [values]}, one a frame."""
    if not shutil.which('tshark'):
        sys.exit('judge: tshark is not installed: apt install tshark')
    args = ['tshark', *OPTIONS, *options, '-r', file, '-T', 'fields', '-E', 'separator=|', '-E', 'aggregator=;']
    for name in names:
        args += ['-e', name]
    run = subprocess.run(args, capture_output=True, text=True, env={**os.environ, 'LC_ALL': 'C'})
    if run.returncode:
        sys.exit(f'judge: tshark on {file}: {run.stderr.strip()}')
    for line in run.stdout.splitlines():
        values = (v.split(';') if v else [] for v in line.split('|'))
        yield dict(zip(names, values))


def judge(file, options=()):
    """(complaints, counter of the innermost protocols)"""
    names = ['frame.number', 'frame.protocols', '_ws.expert.severity', '_ws.expert.message', '_ws.malformed', *CHECKSUMS]
    complaints, seen = [], collections.Counter()
    for row in fields(file, names, options):
        where = f'{os.path.basename(file)} frame {row["frame.number"][0]}'
        seen[row['frame.protocols'][0].split(':')[-1]] += 1
        if row['_ws.malformed'] or '_ws.malformed' in row['frame.protocols'][0]:
            complaints.append(f'{where}: malformed')
        if any(int(s, 0) >= WARNING for s in row['_ws.expert.severity']):
            complaints.append(f'{where}: {"; ".join(row["_ws.expert.message"])}')
        complaints += [f'{where}: {name} bad' for name in CHECKSUMS if BAD in row[name]]
    return complaints, seen


def frames(file):
    """Those of a capture file, as bytes."""
    raw = open(file, 'rb').read()
    at = 24
    while at < len(raw):
        length, = struct.unpack_from('<I', raw, at + 8)
        yield raw[at + 16:at + 16 + length]
        at += 16 + length


def capture(file, frame):
    """A capture file of one frame."""
    with open(file, 'wb') as out:
        out.write(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        out.write(struct.pack('<IIII', 0, 0, len(frame), len(frame)) + frame)


def flipped(frame, at):
    at %= len(frame)
    return frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1:]


def main(files):
    failed = False
    for file in files:
        complaints, seen = judge(file)
        print('\n'.join(complaints[:50]), end='\n' if complaints else '')
        print(f'{file}: {sum(seen.values())} frames, {len(complaints)} complaints:',
              ', '.join(f'{n} {name}' for name, n in sorted(seen.items())))
        failed |= bool(complaints) or not seen
    return 1 if failed else 0


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
