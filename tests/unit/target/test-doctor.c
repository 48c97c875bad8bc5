/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "core/modload.h"
#include "core/net.h"
#include "nvmf/probe.h"
#include "target/claim.h"
#include "target/doctor.h"

#define HOST "nqn.2014-08.org.nvmexpress:uuid:a"
#define KEY "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:"

/* What the system answers; the rest of a healthy target is in `actual`. */
static struct {
	struct model_object *actual;
	struct model_object *wanted;
	struct model_object *subsystem;
	struct findings report;
	int inspect;
	int claim;
	const char *claim_note;
	unsigned int claim_flags;
	int net;
	bool wildcard;
	int tcp;
	int rdma;
	char probed[64];
	bool has_module;
} now;

int __wrap_dev_inspect(const char *path, struct dev_info *ret, struct err *err);
int __wrap_claim_new(int sysfs_fd, struct claim **ret, struct err *err);
void __wrap_claim_free(struct claim *claim);
int __wrap_claim_check(struct claim *claim, const struct dev_info *dev, const char *own_nqn,
		       uint32_t own_nsid, unsigned int flags, struct str *notes, struct err *err);
int __wrap_net_resolve(const char *host, struct net_listener *ret, struct err *err);
int __wrap_net_check(struct net_listener *l, bool rdma, struct err *err);
int __wrap_probe_tcp(const char *address, const char *port, unsigned int timeout_ms,
		     struct err *err);
int __wrap_probe_rdma(const char *helper_path, const char *address, const char *port,
		      unsigned int timeout_ms, struct err *err);
bool __wrap_modload_is_present(int sysfs_fd, const char *module);

int __wrap_dev_inspect(const char *path, struct dev_info *ret, struct err *err)
{
	*ret = (struct dev_info){ .is_block = true };
	return now.inspect ? err_set(err, now.inspect, "%s: inspected", path) : 0;
}

int __wrap_claim_new(int sysfs_fd, struct claim **ret, struct err *err)
{
	(void)sysfs_fd;
	(void)err;
	*ret = (struct claim *)&now;
	return 0;
}

void __wrap_claim_free(struct claim *claim)
{
	assert_true(!claim || claim == (struct claim *)&now);
}

int __wrap_claim_check(struct claim *claim, const struct dev_info *dev, const char *own_nqn,
		       uint32_t own_nsid, unsigned int flags, struct str *notes, struct err *err)
{
	(void)claim;
	(void)dev;
	assert_string_equal(own_nqn, "a");
	assert_int_equal(own_nsid, 1);
	now.claim_flags = flags;
	if (now.claim_note)
		str_add(notes, now.claim_note);
	return now.claim ? err_set(err, now.claim, "mounted at /home") : 0;
}

int __wrap_net_resolve(const char *host, struct net_listener *ret, struct err *err)
{
	(void)err;
	*ret = (struct net_listener){ .wildcard = now.wildcard };
	snprintf(ret->address, sizeof(ret->address), "%s", host);
	return 0;
}

int __wrap_net_check(struct net_listener *l, bool rdma, struct err *err)
{
	(void)rdma;
	return now.net ? err_set(err, now.net, "%s: checked", l->address) : 0;
}

static int probed(const char *how, const char *address, const char *port, int r, struct err *err)
{
	snprintf(now.probed, sizeof(now.probed), "%s %s %s", how, address, port);
	return r ? err_set(err, r, "the probe said so") : 0;
}

int __wrap_probe_tcp(const char *address, const char *port, unsigned int timeout_ms,
		     struct err *err)
{
	assert_int_equal(timeout_ms, 50);
	return probed("tcp", address, port, now.tcp, err);
}

int __wrap_probe_rdma(const char *helper_path, const char *address, const char *port,
		      unsigned int timeout_ms, struct err *err)
{
	assert_string_equal(helper_path, "/helper");
	assert_int_equal(timeout_ms, 50);
	return probed("rdma", address, port, now.rdma, err);
}

bool __wrap_modload_is_present(int sysfs_fd, const char *module)
{
	(void)sysfs_fd;
	(void)module;
	return now.has_module;
}

/* --- a healthy target: subsystem a, one drive, one host, one TCP listener */

static struct model_object *add_namespace(struct model_object *s, const char *id, const char *path)
{
	struct model_object *ns = model_add(s, MODEL_NAMESPACE, id);
	char uuid[64];

	snprintf(uuid, sizeof(uuid), "%s-%s", s->name, id);
	model_set(ns, "device_path", path);
	model_set(ns, "device_uuid", uuid);
	model_set(ns, "ana_grpid", "1");
	model_set(ns, "enable", "1");
	return ns;
}

static struct model_object *add_port(struct model_object *root, const char *id, const char *trtype)
{
	struct model_object *port = model_add(root, MODEL_PORT, id);

	model_set(port, "addr_trtype", trtype);
	model_set(port, "addr_traddr", "10.1.2.3");
	model_set(port, "addr_trsvcid", "4420");
	model_link(port, "a", false);
	return port;
}

static int setup(void **state)
{
	(void)state;
	memset(&now, 0, sizeof(now));
	now.actual = model_new();
	now.has_module = true;
	now.subsystem = model_add(now.actual, MODEL_SUBSYSTEM, "a");
	model_set(now.subsystem, "attr_serial", "1111");
	model_set(now.subsystem, "attr_allow_any_host", "0");
	model_link(now.subsystem, HOST, false);
	add_namespace(now.subsystem, "1", "/dev/nvme0n1");
	model_add(now.actual, MODEL_HOST, HOST);
	add_port(now.actual, "1", "tcp");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	model_free(now.actual);
	model_free(now.wanted);
	findings_deinit(&now.report);
	return 0;
}

static void check_model(void)
{
	findings_deinit(&now.report);
	assert_int_equal(doctor_check_model(now.actual, now.wanted, "a", &now.report), 0);
}

static void run(struct doctor_env env, const char *nqn)
{
	struct err err = ERR_NULL;

	findings_deinit(&now.report);
	env.wanted = now.wanted;
	assert_int_equal(doctor_run(&env, now.actual, nqn, &now.report, &err), 0);
}

static struct doctor_env env_of(unsigned int timeout_ms)
{
	return (struct doctor_env){ .nvmet_fd = 1000, /* none, but looked at */
				    .proc_fd = -1,
				    .sys_fd = -1,
				    .kmsg_fd = -1,
				    .rdma_helper = "/helper",
				    .timeout_ms = timeout_ms };
}

/* The first finding of that object that has @part in its text. */
static const struct finding *find(const char *object, const char *part)
{
	size_t i;

	for (i = 0; i < now.report.count; i++)
		if (strcmp(now.report.items[i].object, object) == 0 &&
		    strstr(now.report.items[i].text, part))
			return &now.report.items[i];
	return NULL;
}

static void assert_found(enum finding_level level, const char *object, const char *part)
{
	const struct finding *finding = find(object, part);

	assert_non_null(finding);
	assert_int_equal(finding->level, level);
	assert_true(now.report.worst >= level);
	assert_true(level < FINDING_WARN || strlen(finding->text) > 10);
}

/* --- the tree */

static void a_healthy_target_is_ok(void **state)
{
	(void)state;
	check_model();
	assert_int_equal(now.report.worst, FINDING_OK);
	assert_int_equal(now.report.count, 1);
	assert_found(FINDING_OK, "subsystem a", "namespaces: 1");
}

static void finds_that_there_is_no_namespace(void **state)
{
	(void)state;
	model_free(model_find(now.subsystem, MODEL_NAMESPACE, "1"));
	check_model();
	assert_found(FINDING_FAIL, "subsystem a", "no namespace");
	assert_string_equal(find("subsystem a", "no namespace")->cure,
			    "nvmet-sunfishctl namespace add a --dev DRIVE");
	assert_null(find("subsystem a", "namespaces: "));
}

static void a_controller_that_is_passed_through_needs_no_namespace(void **state)
{
	(void)state;
	model_free(model_find(now.subsystem, MODEL_NAMESPACE, "1"));
	model_set(model_add(now.subsystem, MODEL_PASSTHRU, "passthru"), "enable", "1");
	check_model();
	assert_int_equal(now.report.worst, FINDING_OK);
}

static void finds_disabled_and_unfinished_namespaces(void **state)
{
	struct model_object *ns = model_find(now.subsystem, MODEL_NAMESPACE, "1");

	(void)state;
	model_set(ns, "enable", "0");
	check_model();
	assert_found(FINDING_FAIL, "namespace 1 of a", "disabled");
	assert_string_equal(find("namespace 1 of a", "")->cure,
			    "nvmet-sunfishctl namespace enable a 1");
	model_set(ns, "device_path", "(null)");
	check_model();
	assert_found(FINDING_FAIL, "namespace 1 of a", "no drive");
}

static void finds_namespaces_that_no_port_gives_access_to(void **state)
{
	struct model_object *ns = model_find(now.subsystem, MODEL_NAMESPACE, "1");
	struct model_object *second = add_port(now.actual, "2", "rdma");

	(void)state;
	model_set(ns, "ana_grpid", "7");
	check_model();
	assert_found(FINDING_FAIL, "namespace 1 of a", "ANA group 7 is inaccessible");
	model_set(model_add(second, MODEL_ANA_GROUP, "7"), "ana_state", "non-optimized");
	check_model();
	assert_int_equal(now.report.worst, FINDING_OK);
	model_set(model_find(second, MODEL_ANA_GROUP, "7"), "ana_state", "persistent-loss");
	check_model();
	assert_int_equal(now.report.worst, FINDING_FAIL);
}

static void finds_drives_and_ids_that_are_exported_twice(void **state)
{
	struct model_object *b = model_add(now.actual, MODEL_SUBSYSTEM, "b");
	struct model_object *twin = add_namespace(b, "3", "/dev/nvme0n1");

	(void)state;
	check_model();
	assert_found(FINDING_WARN, "namespace 1 of a", "is also namespace 3 of b");
	model_set(twin, "device_path", "/dev/nvme1n1");
	model_set(twin, "device_uuid", "a-1");
	model_set(b, "attr_serial", "1111 ");
	check_model();
	assert_found(FINDING_WARN, "namespace 1 of a", "same UUID");
	assert_found(FINDING_WARN, "subsystem a", "same serial");
	model_set(twin, "device_uuid", "b-3");
	model_set(b, "attr_serial", "2222");
	check_model();
	assert_int_equal(now.report.worst, FINDING_OK);
}

static void finds_that_nobody_may_connect(void **state)
{
	struct model_object *s = now.subsystem;

	(void)state;
	free(s->links[0].name);
	s->n_links = 0;
	check_model();
	assert_found(FINDING_FAIL, "subsystem a", "no host may connect");
	model_set(s, "attr_allow_any_host", "1");
	check_model();
	assert_found(FINDING_NOTE, "subsystem a", "any host");
	assert_int_equal(now.report.worst, FINDING_NOTE);
}

static void finds_that_no_port_serves_it(void **state)
{
	(void)state;
	model_free(model_find(now.actual, MODEL_PORT, "1"));
	check_model();
	assert_found(FINDING_FAIL, "subsystem a", "no port");
}

static void finds_names_that_the_kernel_cuts(void **state)
{
	char name[251];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	model_add(now.actual, MODEL_SUBSYSTEM, name);
	assert_int_equal(doctor_check_model(now.actual, NULL, name, &now.report), 0);
	assert_int_equal(now.report.items[0].level, FINDING_WARN);
}

static void finds_damaged_keys_without_telling_them(void **state)
{
	struct model_object *host = model_find(now.actual, MODEL_HOST, HOST);
	size_t i;

	(void)state;
	model_set_secret(host, "dhchap_key", KEY);
	check_model();
	assert_int_equal(now.report.worst, FINDING_OK);
	model_set_secret(host, "dhchap_key",
			 "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfBaR:");
	check_model();
	assert_found(FINDING_FAIL, "host " HOST, "dhchap_key is damaged");
	for (i = 0; i < now.report.count; i++)
		assert_null(strstr(now.report.items[i].text, "AAECAwQFBg"));
}

static void finds_hosts_that_need_no_key_beside_those_that_do(void **state)
{
	(void)state;
	model_set_secret(model_find(now.actual, MODEL_HOST, HOST), "dhchap_key", KEY);
	model_add(now.actual, MODEL_HOST, "nqn.b");
	model_link(now.subsystem, "nqn.b", false);
	check_model();
	assert_found(FINDING_WARN, "host nqn.b", "needs no key");
	model_set_secret(model_find(now.actual, MODEL_HOST, "nqn.b"), "dhchap_ctrl_key", KEY);
	check_model();
	assert_found(FINDING_WARN, "host nqn.b", "not asked who");
}

/* --- what is stored */

static void a_copy_of_the_tree_is_no_difference(void **state)
{
	(void)state;
	now.wanted = model_copy(NULL, now.actual);
	check_model();
	assert_int_equal(now.report.worst, FINDING_OK);
}

static void finds_differences_to_the_stored_export(void **state)
{
	struct model_object *s;

	(void)state;
	now.wanted = model_copy(NULL, now.actual);
	s = model_find(now.wanted, MODEL_SUBSYSTEM, "a");
	model_set(s, "attr_serial", "9999");
	model_set(s, "attr_tbkas", "1");
	model_set(s, "own_word", "x");
	model_set(model_find(s, MODEL_NAMESPACE, "1"), "buffered_io", "1");
	model_set(model_find(now.subsystem, MODEL_NAMESPACE, "1"), "buffered_io", "0");
	add_namespace(s, "2", "/dev/nvme5n1");
	model_link(s, "nqn.new", false);
	model_link(s, HOST, true);
	model_set(add_port(now.wanted, "9", "rdma"), "addr_trsvcid", "4421");
	check_model();
	assert_found(FINDING_WARN, "subsystem a", "\"1111\", the stored export says \"9999\"");
	assert_found(FINDING_WARN, "subsystem a", "no attr_tbkas");
	assert_null(find("subsystem a", "own_word"));
	assert_found(FINDING_WARN, "namespace 1 of a", "buffered_io");
	assert_found(FINDING_FAIL, "namespace 2 of a", "not in the kernel");
	assert_found(FINDING_WARN, "subsystem a", "host nqn.new is not allowed");
	assert_found(FINDING_WARN, "subsystem a", "host " HOST " is allowed");
	assert_found(FINDING_FAIL, "subsystem a", "rdma 10.1.2.3:4421");
}

static void does_not_show_secrets_that_differ(void **state)
{
	size_t i;

	(void)state;
	now.wanted = model_copy(NULL, now.actual);
	model_set_secret(model_find(now.wanted, MODEL_SUBSYSTEM, "a"), "attr_model", "topsecret");
	model_set_secret(now.subsystem, "attr_model", "othersecret");
	check_model();
	assert_found(FINDING_WARN, "subsystem a", "attr_model is another");
	for (i = 0; i < now.report.count; i++)
		assert_null(strstr(now.report.items[i].text, "secret"));
}

static void tells_stored_from_unknown(void **state)
{
	(void)state;
	now.wanted = model_new();
	model_add(now.wanted, MODEL_SUBSYSTEM, "stored");
	model_add(now.wanted, MODEL_SUBSYSTEM, "gone")->absent = true;
	assert_int_equal(doctor_check_model(now.actual, now.wanted, "stored", &now.report), 0);
	assert_found(FINDING_FAIL, "subsystem stored", "it is stored, but not in the kernel");
	assert_int_equal(doctor_check_model(now.actual, now.wanted, "gone", &now.report), 0);
	assert_found(FINDING_FAIL, "subsystem gone", "no such subsystem");
	assert_int_equal(doctor_check_model(now.actual, NULL, "x", &now.report), 0);
	assert_found(FINDING_FAIL, "subsystem x", "no such subsystem");
}

/* --- the system */

static void asks_a_healthy_system(void **state)
{
	(void)state;
	run(env_of(50), "a");
	assert_int_equal(now.report.worst, FINDING_OK);
	assert_found(FINDING_OK, "port 1 (tcp 10.1.2.3:4420)", "it answers");
	assert_string_equal(now.probed, "tcp 10.1.2.3 4420");
	assert_int_equal(now.claim_flags, CLAIM_FORCE | CLAIM_RESTORE);
}

static void does_not_probe_without_a_timeout(void **state)
{
	(void)state;
	run(env_of(0), NULL);
	assert_string_equal(now.probed, "");
	assert_found(FINDING_OK, "port 1 (tcp 10.1.2.3:4420)", "was not asked");
}

static void finds_drives_that_are_gone_or_in_use(void **state)
{
	(void)state;
	now.inspect = -ENOENT;
	run(env_of(0), "a");
	assert_found(FINDING_FAIL, "namespace 1 of a", "/dev/nvme0n1: inspected; hosts get");
	now.inspect = -EACCES;
	run(env_of(0), "a");
	assert_found(FINDING_WARN, "namespace 1 of a", "inspected");
	now.inspect = 0;
	now.claim = -EBUSY;
	run(env_of(0), "a");
	assert_found(FINDING_FAIL, "namespace 1 of a", "mounted at /home");
	now.claim = 0;
	now.claim_note = "has a partition table\n";
	run(env_of(0), "a");
	assert_string_equal(find("namespace 1 of a", "")->text, "has a partition table");
	assert_found(FINDING_NOTE, "namespace 1 of a", "partition");
}

static void explains_what_is_wrong_with_a_listener(void **state)
{
	const int codes[] = { -EADDRNOTAVAIL, -ENETDOWN, -ENODEV, -ENOLINK };
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		now.net = codes[i];
		run(env_of(50), "a");
		assert_found(FINDING_FAIL, "port 1 (tcp 10.1.2.3:4420)", "10.1.2.3: checked");
		assert_string_equal(now.probed, "");
	}
}

static void finds_listeners_that_do_not_answer(void **state)
{
	(void)state;
	now.tcp = -ETIMEDOUT;
	run(env_of(50), NULL);
	assert_found(FINDING_FAIL, "port 1 (tcp 10.1.2.3:4420)", "the probe said so");
	now.tcp = -ECONNREFUSED;
	now.has_module = false;
	run(env_of(50), NULL);
	assert_found(FINDING_FAIL, "port 1 (tcp 10.1.2.3:4420)", "module nvmet-tcp is not");
}

static void a_listener_that_wants_tls_answers(void **state)
{
	struct model_object *port = model_find(now.actual, MODEL_PORT, "1");

	(void)state;
	now.tcp = -ECONNRESET;
	run(env_of(50), NULL);
	assert_int_equal(now.report.worst, FINDING_FAIL);
	model_set(port, "addr_tsas", "tls1.3");
	run(env_of(50), NULL);
	assert_int_equal(now.report.worst, FINDING_OK);
}

static void probes_wildcards_by_the_loopback(void **state)
{
	struct model_object *port = model_find(now.actual, MODEL_PORT, "1");

	(void)state;
	now.wildcard = true;
	model_set(port, "addr_traddr", "0.0.0.0");
	run(env_of(50), NULL);
	assert_string_equal(now.probed, "tcp 127.0.0.1 4420");
	model_set(port, "addr_traddr", "::");
	run(env_of(50), NULL);
	assert_string_equal(now.probed, "tcp ::1 4420");
	assert_non_null(find("port 1 (tcp [::]:4420)", "it answers"));
}

static void an_rdma_probe_that_cannot_be_made_is_no_failure(void **state)
{
	struct doctor_env env = env_of(50);
	struct model_object *port = model_find(now.actual, MODEL_PORT, "1");

	(void)state;
	model_set(port, "addr_trtype", "rdma");
	run(env, "a");
	assert_string_equal(now.probed, "rdma 10.1.2.3 4420");
	assert_int_equal(now.report.worst, FINDING_OK);
	now.rdma = -EOPNOTSUPP;
	run(env, "a");
	assert_int_equal(now.report.worst, FINDING_NOTE);
	now.rdma = -ECONNREFUSED;
	run(env, "a");
	assert_int_equal(now.report.worst, FINDING_FAIL);
	now.probed[0] = '\0';
	env.rdma_helper = NULL;
	run(env, "a");
	assert_string_equal(now.probed, "");
	assert_int_equal(now.report.worst, FINDING_OK);
}

static void does_not_probe_what_is_no_network(void **state)
{
	(void)state;
	model_set(model_find(now.actual, MODEL_PORT, "1"), "addr_trtype", "loop");
	run(env_of(50), "a");
	assert_found(FINDING_NOTE, "port 1 (loop)", "on this machine");
}

static void finds_keys_that_others_can_read(void **state)
{
	char path[] = "/tmp/test-doctor-XXXXXX";
	struct doctor_env env = env_of(0);

	(void)state;
	assert_non_null(mkdtemp(path));
	env.nvmet_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fs_mkdir_p(env.nvmet_fd, "hosts/" HOST, 0755), 0);
	close(openat(env.nvmet_fd, "hosts/" HOST "/dhchap_key", O_CREAT | O_WRONLY | O_CLOEXEC,
		     0600));
	assert_int_equal(fchmodat(env.nvmet_fd, "hosts/" HOST, 0755, 0), 0);
	assert_int_equal(fchmodat(env.nvmet_fd, "hosts/" HOST "/dhchap_key", 0644, 0), 0);
	run(env, "a");
	assert_null(find("host " HOST, ""));
	model_set_secret(model_find(now.actual, MODEL_HOST, HOST), "dhchap_key", KEY);
	run(env, "a");
	assert_found(FINDING_WARN, "host " HOST, "every user");
	assert_int_equal(fchmodat(env.nvmet_fd, "hosts/" HOST "/dhchap_key", 0600, 0), 0);
	run(env, "a");
	assert_null(find("host " HOST, ""));
	unlinkat(env.nvmet_fd, "hosts/" HOST "/dhchap_key", 0);
	unlinkat(env.nvmet_fd, "hosts/" HOST, AT_REMOVEDIR);
	unlinkat(env.nvmet_fd, "hosts", AT_REMOVEDIR);
	close(env.nvmet_fd);
	assert_int_equal(rmdir(path), 0);
}

static void checks_all_that_is_there_or_stored(void **state)
{
	(void)state;
	now.wanted = model_new();
	model_add(now.wanted, MODEL_SUBSYSTEM, "stored");
	model_add(now.wanted, MODEL_SUBSYSTEM, "gone")->absent = true;
	run(env_of(0), NULL);
	assert_found(FINDING_OK, "subsystem a", "namespaces: 1");
	assert_found(FINDING_FAIL, "subsystem stored", "not in the kernel");
	assert_null(find("subsystem gone", ""));
}

static void tells_that_nothing_is_exported(void **state)
{
	(void)state;
	model_free(now.actual);
	now.actual = model_new();
	run(env_of(50), NULL);
	assert_found(FINDING_NOTE, "kernel target", "nothing is exported");
}

static void tells_why_there_is_no_target(void **state)
{
	struct doctor_env env = env_of(50);

	(void)state;
	model_free(now.actual);
	now.actual = NULL;
	env.nvmet_fd = -1;
	run(env, NULL);
	assert_found(FINDING_FAIL, "kernel target", "configfs is not mounted");
	now.has_module = false;
	run(env, "a");
	assert_found(FINDING_FAIL, "kernel target", "nvmet is not in the kernel");
}

/* --- the kernel's messages */

#define REFUSED                                                                                    \
	"3,7,12345678,-;nvmet: connect by host nqn.2014-08.org.example:b for subsystem a not allowed\n"

static void shows_the_last_messages_of_trouble(void **state)
{
	(void)state;
	assert_int_equal(doctor_check_kmsg("6,1,100,-;nvmet: adding nsid 1 to subsystem a\n"
					   "6,2,200,-;usb 1-1: new device\n"
					   "3,3,1000,-;nvmet_rdma: first\n"
					   "3,4,2000,-;nvmet_tcp: second\n"
					   " SUBSYSTEM=nvmet\n" REFUSED,
					   2, &now.report),
			 0);
	assert_int_equal(now.report.count, 1);
	assert_found(FINDING_NOTE, "kernel log", "second");
	assert_string_equal(
		now.report.items[0].text,
		"[0.002] nvmet_tcp: second\n"
		"[12.345] nvmet: connect by host nqn.2014-08.org.example:b for subsystem a not allowed");
	assert_string_equal(
		now.report.items[0].cure,
		"if that host should be allowed: nvmet-sunfishctl host add a nqn.2014-08.org.example:b");
}

static void a_host_cannot_put_a_command_into_the_cure(void **state)
{
	(void)state;
	assert_int_equal(
		doctor_check_kmsg("3,7,1,-;nvmet: connect by host $(reboot) for subsystem a "
				  "not allowed\n",
				  5, &now.report),
		0);
	assert_true(!*now.report.items[0].cure || strstr(now.report.items[0].cure, "'$(reboot)'"));
}

static void is_silent_without_trouble(void **state)
{
	(void)state;
	assert_int_equal(doctor_check_kmsg("", 5, &now.report), 0);
	assert_int_equal(
		doctor_check_kmsg("6,1,100,-;nvmet: adding nsid 1\nnvmet\n;\n", 5, &now.report), 0);
	assert_int_equal(now.report.count, 0);
}

static void takes_records_that_are_cut(void **state)
{
	(void)state;
	assert_int_equal(doctor_check_kmsg(";nvmet", 5, &now.report), 0);
	assert_string_equal(now.report.items[0].text, "[0.000] nvmet");
}

static void reads_messages_from_the_descriptor(void **state)
{
	struct doctor_env env = env_of(0);
	int ends[2];

	(void)state;
	/* packets: each read gives one, as /dev/kmsg does */
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK | O_DIRECT), 0);
	assert_int_equal(write(ends[1], "6,2,200,-;usb\n", 14), 14);
	assert_int_equal(write(ends[1], REFUSED, strlen(REFUSED)), strlen(REFUSED));
	env.kmsg_fd = ends[0];
	run(env, NULL);
	close(ends[0]);
	close(ends[1]);
	assert_found(FINDING_NOTE, "kernel log", "not allowed");
}

static void each_level_has_its_word(void **state)
{
	(void)state;
	assert_string_equal(finding_level_name(FINDING_OK), "ok");
	assert_string_equal(finding_level_name(FINDING_NOTE), "note");
	assert_string_equal(finding_level_name(FINDING_WARN), "warn");
	assert_string_equal(finding_level_name(FINDING_FAIL), "FAIL");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_healthy_target_is_ok),
		TEST(finds_that_there_is_no_namespace),
		TEST(a_controller_that_is_passed_through_needs_no_namespace),
		TEST(finds_disabled_and_unfinished_namespaces),
		TEST(finds_namespaces_that_no_port_gives_access_to),
		TEST(finds_drives_and_ids_that_are_exported_twice),
		TEST(finds_that_nobody_may_connect),
		TEST(finds_that_no_port_serves_it),
		TEST(finds_names_that_the_kernel_cuts),
		TEST(finds_damaged_keys_without_telling_them),
		TEST(finds_hosts_that_need_no_key_beside_those_that_do),
		TEST(a_copy_of_the_tree_is_no_difference),
		TEST(finds_differences_to_the_stored_export),
		TEST(does_not_show_secrets_that_differ),
		TEST(tells_stored_from_unknown),
		TEST(asks_a_healthy_system),
		TEST(does_not_probe_without_a_timeout),
		TEST(finds_drives_that_are_gone_or_in_use),
		TEST(explains_what_is_wrong_with_a_listener),
		TEST(finds_listeners_that_do_not_answer),
		TEST(a_listener_that_wants_tls_answers),
		TEST(probes_wildcards_by_the_loopback),
		TEST(an_rdma_probe_that_cannot_be_made_is_no_failure),
		TEST(does_not_probe_what_is_no_network),
		TEST(finds_keys_that_others_can_read),
		TEST(checks_all_that_is_there_or_stored),
		TEST(tells_that_nothing_is_exported),
		TEST(tells_why_there_is_no_target),
		TEST(shows_the_last_messages_of_trouble),
		TEST(a_host_cannot_put_a_command_into_the_cure),
		TEST(is_silent_without_trouble),
		TEST(takes_records_that_are_cut),
		TEST(reads_messages_from_the_descriptor),
		TEST(each_level_has_its_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
