/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-role - the three roles of Redfish, and what each may do. Source: DSP0266 (privilege model). */
#pragma once

#include "base/err.h"

#define ROLES_URI "/redfish/v1/AccountService/Roles"

enum role { ROLE_ADMINISTRATOR, ROLE_OPERATOR, ROLE_READ_ONLY };
#define ROLES 3

struct rf_tree;

const char *role_word(enum role role);
/* Returns: 0; -EINVAL. */
int role_parse(const char *word, enum role *ret);
/* enum rf_privilege */
unsigned int role_privileges(enum role role);

/* The collection of them. Returns: 0; as rf_tree_add. */
int roles_add(struct rf_tree *tree, struct err *err);
