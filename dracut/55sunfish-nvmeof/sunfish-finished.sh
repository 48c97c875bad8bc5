#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The root is there, or each subsystem that was asked for: one path will do, nvme-sunfishd connects
# the others.
# shellcheck disable=SC2154 # dracut's root
[ -e /run/sunfish/boot/asked ] || return 0
case $root in
block:/dev/*) [ ! -e "${root#block:}" ] || return 0 ;;
esac
/usr/libexec/sunfish/sunfish-boot ready
