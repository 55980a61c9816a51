# SPDX-License-Identifier: BSD-3-Clause
# The setting "files": a real charon and swanctl take the files of config/strongswan as they are. Sourced by run.
files_cases=(strongswan-files)

FILES=$PROJECT/config/strongswan
LIBRARIES=$(dirname "$(ls /usr/lib/ipsec/libcharon.so.0 /usr/lib/*/libcharon.so.0 2>/dev/null | head -1)")

case_strongswan_files() {
	local dir=$STATE/files variant
	mkdir -p "$dir"
	check "strongSwan knows every option of nave-hub.conf" options_known "$FILES/nave-hub.conf"
	"$INTEROP/make-pki" "$dir/pki" >"$dir/pki.log" 2>&1
	cp "$dir/pki/x509/gold1.pem" "$dir/pki/x509/spoke.pem"
	files_charon_start "$dir"
	check "charon starts with nave-hub.conf, without a complaint" eval 'wait_for 10 grep "spawning 32 worker" "$dir/charon.log" &&
		! grep -iE "syntax error|invalid value|unexpected" "$dir/charon.log" "$dir/charon.out"'
	for variant in hub-psk hub-cert "hub-psk hub-cert" spoke-psk spoke-cert; do
		check "swanctl loads $variant.conf" files_load "$dir" $variant
	done
	kill "$FILES_PID"
	wait "$FILES_PID"
}
files_charon_start() { # FOLDER
	cat >"$1/strongswan.conf" <<-E
	charon {
		load_modular = yes
		plugins {
			include /etc/strongswan.d/charon/*.conf
			vici {
				socket = unix://$1/charon.vici
			}
		}
	}
	include $FILES/nave-hub.conf
	charon-systemd {
		filelog {
			charon {
				path = $1/charon.log
				flush_line = yes
			}
		}
	}
	E
	STRONGSWAN_CONF=$1/strongswan.conf ip netns exec "$NS" /usr/sbin/charon-systemd >"$1/charon.out" 2>&1 &
	FILES_PID=$!
	wait_for 10 [ -S "$1/charon.vici" ]
}
files_load() { # FOLDER NAME...: into /etc/swanctl of an imagined machine; every connection, key and certificate is taken
	local dir=$1/swanctl name wanted loaded
	rm -rf "$dir"
	cp -r "$1/pki" "$dir"
	mkdir -p "$dir"/{x509ocsp,x509aa,x509ac,pubkey,rsa,ecdsa,bliss,pkcs8,pkcs12}
	shift
	for name; do cat "$FILES/$name.conf"; done >"$dir/swanctl.conf"
	swanctl --load-all --noprompt --uri "unix://$STATE/files/charon.vici" --file "$dir/swanctl.conf" 2>&1 | tee "$dir/out"
	[ "${PIPESTATUS[0]}" = 0 ] || return 1
	wanted=$(grep -cE '^	(psk|cert)-.*: nave-hub|^	dmvpn \{' "$dir/swanctl.conf")
	loaded=$(sed -n 's/^successfully loaded \([0-9]*\) connections.*/\1/p' "$dir/out")
	[ "$wanted" = "$loaded" ] && ! grep -iE 'fail|unknown|invalid' "$dir/out"
}
# strongSwan ignores options that it does not know; each that it knows is a text in one of its libraries.
options_known() { # FILE
	local path name
	name=$(ls "$LIBRARIES"/lib{strongswan,charon}.so.0 /usr/lib/ipsec/plugins/*.so /usr/sbin/charon-systemd | xargs strings)
	for path in $(awk '
		{ sub(/#.*/, "") }
		/\{/ { stack[++depth] = $1; next }
		/}/ { depth--; next }
		/=/ { line = stack[1]; for (i = 2; i <= depth; i++) line = line "." stack[i]; print line "." $1 }' "$1"); do
		grep -qxF -e "%s.${path#*.}" <<<"$name" || [[ $path == charon-systemd.journal.* ]] || { echo "$path: no such option"; return 1; }
	done
}
