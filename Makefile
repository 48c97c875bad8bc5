# SPDX-License-Identifier: BSD-3-Clause
# Everything is built in build/VARIANT, so that variants stay beside each other. `make help`.

VARIANT ?= release
PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
UDEVRULESDIR ?= $(PREFIX)/lib/udev/rules.d
# these two look nowhere else
DRACUTDIR ?= /usr/lib/dracut/modules.d
INITRAMFSDIR ?= /usr/share/initramfs-tools
SYSCONFDIR ?= /etc
STATEDIR ?= /var/lib
FUZZ_SECONDS ?= 20
K ?= uml,6.1,6.12
T ?=
VERSION := $(or $(shell [ ! -e .git ] || git describe --tags --match 'v*' 2>/dev/null | sed s/^v//),0.1.0)

B := build/$(VARIANT)
FOLDERS := base core nvmf wire redfish collector ctl target initiator
HELPERS := target/rdma-probe.c initiator/boot-wanted.c
# programs, each of its main file and its folder's archive
MAINS := target/main.c target/main-d.c initiator/main.c initiator/main-d.c src/collector/main.c src/ctl/main.c
main_nvmet-sunfishctl := target/main.c
main_nvmet-sunfishd := target/main-d.c
main_nvme-sunfishctl := initiator/main.c
main_nvme-sunfishd := initiator/main-d.c
main_sunfish-collectord := src/collector/main.c
main_sunfishctl := src/ctl/main.c
SBIN_PROGRAMS := $(foreach p,nvmet-sunfishctl nvmet-sunfishd nvme-sunfishctl nvme-sunfishd sunfish-collectord sunfishctl,$(if $(wildcard $(main_$p)),$p))
LIBEXEC_PROGRAMS = $(PROBE) $B/sunfish-boot-wanted
PROGRAMS = $(SBIN_PROGRAMS:%=$B/%) $(LIBEXEC_PROGRAMS)

srcs = $(filter-out $(MAINS) $(HELPERS),$(wildcard $(if $(filter target initiator,$1),$1,src/$1)/*.c))
objs = $(patsubst %.c,$B/obj/%.o,$1)
# a folder's archives are its own and those to its left; the linker wants users first
archives_base := $B/libbase.a
archives_core := $B/libcore.a $(archives_base)
archives_nvmf := $B/libnvmf.a $(archives_core)
archives_wire := $B/libwire.a $(archives_nvmf)
archives_redfish := $B/libredfish.a $(archives_wire)
archives_collector := $B/libcollector.a $(archives_redfish)
archives_ctl := $B/libctl.a $(archives_wire)
archives_target := $B/libtarget.a $(archives_wire)
archives_initiator := $B/libinitiator.a $(archives_wire)
ARCHIVES := $(foreach f,collector redfish ctl target initiator,$B/lib$f.a) $(archives_wire)
TESTS := $(filter $(wildcard tests/unit/*/test-*.c),$(wildcard tests/unit/*/*$T*.c))
# unit tests that run in guests as well, where all of them can
GUEST_PROGRAMS := $B/tests/unit/core/test-uevent $B/tests/guest/disc-watch $B/tests/guest/disc-serve
GUEST_TESTS := $(wildcard tests/guest/t/*$T*)
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz-*$T*.c))
C_FILES = $(shell git ls-files -co --exclude-standard -- '*.[ch]' 2>/dev/null)

# --- compiler

ifeq ($(origin CC),default)
CC := $(if $(filter fuzz,$(VARIANT)),clang,gcc)
endif
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 $(WERROR)
HARDENING := -fstack-protector-strong -fPIE
variant_release := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
variant_asan := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
variant_tsan := -O1 -fsanitize=thread
variant_cov := -O0 --coverage
variant_fuzz := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
ifeq ($(variant_$(VARIANT)),)
$(error VARIANT is one of release asan tsan cov fuzz)
endif
COMPILE = $(CC) -std=gnu17 $(CFLAGS) $(WARNINGS) $(HARDENING) $(variant_$(VARIANT)) -D_GNU_SOURCE \
	-I. -Isrc $(DEP_CFLAGS) $(CPPFLAGS)
LINK = $(CC) $(CFLAGS) $(variant_$(VARIANT)) -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
# what only the program itself knows: a new version does not rebuild the rest
PATHS = -DVERSION='"$(VERSION)"' -DLIBEXECDIR='"$(LIBEXECDIR)/sunfish"' \
	-DSYSCONFDIR='"$(SYSCONFDIR)/sunfish"' -DSTATEDIR='"$(STATEDIR)/sunfish"'

Q := $(if $V,,@)
say = $(if $V,,@printf '  %-5s %s\n' '$1' '$(patsubst $B/%,%,$2)';)

.DEFAULT_GOAL := all
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.SECONDARY:

# --- libraries: build/config.mk says where they are; README.md names the packages

NO_CONFIG := help clean format format-check layers dist install-data uninstall
ifneq ($(or $(filter-out $(NO_CONFIG),$(MAKECMDGOALS)),$(if $(MAKECMDGOALS),,all)),)
include build/config.mk
endif
DEP_LIBS += -ldl -lm
PROBE = $(if $(RDMA_LIBS),$B/sunfish-rdma-probe)

all: $(PROGRAMS) $(ARCHIVES) ## build the programs (V=1 shows commands, WERROR=-Werror)

# what tests need, before anything asks for it
ifneq ($(filter check guest-check demo bench,$(MAKECMDGOALS)),)
build/config.mk: | deps
endif
deps:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then packaging/install-deps; fi

build/config.mk: packaging/configure Makefile
	@mkdir -p $(@D)
	@CC='$(CC)' packaging/configure >$@

# --- compile and link

# stamp FILE TEXT: FILE is new when TEXT is, and what depends on it is made again
stamp = $(shell mkdir -p $(dir $1); printf '%s' $2 | cmp -s - $1 || printf '%s' $2 >$1)
quote = '$(subst ','\'',$1)'
$(call stamp,$B/flags,$(call quote,$(COMPILE) $(LINK) $(DEP_LIBS) $(shell $(CC) --version 2>&1 | head -n 1)))
$(call stamp,$B/paths,$(call quote,$(PATHS)))

PATHS_FILES := $(wildcard target/*.c initiator/*.c src/collector/*.c src/ctl/*.c)
$(call objs,$(PATHS_FILES)): private CPPFLAGS += $(PATHS)
$(call objs,$(PATHS_FILES)): $B/paths
$B/obj/%.o: %.c $B/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)$(COMPILE) -MMD -MP -c -o $@ $<

define archive_rule
$B/lib$1.a: $(call objs,$(call srcs,$1)) $B/flags
	$$(call say,AR,$$@)rm -f $$@ && $$(or $$(AR),ar) rcD $$@ $$(filter %.o,$$^) && ranlib -D $$@
endef
$(foreach f,$(FOLDERS),$(eval $(call archive_rule,$f)))

define program_rule
$B/$1: $(call objs,$(main_$1)) $(archives_$(notdir $(patsubst %/,%,$(dir $(main_$1)))))
	$$(call say,LINK,$$@)$$(LINK) -o $$@ $$^ $$(DEP_LIBS)
endef
$(foreach p,$(SBIN_PROGRAMS),$(eval $(call program_rule,$p)))
# httpc.c opens libcurl by itself. These always need it: so a package's and an initramfs' tools see it
$B/sunfishctl $B/sunfish-boot-wanted: private LDFLAGS += -Wl,--no-as-needed $(CURL_LIBS) -Wl,--as-needed
$B/sunfish-rdma-probe: $(call objs,target/rdma-probe.c) $(archives_base)
	$(call say,LINK,$@)$(LINK) -o $@ $^ $(RDMA_LIBS)
$B/sunfish-boot-wanted: $(call objs,initiator/boot-wanted.c) $(archives_initiator)
	$(call say,LINK,$@)$(LINK) -o $@ $^ $(DEP_LIBS)

# --- unit tests: tests/unit/F/test-M.c sees the archive of F and those to its left only.
# Functions that a test calls __wrap_X replace X in the archives.

define test_rule
$B/tests/unit/$1/%: $B/obj/tests/unit/$1/%.o $$(archives_$1)
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)$$(LINK) -o $$@ $$$$(nm $$< | sed -n 's/.* T __wrap_/-Wl,--wrap=/p') \
		$$^ $$(DEP_LIBS) -lcmocka
endef
$(foreach f,$(FOLDERS),$(eval $(call test_rule,$f)))

$B/tests/guest/%: $B/obj/tests/guest/%.o $(archives_nvmf)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(LINK) -o $@ $^ $(DEP_LIBS)

check: $(if $(TESTS),check-unit) $(if $(GUEST_TESTS),guest-check) ## all tests; T=PART-OF-NAME for some
	@[ -n "$(TESTS)$(GUEST_TESTS)" ] || { echo "no test is called *$T*" >&2; exit 1; }
check-unit: $(patsubst %.c,$B/%,$(TESTS)) $(PROGRAMS) ## unit tests only; T= as above
	@tests/unit/run $(filter $B/tests/%,$^)
check-asan: ## unit tests with AddressSanitizer and UBSan
	+$Q$(MAKE) VARIANT=asan check-unit
check-tsan: ## unit tests with ThreadSanitizer
	+$Q$(MAKE) VARIANT=tsan check-unit
guest-check: $(PROGRAMS) $(GUEST_PROGRAMS) ## tests on real kernels; T=PART-OF-NAME, K=uml,6.1,6.12
	@BUILD=$(abspath $B) tests/guest/run -k $K $(if $T,'$T')
coverage: ## line coverage of the unit tests, by file
	@rm -rf build/cov
	+$Q$(MAKE) VARIANT=cov check-unit
	@tests/unit/coverage build/cov
BENCH_PROGRAMS := $(foreach p,bare-create timing sim-helpers sim-discovery sim-redfish sim-events floor uevent-delay,build/release/bench/$p)
bench: $(PROGRAMS) $(BENCH_PROGRAMS) ## speed and memory, on real kernels, against their goals
	@BUILD=$(abspath $B) tests/bench/run
	@BUILD=$(abspath $B) tests/bench/helpers
	@BUILD=$(abspath $B) tests/bench/collector
	@BUILD=$(abspath $B) tests/bench/attach
	@BUILD=$(abspath $B) tests/bench/discovery
	@BUILD=$(abspath $B) tests/bench/redfish
	@BUILD=$(abspath $B) tests/bench/events
demo: $(PROGRAMS) ## export a drive in a guest and use it, pull it and put it back, step by step
	@BUILD=$(abspath $B) tests/demo
.PHONY: all deps check check-unit check-asan check-tsan guest-check coverage bench demo

$B/bench/sim-discovery: $(call objs,$(wildcard tests/bench/sim-discovery*.c)) $(archives_nvmf)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(LINK) -o $@ $^ $(DEP_LIBS)
$B/bench/sim-redfish: $(call objs,tests/bench/sim-redfish.c) $(archives_redfish)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(LINK) -o $@ $^ $(DEP_LIBS)
$B/bench/sim-events: $(call objs,tests/bench/sim-events.c) $(archives_collector)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(LINK) -o $@ $^ $(DEP_LIBS)
$B/bench/%: $B/obj/tests/bench/%.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(LINK) -o $@ $^

# --- fuzzers: each for FUZZ_SECONDS on a copy of its corpus

fuzz: ## fuzz each parser with libFuzzer; FUZZ_SECONDS=20, T=PART-OF-NAME
	+$Q$(MAKE) VARIANT=fuzz fuzz-run
fuzz-run: $(FUZZERS)
	@tests/fuzz/run $(FUZZ_SECONDS) $^
build/fuzz/fuzz-%: build/fuzz/obj/tests/fuzz/fuzz-%.o $(ARCHIVES)
	$(call say,LINK,$@)$(LINK) -fsanitize=fuzzer -o $@ $^ $(DEP_LIBS)
.PHONY: fuzz fuzz-run

# --- source code

format: ## put all C files into our format
	@clang-format -i $(C_FILES)
format-check: ## say which C files are not
	@clang-format --dry-run -Werror $(C_FILES)
layers: ## look for includes against the order of the folders
	@tests/layers
tidy: $(addprefix build/tidy/,$(filter src/%.c target/%.c initiator/%.c,$(C_FILES))) ## clang-tidy (-j2 uses both processors)
build/tidy/%: % .clang-tidy $B/flags
	@mkdir -p $(@D)
	$(call say,TIDY,$<)clang-tidy --quiet $< -- -std=gnu17 -D_GNU_SOURCE -I. -Isrc $(DEP_CFLAGS) \
		$(if $(filter $<,$(PATHS_FILES)),$(PATHS)) >$@.log 2>&1 || { cat $@.log; exit 1; }; touch $@
.PHONY: format format-check layers tidy

# --- delivery

INSTALL_TO = install -D -m
IN = $(DESTDIR)$1
MAN = $(wildcard doc/man/*.[578])
SECTION = man$(subst .,,$(suffix $1))/$(notdir $1)
DOCDIR = $(DATADIR)/doc/sunfish-nvmeof
# FILE:TO of what is installed as it is, with mode 644
DATA_FILES = $(foreach m,$(MAN),$m:$(MANDIR)/$(call SECTION,$m)) \
	$(foreach c,$(wildcard conf/completion/*.bash),$c:$(DATADIR)/bash-completion/completions/$(basename $(notdir $c))) \
	$(foreach f,$(wildcard conf/*.sample),$f:$(DOCDIR)/$(notdir $f)) \
	$(foreach f,$(wildcard conf/tmpfiles.d/*.conf),$f:$(TMPFILESDIR)/$(notdir $f)) \
	$(foreach f,$(wildcard conf/sysusers.d/*.conf),$f:$(SYSUSERSDIR)/$(notdir $f)) \
	$(foreach f,$(wildcard udev/*.rules),$f:$(UDEVRULESDIR)/$(notdir $f))
CONF_FILES = $(wildcard conf/*.conf)
# MODE:FILE:TO of what names directories that are chosen above
PATH_FILES = $(foreach f,$(wildcard conf/systemd/*),644:$f:$(UNITDIR)/$(notdir $f)) \
	755:dracut/sunfish-boot:$(LIBEXECDIR)/sunfish/sunfish-boot \
	$(foreach f,$(wildcard dracut/*/*.sh),755:$f:$(DRACUTDIR)$(f:dracut%=%)) \
	$(foreach f,$(wildcard initramfs-tools/hooks/* initramfs-tools/scripts/*/*),755:$f:$(INITRAMFSDIR)$(f:initramfs-tools%=%)) \
	$(foreach f,$(wildcard initramfs-tools/conf-hooks.d/*),644:$f:$(INITRAMFSDIR)$(f:initramfs-tools%=%))
SET_PATHS = sed $(foreach d,SBINDIR LIBEXECDIR SYSCONFDIR STATEDIR UDEVRULESDIR,-e 's|@$d@|$($d)|g')
field = $(word $1,$(subst :, ,$2))

install: all install-data ## install (DESTDIR, PREFIX, SYSCONFDIR ..); configuration that is there is kept
	$Q$(foreach p,$(SBIN_PROGRAMS),$(INSTALL_TO) 755 $B/$p '$(call IN,$(SBINDIR))/$p' &&) :
	$Q$(foreach p,$(LIBEXEC_PROGRAMS),$(INSTALL_TO) 755 $p '$(call IN,$(LIBEXECDIR))/sunfish/$(notdir $p)' &&) :
install-data: ## install all but the programs
	$Q$(foreach f,$(DATA_FILES),$(INSTALL_TO) 644 '$(call field,1,$f)' '$(DESTDIR)$(call field,2,$f)' &&) :
	$Q$(foreach f,$(notdir $(CONF_FILES)),{ [ -e '$(call IN,$(SYSCONFDIR))/sunfish/$f' ] || \
		$(INSTALL_TO) 644 conf/$f '$(call IN,$(SYSCONFDIR))/sunfish/$f'; } &&) :
	$Qmkdir -p $B
	$Q$(foreach f,$(PATH_FILES),$(SET_PATHS) '$(call field,2,$f)' >$B/with-paths && \
		$(INSTALL_TO) $(call field,1,$f) $B/with-paths '$(DESTDIR)$(call field,3,$f)' &&) :
	$Qinstall -d -m 700 '$(call IN,$(SYSCONFDIR))/sunfish/exports.d' '$(call IN,$(STATEDIR))/sunfish/exports'
uninstall: ## remove what install put there, but no configuration or state
	$Qrm -f $(foreach p,$(SBIN_PROGRAMS),'$(call IN,$(SBINDIR))/$p') $(foreach p,sunfish-rdma-probe sunfish-boot-wanted,'$(call IN,$(LIBEXECDIR))/sunfish/$p')
	$Qrm -f $(foreach f,$(DATA_FILES),'$(DESTDIR)$(call field,2,$f)') $(foreach f,$(PATH_FILES),'$(DESTDIR)$(call field,3,$f)')
	$Qrmdir '$(call IN,$(DOCDIR))' '$(call IN,$(LIBEXECDIR))/sunfish' $(foreach d,$(wildcard dracut/*/),'$(call IN,$(DRACUTDIR))/$(notdir $(d:%/=%))') 2>/dev/null || true
dist: ## build/sunfish-nvmeof-VERSION.tar.gz of the last commit, the same each time
	@mkdir -p build
	@git archive --prefix=sunfish-nvmeof-$(VERSION)/ HEAD | gzip -9n >build/sunfish-nvmeof-$(VERSION).tar.gz
	@echo build/sunfish-nvmeof-$(VERSION).tar.gz
clean: ## remove build/
	$Qrm -rf build
help: ## print this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | sort | awk -F '\t' '{ printf "  %-13s %s\n", $$1, $$2 }'
.PHONY: install install-data uninstall dist clean help

-include $(shell find $B -name '*.d' 2>/dev/null)
