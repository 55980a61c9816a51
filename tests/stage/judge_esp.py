#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""tshark decrypts every frame of write_esp, finds its ICV right, inside what was meant, and nothing to complain of.

usage: judge_esp.py FOLDER_OF_JUDGE WRITE_ESP EAL_ARGS...
Then frames are damaged one way each, to see that the judge would have noticed.
"""
import os
import subprocess
import sys
import tempfile

OPTIONS = ('-o', 'esp.enable_encryption_decode:TRUE', '-o', 'esp.enable_authentication_check:TRUE')
NAMES = ['frame.number', 'esp.spi', 'esp.sequence', 'esp.contained_data', 'esp.icv_good']
UDP_CHECKSUM = 14 + 20 + 6  # of ESP in UDP over IPv4


def reading(row):
    """One frame in the form of write_esp's lines; what is not right of it is put behind."""
    text = '|'.join([row['frame.number'][0], row['esp.spi'][0], row['esp.sequence'][0],
                     (row['esp.contained_data'] or ['none'])[0].replace(':', '')])
    return text if row['esp.icv_good'][:1] in (['1'], ['True']) else text + '|ICV wrong'


def verdicts(judge, file, want):
    """Complaints about the frames of file, which were to be as the lines of want."""
    complaints, _ = judge.judge(file, OPTIONS)
    got = [reading(row) for row in judge.fields(file, NAMES, OPTIONS)]
    complaints += [f'meant {w[:120]}\n read {g[:120]}' for w, g in zip(want, got) if w != g]
    if len(want) != len(got):
        complaints.append(f'{len(want)} frames written, {len(got)} read')
    return complaints


def self_test(judge, sample, line, file):
    """What the judge must not let pass, of a native frame over IPv4."""
    line = '1' + line[line.index('|'):]
    for what, frame, complain in [
            ('untouched', sample, False), ('IPv4 header', judge.flipped(sample, 14 + 8), True),
            ('SPI', judge.flipped(sample, 34), True), ('sequence number', judge.flipped(sample, 34 + 7), True),
            ('IV', judge.flipped(sample, 34 + 8), True), ('text', judge.flipped(sample, 34 + 20), True),
            ('ICV', judge.flipped(sample, -1), True)]:
        judge.capture(file, frame)
        if bool(verdicts(judge, file, [line])) != complain:
            sys.exit(f'judge on a frame with bad {what}: {verdicts(judge, file, [line])}')


def main(folder, write_esp, *eal):
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    import judge
    with tempfile.TemporaryDirectory() as scratch:
        os.mkdir(os.path.join(scratch, 'wireshark'))
        os.environ['XDG_CONFIG_HOME'] = scratch
        run = subprocess.run([write_esp, *eal, scratch], capture_output=True, text=True)
        if run.returncode:
            sys.exit(f'write_esp: exit {run.returncode}\n{run.stderr}')
        want = [line for line in run.stdout.splitlines() if line.count('|') == 3]
        file = os.path.join(scratch, 'esp.pcap')
        complaints = verdicts(judge, file, want)
        if len(want) < 1000:
            complaints.append(f'{len(want)} frames written')
        for number, frame in enumerate(judge.frames(file), 1):  # RFC 3948 section 2.1
            if frame[12:14] == b'\x08\0' and frame[23] == 17 and frame[UDP_CHECKSUM:UDP_CHECKSUM + 2] != b'\0\0':
                complaints.append(f'frame {number}: ESP in UDP over IPv4 with a checksum')
        if complaints:
            sys.exit('\n'.join(complaints[:40]))
        self_test(judge, next(judge.frames(file)), want[0], os.path.join(scratch, 'damaged.pcap'))
    print(f'{len(want)} frames, every one as meant')


if __name__ == '__main__':
    main(*sys.argv[1:])
