# shellcheck shell=bash
# lib.sh - what a guest test sources; see README.md for how to write one.
#
# A test is a bash script that runs as root in a guest and reports what it checks, one
# line each, in TAP: `ok N - sentence`, `not ok N - sentence`, and the output of what
# failed as `# ...`.  The plan comes by itself at the exit; the exit status is 1 if any
# check failed or the script died.  It depends on nothing of the product.
#
#   it "SENTENCE" CMD...          CMD succeeds (a function may set variables)
#   check CMD...                  the same, the command being the sentence
#   expect_fail CODE REGEX CMD... CMD exits with CODE (a pattern) and its stderr matches: it "..." expect_fail ...
#   ok "SENTENCE" / not_ok "SENTENCE" [OUTPUT]
#   skip "REASON" ["SENTENCE"]    one check cannot be made here
#   skip_all "REASON"             nor can any other: ends the test

N=/sys/kernel/config/nvmet
export N LC_ALL=C.UTF-8
T=$(mktemp -d "${TMPDIR:-/tmp}/t.XXXXXX") # scratch directory, not on the host

# --- reporting

_checks=0 _failed=0 _planned=''

ok() { _checks=$((_checks + 1)); echo "ok $_checks - $1"; }

not_ok() {
	_checks=$((_checks + 1))
	_failed=$((_failed + 1))
	echo "not ok $_checks - $1"
	[ -z "${2-}" ] || sed 's/^/# /' <<<"$2"
}

it() {
	local sentence=$1 rc=0
	shift
	"$@" >"$T/.it" 2>&1 || rc=$?
	if [ $rc = 0 ]; then ok "$sentence"; return; fi
	not_ok "$sentence" "$(echo "+ $*"; cat "$T/.it"; echo "status $rc")"
	return 0
}

check() { it "$*" "$@"; }

skip() { ok "${2:-(not checked)} # SKIP $1"; }

skip_all() { _planned=1; echo "1..0 # SKIP $1"; exit 0; }

# bail_out REASON: what follows makes no sense
bail_out() { not_ok "goes on" "$1"; exit 1; }

expect_fail() {
	local code=$1 regex=$2 rc=0
	shift 2
	"$@" >"$T/.out" 2>"$T/.err" || rc=$?
	cat "$T/.out" "$T/.err"
	# shellcheck disable=SC2053 # a pattern
	[[ $rc == $code ]] || { echo "exit status $rc instead of $code"; return 1; }
	[[ $(cat "$T/.err") =~ $regex ]] || { echo "stderr does not match: $regex"; return 1; }
}

# --- statements for `it`

# tree_keep NAME: remember nvmet's tree; tree_is NAME: it is so now
tree_keep() { nvmet_tree >"$T/tree.$1"; }
tree_is() { nvmet_tree | diff "$T/tree.$1" -; }
# value_is ATTRIBUTE VALUE: below $N, without the blanks and zeros that nvmet pads with
value_is() {
	local v
	v=$(tr -d '\0' <"$N/$1" | sed 's/ *$//') || return 1
	[ "$v" = "$2" ] || { echo "$1 is \"$v\""; return 1; }
}
has_no() { [ ! -e "$1" ] || { echo "$1 is there"; return 1; }; }
# says TEXT CMD...: CMD succeeds and prints that; warns TEXT CMD...: on stderr
says() {
	local t=$1
	shift
	"$@" >"$T/.out" && cat "$T/.out" && grep -qF -- "$t" "$T/.out"
}
warns() {
	local t=$1
	shift
	"$@" 2>"$T/.err" && cat "$T/.err" && grep -qF -- "$t" "$T/.err"
}
# silent CMD...: CMD succeeds and prints not a character
silent() { "$@" >"$T/.out" 2>&1 && { ! grep . "$T/.out"; }; }
# json_of EXPRESSION CMD...: what CMD prints, however it ends, is JSON, and of it as d the
# Python expression is true (needs: cmd=python3)
json_of() {
	local e=$1
	shift
	"$@" >"$T/.json" 2>"$T/.err" || cat "$T/.err"
	python3 -c 'import json, sys; d = json.load(sys.stdin); assert '"$e"', d' <"$T/.json"
}

_end() {
	local rc=$?
	if [ -z "$_planned" ]; then
		if [ $rc != 0 ] && [ $_failed = 0 ]; then
			not_ok "the test runs to its end" "exit status $rc"
		fi
		echo "1..$_checks"
		[ $_failed = 0 ] || rc=1
	fi
	rm -rf "$T"
	exit $rc
}
trap _end EXIT

# --- the programs under test

ctl() { "$BUILD/nvmet-sunfishctl" "$@"; }
ictl() { "$BUILD/nvme-sunfishctl" "$@"; }

# daemon_start [OPTION...]: nvmet-sunfishd, as soon as it answers; its log is $T/daemon.log and its
# process $DAEMON. daemon_stop: by SIGTERM; true if it ended well
daemon_start() {
	"$BUILD/nvmet-sunfishd" "$@" >>"$T/daemon.log" 2>&1 & DAEMON=$!
	wait_for 30 daemon_ready
}
daemon_ready() { ctl status --json | grep -q '"ready": true'; }
daemon_stop() { kill "$DAEMON" && wait "$DAEMON"; }
# export_is STATE NQN, export_waits TEXT NQN: as the daemon has it now
export_is() {
	ctl status >"$T/.status" || return 1
	awk -v s="$1" -v n="$2" '$1 == n && $2 == s { f = 1 } END { exit !f }' "$T/.status" || { cat "$T/.status"; return 1; }
}
export_waits() {
	ctl status >"$T/.status" || return 1
	grep "^$2 " "$T/.status" | grep -qF -- "$1" || { cat "$T/.status"; return 1; }
}
# soon CMD...: within 20 seconds; without the daemon's sample, which tests put off. Whatever a daemon
# finds out by itself is asked for so: what it says right after a change may be from before
soon() { wait_for 20 "$@" || "$@"; }
# watches PID: ctl watch, ictl watch or the like has connected, and waits for events
watches() { find "/proc/$1/fd" -lname 'socket:*' | grep -q . && grep -q '^State:.S' "/proc/$1/status"; }
# stuck PID: it waits for a drive
stuck() { grep -q '^State:.D' "/proc/$1/status"; }

# --- waiting

# wait_for SECONDS CMD...: until CMD succeeds; false if it does not in time.  Times
# under emulation mean nothing: be generous
wait_for() {
	local end=$((SECONDS + $1 + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# udev_rules FILE: give udevd our rules, and wait until it goes by them: that it was told is not yet
# that each of its workers knows
udev_rules() {
	mkdir -p /etc/udev/rules.d
	cp "$1" /etc/udev/rules.d
	echo 'ENV{RIG_RULES}="1"' >/etc/udev/rules.d/99-rig.rules
	udevadm control --reload
	wait_for 30 udev_goes_by_them
}
udev_goes_by_them() {
	udevadm trigger /sys/class/net/lo && udevadm settle && udevadm info -q property /sys/class/net/lo | grep -qx RIG_RULES=1
}

# meet_put NAME [TEXT], meet_wait NAME [SECONDS]: for two guests, which share $MEET
# (and for one guest and its host); meet_get NAME prints the text
meet_put() { printf '%s' "${2-}" >"$MEET/.$1" && mv "$MEET/.$1" "$MEET/$1"; }
meet_wait() { wait_for "${2:-60}" test -e "$MEET/$1"; }
meet_get() { cat "$MEET/$1"; }

# power_cycle: this guest of three dies now and boots anew with RIG_BOOT one more: begins again
power_cycle() {
	meet_put "reboot-$ROLE"
	while :; do sleep 1; done
}

# role target|initiator: in which of two guests are we?
role() { [ "${ROLE:-}" = "$1" ]; }

# --- what this kernel and this guest have

# kernel_has loop|passthru|auth|tls|debugfs|rdma|CONFIG_X
kernel_has() {
	local o
	case $1 in
	loop) o=CONFIG_NVME_TARGET_LOOP ;;
	passthru) o=CONFIG_NVME_TARGET_PASSTHRU ;;
	auth) o=CONFIG_NVME_TARGET_AUTH ;;
	tls) o=CONFIG_NVME_TARGET_TCP_TLS ;;
	debugfs) o=CONFIG_NVME_TARGET_DEBUGFS ;;
	rdma) o=CONFIG_NVME_TARGET_RDMA ;;
	CONFIG_*) o=$1 ;;
	*) echo "kernel_has: what is $1?" >&2; exit 2 ;;
	esac
	grep -qE "^$o=[ym]" "$RIG_CONFIG"
}

# has_attr PATH: the nvmet tree has that file now, e.g. ports/1/param_mdts
# has_attr subsystem|namespace|port|host ATTR: this kernel has it (made and removed to
# see; loads nvmet)
has_attr() {
	local d rc=0
	[ $# = 2 ] || { [ -e "$N/$1" ]; return; }
	[ -d "$N" ] || modprobe nvmet
	case $1 in
	subsystem | namespace) d=$N/subsystems/nqn.probe ;;
	port) d=$N/ports/65000 ;;
	host) d=$N/hosts/nqn.probe ;;
	esac
	mkdir "$d" || return 2
	if [ "$1" = namespace ]; then
		mkdir "$d/namespaces/1"
		[ -e "$d/namespaces/1/$2" ] || rc=1
		rmdir "$d/namespaces/1"
	else
		[ -e "$d/$2" ] || rc=1
	fi
	rmdir "$d"
	return $rc
}

# scratch_disk I: the Ith disk to do anything with (needs: disks=I+1 or nvme=I+1)
scratch_disk() {
	local d=/dev/ram$1
	[ "$RIG_KERNEL" = uml ] || d=$(drive_dev "$1")
	[ -b "$d" ] && echo "$d"
}

# drive_dev I: block device of the emulated NVMe drive with serial RIGI, whatever its
# number is by now; drive_ctrl I: its controller's name, drive_pci I: its PCI address
drive_ctrl() {
	local c s
	for c in /sys/class/nvme/nvme*; do
		[ -e "$c/serial" ] || continue
		read -r s <"$c/serial" || continue
		[ "${s%% *}" != "RIG$1" ] || { echo "${c##*/}"; return; }
	done
	return 1
}
drive_dev() {
	local c d
	c=$(drive_ctrl "$1") || return 1
	for d in "/sys/class/nvme/$c"/nvme*n*; do
		[ -e "$d" ] || continue
		[ -b "/dev/${d##*/}" ] && echo "/dev/${d##*/}" && return
	done
	return 1
}
drive_pci() {
	local c
	c=$(drive_ctrl "$1") && c=$(realpath "/sys/class/nvme/$c/device") && echo "${c##*/}"
}

# --- machine: QMP, unplugging (needs: hotplug=N)

# qmp JSON: one command to the QEMU that runs this guest; prints the answer; false if
# it is an error.  qmp '{"execute":"set_link","arguments":{"name":"n0","up":false}}'
qmp() {
	local id=rig$$.$RANDOM line
	exec 3<>/dev/virtio-ports/rig.qmp
	# the second and later times this is an error, which is skipped
	printf '%s\n' '{"execute":"qmp_capabilities"}' >&3
	printf '%s\n' "{\"id\":\"$id\",${1#\{}" >&3
	while read -r -t 10 line <&3; do
		case $line in
		*"$id"*)
			exec 3>&-
			printf '%s\n' "$line"
			case $line in *'"error"'*) return 1 ;; esac
			return 0
			;;
		esac
	done
	exec 3>&-
	echo "qmp: no answer" >&2
	return 2
}

# drive_unplug I: pull the drive, as by hand; returns when the kernel has let it go
drive_unplug() {
	local pci
	pci=$(drive_pci "$1") || return 1
	qmp "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"nvme$1\"}}" >/dev/null || return 1
	wait_for 30 test ! -e "/sys/bus/pci/devices/$pci"
}

# drive_plug I [PORT]: put it back, into its own slot or an empty one (rp0 ..)
# QEMU lets a pulled drive go only after the kernel has powered its slot off: till then it refuses
drive_add() { qmp "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"nvme\",\"id\":\"nvme$1\",\"serial\":\"RIG$1\",\"drive\":\"d$1\",\"bus\":\"${2:-rpn$1}\"}}" >/dev/null 2>&1; }
drive_plug() {
	wait_for 20 drive_add "$@" || return 1
	wait_for 30 drive_dev "$1"
}

# --- network

# rxe_up ADDR/PLEN [IFACE]: a dummy interface with that address and soft-RoCE on it
# (rxe_IFACE); rxe_down [IFACE]
rxe_up() {
	local i=${2:-ib46}
	[ -e "/sys/class/net/$i" ] || ip link add "$i" type dummy || return 1
	ip addr add "$1" dev "$i" && ip link set "$i" up || return 1
	[ -e "/sys/class/infiniband/rxe_$i" ] || rxe_on "$i"
}
# rxe_on IFACE: soft-RoCE on an interface there is, e.g. $(nic)
rxe_on() {
	modprobe rdma_rxe
	rdma link add "rxe_$1" type rxe netdev "$1"
}
rxe_down() {
	local i=${1:-ib46}
	rdma link delete "rxe_$i"
	ip link delete "$i"
}

# nic: the guest's NIC (needs: net or two-guests)
nic() {
	local i
	for i in /sys/class/net/e* /sys/class/net/vec*; do
		[ -e "$i" ] && echo "${i##*/}" && return
	done
	return 1
}

# --- a root for another guest (needs: two-guests netboot=KIND)

NETBOOT_NQN=nqn.2014-08.org.example:root

# netboot_root DEVICE: make the file system that the initiator boots from, with a file /marker
netboot_root() {
	local here a r=$T/netboot-root
	here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
	mkdir -p "$r"/{bin,sbin,dev,proc,sys,run,lower,rw,root}
	cp "$(type -P busybox)" "$r/bin/busybox"
	for a in sh mount mkdir insmod cat cp chroot echo; do ln -s busybox "$r/bin/$a"; done
	cp -r "${RIG_CONFIG%/*}/initramfs/mod" "$r/mod"
	cp "$here"/../../udev/*.rules "$r"
	install -m 755 "$here/netboot-init" "$r/sbin/init"
	echo "the root on $NETBOOT_NQN" >"$r/marker"
	PATH=$PATH:/usr/sbin:/sbin mke2fs -q -t ext4 -d "$r" "$1"
}

# --- the kernel target by hand

# nvmet_tree: every directory, link and attribute with its value, sorted: for diff
# before and after.  An attribute that cannot be read is listed without one
nvmet_tree() {
	[ -d "$N" ] || return 0
	(
		cd "$N" || exit 1
		find . -mindepth 1 \( -type d -printf '%P/\n' -o -type l -printf '%P -> %l\n' -o -printf '%P\n' \)
		# what cannot be read (revalidate_size) is only listed
		find . -type f -print0 | xargs -0r grep -saHZ '' | sed 's|^\./||; s|\x00| = |'
	) | tr '\0' '.' | sort
}

# t_subsys NQN [DEV [NSID]], t_ns NQN NSID DEV, t_ns_del NQN NSID,
# t_port ID TRTYPE ADDR SVCID [ADRFAM], t_link PORT NQN, t_unlink PORT NQN
t_subsys() {
	mkdir -p "$N/subsystems/$1" && echo 1 >"$N/subsystems/$1/attr_allow_any_host" || return 1
	[ -z "${2:-}" ] || t_ns "$1" "${3:-1}" "$2"
}
t_ns() {
	local d=$N/subsystems/$1/namespaces/$2
	mkdir "$d" && printf %s "$3" >"$d/device_path" && echo 1 >"$d/enable"
}
t_ns_del() {
	local d=$N/subsystems/$1/namespaces/$2
	echo 0 >"$d/enable" && rmdir "$d"
}
t_port() {
	local d=$N/ports/$1
	mkdir "$d" && echo "${5:-ipv4}" >"$d/addr_adrfam" && echo "$2" >"$d/addr_trtype" &&
		echo "$3" >"$d/addr_traddr" && echo "$4" >"$d/addr_trsvcid"
}
t_link() { ln -s "$N/subsystems/$2" "$N/ports/$1/subsystems/$2"; }
t_unlink() { rm "$N/ports/$1/subsystems/$2"; }

# nvmet_teardown: nothing is left of any target
nvmet_teardown() {
	local f
	for f in "$N"/ports/*/subsystems/* "$N"/subsystems/*/allowed_hosts/*; do
		if [ -L "$f" ]; then rm "$f"; fi
	done
	for f in "$N"/subsystems/*/passthru/enable "$N"/subsystems/*/namespaces/*/enable; do
		if [ -e "$f" ]; then echo 0 2>/dev/null >"$f"; fi
	done
	for f in "$N"/subsystems/*/namespaces/* "$N"/subsystems/* "$N"/ports/*/referrals/* \
		"$N"/ports/*/ana_groups/* "$N"/ports/* "$N"/hosts/*; do
		case $f in */ana_groups/1) continue ;; esac
		if [ -d "$f" ]; then rmdir "$f"; fi
	done
	return 0
}

# --- the initiator

# fabric_dev NQN [NSID]: block device of a connected subsystem
fabric_dev() {
	local d n q
	for d in /sys/class/nvme-subsystem/* /sys/class/nvme/*; do
		[ -e "$d/subsysnqn" ] || continue
		read -r q <"$d/subsysnqn" && [ "$q" = "$1" ] || continue
		for n in "$d"/nvme*n*; do
			n=${n##*/}
			case $n in nvme*c*n*) continue ;; esac
			[ -z "${2-}" ] || [ "$(<"/sys/block/$n/nsid")" = "$2" ] || continue
			[ -b "/dev/$n" ] && echo "/dev/$n" && return
		done
	done
	return 1
}

# fabric_wait NQN [NSID]: until it has its block device; prints it.  nvmet tells hosts
# of a new namespace a moment before it serves it: a fast host looks too early and needs
# another look (seen in User-Mode Linux, each time)
fabric_wait() {
	local i c
	for ((i = 0; i < 20; i++)); do
		wait_for 1 fabric_dev "$@" && fabric_dev "$@" && return
		for c in $(fabric_ctrls "$1"); do echo 1 >"/sys/class/nvme/$c/rescan_controller"; done
	done
	return 1
}

# fabric_ctrls NQN: names of the controllers connected to it, one a line
fabric_ctrls() {
	local c q
	for c in /sys/class/nvme/nvme*; do
		[ -e "$c/subsysnqn" ] || continue
		read -r q <"$c/subsysnqn" || continue
		[ "$q" != "$1" ] || echo "${c##*/}"
	done
}

# disconnect_all: every fabrics controller, without nvme-cli
disconnect_all() {
	local c t
	for c in /sys/class/nvme/nvme*; do
		[ -e "$c/transport" ] || continue
		read -r t <"$c/transport" || continue
		[ "$t" = pcie ] || echo 1 >"$c/delete_controller"
	done
}
