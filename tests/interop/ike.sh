# SPDX-License-Identifier: BSD-3-Clause
# The setting "ike": charon at the hub, strongSwan at the spokes, all of it Debian's. Sourced by run.
#
#   s1  10.0.0.11  172.16.0.11  192.168.11.1/24 ---+
#   s2  10.0.0.12  172.16.0.12  192.168.12.1/24 ---+--- br0 ==== hub0  nave, charon  10.0.0.1  172.16.0.1
#                            nat  10.0.0.99 -------+
#                            nat  10.1.0.1 --------+--- br1
#   s3  10.1.0.13  172.16.0.13  192.168.13.1/24 ---+
#   s4  10.1.0.14  172.16.0.14  192.168.14.1/24 ---+
#
#   s5  10.0.0.15  172.16.0.11: the address of s1, on br0
ike_cases=(ike-register wire proposals rekey delete certificates refused nat rebind kill-nave kill-charon dpd take-over stop-ike)

hub_swanctl() { timeout 10 swanctl "$@" --uri "unix://$STATE/hub/charon.vici"; }
# The hub's IKE SAs with this address, or identity, one a line as vici has them.
hub_sas() { hub_swanctl --list-sas --raw | grep -E "remote-(host|id)=$1 "; }
has_sa() { # ADDRESS [TEXT]: an ESP SA is up (and the line has TEXT)
	hub_sas "$1" | grep "state=INSTALLED" | grep -F -- "${2:-}"
}
no_sa() { hub_swanctl --list-sas --raw >/dev/null && ! hub_sas "$1" | grep -E "state=(ESTABLISHED|INSTALLED)"; }
ike_log() { grep -h -- "$1" "$STATE/hub/charon.log" "$STATE/hub.log"; }

# From now on the spoke has what swanctl_write's options say; its SAs begin anew.
CONFIGURED=0
ike_configure() { # N [options]
	local name=s$1 file=swanctl$((++CONFIGURED)).conf # a name of its own: the guest remembers a file that it has read
	swanctl_write "$name" $file "10.0.0.1$1" "${@:2}"
	guest_do "$name" "cp /mnt/$file /etc/swanctl/swanctl.conf && swanctl --load-all --noprompt"
}
ike_start() { # N [options]: configure, and be registered
	ike_configure "$@" && wait_for 20 has_sa "10.0.0.1$1" && wait_for 20 bound "172.16.0.1$1"
}

# --- pings that go on while something happens -------------------------------------------------------------------------------
declare -A PINGS=()
pings_start() { # NAME ADDRESS COUNT: twenty a second
	guest_do "$1" "ping -D -O -i 0.05 -W 1 -c $3 $2" >"$STATE/pings-$1" 2>&1 &
	PINGS[$1]=$!
	sleep 1.5 # until the guest has begun
}
pings_end() {
	local name
	for name in "${!PINGS[@]}"; do
		wait "${PINGS[$name]}"
		say "     $name: $(grep 'packets transmitted' "$STATE/pings-$name"), longest silence $(silence "$name") ms"
	done
	PINGS=()
}
lost() { # NAME
	awk '/packets transmitted/ { print $1 - $4 }' "$STATE/pings-$1"
}
silence() { # NAME: the longest run of pings without an answer, in ms
	awk '/bytes from/ { split($0, part, "icmp_seq="); seq = part[2] + 0; if (seq - last - 1 > max) max = seq - last - 1; last = seq }
		/packets transmitted/ { if ($1 - last > max) max = $1 - last }
		END { print max * 50 }' "$STATE/pings-$1"
}
lost_at_most() { # N NAME...
	local n=$1 name
	shift
	for name; do
		echo "$name lost $(lost "$name")"
		[ "$(lost "$name")" -le "$n" ] || return 1
	done
}
answered_at_last() { # NAME: the last ping that was sent
	local sent
	sent=$(awk '/packets transmitted/ { print $1 }' "$STATE/pings-$1")
	grep "icmp_seq=$sent " "$STATE/pings-$1" | grep 'bytes from'
}

# --- cases --------------------------------------------------------------------------------------------------------------------
ike_prepare() {
	"$INTEROP/make-pki" "$STATE/pki" >"$STATE/pki.log" 2>&1 || die "make-pki: $(tail -3 "$STATE/pki.log")"
	cat >"$STATE/identities" <<-E
		[{match: 10.0.0.0/24}, {match: 10.1.0.0/24},
		 {match: "s2.branch.example", protocol: 172.16.0.99/32},
		 {match: "C=DE, O=Example, OU=gold, CN=*", protocol: 172.16.0.11/32, prefixes: 192.168.11.0/24, group: gold}]
	E
}
ike_guests() {
	local n
	nat_start 20000-20999
	spoke_start 1 "${OPTIONS[@]}" --unique --ike
	mkdir "$STATE/guests/s1/pki"
	cp -r "$STATE"/pki/{x509,x509ca,private} "$STATE/guests/s1/pki/"
	spoke_start 2 "${OPTIONS[@]}" --hold 120 --ike --mobike # its entry does not go by itself soon
	for n in 3 4; do
		spoke_start $n "${OPTIONS[@]}" --nbma 10.1.0.1$n --bridge "$INSIDE" --gateway 10.1.0.1 --ike --mobike
	done
	wait_for 60 guest_ready nat
}
case_ike_register() {
	check "s1 brings up IKE and registers" settled s1
	check "s2 brings up IKE and registers" settled s2
	say "     $(times s1); $(times s2)"
	check "charon has s1's SA with AES-GCM-128" has_sa 10.0.0.11 "encr-alg=AES_GCM_16 encr-keysize=128"
	check "the hub has s1 at 10.0.0.11" bound 172.16.0.11 10.0.0.11
	check "s1 pings the hub's protocol address" ping_from s1 $HUB_PROTOCOL
	check "s1's LAN pings s2's LAN through the hub" ping_from s1 192.168.12.1 192.168.11.1
	check "s2's LAN pings s1's LAN through the hub" ping_from s2 192.168.11.1 192.168.12.1
}
case_wire() {
	check "ESP goes both ways between the hub and s1" eval '
		[ "$(count_frames ike "esp && ip.src == 10.0.0.1 && ip.dst == 10.0.0.11")" -ge 3 ] &&
		[ "$(count_frames ike "esp && ip.src == 10.0.0.11 && ip.dst == 10.0.0.1")" -ge 3 ]'
	check "s2, which asks for MOBIKE, has IKE on port 4500 and ESP without UDP" eval '
		[ "$(count_frames ike "isakmp && ip.src == 10.0.0.12 && udp.srcport == 4500")" -ge 1 ] &&
		[ "$(count_frames ike "esp && !udp && ip.src == 10.0.0.12")" -ge 3 ]'
	check "no GRE and no NHRP in clear" eval '! frames ike "gre || nhrp || ip.proto == 47" ip.src ip.dst | grep .'
	check "tshark finds nothing malformed in what the hub sends" no_faults ike
}
case_proposals() {
	check "s1 comes with AES-GCM-256" proposal aes256gcm16 aes256gcm16 "encr-alg=AES_GCM_16 encr-keysize=256"
	check "s1 comes with ChaCha20-Poly1305" proposal chacha20poly1305 chacha20poly1305 "encr-alg=CHACHA20_POLY1305"
	check "s1 comes with AES-CBC and SHA-256" proposal aes128-sha256 aes128-sha256 "encr-alg=AES_CBC encr-keysize=128 integ-alg=HMAC_SHA2_256_128"
	check "s1 comes back with AES-GCM-128" proposal aes128gcm16-x25519 aes128gcm16 "encr-alg=AES_GCM_16 encr-keysize=128"
}
proposal() { # ESP-PROPOSAL SUITE TEXT: as nave and as charon have it
	ike_configure 1 --esp "$1" && wait_for 20 has_sa 10.0.0.11 "$3" && wait_for 15 ping_from s1 192.168.12.1 192.168.11.1 &&
		[ "$(console "show ipsec sa" | jq -r '.[] | select(.nbma == "10.0.0.11") | .suite' | sort -u)" = "$2" ]
}
case_rekey() {
	local before after
	before=$(spis 10.0.0.11)
	pings_start s1 192.168.12.1 240
	check "s1 rekeys its ESP SAs" guest_do s1 "swanctl --rekey --child gre"
	sleep 1.5
	check "the hub rekeys all ESP SAs" hub_swanctl --rekey --child gre
	sleep 1.5
	check "s1 rekeys its IKE SA" guest_do s1 "swanctl --rekey --ike dmvpn"
	sleep 1.5
	check "the hub rekeys all IKE SAs" hub_swanctl --rekey --ike psk-by-address
	pings_end
	after=$(spis 10.0.0.11)
	check "s1 has other SPIs" eval '[ -n "$after" ] && [ "$before" != "$after" ]'
	check "no ping was lost" lost_at_most 0 s1
	check "the replaced SAs are gone" wait_for 8 one_pair 10.0.0.11
	check "s1 is registered" bound 172.16.0.11 10.0.0.11
}
spis() { hub_sas "$1" | grep -o 'spi-\(in\|out\)=[0-9a-f]*' | sort | tr '\n' ' '; }
one_pair() { # ADDRESS: one SA of either direction at nave, one IKE SA at charon
	[ "$(console "show ipsec sa" | jq --arg a "$1" '[.[] | select(.nbma == $a)] | length')" = 2 ] && [ "$(hub_sas "$1" | wc -l)" = 1 ]
}
case_delete() {
	check "s1 ends its SAs" guest_do s1 "swanctl --terminate --ike dmvpn"
	check "they are gone at the hub" wait_for 3 no_sa 10.0.0.11
	check "s1 comes back" eval 'wait_for 20 has_sa 10.0.0.11 && wait_for 20 bound 172.16.0.11 10.0.0.11'
	check "s1's LAN pings s2's LAN" wait_for 10 ping_from s1 192.168.12.1 192.168.11.1
	check "the hub ends s2's SAs, and s2 comes back" eval 'evicted s2 172.16.0.12'
}
evicted() { # NAME PROTOCOL
	local before
	before=$(spis 10.0.0.12)
	console "evict spoke $2" || return 1
	wait_for 20 eval '[ -n "$(spis 10.0.0.12)" ] && [ "$(spis 10.0.0.12)" != "'"$before"'" ]' && wait_for 20 bound "$2"
}
case_certificates() {
	check "s1 comes with a certificate of OU=gold" ike_start 1 --cert gold1
	check "charon has its subject as identity" has_sa 10.0.0.11 "remote-id=C=DE, O=Example, OU=gold, CN=gold1"
	check "s1's LAN pings s2's LAN" wait_for 10 ping_from s1 192.168.12.1 192.168.11.1
	ike_configure 1 --cert revoked1 >/dev/null
	check "a revoked certificate is refused" wait_for 10 ike_log 'certificate was revoked on'
	check "and has no SA" wait_for 5 no_sa 10.0.0.11
	ocsp_start
	ike_configure 1 --cert stolen1 >/dev/null
	check "a certificate that OCSP alone knows as revoked is refused" wait_for 10 ike_log 'certificate was revoked on Jan 01'
	check "and has no SA" wait_for 5 no_sa 10.0.0.11
	ocsp_stop
	ike_configure 1 --cert expired1 >/dev/null
	check "an expired certificate is refused" wait_for 10 ike_log 'subject certificate invalid (valid from'
	check "and has no SA" wait_for 5 no_sa 10.0.0.11
	check "s2 notices nothing" ping_from s2 $HUB_PROTOCOL
}
ocsp_start() { # where charon is
	nsenter -t "$(<"$STATE/hub/charon.pid")" -n openssl ocsp -port 8880 -index "$STATE/pki/ocsp-index" -CA "$STATE/pki/x509ca/nave-ca.pem" \
		-rsigner "$STATE/pki/x509/ocsp.pem" -rkey "$STATE/pki/private/ocsp.pem" -nmin 5 >"$STATE/ocsp.log" 2>&1 &
	OCSP_PID=$!
	wait_for 5 grep -q 'waiting for OCSP' "$STATE/ocsp.log"
}
ocsp_stop() {
	kill "$OCSP_PID"
	wait "$OCSP_PID" 2>/dev/null
}
case_refused() {
	local refusals
	ike_configure 1 --psk wrong >/dev/null
	guest_do s1 "swanctl --terminate --ike dmvpn" >/dev/null
	check "a wrong key is refused" wait_for 10 ike_log "tried .* shared key.* for .*10.0.0.11.* but MAC mismatched"
	check "and has no SA" wait_for 5 no_sa 10.0.0.11
	ike_configure 1 --cert silver1 >/dev/null
	check "an identity that nave does not allow is refused" wait_for 10 ike_log 'OU=silver, CN=silver1'
	sleep 1
	check "and has no SA" wait_for 5 no_sa 10.0.0.11
	check "and nave says so" ike_log "'C=DE, O=Example, OU=silver, CN=silver1' at 10.0.0.11 is in no list of identities"
	check "s1 comes back with its own key" ike_start 1
	refusals=$(counter refused_identity)
	ike_configure 2 --id s2.branch.example --hub-id hub1.example --psk CHANGE-ME-s2 >/dev/null
	check "s2 comes with a name that may register 172.16.0.99 alone" wait_for 15 has_sa s2.branch.example
	nhrp_again s2
	check "its registration of 172.16.0.12 is refused with code 4" wait_for 15 grew refused_identity "$refusals"
	check "and nave says so" ike_log "registration of 172.16.0.12/32 refused: not allowed to identity 's2.branch.example'"
	check "and the entry is gone" wait_for 15 unbound 172.16.0.12
	ike_configure 2 >/dev/null
	wait_for 20 has_sa 10.0.0.12
	nhrp_again s2
	check "s2 comes back with its own key" wait_for 20 bound 172.16.0.12
}
nhrp_again() { # NAME: registers now, not in a third of its holding time
	guest_do "$1" "vtysh -c 'configure terminal' -c 'interface gre1' -c 'no ip nhrp nhs dynamic nbma $HUB_NBMA' \
		-c 'ip nhrp nhs dynamic nbma $HUB_NBMA'" >/dev/null
}
grew() { # COUNTER BEFORE
	[ "$(counter "$1")" -gt "$2" ]
}
case_nat() {
	check "s3 registers from behind the NAT" settled s3
	check "s4 registers from behind the same NAT" settled s4
	say "     $(times s3); $(times s4)"
	check "the hub has both at 10.0.0.99" eval 'bound 172.16.0.13 10.0.0.99 && bound 172.16.0.14 10.0.0.99'
	check "charon has refused MOBIKE" ike_log 'peer supports MOBIKE, but disabled in config'
	pings_start s3 192.168.14.1 60
	pings_start s4 $HUB_PROTOCOL 60
	check "s3's LAN pings s1's LAN meanwhile" ping_from s3 192.168.11.1 192.168.13.1
	pings_end
	check "both ping at once, s3 to s4, without loss" lost_at_most 0 s3 s4
	check "all of it in UDP, from other ports than 4500" eval '
		! frames ike "ip.addr == 10.0.0.99 && esp && !udp" ip.src | grep . &&
		[ "$(count_frames ike "ip.src == 10.0.0.99 && udp.dstport == 4500 && udp.srcport >= 20000 && udp.srcport <= 20999")" -ge 100 ]'
}
case_rebind() {
	pings_start s3 192.168.11.1 100
	pings_start s4 $HUB_PROTOCOL 100
	check "the NAT forgets its mappings and takes other ports" nat_ports 21000-21999
	pings_end
	check "at most the pings in flight are lost (2)" lost_at_most 2 s3 s4
	check "both come from the new ports" eval '
		[ "$(frames ike "ip.src == 10.0.0.99 && udp.srcport >= 21000 && udp.srcport <= 21999 && esp" udp.srcport | cut -f2 | sort -u | wc -l)" = 2 ]'
	check "without IKE: the SAs are the same" eval '! frames ike "ip.src == 10.0.0.99 && udp.srcport >= 21000 && isakmp.exchangetype == 34" | grep .'
}
case_dpd() {
	local since gone
	chosen take-over && claimant_start # boots meanwhile
	check "s2 has an entry for 120 s" bound 172.16.0.12
	gone=$(ike_counter peer_gone)
	guest_kill s2
	since=$(date +%s%N)
	check "s2 is dead: charon gives it up" wait_for 25 no_sa 10.0.0.12
	say "     after $((($(date +%s%N) - since) / 1000000)) ms"
	check "and its registration goes 10 s later" wait_for 12 unbound 172.16.0.12
	check "because of that" [ "$(ike_counter peer_gone)" -gt "$gone" ]
	check "s1 notices nothing" ping_from s1 $HUB_PROTOCOL
}
ike_counter() { # NAME: of "show ike statistics"
	console "show ike statistics" | jq --arg n "$1" '.[] | select(.name == $n) | .count' | head -1
}
# A new charon knows nothing of the spokes. Traffic goes on with the SAs that nave has; the spokes notice when IKE has
# something to say, here when they rekey. Given up after 1 + 1.8 + 3.2 + 5.8 s (guest-init), they begin anew.
case_kill_charon() {
	local pid
	pid=$(<"$STATE/hub/charon.pid")
	pings_start s1 $HUB_PROTOCOL 500
	pings_start s3 192.168.11.1 500
	kill -9 "$pid"
	check "charon, killed, starts again" wait_for 10 eval '[ "$(<"$STATE/hub/charon.pid")" != '"$pid"' ] && hub_swanctl --stats'
	check "the SAs are orphans" [ "$(console "show ike" | jq .orphans)" -ge 6 ]
	sleep 3
	guest_do s1 "swanctl --rekey --child gre" >/dev/null
	guest_do s3 "swanctl --rekey --child gre" >/dev/null
	pings_end
	check "s1 has new SAs with it" wait_for 20 has_sa 10.0.0.11
	check "s3 has new SAs with it" wait_for 20 has_sa 10.0.0.99
	check "which took the orphans' places" orphans_replaced 4
	check "forwarding went on, but for the time of a new IKE exchange (1 s at most)" eval '
		[ "$(silence s1)" -le 1000 ] && [ "$(silence s3)" -le 1000 ]'
}
orphans_replaced() { # N
	console "show ike statistics" | jq -c '.[] | select(.count > 0) | [.name, .count]'
	[ "$(ike_counter replaced)" -ge "$1" ]
}
case_kill_nave() {
	local pid before
	pid=$(<"$STATE/hub/nave.pid") before=$(spis 10.0.0.11)
	pings_start s1 $HUB_PROTOCOL 500
	pings_start s3 192.168.11.1 500
	kill -9 "$pid"
	check "nave, killed, starts again" wait_for 10 eval '[ "$(<"$STATE/hub/nave.pid")" != '"$pid"' ] && console "show version"'
	pings_end
	check "s1 reaches the hub again" answered_at_last s1
	check "s3 reaches s1 again" answered_at_last s3
	check "15 s later at most: new SAs at once, registrations when they are renewed" eval '
		[ "$(silence s1)" -le 15000 ] && [ "$(silence s3)" -le 15000 ]'
	check "with other keys" eval '[ -n "$(spis 10.0.0.11)" ] && [ "$(spis 10.0.0.11)" != "'"$before"'" ]'
}
claimant_start() { # s5, which nobody hears of yet
	want 5 --protocol 172.16.0.11 --unique --ike
	in_lab ip link set t-s5 down
}
case_take_over() {
	local refusals
	[ -e "$STATE/guests/s5/pid" ] || claimant_start
	wait_for 40 guest_ready s5
	in_lab ip link set t-s5 up
	check "s5 brings up IKE" wait_for 30 has_sa 10.0.0.15
	check "the hub has s1 at 10.0.0.11" bound 172.16.0.11 10.0.0.11
	refusals=$(counter refused_unique)
	nhrp_again s5
	check "s5, with an identity of its own, may not have s1's protocol address (code 14)" wait_for 15 grew refused_unique "$refusals"
	check "and nave says so" ike_log "registration of 172.16.0.11/32 by identity '10.0.0.15' refused: identity '10.0.0.11' has it"
	check "s1 keeps it" bound 172.16.0.11 10.0.0.11
	check "and uses it" ping_from s1 $HUB_PROTOCOL
	guest_kill s1
	ike_configure 5 --id 10.0.0.11 >/dev/null
	check "s5, with s1's identity, has SAs" wait_for 15 has_sa 10.0.0.15 "remote-id=10.0.0.11 "
	nhrp_again s5
	check "and takes the address over" wait_for 15 bound 172.16.0.11 10.0.0.15
	check "and uses it" wait_for 10 ping_from s5 $HUB_PROTOCOL
}
case_stop_ike() {
	check "the hub has never sent GRE or NHRP in clear" eval '! frames ike "ip.src == 10.0.0.1 && (gre || nhrp || ip.proto == 47)" | grep .'
	case_stop
	check "charon has ended too" eval '! kill -0 "$(<"$STATE/hub/charon.pid")"'
}
