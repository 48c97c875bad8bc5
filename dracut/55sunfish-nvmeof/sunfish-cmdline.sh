#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# is anything asked for? Then the network is to come up
if /usr/libexec/sunfish/sunfish-boot asked; then
	: >/run/sunfish/boot/asked
	echo rd.neednet=1 >/etc/cmdline.d/55-sunfish-nvmeof.conf
fi
