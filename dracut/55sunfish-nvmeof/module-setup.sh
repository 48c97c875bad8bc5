#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# sunfish-nvmeof: connections over NVMe-oF by rd.sunfish.* on the kernel's command line.
# sunfish-nvmeof(7) lists the parameters.
# shellcheck disable=SC2154 # dracut's variables

# a device over fabrics, or a part of one
is_fabrics() {
	local d=/sys/dev/block/$1
	[ ! -e "$d/partition" ] || d=$d/..
	d=$(readlink -f "$d/..") || return 1
	compgen -G "$d/hostnqn" >/dev/null || compgen -G "$d/nvme*/hostnqn" >/dev/null
}

# Included where this host needs it for its own root, else if asked for:
# add_dracutmodules+=" sunfish-nvmeof "
check() {
	require_binaries @LIBEXECDIR@/sunfish/sunfish-boot modprobe md5sum sed tail tr || return 1
	if [[ $hostonly || $mount_needs ]] && for_each_host_dev_and_slaves is_fabrics; then return 0; fi
	return 255
}

# nvmf of dracut does discovery, NBFT and Fibre Channel as before; it needs nvme-cli
depends() {
	echo network rootfs-block udev-rules
	if find_binary nvme >/dev/null; then echo nvmf; fi
}

installkernel() {
	hostonly='' instmods nvme_fabrics nvme_tcp nvme_rdma nvme_fc crc32c_generic crc32c_intel
	# of adapters: all in a general image, else what this host uses
	instmods '=drivers/infiniband/hw'
}

# Only where initiator.conf names a collector: 20 MB with its libraries. With its token, and the machine id
# by which the collector knows this host.
install_collector() {
	local files
	mapfile -t files < <(@LIBEXECDIR@/sunfish/sunfish-boot files)
	[ ${#files[@]} -gt 0 ] || return 0
	inst_multiple "${files[@]}"
	inst_simple @LIBEXECDIR@/sunfish/sunfish-boot-wanted /usr/libexec/sunfish/sunfish-boot-wanted
	inst_multiple @LIBEXECDIR@/sunfish/sunfish-boot-wanted
	inst_libdir_file 'libnss_dns*.so*' 'libnss_files*.so*'
	[[ ! $hostonly ]] || inst_simple /etc/machine-id @SYSCONFDIR@/sunfish/boot/machine-id
}

install() {
	inst_multiple modprobe mkdir mv rm chmod sleep md5sum sed tail tr cat
	inst_script @LIBEXECDIR@/sunfish/sunfish-boot /usr/libexec/sunfish/sunfish-boot
	inst_simple @UDEVRULESDIR@/71-sunfish-nvmeof.rules /usr/lib/udev/rules.d/71-sunfish-nvmeof.rules
	# only an image for this host: who boots a general one is somebody else
	[[ ! $hostonly ]] || inst_multiple -o /etc/nvme/hostnqn /etc/nvme/hostid
	install_collector
	inst_hook cmdline 50 "$moddir/sunfish-cmdline.sh"
	inst_hook initqueue/settled 50 "$moddir/sunfish-connect.sh"
	inst_hook initqueue/finished 50 "$moddir/sunfish-finished.sh"
	inst_hook pre-pivot 50 "$moddir/sunfish-pivot.sh"
	dracut_need_initqueue
}
