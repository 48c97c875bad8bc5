/* SPDX-License-Identifier: BSD-3-Clause */
/* What host.h says without libnvme: who this host is, what the kernel takes, records of a log. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "nvmf/host.h"
#include "nvmf/nvme-spec.h"

#define UUID_NQN "nqn.2014-08.org.nvmexpress:uuid:"
#define UUID_LENGTH 36

void host_tuning_default(struct host_tuning *io, const struct host_tuning *base)
{
	int *const to[] = { &io->ctrl_loss_tmo,	 &io->reconnect_delay, &io->fast_io_fail_tmo,
			    &io->keep_alive_tmo, &io->nr_io_queues,    &io->nr_write_queues,
			    &io->nr_poll_queues, &io->queue_size,      &io->tos,
			    &io->hdr_digest,	 &io->data_digest,     &io->tls };
	const int from[] = { base->ctrl_loss_tmo,  base->reconnect_delay, base->fast_io_fail_tmo,
			     base->keep_alive_tmo, base->nr_io_queues,	  base->nr_write_queues,
			     base->nr_poll_queues, base->queue_size,	  base->tos,
			     base->hdr_digest,	   base->data_digest,	  base->tls };
	size_t i;

	for (i = 0; i < sizeof(from) / sizeof(from[0]); i++)
		if (*to[i] == HOST_UNSET)
			*to[i] = from[i];
}

/* --- identity */

/* The first line, without blanks around it. */
static int read_line(int etc_fd, const char *path, char *ret, size_t size)
{
	char text[FS_ATTR_MAX];
	ssize_t length = fs_read_at(etc_fd, path, text, sizeof(text));
	char *begin = text;

	if (length < 0)
		return (int)length;
	text[strcspn(text, "\n")] = '\0';
	begin += strspn(begin, " \t");
	begin[strcspn(begin, " \t\r")] = '\0';
	if (!*begin)
		return -ENOENT;
	return snprintf(ret, size, "%s", begin) < (int)size ? 0 : -EINVAL;
}

static bool is_uuid(const char *text)
{
	size_t i;

	for (i = 0; i < UUID_LENGTH; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return text[UUID_LENGTH] == '\0';
}

/* A machine id is 32 hex digits. */
static int derive_nqn(int etc_fd, char ret[NQN_MAX + 1], struct err *err)
{
	char id[64];
	char uuid[HOST_ID_MAX];
	int r = read_line(etc_fd, "machine-id", id, sizeof(id));

	if (r < 0)
		return err_set(err, -ENOENT,
			       "there is neither /etc/nvme/hostnqn nor /etc/machine-id: make one "
			       "with `nvme gen-hostnqn >/etc/nvme/hostnqn`");
	snprintf(uuid, sizeof(uuid), "%.8s-%.4s-%.4s-%.4s-%.12s", id, id + 8, id + 12, id + 16,
		 id + 20);
	if (strlen(id) != 32 || !is_uuid(uuid))
		return err_set(err, -EINVAL, "/etc/machine-id is \"%s\": no machine id", id);
	snprintf(ret, NQN_MAX + 1, UUID_NQN "%s", uuid);
	return 0;
}

/* The id that belongs to an NQN with a UUID in it. */
static bool id_of_nqn(const char *nqn, char ret[HOST_ID_MAX])
{
	if (strncmp(nqn, UUID_NQN, strlen(UUID_NQN)) != 0 || !is_uuid(nqn + strlen(UUID_NQN)))
		return false;
	snprintf(ret, HOST_ID_MAX, "%s", nqn + strlen(UUID_NQN));
	return true;
}

static int read_nqn(int etc_fd, struct host_identity *io, struct err *err)
{
	int r = read_line(etc_fd, "nvme/hostnqn", io->hostnqn, sizeof(io->hostnqn));

	if (r == -ENOENT) {
		io->made_up = true;
		return derive_nqn(etc_fd, io->hostnqn, err);
	}
	if (r < 0)
		return err_set(err, r, "/etc/nvme/hostnqn: %s",
			       r == -EINVAL ? "it is too long for an NQN" : strerror(-r));
	r = nqn_check_host(io->hostnqn, err);
	if (r < 0)
		err_prefix(err, "/etc/nvme/hostnqn: ");
	return r;
}

int host_identity_read(int etc_fd, struct host_identity *ret, struct err *err)
{
	struct host_identity identity = { .made_up = false };
	char id[64];
	int r = read_nqn(etc_fd, &identity, err);

	if (r < 0)
		return r;
	r = read_line(etc_fd, "nvme/hostid", id, sizeof(id));
	if (r == 0 && !is_uuid(id))
		return err_set(err, -EINVAL, "/etc/nvme/hostid is \"%s\", but must be a UUID", id);
	if (r == 0)
		memcpy(identity.hostid, id, sizeof(identity.hostid));
	else if (r != -ENOENT)
		return err_set(err, r, "/etc/nvme/hostid: %s", strerror(-r));
	else if (!id_of_nqn(identity.hostnqn, identity.hostid))
		return err_set(err, -EINVAL,
			       "/etc/nvme/hostnqn has no UUID in it and there is no "
			       "/etc/nvme/hostid: write a UUID there");
	*ret = identity;
	return 0;
}

int host_id_of(const char *hostnqn, const struct host_identity *host, char ret[HOST_ID_MAX],
	       struct err *err)
{
	if (strcmp(hostnqn, host->hostnqn) == 0)
		snprintf(ret, HOST_ID_MAX, "%s", host->hostid);
	else if (!id_of_nqn(hostnqn, ret))
		return err_set(err, -EINVAL,
			       "host NQN %s has no UUID in it, and the kernel wants another host "
			       "id for each host NQN: take one like " UUID_NQN "UUID",
			       hostnqn);
	return 0;
}

/* --- what the kernel takes */

int host_options_read(const char *path, struct host_options *ret, struct err *err)
{
	char text[sizeof(ret->text) - 1];
	ssize_t length = fs_read_at(-1, path, text, sizeof(text));

	if (length == -ENOENT || length == -ENXIO || length == -ENODEV)
		return err_set(err, -ENOENT,
			       "%s is not there: the module nvme-fabrics is not loaded", path);
	/* before 5.17 there is nothing to be read without a connection */
	if (length == -EINVAL)
		length = 0;
	if (length < 0)
		return err_set(err, (int)length, "%s: %s", path, strerror((int)-length));
	text[length] = '\0';
	snprintf(ret->text, sizeof(ret->text), ",%s", text);
	return 0;
}

bool host_options_has(const struct host_options *options, const char *option)
{
	const char *at = options->text;
	size_t length = strlen(option);

	while ((at = strchr(at, ','))) {
		at++;
		/* "tls" or "hostnqn=%s" */
		if (strncmp(at, option, length) == 0 && strchr(",=\n", at[length]))
			return true;
	}
	return false;
}

/* --- records of a discovery log */

int host_record_decode(const uint8_t bytes[DISC_RECORD_BYTES], struct host_record *ret)
{
	static const char *const requires[] = { "", "required", "not-required", "3" };
	struct disc_record record;
	char scratch[8];
	int r = disc_record_decode(bytes, &record, NULL);

	if (r < 0)
		return r;
#define TAKE(to, text) snprintf(ret->to, sizeof(ret->to), "%s", text)
	TAKE(transport, disc_trtype_word(record.trtype, scratch));
	TAKE(family, disc_adrfam_word(record.adrfam, scratch));
	TAKE(subtype, record.subtype == NVME_SUBTYPE_NVM
			      ? "nvme"
			      : disc_subtype_word(record.subtype, scratch));
	TAKE(requires, requires[record.treq & NVME_TREQ_MASK]);
	TAKE(trsvcid, record.trsvcid);
	TAKE(nqn, record.subnqn);
	TAKE(traddr, record.traddr);
	TAKE(security, disc_sectype_word(record.sectype, scratch));
#undef TAKE
	ret->port_id = record.port_id;
	ret->cntlid = record.cntlid;
	return 0;
}
