/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/net.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"

#define DUMP_RETRIES 5
#define MAX_SHOWN 6
#define MAX_GIDS 1024
#define PATH_ROOM 384 /* a name of 255 bytes and what stands around it */

/* --- addresses */

struct address {
	int family;
	unsigned char bytes[16];
	unsigned int scope; /* index of the link; 0 none */
};

static size_t address_size(int family)
{
	return family == AF_INET ? 4 : 16;
}

static bool is_wildcard(const struct address *a)
{
	static const unsigned char none[16];

	return memcmp(a->bytes, none, address_size(a->family)) == 0;
}

static bool is_link_local(const struct address *a)
{
	return a->family == AF_INET6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

static unsigned int scope_of(const char *text)
{
	char name[IF_NAMESIZE];
	uint64_t index;

	if (str_parse_uint(text, UINT32_MAX, &index) == 0 &&
	    if_indextoname((unsigned int)index, name))
		return (unsigned int)index;
	return if_nametoindex(text);
}

/* Returns: 0; -EAFNOSUPPORT not numeric (no text); -EINVAL, -ENODEV of the scope. */
static int parse_numeric(const char *text, struct address *ret, struct err *err)
{
	struct address a = { .family = AF_INET };
	char host[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "%");
	const char *scope = text[length] ? text + length + 1 : NULL;

	if (length >= sizeof(host))
		return -EAFNOSUPPORT;
	memcpy(host, text, length);
	host[length] = '\0';
	if (inet_pton(AF_INET, host, a.bytes) != 1) {
		a.family = AF_INET6;
		if (inet_pton(AF_INET6, host, a.bytes) != 1)
			return -EAFNOSUPPORT;
	}
	if (is_link_local(&a) && !scope)
		return err_set(err, -EINVAL,
			       "%s is link-local: say on which interface, such as %s%%ens1", text,
			       text);
	if (scope && !is_link_local(&a))
		return err_set(err, -EINVAL, "%s: only a link-local address (fe80::) has a %%scope",
			       text);
	if (scope) {
		a.scope = scope_of(scope);
		if (!a.scope)
			return err_set(err, -ENODEV,
				       "%s: there is no interface %s, see: ip -br link", text,
				       scope);
	}
	*ret = a;
	return 0;
}

static void format_address(const struct address *a, char *text, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "";
	char name[IF_NAMESIZE] = "";

	inet_ntop(a->family, a->bytes, host, sizeof(host));
	if (a->scope && if_indextoname(a->scope, name))
		snprintf(text, size, "%s%%%s", host, name);
	else
		snprintf(text, size, "%s", host);
}

/* Is it on this host? Good enough to choose among the addresses of a name. */
static bool can_bind(const struct address *a)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_scope_id = a->scope };
	CLEANUP_CLOSE int fd = socket(a->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	memcpy(&in.sin_addr, a->bytes, sizeof(in.sin_addr));
	memcpy(&in6.sin6_addr, a->bytes, sizeof(in6.sin6_addr));
	return a->family == AF_INET ? bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0
				    : bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;
}

static bool from_sockaddr(const struct sockaddr *sa, struct address *ret)
{
	struct address a = { .family = sa->sa_family };

	if (sa->sa_family == AF_INET) {
		memcpy(a.bytes, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(a.bytes, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
		a.scope = ((const struct sockaddr_in6 *)(const void *)sa)->sin6_scope_id;
	} else {
		return false;
	}
	*ret = a;
	return true;
}

static int resolve_name(const char *host, struct address *ret, struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	struct addrinfo *at;
	struct address a;
	bool found = false;
	bool is_here = false;
	int r = getaddrinfo(host, NULL, &hints, &list);

	if (r == EAI_MEMORY)
		return err_nomem(err);
	if (r != 0)
		return err_set(err, -EADDRNOTAVAIL,
			       "\"%s\" is neither an address nor a name that is known here (%s): "
			       "give the address itself",
			       host, gai_strerror(r));
	for (at = list; at && !is_here; at = at->ai_next) {
		if (!from_sockaddr(at->ai_addr, &a))
			continue;
		is_here = can_bind(&a);
		if (is_here || !found)
			*ret = a;
		found = true;
	}
	freeaddrinfo(list);
	if (!found)
		return err_set(err, -EADDRNOTAVAIL, "\"%s\" has no IPv4 or IPv6 address", host);
	return 0;
}

/* The text without the brackets that stand around it. */
static int unbracket(const char *host, char *ret, size_t size)
{
	size_t length = strlen(host);

	if (length && host[0] == '[') {
		if (host[length - 1] != ']')
			return -EINVAL;
		host++;
		length -= 2;
	}
	if (length == 0 || length >= size)
		return -EINVAL;
	memcpy(ret, host, length);
	ret[length] = '\0';
	return 0;
}

static int no_address(const char *host, struct err *err)
{
	return err_set(err, -EINVAL, "\"%s\" is no address: give one such as 10.1.1.1 or fd00::1",
		       host);
}

/* Numbers and dots alone, a colon, a bracket: a mistyped address and no name. */
static bool looks_numeric(const char *text)
{
	return strpbrk(text, "[]:%") || text[strspn(text, "0123456789.")] == '\0';
}

int net_resolve(const char *host, struct net_listener *ret, struct err *err)
{
	struct net_listener l = { 0 };
	struct address a = { 0 };
	char text[256];
	int r;

	if (unbracket(host, text, sizeof(text)) < 0)
		return no_address(host, err);
	r = parse_numeric(text, &a, err);
	if (r == -EAFNOSUPPORT && looks_numeric(host))
		return no_address(host, err);
	if (r == -EAFNOSUPPORT)
		r = resolve_name(text, &a, err);
	if (r < 0)
		return r;
	format_address(&a, l.address, sizeof(l.address));
	l.family = a.family;
	l.wildcard = is_wildcard(&a);
	*ret = l;
	return 0;
}

/* --- rtnetlink */

struct found {
	struct address address;
	unsigned int index;
	unsigned int flags;
	unsigned char prefix;
};

/* What a dump of the addresses is looked through for. */
struct query {
	struct address want;
	struct found match; /* index 0: none */
	struct found shown[MAX_SHOWN];
	unsigned int n_shown;
	struct found near; /* of the same subnet; index 0: none */
	bool is_local;	   /* though it is in no list: 127.0.0.2, or by a local route */
};

struct link {
	char name[IF_NAMESIZE];
	unsigned int flags;
	unsigned int type;
};

static int nl_errno(int code)
{
	switch (-code) {
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
		return -EPERM;
	case NLE_NODEV:
	case NLE_OBJ_NOTFOUND:
		return -ENODEV;
	case NLE_DUMP_INTR:
		return -EAGAIN;
	default:
		return -EIO;
	}
}

static bool is_same_subnet(const struct found *f, const struct address *want)
{
	unsigned int bits = f->prefix;
	unsigned int i;

	if (bits == 0 || bits >= address_size(want->family) * 8)
		return false;
	for (i = 0; i < bits; i++)
		if ((f->address.bytes[i / 8] ^ want->bytes[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

static void consider(struct query *q, const struct found *f)
{
	if (memcmp(f->address.bytes, q->want.bytes, sizeof(q->want.bytes)) == 0 &&
	    (!q->want.scope || q->want.scope == f->index)) {
		if (!q->match.index)
			q->match = *f;
		return;
	}
	if (is_link_local(&f->address))
		return;
	if (!q->near.index && is_same_subnet(f, &q->want))
		q->near = *f;
	if (q->n_shown < MAX_SHOWN)
		q->shown[q->n_shown++] = *f;
}

static int on_address(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct ifaddrmsg *ifa = nlmsg_data(header);
	struct query *q = arg;
	struct found f = { 0 };
	struct nlattr *attr;

	if (header->nlmsg_type != RTM_NEWADDR || ifa->ifa_family != q->want.family)
		return NL_OK;
	/* of a point-to-point link IFA_ADDRESS is the other side's */
	attr = nlmsg_find_attr(header, sizeof(*ifa), IFA_LOCAL);
	if (!attr)
		attr = nlmsg_find_attr(header, sizeof(*ifa), IFA_ADDRESS);
	if (!attr || (size_t)nla_len(attr) != address_size(ifa->ifa_family))
		return NL_OK;
	f.address.family = ifa->ifa_family;
	memcpy(f.address.bytes, nla_data(attr), address_size(ifa->ifa_family));
	attr = nlmsg_find_attr(header, sizeof(*ifa), IFA_FLAGS);
	f.flags = attr ? nla_get_u32(attr) : ifa->ifa_flags;
	f.index = ifa->ifa_index;
	f.prefix = ifa->ifa_prefixlen;
	consider(q, &f);
	return NL_OK;
}

static int on_link(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct ifinfomsg *info = nlmsg_data(header);
	struct link *link = arg;
	struct nlattr *name = nlmsg_find_attr(header, sizeof(*info), IFLA_IFNAME);

	if (header->nlmsg_type != RTM_NEWLINK || !name)
		return NL_OK;
	snprintf(link->name, sizeof(link->name), "%.*s", nla_len(name),
		 (const char *)nla_data(name));
	link->flags = info->ifi_flags;
	link->type = info->ifi_type;
	return NL_OK;
}

static int ask(struct nl_sock *sock, int type, int flags, void *body, size_t size,
	       nl_recvmsg_msg_cb_t callback, void *arg)
{
	int r = nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, callback, arg);

	if (r == 0)
		r = nl_send_simple(sock, type, flags, body, size);
	if (r >= 0)
		r = nl_recvmsgs_default(sock);
	return r < 0 ? nl_errno(r) : 0;
}

static int find_address(struct nl_sock *sock, struct query *q)
{
	const struct query start = *q;
	int tries;
	int r = -EAGAIN;

	/* a dump during which addresses changed is told to be one, and made again */
	for (tries = 0; r == -EAGAIN && tries < DUMP_RETRIES; tries++) {
		struct ifaddrmsg ifa = { .ifa_family = (unsigned char)q->want.family };

		*q = start;
		r = ask(sock, RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa), on_address, q);
	}
	return r;
}

static int find_link(struct nl_sock *sock, unsigned int index, struct link *ret)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)index };

	return ask(sock, RTM_GETLINK, 0, &info, sizeof(info), on_link, ret);
}

static int on_route(struct nl_msg *msg, void *arg)
{
	const struct rtmsg *route = nlmsg_data(nlmsg_hdr(msg));
	bool *is_local = arg;

	*is_local = nlmsg_hdr(msg)->nlmsg_type == RTM_NEWROUTE && route->rtm_type == RTN_LOCAL;
	return NL_OK;
}

static bool has_local_route(struct nl_sock *sock, const struct address *a)
{
	int size = (int)address_size(a->family);
	struct {
		struct rtmsg route;
		struct rtattr attr;
		unsigned char bytes[16];
	} body = {
		.route = { .rtm_family = (unsigned char)a->family,
			   .rtm_dst_len = (unsigned char)(size * 8) },
		.attr = { .rta_type = RTA_DST, .rta_len = (unsigned short)RTA_LENGTH(size) },
	};
	bool is_local = false;

	memcpy(body.bytes, a->bytes, sizeof(body.bytes));
	ask(sock, RTM_GETROUTE, 0, &body, sizeof(body) - sizeof(body.bytes) + (size_t)size,
	    on_route, &is_local);
	return is_local;
}

static int look_up(struct query *q, struct link *link)
{
	struct nl_sock *sock = nl_socket_alloc();
	int r;

	if (!sock)
		return -ENOMEM;
	nl_socket_disable_auto_ack(sock);
	r = nl_connect(sock, NETLINK_ROUTE);
	r = r < 0 ? nl_errno(r) : find_address(sock, q);
	if (r == 0 && q->match.index)
		r = find_link(sock, q->match.index, link);
	else if (r == 0)
		q->is_local = has_local_route(sock, &q->want);
	nl_socket_free(sock);
	return r;
}

/* --- RDMA devices */

static bool is_port(int devices_fd, const char *device, unsigned int port)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/ports/%u", device, port);
	return faccessat(devices_fd, path, F_OK, 0) == 0;
}

/* Of the same PCI function; on old NICs that has two ports, and dev_port tells them apart. */
static bool is_same_function(int sysfs_fd, int devices_fd, const char *device, const char *ifname,
			     unsigned int *ret_port)
{
	char path[PATH_ROOM];
	char text[16];
	uint64_t dev_port = 0;

	snprintf(path, sizeof(path), "%s/device/net/%s", device, ifname);
	if (faccessat(devices_fd, path, F_OK, 0) < 0)
		return false;
	snprintf(path, sizeof(path), "class/net/%s/dev_port", ifname);
	if (fs_read_at(sysfs_fd, path, text, sizeof(text)) > 0)
		str_parse_uint(text, 254, &dev_port);
	*ret_port = is_port(devices_fd, device, (unsigned int)dev_port + 1)
			    ? (unsigned int)dev_port + 1
			    : 1;
	return true;
}

/* soft-RoCE: the attribute names the link it was made of */
static bool is_parent(int devices_fd, const char *device, const char *ifname)
{
	char path[PATH_ROOM];
	char parent[64];

	snprintf(path, sizeof(path), "%s/parent", device);
	return fs_read_at(devices_fd, path, parent, sizeof(parent)) > 0 &&
	       strcmp(parent, ifname) == 0;
}

/* RoCE has a GID for each link that uses the port: also VLANs, bonds, bridges. */
static bool has_gid_of(int devices_fd, const char *device, unsigned int port, const char *ifname)
{
	unsigned int i;

	for (i = 0; i < MAX_GIDS; i++) {
		char path[PATH_ROOM];
		char name[64];
		ssize_t r;

		snprintf(path, sizeof(path), "%s/ports/%u/gid_attrs/ndevs/%u", device, port, i);
		r = fs_read_at(devices_fd, path, name, sizeof(name));
		if (r > 0 && strcmp(name, ifname) == 0)
			return true;
		if (r == -ENOENT)
			return false;
	}
	return false;
}

/* siw: the first GID is the link's hardware address; both are compared without their colons */
static bool has_mac_of(int sysfs_fd, int devices_fd, const char *device, const char *ifname)
{
	char path[PATH_ROOM];
	char mac[128];
	char gid[64];
	const char *a = mac;
	const char *b = gid;
	unsigned int digits = 0;

	snprintf(path, sizeof(path), "class/net/%s/address", ifname);
	if (fs_read_at(sysfs_fd, path, mac, sizeof(mac)) != 17 ||
	    strcmp(mac, "00:00:00:00:00:00") == 0)
		return false;
	snprintf(path, sizeof(path), "%s/ports/1/gids/0", device);
	if (fs_read_at(devices_fd, path, gid, sizeof(gid)) <= 0)
		return false;
	for (; *a && *b; digits++) {
		a += *a == ':';
		b += *b == ':';
		if (*a++ != *b++)
			return false;
	}
	return digits == 12;
}

static bool is_behind(int sysfs_fd, int devices_fd, const char *device, const char *ifname,
		      unsigned int *ret_port)
{
	unsigned int port;

	if (is_same_function(sysfs_fd, devices_fd, device, ifname, ret_port))
		return true;
	*ret_port = 1;
	if (is_parent(devices_fd, device, ifname))
		return true;
	for (port = 1; is_port(devices_fd, device, port); port++) {
		*ret_port = port;
		if (has_gid_of(devices_fd, device, port, ifname))
			return true;
	}
	*ret_port = 1;
	return has_mac_of(sysfs_fd, devices_fd, device, ifname);
}

static DIR *open_devices(int sysfs_fd)
{
	int fd = openat(sysfs_fd, "class/infiniband", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

static int find_rdma_of(int sysfs_fd, const char *ifname, char ret_device[64],
			unsigned int *ret_port)
{
	CLEANUP_CLOSEDIR DIR *dir = open_devices(sysfs_fd);
	const struct dirent *entry;
	unsigned int port = 1;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= 64 ||
		    !is_behind(sysfs_fd, dirfd(dir), entry->d_name, ifname, &port))
			continue;
		snprintf(ret_device, 64, "%.63s", entry->d_name);
		*ret_port = port;
		return 0;
	}
	return -ENODEV;
}

int net_find_rdma(int sysfs_fd, const char *ifname, char ret_device[64], unsigned int *ret_port)
{
	char path[PATH_ROOM];
	char parent[64];
	int r = find_rdma_of(sysfs_fd, ifname, ret_device, ret_port);

	/* a child of an IPoIB link names that one */
	snprintf(path, sizeof(path), "class/net/%s/parent", ifname);
	if (r < 0 && fs_read_at(sysfs_fd, path, parent, sizeof(parent)) > 0)
		r = find_rdma_of(sysfs_fd, parent, ret_device, ret_port);
	return r;
}

/* --- what is told */

static void add_devices(int sysfs_fd, struct str *text)
{
	CLEANUP_CLOSEDIR DIR *dir = open_devices(sysfs_fd);
	const struct dirent *entry;
	const char *before = "this host has ";

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		str_add(text, before);
		str_add(text, entry->d_name);
		before = ", ";
	}
	if (strcmp(before, ", ") != 0)
		str_add(text, "this host has none at all");
}

static int no_rdma(int sysfs_fd, const struct net_listener *l, struct err *err)
{
	CLEANUP_STR struct str text = STR_NULL;

	if (strcmp(l->ifname, "lo") == 0 || !l->ifname[0])
		return err_set(err, -ENODEV,
			       "%s is a loopback address, which has no RDMA: take the address of "
			       "an RDMA NIC",
			       l->address);
	add_devices(sysfs_fd, &text);
	return err_set(err, -ENODEV,
		       "no RDMA device behind %s (%s), %s: take the address of one, load the NIC's "
		       "RDMA driver, or for soft-RoCE: rdma link add rxe_%s type rxe netdev %s",
		       l->ifname, l->address, str_get(&text), l->ifname, l->ifname);
}

static int check_rdma(struct net_listener *l, struct err *err)
{
	CLEANUP_CLOSE int sysfs_fd = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned int port = 1;
	char path[PATH_ROOM];
	char state[64] = "unknown";

	if (!l->ifname[0] || net_find_rdma(sysfs_fd, l->ifname, l->rdma_device, &port) < 0)
		return no_rdma(sysfs_fd, l, err);
	snprintf(path, sizeof(path), "class/infiniband/%s/ports/%u/state", l->rdma_device, port);
	fs_read_at(sysfs_fd, path, state, sizeof(state));
	l->rdma_active = strstr(state, "ACTIVE") != NULL;
	if (!l->rdma_active)
		return err_set(
			err, -ENOLINK,
			"port %u of %s, behind %s (%s), is not ACTIVE but \"%s\": check cable, "
			"switch and (InfiniBand) the subnet manager with: rdma link",
			port, l->rdma_device, l->ifname, l->address, state);
	return 0;
}

static void add_found(struct str *text, const struct found *f)
{
	char address[64];
	char name[IF_NAMESIZE] = "?";

	format_address(&f->address, address, sizeof(address));
	if_indextoname(f->index, name);
	str_addf(text, "%s%s (%s)", text->length ? ", " : "", address, name);
}

static int not_here(const struct query *q, const struct net_listener *l, struct err *err)
{
	CLEANUP_STR struct str text = STR_NULL;
	char address[64];
	char name[IF_NAMESIZE] = "?";
	unsigned int i;

	if (q->near.index) {
		format_address(&q->near.address, address, sizeof(address));
		if_indextoname(q->near.index, name);
		return err_set(err, -EADDRNOTAVAIL,
			       "%s is not on this host: %s has %s; add it with: ip address add "
			       "%s/%u dev %s",
			       l->address, name, address, l->address, q->near.prefix, name);
	}
	for (i = 0; i < q->n_shown; i++)
		add_found(&text, &q->shown[i]);
	return err_set(err, -EADDRNOTAVAIL,
		       "%s is not on this host, which has %s%s; take one of these, or add it with: "
		       "ip address add %s/BITS dev LINK",
		       l->address, text.length ? str_get(&text) : "no such address at all",
		       q->n_shown == MAX_SHOWN ? ", ..." : "", l->address);
}

static int check_link(const struct query *q, const struct link *link, const struct net_listener *l,
		      struct err *err)
{
	if (!(link->flags & IFF_UP))
		return err_set(err, -ENETDOWN, "%s is on %s, but %s is down: ip link set %s up",
			       l->address, link->name, link->name, link->name);
	if (!(link->flags & IFF_RUNNING))
		return err_set(err, -ENETDOWN,
			       "%s is on %s, but %s has no carrier: check cable, switch%s",
			       l->address, link->name, link->name,
			       link->type == ARPHRD_INFINIBAND ? " and subnet manager" : "");
	if (q->match.flags & IFA_F_DADFAILED)
		return err_set(
			err, -EADDRNOTAVAIL,
			"%s on %s is in use by another host (duplicate address): give one of "
			"them another",
			l->address, link->name);
	if (q->match.flags & IFA_F_TENTATIVE)
		return err_set(err, -EADDRNOTAVAIL,
			       "%s on %s is still being checked for duplicates: try again in two "
			       "seconds",
			       l->address, link->name);
	return 0;
}

static int fill_link(struct net_listener *l, const struct query *q, const struct link *link,
		     struct err *err)
{
	int r;

	if (!q->match.index) {
		if (!q->is_local)
			return not_here(q, l, err);
		l->if_up = true;
		return 0;
	}
	r = check_link(q, link, l, err);
	if (r < 0)
		return r;
	snprintf(l->ifname, sizeof(l->ifname), "%s", link->name);
	l->if_up = true;
	return 0;
}

int net_check(struct net_listener *l, bool rdma, struct err *err)
{
	struct net_listener full = { .family = l->family };
	struct query q = { 0 };
	struct link link = { 0 };
	int r;

	snprintf(full.address, sizeof(full.address), "%s", l->address);
	err_set(err, 0, "%s", "");
	r = parse_numeric(l->address, &q.want, err);
	if (r == -EAFNOSUPPORT)
		return no_address(l->address, err);
	if (r < 0)
		return r;
	full.family = q.want.family;
	full.wildcard = is_wildcard(&q.want);
	if (full.wildcard) {
		*l = full;
		return 0;
	}
	r = look_up(&q, &link);
	if (r < 0)
		return err_set(err, r, "cannot ask the kernel for the addresses of this host: %s",
			       strerror(-r));
	r = fill_link(&full, &q, &link, err);
	if (r == 0 && rdma)
		r = check_rdma(&full, err);
	if (r == 0)
		*l = full;
	return r;
}
