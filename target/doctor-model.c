/* SPDX-License-Identifier: BSD-3-Clause */
/* The checks of one subsystem in the tree; nothing is asked of the system. */
#include "target/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nvmf/dhchap.h"
#include "nvmf/nqn.h"
#include "target/attr.h"
#include "target/resolve.h"

struct check {
	const struct model_object *actual;
	const struct model_object *subsystem;
	struct findings *report;
	char name[MODEL_NAME_MAX];
};

static const char *describe(const struct model_object *object, char text[MODEL_NAME_MAX])
{
	return model_describe(object, text, MODEL_NAME_MAX);
}

static bool has_drive(const struct model_object *object)
{
	const char *path = model_text(object, "device_path");

	return *path && strcmp(path, "(null)") != 0;
}

/* --- namespaces */

/* A group that a port does not know is inaccessible there, except the first. */
static const char *ana_state(const struct model_object *port, const char *group_id)
{
	const struct model_object *group = model_find(port, MODEL_ANA_GROUP, group_id);

	if (group)
		return model_text(group, "ana_state");
	return strcmp(group_id, "1") == 0 ? "optimized" : "inaccessible";
}

static bool is_usable(const char *state)
{
	return strcmp(state, "inaccessible") != 0 && strcmp(state, "persistent-loss") != 0;
}

static void check_ana(const struct check *check, const struct model_object *ns)
{
	const char *group = model_get(ns, "ana_grpid");
	const struct model_object *port;
	const char *state = "";
	char name[MODEL_NAME_MAX];
	size_t i = 0;

	while (group && (port = model_next(check->actual, MODEL_PORT, &i))) {
		if (!model_has_link(port, check->subsystem->name))
			continue;
		state = ana_state(port, group);
		if (is_usable(state))
			return;
	}
	if (*state)
		findings_add(
			check->report, FINDING_FAIL, describe(ns, name),
			"write optimized to ana_state of that group on one of its ports",
			"its ANA group %s is %s on all ports: hosts connect and see the drive, but "
			"no path to it",
			group, state);
}

static void compare_namespaces(const struct check *check, const struct model_object *ns,
			       const struct model_object *other)
{
	char name[MODEL_NAME_MAX];
	char other_name[MODEL_NAME_MAX];

	describe(ns, name);
	describe(other, other_name);
	if (has_drive(ns) &&
	    strcmp(model_text(ns, "device_path"), model_text(other, "device_path")) == 0)
		findings_add(check->report, FINDING_WARN, name,
			     "remove one of them, or be sure that only one is written",
			     "%s is also %s: hosts that write both destroy each other's data",
			     model_text(ns, "device_path"), other_name);
	if (model_get(ns, "device_uuid") && ns->parent != other->parent &&
	    strcmp(model_text(ns, "device_uuid"), model_text(other, "device_uuid")) == 0)
		findings_add(check->report, FINDING_WARN, name, "give one of them another UUID",
			     "%s has the same UUID: a Linux host that connects to both refuses the "
			     "second",
			     other_name);
}

static void check_twins(const struct check *check, const struct model_object *ns)
{
	const struct model_object *subsystem;
	const struct model_object *other;
	size_t i = 0;

	while ((subsystem = model_next(check->actual, MODEL_SUBSYSTEM, &i))) {
		size_t j = 0;

		while ((other = model_next(subsystem, MODEL_NAMESPACE, &j)))
			if (other != ns && model_is_on(other, "enable"))
				compare_namespaces(check, ns, other);
	}
}

static void check_namespace(const struct check *check, const struct model_object *ns)
{
	char name[MODEL_NAME_MAX];
	char cure[2 * MODEL_NAME_MAX];

	describe(ns, name);
	if (!has_drive(ns)) {
		findings_add(check->report, FINDING_FAIL, name, "nvmet-sunfishctl restore",
			     "it has no drive: it was made, but not finished");
		return;
	}
	if (!model_is_on(ns, "enable")) {
		snprintf(cure, sizeof(cure), "nvmet-sunfishctl namespace enable %s %s",
			 check->subsystem->name, ns->name);
		findings_add(check->report, FINDING_FAIL, name, cure,
			     "it is disabled: hosts do not see %s", model_text(ns, "device_path"));
		return;
	}
	check_ana(check, ns);
	check_twins(check, ns);
}

static unsigned int check_namespaces(const struct check *check)
{
	const struct model_object *passthru =
		model_find(check->subsystem, MODEL_PASSTHRU, "passthru");
	const struct model_object *ns;
	char cure[2 * MODEL_NAME_MAX];
	unsigned int n = 0;
	size_t i = 0;

	for (; (ns = model_next(check->subsystem, MODEL_NAMESPACE, &i)); n++)
		check_namespace(check, ns);
	if (n || (passthru && model_is_on(passthru, "enable")))
		return n;
	snprintf(cure, sizeof(cure), "nvmet-sunfishctl namespace add %s --dev DRIVE",
		 check->subsystem->name);
	findings_add(check->report, FINDING_FAIL, check->name, cure,
		     "it has no namespace: hosts connect, but see no drive");
	return 0;
}

/* --- subsystem */

static void check_identity(const struct check *check)
{
	const struct model_object *other;
	const char *serial = model_get(check->subsystem, "attr_serial");
	struct err err = ERR_NULL;
	size_t i = 0;

	if (nqn_check(check->subsystem->name, &err) < 0)
		findings_add(check->report, FINDING_WARN, check->name, "export it by another name",
			     "%s", err.text);
	while (serial && (other = model_next(check->actual, MODEL_SUBSYSTEM, &i)))
		if (other != check->subsystem &&
		    attr_is_same(MODEL_SUBSYSTEM, "attr_serial", serial,
				 model_text(other, "attr_serial")))
			findings_add(check->report, FINDING_WARN, check->name,
				     "give one of them another serial number",
				     "%s has the same serial number: their links in "
				     "/dev/disk/by-id get mixed up on hosts",
				     other->name);
}

static const char *key_of(const struct check *check, const char *hostnqn, const char *name)
{
	return model_text(model_find(check->actual, MODEL_HOST, hostnqn), name);
}

static void check_key(const struct check *check, const char *hostnqn, const char *attr)
{
	const char *key = key_of(check, hostnqn, attr);
	struct err err = ERR_NULL;
	char object[MODEL_NAME_MAX];

	snprintf(object, sizeof(object), "host %s", hostnqn);
	if (*key && dhchap_check(key, &err) < 0)
		findings_add(
			check->report, FINDING_FAIL, object,
			"make a new key with `nvme gen-dhchap-key` and give it to both sides",
			"its %s is damaged, the kernel took it all the same: no connection will "
			"succeed (%s)",
			attr, err.text);
}

static void check_keys(const struct check *check)
{
	const struct model_object *s = check->subsystem;
	char object[MODEL_NAME_MAX];
	size_t n_keys = 0;
	size_t i;

	for (i = 0; i < s->n_links; i++) {
		n_keys += *key_of(check, s->links[i].name, "dhchap_key") != '\0';
		check_key(check, s->links[i].name, "dhchap_key");
		check_key(check, s->links[i].name, "dhchap_ctrl_key");
	}
	for (i = 0; i < s->n_links; i++) {
		const char *hostnqn = s->links[i].name;

		snprintf(object, sizeof(object), "host %s", hostnqn);
		if (*key_of(check, hostnqn, "dhchap_key"))
			continue;
		if (*key_of(check, hostnqn, "dhchap_ctrl_key"))
			findings_add(check->report, FINDING_WARN, object,
				     "give it a dhchap_key too",
				     "it has a key for the controller only: it is not asked who it "
				     "is");
		else if (n_keys)
			findings_add(check->report, FINDING_WARN, object, "give it a key too",
				     "it needs no key, while other hosts of %s do: anybody may use "
				     "its name",
				     s->name);
	}
}

static void check_access(const struct check *check)
{
	char cure[2 * MODEL_NAME_MAX];

	if (model_is_on(check->subsystem, "attr_allow_any_host")) {
		findings_add(check->report, FINDING_NOTE, check->name, "",
			     "any host that reaches it may connect, and no key is asked for");
		return;
	}
	if (check->subsystem->n_links) {
		check_keys(check);
		return;
	}
	snprintf(cure, sizeof(cure), "nvmet-sunfishctl host add %s HOSTNQN",
		 check->subsystem->name);
	findings_add(check->report, FINDING_FAIL, check->name, cure, "no host may connect");
}

static unsigned int check_links(const struct check *check)
{
	const struct model_object *port;
	char cure[2 * MODEL_NAME_MAX];
	unsigned int n = 0;
	size_t i = 0;

	while ((port = model_next(check->actual, MODEL_PORT, &i)))
		n += model_has_link(port, check->subsystem->name);
	if (n)
		return n;
	snprintf(cure, sizeof(cure), "nvmet-sunfishctl listener add %s --rdma ADDRESS",
		 check->subsystem->name);
	findings_add(check->report, FINDING_FAIL, check->name, cure,
		     "it is on no port: no host can reach it");
	return 0;
}

/* --- what is wanted */

static void differs(const struct check *check, const struct model_object *object,
		    const struct model_attr *wanted)
{
	const char *value = model_get(object, wanted->name);
	char name[MODEL_NAME_MAX];

	if (value && attr_is_same(object->kind, wanted->name, wanted->value, value))
		return;
	describe(object, name);
	if (!value)
		findings_add(check->report, FINDING_WARN, name,
			     "boot a newer kernel, or take it out of the stored export",
			     "this kernel has no %s, which the stored export asks for",
			     wanted->name);
	else if (wanted->secret)
		findings_add(check->report, FINDING_WARN, name, "nvmet-sunfishctl restore",
			     "its %s is another than the stored one", wanted->name);
	else
		findings_add(check->report, FINDING_WARN, name, "nvmet-sunfishctl restore",
			     "its %s is \"%s\", the stored export says \"%s\"", wanted->name, value,
			     wanted->value);
}

/* Not what attr.h does not know (our own words of stored exports, such as names of key files), what
 * the kernel replaces when it begins to listen, and enable, which is looked at anyway. */
static bool is_compared(enum model_kind kind, const struct model_attr *attr)
{
	return *attr->value && attr_find(kind, attr->name) && strcmp(attr->name, "enable") != 0 &&
	       strcmp(attr->name, "param_inline_data_size") != 0 &&
	       strcmp(attr->name, "param_max_queue_size") != 0;
}

static void compare_attrs(const struct check *check, const struct model_object *object,
			  const struct model_object *wanted)
{
	size_t i;

	for (i = 0; i < wanted->n_attrs; i++)
		if (is_compared(wanted->kind, &wanted->attrs[i]))
			differs(check, object, &wanted->attrs[i]);
}

static void compare_hosts(const struct check *check, const struct model_object *wanted)
{
	size_t i;

	for (i = 0; i < wanted->n_links; i++) {
		const struct model_link *link = &wanted->links[i];

		if (model_has_link(check->subsystem, link->name) != link->absent)
			continue;
		findings_add(check->report, FINDING_WARN, check->name, "nvmet-sunfishctl restore",
			     link->absent ? "host %s is allowed, the stored export forbids it"
					  : "host %s is not allowed, the stored export allows it",
			     link->name);
	}
}

static void compare_namespaces_wanted(const struct check *check, const struct model_object *wanted)
{
	const struct model_object *ns;
	char name[MODEL_NAME_MAX];
	size_t i = 0;

	while ((ns = model_next(wanted, MODEL_NAMESPACE, &i))) {
		const struct model_object *there =
			model_find(check->subsystem, MODEL_NAMESPACE, ns->name);

		if (there && !ns->absent)
			compare_attrs(check, there, ns);
		else if (!there && !ns->absent)
			findings_add(check->report, FINDING_FAIL, describe(ns, name),
				     "nvmet-sunfishctl restore",
				     "it is stored, but not in the kernel");
	}
}

static void compare_ports(const struct check *check, const struct model_object *wanted)
{
	const struct model_object *port;
	size_t i = 0;

	while ((port = model_next(wanted, MODEL_PORT, &i))) {
		const char *trtype = model_text(port, "addr_trtype");
		const char *address = model_text(port, "addr_traddr");
		const char *service = model_text(port, "addr_trsvcid");

		if (port->absent || !model_has_link(port, check->subsystem->name) ||
		    model_has_link(resolve_find_port(check->actual, trtype, address, service),
				   check->subsystem->name))
			continue;
		findings_add(check->report, FINDING_FAIL, check->name, "nvmet-sunfishctl restore",
			     "it is not served at %s %s:%s, the stored export asks for it", trtype,
			     address, service);
	}
}

static void check_wanted(const struct check *check, const struct model_object *root)
{
	const struct model_object *wanted =
		model_find(root, MODEL_SUBSYSTEM, check->subsystem->name);

	if (!wanted || wanted->absent)
		return;
	compare_attrs(check, check->subsystem, wanted);
	compare_namespaces_wanted(check, wanted);
	compare_hosts(check, wanted);
	compare_ports(check, root);
}

static void check_missing(const struct model_object *wanted, const char *nqn,
			  struct findings *report)
{
	const struct model_object *stored = model_find(wanted, MODEL_SUBSYSTEM, nqn);
	char name[MODEL_NAME_MAX];

	snprintf(name, sizeof(name), "subsystem %s", nqn);
	if (stored && !stored->absent)
		findings_add(report, FINDING_FAIL, name, "nvmet-sunfishctl restore",
			     "it is stored, but not in the kernel");
	else
		findings_add(report, FINDING_FAIL, name, "nvmet-sunfishctl list",
			     "there is no such subsystem, and no stored export of that name");
}

static void check_subsystem(struct check *check, const struct model_object *wanted)
{
	const struct model_object *s = check->subsystem;
	size_t before = check->report->count;
	enum finding_level worst = FINDING_OK;
	unsigned int n_namespaces;
	unsigned int n_ports;

	describe(s, check->name);
	check_identity(check);
	n_namespaces = check_namespaces(check);
	check_access(check);
	n_ports = check_links(check);
	check_wanted(check, wanted);
	for (; before < check->report->count; before++)
		if (check->report->items[before].level > worst)
			worst = check->report->items[before].level;
	if (worst < FINDING_WARN)
		findings_add(check->report, FINDING_OK, check->name, "",
			     "namespaces: %u, ports: %u, allowed hosts: %s", n_namespaces, n_ports,
			     s->n_links ? "named ones" : "any");
}

int doctor_check_model(const struct model_object *actual, const struct model_object *wanted,
		       const char *nqn, struct findings *report)
{
	struct check check = { .actual = actual, .report = report };
	size_t i = 0;

	if (nqn) {
		check.subsystem = model_find(actual, MODEL_SUBSYSTEM, nqn);
		if (check.subsystem)
			check_subsystem(&check, wanted);
		else
			check_missing(wanted, nqn, report);
	} else {
		while ((check.subsystem = model_next(actual, MODEL_SUBSYSTEM, &i)))
			check_subsystem(&check, wanted);
	}
	return report->failed ? -ENOMEM : 0;
}
