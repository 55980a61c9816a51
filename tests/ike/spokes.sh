# SPDX-License-Identifier: BSD-3-Clause
# Sourced, after two-charons.sh: what both benches have. One charon is N spokes, each with an address and an identity of
# its own; the other is their hub. PSK, P-256, AES-GCM-128. Sets n, and mode (transport or tunnel).
tuned=("install_routes = no" "process_route = no" "cookie_threshold = 0" "block_threshold = 0" "ikesa_table_size = 4096"
	"ikesa_table_segments = 16")
mode=transport

# Debian's folder of plugins, with ours.
plugins_up() {
	mkdir /run/plugins && cp /usr/lib/ipsec/plugins/*.so "$PLUGIN" /run/plugins &&
		mount --bind /run/plugins /usr/lib/ipsec/plugins
}
# Behind one neighbour: the kernel's table of neighbours ends at 1,024.
address() { echo "10.9.$((1 + $1 / 250)).$((1 + $1 % 250))"; } # of spoke NUMBER

connection() { # NAME LOCAL ADDRESS, ID; REMOTE ADDRESS, ID
	printf '%s\n' "$1 {" "version = 2" "mobike = no" "local_addrs = $2" "remote_addrs = $4" \
		"proposals = aes128gcm16-prfsha256-ecp256" "local {" "auth = psk" "id = $3" "}" "remote {" "auth = psk" "id = $5" "}" \
		"children {" "gre {" "mode = $mode" "policies = no" "local_ts = dynamic[gre]" "remote_ts = dynamic[gre]" \
		"esp_proposals = aes128gcm16-noesn" "}" "}" "}"
}
spokes_network() {
	ip -n hub route add 10.9.0.0/16 via 192.0.2.2
	for ((i = 1; i <= n; i++)); do echo "addr add $(address $i)/32 dev lo"; done | ip -n spoke -batch -
}
configurations() {
	local i secret
	secret=$(printf '%s\n' "secrets {" "ike-1 {" "secret = of-the-bench" "}" "}")
	{ echo "connections {"; connection dmvpn 192.0.2.1 hub1 %any %any; echo "}"; echo "$secret"; } >/run/hub.swanctl
	{
		echo "connections {"
		for ((i = 1; i <= n; i++)); do connection "spoke$i" "$(address $i)" "spoke$i.example" 192.0.2.1 hub1; done
		echo "}"
		echo "$secret"
	} >/run/spoke.swanctl
}
spokes_charons_start() { # PLUGIN of the hub
	configurations
	charon_start hub "$1" "${tuned[@]}" && charon_start spoke kernel-nave "${tuned[@]}" && charon_load hub /run/hub.swanctl &&
		charon_load spoke /run/spoke.swanctl
}
nave_cpus() { # of the hub's configuration
	local cpus
	cpus=($(taskset -cp $$ | sed 's/.*: //; s/[,-]/ /g'))
	echo "control-cpu: ${cpus[0]}, worker-cpus: [${cpus[-1]}]"
}
rss_kib() { awk '/^VmRSS/ {print $2}' "/proc/$1/status"; } # PID
counter_sum() { # COMMAND FIELD: of nave's console, over all rows
	"$BUILD/app/console/nave-console" -n bench -c "$1" --json | grep -o "\"$2\": *[0-9]*" | awk '{n += $NF} END {print n + 0}'
}
asked_about() { # SAs that nave was asked about
	"$BUILD/app/console/nave-console" -n bench -c "show ike statistics" --json | sed -n 's/.*"query_sa", "count": \([0-9]*\).*/\1/p'
}
# Asks the hub's charon for its SAs, which asks nave for the packets of each.
list_sas() {
	local messages asked begin seconds
	messages=$(counter_sum "show workers" from_control) asked=$(asked_about)
	begin=$EPOCHREALTIME
	of_charon hub --list-sas --raw >/run/list.sas || return 1
	seconds=$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.2f", b - a}')
	echo "swanctl --list-sas: $(grep -o 'state=INSTALLED' /run/list.sas | wc -l) CHILD_SAs in $seconds s: nave was asked about" \
		"$(($(asked_about) - asked)) SAs, its workers took $(($(counter_sum "show workers" from_control) - messages)) messages (before: $messages)"
}
