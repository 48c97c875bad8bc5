/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * capability - what this kernel's nvmet has.
 *
 * Never by version, since distributions take back features: a temporary subsystem without any
 * access, with a namespace, a port, a host, a referral and an ANA group, is made, the names of its
 * attributes are read, and all of it is removed again, also after an error. Nothing is linked to
 * a port and no device is opened, so no host sees it.
 *
 * Transports are looked up among the modules without loading any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "target/model.h"

struct capability {
	enum model_kind kind;
	char *name;
	bool is_known; /* attr.h knows it */
	bool is_present;
};

enum capability_module {
	CAPABILITY_ABSENT,
	CAPABILITY_LOADABLE, /* there, not loaded */
	CAPABILITY_LOADED,
	CAPABILITY_BUILTIN,
};

struct capability_transport {
	const char *name;   /* tcp rdma fc loop pci, as in addr_trtype */
	const char *module; /* such as nvmet-tcp */
	enum capability_module state;
};

#define CAPABILITY_TRANSPORTS 5

struct capability_list {
	char release[65];	  /* of the kernel */
	struct capability *items; /* in the order of attr.h by kind; unknown ones last per kind */
	size_t count;
	struct capability_transport transports[CAPABILITY_TRANSPORTS];
	bool has_debugfs;  /* controllers are shown in debugfs */
	bool has_passthru; /* whole NVMe controllers can be exported */
	bool has_auth;	   /* DH-HMAC-CHAP */
	bool has_tls;	   /* a TCP port takes tls1.3 */
};

#define CAPABILITY_LIST_NULL ((struct capability_list){ 0 })

void capability_list_deinit(struct capability_list *list);
#define CLEANUP_CAPABILITY_LIST __attribute__((cleanup(capability_list_deinit)))

/* The word for a kind ("subsystem") and for a state of a module ("builtin"). */
const char *capability_kind_name(enum model_kind kind);
const char *capability_module_name(enum capability_module state);

/* Has the kernel that attribute? false also for one that neither side knows. */
bool capability_has(const struct capability_list *list, enum model_kind kind, const char *name);

/*
 * Ask this kernel. Needs write access to configfs.
 * @nvmet_fd  /sys/kernel/config/nvmet
 * Returns: 0, *ret owned; -EACCES, -EPERM; -ENOSPC no port number is free; -ENOMEM;
 *   other negative errno. The temporary objects are gone in any case; if the kernel refused to
 *   remove one, that is the error.
 */
int capability_probe(int nvmet_fd, struct capability_list *ret, struct err *err);

/*
 * The state of one module, without loading it.
 * @root_fd  the root directory "/"
 * @release  of the kernel, as uname -r
 * @module   with '-' or '_'
 */
enum capability_module capability_module_state(int root_fd, const char *release,
					       const char *module);
