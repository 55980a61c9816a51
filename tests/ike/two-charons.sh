# SPDX-License-Identifier: BSD-3-Clause
# Sourced: two of Debian's charons, unpatched, each in a network namespace of its own, on one veth.
#
#   namespace "hub":  charon, 192.0.2.1 -- w0 ==veth== w1 -- 192.0.2.2, charon  :namespace "spoke"
#
# enter SCRIPT ARGS runs the script again inside namespaces of its own for network, mounts and processes, with a /run of
# its own, so that nothing is left of it.
enter() {
	[ "${NAVE_IKE_INSIDE:-}" = "" ] || { mount -t tmpfs none /run; return; }
	[ "$(id -u)" = 0 ] || { echo "skipped: makes namespaces: run as root"; exit 77; }
	for program in /usr/sbin/charon-systemd /usr/sbin/swanctl; do
		[ -x $program ] || { echo "FAIL no $program: tools/setup installs it"; exit 1; }
	done
	NAVE_IKE_INSIDE=1 exec unshare --mount --net --pid --fork --kill-child --mount-proc "$@"
}

network_up() {
	ip netns add hub && ip netns add spoke &&
		ip link add w0 netns hub type veth peer name w1 netns spoke &&
		ip -n hub addr add 192.0.2.1/24 dev w0 && ip -n spoke addr add 192.0.2.2/24 dev w1 &&
		for ns in hub spoke; do ip -n $ns link set lo up; done &&
		ip -n hub link set w0 up && ip -n spoke link set w1 up
}

# NAME BACKEND [SETTING...]: BACKEND is the plugin that has the SAs; settings are lines of the section charon-systemd.
charon_start() {
	local ns=$1 backend=$2
	shift 2
	cat >/run/$ns.conf <<-END
		charon-systemd {
			load = random nonce drbg aes gcm sha1 sha2 hmac kdf openssl pem pkcs1 pubkey x509 $backend kernel-netlink socket-default vici
			plugins {
				vici {
					socket = unix:///run/$ns.vici
				}
				kernel-nave {
					socket = /run/$ns.sock
				}
			}
			filelog {
				log {
					path = /run/$ns.log
					flush_line = yes
				}
			}
			$(printf '%s\n' "$@")
		}
	END
	STRONGSWAN_CONF=/run/$ns.conf ip netns exec $ns /usr/sbin/charon-systemd >/run/$ns.out 2>&1 &
	eval "${ns}_pid=$!"
	wait_for 10 test -S /run/$ns.vici
}
charon_load() { # NAME FILE: swanctl.conf
	STRONGSWAN_CONF=/run/$1.conf swanctl --load-all --noprompt --file "$2" --uri unix:///run/$1.vici
}
of_charon() { # NAME ARGS...: of swanctl
	local ns=$1
	shift
	STRONGSWAN_CONF=/run/$ns.conf swanctl "$@" --uri unix:///run/$ns.vici
}

wait_for() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}
