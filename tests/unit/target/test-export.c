/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "target/attr.h"
#include "target/export-key.h"
#include "target/export.h"

#define NQN "nqn = \"blake14\";\n"
/* Made for tests alone. */
#define KEY "DHHC-1:01:P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tng5+71/AMKERhXJBZR:"

static struct model_object *parsed(const char *text)
{
	struct model_object *root = NULL;
	struct err err = ERR_NULL;

	if (export_parse(text, strlen(text), "a.conf", &root, &err) < 0)
		fail_msg("%s", err.text);
	return root;
}

static char *formatted(const struct model_object *root, const char *nqn)
{
	char *text = NULL;
	struct err err = ERR_NULL;

	if (export_format(root, nqn, &text, &err) < 0)
		fail_msg("%s", err.text);
	return text;
}

/* One line for each thing in the tree. */
static void dump(const struct model_object *object, struct str *text)
{
	char path[MODEL_PATH_MAX];
	size_t i;

	model_path(object, path, sizeof(path));
	str_addf(text, "%s%s%s\n", path, object->exact ? " exact" : "",
		 object->absent ? " absent" : "");
	for (i = 0; i < object->n_attrs; i++)
		str_addf(text, "%s %s=%s%s\n", path, object->attrs[i].name, object->attrs[i].value,
			 object->attrs[i].secret ? " secret" : "");
	for (i = 0; i < object->n_links; i++)
		str_addf(text, "%s -> %s\n", path, object->links[i].name);
	for (i = 0; i < object->n_children; i++)
		dump(object->children[i], text);
}

static void assert_tree(const struct model_object *root, const char *want)
{
	CLEANUP_STR struct str text = STR_NULL;

	dump(root, &text);
	assert_string_equal(str_get(&text), want);
}

static const struct model_object *subsystem_of(const struct model_object *root)
{
	return model_find(root, MODEL_SUBSYSTEM, "blake14");
}

static void assert_refused(const char *text, const char *because)
{
	struct model_object *root = NULL;
	struct err err = ERR_NULL;

	assert_int_equal(export_parse(text, strlen(text), "a.conf", &root, &err), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_null(root);
	if (!strstr(err.text, because))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, because);
}

/* --- parsing */

static void a_name_alone_is_an_export_for_nobody(void **state)
{
	CLEANUP_MODEL struct model_object *root = parsed(NQN);

	(void)state;
	assert_tree(root, "\n"
			  "subsystems/blake14 exact\n"
			  "subsystems/blake14 attr_allow_any_host=0\n");
}

static void reads_a_small_export(void **state)
{
	CLEANUP_MODEL struct model_object *root =
		parsed(NQN "serial = \"s1\"; vendor_id = 0x1b96;\n"
			   "namespaces = ( { device = \"/dev/sda\"; } );\n"
			   "hosts = ( \"h1\" );\n"
			   "listeners = ( { transport = \"tcp\"; address = \"10.0.0.1\"; } );\n");

	(void)state;
	assert_tree(root, "\n"
			  "hosts/h1\n"
			  "subsystems/blake14 exact\n"
			  "subsystems/blake14 attr_serial=s1\n"
			  "subsystems/blake14 attr_vendor_id=7062\n"
			  "subsystems/blake14 attr_allow_any_host=0\n"
			  "subsystems/blake14 -> h1\n"
			  "subsystems/blake14/namespaces/1\n"
			  "subsystems/blake14/namespaces/1 device_path=/dev/sda\n"
			  "subsystems/blake14/namespaces/1 enable=1\n"
			  "ports/65536\n"
			  "ports/65536 addr_trtype=tcp\n"
			  "ports/65536 addr_traddr=10.0.0.1\n"
			  "ports/65536 addr_adrfam=ipv4\n"
			  "ports/65536 addr_trsvcid=4420\n"
			  "ports/65536 -> blake14\n");
}

static void counts_namespaces_and_ports_that_have_no_number(void **state)
{
	CLEANUP_MODEL struct model_object *root =
		parsed(NQN "namespaces = ( { device = \"/a\"; }, { nsid = 7; device = \"/b\"; },\n"
			   "{ device = \"/c\"; }, { nsid = 3; enable = false; } );\n"
			   "listeners = ( { transport = \"tcp\"; address = \"::1\"; },\n"
			   "{ transport = \"loop\"; port_id = 0; },\n"
			   "{ transport = \"rdma\"; address = \"10.0.0.1\"; port = 4421; } );");
	const struct model_object *subsystem = subsystem_of(root);

	(void)state;
	assert_int_equal(subsystem->n_children, 4);
	assert_string_equal(model_get(model_find_id(subsystem, MODEL_NAMESPACE, 8), "device_path"),
			    "/c");
	assert_false(model_is_on(model_find_id(subsystem, MODEL_NAMESPACE, 3), "enable"));
	assert_string_equal(
		model_get(model_find_id(root, MODEL_PORT, MODEL_PORT_UNRESOLVED), "addr_adrfam"),
		"ipv6");
	assert_string_equal(model_get(model_find_id(root, MODEL_PORT, 0), "addr_trtype"), "loop");
	assert_string_equal(model_get(model_find_id(root, MODEL_PORT, MODEL_PORT_UNRESOLVED + 1),
				      "addr_trsvcid"),
			    "4421");
}

static void spells_addresses_in_one_way(void **state)
{
	CLEANUP_MODEL struct model_object *root = parsed(
		NQN
		"listeners = ( { transport = \"tcp\"; address = \"FD00:0::A\"; port = \"4420\"; },"
		"{ transport = \"fc\"; address = \"20000090FA942779:10000090fa942779\"; } );");
	const struct model_object *tcp = model_find_id(root, MODEL_PORT, MODEL_PORT_UNRESOLVED);
	const struct model_object *fc = model_find_id(root, MODEL_PORT, MODEL_PORT_UNRESOLVED + 1);

	(void)state;
	assert_string_equal(model_get(tcp, "addr_traddr"), "fd00::a");
	assert_string_equal(model_get(tcp, "addr_trsvcid"), "4420");
	assert_string_equal(model_get(fc, "addr_traddr"),
			    "nn-0x20000090fa942779:pn-0x10000090fa942779");
	assert_string_equal(model_get(fc, "addr_adrfam"), "fc");
}

static void turns_tls_into_two_attributes(void **state)
{
	CLEANUP_MODEL struct model_object *root =
		parsed(NQN "listeners = ("
			   "{ transport = \"tcp\"; address = \"10.0.0.1\"; tls = \"required\"; },"
			   "{ transport = \"tcp\"; address = \"10.0.0.2\"; tls = \"permitted\"; },"
			   "{ transport = \"tcp\"; address = \"10.0.0.3\"; tls = \"none\"; } );");
	static const char *const tsas[] = { "tls1.3", "tls1.3", "none" };
	static const char *const treq[] = { "required", "not required", "" };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		const struct model_object *port =
			model_find_id(root, MODEL_PORT, MODEL_PORT_UNRESOLVED + (uint32_t)i);

		assert_string_equal(model_text(port, "addr_tsas"), tsas[i]);
		assert_string_equal(model_text(port, "addr_treq"), treq[i]);
	}
}

static void takes_null_for_a_device_that_is_not_set(void **state)
{
	CLEANUP_MODEL struct model_object *root =
		parsed(NQN "namespaces = ( { device = \"(null)\"; enable = false; } );");

	(void)state;
	assert_null(
		model_get(model_find_id(subsystem_of(root), MODEL_NAMESPACE, 1), "device_path"));
}

static void keeps_attributes_it_does_not_know(void **state)
{
	CLEANUP_MODEL struct model_object *root =
		parsed(NQN "attributes = ( { name = \"attr_new\"; value = \"a \\\"b\\\"\"; } );");
	CLEANUP_FREE char *text = formatted(root, "blake14");
	CLEANUP_MODEL struct model_object *again = parsed(text);

	(void)state;
	assert_string_equal(model_get(subsystem_of(again), "attr_new"), "a \"b\"");
}

static void refuses_keys_it_does_not_know(void **state)
{
	(void)state;
	assert_refused(NQN "\nserail = \"x\";",
		       "a.conf:3: unknown key \"serail\": did you mean \"serial\"?");
	assert_refused(NQN "attr_serial = \"x\";", "did you mean \"serial\"?");
	assert_refused(NQN "something_else = 1;", "here may be nqn, allow_any_host, serial,");
	assert_refused(NQN "namespaces = ( { path = \"/dev/sda\"; } );", "unknown key \"path\"");
	assert_refused(NQN "namespaces = ( { device_path = \"/dev/sda\"; } );",
		       "did you mean \"device\"?");
	assert_refused(NQN "hosts = ( { nqn = \"h\"; dhchap_key = \"DHHC-1:\"; } );",
		       "did you mean \"dhchap_key_file\"?");
	assert_refused(NQN "listeners = ( { trtype = \"tcp\"; } );", "unknown key \"trtype\"");
	assert_refused(NQN "passthru = { devise = \"/dev/nvme0\"; };", "did you mean \"device\"?");
}

static void refuses_names_that_are_none(void **state)
{
	(void)state;
	assert_refused("", "nqn is missing");
	assert_refused("nqn = 5;", "a.conf:1: nqn must be a text");
	assert_refused("nqn = \"a/b\";", "a.conf:1: nqn: \"a/b\"");
	assert_refused("nqn = \"nqn.2014-08.org.nvmexpress.discovery\";", "discovery");
	assert_refused(NQN "hosts = ( \"a b\" );", "a.conf:2: the name (NQN) of a host");
	assert_refused(NQN "hosts = ( { } );", "nqn of the host is missing");
	assert_refused(NQN "hosts = ( 5 );", "an element of hosts must be a text");
	assert_refused(NQN "hosts = \"h\";", "hosts must be a list");
	assert_refused(NQN "hosts = ( \"h\", { nqn = \"h\"; } );", "host h stands here twice");
}

static void refuses_values_that_the_kernel_would(void **state)
{
	(void)state;
	assert_refused(NQN "serial = \"123456789012345678901\";",
		       "a.conf:2: serial: attr_serial has 21");
	assert_refused(NQN "serial = 12;", "serial must be a text in double quotes");
	assert_refused(NQN "version = 1.3;", "version must be a text in double quotes");
	assert_refused(NQN "cntlid_max = 65520;",
		       "cntlid_max is 65520, but must be from 1 to 65519");
	assert_refused(NQN "qid_max = 0;", "from 1 to 128");
	assert_refused(NQN "vendor_id = 0x10000;", "from 0 to 65535");
	assert_refused(NQN "allow_any_host = \"yes\";", "allow_any_host must be true or false");
	assert_refused(NQN "model = \"a\\nb\";", "model has a control character");
	assert_refused(NQN "namespaces = ( { device = \"/a\"; uuid = \"123\"; } );",
		       "32 hexadecimal digits");
	assert_refused(NQN "namespaces = ( { device = \"/a\"; ana_group = 128; } );",
		       "from 1 to 127");
	assert_refused(NQN "hosts = ( { nqn = \"h\"; dhchap_hash = \"md5\"; } );", "dhchap_hash");
}

static void refuses_namespaces_that_cannot_be(void **state)
{
	(void)state;
	assert_refused(NQN "namespaces = ( { nsid = 0; device = \"/a\"; } );", "nsid is 0");
	assert_refused(NQN "namespaces = ( { nsid = 4294967295; device = \"/a\"; } );",
		       "nsid is 4294967295");
	assert_refused(NQN "namespaces = ( { nsid = 4294967297; device = \"/a\"; } );",
		       "nsid is 4294967297");
	assert_refused(
		NQN
		"namespaces = ( { nsid = 4294967294; device = \"/a\"; }, { device = \"/b\"; } );",
		"nsid is missing");
	assert_refused(NQN "namespaces = ( { device = \"/a\"; }, { nsid = 1; device = \"/a\"; } );",
		       "namespace 1 stands here twice");
	assert_refused(NQN "namespaces = ( { } );", "a device is missing");
	assert_refused(NQN "namespaces = ( { device = \"sda\"; } );", "must be a full path");
	assert_refused(NQN "namespaces = ( 1 );", "an element of namespaces must be a group");
	assert_refused(NQN "namespaces = 1;", "namespaces must be a list");
	assert_refused(NQN "passthru = { };", "a device is missing");
	assert_refused(NQN "passthru = 1;", "passthru must be a group");
	assert_refused(
		NQN
		"namespaces = ( { device = \"/a\"; } ); passthru = { device = \"/dev/nvme0\"; };",
		"either namespaces or a passthru");
}

static void refuses_access_that_contradicts_itself(void **state)
{
	(void)state;
	assert_refused(NQN "allow_any_host = true;\nhosts = ( \"h\" );",
		       "a.conf:2: allow_any_host = true lets in all hosts");
	assert_refused(NQN "hosts = ( { nqn = \"h\"; dhchap_ctrl_key_file = \"/k\"; } );",
		       "needs dhchap_key_file");
}

static void refuses_a_key_in_the_file_without_showing_it(void **state)
{
	struct model_object *root = NULL;
	struct err err = ERR_NULL;
	static const char text[] =
		NQN "hosts = ( { nqn = \"h\"; dhchap_key_file = \"" KEY "\"; } );";

	(void)state;
	assert_refused(text, "must be the name of a file");
	assert_int_equal(export_parse(text, strlen(text), "a.conf", &root, &err), -EINVAL);
	assert_null(strstr(err.text, "P0ZN"));
	assert_refused(NQN "hosts = ( { nqn = \"h\"; dhchap_key_file = \"\"; } );",
		       "must be a full path");
	assert_refused(NQN "hosts = ( { nqn = \"h\"; dhchap_key_file = \"k\"; } );",
		       "dhchap_key_file is \"k\", but must be a full path");
	assert_refused(
		NQN
		"hosts = ( { nqn = \"h\"; attributes = ( { name = \"dhchap_key\"; value = \"" KEY
		"\"; } ); } );",
		"dhchap_key cannot be set here");
}

static void refuses_listeners_that_cannot_be(void **state)
{
	(void)state;
	assert_refused(NQN "listeners = ( { } );", "transport is missing");
	assert_refused(NQN "listeners = ( { transport = \"udp\"; } );", "rdma|tcp|fc|loop|pci");
	assert_refused(NQN "listeners = ( { transport = \"tcp\"; } );", "address is missing");
	assert_refused(NQN "listeners = ( { transport = \"tcp\"; address = \"10.0.0.256\"; } );",
		       "a.conf:2: address: \"10.0.0.256\" is no address");
	assert_refused(NQN "listeners = ( { transport = \"tcp\"; address = \"blake14\"; } );",
		       "names are not looked up");
	assert_refused(NQN
		       "listeners = ( { transport = \"tcp\"; address = \"::1\"; port = 70000; } );",
		       "port is 70000, but must be from 1 to 65535");
	assert_refused(NQN
		       "listeners = ( { transport = \"tcp\"; address = \"::1\"; port = \"x\"; } );",
		       "a.conf:2: port: port \"x\"");
	assert_refused(
		NQN
		"listeners = ( { transport = \"tcp\"; address = \"::1\"; family = \"ipv4\"; } );",
		"family is ipv4, but ::1 is ipv6");
	assert_refused(NQN "listeners = ( { transport = \"fc\"; address = \"10.0.0.1\"; } );",
		       "no Fibre Channel address");
	assert_refused(NQN "listeners = ( { transport = \"fc\"; } );", "address is missing");
	assert_refused(NQN "listeners = ( { transport = \"loop\"; port_id = 65536; } );",
		       "from 0 to 65535");
	assert_refused(NQN "listeners = ( { transport = \"loop\"; port_id = 1; },"
			   "{ transport = \"tcp\"; address = \"::1\"; port_id = 1; } );",
		       "port 1 stands here twice");
	assert_refused(NQN "listeners = ( { transport = \"tcp\"; address = \"::1\"; },"
			   "{ transport = \"tcp\"; address = \"0::1\"; port = 4420; } );",
		       "listener tcp [::1]:4420 stands here twice");
}

static void refuses_tls_where_there_is_none(void **state)
{
	(void)state;
	assert_refused(
		NQN
		"listeners = ( { transport = \"rdma\"; address = \"::1\"; tls = \"required\"; } );",
		"only tcp has tls");
	assert_refused(
		NQN
		"listeners = ( { transport = \"tcp\"; address = \"::1\"; tls = \"tls1.2\"; } );",
		"must be \"none\", \"required\" or \"permitted\"");
	assert_refused(NQN
		       "listeners = ( { transport = \"tcp\"; address = \"::1\"; tls = \"required\";"
		       " treq = \"not required\"; } );",
		       "contradicts treq");
}

static void refuses_groups_and_referrals_that_cannot_be(void **state)
{
#define PORT NQN "listeners = ( { transport = \"loop\"; "
	(void)state;
	assert_refused(PORT "ana_groups = ( { id = 128; state = \"change\"; } ); } );",
		       "from 1 to 127");
	assert_refused(PORT "ana_groups = ( { state = \"change\"; } ); } );",
		       "id of the ANA group is missing");
	assert_refused(PORT "ana_groups = ( { id = 2; } ); } );",
		       "state of ANA group 2 is missing");
	assert_refused(PORT "ana_groups = ( { id = 2; state = \"good\"; } ); } );",
		       "optimized|non-optimized");
	assert_refused(PORT "referrals = ( { transport = \"loop\"; } ); } );",
		       "name of the referral is missing");
	assert_refused(PORT "referrals = ( { name = \"../x\"; transport = \"loop\"; } ); } );",
		       "is no name");
	assert_refused(PORT "referrals = ( { name = \"x\"; transport = \"tcp\"; } ); } );",
		       "address is missing");
	assert_refused(PORT "referrals = ( { name = \"x\"; transport = \"loop\"; },"
			    "{ name = \"x\"; transport = \"loop\"; } ); } );",
		       "referral x stands here twice");
}

static void refuses_attributes_that_have_a_key_or_no_name(void **state)
{
#define ATTR(name, value) NQN "attributes = ( { name = " name "; value = " value "; } );"
	(void)state;
	assert_refused(ATTR("\"attr_serial\"", "\"1\""), "has a key of its own: \"serial\"");
	assert_refused(ATTR("\"../x\"", "\"1\""), "is no name of an attribute");
	assert_refused(ATTR("\"a/b\"", "\"1\""), "is no name of an attribute");
	assert_refused(ATTR("\"\"", "\"1\""), "is no name of an attribute");
	assert_refused(ATTR("\"x_file\"", "\"1\""), "cannot be set here");
	assert_refused(ATTR("\"attr_new\"", "1"), "value must be a text");
	assert_refused(NQN "attributes = ( { name = \"a\"; } );", "has a name and a value");
	assert_refused(
		NQN
		"attributes = ( { name = \"a\"; value = \"1\"; }, { name = \"a\"; value = \"2\"; } );",
		"attribute a stands here twice");
}

/* --- the delivered sample, round trips */

static char *sample_text(void)
{
	char *text = NULL;

	assert_int_equal(fs_read_file(AT_FDCWD, "conf/export.conf.sample", 1 << 20, &text, NULL),
			 0);
	return text;
}

#define SAMPLE_NQN "nqn.2026-01.org.example:blake14"

static void assert_round_trip(const struct model_object *root, const char *nqn)
{
	CLEANUP_FREE char *text = formatted(root, nqn);
	CLEANUP_MODEL struct model_object *again = parsed(text);
	CLEANUP_FREE char *text_again = formatted(again, nqn);
	CLEANUP_STR struct str want = STR_NULL;

	dump(root, &want);
	/* attributes may stand in another order: compare sorted by what the writer makes of it */
	assert_string_equal(text_again, text);
	assert_int_equal(again->n_children, root->n_children);
}

static void reads_the_delivered_sample(void **state)
{
	CLEANUP_FREE char *text = sample_text();
	CLEANUP_MODEL struct model_object *root = parsed(text);
	const struct model_object *subsystem = model_find(root, MODEL_SUBSYSTEM, SAMPLE_NQN);

	(void)state;
	assert_int_equal(subsystem->n_children, 2);
	assert_int_equal(subsystem->n_links, 2);
	assert_string_equal(model_get(model_find_id(root, MODEL_PORT, 14), "param_mdts"), "8");
	assert_string_equal(
		model_get(model_find_id(root, MODEL_PORT, MODEL_PORT_UNRESOLVED), "addr_treq"),
		"required");
	assert_round_trip(root, SAMPLE_NQN);
}

/* What is commented out in it must be right as well, and no key may be forgotten. */
static void the_sample_shows_every_key(void **state)
{
	CLEANUP_FREE char *text = sample_text();
	enum model_kind kind;

	(void)state;
	for (kind = MODEL_HOST; kind <= MODEL_REFERRAL; kind++) {
		const struct export_key *key;
		unsigned int i;

		for (i = 0; (key = export_key_at(kind, i)); i++) {
			char line[64];

			snprintf(line, sizeof(line), "%s = ", key->key);
			if (!strstr(text, line) && strcmp(key->key, "family") != 0)
				fail_msg("%s is not in conf/export.conf.sample", key->key);
		}
	}
}

static void the_commented_parts_of_the_sample_are_right(void **state)
{
	CLEANUP_FREE char *text = sample_text();
	CLEANUP_STR struct str active = STR_NULL;
	CLEANUP_MODEL struct model_object *root = NULL;
	const char *line;

	(void)state;
	str_add(&active, NQN);
	for (line = text; line && *line; line = strchr(line, '\n') + 1)
		if (line[0] == '#' && line[1] != ' ' && line[1] != '\n')
			str_add_n(&active, line + 1, strcspn(line, "\n"));
	root = parsed(str_get(&active));
	assert_string_equal(
		model_get(model_find(subsystem_of(root), MODEL_PASSTHRU, "passthru"), "io_timeout"),
		"30");
	assert_string_equal(model_get(subsystem_of(root), "attr_new"), "1");
	assert_round_trip(root, "blake14");
}

static void every_known_attribute_has_a_key(void **state)
{
	static const char *const without[] = { "dhchap_key", "dhchap_ctrl_key", "revalidate_size" };
	enum model_kind kind;

	(void)state;
	for (kind = MODEL_HOST; kind <= MODEL_REFERRAL; kind++) {
		const struct attr_info *info;
		unsigned int i;

		for (i = 0; (info = attr_at(kind, i)); i++) {
			size_t k;
			bool found = export_key_of(kind, info->name) != NULL;

			for (k = 0; k < 3; k++)
				found |= strcmp(without[k], info->name) == 0;
			if (!found)
				fail_msg("%s has no key", info->name);
		}
	}
}

static void writes_what_a_person_would(void **state)
{
	CLEANUP_MODEL struct model_object *root = parsed(
		NQN "allow_any_host = true;\n"
		    "namespaces = ( { nsid = 4294967294; device = \"/dev/x\\\"y\\\\z\"; } );\n"
		    "listeners = ( { transport = \"rdma\"; address = \"10.0.0.1\"; port_id = 3;\n"
		    "ana_groups = ( { id = 2; state = \"change\"; } ); } );");
	CLEANUP_FREE char *text = formatted(root, "blake14");

	(void)state;
	assert_string_equal(strstr(text, "nqn = "), "nqn = \"blake14\";\n"
						    "allow_any_host = true;\n"
						    "\n"
						    "namespaces = (\n"
						    "\t{\n"
						    "\t\tnsid = 4294967294;\n"
						    "\t\tdevice = \"/dev/x\\\"y\\\\z\";\n"
						    "\t}\n"
						    ");\n"
						    "\n"
						    "listeners = (\n"
						    "\t{\n"
						    "\t\tport_id = 3;\n"
						    "\t\ttransport = \"rdma\";\n"
						    "\t\taddress = \"10.0.0.1\";\n"
						    "\t\tport = 4420;\n"
						    "\t\tana_groups = (\n"
						    "\t\t\t{\n"
						    "\t\t\t\tid = 2;\n"
						    "\t\t\t\tstate = \"change\";\n"
						    "\t\t\t}\n"
						    "\t\t);\n"
						    "\t}\n"
						    ");\n");
	assert_int_equal(text[0], '#');
}

static void writes_only_what_belongs_to_the_export(void **state)
{
	CLEANUP_MODEL struct model_object *root = parsed(NQN "hosts = ( \"h1\" );");
	CLEANUP_FREE char *text = NULL;
	struct model_object *port = model_add_id(root, MODEL_PORT, 5);

	(void)state;
	model_add(root, MODEL_HOST, "h2");
	model_set(port, "addr_trtype", "loop");
	model_link(port, "other", false);
	model_link(model_find(root, MODEL_SUBSYSTEM, "blake14"), "h3", true);
	text = formatted(root, "blake14");
	assert_null(strstr(text, "h2"));
	assert_null(strstr(text, "h3"));
	assert_null(strstr(text, "listeners"));
	assert_non_null(strstr(text, "hosts = (\n\t\"h1\"\n);\n"));
}

static void never_writes_a_key(void **state)
{
	CLEANUP_MODEL struct model_object *root = parsed(NQN "hosts = ( \"h\" );");
	struct model_object *host = model_find(root, MODEL_HOST, "h");
	CLEANUP_FREE char *text = NULL;
	struct err err = ERR_NULL;

	(void)state;
	model_set_secret(host, "dhchap_key", KEY);
	assert_int_equal(export_format(root, "blake14", &text, &err), -ENOKEY);
	assert_null(text);
	assert_non_null(strstr(err.text, "host h has a key"));
	assert_null(strstr(err.text, "P0ZN"));
	model_set(host, EXPORT_KEY_FILE, "keys/h.key");
	text = formatted(root, "blake14");
	assert_null(strstr(text, "P0ZN"));
	assert_non_null(strstr(text, "dhchap_key_file = \"keys/h.key\";"));
}

static void says_what_a_file_cannot_hold(void **state)
{
	CLEANUP_MODEL struct model_object *root = parsed(NQN);
	struct model_object *subsystem = model_find(root, MODEL_SUBSYSTEM, "blake14");
	char *text = NULL;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(export_format(root, "other", &text, &err), -ENOENT);
	model_set(subsystem, "attr_model", "a\nb");
	assert_int_equal(export_format(root, "blake14", &text, &err), -EINVAL);
	assert_string_equal(err.text, "subsystem blake14: attr_model has a control character");
	model_set(subsystem, "attr_model", "a");
	model_set(subsystem, "attr_qid_max", "many");
	assert_int_equal(export_format(root, "blake14", &text, &err), -EINVAL);
	model_set(subsystem, "attr_qid_max", "1");
	model_set(subsystem, "attr_tbkas", "2");
	assert_int_equal(export_format(root, "blake14", &text, &err), -EINVAL);
	model_set(subsystem, "attr_tbkas", "1");
	model_set(subsystem, "attr_allow_any_host", "1");
	model_link(subsystem, "h", false);
	assert_int_equal(export_format(root, "blake14", &text, &err), -EINVAL);
	assert_null(text);
}

/* --- a part of the actual tree */

static struct model_object *actual_tree(void)
{
	struct model_object *root = model_new();
	struct model_object *subsystem = model_add(root, MODEL_SUBSYSTEM, "blake14");
	struct model_object *ns = model_add_id(subsystem, MODEL_NAMESPACE, 1);
	struct model_object *passthru = model_add(subsystem, MODEL_PASSTHRU, "passthru");
	struct model_object *port = model_add_id(root, MODEL_PORT, 3);
	struct model_object *host = model_add(root, MODEL_HOST, "h1");

	model_add(root, MODEL_HOST, "unused");
	model_add(root, MODEL_SUBSYSTEM, "other");
	model_set(host, "dhchap_hash", "hmac(sha256)");
	model_set(host, "dhchap_dhgroup", "null");
	model_set_secret(host, "dhchap_key", "");
	model_set(subsystem, "attr_serial", "abc                 ");
	model_set(subsystem, "attr_model", "Linux");
	model_set(subsystem, "attr_version", "2.1");
	model_set(subsystem, "attr_firmware", "7.3.4");
	model_set(subsystem, "attr_ieee_oui", "0x000000");
	model_set(subsystem, "attr_qid_max", "64");
	model_set(subsystem, "attr_newer", "1");
	model_set(subsystem, "attr_allow_any_host", "0");
	model_link(subsystem, "h1", false);
	model_set(ns, "device_path", "/dev/sda");
	model_set(ns, "device_nguid", "00000000-0000-0000-0000-000000000000");
	model_set(ns, "device_uuid", "3f9b0b52-8d6e-4c0a-9a41-6b2f7f3c1e14");
	model_set(ns, "ana_grpid", "1");
	model_set(ns, "enable", "1");
	model_set(passthru, "device_path", "(null)");
	model_set(passthru, "enable", "0");
	model_set(port, "addr_trtype", "tcp");
	model_set(port, "addr_adrfam", "ipv4");
	model_set(port, "addr_traddr", "10.0.0.1");
	model_set(port, "addr_trsvcid", "4420");
	model_set(port, "addr_treq", "not specified");
	model_set(port, "addr_tsas", "none");
	model_set(port, "param_inline_data_size", "16384");
	model_set(port, "param_max_queue_size", "128");
	model_set(model_add_id(port, MODEL_ANA_GROUP, 1), "ana_state", "optimized");
	model_set(model_add_id(port, MODEL_ANA_GROUP, 2), "ana_state", "inaccessible");
	model_link(port, "blake14", false);
	model_link(port, "other", false);
	return root;
}

static struct model_object *cut_of(const struct model_object *actual,
				   const struct model_object *old)
{
	struct model_object *root = NULL;
	struct err err = ERR_NULL;

	if (export_cut(actual, "blake14", old, &root, &err) < 0)
		fail_msg("%s", err.text);
	return root;
}

static void cuts_out_what_differs_from_the_kernels_defaults(void **state)
{
	CLEANUP_MODEL struct model_object *actual = actual_tree();
	CLEANUP_MODEL struct model_object *root = cut_of(actual, NULL);

	(void)state;
	assert_tree(
		root,
		"\n"
		"hosts/h1\n"
		"subsystems/blake14 exact\n"
		"subsystems/blake14 attr_serial=abc\n"
		"subsystems/blake14 attr_qid_max=64\n"
		"subsystems/blake14 attr_allow_any_host=0\n"
		"subsystems/blake14 -> h1\n"
		"subsystems/blake14/namespaces/1\n"
		"subsystems/blake14/namespaces/1 device_path=/dev/sda\n"
		"subsystems/blake14/namespaces/1 device_nguid=00000000-0000-0000-0000-000000000000\n"
		"subsystems/blake14/namespaces/1 device_uuid=3f9b0b52-8d6e-4c0a-9a41-6b2f7f3c1e14\n"
		"subsystems/blake14/namespaces/1 enable=1\n"
		"ports/3\n"
		"ports/3 addr_trtype=tcp\n"
		"ports/3 addr_adrfam=ipv4\n"
		"ports/3 addr_traddr=10.0.0.1\n"
		"ports/3 addr_trsvcid=4420\n"
		"ports/3 -> blake14\n"
		"ports/3/ana_groups/2\n"
		"ports/3/ana_groups/2 ana_state=inaccessible\n");
	assert_round_trip(root, "blake14");
}

static void keeps_what_was_asked_for_before(void **state)
{
	CLEANUP_MODEL struct model_object *actual = actual_tree();
	CLEANUP_MODEL struct model_object *old = parsed(
		NQN
		"version = \"2.1\"; firmware = \"x\"; qid_max = 128; tbkas = true;\n"
		"made_by = \"collector\";\n"
		"attributes = ( { name = \"attr_newer\"; value = \"0\"; } );\n"
		"hosts = ( { nqn = \"h1\"; dhchap_dhgroup = \"null\"; } );\n"
		"listeners = ( { transport = \"tcp\"; address = \"10.0.0.1\"; max_queue_size = 5; } );");
	CLEANUP_MODEL struct model_object *root = cut_of(actual, old);
	const struct model_object *port = model_find_id(root, MODEL_PORT, 3);

	(void)state;
	assert_string_equal(model_get(subsystem_of(root), "attr_version"), "2.1");
	assert_string_equal(model_get(subsystem_of(root), "attr_firmware"), "x");
	assert_string_equal(model_get(subsystem_of(root), "attr_qid_max"), "64");
	assert_string_equal(model_get(subsystem_of(root), "attr_tbkas"), "1");
	assert_string_equal(model_get(subsystem_of(root), "attr_newer"), "1");
	assert_string_equal(model_get(model_find(root, MODEL_HOST, "h1"), "dhchap_dhgroup"),
			    "null");
	assert_string_equal(model_get(port, "param_max_queue_size"), "5");
	assert_null(model_get(port, "param_inline_data_size"));
	assert_string_equal(model_get(subsystem_of(root), EXPORT_MADE_BY), EXPORT_BY_COLLECTOR);
	assert_round_trip(root, "blake14");
}

static void cuts_keys_down_to_their_files(void **state)
{
	CLEANUP_MODEL struct model_object *actual = actual_tree();
	CLEANUP_MODEL struct model_object *old =
		parsed(NQN "hosts = ( { nqn = \"h1\"; dhchap_key_file = \"/keys/h1\"; } );");
	CLEANUP_MODEL struct model_object *root = NULL;
	struct err err = ERR_NULL;

	(void)state;
	model_set_secret(model_find(actual, MODEL_HOST, "h1"), "dhchap_key", KEY);
	assert_int_equal(export_cut(actual, "blake14", NULL, &root, &err), -ENOKEY);
	assert_null(root);
	assert_non_null(strstr(err.text, "host h1 has a key (dhchap_key)"));
	root = cut_of(actual, old);
	assert_null(model_get(model_find(root, MODEL_HOST, "h1"), "dhchap_key"));
	assert_string_equal(model_get(model_find(root, MODEL_HOST, "h1"), EXPORT_KEY_FILE),
			    "/keys/h1");
}

static void keeps_the_file_of_a_key_that_was_just_given(void **state)
{
	CLEANUP_MODEL struct model_object *actual = actual_tree();
	CLEANUP_MODEL struct model_object *asked =
		parsed(NQN "hosts = ( { nqn = \"h1\"; dhchap_key_file = \"/keys/new\"; } );");
	CLEANUP_MODEL struct model_object *root = NULL;

	(void)state;
	/* what will be there: the kernel's tree and the wish, in one */
	model_set_secret(model_find(actual, MODEL_HOST, "h1"), "dhchap_key", KEY);
	model_set(model_find(actual, MODEL_HOST, "h1"), EXPORT_KEY_FILE, "/keys/new");
	root = cut_of(actual, asked);
	assert_string_equal(model_get(model_find(root, MODEL_HOST, "h1"), EXPORT_KEY_FILE),
			    "/keys/new");
}

static void cuts_a_passthru_only_with_a_device(void **state)
{
	CLEANUP_MODEL struct model_object *actual = actual_tree();
	struct model_object *subsystem = model_find(actual, MODEL_SUBSYSTEM, "blake14");
	CLEANUP_MODEL struct model_object *root = NULL;

	(void)state;
	model_free(model_find_id(subsystem, MODEL_NAMESPACE, 1));
	model_set(model_find(subsystem, MODEL_PASSTHRU, "passthru"), "device_path", "/dev/nvme0");
	root = cut_of(actual, NULL);
	assert_string_equal(model_get(model_find(subsystem_of(root), MODEL_PASSTHRU, "passthru"),
				      "device_path"),
			    "/dev/nvme0");
	assert_round_trip(root, "blake14");
}

static void cuts_nothing_of_an_export_that_is_not_there(void **state)
{
	CLEANUP_MODEL struct model_object *actual = actual_tree();
	struct model_object *root = NULL;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(export_cut(actual, "blake15", NULL, &root, &err), -ENOENT);
	assert_null(root);
	assert_non_null(strstr(err.text, "blake15"));
}

/* --- files */

struct fixture {
	char path[64];
	int fd;
};

static int setup(void **state)
{
	static struct fixture fixture;

	snprintf(fixture.path, sizeof(fixture.path), "/tmp/test-export-XXXXXX");
	assert_non_null(mkdtemp(fixture.path));
	fixture.fd = open(fixture.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fixture.fd >= 0);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	char command[128];

	close(fixture->fd);
	snprintf(command, sizeof(command), "rm -rf %s", fixture->path);
	return system(command);
}

static int dir_of(void **state)
{
	return ((struct fixture *)*state)->fd;
}

static void put_file(void **state, const char *name, const char *text)
{
	assert_int_equal(fs_replace_file(dir_of(state), name, text, strlen(text), 0600), 0);
}

static void names_files_after_exports(void **state)
{
	char name[EXPORT_NAME_MAX];
	char nqn[224];

	(void)state;
	assert_int_equal(export_path_name("nqn.2026-01.org.example:b", name, sizeof(name)), 0);
	assert_string_equal(name, "nqn.2026-01.org.example:b.conf");
	assert_int_equal(export_path_name(".a.b%/", name, sizeof(name)), 0);
	assert_string_equal(name, "%2Ea.b%25%2F.conf");
	memset(nqn, 'a', sizeof(nqn));
	nqn[223] = '\0';
	assert_int_equal(export_path_name(nqn, name, sizeof(name)), 0);
	memset(nqn, '%', 223);
	assert_int_equal(export_path_name(nqn, name, sizeof(name)), -ENAMETOOLONG);
	assert_int_equal(export_path_name("blake14", name, 12), -ENAMETOOLONG);
	assert_int_equal(export_path_name("blake14", name, 13), 0);
}

static void stores_loads_and_removes_an_export(void **state)
{
	CLEANUP_MODEL struct model_object *root = NULL;
	struct err err = ERR_NULL;
	struct stat st;

	assert_int_equal(export_store(dir_of(state), "blake14", NQN, NULL), 0);
	assert_int_equal(fstatat(dir_of(state), "blake14.conf", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(export_load_one(dir_of(state), "exports", "blake14", &root, NULL), 0);
	assert_non_null(subsystem_of(root));
	assert_int_equal(export_unlink(dir_of(state), "blake14", NULL), 0);
	assert_int_equal(export_unlink(dir_of(state), "blake14", &err), -ENOENT);
	assert_non_null(strstr(err.text, "blake14.conf"));
	model_free(TAKE_PTR(root));
	assert_int_equal(export_load_one(dir_of(state), "exports", "blake14", &root, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "exports/blake14.conf: "));
}

static void refuses_the_file_of_another_export(void **state)
{
	struct model_object *root = NULL;
	struct err err = ERR_NULL;

	put_file(state, "blake15.conf", NQN);
	assert_int_equal(export_load_one(dir_of(state), "exports", "blake15", &root, &err),
			 -EINVAL);
	assert_null(root);
	assert_non_null(
		strstr(err.text, "is the file of export blake15, but has nqn = \"blake14\""));
}

static void a_broken_file_hides_no_other(void **state)
{
	CLEANUP_EXPORT_LIST struct export_list list = EXPORT_LIST_NULL;

	put_file(state, "a.conf", "nqn = \"a\";");
	put_file(state, "b.conf", "nqn = ;");
	put_file(state, "c.conf", "nqn = \"c\";");
	put_file(state, "d.conf", "nqn = \"a\";");
	put_file(state, ".conf", "");
	put_file(state, ".hidden.conf", "");
	put_file(state, "c.conf.tmp-1", "");
	put_file(state, "README", "");
	assert_int_equal(export_load_dir(dir_of(state), "exports", &list, NULL), 0);
	assert_int_equal(list.count, 4);
	assert_int_equal(list.n_broken, 2);
	assert_string_equal(list.items[0].nqn, "a");
	assert_non_null(list.items[0].wanted);
	assert_null(list.items[1].nqn);
	assert_null(list.items[1].wanted);
	assert_int_equal(list.items[1].code, -EBADMSG);
	assert_non_null(strstr(list.items[1].error, "exports/b.conf:1: "));
	assert_string_equal(list.items[2].nqn, "c");
	assert_int_equal(list.items[3].code, -EEXIST);
	assert_string_equal(list.items[3].error,
			    "exports/d.conf: export a is in a.conf already: remove one");
}

static void a_directory_without_files_is_an_empty_list(void **state)
{
	CLEANUP_EXPORT_LIST struct export_list list = EXPORT_LIST_NULL;
	struct err err = ERR_NULL;

	assert_int_equal(export_load_dir(dir_of(state), "exports", &list, NULL), 0);
	assert_int_equal(list.count, 0);
	assert_int_equal(export_load_dir(-1, "exports", &list, &err), -EBADF);
	assert_non_null(strstr(err.text, "exports: "));
}

static void turns_key_files_into_secrets(void **state)
{
	CLEANUP_MODEL struct model_object *root = parsed(NQN "hosts = ( \"h0\", \"h1\" );");
	struct model_object *host = model_find(root, MODEL_HOST, "h1");

	/* relative, for the directory of the test */
	model_set(host, EXPORT_KEY_FILE, "k1");
	model_set(host, EXPORT_CTRL_KEY_FILE, "k2");
	put_file(state, "k1", KEY "\n");
	put_file(state, "k2", KEY "\n");
	assert_int_equal(export_load_keys(dir_of(state), root, NULL), 0);
	assert_string_equal(model_get(host, "dhchap_key"), KEY);
	assert_string_equal(model_get(host, "dhchap_ctrl_key"), KEY);
	assert_true(host->attrs[2].secret && host->attrs[3].secret);
	assert_string_equal(model_get(host, EXPORT_KEY_FILE), "k1");
}

static void names_the_host_whose_key_file_is_refused(void **state)
{
	CLEANUP_MODEL struct model_object *root = parsed(NQN "hosts = ( \"h1\" );");
	struct err err = ERR_NULL;

	model_set(model_find(root, MODEL_HOST, "h1"), EXPORT_KEY_FILE, "k1");
	assert_int_equal(export_load_keys(dir_of(state), root, &err), -ENOENT);
	assert_non_null(strstr(err.text, "host h1: key file k1: "));
	put_file(state, "k1", KEY);
	assert_int_equal(fchmodat(dir_of(state), "k1", 0644, 0), 0);
	assert_int_equal(export_load_keys(dir_of(state), root, &err), -EPERM);
	assert_non_null(strstr(err.text, "chmod 0600 k1"));
	assert_null(model_get(model_find(root, MODEL_HOST, "h1"), "dhchap_key"));
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_alone_is_an_export_for_nobody),
		cmocka_unit_test(reads_a_small_export),
		cmocka_unit_test(counts_namespaces_and_ports_that_have_no_number),
		cmocka_unit_test(spells_addresses_in_one_way),
		cmocka_unit_test(turns_tls_into_two_attributes),
		cmocka_unit_test(takes_null_for_a_device_that_is_not_set),
		cmocka_unit_test(keeps_attributes_it_does_not_know),
		cmocka_unit_test(refuses_keys_it_does_not_know),
		cmocka_unit_test(refuses_names_that_are_none),
		cmocka_unit_test(refuses_values_that_the_kernel_would),
		cmocka_unit_test(refuses_namespaces_that_cannot_be),
		cmocka_unit_test(refuses_access_that_contradicts_itself),
		cmocka_unit_test(refuses_a_key_in_the_file_without_showing_it),
		cmocka_unit_test(refuses_listeners_that_cannot_be),
		cmocka_unit_test(refuses_tls_where_there_is_none),
		cmocka_unit_test(refuses_groups_and_referrals_that_cannot_be),
		cmocka_unit_test(refuses_attributes_that_have_a_key_or_no_name),
		cmocka_unit_test(reads_the_delivered_sample),
		cmocka_unit_test(the_sample_shows_every_key),
		cmocka_unit_test(the_commented_parts_of_the_sample_are_right),
		cmocka_unit_test(every_known_attribute_has_a_key),
		cmocka_unit_test(writes_what_a_person_would),
		cmocka_unit_test(writes_only_what_belongs_to_the_export),
		cmocka_unit_test(never_writes_a_key),
		cmocka_unit_test(says_what_a_file_cannot_hold),
		cmocka_unit_test(cuts_out_what_differs_from_the_kernels_defaults),
		cmocka_unit_test(keeps_what_was_asked_for_before),
		cmocka_unit_test(cuts_keys_down_to_their_files),
		cmocka_unit_test(keeps_the_file_of_a_key_that_was_just_given),
		cmocka_unit_test(cuts_a_passthru_only_with_a_device),
		cmocka_unit_test(cuts_nothing_of_an_export_that_is_not_there),
		cmocka_unit_test(names_files_after_exports),
		WITH_FILES(stores_loads_and_removes_an_export),
		WITH_FILES(refuses_the_file_of_another_export),
		WITH_FILES(a_broken_file_hides_no_other),
		WITH_FILES(a_directory_without_files_is_an_empty_list),
		WITH_FILES(turns_key_files_into_secrets),
		WITH_FILES(names_the_host_whose_key_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
