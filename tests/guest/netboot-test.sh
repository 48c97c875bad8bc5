# shellcheck shell=bash
# netboot-test.sh - what the tests netboot-* share: a machine boots from a root that another one
# exports; one of its two addresses does not answer.

target() {
	it "a root is made" netboot_root "$(scratch_disk 0)"
	it "and exported" ctl create "$NETBOOT_NQN" --dev "$(scratch_disk 0),nsid=1" --tcp 10.101.46.14:4420 --any-host -q
	it "the other machine boots from it" meet_wait 'done' 280
}

booted=/run/booted
c() { fabric_ctrls "$NETBOOT_NQN"; }
one_controller() { [ "$(c | wc -l)" = 1 ] && [ "$(<"/sys/class/nvme/$(c)/state")" = live ]; }
# the file system that was booted from, on the device that its name leads to
root_is() { [ "$(stat -c %d $booted/root)" = "$((0x$(stat -L -c '%t * 256 + 0x%T' "/dev/disk/by-nvmeof/$NETBOOT_NQN-ns1")))" ]; }
registered() {
	local d
	d=/run/nvme/registry/$(c)
	[ "$(<"$d/owner")" = boot ] && [ "$(<"$d/seqnum")" -gt 0 ]
}
noted() { grep -x "$(c) tcp,10.101.46.14,,$NETBOOT_NQN" $booted/sunfish/boot/connections; }
retried() { dmesg | grep 'sunfish-boot: tcp,10.101.46.99'; }

initiator() {
	it "the root is the exported one" grep -x "the root on $NETBOOT_NQN" $booted/root/marker
	it "it was found by its name" root_is
	it "it can be written" touch $booted/root/written
	it "there is one controller, and it is live" one_controller
	it "it is as the command line says" test "$(<"/sys/class/nvme/$(c)/hostnqn")" = nqn.2014-08.org.example:host10.101.46.15
	it "the kernel never gives it up" test "$(<"/sys/class/nvme/$(c)/ctrl_loss_tmo")" = off
	it "the registry says whose it is" registered
	it "nvme-sunfishd will find what was made" noted
	it "the address that does not answer was tried" retried
	it "and is not any more" test -e $booted/sunfish/boot/stop
	meet_put 'done'
}
