/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/act.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/modload.h"
#include "initiator/owner.h"
#include "nvmf/dhchap.h"

struct keys {
	char host[DHCHAP_KEY_MAX];
	char controller[DHCHAP_KEY_MAX];
};

static void keys_clear(struct keys *keys)
{
	explicit_bzero(keys, sizeof(*keys));
}

static int keys_read(const struct conf_connection *connection, struct keys *keys, struct err *err)
{
	int r = 0;

	if (*connection->key_file)
		r = dhchap_read_file(AT_FDCWD, connection->key_file, keys->host, err);
	if (r == 0 && *connection->controller_key_file)
		r = dhchap_read_file(AT_FDCWD, connection->controller_key_file, keys->controller,
				     err);
	return r;
}

/* The kernel asks for modules itself where it may; here it is said which one is missing. */
static int load_modules(int sysfs_fd, const char *transport, struct err *err)
{
	char module[32];
	int r;

	if (strcmp(transport, "loop") == 0)
		snprintf(module, sizeof(module), "nvme-loop");
	else
		snprintf(module, sizeof(module), "nvme-%s", transport);
	r = modload_ensure(sysfs_fd, module, err);
	/* a kernel that loads by itself what we may not */
	if (r == -EPERM && faccessat(AT_FDCWD, "/dev/nvme-fabrics", F_OK, 0) == 0)
		r = 0;
	if (r == -ELIBACC)
		r = 0;
	return r;
}

int act_connect(const struct act_dirs *dirs, const struct conf_connection *connection,
		const struct host_identity *host, char ret_name[HOST_CONTROLLER_MAX],
		struct err *err)
{
	__attribute__((cleanup(keys_clear))) struct keys keys = { .host = "" };
	const struct tid *tid = &connection->tid;
	char hostid[HOST_ID_MAX];
	struct host_params params = {
		.transport = tid->transport,
		.traddr = tid->traddr,
		.trsvcid = tid->trsvcid,
		.nqn = tid->nqn,
		.hostnqn = *tid->hostnqn ? tid->hostnqn : host->hostnqn,
		.hostid = hostid,
		.host_traddr = tid->host_traddr,
		.host_iface = tid->host_iface,
		.key = keys.host,
		.controller_key = keys.controller,
		.tuning = connection->tuning,
	};
	struct err ignored = ERR_NULL;
	int r = host_id_of(params.hostnqn, host, hostid, err);

	if (r == 0)
		r = keys_read(connection, &keys, err);
	if (r == 0)
		r = load_modules(dirs->sysfs_fd, tid->transport, err);
	if (r == 0)
		r = host_connect(&params, ret_name, err);
	if (r < 0)
		return r;
	/* it is connected, whatever becomes of the note */
	owner_write(dirs->run_fd, dirs->sysfs_fd, ret_name, OWNER_SUNFISH, &ignored);
	return 0;
}

int act_may_disconnect(const struct act_dirs *dirs, const struct inventory *inventory,
		       const char *name, bool force, struct err *err)
{
	CLEANUP_STR struct str why = STR_NULL;
	char owner[OWNER_MAX];

	if (!inventory_find(inventory, name))
		return err_set(err, -ENODEV, "there is no fabrics controller %s", name);
	if (force)
		return 0;
	if (inventory_blockers(inventory, name, &why))
		return err_set(err, -EBUSY,
			       "%s is the last path to what is in use: %s; unmount it, or say "
			       "--force",
			       name, str_get(&why));
	if (owner_read(dirs->run_fd, name, owner, err) < 0)
		return -EPERM;
	if (strcmp(owner, OWNER_SUNFISH) != 0)
		return err_set(err, -EPERM,
			       "%s was not connected by us, but by %s: disconnect it there, or say "
			       "--force",
			       name, *owner ? owner : "somebody else");
	return 0;
}

int act_disconnect(const struct act_dirs *dirs, const struct inventory_controller *controller,
		   struct err *err)
{
	struct err ignored = ERR_NULL;
	int r = host_disconnect(controller->name, controller->tid.nqn, err);

	/* gone is gone, but a number that is used again has an entry of its own */
	if (r == 0)
		owner_remove(dirs->run_fd, controller->name, UINT64_MAX, &ignored);
	return r;
}
