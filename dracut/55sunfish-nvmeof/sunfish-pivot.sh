#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# /run goes on into the root, with what was connected and whose it is
[ ! -e /run/sunfish/boot/asked ] || /usr/libexec/sunfish/sunfish-boot stop
