#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What cannot be exported yet is left to the unit or the daemon in the root: the boot goes on.
if getargbool 1 rd.sunfish.target; then
	mkdir -p /run/sunfish
	nvmet-sunfishctl restore 2>&1 | while read -r line; do info "sunfish: $line"; done
fi
