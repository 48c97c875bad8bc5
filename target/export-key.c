/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/export-key.h"

#include <string.h>

#include "nvmf/addr.h"
#include "target/export.h"

static const struct export_key keys[] = {
	{ MODEL_SUBSYSTEM, EXPORT_GROUPS, "nqn", NULL },
	{ MODEL_SUBSYSTEM, EXPORT_BOOL, "allow_any_host", "attr_allow_any_host" },
	{ MODEL_SUBSYSTEM, EXPORT_TEXT, "serial", "attr_serial" },
	{ MODEL_SUBSYSTEM, EXPORT_TEXT, "model", "attr_model" },
	{ MODEL_SUBSYSTEM, EXPORT_TEXT, "firmware", "attr_firmware" },
	{ MODEL_SUBSYSTEM, EXPORT_HEX, "ieee_oui", "attr_ieee_oui" },
	{ MODEL_SUBSYSTEM, EXPORT_TEXT, "version", "attr_version" },
	{ MODEL_SUBSYSTEM, EXPORT_HEX, "vendor_id", "attr_vendor_id" },
	{ MODEL_SUBSYSTEM, EXPORT_HEX, "subsys_vendor_id", "attr_subsys_vendor_id" },
	{ MODEL_SUBSYSTEM, EXPORT_INT, "cntlid_min", "attr_cntlid_min" },
	{ MODEL_SUBSYSTEM, EXPORT_INT, "cntlid_max", "attr_cntlid_max" },
	{ MODEL_SUBSYSTEM, EXPORT_INT, "qid_max", "attr_qid_max" },
	{ MODEL_SUBSYSTEM, EXPORT_BOOL, "pi_enable", "attr_pi_enable" },
	{ MODEL_SUBSYSTEM, EXPORT_BOOL, "tbkas", "attr_tbkas" },
	{ MODEL_SUBSYSTEM, EXPORT_TEXT, "made_by", EXPORT_MADE_BY },
	{ MODEL_SUBSYSTEM, EXPORT_GROUPS, EXPORT_ATTRIBUTES, NULL },
	{ MODEL_SUBSYSTEM, EXPORT_GROUPS, "namespaces", NULL },
	{ MODEL_SUBSYSTEM, EXPORT_GROUPS, "passthru", NULL },
	{ MODEL_SUBSYSTEM, EXPORT_GROUPS, "hosts", NULL },
	{ MODEL_SUBSYSTEM, EXPORT_GROUPS, "listeners", NULL },

	{ MODEL_NAMESPACE, EXPORT_GROUPS, "nsid", NULL },
	{ MODEL_NAMESPACE, EXPORT_TEXT, "device", "device_path" },
	{ MODEL_NAMESPACE, EXPORT_TEXT, "uuid", "device_uuid" },
	{ MODEL_NAMESPACE, EXPORT_TEXT, "nguid", "device_nguid" },
	{ MODEL_NAMESPACE, EXPORT_ENABLED, "enable", "enable" },
	{ MODEL_NAMESPACE, EXPORT_BOOL, "buffered_io", "buffered_io" },
	{ MODEL_NAMESPACE, EXPORT_SWITCH, "p2pmem", "p2pmem" },
	{ MODEL_NAMESPACE, EXPORT_BOOL, "resv_enable", "resv_enable" },
	{ MODEL_NAMESPACE, EXPORT_INT, "ana_group", "ana_grpid" },
	{ MODEL_NAMESPACE, EXPORT_GROUPS, EXPORT_ATTRIBUTES, NULL },

	{ MODEL_PASSTHRU, EXPORT_TEXT, "device", "device_path" },
	{ MODEL_PASSTHRU, EXPORT_ENABLED, "enable", "enable" },
	{ MODEL_PASSTHRU, EXPORT_INT, "admin_timeout", "admin_timeout" },
	{ MODEL_PASSTHRU, EXPORT_INT, "io_timeout", "io_timeout" },
	{ MODEL_PASSTHRU, EXPORT_BOOL, "clear_ids", "clear_ids" },
	{ MODEL_PASSTHRU, EXPORT_GROUPS, EXPORT_ATTRIBUTES, NULL },

	{ MODEL_HOST, EXPORT_GROUPS, "nqn", NULL },
	{ MODEL_HOST, EXPORT_FILE, "dhchap_key_file", EXPORT_KEY_FILE },
	{ MODEL_HOST, EXPORT_FILE, "dhchap_ctrl_key_file", EXPORT_CTRL_KEY_FILE },
	{ MODEL_HOST, EXPORT_TEXT, "dhchap_hash", "dhchap_hash" },
	{ MODEL_HOST, EXPORT_TEXT, "dhchap_dhgroup", "dhchap_dhgroup" },
	{ MODEL_HOST, EXPORT_GROUPS, EXPORT_ATTRIBUTES, NULL },

	{ MODEL_PORT, EXPORT_GROUPS, "port_id", NULL },
	{ MODEL_PORT, EXPORT_TEXT, "transport", "addr_trtype" },
	{ MODEL_PORT, EXPORT_FAMILY, "family", "addr_adrfam" },
	{ MODEL_PORT, EXPORT_TEXT, "address", "addr_traddr" },
	{ MODEL_PORT, EXPORT_PORT, "port", "addr_trsvcid" },
	{ MODEL_PORT, EXPORT_TLS, "tls", "addr_tsas" },
	{ MODEL_PORT, EXPORT_TEXT, "treq", "addr_treq" },
	{ MODEL_PORT, EXPORT_INT, "inline_data_size", "param_inline_data_size" },
	{ MODEL_PORT, EXPORT_INT, "max_queue_size", "param_max_queue_size" },
	{ MODEL_PORT, EXPORT_INT, "mdts", "param_mdts" },
	{ MODEL_PORT, EXPORT_BOOL, "pi_enable", "param_pi_enable" },
	{ MODEL_PORT, EXPORT_GROUPS, EXPORT_ATTRIBUTES, NULL },
	{ MODEL_PORT, EXPORT_GROUPS, "ana_groups", NULL },
	{ MODEL_PORT, EXPORT_GROUPS, "referrals", NULL },

	{ MODEL_ANA_GROUP, EXPORT_GROUPS, "id", NULL },
	{ MODEL_ANA_GROUP, EXPORT_TEXT, "state", "ana_state" },
	{ MODEL_ANA_GROUP, EXPORT_GROUPS, EXPORT_ATTRIBUTES, NULL },

	{ MODEL_REFERRAL, EXPORT_GROUPS, "name", NULL },
	{ MODEL_REFERRAL, EXPORT_TEXT, "transport", "addr_trtype" },
	{ MODEL_REFERRAL, EXPORT_FAMILY, "family", "addr_adrfam" },
	{ MODEL_REFERRAL, EXPORT_TEXT, "address", "addr_traddr" },
	{ MODEL_REFERRAL, EXPORT_PORT, "port", "addr_trsvcid" },
	{ MODEL_REFERRAL, EXPORT_INT, "port_id", "addr_portid" },
	{ MODEL_REFERRAL, EXPORT_TEXT, "treq", "addr_treq" },
	{ MODEL_REFERRAL, EXPORT_ENABLED, "enable", "enable" },
	{ MODEL_REFERRAL, EXPORT_GROUPS, EXPORT_ATTRIBUTES, NULL },
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))
#define KEY_MAX 32

const struct export_key *export_key_at(enum model_kind kind, unsigned int index)
{
	size_t i;

	for (i = 0; i < N_KEYS; i++)
		if (keys[i].kind == kind && index-- == 0)
			return &keys[i];
	return NULL;
}

const struct export_key *export_key_find(enum model_kind kind, const char *key)
{
	size_t i;

	for (i = 0; i < N_KEYS; i++)
		if (keys[i].kind == kind && strcmp(keys[i].key, key) == 0)
			return &keys[i];
	return NULL;
}

const struct export_key *export_key_of(enum model_kind kind, const char *attr)
{
	size_t i;

	for (i = 0; i < N_KEYS; i++)
		if (keys[i].kind == kind && keys[i].attr && strcmp(keys[i].attr, attr) == 0)
			return &keys[i];
	return NULL;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many characters must be added, taken away or changed to make @b of @a. */
static size_t distance(const char *a, const char *b)
{
	size_t row[KEY_MAX + 1];
	size_t width = strlen(b);
	size_t i;
	size_t k;

	for (k = 0; k <= width; k++)
		row[k] = k;
	for (i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (k = 0; k < width; k++) {
			size_t above = row[k + 1];

			row[k + 1] = least(diagonal + (a[i] != b[k]), least(above, row[k]) + 1);
			diagonal = above;
		}
	}
	return row[width];
}

const struct export_key *export_key_nearest(enum model_kind kind, const char *key)
{
	const struct export_key *best = NULL;
	size_t best_distance = 4;
	size_t i;

	if (strlen(key) > KEY_MAX)
		return NULL;
	for (i = 0; i < N_KEYS; i++) {
		size_t d;

		if (keys[i].kind != kind)
			continue;
		/* the kernel's own name is what many will know */
		if (keys[i].attr && strcmp(keys[i].attr, key) == 0)
			return &keys[i];
		/* "dhchap_key" for "dhchap_key_file" */
		d = strlen(key) > 3 && strncmp(keys[i].key, key, strlen(key)) == 0
			    ? 1
			    : distance(key, keys[i].key);
		if (d < best_distance && d < strlen(keys[i].key)) {
			best_distance = d;
			best = &keys[i];
		}
	}
	return best;
}

void export_key_list(enum model_kind kind, struct str *text)
{
	const char *before = "";
	size_t i;

	for (i = 0; i < N_KEYS; i++) {
		if (keys[i].kind != kind)
			continue;
		str_addf(text, "%s%s", before, keys[i].key);
		before = ", ";
	}
}

const char *export_family_of(const char *trtype, const char *traddr)
{
	struct addr addr;

	if (strcmp(trtype, "fc") == 0 || strcmp(trtype, "pci") == 0)
		return strcmp(trtype, "fc") == 0 ? "fc" : "pci";
	if (strcmp(trtype, "tcp") != 0 && strcmp(trtype, "rdma") != 0)
		return NULL;
	if (addr_parse_host(traddr, &addr, NULL) < 0)
		return NULL;
	return addr_family_word(addr.family);
}
