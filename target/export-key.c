/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/export-key.h"

#include <string.h>

#include "nvmf/addr.h"
#include "target/export.h"

static const struct export_key keys[] = {
	{ MODEL_SUBSYSTEM, "nqn", NULL, EXPORT_GROUPS },
	{ MODEL_SUBSYSTEM, "allow_any_host", "attr_allow_any_host", EXPORT_BOOL },
	{ MODEL_SUBSYSTEM, "serial", "attr_serial", EXPORT_TEXT },
	{ MODEL_SUBSYSTEM, "model", "attr_model", EXPORT_TEXT },
	{ MODEL_SUBSYSTEM, "firmware", "attr_firmware", EXPORT_TEXT },
	{ MODEL_SUBSYSTEM, "ieee_oui", "attr_ieee_oui", EXPORT_HEX },
	{ MODEL_SUBSYSTEM, "version", "attr_version", EXPORT_TEXT },
	{ MODEL_SUBSYSTEM, "vendor_id", "attr_vendor_id", EXPORT_HEX },
	{ MODEL_SUBSYSTEM, "subsys_vendor_id", "attr_subsys_vendor_id", EXPORT_HEX },
	{ MODEL_SUBSYSTEM, "cntlid_min", "attr_cntlid_min", EXPORT_INT },
	{ MODEL_SUBSYSTEM, "cntlid_max", "attr_cntlid_max", EXPORT_INT },
	{ MODEL_SUBSYSTEM, "qid_max", "attr_qid_max", EXPORT_INT },
	{ MODEL_SUBSYSTEM, "pi_enable", "attr_pi_enable", EXPORT_BOOL },
	{ MODEL_SUBSYSTEM, "tbkas", "attr_tbkas", EXPORT_BOOL },
	{ MODEL_SUBSYSTEM, EXPORT_ATTRIBUTES, NULL, EXPORT_GROUPS },
	{ MODEL_SUBSYSTEM, "namespaces", NULL, EXPORT_GROUPS },
	{ MODEL_SUBSYSTEM, "passthru", NULL, EXPORT_GROUPS },
	{ MODEL_SUBSYSTEM, "hosts", NULL, EXPORT_GROUPS },
	{ MODEL_SUBSYSTEM, "listeners", NULL, EXPORT_GROUPS },

	{ MODEL_NAMESPACE, "nsid", NULL, EXPORT_GROUPS },
	{ MODEL_NAMESPACE, "device", "device_path", EXPORT_TEXT },
	{ MODEL_NAMESPACE, "uuid", "device_uuid", EXPORT_TEXT },
	{ MODEL_NAMESPACE, "nguid", "device_nguid", EXPORT_TEXT },
	{ MODEL_NAMESPACE, "enable", "enable", EXPORT_ENABLED },
	{ MODEL_NAMESPACE, "buffered_io", "buffered_io", EXPORT_BOOL },
	{ MODEL_NAMESPACE, "p2pmem", "p2pmem", EXPORT_SWITCH },
	{ MODEL_NAMESPACE, "resv_enable", "resv_enable", EXPORT_BOOL },
	{ MODEL_NAMESPACE, "ana_group", "ana_grpid", EXPORT_INT },
	{ MODEL_NAMESPACE, EXPORT_ATTRIBUTES, NULL, EXPORT_GROUPS },

	{ MODEL_PASSTHRU, "device", "device_path", EXPORT_TEXT },
	{ MODEL_PASSTHRU, "enable", "enable", EXPORT_ENABLED },
	{ MODEL_PASSTHRU, "admin_timeout", "admin_timeout", EXPORT_INT },
	{ MODEL_PASSTHRU, "io_timeout", "io_timeout", EXPORT_INT },
	{ MODEL_PASSTHRU, "clear_ids", "clear_ids", EXPORT_BOOL },
	{ MODEL_PASSTHRU, EXPORT_ATTRIBUTES, NULL, EXPORT_GROUPS },

	{ MODEL_HOST, "nqn", NULL, EXPORT_GROUPS },
	{ MODEL_HOST, "dhchap_key_file", EXPORT_KEY_FILE, EXPORT_FILE },
	{ MODEL_HOST, "dhchap_ctrl_key_file", EXPORT_CTRL_KEY_FILE, EXPORT_FILE },
	{ MODEL_HOST, "dhchap_hash", "dhchap_hash", EXPORT_TEXT },
	{ MODEL_HOST, "dhchap_dhgroup", "dhchap_dhgroup", EXPORT_TEXT },
	{ MODEL_HOST, EXPORT_ATTRIBUTES, NULL, EXPORT_GROUPS },

	{ MODEL_PORT, "port_id", NULL, EXPORT_GROUPS },
	{ MODEL_PORT, "transport", "addr_trtype", EXPORT_TEXT },
	{ MODEL_PORT, "family", "addr_adrfam", EXPORT_FAMILY },
	{ MODEL_PORT, "address", "addr_traddr", EXPORT_TEXT },
	{ MODEL_PORT, "port", "addr_trsvcid", EXPORT_PORT },
	{ MODEL_PORT, "tls", "addr_tsas", EXPORT_TLS },
	{ MODEL_PORT, "treq", "addr_treq", EXPORT_TEXT },
	{ MODEL_PORT, "inline_data_size", "param_inline_data_size", EXPORT_INT },
	{ MODEL_PORT, "max_queue_size", "param_max_queue_size", EXPORT_INT },
	{ MODEL_PORT, "mdts", "param_mdts", EXPORT_INT },
	{ MODEL_PORT, "pi_enable", "param_pi_enable", EXPORT_BOOL },
	{ MODEL_PORT, EXPORT_ATTRIBUTES, NULL, EXPORT_GROUPS },
	{ MODEL_PORT, "ana_groups", NULL, EXPORT_GROUPS },
	{ MODEL_PORT, "referrals", NULL, EXPORT_GROUPS },

	{ MODEL_ANA_GROUP, "id", NULL, EXPORT_GROUPS },
	{ MODEL_ANA_GROUP, "state", "ana_state", EXPORT_TEXT },
	{ MODEL_ANA_GROUP, EXPORT_ATTRIBUTES, NULL, EXPORT_GROUPS },

	{ MODEL_REFERRAL, "name", NULL, EXPORT_GROUPS },
	{ MODEL_REFERRAL, "transport", "addr_trtype", EXPORT_TEXT },
	{ MODEL_REFERRAL, "family", "addr_adrfam", EXPORT_FAMILY },
	{ MODEL_REFERRAL, "address", "addr_traddr", EXPORT_TEXT },
	{ MODEL_REFERRAL, "port", "addr_trsvcid", EXPORT_PORT },
	{ MODEL_REFERRAL, "port_id", "addr_portid", EXPORT_INT },
	{ MODEL_REFERRAL, "treq", "addr_treq", EXPORT_TEXT },
	{ MODEL_REFERRAL, "enable", "enable", EXPORT_ENABLED },
	{ MODEL_REFERRAL, EXPORT_ATTRIBUTES, NULL, EXPORT_GROUPS },
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
