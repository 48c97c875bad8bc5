# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# nvmet-sunfishctl - completion for bash, loaded by bash-completion on the first use of the command.
#
# Names come from the kernel's target and the stored exports, so root completes more than others.

# What is there

_nvmet_sunfishctl_nqns() {
	local d
	for d in /sys/kernel/config/nvmet/subsystems/*/; do
		d=${d%/}
		d=${d##*/}
		case $d in '*' | nqn.2014-08.org.nvmexpress.discovery) continue ;; esac
		printf '%s\n' "$d"
	done
	sed -n 's/^nqn *[=:] *"\([^"]*\)".*/\1/p' /var/lib/sunfish/exports/*.conf /etc/sunfish/exports.d/*.conf 2>/dev/null
}

# hosts, or those of one export
_nvmet_sunfishctl_hosts() {
	local h dir=/sys/kernel/config/nvmet/hosts
	[ -z "${1-}" ] || dir=/sys/kernel/config/nvmet/subsystems/$1/allowed_hosts
	for h in "$dir"/*; do
		[ ! -d "$h" ] || printf '%s\n' "${h##*/}"
	done
}

_nvmet_sunfishctl_nsids() {
	local d
	for d in "/sys/kernel/config/nvmet/subsystems/$1/namespaces"/*/; do
		d=${d%/}
		[ "${d##*/}" = '*' ] || printf '%s\n' "${d##*/}"
	done
}

_nvmet_sunfishctl_ports() {
	local d
	for d in /sys/kernel/config/nvmet/ports/*/; do
		d=${d%/}
		[ "${d##*/}" = '*' ] || printf '%s\n' "${d##*/}"
	done
}

_nvmet_sunfishctl_referrals() {
	local d
	for d in /sys/kernel/config/nvmet/ports/*/referrals/*/; do
		d=${d%/}
		[ "${d##*/}" = '*' ] || printf '%s\n' "${d##*/}"
	done
}

# whole drives, by the names of this boot and by those that stay
_nvmet_sunfishctl_devices() {
	local d
	for d in /dev/nvme*n* /dev/disk/by-id/nvme-*; do
		[[ $d =~ (p[0-9]+|-part[0-9]+)$ ]] || [ ! -b "$d" ] || printf '%s\n' "$d"
	done
}

_nvmet_sunfishctl_controllers() {
	local d
	for d in /dev/nvme*; do
		[[ ! $d =~ nvme[0-9]+$ ]] || printf '%s\n' "$d"
	done
}

_nvmet_sunfishctl_addresses() {
	ip -o addr show up 2>/dev/null | awk '
		$3 == "inet" { sub("/.*", "", $4); print $4 }
		$3 == "inet6" && !/scope link/ { sub("/.*", "", $4); print "[" $4 "]" }'
}

_nvmet_sunfishctl_fc() {
	local d
	for d in /sys/class/fc_host/*; do
		[ -e "$d/port_name" ] || continue
		printf '%s:%s\n' "$(<"$d/node_name")" "$(<"$d/port_name")"
	done
}

# What is typed: these use and set variables of _nvmet_sunfishctl (cur, COMPREPLY)

# one of the words of a list, one a line
_nvmet_sunfishctl_of() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }

_nvmet_sunfishctl_files() {
	compopt -o filenames
	mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

# VALUE[,KEY..]: a value of the list, then after each comma one of the keys; KEY=FILE is a file
_nvmet_sunfishctl_with_keys() {
	local head=${cur%,*} tail=${cur##*,}
	case $cur in
	*,*=*)
		case ${tail%%=*} in
		dhchap-key | dhchap-ctrl-key) mapfile -t COMPREPLY < <(compgen -P "$head,${tail%%=*}=" -f -- "${tail#*=}") ;;
		dhchap-hash) mapfile -t COMPREPLY < <(compgen -P "$head,${tail%%=*}=" -W 'hmac(sha256) hmac(sha384) hmac(sha512)' -- "${tail#*=}") ;;
		dhchap-dhgroup) mapfile -t COMPREPLY < <(compgen -P "$head,${tail%%=*}=" -W 'null ffdhe2048 ffdhe3072 ffdhe4096 ffdhe6144 ffdhe8192' -- "${tail#*=}") ;;
		tls) mapfile -t COMPREPLY < <(compgen -P "$head,${tail%%=*}=" -W 'required permitted none' -- "${tail#*=}") ;;
		esac
		;;
	*,*)
		compopt -o nospace
		mapfile -t COMPREPLY < <(compgen -P "$head," -W "$2" -- "$tail")
		;;
	*)
		compopt -o nospace
		_nvmet_sunfishctl_of "$1"
		;;
	esac
}

# the value of an option; false if prev is none that has one
_nvmet_sunfishctl_value() {
	case $prev in
	--dev)
		_nvmet_sunfishctl_with_keys "$(_nvmet_sunfishctl_devices)" \
			'nsid= uuid= nguid= ana-group= buffered-io resv p2pmem= disabled'
		if [ ${#COMPREPLY[@]} = 0 ] && [[ $cur != *,* ]]; then _nvmet_sunfishctl_files; fi
		;;
	--rdma) _nvmet_sunfishctl_with_keys "$(_nvmet_sunfishctl_addresses)" 'port-id= inline-data-size= max-queue-size= mdts= pi' ;;
	--tcp) _nvmet_sunfishctl_with_keys "$(_nvmet_sunfishctl_addresses)" 'port-id= tls= inline-data-size= max-queue-size= mdts=' ;;
	--fc) _nvmet_sunfishctl_of "$(_nvmet_sunfishctl_fc)" ;;
	--host)
		_nvmet_sunfishctl_with_keys "$(_nvmet_sunfishctl_hosts)" \
			'dhchap-key= dhchap-ctrl-key= dhchap-hash= dhchap-dhgroup='
		;;
	--port) _nvmet_sunfishctl_of "$(_nvmet_sunfishctl_ports)" ;;
	--passthru) _nvmet_sunfishctl_of "$(_nvmet_sunfishctl_controllers)" ;;
	--format) _nvmet_sunfishctl_of nvmetcli ;;
	--to)
		compopt -o nospace
		_nvmet_sunfishctl_of 'rdma: tcp: fc:'
		;;
	--output) _nvmet_sunfishctl_files ;;
	--serial | --model | --firmware | --ieee-oui | --cntlid | --qid-max | --wait) ;;
	*) return 1 ;;
	esac
}

_nvmet_sunfishctl_options() {
	local listener='--rdma --tcp --fc --loop' own='' changes='--dry-run --wait --transient --force --no-daemon'
	case $1 in
	create) own="--dev $listener --host --any-host --no-host --serial --model --firmware --ieee-oui --cntlid --qid-max --pi --passthru --for-collector" ;;
	'namespace add') own=--dev ;;
	'listener add' | 'listener remove') own=$listener ;;
	'host add') own='--host --any-host' ;;
	'host remove') own=--keep-connected ;;
	'ana set' | 'referral remove') own="$listener --port" ;;
	'referral add') own="$listener --port --to" ;;
	clear) own='--yes --forget' ;;
	import) own='--format --strict' ;;
	export) own='--format --with-secrets --output' changes='' ;;
	list | show | doctor | diff | capabilities | status | watch | version) changes='' ;;
	esac
	_nvmet_sunfishctl_of "$own $changes --json --verbose --quiet --help"
}

# an argument: how many came before, and what the first of them was
_nvmet_sunfishctl_argument() {
	local verb=$1 before=$2 first=$3
	case $verb in
	delete | show | save | restore | apply | diff | import | doctor | create)
		case $verb in
		apply | diff | import) _nvmet_sunfishctl_files ;;
		create | doctor) [ "$before" != 0 ] || _nvmet_sunfishctl_of "$(_nvmet_sunfishctl_nqns)" ;;
		*) _nvmet_sunfishctl_of "$(_nvmet_sunfishctl_nqns)" ;;
		esac
		return
		;;
	'ana set')
		case $cur in
		*=*) mapfile -t COMPREPLY < <(compgen -P "${cur%%=*}=" -W 'optimized non-optimized inaccessible persistent-loss change' -- "${cur#*=}") ;;
		esac
		return
		;;
	'referral remove') [ "$before" != 0 ] || _nvmet_sunfishctl_of "$(_nvmet_sunfishctl_referrals)"; return ;;
	'namespace '* | 'listener '* | 'host '*) ;;
	*) return ;;
	esac
	if [ "$before" = 0 ]; then
		_nvmet_sunfishctl_of "$(_nvmet_sunfishctl_nqns)"
		return
	fi
	case $verb in
	'namespace remove' | 'namespace enable' | 'namespace disable' | 'namespace resize')
		_nvmet_sunfishctl_of "$(_nvmet_sunfishctl_nsids "$first")"
		;;
	'host add')
		prev=--host
		_nvmet_sunfishctl_value
		;;
	'host remove') _nvmet_sunfishctl_of "$(_nvmet_sunfishctl_hosts "$first")" ;;
	esac
}

# readline replaces only what follows the last ":" or "=" of a word
_nvmet_sunfishctl_trim() {
	local i head breaks=''
	[[ $COMP_WORDBREAKS != *:* ]] || breaks=:
	[[ $COMP_WORDBREAKS != *=* ]] || breaks+='='
	[ -n "$breaks" ] || return 0
	head=${cur%"${cur##*["$breaks"]}"}
	for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"$head"}; done
}

_nvmet_sunfishctl() {
	local cur prev words cword verb='' args=() i w
	local one='create delete list show save restore apply diff clear import export doctor capabilities status watch version'
	local two='namespace listener host ana referral'
	_get_comp_words_by_ref -n := cur prev words cword || return
	COMPREPLY=()
	for ((i = 1; i < cword; i++)); do
		w=${words[i]}
		case $w in
		--dev | --rdma | --tcp | --fc | --host | --port | --passthru | --format | --to | --output | --serial | \
			--model | --firmware | --ieee-oui | --cntlid | --qid-max | --wait) ((i++)) ;;
		-*) ;;
		*) args+=("$w") ;;
		esac
	done
	verb=${args[0]-}
	if [ -z "$verb" ]; then
		_nvmet_sunfishctl_of "$one $two --help --version"
		return
	fi
	args=("${args[@]:1}")
	case " $two " in *" $verb "*)
		if [ ${#args[@]} = 0 ] && [[ $cur != -* ]]; then
			case $verb in
			namespace) _nvmet_sunfishctl_of 'add remove enable disable resize' ;;
			listener | host | referral) _nvmet_sunfishctl_of 'add remove' ;;
			ana) _nvmet_sunfishctl_of set ;;
			esac
			return
		fi
		verb="$verb ${args[0]-}"
		args=("${args[@]:1}")
		;;
	esac
	if ! _nvmet_sunfishctl_value; then
		case $cur in
		-*) _nvmet_sunfishctl_options "$verb" ;;
		*) _nvmet_sunfishctl_argument "$verb" ${#args[@]} "${args[0]-}" ;;
		esac
	fi
	_nvmet_sunfishctl_trim
}

complete -F _nvmet_sunfishctl nvmet-sunfishctl
