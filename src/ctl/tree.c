/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/tree.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "ctl/view.h"

const char *tree_path(enum tree_list list)
{
	static const char *const paths[TREE_LISTS] = {
		[TREE_NODES] = "/nodes",
		[TREE_SUBSYSTEMS] = "/subsystems",
		[TREE_NAMESPACES] = "/namespaces",
		[TREE_LISTENERS] = "/objects?kind=listener",
		[TREE_ALLOWED] = "/objects?kind=allowed",
		[TREE_SESSIONS] = "/sessions",
		[TREE_HOSTS] = "/hosts",
		[TREE_CONNECTIONS] = "/connections",
		[TREE_CONTROLLERS] = "/objects?kind=controller",
		[TREE_DEVICES] = "/devices",
	};

	return paths[list];
}

/* --- build */

struct build {
	struct js *by_node[TREE_LISTS];	    /* name of a node: its items */
	struct js *hosts;		    /* host NQN: name of its node */
	const struct js *lists[TREE_LISTS]; /* of the one that is built */
	const char *node;		    /* its name */
};

static bool has(const struct js *item, const char *key, const char *value)
{
	return strcmp(view_text(item, key), value) == 0;
}

static bool is_listed(const struct js *list, const char *value)
{
	size_t i;

	for (i = 0; i < js_length(list); i++) {
		const char *text = js_text(js_at(list, i));

		if (text && strcmp(text, value) == 0)
			return true;
	}
	return false;
}

/* Those of the node that belong to a subsystem: by "nqn", or listed in "subsystems". */
static struct js *those_of(const struct build *build, enum tree_list list, const char *nqn)
{
	const struct js *items = build->lists[list];
	struct js *found = js_array();
	size_t i;

	for (i = 0; i < js_length(items); i++) {
		const struct js *item = js_at(items, i);

		if (has(item, "node", build->node) &&
		    (has(item, "nqn", nqn) || is_listed(js_get(item, "subsystems"), nqn)))
			js_append(found, js_ref(item));
	}
	return found;
}

/* The node that has this host NQN; "" if none says so. */
static const char *node_of_host(const struct build *build, const char *hostnqn)
{
	return view_text(build->hosts, hostnqn);
}

/* Each item is looked at once, however many nodes there are. */
static struct js *index_by_node(const struct js *items)
{
	struct js *index = js_object();
	size_t i;

	for (i = 0; i < js_length(items); i++) {
		const struct js *item = js_at(items, i);
		const char *node = view_text(item, "node");

		if (!js_get(index, node))
			js_set(index, node, js_array());
		js_append((struct js *)js_get(index, node), js_ref(item));
	}
	return index;
}

static struct js *index_hosts(const struct js *items)
{
	struct js *index = js_object();
	size_t i;

	for (i = 0; i < js_length(items); i++) {
		const char *hostnqn = view_text(js_at(items, i), "hostnqn");

		if (*hostnqn && !js_get(index, hostnqn))
			js_set(index, hostnqn, js_string(view_text(js_at(items, i), "node")));
	}
	return index;
}

static void build_init(struct build *build, const struct js *const lists[TREE_LISTS])
{
	size_t i;

	*build = (struct build){ .hosts = index_hosts(lists[TREE_HOSTS]) };
	for (i = 0; i < TREE_LISTS; i++)
		build->by_node[i] = index_by_node(lists[i]);
}

static void build_begin_node(struct build *build, const char *node)
{
	size_t i;

	build->node = node;
	for (i = 0; i < TREE_LISTS; i++)
		build->lists[i] = js_get(build->by_node[i], node);
}

static void build_deinit(struct build *build)
{
	size_t i;

	js_free(build->hosts);
	for (i = 0; i < TREE_LISTS; i++)
		js_free(build->by_node[i]);
}

static struct js *with_host(const struct build *build, struct js *take_items)
{
	static const char *const none[] = { "host_node", NULL };
	struct js *named = js_array();
	size_t i;

	for (i = 0; i < js_length(take_items); i++) {
		const struct js *item = js_at(take_items, i);
		const char *node = node_of_host(build, view_text(item, "hostnqn"));
		struct js *copy = js_copy_without(item, none);

		if (*node)
			js_set(copy, "host_node", js_string(node));
		js_append(named, copy);
	}
	js_free(take_items);
	return named;
}

static struct js *copy_of(const struct js *item)
{
	static const char *const none[] = { NULL };

	return js_copy_without(item, none);
}

static struct js *build_subsystem(const struct build *build, const struct js *item)
{
	const char *nqn = view_text(item, "nqn");
	struct js *subsystem = copy_of(item);

	js_set(subsystem, "namespaces", those_of(build, TREE_NAMESPACES, nqn));
	js_set(subsystem, "listeners", those_of(build, TREE_LISTENERS, nqn));
	js_set(subsystem, "allowed", with_host(build, those_of(build, TREE_ALLOWED, nqn)));
	js_set(subsystem, "sessions", with_host(build, those_of(build, TREE_SESSIONS, nqn)));
	return subsystem;
}

static struct js *build_subsystems(const struct build *build)
{
	const struct js *items = build->lists[TREE_SUBSYSTEMS];
	struct js *list = js_array();
	size_t i;

	for (i = 0; i < js_length(items); i++)
		if (has(js_at(items, i), "node", build->node))
			js_append(list, build_subsystem(build, js_at(items, i)));
	return list;
}

static void add_nqn(struct js *nqns, const struct js *item)
{
	const char *nqn = view_text(item, "nqn");

	if (*nqn && !has(item, "type", "discovery") && !is_listed(nqns, nqn))
		js_append(nqns, js_string(nqn));
}

/* What a host is, or is to be, connected to: from all three lists, since each may have more. */
static struct js *build_remotes(const struct build *build)
{
	static const enum tree_list lists[] = { TREE_CONNECTIONS, TREE_CONTROLLERS, TREE_DEVICES };
	CLEANUP_JS struct js *nqns = js_array();
	struct js *remotes = js_array();
	size_t i;
	size_t j;

	for (i = 0; i < 3; i++)
		for (j = 0; j < js_length(build->lists[lists[i]]); j++) {
			const struct js *item = js_at(build->lists[lists[i]], j);

			if (has(item, "node", build->node))
				add_nqn(nqns, item);
		}
	for (i = 0; i < js_length(nqns); i++) {
		const char *nqn = js_text(js_at(nqns, i));
		struct js *remote = js_object();

		js_set(remote, "nqn", js_string(nqn));
		js_set(remote, "connections", those_of(build, TREE_CONNECTIONS, nqn));
		js_set(remote, "controllers", those_of(build, TREE_CONTROLLERS, nqn));
		js_set(remote, "devices", those_of(build, TREE_DEVICES, nqn));
		js_append(remotes, remote);
	}
	return remotes;
}

static const char *name_of(const struct js *node)
{
	const char *name = view_text(node, "name");

	return *name ? name : view_text(node, "node");
}

static bool is_wanted(const char *name, char *const *names, size_t n_names)
{
	size_t i;

	for (i = 0; i < n_names; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return n_names == 0;
}

static bool is_known(const struct js *nodes, const char *name)
{
	size_t i;

	for (i = 0; i < js_length(nodes); i++)
		if (strcmp(name_of(js_at(nodes, i)), name) == 0)
			return true;
	return false;
}

struct js *tree_build(const struct js *const lists[TREE_LISTS], char *const *names, size_t n_names,
		      const char **ret_unknown)
{
	struct build build;
	const struct js *nodes = lists[TREE_NODES];
	struct js *tree;
	struct js *list;
	size_t i;

	for (i = 0; i < n_names; i++)
		if (!is_known(nodes, names[i])) {
			*ret_unknown = names[i];
			return NULL;
		}
	tree = js_object();
	list = js_array();
	build_init(&build, lists);
	for (i = 0; i < js_length(nodes); i++) {
		struct js *node;

		if (!is_wanted(name_of(js_at(nodes, i)), names, n_names))
			continue;
		build_begin_node(&build, name_of(js_at(nodes, i)));
		node = copy_of(js_at(nodes, i));
		js_set(node, "subsystems", build_subsystems(&build));
		js_set(node, "remotes", build_remotes(&build));
		js_append(list, node);
	}
	build_deinit(&build);
	js_set(tree, "nodes", list);
	return tree;
}

/* --- draw */

#define DEPTH_MAX 4

struct draw {
	const struct tree_style *style;
	struct str *text;
	bool is_last[DEPTH_MAX]; /* of its brothers, at each depth */
};

static void begin_line(const struct draw *draw, size_t depth)
{
	bool utf8 = draw->style->utf8;
	size_t i;

	for (i = 0; i + 1 < depth; i++) {
		if (draw->is_last[i])
			str_add(draw->text, "   ");
		else
			str_add(draw->text, utf8 ? "\xe2\x94\x82  " : "|  ");
	}
	if (depth == 0)
		return;
	if (draw->is_last[depth - 1])
		str_add(draw->text, utf8 ? "\xe2\x94\x94\xe2\x94\x80 " : "`- ");
	else
		str_add(draw->text, utf8 ? "\xe2\x94\x9c\xe2\x94\x80 " : "|- ");
}

/* Words that are there, with two blanks between. */
static void add_words(const struct draw *draw, const char *const *words)
{
	bool is_first = true;

	for (; *words; words++) {
		if (!**words)
			continue;
		str_add(draw->text, is_first ? "" : "  ");
		str_add_clean(draw->text, *words);
		is_first = false;
	}
}

static void end_line(const struct draw *draw, const struct js *item)
{
	CLEANUP_FREE char *state = view_state(item);
	CLEANUP_STR struct str clean = STR_NULL;
	bool stale = js_is_true(js_get(item, "stale"));

	if (state && *state) {
		str_add_clean(&clean, state);
		str_add(draw->text, "  ");
		table_tint(draw->text, draw->style->colours,
			   stale ? TABLE_DIM : view_state_tint(state), str_get(&clean));
	}
	str_add(draw->text, "\n");
}

static const char *size_of(const struct js *item, char text[STR_SIZE_MAX])
{
	int64_t bytes = js_number(js_get(item, "size_bytes"), -1);

	return bytes < 0 ? "" : str_format_size((uint64_t)bytes, text);
}

enum leaf {
	LEAF_NAMESPACE,
	LEAF_LISTENER,
	LEAF_HOST,
	LEAF_CONNECTION,
	LEAF_CONTROLLER,
	LEAF_DEVICE
};

static void draw_leaf(const struct draw *draw, enum leaf leaf, const char *word,
		      const struct js *item)
{
	CLEANUP_FREE char *address = view_address(item);
	CLEANUP_FREE char *nsid = view_list(js_get(item, "nsid"));
	CLEANUP_FREE char *mounts = view_list(js_get(item, "mounts"));
	const char *device = view_text(item, "device");
	const char *error = view_text(item, "error");
	const char *at = address ? address : "";
	const char *words[6] = { word };
	char size[STR_SIZE_MAX];

	size_of(item, size);
	if (leaf == LEAF_NAMESPACE || leaf == LEAF_DEVICE) {
		words[1] = leaf == LEAF_DEVICE && *device ? device : (nsid ? nsid : "");
		words[2] = size_of(item, size);
		words[3] =
			leaf == LEAF_NAMESPACE ? device : (mounts && *mounts ? "mounted on" : "");
		words[4] = leaf == LEAF_DEVICE && mounts ? mounts : "";
	} else if (leaf == LEAF_HOST) {
		words[1] = view_text(item, "hostnqn");
		words[2] = view_text(item, "host_node");
		words[3] = view_text(item, "address");
	} else if (leaf == LEAF_CONTROLLER) {
		words[1] = view_text(item, "id");
		words[2] = at;
	} else {
		words[1] = at;
		words[2] = error;
	}
	add_words(draw, words);
	end_line(draw, item);
}

static void draw_leaves(struct draw *draw, enum leaf leaf, const char *word, const struct js *items,
			bool is_last_list)
{
	size_t i;

	for (i = 0; i < js_length(items); i++) {
		draw->is_last[1] = is_last_list && i + 1 == js_length(items);
		begin_line(draw, 2);
		draw_leaf(draw, leaf, word, js_at(items, i));
	}
}

struct group {
	const char *key;
	const char *word;
	enum leaf leaf;
};

static const struct group of_subsystem[] = {
	{ "namespaces", "namespace", LEAF_NAMESPACE },
	{ "listeners", "listener", LEAF_LISTENER },
	{ "allowed", "allowed", LEAF_HOST },
	{ "sessions", "connected", LEAF_HOST },
	{ NULL, NULL, 0 },
};

static const struct group of_remote[] = {
	{ "connections", "wanted", LEAF_CONNECTION },
	{ "controllers", "path", LEAF_CONTROLLER },
	{ "devices", "device", LEAF_DEVICE },
	{ NULL, NULL, 0 },
};

static void draw_branch(struct draw *draw, const char *word, const struct js *item,
			const struct group *groups)
{
	const char *words[] = { word, view_text(item, "nqn"),
				js_is_true(js_get(item, "any_host")) ? "(any host)" : "", NULL };
	const struct group *group;
	const struct group *last = NULL;

	begin_line(draw, 1);
	add_words(draw, words);
	end_line(draw, item);
	for (group = groups; group->key; group++)
		if (js_length(js_get(item, group->key)))
			last = group;
	for (group = groups; group->key; group++)
		draw_leaves(draw, group->leaf, group->word, js_get(item, group->key),
			    group == last);
}

static void draw_node(struct draw *draw, const struct js *node)
{
	const struct js *subsystems = js_get(node, "subsystems");
	const struct js *remotes = js_get(node, "remotes");
	const struct js *roles = js_get(node, "roles");
	CLEANUP_STR struct str name = STR_NULL;
	size_t i;

	str_add_clean(&name, name_of(node));
	table_tint(draw->text, draw->style->colours, TABLE_STRONG, str_get(&name));
	for (i = 0; i < js_length(roles); i++) {
		const char *state = view_text(js_value_at(roles, i), "state");

		str_add(draw->text, i ? ", " : "  ");
		str_add_clean(draw->text, js_key_at(roles, i));
		str_add(draw->text, " ");
		table_tint(draw->text, draw->style->colours, view_state_tint(state),
			   strcmp(state, "online") == 0 ? "online" : "lost");
	}
	str_add(draw->text, "\n");
	for (i = 0; i < js_length(subsystems); i++) {
		draw->is_last[0] = i + 1 == js_length(subsystems) && js_length(remotes) == 0;
		draw_branch(draw, "exports", js_at(subsystems, i), of_subsystem);
	}
	for (i = 0; i < js_length(remotes); i++) {
		draw->is_last[0] = i + 1 == js_length(remotes);
		draw_branch(draw, "uses", js_at(remotes, i), of_remote);
	}
}

void tree_format(const struct js *tree, const struct tree_style *style, struct str *text)
{
	struct draw draw = { .style = style, .text = text };
	const struct js *nodes = js_get(tree, "nodes");
	size_t i;

	for (i = 0; i < js_length(nodes); i++)
		draw_node(&draw, js_at(nodes, i));
}
