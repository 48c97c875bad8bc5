# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# nvme-sunfishctl - completion for bash, loaded by bash-completion on the first use of the command.

# What is there

# NQNs of what is connected or wanted; those of local drives are left out
_nvme_sunfishctl_nqns() {
	local d
	for d in /sys/class/nvme-fabrics/ctl/nvme*; do
		[ ! -e "$d/subsysnqn" ] || printf '%s\n' "$(<"$d/subsysnqn")"
	done
	sed -n '/hostnqn/!s/^.*nqn *[=:] *"\([^"]*\)".*/\1/p' /var/lib/sunfish/connections/* /etc/sunfish/initiator.conf 2>/dev/null
}

_nvme_sunfishctl_controllers() {
	local d
	for d in /sys/class/nvme-fabrics/ctl/nvme*; do
		[ ! -e "$d" ] || printf '%s\n' "${d##*/}"
	done
}

_nvme_sunfishctl_devices() {
	local d
	for d in /dev/nvme*n* /dev/disk/by-nvmeof/*; do
		[[ $d =~ (p[0-9]+|-part[0-9]+)$ ]] || [ ! -b "$d" ] || printf '%s\n' "$d"
	done
}

# where something is connected
_nvme_sunfishctl_addresses() {
	local d address
	for d in /sys/class/nvme-fabrics/ctl/nvme*; do
		[ -e "$d/address" ] || continue
		address=$(<"$d/address")
		address=${address#*traddr=}
		printf '%s\n' "${address%%,*}"
	done
}

_nvme_sunfishctl_interfaces() {
	local d
	for d in /sys/class/net/*; do
		[ ! -e "$d" ] || printf '%s\n' "${d##*/}"
	done
}

_nvme_sunfishctl_own_addresses() {
	ip -o addr show up 2>/dev/null | awk '$3 == "inet" || $3 == "inet6" && !/scope link/ { sub("/.*", "", $4); print $4 }'
}

_nvme_sunfishctl_owners() { sed '' /run/nvme/registry/nvme*/owner 2>/dev/null; }

# What is typed: these use and set variables of _nvme_sunfishctl (cur, COMPREPLY)

# one of the words of a list, one a line
_nvme_sunfishctl_of() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }

# the value of an option; false if prev is none that has one
_nvme_sunfishctl_value() {
	case $prev in
	--rdma | --tcp) _nvme_sunfishctl_of "$(_nvme_sunfishctl_addresses)" ;;
	--host-traddr) _nvme_sunfishctl_of "$(_nvme_sunfishctl_own_addresses)" ;;
	--host-iface) _nvme_sunfishctl_of "$(_nvme_sunfishctl_interfaces)" ;;
	--hostnqn) _nvme_sunfishctl_of "$(cat /etc/nvme/hostnqn 2>/dev/null)" ;;
	--owner) _nvme_sunfishctl_of "$(_nvme_sunfishctl_owners)" ;;
	--ctrl-loss-tmo | --reconnect-delay | --fast-io-fail | --keep-alive | --io-queues | --queue-size | --wait) ;;
	*) return 1 ;;
	esac
}

_nvme_sunfishctl_options() {
	local own='' addresses='--rdma --tcp'
	case $1 in
	connect)
		own="$addresses --host-traddr --host-iface --hostnqn --ctrl-loss-tmo --reconnect-delay --fast-io-fail"
		own+=' --keep-alive --io-queues --queue-size --hdr-digest --data-digest --transient --wait --no-wait'
		;;
	disconnect) own="$addresses --all --transient --force --owner --wait" ;;
	discover | doctor) own="$addresses --hostnqn" ;;
	esac
	_nvme_sunfishctl_of "$own --json --verbose --quiet --help"
}

_nvme_sunfishctl_argument() {
	case $1 in
	connect | doctor) [ "$2" != 0 ] || _nvme_sunfishctl_of "$(_nvme_sunfishctl_nqns)" ;;
	paths) _nvme_sunfishctl_of "$(_nvme_sunfishctl_nqns)" ;;
	show | disconnect)
		_nvme_sunfishctl_of "$(_nvme_sunfishctl_nqns; _nvme_sunfishctl_controllers; _nvme_sunfishctl_devices)"
		;;
	esac
}

# readline replaces only what follows the last ":" or "=" of a word
_nvme_sunfishctl_trim() {
	local i head breaks=''
	[[ $COMP_WORDBREAKS != *:* ]] || breaks=:
	[[ $COMP_WORDBREAKS != *=* ]] || breaks+='='
	[ -n "$breaks" ] || return 0
	head=${cur%"${cur##*["$breaks"]}"}
	for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"$head"}; done
}

_nvme_sunfishctl() {
	local cur prev words cword verb='' n=0 i
	_get_comp_words_by_ref -n := cur prev words cword || return
	COMPREPLY=()
	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		--rdma | --tcp | --host-traddr | --host-iface | --hostnqn | --owner | --ctrl-loss-tmo | --reconnect-delay | \
			--fast-io-fail | --keep-alive | --io-queues | --queue-size | --wait) ((i++)) ;;
		-*) ;;
		*) if [ -z "$verb" ]; then verb=${words[i]}; else ((n++)); fi ;;
		esac
	done
	if [ -z "$verb" ]; then
		_nvme_sunfishctl_of 'connect disconnect list show paths status discover doctor watch capabilities version --help --version'
	elif ! _nvme_sunfishctl_value; then
		case $cur in
		-*) _nvme_sunfishctl_options "$verb" ;;
		*) _nvme_sunfishctl_argument "$verb" $n ;;
		esac
	fi
	_nvme_sunfishctl_trim
}

complete -F _nvme_sunfishctl nvme-sunfishctl
