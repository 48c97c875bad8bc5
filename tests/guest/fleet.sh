# shellcheck shell=bash
# fleet.sh - a target, an initiator and a collector, as tests of them all want them; sourced after
# lib.sh. With three guests each role is a machine; else one guest has all three.
#
#   fleet_here             give this guest its identity (machine-id, host NQN) and say who is who
#   fleet_collector        make certificates, start the collector, enroll the nodes
#   fleet_helper target|initiator   configure and start a helper, once the collector is there
#   fleet_net              with FLEET_TRANSPORT=rdma: soft-RoCE on the NIC
#   fleet_disk             /var/lib/sunfish is kept when this machine is power_cycled
#   fleet_drive            a drive that keeps its content then, too; prints it (needs: disks=1)
#   fleet_start PROGRAM [ARG...]    a daemon of ours; its log is $T/PROGRAM.log
#   fleet_kill PROGRAM     with SIGKILL, and wait until it has gone;  fleet_stop: with SIGTERM
#   sctl ARG...            sunfishctl as its administrator
#   fleet_counts NAME      of the helper here: its last event's number, for fleet_is_whole
#   fleet_is_whole ROLE [NAME]   the collector has each event of each boot of that helper once,
#                          and those that it had counted by fleet_counts NAME
#   at target|initiator CMD...    run it there, where fleet_serve is: for a test that is told in one
#                          place; its output and status.  fleet_served: no more comes
#   fleet_logs             what the daemons said: for a failure

FLEET=$MEET/fleet
# a python3 that is a wrapper costs more than what the tests ask of it
PATH=/usr/bin:$PATH
declare -A fleet_pid
head_ip=127.0.0.1 head_url=
# certtool's words for how long the certificates are valid
FLEET_VALID='expiration_days = 10'
transport=${FLEET_TRANSPORT:-tcp}
export target_ip=127.0.0.1
# names of the nodes; in one guest both helpers are of one host
target_node=target initiator_node=initiator

fleet_here() {
	mkdir -p "$FLEET" /etc/sunfish /var/lib/sunfish /run/sunfish
	chmod 700 "$FLEET"
	if [ -n "${ROLE-}" ]; then
		head_ip=10.101.46.16 target_ip=10.101.46.14
		printf '%s' "$ROLE" | md5sum | cut -c1-32 >/etc/machine-id
		mkdir -p /etc/nvme
		echo "nqn.2014-08.org.nvmexpress:uuid:5f1b2c3d-0000-4000-8000-0000000000$(printf '%.1s' "$ROLE" | od -An -tx1 | tr -d ' ')" >/etc/nvme/hostnqn
		sed 's/.*uuid://' /etc/nvme/hostnqn >/etc/nvme/hostid
	else
		target_node=$(hostname) initiator_node=$(hostname)
	fi
	head_url=https://$head_ip:8443
}

fleet_net() { [ "$transport" != rdma ] || it "soft-RoCE is there" rxe_on "$(nic)"; }

fleet_disk() {
	mkdir -p "$MEET/disk-$ROLE"
	mount --bind "$MEET/disk-$ROLE" /var/lib/sunfish
}

fleet_drive() {
	[ "$RIG_KERNEL" = uml ] || { scratch_disk 0; return; }
	[ -e "$MEET/drive.img" ] || truncate -s 64M "$MEET/drive.img"
	losetup /dev/loop0 "$MEET/drive.img" && echo /dev/loop0
}

fleet_start() {
	local program=$1
	shift
	"$BUILD/$program" "$@" >>"$T/$program.log" 2>&1 &
	fleet_pid[$program]=$!
}

_fleet_end() {
	local pid=${fleet_pid[$2]-}
	[ -n "$pid" ] || return 1
	kill "-$1" "$pid"
	wait "$pid" 2>/dev/null
	unset "fleet_pid[$2]"
	return 0
}
fleet_kill() { _fleet_end KILL "$1"; }
fleet_stop() { _fleet_end TERM "$1"; }
fleet_runs() { kill -0 "${fleet_pid[$1]}"; }

fleet_logs() {
	local f
	for f in "$T"/*.log; do
		[ -s "$f" ] || continue
		echo "# --- ${f##*/}"
		tail -n 40 "$f" | sed 's/^/# /'
	done
}

sctl() {
	SUNFISH_URL=$head_url SUNFISH_CA_FILE=$FLEET/ca.pem \
		SUNFISH_TOKEN_FILE=/var/lib/sunfish/collector/admin.token "$BUILD/sunfishctl" "$@"
}

# an authority, and a certificate for the collector's address
_fleet_certificates() {
	local d=$T/certificates
	mkdir "$d"
	printf 'cn = "sunfish test"\nca\ncert_signing_key\n%s\n' "$FLEET_VALID" >"$d/ca.cfg"
	printf 'cn = "collector"\nip_address = "%s"\ntls_www_server\nsigning_key\n%s\n' "$head_ip" "$FLEET_VALID" >"$d/head.cfg"
	certtool --generate-privkey --key-type ecdsa --no-text --outfile "$d/ca.key"
	certtool --generate-self-signed --load-privkey "$d/ca.key" --template "$d/ca.cfg" --no-text --outfile "$FLEET/ca.pem"
	certtool --generate-privkey --key-type ecdsa --no-text --outfile "$d/head.key"
	certtool --generate-certificate --load-privkey "$d/head.key" --load-ca-privkey "$d/ca.key" \
		--load-ca-certificate "$FLEET/ca.pem" --template "$d/head.cfg" --no-text --outfile "$d/head.pem"
	chmod 600 "$d"/*.key
}

fleet_collector_start() {
	fleet_start sunfish-collectord --config /etc/sunfish/collector.conf
	wait_for 30 sctl status
}

fleet_collector() {
	local n
	_fleet_certificates 2>"$T/certtool.out" || { cat "$T/certtool.out"; return 1; }
	cat >/etc/sunfish/collector.conf <<-END
		address = "$head_ip";
		port = 8443;
		certificate = "$T/certificates/head.pem";
		key = "$T/certificates/head.key";
		${FLEET_COLLECTOR_CONF-}
	END
	fleet_collector_start || { fleet_logs; return 1; }
	for n in $(printf '%s\n' "$target_node" "$initiator_node" | sort -u); do
		sctl node add "$n" --output "$T/token.$n" --quiet >/dev/null || return 1
		install -m 600 "$T/token.$n" "$FLEET/token.$n"
	done
	meet_put collector-ready
}

# _fleet_conf NODE: the group of both helpers' files
_fleet_conf() {
	install -m 600 "$FLEET/token.$1" "/etc/sunfish/token"
	cat <<-END
		collector = {
		    url = "$head_url";
		    token_file = "/etc/sunfish/token";
		    ca_file = "$FLEET/ca.pem";
		    name = "$1";
		    interval_seconds = ${FLEET_INTERVAL:-2};
		};
	END
}

fleet_helper() {
	meet_wait collector-ready 100 || return 1
	case $1 in
	target)
		_fleet_conf "$target_node" >/etc/sunfish/target.conf
		fleet_start nvmet-sunfishd ${FLEET_VERBOSE+--verbose}
		;;
	initiator)
		{ _fleet_conf "$initiator_node"; echo "${FLEET_INITIATOR_CONF-}"; } >/etc/sunfish/initiator.conf
		fleet_start nvme-sunfishd ${FLEET_VERBOSE+--verbose}
		;;
	esac
}

at() {
	local at n=1
	at=$MEET/at-$1
	shift
	while [ -e "$at-$n" ]; do n=$((n + 1)); done
	meet_put "${at##*/}-$n" "$(printf '%q ' "$@")"
	meet_wait "${at##*/}-$n.rc" 120 || { echo "$at-$n: no answer"; return 99; }
	cat "$at-$n.out"
	return "$(cat "$at-$n.rc")"
}
fleet_served() { meet_put at-target-end; meet_put at-initiator-end; }
fleet_serve() {
	local n=1 rc
	until [ -e "$MEET/at-$ROLE-end" ]; do
		[ -e "$MEET/at-$ROLE-$n" ] || { sleep 0.05; continue; }
		rc=0
		eval "$(meet_get "at-$ROLE-$n")" >"$MEET/at-$ROLE-$n.out" 2>&1 || rc=$?
		meet_put "at-$ROLE-$n.rc" $rc
		n=$((n + 1))
	done
}

# fleet_json EXPRESSION ARG...: of what sunfishctl ARG... --json prints, as d, the Python
# expression is true
fleet_json() {
	local e=$1
	shift
	json_of "$e" sctl "$@" --json
}
fleet_json_within() {
	local s=$1
	shift
	wait_for "$s" fleet_json "$@" || { fleet_json "$@"; cat "$T/.json"; fleet_logs; return 1; }
}

fleet_counts() {
	local role=initiator program=nvme-sunfishctl
	[ -n "${fleet_pid[nvme-sunfishd]-}" ] || role=target program=nvmet-sunfishctl
	"$BUILD/$program" status --json >"$T/.json"
	meet_put "$1-$role" "$(python3 -c 'import json, sys
d = json.load(sys.stdin)
c = d.get("daemon", d)["collector"]
print(c.get("seq", c.get("events")))' <"$T/.json")"
}

cat >"$T/.whole" <<-'END'
	import json, sys
	role, last = sys.argv[1], int(sys.argv[2])
	items, nodes = json.load(open(sys.argv[3]))["events"], json.load(open(sys.argv[4]))["nodes"]
	assert len({i["id"] for i in items}) == len(items), "an id is there twice"
	boots = {}
	for i in items:
	    if i.get("role") == role and i.get("seq"):
	        boots.setdefault(i["boot"], []).append(i["seq"])
	for boot, numbers in boots.items():
	    assert numbers == list(range(1, len(numbers) + 1)), (boot, numbers)
	now = next(n["roles"][role] for n in nodes if role in n["roles"])
	assert now["seq"] == len(boots.get(now["boot"], [])), (now, boots)
	assert now["seq"] >= last, (now, last)
	print(role, {boot: len(n) for boot, n in boots.items()}, "last", last)
END
fleet_is_whole() {
	local last=0
	[ -z "${2-}" ] || last=$(meet_get "$2-$1") || return 1
	sctl events --limit 10000 --json >"$T/.events" && sctl nodes --json >"$T/.nodes" &&
		python3 "$T/.whole" "$1" "$last" "$T/.events" "$T/.nodes"
}
