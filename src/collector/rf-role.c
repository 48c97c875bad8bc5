/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/rf-role.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "redfish/rf-tree.h"

static const struct {
	const char *word;
	unsigned int privileges;
} roles[ROLES] = {
	[ROLE_ADMINISTRATOR] = { "Administrator",
				 RF_LOGIN | RF_CONFIGURE_MANAGER | RF_CONFIGURE_USERS |
					 RF_CONFIGURE_COMPONENTS | RF_CONFIGURE_SELF },
	[ROLE_OPERATOR] = { "Operator", RF_LOGIN | RF_CONFIGURE_COMPONENTS | RF_CONFIGURE_SELF },
	[ROLE_READ_ONLY] = { "ReadOnly", RF_LOGIN | RF_CONFIGURE_SELF },
};

static const struct {
	unsigned int bit;
	const char *word;
} privileges[] = {
	{ RF_LOGIN, "Login" },
	{ RF_CONFIGURE_MANAGER, "ConfigureManager" },
	{ RF_CONFIGURE_USERS, "ConfigureUsers" },
	{ RF_CONFIGURE_COMPONENTS, "ConfigureComponents" },
	{ RF_CONFIGURE_SELF, "ConfigureSelf" },
};

const char *role_word(enum role role)
{
	return roles[role].word;
}

int role_parse(const char *word, enum role *ret)
{
	int i;

	for (i = 0; i < ROLES; i++)
		if (strcmp(word, roles[i].word) == 0) {
			*ret = (enum role)i;
			return 0;
		}
	return -EINVAL;
}

unsigned int role_privileges(enum role role)
{
	return roles[role].privileges;
}

/* --- resources */

static int render(void *data, struct rf_resource *resource, struct js *doc)
{
	struct js *assigned = js_array();
	enum role role;
	char name[64];
	size_t i;

	(void)data;
	if (role_parse(rf_resource_id(resource), &role) < 0)
		return 0;
	snprintf(name, sizeof(name), "%s Role", role_word(role));
	js_set(doc, "Name", js_string(name));
	js_set(doc, "RoleId", js_string(role_word(role)));
	js_set(doc, "IsPredefined", js_bool(true));
	for (i = 0; i < sizeof(privileges) / sizeof(privileges[0]); i++)
		if (roles[role].privileges & privileges[i].bit)
			js_append(assigned, js_string(privileges[i].word));
	js_set(doc, "AssignedPrivileges", assigned);
	js_set(doc, "OemPrivileges", js_array());
	return 0;
}

static const struct rf_class collection = {
	.type = "#RoleCollection.RoleCollection",
	.collection = true,
	.name = "Role Collection",
	.read = RF_LOGIN,
	.write = RF_CONFIGURE_USERS,
};

static const struct rf_class member = {
	.type = "#Role.v1_3_1.Role",
	.read = RF_LOGIN,
	.write = RF_CONFIGURE_USERS,
	.render = render,
};

int roles_add(struct rf_tree *tree, struct err *err)
{
	struct rf_resource *resource;
	char uri[128];
	int r = rf_tree_add(tree, ROLES_URI, &collection, NULL, &resource, err);
	int i;

	for (i = 0; i < ROLES && r == 0; i++) {
		snprintf(uri, sizeof(uri), ROLES_URI "/%s", roles[i].word);
		r = rf_tree_add(tree, uri, &member, NULL, &resource, err);
	}
	return r;
}
