# SPDX-License-Identifier: BSD-3-Clause
"""The cases. usage: cases.py DIRECTORY [CASE...]"""
import os
import re
import shutil
import signal
import struct
import sys
import threading
import time

import fake_hub as fh
from lab import HUB, HUB6, MANY, PEER, PEER6, SUITES, Lab, added, types

BROUGHT_UP = ["GET_SPI", "ADD_SA in", "ADD_SA out"]


def case_hello(lab):
    calls = lab.fake.wait(0, (fh.HELLO,))
    check = lab.check
    check("the first message is HELLO", calls and calls[0].type == fh.HELLO, calls)
    check("it names the strongSwan that runs", re.fullmatch(r"strongSwan \d+\.\d+\.\d+", calls[0].text), calls[0].text)
    check("another charon has another boot id", calls[0].boot_id != lab.peer_fake.calls[0].boot_id)
    check("charon's log names the hub", lab.hub.wait_log(0, "kernel-nave: connected to fake hub at "))
    check("before an SA is there, nothing else is said", not lab.fake.since(0, fh.SYNC, fh.FLUSH), lab.fake.calls)


def case_fields(lab):
    calls, r = lab.up("gre")
    check = lab.check
    check("a CHILD_SA comes up", r.returncode == 0, r.stdout + r.stderr)
    check("calls in order", types(calls) == BROUGHT_UP, calls)
    spi, inbound, outbound = calls
    check("GET_SPI is from the peer to the hub", (spi.src.address, spi.dst.address) == (PEER, HUB), (spi.src, spi.dst))
    check("the inbound SA has the SPI that was given out", inbound.sa.spi == spi.spi)
    for m, src, dst in ((inbound, PEER, HUB), (outbound, HUB, PEER)):
        check("%r: addresses" % m, (m.sa.src.address, m.sa.dst.address, m.sa.src.bits) == (src, dst, 32), m.sa)
        check("%r: the peer that was authenticated" % m, m.identity == "spoke1.example", m.identity)
        check("%r: its connection" % m, m.connection == "dmvpn", m.connection)
        check("%r: the IKE_SA's unique id" % m, [m.ike_id] == lab.hub.ike_ids(), m.ike_id)
        check("%r: selectors" % m, ((m.local_ts.address, m.local_ts.bits), (m.remote_ts.address, m.remote_ts.bits))
              == ((HUB, 32), (PEER, 32)), (m.local_ts, m.remote_ts))
        check("%r: transport mode, no UDP, responder" % m, (m.is_tunnel, m.is_udp, m.is_initiator) == (0, 0, 0))
        check("%r: limits" % m, (m.soft_bytes, m.hard_bytes, m.soft_packets, m.hard_packets)
              == (1000000000, 1100000000, 2000000, 2200000), vars(m))
    check("replay window", inbound.replay == 128, inbound.replay)
    theirs = lab.peer_fake.since(0, fh.ADD_SA)
    check("one end's inbound key is the other's outbound key",
          [m.enc_key for m in calls[1:]] == [m.enc_key for m in sorted(theirs, key=lambda m: -m.sa.direction)])
    check("the initiator says so", all(m.is_initiator for m in theirs))


def case_suites(lab):
    for suite, (enc, enc_bytes, auths, auth_bytes, esn) in SUITES.items():
        calls, r = lab.up(suite)
        for m in calls[1:]:
            lab.check("%s: %r" % (suite, m), (m.enc_alg, len(m.enc_key), m.auth_alg in auths, len(m.auth_key), m.is_esn)
                      == (enc, enc_bytes, True, auth_bytes, esn), vars(m))
        keys = [m.enc_key + m.auth_key for m in calls[1:]]
        lab.check("%s: both SAs, of different keys" % suite, types(calls) == BROUGHT_UP and keys[0] != keys[1],
                  (calls, r.stdout[-300:]))
        mark = lab.fake.mark()
        lab.peer.swanctl("--terminate", "--child", suite)
        calls = lab.fake.wait(mark, (fh.DEL_SA, fh.DEL_SA))
        lab.check("%s: deleted" % suite, not lab.fake.sas, (types(calls), lab.fake.sas))


def case_counters(lab):
    calls, _ = lab.up("gre")
    _, inbound, outbound = calls
    lab.fake.counters[(fh.INBOUND, inbound.sa.spi)] = 12, 3456, 5
    lab.fake.counters[(fh.OUTBOUND, outbound.sa.spi)] = 34, 7890, 2
    listed = lab.hub.swanctl("--list-sas").stdout
    lab.check("swanctl shows what came in", re.search(r"in .* 3456 bytes, +12 packets", listed), listed)
    lab.check("swanctl shows what went out", re.search(r"out .* 7890 bytes, +34 packets", listed), listed)


def case_rekey_by_hub(lab):
    """EXPIRE soft: the hub's charon rekeys."""
    calls, _ = lab.up("gre")
    _, inbound, outbound = calls
    mark = lab.fake.mark()
    lab.fake.expire(outbound.sa, is_hard=False)
    calls = [m for m in lab.fake.wait(mark, (fh.ADD_SA, fh.ADD_SA, fh.DEL_SA, fh.DEL_SA)) if m.type != fh.QUERY_SA]
    lab.check("calls in order", types(calls) == BROUGHT_UP + ["DEL_SA out", "DEL_SA in"], types(calls))
    lab.check("the old ones go", {m.sa.spi for m in calls if m.type == fh.DEL_SA} == {inbound.sa.spi, outbound.sa.spi})
    lab.check("the hub is the initiator now", all(m.is_initiator for m in calls if m.type == fh.ADD_SA))
    lab.check("the same peer", {m.identity for m in calls if m.type == fh.ADD_SA} == {"spoke1.example"})
    lab.check("keys are new", not {m.enc_key for m in calls if m.type == fh.ADD_SA} & {inbound.enc_key, outbound.enc_key})


def case_rekey_by_peer(lab):
    lab.up("gre")
    mark = lab.fake.mark()
    lab.peer.swanctl("--rekey", "--child", "gre")
    calls = [m for m in lab.fake.wait(mark, (fh.ADD_SA, fh.ADD_SA, fh.DEL_SA, fh.DEL_SA)) if m.type != fh.QUERY_SA]
    lab.check("calls in order", types(calls) == BROUGHT_UP + ["DEL_SA out", "DEL_SA in"], types(calls))


def case_rekey_ike(lab):
    """The IKE_SA is replaced: the hub hears nothing, and SAs made later have the new number."""
    calls, _ = lab.up("gre")
    mark = lab.fake.mark()
    lab.hub.swanctl("--rekey", "--ike", "dmvpn")
    time.sleep(1)
    lab.check("nothing is called", not lab.fake.since(mark, fh.ADD_SA, fh.DEL_SA, fh.GET_SPI))
    lab.peer.swanctl("--rekey", "--child", "gre")
    new = added(lab.fake.wait(mark, (fh.ADD_SA, fh.ADD_SA)), fh.INBOUND)
    lab.check("the next SA is of the new IKE_SA", [m.ike_id for m in new] == lab.hub.ike_ids() != [calls[1].ike_id],
              ([m.ike_id for m in new], calls[1].ike_id))


def case_hard_expire(lab):
    calls, _ = lab.up("gre")
    mark = lab.fake.mark()
    lab.fake.expire(calls[1].sa, is_hard=True)
    calls = lab.fake.wait(mark, (fh.DEL_SA, fh.DEL_SA, fh.ADD_SA))
    lab.check("deleted and negotiated anew", {"DEL_SA in", "DEL_SA out", "ADD_SA in"} <= set(types(calls)), types(calls))
    mark = len(lab.hub.log())
    lab.fake.expire(fh.Sa(fh.INBOUND, 0xC0DEC0DE, *calls[-1].sa[2:]), is_hard=True)
    lab.check("an SA that is not there: a line in the log", lab.hub.wait_log(mark, "ends SA c0dec0de, which is not there"))


def case_time_limits(lab):
    """The plugin's own clock: soft rekeys, hard deletes."""
    calls, r = lab.up("short")
    begin = calls[1].at
    mark = lab.fake.mark()
    new = added(lab.fake.wait(mark, (fh.ADD_SA,), 8), fh.INBOUND)
    lab.check("rekey_time 3 s: rekeyed then", new and 2 <= new[0].at - begin <= 5, [m.at - begin for m in new])
    lab.check("clean", lab.clean())
    calls, r = lab.up("ends")
    begin = calls[1].at
    mark = lab.fake.mark()
    gone = [m for m in lab.fake.wait(mark, (fh.DEL_SA,), 8) if m.type == fh.DEL_SA]
    lab.check("life_time 3 s: deleted then", gone and 2 <= gone[0].at - begin <= 5, [m.at - begin for m in gone])
    lab.check("clean", lab.clean())
    mark, log = lab.fake.mark(), len(lab.hub.log())
    time.sleep(4)
    lab.check("what is deleted expires no more", not lab.fake.since(mark) and
              "job for CHILD_SA" not in lab.hub.log()[log:], lab.hub.log()[log:])


def case_mapping(lab):
    """A peer behind NAT is at another port: both SAs are moved, and known by the new name afterwards."""
    calls, r = lab.up("natted")
    _, inbound, outbound = calls
    lab.check("ESP in UDP, from port 4500 to port 4500", all(
        (m.is_udp, m.sa.src.port, m.sa.dst.port) == (1, 4500, 4500) for m in calls[1:]), [m.sa for m in calls[1:]])
    mark = lab.fake.mark()
    moved = fh.Host(PEER, 32, 51234)
    lab.fake.mapping(inbound.sa, moved)
    calls = [m for m in lab.fake.wait(mark, (fh.UPDATE_SA, fh.UPDATE_SA)) if m.type == fh.UPDATE_SA]
    lab.check("UPDATE_SA in and out", types(calls) == ["UPDATE_SA in", "UPDATE_SA out"], calls)
    lab.check("named as before", [m.sa for m in calls] == [inbound.sa, outbound.sa], [m.sa for m in calls])
    lab.check("to the new port", [calls[0].new_src, calls[1].new_dst] == [moved, moved] and
              all(m.is_udp for m in calls), [vars(m) for m in calls])
    mark = lab.fake.mark()
    lab.hub.swanctl("--list-sas")
    named = [m.sa for m in lab.fake.since(mark, fh.QUERY_SA)]
    lab.check("afterwards the SAs have the new name", [s.src for s in named if s.direction == fh.INBOUND] == [moved] and
              [s.dst for s in named if s.direction == fh.OUTBOUND] == [moved], named)
    lab.fake.answer[fh.UPDATE_SA] = fh.NOT_SUPPORTED, "not this one"
    mark, log = lab.fake.mark(), len(lab.hub.log())
    lab.fake.mapping(inbound.sa._replace(src=moved), fh.Host(PEER, 32, 4500))
    calls = lab.fake.wait(mark, (fh.UPDATE_SA, fh.GET_SPI, fh.ADD_SA))
    lab.check("a move that the hub cannot make: a new SA instead", "ADD_SA in" in types(calls), types(calls))
    lab.check("and the hub's reason in the log", lab.hub.wait_log(log, "the hub would not move an SA: not this one"))


def case_ipv6(lab):
    calls, r = lab.up("six")
    lab.check("IPv6 outside", types(calls) == BROUGHT_UP and [(m.sa.src, m.sa.dst) for m in calls[1:]] == [
        (fh.Host(PEER6, 128, 500), fh.Host(HUB6, 128, 500)), (fh.Host(HUB6, 128, 500), fh.Host(PEER6, 128, 500))],
        [getattr(m, "sa", None) for m in calls])


def case_refused(lab):
    lab.fake.answer[fh.ADD_SA] = fh.REFUSED, "spoke1.example may have no SA here"
    log = len(lab.hub.log())
    mark = lab.fake.mark()
    calls, r = lab.up("gre")
    lab.check("the peer gets no SA", r.returncode != 0, r.stdout)
    lab.check("the reason is in charon's log",
              lab.hub.wait_log(log, "the hub would not install an SA: spoke1.example may have no SA here"))
    given = lab.fake.wait(mark, (fh.GET_SPI, fh.DEL_SA))
    lab.check("the SPI is given back", [m.sa.spi for m in given if m.type == fh.DEL_SA][-1:] ==
              [m.spi for m in given if m.type == fh.GET_SPI], given)


def case_long_identity(lab):
    log = len(lab.hub.log())
    mark = lab.fake.mark()
    lab.peer.initiate("long")
    lab.check("an identity of 258 characters: said", lab.hub.wait_log(log, "is longer than 255 characters: SA not installed"))
    lab.check("and no SA", not lab.fake.since(mark, fh.ADD_SA))


def case_same_hub(lab):
    """The connection is lost, the hub is not: it is told what there is, and of a deletion meanwhile by silence."""
    for suite in ("aes128gcm16", "aes256gcm16"):
        lab.up(suite)
    kept = set(lab.fake.sas)
    mark = lab.fake.mark()
    lab.fake.restart(same=True)
    calls = lab.fake.wait(mark, (fh.HELLO, fh.SYNC))
    listed = [s for m in calls if m.type == fh.SYNC for s in m.sas]
    lab.check("HELLO, then SYNC", types(calls)[:2] == ["HELLO", "SYNC"] and calls[1].is_last, types(calls))
    lab.check("it lists what there is", {(s.direction, s.spi) for s in listed} == kept and len(listed) == 4, listed)
    lab.check("with the addresses", {s.src.address for s in listed} == {HUB, PEER}, listed)
    lab.check("the boot id is the one of before", calls[0].boot_id == lab.fake.calls[0].boot_id)
    lab.fake.stop()
    seconds, r = lab.hub.timed("--terminate", "--child", "gre", "--timeout", "10")
    lab.check("terminated while the hub is away", r.returncode == 0 and seconds < 3, (seconds, r.stdout))
    mark = lab.fake.mark()
    lab.fake.restart(same=True)
    syncs = [m for m in lab.fake.wait(mark, (fh.SYNC,)) if m.type == fh.SYNC]
    lab.check("what was deleted is not listed", syncs and not syncs[0].sas and syncs[0].is_last, syncs and syncs[0].sas)
    lab.fake.sas.clear()


def case_many_synced(lab):
    """More SAs than one SYNC holds."""
    for name in MANY[:20]:
        lab.peer.initiate(name)
    kept = set(lab.fake.sas)
    mark = lab.fake.mark()
    lab.fake.restart(same=True)
    syncs = [m for m in lab.fake.wait(mark, (fh.SYNC, fh.SYNC)) if m.type == fh.SYNC]
    lab.check("40 SAs in two messages", [(len(m.sas), m.is_last) for m in syncs] == [(32, 0), (8, 1)],
              [(len(m.sas), m.is_last) for m in syncs])
    lab.check("each once", {(s.direction, s.spi) for m in syncs for s in m.sas} == kept)


def case_new_hub(lab):
    """The hub restarts: fresh keys within a second, the IKE_SA stays, and nothing old is ever installed or named."""
    calls, _ = lab.up("gre")
    ike_ids = lab.hub.ike_ids()
    old = lab.fake.since(0, fh.ADD_SA)
    old_keys, old_spis = {m.enc_key for m in old}, {m.sa.spi for m in old}
    mark = lab.fake.mark()
    lab.fake.restart()
    begin = time.monotonic()
    calls = lab.fake.wait(mark, (fh.HELLO, fh.GET_SPI, fh.ADD_SA, fh.ADD_SA))
    new = [m for m in calls if m.type == fh.ADD_SA]
    lab.check("both SAs anew", len(new) == 2, types(calls))
    lab.check("within a second", new and new[-1].at - begin < 1, [m.at - begin for m in new])
    time.sleep(1.5)
    calls = lab.fake.since(mark)
    lab.check("no SYNC, and no deletion of what it never had", not [m for m in calls if m.type == fh.SYNC or
              m.type == fh.DEL_SA and m.sa.spi in old_spis], types(calls))
    lab.check("no old key, no old SPI", not {m.enc_key for m in new} & old_keys and not {m.sa.spi for m in new} & old_spis)
    lab.check("the IKE_SA is the same", lab.hub.ike_ids() == ike_ids and {m.ike_id for m in new} == set(ike_ids),
              (ike_ids, lab.hub.ike_ids()))
    lab.check("the log says so", lab.hub.wait_log(0, "the hub is a new one: 1 CHILD_SAs are negotiated anew"))


def case_short_absence(lab):
    """A hub that is back within two seconds is waited for."""
    lab.fake.stop()
    back = threading.Timer(1, lab.fake.restart)
    back.start()
    calls, r = lab.up("gre")
    back.join()
    lab.check("the SA waited for the hub", r.returncode == 0 and types(calls)[-3:] == BROUGHT_UP, types(calls))


def case_away(lab):
    lab.up("gre")
    lab.fake.stop()
    time.sleep(2.2)
    log = len(lab.hub.log())
    begin = time.monotonic()
    r = lab.peer.initiate("aes256gcm16")
    lab.check("no SA without a hub, and soon", r.returncode != 0 and time.monotonic() - begin < 5, r.stdout)
    lab.check("a line says why", lab.hub.wait_log(log, "cannot give out an SPI: the hub is away"))
    seconds, r = lab.hub.timed("--list-sas")
    lab.check("swanctl --list-sas does not hang", r.returncode == 0 and seconds < 2, seconds)
    ids = lab.hub.ike_ids()
    seconds, r = lab.hub.timed("--terminate", "--ike-id", str(ids[0]))
    lab.check("swanctl --terminate does not hang", r.returncode == 0 and seconds < 4, (seconds, r.stdout, r.stderr))
    lab.fake.restart()


def case_hung(lab):
    """A hub that reads and says nothing costs two seconds once."""
    for suite in list(SUITES)[:4]:
        lab.up(suite)
    lab.fake.is_hung = True
    log = len(lab.hub.log())
    seconds, r = lab.hub.timed("--list-sas")
    lab.check("eight queries take no more than one timeout", r.returncode == 0 and seconds < 4, seconds)
    lab.check("a line says so", lab.hub.wait_log(log, "the hub did not answer for 2000 ms: connecting anew"))
    mark = lab.fake.mark()
    lab.fake.is_hung = False
    lab.fake.restart(same=True)
    lab.check("it is used again when it speaks", len(lab.fake.wait(mark, (fh.HELLO, fh.SYNC))) >= 2)


def case_bad_messages(lab):
    """Each ends the connection with a line a person understands, and nothing else."""
    lab.up("gre")
    kept = dict(lab.fake.sas)
    sa = fh.pack_sa(next(iter(kept.values())).sa)

    def header(type_, length, version=1, id_=0):
        return struct.pack("=BBHI", version, type_, length, id_)
    bad = (
        ("another protocol version", header(fh.EXPIRE, 64, version=2) + sa + bytes(8)),
        ("unknown type", header(99, 8)),
        ("wrong length", header(fh.EXPIRE, 64) + sa + bytes(7)),
        ("wrong length", header(fh.EXPIRE, 60) + sa + bytes(8)),
        ("wrong length", header(fh.EXPIRE, 64) + sa + bytes(3000)),
        ("shorter than its header", b"\1\101"),
        ("not for the plugin", header(fh.FLUSH, 8, id_=1)),
        ("neither inbound nor outbound", header(fh.EXPIRE, 64) + b"\7" + sa[1:] + bytes(8)),
        ("without two addresses", header(fh.EXPIRE, 64) + sa[:8] + b"\5" + sa[9:] + bytes(8)),
        ("unknown status", header(fh.RESULT, 200, id_=7) + bytes(192)),
        ("without a request's id", header(fh.RESULT, 200) + b"\1" + bytes(191)),
        ("whose reason is no text", header(fh.RESULT, 200, id_=7) + b"\1" + bytes(31) + b"x" * 160),
        ("second HELLO", lab.fake.pack_hello()),
    )
    for wanted, raw in bad:
        lab.hub.swanctl("--list-sas")  # a hub that answers is connected to again soon
        log, mark = len(lab.hub.log()), lab.fake.mark()
        lab.fake.send(raw)
        lab.check("%s: said" % wanted, lab.hub.wait_log(log, "kernel-nave: the hub at .* sent .*%s" % wanted),
                  lab.hub.log()[log:])
        calls = lab.fake.wait(mark, (fh.HELLO, fh.SYNC), 10)
        lab.check("%s: it comes back by itself" % wanted, types(calls) == ["HELLO", "SYNC"], types(calls))
    lab.check("the SAs are still there", dict(lab.fake.sas) == kept and lab.hub.ike_ids())
    log = len(lab.hub.log())
    lab.fake.send(header(fh.RESULT, 200, id_=0x7FFFFFF0) + b"\1" + bytes(191))
    time.sleep(0.3)
    lab.check("a RESULT that nobody waits for is ignored", "kernel-nave" not in lab.hub.log()[log:])


def case_bad_greeting(lab):
    log = len(lab.hub.log())
    lab.fake.stop()
    lab.fake.greeting = struct.pack("=BBHIQ64s", 9, fh.HELLO, 80, 0, 1, b"nave 9")
    lab.fake.start()
    lab.check("a hub of another release: said", lab.hub.wait_log(log, "sent a message of another protocol version: nave and "
              "the plugin are not of one release"))
    time.sleep(3)
    tries = len(re.findall("another protocol version", lab.hub.log()[log:]))
    lab.check("it is not asked all the time", tries <= 6, tries)
    lab.fake.greeting = None
    mark = lab.fake.mark()
    lab.check("when it is of this release, it is used", len(lab.fake.wait(mark, (fh.HELLO,), 10)) >= 1)


def case_keys_wiped(lab):
    """No piece of a key that went to the hub is left in charon's memory."""
    calls, _ = lab.up("aes256gcm16")
    keys = [m.enc_key[i:i + 8] for m in calls[1:] for i in range(0, 32, 8)]
    pid = lab.hub.process.pid
    memory = []
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            if " rw" not in line:
                continue
            start, end = (int(x, 16) for x in line.split()[0].split("-"))
            mem.seek(start)
            memory.append(mem.read(end - start))
    lab.check("its memory can be searched: the peer's identity is there", any(b"spoke1.example" in m for m in memory))
    lab.check("no key is", len(keys) == 8 and not any(k in m for k in keys for m in memory))


def case_shutdown(lab):
    """charon ends at once, hub or no hub."""
    for name in MANY:
        lab.peer.initiate(name)
    lab.check("80 SAs", len(lab.fake.sas) == 80, len(lab.fake.sas))
    lab.fake.is_hung = True
    seconds = lab.hub.stop()
    lab.check("a hung hub: charon ends within 8 s", seconds is not None and seconds < 8, seconds)
    lab.fake.is_hung = False
    lab.fake.restart()
    lab.hub.start()
    for ike_id in lab.peer.ike_ids():
        lab.peer.swanctl("--terminate", "--ike-id", str(ike_id), "--force", "--timeout", "5")
    for name in MANY:
        lab.peer.initiate(name)
    lab.check("80 SAs again, at a charon of another boot id", len(lab.fake.sas) == 80 and
              len({m.boot_id for m in lab.fake.since(0, fh.HELLO)}) == 2, len(lab.fake.sas))
    lab.fake.stop()
    seconds = lab.hub.stop()
    lab.check("no hub: charon ends within 5 s", seconds is not None and seconds < 5, seconds)
    lab.fake.restart()
    lab.hub.start()


def case_other_version(lab):
    """A plugin for another strongSwan says so and does nothing."""
    lab.hub.stop()
    plugin = lab.hub.dir + "/../plugins/libstrongswan-kernel-nave.so"
    shutil.copy(plugin, plugin + ".kept")
    os.rename(plugin, plugin + ".away")
    shutil.copy(lab.hub.dir + "/../libstrongswan-kernel-nave-next.so", plugin)
    mark = lab.fake.mark()
    try:
        lab.hub.start()
    except RuntimeError:
        pass
    log = lab.hub.log()
    lab.check("the log names both versions", re.search(r"kernel-nave: built for strongSwan \S+, and this is strongSwan "
              r"\S+: not loaded", log), log[:2000])
    lab.check("the hub hears nothing", not lab.fake.since(mark))
    lab.hub.stop()
    os.rename(plugin + ".away", plugin)
    lab.hub.start()


def main():
    cases = {n[len("case_"):].replace("_", "-"): f for n, f in globals().items() if n.startswith("case_")}
    wanted = sys.argv[2:] or list(cases)
    for name in wanted:
        if name not in cases:
            sys.exit("ike: no case '%s'; there are: %s" % (name, " ".join(cases)))
    for number in (signal.SIGTERM, signal.SIGALRM):  # a first process in its namespace is not ended by a default
        signal.signal(number, lambda number, _: sys.exit("ike: ended by %s" % signal.Signals(number).name))
    signal.alarm(600)
    lab = Lab(sys.argv[1])
    try:
        lab.start()
        for name in wanted:
            print("--- " + name, flush=True)
            try:
                cases[name](lab)
            except (IndexError, ValueError, AttributeError, OSError) as e:
                lab.check("%s: not cut short" % name, False, repr(e))
            lab.check("%s: all SAs go" % name, lab.clean(), (lab.fake.sas, lab.peer_fake.sas))
            lab.check("%s: the plugin's messages are sound" % name, not lab.fake.faults + lab.peer_fake.faults,
                      lab.fake.faults + lab.peer_fake.faults)
    finally:
        for charon in (lab.hub, lab.peer):
            if charon.process and charon.process.poll() is None:
                charon.stop()
    lab.check("no charon complained of a crash", "thread" not in "".join(
        line for line in (lab.hub.log() + lab.peer.log()).splitlines() if "received signal" in line.lower()))
    print("%d passed, %d failed" % (lab.passed, lab.failed))
    return lab.failed != 0


sys.exit(main())
