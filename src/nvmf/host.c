/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvmf/host.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libnvme.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "nvmf/kmsg.h"

#define SYSFS_NVME "/sys/class/nvme"
#define LOG_CHUNK_BYTES 4096
#define LOG_TRIES 5

/* The functions of libnvme that are called, by their own names. */
struct library {
	void *handle;
	__typeof__(nvme_create_root) *create_root;
	__typeof__(nvme_free_tree) *free_tree;
	__typeof__(nvme_lookup_host) *lookup_host;
	__typeof__(nvme_host_set_dhchap_key) *host_set_key;
	__typeof__(nvme_create_ctrl) *create_ctrl;
	__typeof__(nvme_ctrl_set_dhchap_key) *ctrl_set_key;
	__typeof__(nvmf_default_config) *default_config;
	__typeof__(nvmf_add_ctrl) *add_ctrl;
	__typeof__(nvme_init_ctrl) *init_ctrl;
	__typeof__(nvme_disconnect_ctrl) *disconnect_ctrl;
	__typeof__(nvme_ctrl_get_name) *ctrl_get_name;
	__typeof__(nvme_ctrl_get_fd) *ctrl_get_fd;
	__typeof__(nvme_get_log) *get_log;
	__typeof__(nvme_errno_to_string) *errno_to_string;
};

/* One use of the library: its objects and what it wrote to its log. */
struct session {
	struct library lib;
	nvme_root_t root;
	nvme_host_t host;
	nvme_ctrl_t ctrl; /* belongs to the root once it is connected */
	FILE *log;
	int kmsg_fd;
};

static int library_open(struct library *lib, struct err *err)
{
	void *handle = dlopen("libnvme.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return err_set(
			err, -ELIBACC,
			"libnvme.so.1 is not on this system (Debian libnvme1, Fedora libnvme)");
	lib->handle = handle;
	if ((lib->create_root = dlsym(handle, "nvme_create_root")) &&
	    (lib->free_tree = dlsym(handle, "nvme_free_tree")) &&
	    (lib->lookup_host = dlsym(handle, "nvme_lookup_host")) &&
	    (lib->host_set_key = dlsym(handle, "nvme_host_set_dhchap_key")) &&
	    (lib->create_ctrl = dlsym(handle, "nvme_create_ctrl")) &&
	    (lib->ctrl_set_key = dlsym(handle, "nvme_ctrl_set_dhchap_key")) &&
	    (lib->default_config = dlsym(handle, "nvmf_default_config")) &&
	    (lib->add_ctrl = dlsym(handle, "nvmf_add_ctrl")) &&
	    (lib->init_ctrl = dlsym(handle, "nvme_init_ctrl")) &&
	    (lib->disconnect_ctrl = dlsym(handle, "nvme_disconnect_ctrl")) &&
	    (lib->ctrl_get_name = dlsym(handle, "nvme_ctrl_get_name")) &&
	    (lib->ctrl_get_fd = dlsym(handle, "nvme_ctrl_get_fd")) &&
	    (lib->get_log = dlsym(handle, "nvme_get_log")) &&
	    (lib->errno_to_string = dlsym(handle, "nvme_errno_to_string")))
		return 0;
	dlclose(handle);
	lib->handle = NULL;
	return err_set(err, -ELIBACC, "libnvme.so.1 is not libnvme: functions are missing");
}

/* The tree is not freed: versions differ in what belongs to it, and the process ends soon. */
static void session_close(struct session *s)
{
	if (s->log)
		fclose(s->log);
	if (s->kmsg_fd >= 0)
		close(s->kmsg_fd);
}
#define CLEANUP_SESSION CLEANUP(session_close)
#define SESSION_NULL ((struct session){ .kmsg_fd = -1 })

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static int session_open(struct session *s, const struct host_params *params, struct err *err)
{
	int fd;
	int r = library_open(&s->lib, err);

	if (r < 0)
		return r;
	errno = 0;
	fd = memfd_create("libnvme", MFD_CLOEXEC);
	s->log = fd < 0 ? NULL : fdopen(fd, "w+");
	if (!s->log)
		return err_set(err, -errno, "cannot keep libnvme's messages: %s", strerror(errno));
	setlinebuf(s->log);
	s->root = s->lib.create_root(s->log, LOG_INFO);
	s->host = s->root ? s->lib.lookup_host(s->root, or_null(params->hostnqn),
					       or_null(params->hostid))
			  : NULL;
	s->ctrl =
		s->host ? s->lib.create_ctrl(s->root, params->nqn, params->transport,
					     or_null(params->traddr), or_null(params->host_traddr),
					     or_null(params->host_iface), or_null(params->trsvcid))
			: NULL;
	if (!s->ctrl)
		return err_set(err, errno ? -errno : -EINVAL,
			       "libnvme does not take the connection to %s: %s", params->nqn,
			       errno ? strerror(errno) : "something is missing");
	s->kmsg_fd = kmsg_open("/dev/kmsg");
	return 0;
}

/* --- why did it fail? */

/* libnvme has one code for all errors of the write; the kernel's own is in its message only. */
static int errno_of_log(FILE *log)
{
	static const char mark[] = "Failed to write to /dev/nvme-fabrics: ";
	char text[4096];
	ssize_t length = pread(fileno(log), text, sizeof(text) - 1, 0);
	const char *at;
	int code;

	text[length > 0 ? length : 0] = '\0';
	at = strstr(text, mark);
	if (!at)
		return 0;
	at += strlen(mark);
	for (code = 1; code < 256; code++) {
		const char *word = strerrordesc_np(code);
		size_t size = word ? strlen(word) : 0;

		if (size && strncmp(at, word, size) == 0 && at[size] == '\n')
			return -code;
	}
	return 0;
}

static int errno_of_library(const struct session *s, int code)
{
	int r = errno_of_log(s->log);

	if (r < 0)
		return r;
	switch (code) {
	case ENVME_CONNECT_ALREADY:
		return -EALREADY;
	case ENVME_CONNECT_ADDRINUSE:
		return -EADDRINUSE;
	case ENVME_CONNECT_NODEV:
	case ENVME_CONNECT_OPEN:
		return -ENODEV;
	case ENVME_CONNECT_OPNOTSUPP:
		return -EOPNOTSUPP;
	case ENVME_CONNECT_CONNREFUSED:
		return -ECONNREFUSED;
	default:
		return code >= ENVME_CONNECT_RESOLVE ? -EINVAL : -code;
	}
}

/* The kernel's message that explains most: the last one that means something, or the first. */
static int read_hint(int kmsg_fd, char ret[KMSG_TEXT_MAX])
{
	char text[KMSG_TEXT_MAX];
	int meaning = 0;

	ret[0] = '\0';
	while (kmsg_fd >= 0 && kmsg_next(kmsg_fd, text)) {
		int m = kmsg_meaning(text);

		if (m || !*ret)
			snprintf(ret, KMSG_TEXT_MAX, "%s", text);
		meaning = m ? m : meaning;
	}
	return meaning;
}

static const char *words_of(int r)
{
	switch (r) {
	case -EALREADY:
		return "this host is connected there already";
	case -ECONNREFUSED:
		return "nobody listens there, or it refused the connection";
	case -ETIMEDOUT:
		return "it does not answer";
	case -ENOENT:
		return "there is no such subsystem there";
	case -EACCES:
		return "this host is not allowed there, or its key does not fit";
	case -ENOKEY:
		return "this host has no TLS key for it: nvme gen-tls-key --insert makes one, and tlshd "
		       "must run";
	case -EADDRINUSE:
		return "host NQN and host id are not the pair that other connections have";
	case -EPROTONOSUPPORT:
		return "the kernel has not that transport";
	case -EOPNOTSUPP:
		return "the kernel does not know one of the options";
	default:
		return strerror(-r);
	}
}

/* Only what the kernel leaves open is decided by its log. */
static int explain(const struct session *s, const struct host_params *params, int code,
		   struct err *err)
{
	char hint[KMSG_TEXT_MAX];
	int r = errno_of_library(s, code);
	int meaning = read_hint(s->kmsg_fd, hint);
	const char *words;

	if (meaning && (r == -EIO || r == -EINVAL || r == -EPERM))
		r = meaning;
	if (r == -EKEYREJECTED || r == -ENOKEY)
		r = -EACCES;
	words = words_of(r == -EACCES && meaning == -ENOKEY ? meaning : r);
	return err_set(err, r, "connecting to %s at %s%s%s (%s): %s%s%s", params->nqn,
		       params->traddr ? params->traddr : "",
		       or_null(params->trsvcid) ? " port " : "",
		       params->trsvcid ? params->trsvcid : "", params->transport, words,
		       *hint ? "; kernel: " : "", hint);
}

/* --- connect */

static int or_default(int value, int otherwise)
{
	return value == HOST_UNSET ? otherwise : value;
}

static void fill_config(const struct session *s, const struct host_tuning *tuning,
			struct nvme_fabrics_config *cfg)
{
	s->lib.default_config(cfg);
	cfg->ctrl_loss_tmo = or_default(tuning->ctrl_loss_tmo, cfg->ctrl_loss_tmo);
	cfg->reconnect_delay = or_default(tuning->reconnect_delay, cfg->reconnect_delay);
	cfg->fast_io_fail_tmo = or_default(tuning->fast_io_fail_tmo, cfg->fast_io_fail_tmo);
	cfg->keep_alive_tmo = or_default(tuning->keep_alive_tmo, cfg->keep_alive_tmo);
	cfg->nr_io_queues = or_default(tuning->nr_io_queues, cfg->nr_io_queues);
	cfg->nr_write_queues = or_default(tuning->nr_write_queues, cfg->nr_write_queues);
	cfg->nr_poll_queues = or_default(tuning->nr_poll_queues, cfg->nr_poll_queues);
	cfg->queue_size = or_default(tuning->queue_size, cfg->queue_size);
	cfg->tos = or_default(tuning->tos, cfg->tos);
	cfg->hdr_digest = or_default(tuning->hdr_digest, 0) == 1;
	cfg->data_digest = or_default(tuning->data_digest, 0) == 1;
	cfg->tls = or_default(tuning->tls, 0) == 1;
}

/* The kernel has made it; libnvme only does not find the place of it in sysfs. */
static bool is_connected_anyhow(const struct session *s, int code)
{
	return (code == ENVME_CONNECT_LOOKUP_SUBSYS_NAME || code == ENVME_CONNECT_LOOKUP_SUBSYS ||
		code == ENVME_CONNECT_INVAL_TR) &&
	       s->lib.ctrl_get_name(s->ctrl);
}

static int connect_ctrl(struct session *s, const struct host_params *params,
			char ret_name[HOST_CONTROLLER_MAX], struct err *err)
{
	struct nvme_fabrics_config cfg;

	fill_config(s, &params->tuning, &cfg);
	if (or_null(params->key))
		s->lib.host_set_key(s->host, params->key);
	if (or_null(params->controller_key))
		s->lib.ctrl_set_key(s->ctrl, params->controller_key);
	if (s->lib.add_ctrl(s->host, s->ctrl, &cfg) < 0) {
		int code = errno;

		if (!is_connected_anyhow(s, code))
			return explain(s, params, code, err);
	}
	snprintf(ret_name, HOST_CONTROLLER_MAX, "%s", s->lib.ctrl_get_name(s->ctrl));
	return 0;
}

int host_connect(const struct host_params *params, char ret_name[HOST_CONTROLLER_MAX],
		 struct err *err)
{
	CLEANUP_SESSION struct session s = SESSION_NULL;
	int r = session_open(&s, params, err);

	return r < 0 ? r : connect_ctrl(&s, params, ret_name, err);
}

/* --- disconnect */

static int check_identity(const char *name, const char *nqn, struct err *err)
{
	char path[sizeof(SYSFS_NVME) + HOST_CONTROLLER_MAX + 16];
	char text[FS_ATTR_MAX];
	ssize_t length;

	if (strncmp(name, "nvme", 4) != 0 || strlen(name) >= HOST_CONTROLLER_MAX ||
	    strspn(name + 4, "0123456789") != strlen(name + 4))
		return err_set(err, -ENODEV, "\"%s\" is no controller", name);
	snprintf(path, sizeof(path), SYSFS_NVME "/%s/subsysnqn", name);
	length = fs_read_at(-1, path, text, sizeof(text));
	if (length < 0)
		return err_set(err, -ENODEV, "there is no controller %s", name);
	if (strcmp(text, nqn) != 0)
		return err_set(err, -ENODEV, "%s is of subsystem %s now, not of %s", name, text,
			       nqn);
	return 0;
}

/* Not nvme_scan_ctrl: it asks each namespace to identify itself, and a controller that has lost
 * its target does not answer. */
static int disconnect_ctrl(struct session *s, const char *name, struct err *err)
{
	s->lib.init_ctrl(s->host, s->ctrl, (int)strtol(name + 4, NULL, 10));
	if (!s->lib.ctrl_get_name(s->ctrl))
		return err_set(err, -ENODEV, "there is no controller %s", name);
	if (s->lib.disconnect_ctrl(s->ctrl) < 0)
		return err_set(err, -errno, "disconnecting %s: %s", name, strerror(errno));
	return 0;
}

int host_disconnect(const char *name, const char *nqn, struct err *err)
{
	CLEANUP_SESSION struct session s = SESSION_NULL;
	/* libnvme wants a transport and a host, whatever they are */
	const struct host_params params = { .transport = "loop", .nqn = nqn, .hostnqn = nqn };
	int r = session_open(&s, &params, err);

	if (r == 0)
		r = check_identity(name, nqn, err);
	return r < 0 ? r : disconnect_ctrl(&s, name, err);
}

/* --- discovery */

/* Not nvmf_get_discovery_log: in libnvme 1.3 a lie about the number of records overflows a buffer.
 */
static int read_log(const struct session *s, uint64_t offset, void *data, uint32_t length,
		    struct err *err)
{
	struct nvme_get_log_args args = {
		.args_size = sizeof(args),
		.fd = s->lib.ctrl_get_fd(s->ctrl),
		.lid = NVME_LOG_LID_DISCOVER,
		.lpo = offset,
		.log = data,
		.len = length,
		.uuidx = NVME_UUID_NONE,
		.timeout = NVME_DEFAULT_IOCTL_TIMEOUT,
	};
	int r;

	if (args.fd < 0)
		return err_set(err, -errno, "cannot open %s: %s", s->lib.ctrl_get_name(s->ctrl),
			       strerror(errno));
	r = s->lib.get_log(&args);
	if (r < 0)
		return err_set(err, -errno, "reading the discovery log: %s", strerror(errno));
	if (r > 0)
		return err_set(err, -EIO, "the discovery controller refuses its log: status 0x%x",
			       (unsigned int)r);
	return 0;
}

/* @ret_count  of those that lead somewhere */
static int read_records(const struct session *s, uint64_t count, struct host_record *records,
			size_t *ret_count, struct err *err)
{
	const uint64_t per_chunk = LOG_CHUNK_BYTES / DISC_RECORD_BYTES;
	uint8_t chunk[LOG_CHUNK_BYTES];
	uint64_t done = 0;
	size_t taken = 0;

	while (done < count) {
		uint64_t n = count - done < per_chunk ? count - done : per_chunk;
		uint64_t i;
		int r = read_log(s, DISC_HEADER_BYTES + done * DISC_RECORD_BYTES, chunk,
				 (uint32_t)(n * DISC_RECORD_BYTES), err);

		if (r < 0)
			return r;
		for (i = 0; i < n; i++)
			if (host_record_decode(chunk + i * DISC_RECORD_BYTES, &records[taken]) == 0)
				taken++;
		done += n;
	}
	*ret_count = taken;
	return 0;
}

static int read_header(const struct session *s, struct disc_header *ret, struct err *err)
{
	uint8_t bytes[DISC_HEADER_BYTES] = { 0 };
	int r = read_log(s, 0, bytes, sizeof(bytes), err);

	if (r == 0)
		disc_header_decode(bytes, ret);
	return r;
}

/* Returns: 1 it changed while it was read. */
static int read_once(const struct session *s, struct host_record **ret, size_t *ret_count,
		     struct err *err)
{
	CLEANUP_FREE struct host_record *records = NULL;
	struct disc_header header = { 0 }, after = { 0 };
	size_t count = 0;
	int r = read_header(s, &header, err);

	if (r < 0)
		return r;
	if (header.numrec > HOST_RECORDS_MAX)
		return err_set(err, -EBADMSG, "the discovery log says it has %llu records",
			       (unsigned long long)header.numrec);
	records = calloc(header.numrec ? header.numrec : 1, sizeof(*records));
	if (!records)
		return err_nomem(err);
	r = read_records(s, header.numrec, records, &count, err);
	if (r == 0)
		r = read_header(s, &after, err);
	if (r < 0)
		return r;
	if (after.genctr != header.genctr)
		return 1;
	*ret = TAKE_PTR(records);
	*ret_count = count;
	return 0;
}

static int read_whole(const struct session *s, struct host_record **ret, size_t *ret_count,
		      struct err *err)
{
	unsigned int i;

	for (i = 0; i < LOG_TRIES; i++) {
		int r = read_once(s, ret, ret_count, err);

		if (r <= 0)
			return r;
	}
	return err_set(err, -EBADMSG, "the discovery log changed %d times while it was read",
		       LOG_TRIES);
}

int host_discover(const struct host_params *params, struct host_record **ret_records,
		  size_t *ret_count, struct err *err)
{
	CLEANUP_SESSION struct session s = SESSION_NULL;
	struct host_params with_nqn = *params;
	char name[HOST_CONTROLLER_MAX];
	int r;

	if (!or_null(with_nqn.nqn))
		with_nqn.nqn = NQN_DISCOVERY;
	if (!or_null(with_nqn.trsvcid) && strcmp(with_nqn.transport, "tcp") == 0)
		with_nqn.trsvcid = "8009";
	else if (!or_null(with_nqn.trsvcid) && strcmp(with_nqn.transport, "rdma") == 0)
		with_nqn.trsvcid = "4420";
	r = session_open(&s, &with_nqn, err);
	if (r == 0)
		r = connect_ctrl(&s, &with_nqn, name, err);
	if (r < 0)
		return r;
	r = read_whole(&s, ret_records, ret_count, err);
	s.lib.disconnect_ctrl(s.ctrl);
	return r;
}
