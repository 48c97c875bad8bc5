# shellcheck shell=bash
# netboot-test.sh - what the tests netboot-* share: a machine boots from a root that another one
# exports; one of its two addresses does not answer.

target() {
	it "a root is made" netboot_root "$(scratch_disk 0)"
	it "and exported" ctl create "$NETBOOT_NQN" --dev "$(scratch_disk 0),nsid=1" --tcp 10.101.46.14:4420 --any-host -q
	also target
	it "the other machine boots from it" meet_wait 'done' 280
}
# also ROLE: what a test has besides
also() { ! declare -F "also_$1" >/dev/null || "also_$1"; }

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

# what the initramfs left is the daemon's to look after, and nobody's to end
status_is() { ictl status | grep -E "$1"; }
adoption() {
	cp -r $booted/sunfish/boot /run/sunfish/
	"$BUILD/nvme-sunfishd" 2>"$T/daemon.log" &
	it "nvme-sunfishd is there" wait_for 30 test -S /run/sunfish/nvme-sunfishd.sock
	it "it takes the connection for the boot's" wait_for 30 status_is '10\.101\.46\.14:4420 +up +boot'
	it "it goes on with the other path" wait_for 30 status_is '10\.101\.46\.99:4420 +(probing|waiting) +boot'
	it "it makes none twice" one_controller
	# made by boot at first, and the daemon's own once that has met it
	it "it does not end it" expect_fail '[15]' '(was made by boot|is mounted on)' ictl disconnect "$NETBOOT_NQN"
	it "the root is still there" touch $booted/root/written
}

initiator() {
	also initiator
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
	[ ! -x "$BUILD/nvme-sunfishd" ] || adoption
	meet_put 'done'
}
