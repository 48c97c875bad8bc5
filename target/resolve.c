/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nvmf/addr.h"
#include "target/export.h"

#define PORT_ID_MAX 65535u

/* --- addresses */

/* "fe80::1%ib0" and "FE80:0::1%ib0" are the same, "fe80::1%ib1" is not. */
static bool is_same_ipv6(const char *a, const char *b)
{
	struct in6_addr numbers[2];
	const char *texts[] = { a, b };
	const char *scopes[2];
	size_t i;

	for (i = 0; i < 2; i++) {
		char text[INET6_ADDRSTRLEN];
		size_t length = strcspn(texts[i], "%");

		if (length >= sizeof(text))
			return false;
		memcpy(text, texts[i], length);
		text[length] = '\0';
		if (inet_pton(AF_INET6, text, &numbers[i]) != 1)
			return false;
		scopes[i] = texts[i] + length;
	}
	return memcmp(&numbers[0], &numbers[1], sizeof(numbers[0])) == 0 &&
	       strcmp(scopes[0], scopes[1]) == 0;
}

/* IPv4 has one spelling only; world wide names and names of hosts have no case. */
static bool is_same_traddr(const char *a, const char *b)
{
	if (strcasecmp(a, b) == 0)
		return true;
	return strchr(a, ':') && strchr(b, ':') && is_same_ipv6(a, b);
}

static bool has_service(const char *trtype)
{
	return strcmp(trtype, "rdma") == 0 || strcmp(trtype, "tcp") == 0;
}

static bool is_same_service(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || (*a && *b && strtoul(a, NULL, 10) == strtoul(b, NULL, 10));
}

static bool is_at(const struct model_object *port, const char *trtype, const char *traddr,
		  const char *trsvcid)
{
	if (!*trtype || strcmp(model_text(port, "addr_trtype"), trtype) != 0)
		return false;
	if (strcmp(trtype, "loop") == 0)
		return true;
	if (has_service(trtype) && !is_same_service(model_text(port, "addr_trsvcid"), trsvcid))
		return false;
	return is_same_traddr(model_text(port, "addr_traddr"), traddr);
}

static bool is_at_same(const struct model_object *a, const struct model_object *b)
{
	return is_at(a, model_text(b, "addr_trtype"), model_text(b, "addr_traddr"),
		     model_text(b, "addr_trsvcid"));
}

struct model_object *resolve_find_port(const struct model_object *root, const char *trtype,
				       const char *traddr, const char *trsvcid)
{
	struct model_object *port;
	size_t i;

	for (i = 0; (port = model_next(root, MODEL_PORT, &i));)
		if (is_at(port, trtype ? trtype : "", traddr ? traddr : "", trsvcid ? trsvcid : ""))
			return port;
	return NULL;
}

/* --- ports with a number */

static const char *address(const struct model_object *port, char text[ADDR_TEXT_MAX])
{
	return addr_format_parts(model_text(port, "addr_traddr"),
				 has_service(model_text(port, "addr_trtype"))
					 ? model_text(port, "addr_trsvcid")
					 : "",
				 text);
}

/* Does what @wanted says of the address differ from what the port has? An empty port that
 * someone made has no address yet. */
static bool is_elsewhere(const struct model_object *wanted, const struct model_object *actual)
{
	const char *trtype = model_get(wanted, "addr_trtype");
	const char *traddr = model_get(wanted, "addr_traddr");
	const char *trsvcid = model_get(wanted, "addr_trsvcid");

	if (!*model_text(actual, "addr_trtype"))
		return false;
	return !is_at(actual, trtype ? trtype : model_text(actual, "addr_trtype"),
		      traddr ? traddr : model_text(actual, "addr_traddr"),
		      trsvcid ? trsvcid : model_text(actual, "addr_trsvcid"));
}

static bool is_kept(const struct model_object *wanted, const struct model_object *actual_port)
{
	const struct model_object *port = model_find(wanted, MODEL_PORT, actual_port->name);

	return !port || !port->absent;
}

/* The port that stays and is at the address of @port. */
static const struct model_object *find_there(const struct model_object *wanted,
					     const struct model_object *actual,
					     const struct model_object *port)
{
	const struct model_object *there;
	size_t i;

	for (i = 0; (there = model_next(actual, MODEL_PORT, &i));)
		if (is_at_same(there, port) && (port->absent || is_kept(wanted, there)))
			return there;
	return NULL;
}

static int check_numbered(const struct model_object *wanted, const struct model_object *actual,
			  const struct model_object *port, struct err *err)
{
	const struct model_object *same = model_find(actual, MODEL_PORT, port->name);
	const struct model_object *there;
	char want[ADDR_TEXT_MAX];
	char have[ADDR_TEXT_MAX];

	if (port->absent)
		return 0;
	if (same && is_elsewhere(port, same))
		return err_set(err, -EEXIST,
			       "port %s is asked for at %s %s, but is there at %s %s already; take "
			       "another number or leave it out",
			       port->name, model_text(port, "addr_trtype"), address(port, want),
			       model_text(same, "addr_trtype"), address(same, have));
	if (same || strcmp(model_text(port, "addr_trtype"), "loop") == 0)
		return 0;
	there = find_there(wanted, actual, port);
	if (there)
		return err_set(err, -EEXIST,
			       "%s %s is asked for as port %s, but is port %s already; take that "
			       "number or leave it out",
			       model_text(port, "addr_trtype"), address(port, want), port->name,
			       there->name);
	return 0;
}

/* --- ports without a number: first all numbers are found, then they are given */

struct move {
	struct model_object *port;
	uint32_t id;
};

struct moves {
	struct move *items;
	size_t count;
	uint32_t next; /* below it no number is free */
};

static bool is_taken(const struct model_object *wanted, const struct model_object *actual,
		     uint32_t id)
{
	return model_find_id(wanted, MODEL_PORT, id) || model_find_id(actual, MODEL_PORT, id);
}

static int find_free(const struct model_object *wanted, const struct model_object *actual,
		     struct moves *moves, uint32_t *ret_id, struct err *err)
{
	for (; moves->next <= PORT_ID_MAX; moves->next++) {
		if (is_taken(wanted, actual, moves->next))
			continue;
		*ret_id = moves->next++;
		return 0;
	}
	return err_set(err, -ENOSPC,
		       "all %u port numbers are in use; remove ports that have no "
		       "subsystem",
		       PORT_ID_MAX);
}

static int find_id(const struct model_object *wanted, const struct model_object *actual,
		   const struct model_object *port, struct moves *moves, uint32_t *ret_id,
		   struct err *err)
{
	const struct model_object *other = find_there(wanted, actual, port);
	size_t i;

	if (other) {
		*ret_id = model_id(other);
		return 0;
	}
	for (i = 0; i < moves->count; i++) {
		if (is_at_same(moves->items[i].port, port)) {
			*ret_id = moves->items[i].id;
			return 0;
		}
	}
	for (i = 0; (other = model_next(wanted, MODEL_PORT, &i));) {
		if (model_id(other) <= PORT_ID_MAX && !other->absent && is_at_same(other, port)) {
			*ret_id = model_id(other);
			return 0;
		}
	}
	return find_free(wanted, actual, moves, ret_id, err);
}

/* Move all that @from has into @to and free it. */
static int merge(struct model_object *to, struct model_object *from)
{
	size_t i;
	int r = 0;

	to->absent = from->absent;
	to->exact = to->exact || from->exact;
	for (i = 0; r == 0 && i < from->n_attrs; i++)
		r = model_set(to, from->attrs[i].name, from->attrs[i].value);
	for (i = 0; r == 0 && i < from->n_links; i++)
		r = model_link(to, from->links[i].name, from->links[i].absent);
	for (i = 0; r == 0 && i < from->n_children; i++)
		r = model_copy(to, from->children[i]) ? 0 : -ENOMEM;
	if (r == 0)
		model_free(from);
	return r;
}

static int move_to(struct model_object *wanted, const struct move *move)
{
	struct model_object *to = model_add_id(wanted, MODEL_PORT, move->id);

	return to ? merge(to, move->port) : -ENOMEM;
}

static int move(struct model_object *wanted, const struct move *move)
{
	if (move->id <= PORT_ID_MAX)
		return move_to(wanted, move);
	/* it is to be removed and is not there */
	model_free(move->port);
	return 0;
}

static uint32_t next_unresolved(const struct model_object *wanted)
{
	const struct model_object *port;
	uint32_t id = MODEL_PORT_UNRESOLVED;
	size_t i;

	for (i = 0; (port = model_next(wanted, MODEL_PORT, &i));)
		if (model_id(port) >= id)
			id = model_id(port) + 1;
	return id;
}

int resolve_loosen(struct model_object *wanted, const struct model_object *actual)
{
	struct model_object *port;
	int n = 0;
	size_t i;

	for (i = 0; (port = model_next(wanted, MODEL_PORT, &i));) {
		struct move loose = { .port = port };

		if (model_id(port) >= MODEL_PORT_UNRESOLVED ||
		    check_numbered(wanted, actual, port, NULL) == 0)
			continue;
		loose.id = next_unresolved(wanted);
		if (move_to(wanted, &loose) < 0)
			return -ENOMEM;
		n++;
		i = 0;
	}
	return n;
}

static int find_moves(const struct model_object *wanted, const struct model_object *actual,
		      struct moves *moves, struct err *err)
{
	struct model_object *port;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && (port = model_next(wanted, MODEL_PORT, &i));) {
		struct move *item = &moves->items[moves->count];

		if (model_id(port) < MODEL_PORT_UNRESOLVED) {
			r = check_numbered(wanted, actual, port, err);
			continue;
		}
		*item = (struct move){ .port = port, .id = MODEL_PORT_UNRESOLVED };
		if (port->absent && !find_there(wanted, actual, port)) {
			moves->count++;
			continue;
		}
		r = find_id(wanted, actual, port, moves, &item->id, err);
		moves->count++;
	}
	return r;
}

int resolve_ports(struct model_object *wanted, const struct model_object *actual, struct err *err)
{
	struct moves moves = { .next = 1 };
	size_t i;
	int r;

	moves.items = calloc(wanted->n_children + 1, sizeof(*moves.items));
	if (!moves.items)
		return err_nomem(err);
	r = find_moves(wanted, actual, &moves, err);
	for (i = 0; r == 0 && i < moves.count; i++)
		if (move(wanted, &moves.items[i]) < 0)
			r = err_nomem(err);
	free(moves.items);
	return r;
}
