/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "target/cfs.h"

#define HOST "nqn.2014-08.org.example:host"

/* A tree as nvmet has it, in a temporary directory. */
struct tree {
	char path[64];
	int fd;
};

static void make(const struct tree *tree, const char *path, const char *value)
{
	char parent[512];

	snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = '\0';
	assert_int_equal(fs_mkdir_p(tree->fd, parent, 0755), 0);
	if (value)
		assert_int_equal(fs_replace_file(tree->fd, path, value, strlen(value), 0644), 0);
	else
		assert_int_equal(fs_mkdir_p(tree->fd, path, 0755), 0);
}

static void make_link(const struct tree *tree, const char *dir, const char *name)
{
	char path[512];

	assert_int_equal(fs_mkdir_p(tree->fd, dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(symlinkat("../../somewhere", tree->fd, path), 0);
}

static void make_subsystem(const struct tree *tree, const char *nqn, const char *device)
{
	static const char *const empty[] = { "allowed_hosts", "namespaces" };
	char path[512];
	size_t i;

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "subsystems/%s/%s", nqn, empty[i]);
		make(tree, path, NULL);
	}
	snprintf(path, sizeof(path), "subsystems/%s/attr_serial", nqn);
	make(tree, path, "b1a4                \n");
	snprintf(path, sizeof(path), "subsystems/%s/namespaces/1/device_path", nqn);
	make(tree, path, device);
	snprintf(path, sizeof(path), "subsystems/%s/namespaces/1/enable", nqn);
	make(tree, path, "1\n");
}

static int set_up(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	snprintf(tree->path, sizeof(tree->path), "/tmp/test-cfs-XXXXXX");
	assert_non_null(mkdtemp(tree->path));
	assert_int_equal(cfs_open(tree->path, &tree->fd, NULL), 0);
	make(tree, "./discovery_nqn", "nqn.2014-08.org.nvmexpress.discovery\n");
	make(tree, "hosts/" HOST "/dhchap_key", "DHHC-1:00:hush:\n");
	make(tree, "hosts/" HOST "/dhchap_hash", "hmac(sha256)\n");
	make(tree, "hosts/other/dhchap_hash", "hmac(sha256)\n");
	make_subsystem(tree, "blake14", "/dev/nvme1n1\n");
	make_subsystem(tree, "blake15", "(null)\n");
	make_link(tree, "subsystems/blake14/allowed_hosts", HOST);
	make(tree, "subsystems/blake14/passthru/device_path", "(null)\n");
	make(tree, "subsystems/blake14/passthru/enable", "0\n");
	make(tree, "ports/1/addr_trtype", "rdma\n");
	make(tree, "ports/1/ana_groups/1/ana_state", "optimized\n");
	make(tree, "ports/1/referrals/next/addr_traddr", "10.0.0.2\n");
	make_link(tree, "ports/1/subsystems", "blake14");
	make_link(tree, "ports/1/subsystems", "blake15");
	make_link(tree, "ports/1/subsystems", "blake16");
	make(tree, "ports/2/addr_trtype", "\n");
	make(tree, "ports/2/subsystems", NULL);
	*state = tree;
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct tree *tree = *state;

	close(tree->fd);
	nftw(tree->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(tree);
	return 0;
}

static struct model_object *read_tree(void **state)
{
	const struct tree *tree = *state;
	struct model_object *root = NULL;

	assert_int_equal(cfs_read(tree->fd, &root, NULL), 0);
	return root;
}

static void the_whole_tree_is_read_with_links(void **state)
{
	CLEANUP_MODEL struct model_object *root = read_tree(state);
	struct model_object *subsystem = model_find(root, MODEL_SUBSYSTEM, "blake14");
	struct model_object *port = model_find_id(root, MODEL_PORT, 1);

	assert_int_equal(root->n_children, 6);
	assert_string_equal(model_text(root, "discovery_nqn"),
			    "nqn.2014-08.org.nvmexpress.discovery");
	assert_string_equal(model_text(model_find_id(subsystem, MODEL_NAMESPACE, 1), "device_path"),
			    "/dev/nvme1n1");
	assert_true(model_has_link(subsystem, HOST));
	assert_string_equal(model_text(model_find(subsystem, MODEL_PASSTHRU, "passthru"), "enable"),
			    "0");
	assert_int_equal(port->n_links, 3);
	assert_string_equal(model_text(model_find_id(port, MODEL_ANA_GROUP, 1), "ana_state"),
			    "optimized");
	assert_string_equal(model_text(model_find(port, MODEL_REFERRAL, "next"), "addr_traddr"),
			    "10.0.0.2");
}

static void only_the_newline_is_cut_from_a_value(void **state)
{
	CLEANUP_MODEL struct model_object *root = read_tree(state);

	assert_string_equal(model_text(model_find(root, MODEL_SUBSYSTEM, "blake14"), "attr_serial"),
			    "b1a4                ");
	assert_string_equal(model_get(model_find_id(root, MODEL_PORT, 2), "addr_trtype"), "");
}

static void a_device_that_is_not_set_is_kept_as_it_reads(void **state)
{
	CLEANUP_MODEL struct model_object *root = read_tree(state);
	struct model_object *subsystem = model_find(root, MODEL_SUBSYSTEM, "blake15");

	assert_string_equal(model_text(model_find_id(subsystem, MODEL_NAMESPACE, 1), "device_path"),
			    "(null)");
	assert_null(model_find(subsystem, MODEL_PASSTHRU, "passthru"));
}

static void keys_are_secret_and_so_are_those_of_newer_kernels(void **state)
{
	CLEANUP_MODEL struct model_object *root = NULL;
	struct model_object *host;
	size_t i;

	make(*state, "hosts/" HOST "/tls_psk", "NVMeTLSkey-1:01:hush:\n");
	root = read_tree(state);
	host = model_find(root, MODEL_HOST, HOST);
	assert_int_equal(host->n_attrs, 3);
	for (i = 0; i < host->n_attrs; i++)
		assert_int_equal(host->attrs[i].secret,
				 strstr(host->attrs[i].value, "hush") != NULL);
}

static void unknown_attributes_are_read_and_unknown_directories_passed_over(void **state)
{
	CLEANUP_MODEL struct model_object *root = NULL;
	struct model_object *port;

	make(*state, "ports/1/param_new", "7\n");
	make(*state, "ports/1/new_things/1/enable", "1\n");
	root = read_tree(state);
	port = model_find_id(root, MODEL_PORT, 1);
	assert_string_equal(model_text(port, "param_new"), "7");
	assert_int_equal(port->n_children, 2);
}

static void an_attribute_that_is_only_written_is_left_out(void **state)
{
	CLEANUP_MODEL struct model_object *root = NULL;
	struct model_object *subsystem;

	make(*state, "subsystems/blake14/namespaces/1/revalidate_size", "\n");
	root = read_tree(state);
	subsystem = model_find(root, MODEL_SUBSYSTEM, "blake14");
	assert_null(model_get(model_find_id(subsystem, MODEL_NAMESPACE, 1), "revalidate_size"));
}

static void a_subsystem_is_read_with_its_hosts_and_what_it_needs_of_ports(void **state)
{
	const struct tree *tree = *state;
	CLEANUP_MODEL struct model_object *root = NULL;
	struct model_object *port;

	assert_int_equal(cfs_read_subsystem(tree->fd, "blake14", &root, NULL), 0);
	assert_non_null(model_find(root, MODEL_SUBSYSTEM, "blake14"));
	assert_null(model_find(root, MODEL_SUBSYSTEM, "blake15"));
	assert_non_null(model_find(root, MODEL_HOST, HOST));
	assert_null(model_find(root, MODEL_HOST, "other"));
	port = model_find_id(root, MODEL_PORT, 1);
	assert_true(model_has_link(port, "blake14"));
	assert_int_equal(port->n_links, 2);
	assert_int_equal(port->n_children, 2);
	assert_non_null(model_find_id(root, MODEL_PORT, 2));
}

static void a_port_of_other_subsystems_has_one_link(void **state)
{
	const struct tree *tree = *state;
	CLEANUP_MODEL struct model_object *root = NULL;

	assert_int_equal(cfs_read_subsystem(tree->fd, "none", &root, NULL), 0);
	assert_null(model_find(root, MODEL_SUBSYSTEM, "none"));
	assert_int_equal(model_find_id(root, MODEL_PORT, 1)->n_links, 1);
	assert_int_equal(model_find_id(root, MODEL_PORT, 2)->n_links, 0);
}

static void a_name_that_is_a_path_is_not_there(void **state)
{
	static const char *const names[] = { "", ".", "..", "../hosts", "blake14/namespaces" };
	const struct tree *tree = *state;
	size_t i;

	for (i = 0; i < 5; i++) {
		CLEANUP_MODEL struct model_object *root = NULL;
		size_t none = 0;

		assert_int_equal(cfs_read_subsystem(tree->fd, names[i], &root, NULL), 0);
		assert_null(model_next(root, MODEL_SUBSYSTEM, &none));
	}
}

static void devices_alone_are_path_and_enable(void **state)
{
	const struct tree *tree = *state;
	CLEANUP_MODEL struct model_object *root = NULL;
	struct model_object *subsystem;
	struct model_object *namespace;

	make(tree, "subsystems/blake14/namespaces/1/device_uuid", "x\n");
	assert_int_equal(cfs_read_devices(tree->fd, &root, NULL), 0);
	assert_int_equal(root->n_children, 2);
	subsystem = model_find(root, MODEL_SUBSYSTEM, "blake14");
	namespace = model_find_id(subsystem, MODEL_NAMESPACE, 1);
	assert_int_equal(subsystem->n_attrs, 0);
	assert_int_equal(namespace->n_attrs, 2);
	assert_string_equal(model_text(namespace, "device_path"), "/dev/nvme1n1");
	assert_non_null(model_find(subsystem, MODEL_PASSTHRU, "passthru"));
	assert_null(model_find(model_find(root, MODEL_SUBSYSTEM, "blake15"), MODEL_PASSTHRU,
			       "passthru"));
}

static void names_beyond_one_buffer_are_all_there(void **state)
{
	CLEANUP_MODEL struct model_object *root = NULL;
	char path[256];
	unsigned int i;

	for (i = 0; i < 400; i++) {
		snprintf(path, sizeof(path), "hosts/nqn.2026-01.org.example:a-long-name-%u/x", i);
		make(*state, path, NULL);
	}
	root = read_tree(state);
	assert_int_equal(root->n_children, 406);
}

static void what_has_vanished_is_an_empty_tree(void **state)
{
	const struct tree *tree = *state;
	CLEANUP_MODEL struct model_object *whole = NULL;
	CLEANUP_MODEL struct model_object *devices = NULL;
	CLEANUP_MODEL struct model_object *one = NULL;
	CLEANUP_CLOSE int fd = -1;

	make(tree, "gone/x", NULL);
	fd = openat(tree->fd, "gone", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unlinkat(tree->fd, "gone/x", AT_REMOVEDIR);
	unlinkat(tree->fd, "gone", AT_REMOVEDIR);
	assert_int_equal(cfs_read(fd, &whole, NULL), 0);
	assert_int_equal(whole->n_children, 0);
	assert_int_equal(cfs_read_devices(fd, &devices, NULL), 0);
	assert_int_equal(devices->n_children, 0);
	assert_int_equal(cfs_read_subsystem(fd, "blake14", &one, NULL), 0);
	assert_int_equal(one->n_children, 0);
}

/* An attribute that is listed and then not there. */
static const char *vanishing;

ssize_t __real_fs_read_at(int dirfd, const char *path, char *buffer, size_t size);
ssize_t __wrap_fs_read_at(int dirfd, const char *path, char *buffer, size_t size);
ssize_t __wrap_fs_read_at(int dirfd, const char *path, char *buffer, size_t size)
{
	if (vanishing && strcmp(path, vanishing) == 0)
		return -ENOENT;
	return __real_fs_read_at(dirfd, path, buffer, size);
}

static void an_object_that_goes_while_it_is_read_is_left_out(void **state)
{
	CLEANUP_MODEL struct model_object *root = NULL;

	vanishing = "ana_state";
	root = read_tree(state);
	vanishing = NULL;
	assert_null(model_find_id(model_find_id(root, MODEL_PORT, 1), MODEL_ANA_GROUP, 1));
	assert_non_null(model_find(model_find_id(root, MODEL_PORT, 1), MODEL_REFERRAL, "next"));
}

static void an_absent_target_says_what_to_load(void **state)
{
	struct err err = ERR_NULL;
	int fd = -7;

	(void)state;
	assert_int_equal(cfs_open("/nonexistent/nvmet", &fd, &err), -ENOENT);
	assert_int_equal(fd, -7);
	assert_non_null(strstr(err.text, "modprobe nvmet"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_whole_tree_is_read_with_links),
		TEST(only_the_newline_is_cut_from_a_value),
		TEST(a_device_that_is_not_set_is_kept_as_it_reads),
		TEST(keys_are_secret_and_so_are_those_of_newer_kernels),
		TEST(unknown_attributes_are_read_and_unknown_directories_passed_over),
		TEST(an_attribute_that_is_only_written_is_left_out),
		TEST(a_subsystem_is_read_with_its_hosts_and_what_it_needs_of_ports),
		TEST(a_port_of_other_subsystems_has_one_link),
		TEST(a_name_that_is_a_path_is_not_there),
		TEST(devices_alone_are_path_and_enable),
		TEST(names_beyond_one_buffer_are_all_there),
		TEST(what_has_vanished_is_an_empty_tree),
		TEST(an_object_that_goes_while_it_is_read_is_left_out),
		cmocka_unit_test(an_absent_target_says_what_to_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
