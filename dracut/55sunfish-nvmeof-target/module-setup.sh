#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# sunfish-nvmeof-target: exports of this host come back before its root is mounted. For targets
# without a disk of their own; elsewhere a unit does that. Never included unless asked for:
# add_dracutmodules+=" sunfish-nvmeof-target "
# The image gets the exports and their keys as they are when it is made.
# shellcheck disable=SC2154 # dracut's variables

check() {
	require_binaries @SBINDIR@/nvmet-sunfishctl || return 1
	return 255
}

depends() { echo network udev-rules; }

installkernel() {
	hostonly='' instmods configfs nvmet nvmet_tcp nvmet_rdma nvme
	instmods '=drivers/infiniband/hw'
}

install() {
	inst_simple @SBINDIR@/nvmet-sunfishctl /usr/sbin/nvmet-sunfishctl
	inst_multiple -o @SBINDIR@/nvmet-sunfishctl
	# opened when it is needed, so that no look at the program finds it
	inst_libdir_file 'libkmod.so*'
	inst_multiple -o /etc/sunfish/target.conf /etc/sunfish/exports.d/* @STATEDIR@/sunfish/exports/*
	inst_hook pre-pivot 50 "$moddir/sunfish-restore.sh"
}
