/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * model - the tree of an nvmet target, wanted or actual.
 *
 * One kind of node for everything that is a directory below /sys/kernel/config/nvmet: it has
 * attributes (files), links (the subsystems of a port, the allowed hosts of a subsystem) and
 * children. Attributes are kept by the kernel's own names, so one that is newer than this program
 * is read, shown, saved and written like any other; what is known of an attribute stands in
 * attr.h.
 *
 * A wanted model may be partial: what it does not mention is left alone. `absent` asks for
 * removal. The model does no input or output.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum model_kind {
	MODEL_ROOT,	 /* nvmet itself: attribute discovery_nqn */
	MODEL_HOST,	 /* hosts/HOSTNQN */
	MODEL_SUBSYSTEM, /* subsystems/NQN; links: allowed_hosts */
	MODEL_NAMESPACE, /* subsystems/NQN/namespaces/NSID */
	MODEL_PASSTHRU,	 /* subsystems/NQN/passthru (built in, name "passthru") */
	MODEL_PORT,	 /* ports/ID; links: subsystems */
	MODEL_ANA_GROUP, /* ports/ID/ana_groups/GRPID */
	MODEL_REFERRAL,	 /* ports/ID/referrals/NAME */
};

struct model_attr {
	char *name;  /* file name, such as "device_path" */
	char *value; /* text without trailing newline */
	bool secret; /* never shown, logged or put in --json */
};

struct model_link {
	char *name;
	bool absent;
};

struct model_object {
	enum model_kind kind;
	char *name;
	bool absent; /* wanted: remove it, with all below it */
	bool exact;  /* wanted: links and children that are not mentioned are removed */
	struct model_object *parent;
	struct model_attr *attrs; /* in the order they were set */
	size_t n_attrs;
	struct model_link *links; /* sorted by name */
	size_t n_links;
	struct model_object **children; /* sorted by kind, then name (numbers as numbers) */
	size_t n_children;
};

/* A new root, owned by the caller. NULL: out of memory. */
struct model_object *model_new(void);

/* Free an object with all below it and take it out of its parent. NULL is allowed. */
void model_free(struct model_object *object);

static inline void model_free_p(struct model_object **object)
{
	model_free(*object);
}
#define CLEANUP_MODEL __attribute__((cleanup(model_free_p)))

/* Copy @object with all below it as a child of @parent (or as a root, @parent NULL and a
 * MODEL_ROOT). NULL: out of memory, nothing changed. */
struct model_object *model_copy(struct model_object *parent, const struct model_object *object);

/* The child of that kind and name; made if it is not there. NULL: out of memory. */
struct model_object *model_add(struct model_object *parent, enum model_kind kind, const char *name);

/* The child of that kind and name, borrowed until the parent changes; NULL if there is none. */
struct model_object *model_find(const struct model_object *parent, enum model_kind kind,
				const char *name);

/* Convenience for namespaces and ports, whose names are numbers. */
struct model_object *model_add_id(struct model_object *parent, enum model_kind kind, uint32_t id);
struct model_object *model_find_id(const struct model_object *parent, enum model_kind kind,
				   uint32_t id);
uint32_t model_id(const struct model_object *object);

/* Set (replace) an attribute. Returns: 0; -ENOMEM. */
int model_set(struct model_object *object, const char *name, const char *value);
int model_set_secret(struct model_object *object, const char *name, const char *value);
int model_unset(struct model_object *object, const char *name);

/* The value of an attribute, borrowed until it is set again; NULL if the object has none. */
const char *model_get(const struct model_object *object, const char *name);

/* The value of an attribute, "" if there is none. */
const char *model_text(const struct model_object *object, const char *name);

/* Is the attribute there and "1"? */
bool model_is_on(const struct model_object *object, const char *name);

/* Add a link, or change the mark of one that is there. Returns: 0; -ENOMEM. */
int model_link(struct model_object *object, const char *name, bool absent);
bool model_has_link(const struct model_object *object, const char *name);

/* Is there such a link that is to go? false for an @object of NULL. */
bool model_has_absent_link(const struct model_object *object, const char *name);

/* Path below nvmet, such as "subsystems/blake14/namespaces/1"; "" for the root.
 * Returns: 0; -ENAMETOOLONG if it does not fit @size. */
#define MODEL_PATH_MAX 1024
int model_path(const struct model_object *object, char *path, size_t size);

/* "namespace 1 of blake14", "port 1 (tcp 10.1.1.1:4420)": how a person calls it; cut at @size.
 * Returns @text. */
#define MODEL_NAME_MAX 320
const char *model_describe(const struct model_object *object, char *text, size_t size);

/* Iterate over the children of one kind: for (i = 0; (o = model_next(p, KIND, &i));) */
struct model_object *model_next(const struct model_object *parent, enum model_kind kind,
				size_t *index);
