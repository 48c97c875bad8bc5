/* SPDX-License-Identifier: BSD-3-Clause */
/* What only reads, from directories to JSON: stored.c, look.c, cmd-list.c, cmd-show.c,
 * cmd-export.c. */
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
#include "target/ctl.h"
#include "target/look.h"

#define HOST "nqn.2014-08.org.example:host"

/* A target and its stored exports in a temporary directory. */
struct place {
	char path[64];
	char nvmet[96];
	char kept[96];
	char admin[96];
	int fd;
	struct ctl ctl;
};

static void make(const struct place *place, const char *path, const char *value)
{
	char parent[256];

	snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = '\0';
	assert_int_equal(fs_mkdir_p(place->fd, parent, 0755), 0);
	assert_int_equal(fs_replace_file(place->fd, path, value, strlen(value), 0644), 0);
}

static void make_link(const struct place *place, const char *dir, const char *name)
{
	char path[256];

	assert_int_equal(fs_mkdir_p(place->fd, dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(symlinkat("../../somewhere", place->fd, path), 0);
}

static void make_target(const struct place *place)
{
	make(place, "nvmet/hosts/" HOST "/dhchap_key", "DHHC-1:00:hush:\n");
	make(place, "nvmet/subsystems/blake14/attr_allow_any_host", "0\n");
	make(place, "nvmet/subsystems/blake14/namespaces/1/device_path", "/nonexistent/drive\n");
	make(place, "nvmet/subsystems/blake14/namespaces/1/enable", "0\n");
	make_link(place, "nvmet/subsystems/blake14/allowed_hosts", HOST);
	make(place, "nvmet/ports/1/addr_trtype", "tcp\n");
	make(place, "nvmet/ports/1/addr_traddr", "127.0.0.1\n");
	make(place, "nvmet/ports/1/addr_trsvcid", "4420\n");
	make_link(place, "nvmet/ports/1/subsystems", "blake14");
}

static void make_stored(const struct place *place)
{
	make(place, "kept/blake14.conf",
	     "nqn = \"blake14\";\nhosts = ( { nqn = \"" HOST
	     "\"; dhchap_key_file = \"/etc/h.key\"; } );\n"
	     "listeners = ( { transport = \"tcp\"; address = \"127.0.0.1\"; } );\n");
	make(place, "kept/blake15.conf",
	     "nqn = \"blake15\";\nallow_any_host = true;\n"
	     "listeners = ( { transport = \"tcp\"; address = \"127.0.0.2\"; } );\n");
	make(place, "admin/by-hand.conf",
	     "nqn = \"scratch\";\n"
	     "listeners = ( { transport = \"tcp\"; address = \"127.0.0.3\"; },\n"
	     "              { transport = \"tcp\"; address = \"127.0.0.2\"; } );\n");
	make(place, "admin/again.conf", "nqn = \"blake15\";\n");
	make(place, "admin/broken.conf", "nqn = ;\n");
}

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	snprintf(place->path, sizeof(place->path), "/tmp/test-look-XXXXXX");
	assert_non_null(mkdtemp(place->path));
	place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(place->nvmet, sizeof(place->nvmet), "%s/nvmet", place->path);
	snprintf(place->kept, sizeof(place->kept), "%s/kept", place->path);
	snprintf(place->admin, sizeof(place->admin), "%s/admin", place->path);
	place->ctl = (struct ctl){
		.cli.json = true,
		.cli.quiet = true,
		.opt.wait_seconds = -1,
		.nvmet_path = place->nvmet,
		.stored_path = place->kept,
		.admin_path = place->admin,
		.nvmet_fd = -1,
		.run_fd = -1,
		.lock_fd = -1,
		.sysfs_fd = place->fd,
		.proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.cli.result = js_object(),
		.cli.warnings = js_array(),
	};
	*state = place;
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
	struct place *place = *state;

	js_free(place->ctl.cli.result);
	js_free(place->ctl.cli.warnings);
	close(place->ctl.proc_fd);
	if (place->ctl.nvmet_fd >= 0)
		close(place->ctl.nvmet_fd);
	close(place->fd);
	nftw(place->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(place);
	return 0;
}

static const struct js *export_at(const struct place *place, size_t i)
{
	return js_at(js_get(place->ctl.cli.result, "exports"), i);
}

static void expect_text(const struct js *object, const char *key, const char *expected)
{
	assert_non_null(js_text(js_get(object, key)));
	assert_string_equal(js_text(js_get(object, key)), expected);
}

static bool is_true(const struct js *object, const char *key)
{
	CLEANUP_FREE char *text = js_format(js_get(object, key), JS_COMPACT);

	return text && strcmp(text, "true") == 0;
}

/* --- stored */

static void stored_exports_of_both_directories_are_found(void **state)
{
	struct place *place = *state;
	CLEANUP_STORED struct stored stored = STORED_NULL;
	CLEANUP_FREE char *path = NULL;
	const char *dir = NULL;

	make_stored(place);
	assert_int_equal(stored_load(&place->ctl, &stored, NULL), 0);
	assert_non_null(stored_find(&stored, "blake15", &dir));
	assert_string_equal(dir, place->kept);
	assert_non_null(stored_find(&stored, "scratch", &dir));
	assert_string_equal(dir, place->admin);
	assert_null(stored_find(&stored, "broken", &dir));
	path = stored_find_path(&stored, "scratch");
	assert_non_null(strstr(path, "/admin/by-hand.conf"));
	assert_null(stored_find_path(&stored, "none"));
}

static void a_broken_file_is_a_warning(void **state)
{
	struct place *place = *state;
	CLEANUP_STORED struct stored stored = STORED_NULL;

	make_stored(place);
	stored_load(&place->ctl, &stored, NULL);
	assert_int_equal(js_length(place->ctl.cli.warnings), 1);
	assert_non_null(strstr(js_text(js_at(place->ctl.cli.warnings, 0)), "broken.conf"));
}

static void directories_that_are_not_there_hold_nothing(void **state)
{
	struct place *place = *state;
	CLEANUP_STORED struct stored stored = STORED_NULL;
	size_t i = 0;

	assert_int_equal(stored_load(&place->ctl, &stored, NULL), 0);
	assert_null(stored_next(&stored, &i, NULL));
	assert_int_equal(js_length(place->ctl.cli.warnings), 0);
}

static void one_export_is_read_without_the_files_of_others(void **state)
{
	struct place *place = *state;
	CLEANUP_STORED struct stored kept = STORED_NULL;
	CLEANUP_STORED struct stored admin = STORED_NULL;
	CLEANUP_FREE char *path = NULL;

	make_stored(place);
	assert_int_equal(stored_load_one(&place->ctl, "blake15", &kept, NULL), 0);
	assert_int_equal(kept.kept.count, 1);
	assert_int_equal(kept.admin.count, 0);
	path = stored_find_path(&kept, "blake15");
	assert_non_null(strstr(path, "/kept/blake15.conf"));
	assert_int_equal(stored_load_one(&place->ctl, "scratch", &admin, NULL), 0);
	assert_int_equal(admin.kept.count, 0);
	assert_non_null(stored_find(&admin, "scratch", NULL));
}

static void a_kept_file_of_another_export_is_a_warning(void **state)
{
	struct place *place = *state;
	CLEANUP_STORED struct stored stored = STORED_NULL;

	make(place, "kept/blake15.conf", "nqn = \"blake16\";\n");
	assert_int_equal(stored_load_one(&place->ctl, "blake15", &stored, NULL), 0);
	assert_null(stored_find(&stored, "blake15", NULL));
	assert_int_equal(js_length(place->ctl.cli.warnings), 1);
}

static void merged_listeners_have_numbers_and_share_ports(void **state)
{
	struct place *place = *state;
	CLEANUP_STORED struct stored stored = STORED_NULL;
	CLEANUP_MODEL struct model_object *actual = NULL;
	CLEANUP_MODEL struct model_object *wanted = NULL;
	struct model_object *port;
	size_t i = 0;
	size_t n = 0;

	make_target(place);
	make_stored(place);
	stored_load(&place->ctl, &stored, NULL);
	assert_int_equal(ctl_read_target(&place->ctl, &actual, NULL), 0);
	assert_int_equal(stored_merge(&stored, NULL, actual, &wanted, NULL), 0);
	while ((port = model_next(wanted, MODEL_PORT, &i)))
		n++;
	assert_int_equal(n, 3);
	assert_true(model_has_link(model_find_id(wanted, MODEL_PORT, 1), "blake14"));
	port = model_find_id(wanted, MODEL_PORT, 2);
	assert_string_equal(model_text(port, "addr_traddr"), "127.0.0.2");
	assert_true(model_has_link(port, "blake15") && model_has_link(port, "scratch"));
}

static void one_stored_export_is_merged_alone(void **state)
{
	struct place *place = *state;
	CLEANUP_STORED struct stored stored = STORED_NULL;
	CLEANUP_MODEL struct model_object *actual = model_new();
	CLEANUP_MODEL struct model_object *wanted = NULL;
	size_t i = 0;

	make_stored(place);
	stored_load(&place->ctl, &stored, NULL);
	assert_int_equal(stored_merge(&stored, "scratch", actual, &wanted, NULL), 0);
	assert_string_equal(model_next(wanted, MODEL_SUBSYSTEM, &i)->name, "scratch");
	assert_null(model_next(wanted, MODEL_SUBSYSTEM, &i));
}

/* --- verbs */

static void list_has_the_kernels_exports_and_then_stored_ones_once(void **state)
{
	struct place *place = *state;

	make_target(place);
	make_stored(place);
	assert_int_equal(cmd_list(&place->ctl, NULL), 0);
	assert_int_equal(js_length(js_get(place->ctl.cli.result, "exports")), 3);
	expect_text(export_at(place, 0), "nqn", "blake14");
	assert_true(is_true(export_at(place, 0), "exported"));
	assert_non_null(strstr(js_text(js_get(export_at(place, 0), "stored")), "blake14.conf"));
	expect_text(export_at(place, 1), "nqn", "blake15");
	assert_false(is_true(export_at(place, 1), "exported"));
	expect_text(export_at(place, 2), "nqn", "scratch");
}

static void list_without_a_target_is_empty(void **state)
{
	struct place *place = *state;

	assert_int_equal(cmd_list(&place->ctl, NULL), 0);
	assert_int_equal(js_type(js_get(place->ctl.cli.result, "exports")), JS_ARRAY);
	assert_int_equal(js_length(js_get(place->ctl.cli.result, "exports")), 0);
}

static void an_argument_to_list_is_a_matter_of_usage(void **state)
{
	struct place *place = *state;
	char *args[] = { (char *)"blake14" };

	place->ctl.cli.args = args;
	place->ctl.cli.n_args = 1;
	assert_int_equal(cmd_list(&place->ctl, NULL), -EINVAL);
	assert_int_equal(place->ctl.cli.status, CLI_USAGE);
}

static void show_shows_what_is_asked_for_and_no_keys(void **state)
{
	struct place *place = *state;
	CLEANUP_FREE char *text = NULL;
	char *args[] = { (char *)"scratch", (char *)"blake14" };

	make_target(place);
	make_stored(place);
	place->ctl.cli.args = args;
	place->ctl.cli.n_args = 2;
	assert_int_equal(cmd_show(&place->ctl, NULL), 0);
	assert_int_equal(js_length(js_get(place->ctl.cli.result, "exports")), 2);
	expect_text(export_at(place, 0), "nqn", "scratch");
	expect_text(export_at(place, 1), "nqn", "blake14");
	text = js_format(place->ctl.cli.result, JS_COMPACT);
	assert_null(strstr(text, "hush"));
	assert_non_null(strstr(text, "\"has_key\":true"));
}

static void show_of_a_wrong_name_says_which_is_near(void **state)
{
	struct place *place = *state;
	char *args[] = { (char *)"blaek14" };
	struct err err = ERR_NULL;

	make_target(place);
	make_stored(place);
	place->ctl.cli.args = args;
	place->ctl.cli.n_args = 1;
	assert_int_equal(cmd_show(&place->ctl, &err), -ENOENT);
	assert_non_null(strstr(err.text, "did you mean blake14"));
	args[0] = (char *)"quite-another-one";
	assert_int_equal(cmd_show(&place->ctl, &err), -ENOENT);
	assert_non_null(strstr(err.text, "the 3 there are"));
}

static void export_needs_its_format(void **state)
{
	struct place *place = *state;

	assert_int_equal(cmd_export(&place->ctl, NULL), -EINVAL);
	assert_int_equal(place->ctl.cli.status, CLI_USAGE);
	place->ctl.opt.format = "yaml";
	assert_int_equal(cmd_export(&place->ctl, NULL), -EINVAL);
}

static char *export_to_json(struct place *place)
{
	make_target(place);
	make_stored(place);
	place->ctl.opt.format = "nvmetcli";
	assert_int_equal(cmd_export(&place->ctl, NULL), 0);
	return js_format(place->ctl.cli.result, JS_COMPACT);
}

static void export_names_the_key_file_instead_of_the_key(void **state)
{
	CLEANUP_FREE char *text = export_to_json(*state);

	assert_null(strstr(text, "hush"));
	assert_non_null(strstr(text, "/etc/h.key"));
}

static void export_has_keys_when_they_are_asked_for(void **state)
{
	struct place *place = *state;
	CLEANUP_FREE char *text = NULL;

	place->ctl.opt.with_secrets = true;
	text = export_to_json(place);
	assert_non_null(strstr(text, "DHHC-1:00:hush:"));
}

static void export_to_a_file_is_for_its_owner_alone(void **state)
{
	struct place *place = *state;
	CLEANUP_FREE char *text = NULL;
	char path[128];
	struct stat st;

	make_target(place);
	snprintf(path, sizeof(path), "%s/config.json", place->path);
	place->ctl.opt.format = "nvmetcli";
	place->ctl.opt.output = path;
	assert_int_equal(cmd_export(&place->ctl, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fs_read_file(AT_FDCWD, path, 1 << 20, &text, NULL), 0);
	assert_non_null(strstr(text, "\"nqn\": \"blake14\""));
	snprintf(path, sizeof(path), "%s/none/config.json", place->path);
	assert_int_equal(cmd_export(&place->ctl, NULL), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stored_exports_of_both_directories_are_found),
		TEST(a_broken_file_is_a_warning),
		TEST(directories_that_are_not_there_hold_nothing),
		TEST(one_export_is_read_without_the_files_of_others),
		TEST(a_kept_file_of_another_export_is_a_warning),
		TEST(merged_listeners_have_numbers_and_share_ports),
		TEST(one_stored_export_is_merged_alone),
		TEST(list_has_the_kernels_exports_and_then_stored_ones_once),
		TEST(list_without_a_target_is_empty),
		TEST(an_argument_to_list_is_a_matter_of_usage),
		TEST(show_shows_what_is_asked_for_and_no_keys),
		TEST(show_of_a_wrong_name_says_which_is_near),
		TEST(export_needs_its_format),
		TEST(export_names_the_key_file_instead_of_the_key),
		TEST(export_has_keys_when_they_are_asked_for),
		TEST(export_to_a_file_is_for_its_owner_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
