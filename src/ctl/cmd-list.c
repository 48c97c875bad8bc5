/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctl/ctl.h"
#include "ctl/view.h"

static bool has_filter(const struct ctl *ctl)
{
	return ctl->opt.node || ctl->opt.nqn || ctl_host(ctl) || ctl->opt.state || ctl->opt.job ||
	       ctl->opt.target || ctl->opt.contradictions;
}

int cmd_list(struct ctl *ctl, struct err *err)
{
	const struct view_listing *listing = view_listing_find(ctl->cli.verb->name);
	CLEANUP_TABLE struct table table = TABLE(0);
	CLEANUP_STR struct str path = STR_NULL;
	CLEANUP_JS struct js *document = NULL;
	const struct js *items;
	int r;

	str_add(&path, view_listing_path(listing));
	client_add_query(&path, "node", ctl->opt.node);
	client_add_query(&path, "nqn", ctl->opt.nqn);
	client_add_query(&path, "host", ctl_host(ctl));
	client_add_query(&path, "state", ctl->opt.state);
	client_add_query(&path, "job", ctl->opt.job);
	client_add_query(&path, "target", ctl->opt.target);
	client_add_query(&path, "contradictions", ctl->opt.contradictions ? "1" : NULL);
	client_add_query(&path, "limit", CLIENT_PAGE);
	if (path.failed)
		return err_nomem(err);
	r = client_get(ctl->client, str_get(&path), &document, err);
	if (r < 0)
		return r;
	items = js_get(document, "items");
	if (ctl->cli.result) {
		/* "export list" tells "exports" */
		js_set(ctl->cli.result, view_listing_path(listing) + 1, js_ref(items));
		return 0;
	}
	view_listing_table(listing, items, clock_wall_ms(), &table);
	ctl_print_table(ctl, &table,
			has_filter(ctl) ? "nothing fits what was asked for"
					: view_listing_nothing(listing));
	return 0;
}

int cmd_view(struct ctl *ctl, struct err *err)
{
	if (!ctl_host(ctl))
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL, "--host HOSTNQN says whose view is meant"));
	return cmd_list(ctl, err);
}
