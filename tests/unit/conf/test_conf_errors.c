// SPDX-License-Identifier: BSD-3-Clause
// Bad files, each with all that is said about it: place, what is wrong, what to write instead.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf.h"

static const struct bad_file {
	const char *name, *text;
	const char *errors; // without the file's name
} bad_files[] = {
	// clang-format off
	{"empty",
		"",
		"1:1: the file is empty: begin with version: 1\n"},
	{"only a comment",
		"# nothing\n",
		"1:1: the file is empty: begin with version: 1\n"},
	{"not a mapping",
		"just words\n",
		"1:1: a mapping is wanted here: write {version: ...}\n"},
	{"no version",
		"hub: {name: a}\n",
		"1:1: key 'version' is missing: write version: 1\n"},
	{"unknown version",
		"version: 2\n",
		"1:10: version: '2' is not known: this nave reads version 1\n"},
	{"unknown key at the top",
		"version: 1\n"
		"tunels: {}\n",
		"2:1: unknown key 'tunels': did you mean 'tunnels'?\n"},
	{"unknown key with nothing near",
		"version: 1\n"
		"hub: {qwertyuiop: 1}\n",
		"2:7: unknown key 'qwertyuiop': the keys here are name, control-cpu, worker-cpus, hugepages, idle, max-spokes\n"},
	{"underscore for hyphen",
		"version: 1\n"
		"hub: {max_spokes: 1}\n",
		"2:7: unknown key 'max_spokes': did you mean 'max-spokes'?\n"},
	{"key twice",
		"version: 1\n"
		"hub: {name: a}\n"
		"hub: {name: b}\n",
		"3:1: key 'hub' is given twice: first in line 2\n"},
	{"name twice",
		"version: 1\n"
		"ports:\n"
		"  p: {device: a}\n"
		"  p: {device: b}\n",
		"4:3: ports: 'p' is given twice: first in line 3\n"},
	{"default vrf twice",
		"version: 1\n"
		"vrfs: {default: {}, default: {}}\n",
		"2:21: vrfs: 'default' is given twice: first in line 2\n"},
	{"a key that is a list",
		"version: 1\n"
		"[a]: 1\n",
		"2:1: a key must be a word\n"},
	{"section is a word",
		"version: 1\n"
		"hub: hub1\n",
		"2:6: a mapping is wanted here: write {name: ...}\n"},
	{"names are a list",
		"version: 1\n"
		"ports: [a]\n",
		"2:8: ports: a mapping of names is wanted: write {NAME: {...}}\n"},
	{"bad port name",
		"version: 1\n"
		"ports: {'a/b': {device: d}}\n",
		"2:9: ports: a name has 1 to 15 letters, digits, '_', '-' or '.', and begins with none of the last two\n"},
	{"name too long",
		"version: 1\n"
		"ports: {abcdefghijklmnop: {device: d}}\n",
		"2:9: ports: a name has 1 to 15 letters, digits, '_', '-' or '.', and begins with none of the last two\n"},
	{"required key missing",
		"version: 1\n"
		"ports:\n"
		"  p: {mtu: 1500}\n",
		"3:6: key 'device' is missing: a PCI address (`\"0000:3b:00.1\"`) or a DPDK vdev with its arguments (`\"net_af_xdp0,iface=eth1\"`)\n"},
	{"required key empty",
		"version: 1\n"
		"ports:\n"
		"  p:\n"
		"    device:\n",
		"4:5: device: no value (so YAML reads ~, null and nothing): a PCI address (`\"0000:3b:00.1\"`) or a DPDK vdev with its arguments (`\"net_af_xdp0,iface=eth1\"`)\n"},
	{"port with nothing",
		"version: 1\n"
		"ports:\n"
		"  p:\n",
		"3:3: key 'device' is missing: a PCI address (`\"0000:3b:00.1\"`) or a DPDK vdev with its arguments (`\"net_af_xdp0,iface=eth1\"`)\n"},
	{"list for a scalar",
		"version: 1\n"
		"hub: {name: [a]}\n",
		"2:13: name: one value is wanted, not a list: leave out [ ]\n"},
	{"mapping for a scalar",
		"version: 1\n"
		"hub: {name: {a: b}}\n",
		"2:13: name: one value is wanted, not a mapping: leave out { }\n"},
	{"not a number",
		"version: 1\n"
		"hub: {max-spokes: many}\n",
		"2:19: max-spokes: 'many' is not a number from 1 to 87381\n"},
	{"number out of range",
		"version: 1\n"
		"hub: {max-spokes: 87382}\n",
		"2:19: max-spokes: '87382' is not a number from 1 to 87381\n"},
	{"negative number",
		"version: 1\n"
		"hub: {control-cpu: -1}\n",
		"2:20: control-cpu: '-1' is not a number from 0 to 1023\n"},
	{"letters after a number",
		"version: 1\n"
		"hub: {control-cpu: 1x}\n",
		"2:20: control-cpu: '1x' is not a number from 0 to 1023\n"},
	{"cpu twice",
		"version: 1\n"
		"hub: {worker-cpus: [1, 2, 1]}\n",
		"2:27: worker-cpus: CPU 1 is given twice: one worker for each\n"},
	{"no cpu",
		"version: 1\n"
		"hub: {worker-cpus: []}\n",
		"2:20: worker-cpus: 1 to 32 CPUs are wanted: write [1]\n"},
	{"word near",
		"version: 1\n"
		"hub: {idle: slep}\n",
		"2:13: idle: unknown value 'slep': did you mean 'sleep'? (sleep or poll)\n"},
	{"word far",
		"version: 1\n"
		"hub: {idle: hibernate}\n",
		"2:13: idle: unknown value 'hibernate': write sleep or poll\n"},
	{"number or word",
		"version: 1\n"
		"hub: {hugepages: 1}\n",
		"2:18: hugepages: '1' is not a number from 2 to 1048576, nor auto or off\n"},
	{"hub name",
		"version: 1\n"
		"hub: {name: 'a b'}\n",
		"2:13: name: 'a b': only letters, digits, '_' and '-'\n"},
	{"bool",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24, host: maybe}}\n",
		"2:53: host: 'maybe' is not a yes or no: write true or false\n"},
	{"port mtu",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24, mtu: 100}}\n",
		"2:52: mtu: '100' is not a number from 576 to 9216\n"},
	{"port mtu and IPv6",
		"version: 1\n"
		"ports: {p: {device: d, mtu: 1000, address: \"2001:db8::1/64\"}}\n",
		"2:29: mtu: 1000 is too small for IPv6 (2001:db8::1): at least 1280\n"},
	{"address without length",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1}}\n",
		"2:33: address: '192.0.2.1' wants its prefix length: write 192.0.2.1/24\n"},
	{"address wrong",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.256/24}}\n",
		"2:33: address: '192.0.2.256/24' is not an address with prefix length: write 192.0.2.1/24\n"},
	{"address of a network",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.0/24}}\n",
		"2:33: address: '192.0.2.0/24' cannot be the address of a host: write one from inside its subnet\n"},
	{"broadcast address",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.255/24}}\n",
		"2:33: address: '192.0.2.255/24' cannot be the address of a host: write one from inside its subnet\n"},
	{"multicast address",
		"version: 1\n"
		"ports: {p: {device: d, address: 224.0.0.1/24}}\n",
		"2:33: address: '224.0.0.1/24' cannot be the address of a host: write one from inside its subnet\n"},
	{"address twice",
		"version: 1\n"
		"ports: {p: {device: d, address: [192.0.2.1/24, 192.0.2.1/25]}}\n",
		"2:48: address: '192.0.2.1/25' is given twice\n"},
	{"address on two ports",
		"version: 1\n"
		"ports:\n"
		"  p: {device: d, address: 192.0.2.1/24}\n"
		"  q: {device: e, address: 192.0.2.1/24}\n",
		"4:27: address: 'p' already has 192.0.2.1: one of them wants another address or vrf\n"},
	{"device twice",
		"version: 1\n"
		"ports:\n"
		"  p: {device: d}\n"
		"  q: {device: d}\n",
		"4:15: device: 'd' is already that of port 'p'\n"},
	{"gateway off link",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24, gateway: 198.51.100.1}}\n",
		"2:56: gateway: 198.51.100.1 is in no subnet of the port's addresses: write a router's from there\n"},
	{"gateway is ours",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24, gateway: 192.0.2.1}}\n",
		"2:56: gateway: 192.0.2.1 is the port's own address: write the router's\n"},
	{"gateway with length",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24, gateway: 192.0.2.254/24}}\n",
		"2:56: gateway: '192.0.2.254/24' has a prefix length: leave out '/24'\n"},
	{"two gateways",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24, gateway: [192.0.2.254, 192.0.2.253]}}\n",
		"2:70: gateway: a second one of the same family: write one\n"},
	{"unknown vrf",
		"version: 1\n"
		"vrfs: {red: {}}\n"
		"ports: {p: {device: d, vrf: rad}}\n",
		"3:29: vrf: there is no vrf 'rad': did you mean 'red'?\n"},
	{"unknown vrf, nothing near",
		"version: 1\n"
		"ports: {p: {device: d, vrf: purple}}\n",
		"2:29: vrf: there is no vrf 'purple': write it under vrfs\n"},
	{"neighbour off link",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24, neighbours: [{address: 10.0.0.1, mac: '02:00:00:00:00:01'}]}}\n",
		"2:60: neighbours: 10.0.0.1 is in no subnet of the port's addresses\n"},
	{"neighbour mac",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24, neighbours: [{address: 192.0.2.2, mac: '01:00:5e:00:00:01'}]}}\n",
		"2:86: mac: '01:00:5e:00:00:01' is not the MAC address of one host: write \"02:00:00:00:00:01\"\n"},
	{"vlan",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24, vlan: 4095}}\n",
		"2:53: vlan: '4095' is not a number from 1 to 4094\n"},
	{"netns",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24, host-netns: a/b}}\n",
		"2:59: host-netns: 'a/b' is neither a name in /run/netns nor a full path\n"},
	{"tunnel without source",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {address: 10.0.0.1/24, protection: none}}\n",
		"3:14: key 'source' is missing: write {port: NAME, address: ADDRESS}\n"},
	{"tunnel without protection",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24}}\n",
		"3:14: key 'protection' is missing: write none, ike, or {mode: manual, sas: [...]}\n"},
	{"source port unknown",
		"version: 1\n"
		"ports: {wan0: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: wan1, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}}\n",
		"3:30: port: there is no port 'wan1': did you mean 'wan0'?\n"},
	{"source address not of the port",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.2}, address: 10.0.0.1/24, protection: none}}\n",
		"3:42: source: port 'p' does not have 192.0.2.2: write one of its addresses, as 192.0.2.1\n"},
	{"tunnel named as a port",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {p: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}}\n",
		"3:11: tunnels: 'p' is already the name of a port: TUN and TAP cannot share it\n"},
	{"same source and key",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels:\n"
		"  a: {source: {port: p, address: 192.0.2.1}, key: 7, address: 10.0.0.1/24, protection: none}\n"
		"  b: {source: {port: p, address: 192.0.2.1}, key: 7, address: 10.0.1.1/24, protection: none}\n",
		"5:51: tunnel 'a' has the same source address and key: write another key\n"},
	{"same source, no key",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels:\n"
		"  a: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}\n"
		"  b: {source: {port: p, address: 192.0.2.1}, address: 10.0.1.1/24, protection: none}\n",
		"5:6: tunnel 'a' has the same source address and key: write another key\n"},
	{"protocol address of a port",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 192.0.2.1/24, protection: none}}\n",
		"3:63: address: 'p' already has 192.0.2.1: one of them wants another address or vrf\n"},
	{"two protocol addresses of a family",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: [10.0.0.1/24, 10.0.1.1/24], protection: none}}\n",
		"3:77: address: a second one of the same family: spokes know one NHS address of each\n"},
	{"key too large",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, key: 4294967296}}\n",
		"3:99: key: '4294967296' is not a number from 0 to 4294967295\n"},
	{"phase",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, phase: 4}}\n",
		"3:101: phase: '4' is not a number from 1 to 3\n"},
	{"mtu of a tunnel",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, mtu: 500}}\n",
		"3:99: mtu: '500' is not a number from 576 to 9176\n"},
	{"tcp-mss larger than mtu",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, mtu: 1400, tcp-mss: 1380}}\n",
		"3:114: tcp-mss: 1380 does not fit into mtu 1400: at most 1360\n"},
	{"multicast",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, multicast: dynamik}}\n",
		"3:105: multicast: unknown value 'dynamik': did you mean 'dynamic'? (none or dynamic)\n"},
	{"protection misspelt",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: ikev2}}\n",
		"3:88: protection: unknown value 'ikev2': did you mean 'ike'? (none, ike or manual)\n"},
	{"protection without mode",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: {anti-spoof: off}}}\n",
		"3:88: key 'mode' is missing: write none, ike or manual\n"},
	{"protection is a list",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: [ike]}}\n",
		"3:88: protection: write none, ike, or {mode: manual, sas: [...]}\n"},
	{"unknown key of an identity",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: {mode: ike, identities: [{mach: x}]}}}\n",
		"3:114: unknown key 'mach': did you mean 'match'?\n"},
	{"authentication too long",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, nhrp: {authentication: topsecret}}}\n",
		"3:117: authentication: wants 1 to 8 printable ASCII characters without blanks\n"},
	{"authentication with a blank",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, nhrp: {authentication: 'a b'}}}\n",
		"3:117: authentication: wants 1 to 8 printable ASCII characters without blanks\n"},
	{"holding time",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, nhrp: {holding-time: 65536}}}\n",
		"3:115: holding-time: '65536' is not a time from 1 to 65535 s\n"},
	{"holding time in parts of seconds",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, nhrp: {holding-time: 1500ms}}}\n",
		"3:115: holding-time: '1500ms' is not a time in whole seconds: write 600, 600s or 10m\n"},
	{"interval without unit",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, nhrp: {redirect: {interval: 8}}}}\n",
		"3:122: interval: '8' is not a time: write 8s or 500ms\n"},
	{"interval too short",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, nhrp: {redirect: {interval: 1ms}}}}\n",
		"3:122: interval: '1ms' is not a time from 100 to 3600000 ms\n"},
	{"redirect is a word",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, nhrp: {redirect: sometimes}}}\n",
		"3:111: redirect: 'sometimes' is not a yes or no: write true or false\n"},
	{"resolution",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, nhrp: {resolution: foward}}}\n",
		"3:113: resolution: unknown value 'foward': did you mean 'forward'? (forward, answer or refuse)\n"},
	{"static off link",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, nhrp: {static: [{protocol: 10.9.0.9, nbma: 192.0.2.9}]}}}\n",
		"3:110: static: 10.9.0.9 is in no subnet of the tunnel's addresses\n"},
	{"static is ours",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, nhrp: {static: [{protocol: 10.0.0.1, nbma: 192.0.2.9}]}}}\n",
		"3:110: static: 10.0.0.1 is the tunnel's own address: write the spoke's\n"},
	{"static of the other family",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, nhrp: {static: [{protocol: 10.0.0.9, nbma: \"2001:db8::9\"}]}}}\n",
		"3:110: static: nbma 2001:db8::9 is not of the family of the tunnel's source\n"},
	{"static to where no host is",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, nhrp: {static: [{protocol: 10.0.0.9, nbma: 192.0.2.1}, {protocol: 10.0.0.8, nbma: 127.0.0.1}]}}}\n",
		"3:110: static: nbma 192.0.2.1 is the tunnel's own source: write the peer's\n"
		"3:149: static: nbma 127.0.0.1 is not the address of one host\n"},
	{"static is a word",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, nhrp: {static: 10.0.0.9}}}\n",
		"3:109: static: a list is wanted: write [{protocol: ...}]\n"},
	{"route to nowhere",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}}\n"
		"routes: [{prefix: 10.1.0.0/16}]\n",
		"4:10: routes: write either via: [{next-hop: ...}] or blackhole: true\n"},
	{"route and blackhole",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}}\n"
		"routes: [{prefix: 10.1.0.0/16, blackhole: true, via: [{next-hop: 10.0.0.9, tunnel: t}]}]\n",
		"4:10: routes: write either via: [{next-hop: ...}] or blackhole: true\n"},
	{"prefix with host bits",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}}\n"
		"routes: [{prefix: 10.1.2.3/16, blackhole: true}]\n",
		"4:19: prefix: '10.1.2.3/16' has host bits: write 10.1.0.0/16\n"},
	{"prefix wrong",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}}\n"
		"routes: [{prefix: 10.1/16, blackhole: true}]\n",
		"4:19: prefix: '10.1/16' is not a prefix: write 10.1.0.0/16 or \"2001:db8::/32\"\n"},
	{"next hop off link",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}}\n"
		"routes: [{prefix: 10.1.0.0/16, via: [{next-hop: 10.9.0.9, tunnel: t}]}]\n",
		"4:49: next-hop: 10.9.0.9 is in no subnet of tunnel 't'\n"},
	{"next hop is ours",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}}\n"
		"routes: [{prefix: 10.1.0.0/16, via: [{next-hop: 192.0.2.1, port: p}]}]\n",
		"4:49: next-hop: 192.0.2.1 is our own address on port 'p'\n"},
	{"next hop of the other family",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}}\n"
		"routes: [{prefix: \"2001:db8::/32\", via: [{next-hop: 10.0.0.9, tunnel: t}]}]\n",
		"4:53: next-hop: 10.0.0.9 is not of the prefix's family\n"},
	{"unknown tunnel",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}}\n"
		"routes: [{prefix: 10.1.0.0/16, via: [{next-hop: 10.0.0.9, tunnel: tt}]}]\n",
		"4:67: tunnel: there is no tunnel 'tt': did you mean 't'?\n"},
	{"tunnel and port",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}}\n"
		"routes: [{prefix: 10.1.0.0/16, via: [{next-hop: 10.0.0.9, tunnel: t, port: p}]}]\n",
		"4:38: via: write either tunnel or port\n"},
	{"neither tunnel nor port",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}}\n"
		"routes: [{prefix: 10.1.0.0/16, via: [{next-hop: 10.0.0.9}]}]\n",
		"4:38: via: write either tunnel or port\n"},
	{"route in another vrf",
		"version: 1\n"
		"vrfs: {red: {}}\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, vrf: red}}\n"
		"routes: [{prefix: 10.1.0.0/16, via: [{next-hop: 10.0.0.9, tunnel: t}]}]\n",
		"5:49: next-hop: tunnel 't' is in vrf 'red', the route in vrf 'default': write the route there\n"},
	{"route twice",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}}\n"
		"routes: [{prefix: 10.1.0.0/16, blackhole: true},\n"
		"         {prefix: 10.1.0.0/16, blackhole: true}]\n",
		"5:10: routes: 10.1.0.0/16 is given twice: put all next hops into one via list\n"},
	{"relative socket",
		"version: 1\n"
		"console: {socket: nave.sock}\n",
		"2:19: socket: 'nave.sock' is not a full path: begin it with /\n"},
	{"socket too long",
		"version: 1\n"
		"console: {socket: /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}\n",
		"2:19: socket: wants 1 to 107 characters, here are 111\n"},
	{"control character",
		"version: 1\n"
		"console: {admin-group: \"a\\e[31m\"}\n",
		"2:24: admin-group: a control character: leave it out\n"},
	{"unclosed mapping",
		"version: 1\n"
		"hub: {name: a\n",
		"3:1: did not find expected ',' or '}' (while parsing a flow mapping that began at line 2)\n"},
	{"tab",
		"version: 1\n"
		"hub:\n"
		"\tname: a\n",
		"3:1: this character cannot start a value: indent with spaces, not tabs, and quote words that begin with @, ` or %\n"},
	{"bad indentation",
		"version: 1\n"
		"hub:\n"
		"   name: a\n"
		"  idle: poll\n",
		"4:3: did not find expected key (while parsing a block mapping that began at line 1)\n"},
	{"not UTF-8",
		"version: 1\n"
		"hub: {name: \xff}\n",
		"2:13: invalid leading UTF-8 octet: write the file as UTF-8\n"},
	{"second document",
		"version: 1\n"
		"---\n"
		"version: 1\n",
		"2:1: a second document: write one file for each hub\n"},
	{"tag",
		"version: 1\n"
		"hub: !mine {}\n",
		"2:6: tags (!...) mean nothing here: leave it out\n"},
	{"alias without anchor",
		"version: 1\n"
		"hub: *nothing\n",
		"2:6: no anchor of this name before here: write &name at the value first\n"},
	{"alias that contains itself",
		"version: 1\n"
		"ports: &p {a: *p}\n",
		"2:15: this alias contains itself: write the values out\n"},
	{"too deep",
		"version: 1\n"
		"hub: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
		"2:37: nested too deep: no key of this file needs more than 8 levels\n"},
	{"zero byte in quotes",
		"version: 1\n"
		"hub: {name: \"a\\0b\"}\n",
		"2:13: a zero byte in a value: leave it out\n"},
	{"several errors, in order",
		"version: 1\n"
		"ports: {p: {device: d, mtu: 1, adress: 192.0.2.1/24}}\n"
		"hub: {idle: never, worker-cpus: [1, 1]}\n"
		"routes: [{prefix: 1.2.3.4/8, blackhole: true}]\n",
		"2:29: mtu: '1' is not a number from 576 to 9216\n"
		"2:32: unknown key 'adress': did you mean 'address'?\n"
		"3:13: idle: unknown value 'never': write sleep or poll\n"
		"3:37: worker-cpus: CPU 1 is given twice: one worker for each\n"
		"4:19: prefix: '1.2.3.4/8' has host bits: write 1.0.0.0/8\n"},
	{"a bad port makes no further noise",
		"version: 1\n"
		"ports: {p: {device: d, address: 192.0.2.300/24}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}}\n"
		"routes: [{prefix: 10.1.0.0/16, via: [{next-hop: 192.0.2.9, port: p}]}]\n",
		"2:33: address: '192.0.2.300/24' is not an address with prefix length: write 192.0.2.1/24\n"},
	// clang-format on
};

// Each line of errors with the file's name in front.
static char *with_name(const char *errors) {
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (const char *line = errors; *line; line = strchr(line, '\n') + 1)
		fprintf(out, "bad.yaml:%.*s", (int)(strchr(line, '\n') + 1 - line), line);
	fclose(out);
	return text;
}

static void bad_file(void **state) {
	const struct bad_file *b = *state;
	char *said = NULL, *expected = with_name(b->errors);
	size_t len;
	FILE *out = open_memstream(&said, &len);
	struct conf *c = conf_load_text("bad.yaml", b->text, out);

	fclose(out);
	assert_null(c);
	assert_string_equal(said, expected);
	free(said);
	free(expected);
}

int main(void) {
	enum { N = sizeof(bad_files) / sizeof(bad_files[0]) };
	struct CMUnitTest tests[N];

	for (unsigned i = 0; i < N; i++)
		tests[i] = (struct CMUnitTest){bad_files[i].name, bad_file, NULL, NULL, (void *)&bad_files[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
