# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# sunfishctl - completion for bash, loaded by bash-completion on the first use of the command.
#
# Names come from the collector, if it answers at once and lets this user look.

# One member of each item of a list: LIST KEY
_sunfishctl_names() {
	timeout 2 sunfishctl "$1" --json 2>/dev/null | sed -n "s/^ \\{6\\}\"$2\": \"\\(.*\\)\",\\{0,1\\}\$/\\1/p" | sort -u
}

_sunfishctl_of() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }

_sunfishctl_files() {
	compopt -o filenames
	mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

# the value of an option; false if prev is none that has one
_sunfishctl_value() {
	case $prev in
	--node) _sunfishctl_of "$(_sunfishctl_names nodes name)" ;;
	--nqn | --subsystem) _sunfishctl_of "$(_sunfishctl_names subsystems nqn)" ;;
	--host) _sunfishctl_of "$(_sunfishctl_names hosts hostnqn)" ;;
	--state) _sunfishctl_of 'active waiting partly failed live lost up down connecting attached attaching detaching detached free exported busy' ;;
	--kind) _sunfishctl_of 'node subsystem namespace listener allowed session drive controller device connection host kernel intent attachment export ddc record zone' ;;
	--role) _sunfishctl_of 'node viewer admin' ;;
	--output | --ca-file | --token-file | --dev) _sunfishctl_files ;;
	--after | --limit | --interval | --rdma | --tcp | --lease | --job | --timeout | --url | --tenant | --port) ;;
	*) return 1 ;;
	esac
}

_sunfishctl_options() {
	local own='' filters='--node --nqn --host --state'
	case $1 in
	nodes | endpoints | subsystems | namespaces | drives | hosts | connections | devices | sessions | ddcs | 'export list' | 'zone list') own=$filters ;;
	attachments) own="$filters --job --target" ;;
	places) own="$filters --contradictions" ;;
	'zone create' | 'zone add') own='--tenant --host --subsystem --port' ;;
	'zone remove') own='--host --subsystem --port --force' ;;
	'zone delete') own='--force' ;;
	events | watch) own="$filters --kind --after --limit" ;;
	top) own='--once --interval' ;;
	attach) own='--rdma --tcp --lease --job --target --timeout --no-wait' ;;
	detach) own='--job --target --force --no-wait' ;;
	'export create') own='--node --dev --rdma --tcp --host --any-host --timeout --no-wait' ;;
	'export delete') own='--node --force --no-wait' ;;
	view | audit | registrations) own=--host ;;
	'node add') own='--role --output' ;;
	esac
	_sunfishctl_of "$own --json --quiet --url --ca-file --token-file --help"
}

# an argument: how many came before
_sunfishctl_argument() {
	case "$1 $2" in
	'attach 0') _sunfishctl_of "$(_sunfishctl_names subsystems nqn)" ;;
	'attach 1' | 'detach 1' | 'node remove 0') _sunfishctl_of "$(_sunfishctl_names nodes name)" ;;
	'detach 0') _sunfishctl_of "$(_sunfishctl_names attachments subsystem) $(_sunfishctl_names attachments id)" ;;
	'zone add 0' | 'zone remove 0' | 'zone delete 0') _sunfishctl_of "$(timeout 2 sunfishctl zone list --json 2>/dev/null | sed -n 's/^ \{6\}"name": "\(.*\)",\{0,1\}$/\1/p')" ;;
	'export delete 0') _sunfishctl_of "$(timeout 2 sunfishctl export list --json 2>/dev/null | sed -n 's/^ \{6\}"nqn": "\(.*\)",\{0,1\}$/\1/p')" ;;
	tree*) _sunfishctl_of "$(_sunfishctl_names nodes name)" ;;
	esac
}

# readline replaces only what follows the last ":" of a word
_sunfishctl_trim() {
	local i head
	[[ $COMP_WORDBREAKS == *:* ]] || return 0
	head=${cur%"${cur##*:}"}
	for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"$head"}; done
}

_sunfishctl() {
	local cur prev words cword verb='' args=() i w
	local one='status nodes endpoints subsystems namespaces drives hosts connections devices sessions events watch top tree attach detach attachments ddcs registrations places view views audit version'
	_get_comp_words_by_ref -n := cur prev words cword || return
	COMPREPLY=()
	for ((i = 1; i < cword; i++)); do
		w=${words[i]}
		case $w in
		--node | --nqn | --host | --state | --kind | --role | --output | --ca-file | --token-file | --dev | \
			--after | --limit | --interval | --rdma | --tcp | --lease | --job | --timeout | --url | --tenant | --port | --subsystem) ((i++)) ;;
		-*) ;;
		*) args+=("$w") ;;
		esac
	done
	verb=${args[0]-}
	if [ -z "$verb" ]; then
		_sunfishctl_of "$one export node sunfish zone --help --version"
		return
	fi
	args=("${args[@]:1}")
	case $verb in export | node | sunfish | zone)
		if [ ${#args[@]} = 0 ] && [[ $cur != -* ]]; then
			case $verb in
			export) _sunfishctl_of 'create list delete' ;;
			node) _sunfishctl_of 'add remove' ;;
			sunfish) _sunfishctl_of 'status register unregister tidy' ;;
			zone) _sunfishctl_of 'list create add remove delete' ;;
			esac
			return
		fi
		verb="$verb ${args[0]-}"
		args=("${args[@]:1}")
		;;
	esac
	if ! _sunfishctl_value; then
		case $cur in
		-*) _sunfishctl_options "$verb" ;;
		*) _sunfishctl_argument "$verb" ${#args[@]} ;;
		esac
	fi
	_sunfishctl_trim
}

complete -F _sunfishctl sunfishctl
