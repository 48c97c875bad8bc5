/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/view.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "target/attr.h"
#include "target/export.h"

#define INDENT "  "
#define WRAP_AT 96
#define PROGRAM "nvmet-sunfishctl"

/* --- attributes without a column of their own: "qid_max=128 version=1.3" */

struct options {
	struct str text;
	size_t wrap_at; /* 0: one line */
	size_t column;
};

/* attr_ and param_ are in all names of a kind */
static const char *short_name(const char *name)
{
	if (strncmp(name, "attr_", 5) == 0)
		return name + 5;
	return strncmp(name, "param_", 6) == 0 ? name + 6 : name;
}

static void add_option(void *data, const char *name, const char *value)
{
	struct options *options = data;
	size_t length = strlen(short_name(name)) + 1 + strlen(value);
	bool wraps = options->wrap_at && options->column + 1 + length > options->wrap_at;

	if (options->text.length)
		str_add(&options->text, wraps ? "\n" INDENT INDENT : " ");
	options->column = wraps || !options->column ? strlen(INDENT INDENT) + length
						    : options->column + 1 + length;
	str_add_clean(&options->text, short_name(name));
	str_add(&options->text, "=");
	str_add_clean(&options->text, value);
}

/* Only what is not as it is without having been asked for. */
static void add_if_set(void *data, const char *name, const char *value)
{
	if (*value && strcmp(value, "0") != 0 && strcmp(value, "-1") != 0)
		add_option(data, name, value);
}

static void add_options(struct table *table, const struct model_object *object,
			const char *const *but)
{
	struct options options = { .text = STR_NULL };

	view_each_attr(object, but, add_if_set, &options);
	table_add(table, str_get(&options.text));
	table->failed = table->failed || options.text.failed;
	str_deinit(&options.text);
}

/* --- what a person should know */

static void hint(struct str *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void hint(struct str *text, const char *format, ...)
{
	CLEANUP_FREE char *line = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&line, format, args) < 0)
		line = NULL;
	va_end(args);
	if (!line) {
		text->failed = true;
		return;
	}
	str_add(text, INDENT "! ");
	str_add_clean(text, line);
	str_add(text, "\n");
}

static void hint_access(const struct view_export *export, struct str *text)
{
	const struct model_object *subsystem = export->subsystem;

	if (model_is_on(subsystem, "attr_allow_any_host"))
		hint(text, "any host may connect; to restrict it: " PROGRAM " host add %s HOSTNQN",
		     subsystem->name);
	else if (subsystem->n_links == 0)
		hint(text, "nobody may connect; to allow a host: " PROGRAM " host add %s HOSTNQN",
		     subsystem->name);
}

static void hint_namespaces(const struct view_export *export, struct str *text)
{
	const char *nqn = export->subsystem->name;
	const struct model_object *passthru =
		model_find(export->subsystem, MODEL_PASSTHRU, "passthru");
	const struct model_object *namespace;
	bool has_passthru = passthru && view_device(passthru);
	bool has_any = false;
	size_t i = 0;

	while ((namespace = model_next(export->subsystem, MODEL_NAMESPACE, &i))) {
		has_any = true;
		if (strcmp(model_text(namespace, "enable"), "0") == 0)
			hint(text,
			     "namespace %s is disabled, hosts do not see it; to enable it: " PROGRAM
			     " namespace enable %s %s",
			     namespace->name, nqn, namespace->name);
	}
	if (has_passthru && strcmp(model_text(passthru, "enable"), "0") == 0)
		hint(text, "the passthru controller is disabled, hosts see no drive");
	if (!has_any && !has_passthru)
		hint(text, "no drive; to add one: " PROGRAM " namespace add %s --dev PATH", nqn);
}

static void add_hints(const struct view_export *export, struct str *text)
{
	const char *nqn = export->subsystem->name;
	size_t none = 0;

	if (!export->sessions)
		hint(text, "stored, but not exported; to export it: " PROGRAM " restore %s", nqn);
	else if (!export->stored)
		hint(text,
		     "not stored, so it is gone after a reboot; to keep it: " PROGRAM " save %s",
		     nqn);
	hint_access(export, text);
	hint_namespaces(export, text);
	if (!view_next_port(export, &none))
		hint(text,
		     "no listener, so no host can reach it; to add one: " PROGRAM
		     " listener add %s --rdma ADDRESS",
		     nqn);
}

/* --- tables */

static void add_table(struct table *table, struct str *text)
{
	if (table->n_cells <= table->n_columns && !table->failed)
		return;
	str_add(text, "\n");
	table_format(table, INDENT, text);
}

static void start_table(struct table *table, const char *const *names)
{
	for (; *names; names++)
		table_add(table, *names);
}

/* Where the drive is found now, and how large. */
static void add_drive(struct table *table, const char *path)
{
	char node[VIEW_NODE_MAX] = "";
	char text[STR_SIZE_MAX];
	uint64_t bytes;
	int r = path ? view_device_now(path, &bytes, node) : -EINVAL;

	table_add(table, node);
	if (r == 0)
		table_add(table, str_format_size(bytes, text));
	else
		table_add(table, r == -ENOENT ? "missing" : "");
}

static void add_namespace(struct table *table, const struct model_object *namespace)
{
	static const char *const but[] = { "device_path", "device_uuid",  "enable",
					   "ana_grpid",	  "device_nguid", NULL };
	/* what is only another spelling of the UUID, or was never given, would be noise */
	static const char *const but_nguid[] = { "device_path", "device_uuid", "enable",
						 "ana_grpid", NULL };
	const char *nguid = model_text(namespace, "device_nguid");
	bool is_noise = attr_is_same(MODEL_NAMESPACE, "device_nguid", nguid,
				     model_text(namespace, "device_uuid")) ||
			nguid[strspn(nguid, "0-")] == '\0';

	table_add(table, namespace->name);
	table_add(table, view_device(namespace));
	add_drive(table, view_device(namespace));
	table_add(table,
		  strcmp(model_text(namespace, "enable"), "0") == 0 ? "disabled" : "enabled");
	table_add(table, model_text(namespace, "device_uuid"));
	table_add(table, model_text(namespace, "ana_grpid"));
	add_options(table, namespace, is_noise ? but : but_nguid);
}

static void add_namespaces(const struct view_export *export, struct str *text)
{
	static const char *const names[] = { "NSID", "DEVICE", "NOW",	  "SIZE", "STATE",
					     "UUID", "ANA",    "OPTIONS", NULL };
	CLEANUP_TABLE struct table table = TABLE(8);
	const struct model_object *namespace;
	size_t i = 0;

	start_table(&table, names);
	while ((namespace = model_next(export->subsystem, MODEL_NAMESPACE, &i)))
		add_namespace(&table, namespace);
	add_table(&table, text);
}

static void add_passthru(const struct view_export *export, struct str *text)
{
	static const char *const names[] = { "PASSTHRU", "STATE", "OPTIONS", NULL };
	static const char *const own[] = { "device_path", "enable", NULL };
	CLEANUP_TABLE struct table table = TABLE(3);
	const struct model_object *passthru =
		model_find(export->subsystem, MODEL_PASSTHRU, "passthru");

	if (!passthru || !view_device(passthru))
		return;
	start_table(&table, names);
	table_add(&table, view_device(passthru));
	table_add(&table,
		  strcmp(model_text(passthru, "enable"), "0") == 0 ? "disabled" : "enabled");
	add_options(&table, passthru, own);
	add_table(&table, text);
}

static void add_ana_groups(struct table *table, const struct model_object *port)
{
	CLEANUP_STR struct str text = STR_NULL;
	const struct model_object *group;
	size_t i = 0;

	while ((group = model_next(port, MODEL_ANA_GROUP, &i)))
		str_addf(&text, "%s%s %s", text.length ? ", " : "", group->name,
			 model_text(group, "ana_state"));
	table_add(table, str_get(&text));
	table->failed = table->failed || text.failed;
}

static void add_listener(struct table *table, const struct model_object *port)
{
	CLEANUP_STR struct str text = STR_NULL;

	view_listener(port, &text);
	table_add(table, str_get(&text));
	table->failed = table->failed || text.failed;
}

static void add_listeners(const struct view_export *export, struct str *text)
{
	static const char *const names[] = { "PORT",	   "LISTENER", "TLS",
					     "ANA GROUPS", "OPTIONS",  NULL };
	CLEANUP_TABLE struct table table = TABLE(5);
	const struct model_object *port;
	size_t i = 0;

	start_table(&table, names);
	while ((port = view_next_port(export, &i))) {
		table_add(&table, model_id(port) < MODEL_PORT_UNRESOLVED ? port->name : "");
		add_listener(&table, port);
		table_add(&table, view_tls(port));
		add_ana_groups(&table, port);
		add_options(&table, port, view_own_of_port);
	}
	add_table(&table, text);
}

static void add_referrals(const struct view_export *export, struct str *text)
{
	static const char *const names[] = { "PORT", "REFERRAL", "TO", "STATE", NULL };
	CLEANUP_TABLE struct table table = TABLE(4);
	const struct model_object *port;
	const struct model_object *referral;
	size_t i = 0;
	size_t j;

	start_table(&table, names);
	while ((port = view_next_port(export, &i))) {
		for (j = 0; (referral = model_next(port, MODEL_REFERRAL, &j));) {
			bool is_off = strcmp(model_text(referral, "enable"), "0") == 0;

			table_add(&table, model_id(port) < MODEL_PORT_UNRESOLVED ? port->name : "");
			table_add(&table, referral->name);
			add_listener(&table, referral);
			table_add(&table, is_off ? "disabled" : "enabled");
		}
	}
	add_table(&table, text);
}

static const char *key_text(const struct model_object *host)
{
	static const char *const texts[] = { "unknown", "none", "has a key",
					     "has a key, and one of the target" };
	int has_key = view_has_key(host, "dhchap_key", EXPORT_KEY_FILE);

	if (has_key == 1 && view_has_key(host, "dhchap_ctrl_key", EXPORT_CTRL_KEY_FILE) == 1)
		has_key = 2;
	return texts[has_key + 1];
}

static void add_hosts(const struct view_export *export, struct str *text)
{
	static const char *const names[] = { "ALLOWED HOST", "KEY", NULL };
	CLEANUP_TABLE struct table table = TABLE(2);
	size_t i;

	start_table(&table, names);
	for (i = 0; i < export->subsystem->n_links; i++) {
		const char *name = export->subsystem->links[i].name;

		table_add(&table, name);
		table_add(&table, key_text(model_find(export->root, MODEL_HOST, name)));
	}
	add_table(&table, text);
}

static void add_session(struct table *table, const struct session *session, bool is_certain)
{
	table_add(table, session->hostnqn);
	table_add(table, session->host_address);
	table_addf(table, "%u", session->port_id);
	if (session->cntlid)
		table_addf(table, "%u", session->cntlid);
	else
		table_add(table, "");
	table_addf(table, "%s%s", *session->state ? session->state : "connected",
		   is_certain ? "" : ", to this or another export");
}

static void add_sessions(const struct view_export *export, struct str *text)
{
	static const char *const names[] = { "CONNECTED HOST", "ADDRESS", "PORT",
					     "CONTROLLER",     "STATE",	  NULL };
	CLEANUP_TABLE struct table table = TABLE(5);
	size_t i;

	if (!export->sessions)
		return;
	start_table(&table, names);
	for (i = 0; i < export->sessions->count; i++) {
		const struct session *session = &export->sessions->items[i];
		bool is_certain = view_is_session_of(export, session);

		if (is_certain || view_may_be_session_of(export, session))
			add_session(&table, session, is_certain);
	}
	if (table.n_cells > table.n_columns || table.failed)
		add_table(&table, text);
	else
		str_addf(text, "\n" INDENT "%s\n",
			 view_count_connected(export).is_exact
				 ? "no host is connected"
				 : "who is connected cannot be seen here (root sees more)");
}

static void add_head(const struct view_export *export, struct str *text)
{
	const char *serial = model_text(export->subsystem, "attr_serial");
	const char *model = model_text(export->subsystem, "attr_model");
	size_t length = strlen(serial);

	/* the kernel pads it */
	while (length && serial[length - 1] == ' ')
		length--;
	str_add_clean(text, export->subsystem->name);
	str_add(text, "\n");
	if (length || *model) {
		str_add(text, INDENT "serial ");
		str_add_n(text, serial, length);
		str_add(text, length ? ", model " : "-, model ");
		str_add_clean(text, *model ? model : "-");
		str_add(text, "\n");
	}
	if (export->stored)
		str_addf(text, INDENT "stored in %s\n", export->stored);
}

void view_block(const struct view_export *export, struct str *text)
{
	struct options options = { .text = STR_NULL, .wrap_at = WRAP_AT };

	add_head(export, text);
	add_hints(export, text);
	add_namespaces(export, text);
	add_passthru(export, text);
	add_listeners(export, text);
	add_referrals(export, text);
	add_hosts(export, text);
	add_sessions(export, text);
	view_each_attr(export->subsystem, view_own_of_subsystem, add_option, &options);
	if (options.text.length)
		str_addf(text, "\n" INDENT "ATTRIBUTES\n" INDENT INDENT "%s\n",
			 str_get(&options.text));
	text->failed = text->failed || options.text.failed;
	str_deinit(&options.text);
}
