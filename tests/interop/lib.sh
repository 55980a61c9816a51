# SPDX-License-Identifier: BSD-3-Clause
# Real spokes: User-Mode-Linux guests that boot from a Debian folder and run FRR's nhrpd. Sourced by run; needs root.
# Everything happens in one network namespace of this process; nothing outside it is touched.
#
# NAVE_INTEROP_CACHE  where the guests' root folders are kept (default /var/tmp/nave-interop)
# NAVE_INTEROP_ROOT   a root folder that is there already
# NAVE_INTEROP_KEEP   1: leave the state folder for reading
INTEROP=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROJECT=$(cd "$INTEROP/../.." && pwd)
CACHE=${NAVE_INTEROP_CACHE:-/var/tmp/nave-interop}
SUITE=trixie # FRR 10.3: the first with "ip nhrp authentication"
ROOTFS=${NAVE_INTEROP_ROOT:-$CACHE/root-$SUITE-$(cksum <"$INTEROP/make-root" | cut -d " " -f 1)} # made anew when make-root changes
NS=nave-interop-$$
NAME=interop$$ # of the hub
BUILD=${NAVE_BUILD:-$PROJECT/build}
BRIDGE=br0
INSIDE=br1 # behind the NAT
PSK=interop-psk
HUB_NBMA=10.0.0.1
HUB_PROTOCOL=172.16.0.1
STATE='' # set by lab_up

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }
die() { echo "interop: $*" >&2; exit 1; }
in_lab() { ip netns exec "$NS" "$@"; }

wait_for() { # SECONDS COMMAND...: until it succeeds
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		sleep 0.2
	done
}

# --- the namespace and its bridge -------------------------------------------------------------------------------------
lab_up() {
	local tool bridge
	[ "$(id -u)" = 0 ] || die "makes network namespaces: run as root"
	for tool in linux.uml tcpdump tshark jq ethtool; do
		command -v $tool >/dev/null || die "$tool is missing: tools/setup installs it"
	done
	[ -x "$BUILD/app/nave/nave" ] || die "no $BUILD/app/nave/nave: 'ninja -C build' makes it"
	[ -x "$ROOTFS/bin/bash" ] || "$INTEROP/make-root" "$SUITE" "$ROOTFS" || die "no root folder for the guests"
	STATE=$(mktemp -d /var/tmp/nave-interop-run.XXXXXX)
	mkdir "$STATE/guests"
	ip netns add "$NS"
	in_lab ip link set lo up
	in_lab sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	for bridge in "$BRIDGE" "$INSIDE"; do
		in_lab ip link add "$bridge" type bridge stp_state 0 forward_delay 0 mcast_snooping 0
		in_lab ip link set "$bridge" up
	done
}
lab_down() {
	local guest
	[ -n "$STATE" ] || return 0
	hub_stop
	for guest in "$STATE"/guests/*/; do
		[ -d "$guest" ] && guest_kill "$(basename "$guest")"
	done
	capture_stop_all
	ip netns del "$NS" 2>/dev/null
	[ "${NAVE_INTEROP_KEEP:-0}" = 1 ] && say "state kept in $STATE" || rm -rf "$STATE"
	STATE=''
}
# A veth with one end in the bridge, without offloads, so that checksums on it are complete.
hub_port_up() {
	local end
	in_lab ip link del hub0 2>/dev/null
	in_lab ip link add hub0 type veth peer name hub0-br
	in_lab ip link set hub0-br master "$BRIDGE" up
	in_lab ip link set hub0 up
	for end in hub0 hub0-br; do
		in_lab ethtool -K "$end" tx off rx off tso off gso off gro off >/dev/null
	done
}

# --- the hub ------------------------------------------------------------------------------------------------------------
HUB_PID='' HUB_STATUS='' HUB_LAST=''
hub_start() { # PMD OPTIONS...
	local pmd=$1
	shift
	hub_port_up
	NAVE_PMD=$pmd NAVE_NAME=$NAME NAVE_BUILD=$BUILD NAVE_DIR=$STATE/hub STAGE=${STAGE_NAME:-run} HUB_OPTS="$*" \
		ip netns exec "$NS" "$INTEROP/hub-nave" >"$STATE/hub.log" 2>&1 &
	HUB_PID=$!
	wait_for 20 eval 'console "show version" || ! kill -0 "$HUB_PID"' && console "show version" >/dev/null
}
hub_stop() { # HUB_STATUS: how it ended; HUB_LAST: the process that it was
	[ -n "$HUB_PID" ] || return 0
	kill "$HUB_PID" 2>/dev/null
	wait "$HUB_PID"
	HUB_STATUS=$?
	HUB_LAST=$HUB_PID HUB_PID=''
}
console() { # COMMAND: its answer as JSON
	timeout 5 "$BUILD/app/console/nave-console" -n "$NAME" -c "$1" --json
}
binding() { # PROTOCOL: the hub's entry, nothing when there is none; fails when the hub does not answer
	local all
	all=$(console "show nhrp cache") || return 2
	jq -c --arg a "$1" '.[] | select(.protocol == $a or .protocol == $a + "/32")' <<<"$all"
}
bound() { # PROTOCOL [NBMA]: the hub has the entry (with this NBMA address)
	local b
	b=$(binding "$1") || return 2
	echo "$b"
	[ -n "$b" ] && { [ -z "${2:-}" ] || [ "$(jq -r .nbma <<<"$b")" = "$2" ]; }
}
unbound() {
	local b
	b=$(binding "$1") && [ -z "$b" ]
}
counter() { # NAME: of "show nhrp statistics"
	console "show nhrp statistics" | jq --arg n "$1" '.[] | select(.name == $n) | .count'
}

# --- guests -------------------------------------------------------------------------------------------------------------
mac_of() { # ADDRESS: 02:00 and the four octets
	local IFS=.
	set -- $1
	printf '02:00:%02x:%02x:%02x:%02x' "$1" "$2" "$3" "$4"
}
# spoke_start N [options]: spoke sN, NBMA address 10.0.0.1N, protocol address 172.16.0.1N, LAN 192.168.1N.1/24
#   --nbma A --protocol A --key N --auth STRING --hold S --csum --unique --static-nhs
#   --bridge NAME --gateway A   behind the NAT                 --ike [swanctl_write's options]   the last; IKE and ESP
spoke_start() {
	local n=$1 name=s$1 guest=$STATE/guests/s$1
	local nbma=10.0.0.1$n protocol=172.16.0.1$n key= auth= hold= csum= unique=0 nhs=dynamic bridge=$BRIDGE gateway= ike=0
	shift
	while [ $# -gt 0 ] && [ $ike = 0 ]; do
		case $1 in
		--nbma | --protocol | --key | --auth | --hold | --bridge | --gateway) declare "${1#--}=$2"; shift ;;
		--csum) csum=csum ;;
		--unique) unique=1 ;;
		--static-nhs) nhs=$HUB_PROTOCOL ;;
		--ike) ike=1 ;;
		*) die "spoke: unknown option $1" ;;
		esac
		shift
	done
	rm -rf "$guest"
	mkdir -p "$guest"
	cp "$INTEROP/guest-init" "$guest/init"
	cat >"$guest/conf" <<-E
		NAME=$name NBMA=$nbma/24 PROTOCOL=$protocol LAN=192.168.1$n.1/24 KEY=$key CSUM=$csum GATEWAY=$gateway IKE=$ike
		ROUTES="192.168.0.0/16 ${HUB_PROTOCOL%.*}.0/24" HUB=$HUB_PROTOCOL
	E
	{
		printf '%s\n' "frr defaults traditional" "hostname $name" "log file /var/log/frr/frr.log debugging" \
			"debug nhrp common" "debug nhrp event" "interface gre1" " ip nhrp network-id 1" " tunnel source eth0" \
			" no link-detect" " ip nhrp nhs $nhs nbma $HUB_NBMA" " ip nhrp shortcut"
		[ $unique = 1 ] || echo " ip nhrp registration no-unique"
		[ -z "$hold" ] || echo " ip nhrp holdtime $hold"
		[ -z "$auth" ] || echo " ip nhrp authentication $auth"
		echo exit
	} >"$guest/frr.conf"
	[ $ike = 0 ] || swanctl_write "$name" swanctl.conf "$nbma" "$@"
	guest_boot "$name" eth0=tuntap,"$(tap "$name" "$bridge"),$(mac_of "$nbma")"
}
tap() { # NAME BRIDGE: makes t-NAME
	in_lab ip link show "t-$1" >/dev/null 2>&1 || in_lab ip tuntap add dev "t-$1" mode tap
	in_lab ip link set "t-$1" master "$2" up
	echo "t-$1"
}
guest_boot() { # NAME DEVICE...
	local name=$1 guest=$STATE/guests/$1
	shift
	# eth0 is UML's older driver: the vector driver would leave checksums to a host that is not there
	setsid ip netns exec "$NS" linux.uml mem=128M umid="$name" uml_dir="$guest/" rootfstype=hostfs \
		rootflags="$ROOTFS" root=/dev/root ro con=null con0=null,fd:1 quiet "$@" \
		init=/bin/bash -- -c "\"mount -t hostfs none /mnt -o $guest && exec bash /mnt/init\"" \
		</dev/null >"$guest/console.log" 2>&1 &
	echo $! >"$guest/pid"
}
# swanctl_write NAME FILE NBMA [options]: config/strongswan/spoke-psk.conf for this guest; spoke-cert.conf with --cert
#   --id IDENTITY (default: the NBMA address)   --hub-id IDENTITY   --psk STRING   --cert NAME (of make-pki)
#   --ike-proposal P --esp P   --mobike
swanctl_write() {
	local guest=$STATE/guests/$1 file=$2 nbma=$3 sample=spoke-psk edits=()
	local id=$3 hub_id=$HUB_NBMA psk=$PSK mobike=no
	shift 3
	while [ $# -gt 0 ]; do
		case $1 in
		--id) id=$2; shift ;;
		--hub-id) hub_id=$2; shift ;;
		--psk) psk=$2; shift ;;
		--cert) sample=spoke-cert hub_id=hub1.example; edits+=(-e "s/spoke.pem/$2.pem/"); shift ;;
		--ike-proposal) edits+=(-e "s/\(\t\tproposals = \).*/\1$2/"); shift ;;
		--esp) edits+=(-e "s/\(esp_proposals = \).*/\1$2/"); shift ;;
		--mobike) mobike=yes ;;
		*) die "swanctl_write: unknown option $1" ;;
		esac
		shift
	done
	sed -e "s/198\.51\.100\.11/$nbma/; s/192\.0\.2\.1/$HUB_NBMA/; s/s1\.branch\.example/$id/; s/hub1\.example/$hub_id/" \
		-e "s/CHANGE-ME-s1/$psk/; s/mobike = no/mobike = $mobike/" "${edits[@]}" \
		"$PROJECT/config/strongswan/$sample.conf" >"$guest/$file"
}
nat_start() { # FIRST-LAST: guest "nat", 10.0.0.99 on the bridge and 10.1.0.1 on $INSIDE, hides what is behind it by these ports
	local guest=$STATE/guests/nat
	mkdir -p "$guest"
	cp "$INTEROP/guest-init" "$guest/init"
	echo "NAME=nat NBMA=10.0.0.99/24 INSIDE=10.1.0.1/24 PORTS=$1" >"$guest/conf"
	guest_boot nat eth0=tuntap,"$(tap nat "$BRIDGE"),$(mac_of 10.0.0.99)" eth1=tuntap,"$(tap nat-in "$INSIDE"),$(mac_of 10.1.0.1)"
}
nat_ports() { # FIRST-LAST: forgets every mapping and makes new ones from these ports
	guest_do nat "iptables-legacy -t nat -R POSTROUTING 1 -o eth0 -p udp -j MASQUERADE --to-ports $1 && conntrack -F"
}
guest_ready() { [ -s "$STATE/guests/$1/ready" ]; }
registered() { [ -s "$STATE/guests/$1/registered" ]; } # as the spoke sees it
guest_do() { # NAME COMMAND...: in the guest's shell; its output and status
	local guest=$STATE/guests/$1 id=$RANDOM$RANDOM i
	shift
	printf '%s\n' "$*" >"$guest/$id.tmp"
	mv "$guest/$id.tmp" "$guest/$id.cmd"
	for ((i = 0; i < 600; i++)); do
		[ -e "$guest/$id.rc" ] && { cat "$guest/$id.out"; return "$(<"$guest/$id.rc")"; }
		sleep 0.1
	done
	return 124
}
process_tree() { # PID: its descendants and itself
	local child
	for child in $(pgrep -P "$1"); do process_tree "$child"; done
	echo "$1"
}
guest_kill() { # NAME: pulls the plug; no purge, no farewell
	local guest=$STATE/guests/$1 pid
	[ -e "$guest/pid" ] || return 0
	pid=$(<"$guest/pid")
	rm -f "$guest/pid"
	[ "/proc/$pid/ns/net" -ef "/run/netns/$NS" ] || return 0
	kill -9 $(process_tree "$pid") 2>/dev/null
	wait "$pid" 2>/dev/null
	in_lab ip link set "t-$1" down
}

# --- captures -------------------------------------------------------------------------------------------------------------
declare -A CAPTURES=()
capture_start() { # NAME: everything on the bridge
	ip netns exec "$NS" tcpdump -i "$BRIDGE" -s 0 -U --immediate-mode -w "$STATE/$1.pcap" not ip6 2>"$STATE/$1.tcpdump" &
	CAPTURES[$1]=$!
	wait_for 5 grep -q listening "$STATE/$1.tcpdump"
}
capture_stop() { # NAME
	local pid=${CAPTURES[$1]:-}
	[ -n "$pid" ] || return 0
	unset "CAPTURES[$1]"
	sleep 0.3
	kill "$pid"
	wait "$pid" 2>/dev/null
	return 0
}
capture_stop_all() {
	local name
	for name in "${!CAPTURES[@]}"; do capture_stop "$name"; done
}
frames() { # CAPTURE FILTER [FIELD...]: one line a frame
	local capture=$STATE/$1.pcap filter=$2 fields=(-e frame.number) field
	shift 2
	for field; do fields+=(-e "$field"); done
	tshark -r "$capture" -o ip.check_checksum:TRUE -Y "$filter" -T fields "${fields[@]}" 2>/dev/null
}
count_frames() { frames "$@" | wc -l; }

# --- results --------------------------------------------------------------------------------------------------------------
PASSED=0 FAILED=0
check() { # TEXT COMMAND...
	local text=$1
	shift
	if "$@" >"$STATE/check.out" 2>&1; then
		say "PASS $text"
		PASSED=$((PASSED + 1))
	else
		say "FAIL $text"
		sed 's/^/    /' "$STATE/check.out" | tail -15
		FAILED=$((FAILED + 1))
	fi
}
