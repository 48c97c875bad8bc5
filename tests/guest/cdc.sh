# shellcheck shell=bash
# cdc.sh - a collector with a discovery controller, and a target's daemon that reports to it; for t/cdc*.

export HOSTNAME=guest
A=nqn.2024-01.example:host-a B=nqn.2024-01.example:host-b
IDA=11111111-1111-4111-8111-111111111111 IDB=22222222-2222-4222-8222-222222222222
# a python that is found by a script costs seconds on an emulated machine
PATH=$(python3 -c 'import os, sys; print(os.path.dirname(os.path.realpath(sys.executable)))'):$PATH
sctl() { "$BUILD/sunfishctl" "$@"; }
[ "$RIG_KERNEL" = uml ] || modprobe -a nvmet-tcp nvme-tcp
mkdir -p /etc/sunfish
printf 'cdc = { listen = [ "127.0.0.1" ]; };\ndiscovery = { registrations = "known"; };\n' >/etc/sunfish/collector.conf
collector_start() {
	"$BUILD/sunfish-collectord" >>"$T/collector.log" 2>&1 & COLLECTOR=$!
	wait_for 20 sctl status
}
collector_stop() { kill "$COLLECTOR"; wait "$COLLECTOR" 2>/dev/null || true; }
# target_start: its daemon, with a token of its own
target_start() {
	sctl node add "$(uname -n)" --output /etc/sunfish/token || return 1
	cat >/etc/sunfish/target.conf <<'X'
sample_seconds = 3600;
collector = { url = "http://127.0.0.1:8443"; token_file = "/etc/sunfish/token"; interval_seconds = 2; };
X
	daemon_start
}
discover() { nvme discover -t tcp -a 127.0.0.1 -s 8009 -q "$1" -I "$2"; }
finds() { discover "$A" $IDA >"$T/out"; grep -q "^subnqn: *$1\$" "$T/out" || { cat "$T/out"; return 1; }; }
misses() { discover "$A" $IDA >"$T/out" && ! grep "^subnqn: *$1\$" "$T/out"; }
# nvme-cli takes a discovery controller that is there for the same address, whoever it is of: what
# the other host sees is looked at by sunfishctl then
b_misses() { discover "$B" $IDB >"$T/out" && ! grep "^subnqn: *$1\$" "$T/out"; }
view_is() { json_of "[v['nqn'] for v in d['views']] == $2" sctl view --host "$1" --json; }
