/* SPDX-License-Identifier: BSD-3-Clause */
/* ana set, referral add, referral remove: what belongs to a port and so to all it serves. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "nvmf/addr.h"
#include "target/attr.h"
#include "target/cmd.h"

#define DISCOVERY_PORT "8009"

/* Begin a change of one port. @ret_wanted is borrowed, and still empty. */
static int begin_port(struct ctl *ctl, struct change *change, struct model_object **ret_wanted,
		      const struct model_object **ret_actual, struct err *err)
{
	int r = change_begin(ctl, NULL, false, change, err);

	if (r == 0)
		r = cmd_find_port(ctl, change->actual, ret_actual, err);
	if (r != 0)
		return r;
	*ret_wanted = model_add(change->wanted, MODEL_PORT, (*ret_actual)->name);
	return *ret_wanted ? 0 : err_nomem(err);
}

/* All exports that the port serves have it in their files. */
static int commit_port(struct ctl *ctl, struct change *change, const struct model_object *port,
		       struct err *err)
{
	CLEANUP_FREE const char **nqns = calloc(port->n_links + 1, sizeof(*nqns));
	size_t i;

	if (!nqns)
		return err_nomem(err);
	for (i = 0; i < port->n_links; i++)
		nqns[i] = port->links[i].name;
	return change_commit(ctl, change, nqns, port->n_links, err);
}

/* --- ana set: GROUP=STATE */

static int set_group(struct ctl *ctl, struct model_object *port, const char *spec, struct err *err)
{
	const char *equals = strchr(spec, '=');
	CLEANUP_FREE char *id = strndup(spec, equals ? (size_t)(equals - spec) : 0);
	struct model_object *group;
	uint64_t number;
	int r;

	if (!id)
		return err_nomem(err);
	if (!equals || str_parse_uint(id, 127, &number) < 0 || number == 0)
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL,
					 "\"%s\" is no GROUP=STATE with a group from 1 to 127",
					 spec));
	r = attr_check(MODEL_ANA_GROUP, "ana_state", equals + 1, err);
	if (r != 0)
		return cli_usage(&ctl->cli, r);
	group = model_add_id(port, MODEL_ANA_GROUP, (uint32_t)number);
	return !group || model_set(group, "ana_state", equals + 1) < 0 ? err_nomem(err) : 0;
}

int cmd_ana_set(struct ctl *ctl, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	const struct model_object *actual;
	struct model_object *wanted;
	size_t i;
	int r = begin_port(ctl, &change, &wanted, &actual, err);

	for (i = 0; r == 0 && i < ctl->cli.n_args; i++)
		r = set_group(ctl, wanted, ctl->cli.args[i], err);
	return r != 0 ? r : commit_port(ctl, &change, actual, err);
}

/* --- referrals */

static int set_ip(struct model_object *referral, const char *text, struct err *err)
{
	struct addr addr;
	const char *family;
	int r = addr_parse(text, DISCOVERY_PORT, &addr, err);

	if (r != 0)
		return r;
	family = addr_family_word(addr.family);
	if (!family)
		return err_set(err, -EINVAL,
			       "--to %s: a referral needs a numeric address, since hosts are told "
			       "what stands here",
			       text);
	if (model_set(referral, "addr_adrfam", family) < 0 ||
	    model_set(referral, "addr_traddr", addr.host) < 0 ||
	    model_set(referral, "addr_trsvcid", addr.port) < 0)
		return err_nomem(err);
	return 0;
}

static int set_fc(struct model_object *referral, const char *text, struct err *err)
{
	char fc[ADDR_FC_MAX];
	int r = addr_parse_fc(text, fc, err);

	if (r != 0)
		return r;
	if (model_set(referral, "addr_adrfam", "fc") < 0 ||
	    model_set(referral, "addr_traddr", fc) < 0)
		return err_nomem(err);
	return 0;
}

static int set_target(struct ctl *ctl, struct model_object *referral, struct err *err)
{
	const char *to = ctl->opt.to;
	const char *colon = to ? strchr(to, ':') : NULL;
	CLEANUP_FREE char *type = colon ? strndup(to, (size_t)(colon - to)) : NULL;
	int r;

	if (!type ||
	    (strcmp(type, "tcp") != 0 && strcmp(type, "rdma") != 0 && strcmp(type, "fc") != 0))
		return err_set(
			err, -EINVAL,
			"say where hosts are sent to: --to tcp:ADDR[:PORT], rdma:ADDR[:PORT] "
			"or fc:WWNN:WWPN");
	if (model_set(referral, "addr_trtype", type) < 0 || model_set(referral, "enable", "1") < 0)
		return err_nomem(err);
	r = strcmp(type, "fc") == 0 ? set_fc(referral, colon + 1, err)
				    : set_ip(referral, colon + 1, err);
	return r;
}

static int check_name(const char *name, struct err *err)
{
	if (*name && str_is_printable(name) && !strpbrk(name, "/ ") && *name != '.' &&
	    strlen(name) < 200)
		return 0;
	return err_set(err, -EINVAL,
		       "\"%s\" is no name for a referral: up to 199 characters without blanks and "
		       "'/', the first not '.'",
		       name);
}

int cmd_referral_add(struct ctl *ctl, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	struct model_object *referral;
	const struct model_object *actual;
	struct model_object *wanted;
	int r = check_name(ctl->cli.args[0], err);

	if (r != 0)
		return cli_usage(&ctl->cli, r);
	r = begin_port(ctl, &change, &wanted, &actual, err);
	if (r != 0)
		return r;
	referral = model_add(wanted, MODEL_REFERRAL, ctl->cli.args[0]);
	r = referral ? set_target(ctl, referral, err) : err_nomem(err);
	if (r != 0)
		return r == -EINVAL ? cli_usage(&ctl->cli, r) : r;
	return commit_port(ctl, &change, actual, err);
}

int cmd_referral_remove(struct ctl *ctl, struct err *err)
{
	CLEANUP_CHANGE struct change change = CHANGE_NULL;
	const char *name = ctl->cli.args[0];
	struct model_object *referral;
	const struct model_object *actual;
	struct model_object *wanted;
	int r = begin_port(ctl, &change, &wanted, &actual, err);

	if (r != 0)
		return r;
	if (!model_find(actual, MODEL_REFERRAL, name))
		return err_set(err, -ENOENT, "port %s has no referral %s; see: show", actual->name,
			       name);
	referral = model_add(wanted, MODEL_REFERRAL, name);
	if (!referral)
		return err_nomem(err);
	referral->absent = true;
	return commit_port(ctl, &change, actual, err);
}
