/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/attr.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

/*
 * In the order in which they are written (section 2.4 of the measured contract: trtype first,
 * since it resets tsas; the path before the rest of a namespace; enable is the planner's).
 */
static const struct attr_info infos[] = {
	{ MODEL_ROOT, ATTR_TEXT, "discovery_nqn", ATTR_ALWAYS, false, 1, 222, NULL },

	{ MODEL_HOST, ATTR_WORD, "dhchap_hash", ATTR_ALWAYS, false, 0, 0,
	  "hmac(sha256)|hmac(sha384)|hmac(sha512)" },
	{ MODEL_HOST, ATTR_WORD, "dhchap_dhgroup", ATTR_ALWAYS, false, 0, 0,
	  "null|ffdhe2048|ffdhe3072|ffdhe4096|ffdhe6144|ffdhe8192" },
	{ MODEL_HOST, ATTR_TEXT, "dhchap_key", ATTR_ALWAYS, true, 0, 255, NULL },
	{ MODEL_HOST, ATTR_TEXT, "dhchap_ctrl_key", ATTR_ALWAYS, true, 0, 255, NULL },

	{ MODEL_SUBSYSTEM, ATTR_TEXT, "attr_serial", ATTR_UNDISCOVERED, false, 1, 20, NULL },
	{ MODEL_SUBSYSTEM, ATTR_TEXT, "attr_model", ATTR_UNDISCOVERED, false, 1, 40, NULL },
	{ MODEL_SUBSYSTEM, ATTR_TEXT, "attr_firmware", ATTR_UNDISCOVERED, false, 1, 8, NULL },
	{ MODEL_SUBSYSTEM, ATTR_NUMBER, "attr_ieee_oui", ATTR_UNDISCOVERED, false, 0, 0xffffff,
	  NULL },
	{ MODEL_SUBSYSTEM, ATTR_TEXT, "attr_version", ATTR_UNDISCOVERED, false, 3, 11, NULL },
	{ MODEL_SUBSYSTEM, ATTR_NUMBER, "attr_vendor_id", ATTR_ALWAYS, false, 0, 0xffff, NULL },
	{ MODEL_SUBSYSTEM, ATTR_NUMBER, "attr_subsys_vendor_id", ATTR_ALWAYS, false, 0, 0xffff,
	  NULL },
	{ MODEL_SUBSYSTEM, ATTR_NUMBER, "attr_cntlid_min", ATTR_ALWAYS, false, 1, 65519, NULL },
	{ MODEL_SUBSYSTEM, ATTR_NUMBER, "attr_cntlid_max", ATTR_ALWAYS, false, 1, 65519, NULL },
	{ MODEL_SUBSYSTEM, ATTR_NUMBER, "attr_qid_max", ATTR_ALWAYS, false, 1, 128, NULL },
	{ MODEL_SUBSYSTEM, ATTR_BOOL, "attr_pi_enable", ATTR_ALWAYS, false, 0, 1, NULL },
	{ MODEL_SUBSYSTEM, ATTR_BOOL, "attr_tbkas", ATTR_ALWAYS, false, 0, 1, NULL },
	{ MODEL_SUBSYSTEM, ATTR_BOOL, "attr_allow_any_host", ATTR_ALWAYS, false, 0, 1, NULL },

	{ MODEL_NAMESPACE, ATTR_TEXT, "device_path", ATTR_DISABLED, false, 1, 4000, NULL },
	{ MODEL_NAMESPACE, ATTR_ID, "device_uuid", ATTR_DISABLED, false, 0, 0, NULL },
	{ MODEL_NAMESPACE, ATTR_ID, "device_nguid", ATTR_DISABLED, false, 0, 0, NULL },
	{ MODEL_NAMESPACE, ATTR_BOOL, "buffered_io", ATTR_DISABLED, false, 0, 1, NULL },
	{ MODEL_NAMESPACE, ATTR_TEXT, "p2pmem", ATTR_DISABLED, false, 1, 64, NULL },
	{ MODEL_NAMESPACE, ATTR_BOOL, "resv_enable", ATTR_DISABLED, false, 0, 1, NULL },
	/* 128 is taken by kernels up to 7.3 and corrupts their group count */
	{ MODEL_NAMESPACE, ATTR_NUMBER, "ana_grpid", ATTR_ALWAYS, false, 1, 127, NULL },
	{ MODEL_NAMESPACE, ATTR_BOOL, "revalidate_size", ATTR_READ_ONLY, false, 1, 1, NULL },
	{ MODEL_NAMESPACE, ATTR_BOOL, "enable", ATTR_READ_ONLY, false, 0, 1, NULL },

	{ MODEL_PASSTHRU, ATTR_TEXT, "device_path", ATTR_DISABLED, false, 1, 4000, NULL },
	{ MODEL_PASSTHRU, ATTR_NUMBER, "admin_timeout", ATTR_ALWAYS, false, 0, 0xffffffffLL, NULL },
	{ MODEL_PASSTHRU, ATTR_NUMBER, "io_timeout", ATTR_ALWAYS, false, 0, 0xffffffffLL, NULL },
	{ MODEL_PASSTHRU, ATTR_BOOL, "clear_ids", ATTR_ALWAYS, false, 0, 1, NULL },
	{ MODEL_PASSTHRU, ATTR_BOOL, "enable", ATTR_READ_ONLY, false, 0, 1, NULL },

	{ MODEL_PORT, ATTR_WORD, "addr_trtype", ATTR_DISABLED, false, 0, 0,
	  "rdma|tcp|fc|loop|pci" },
	{ MODEL_PORT, ATTR_TEXT, "addr_tsas", ATTR_DISABLED, false, 0, 32, NULL },
	{ MODEL_PORT, ATTR_WORD, "addr_treq", ATTR_DISABLED, false, 0, 0,
	  "not specified|required|not required" },
	{ MODEL_PORT, ATTR_WORD, "addr_adrfam", ATTR_DISABLED, false, 0, 0,
	  "ipv4|ipv6|ib|fc|pci|loop" },
	{ MODEL_PORT, ATTR_TEXT, "addr_traddr", ATTR_DISABLED, false, 0, 255, NULL },
	{ MODEL_PORT, ATTR_TEXT, "addr_trsvcid", ATTR_DISABLED, false, 0, 31, NULL },
	{ MODEL_PORT, ATTR_NUMBER, "param_inline_data_size", ATTR_DISABLED, false, -1, 0x7fffffff,
	  NULL },
	{ MODEL_PORT, ATTR_NUMBER, "param_max_queue_size", ATTR_DISABLED, false, -1, 1024, NULL },
	{ MODEL_PORT, ATTR_NUMBER, "param_mdts", ATTR_DISABLED, false, -1, 31, NULL },
	{ MODEL_PORT, ATTR_BOOL, "param_pi_enable", ATTR_DISABLED, false, 0, 1, NULL },

	{ MODEL_ANA_GROUP, ATTR_WORD, "ana_state", ATTR_ALWAYS, false, 0, 0,
	  "optimized|non-optimized|inaccessible|persistent-loss|change" },

	{ MODEL_REFERRAL, ATTR_WORD, "addr_trtype", ATTR_DISABLED, false, 0, 0,
	  "rdma|tcp|fc|loop" },
	{ MODEL_REFERRAL, ATTR_WORD, "addr_treq", ATTR_DISABLED, false, 0, 0,
	  "not specified|required|not required" },
	{ MODEL_REFERRAL, ATTR_WORD, "addr_adrfam", ATTR_DISABLED, false, 0, 0,
	  "ipv4|ipv6|ib|fc|pci|loop" },
	{ MODEL_REFERRAL, ATTR_TEXT, "addr_traddr", ATTR_DISABLED, false, 0, 255, NULL },
	{ MODEL_REFERRAL, ATTR_TEXT, "addr_trsvcid", ATTR_DISABLED, false, 0, 31, NULL },
	{ MODEL_REFERRAL, ATTR_NUMBER, "addr_portid", ATTR_DISABLED, false, 0, 65535, NULL },
	{ MODEL_REFERRAL, ATTR_BOOL, "enable", ATTR_READ_ONLY, false, 0, 1, NULL },
};

#define N_INFOS (sizeof(infos) / sizeof(infos[0]))

const struct attr_info *attr_find(enum model_kind kind, const char *name)
{
	size_t i;

	for (i = 0; i < N_INFOS; i++)
		if (infos[i].kind == kind && strcmp(infos[i].name, name) == 0)
			return &infos[i];
	return NULL;
}

const struct attr_info *attr_at(enum model_kind kind, unsigned int index)
{
	size_t i;

	for (i = 0; i < N_INFOS; i++)
		if (infos[i].kind == kind && index-- == 0)
			return &infos[i];
	return NULL;
}

static int check_number(const struct attr_info *info, const char *value, struct err *err)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(value, &end, 0);
	if (!*value || *end || errno || isspace((unsigned char)*value) || number < info->min ||
	    number > info->max)
		return err_set(err, -EINVAL, "%s is \"%s\", but must be a number from %lld to %lld",
			       info->name, value, info->min, info->max);
	return 0;
}

/* The kernel looks at the first character only: to it "01" and "0x1" are off. */
static int check_bool(const struct attr_info *info, const char *value, struct err *err)
{
	if ((strcmp(value, "0") == 0 && info->min == 0) || strcmp(value, "1") == 0)
		return 0;
	return err_set(err, -EINVAL, "%s is \"%s\", but must be %s1", info->name, value,
		       info->min == 0 ? "0 or " : "");
}

static int check_id(const struct attr_info *info, const char *value, struct err *err)
{
	size_t digits = 0;
	const char *c;

	for (c = value; *c; c++) {
		if (isxdigit((unsigned char)*c))
			digits++;
		else if (*c != '-' && *c != ':')
			break;
	}
	if (*c || digits != 32)
		return err_set(err, -EINVAL,
			       "%s is \"%s\", but must be 32 hexadecimal digits such as "
			       "3f9b0b52-8d6e-4c0a-9a41-6b2f7f3c1e14",
			       info->name, value);
	return 0;
}

static int check_word(const struct attr_info *info, const char *value, struct err *err)
{
	size_t length = strlen(value);
	const char *word;

	for (word = info->words; word; word = strchr(word, '|') ? strchr(word, '|') + 1 : NULL)
		if (strcspn(word, "|") == length && memcmp(word, value, length) == 0)
			return 0;
	return err_set(err, -EINVAL, "%s is \"%s\", but must be one of %s", info->name, value,
		       info->words);
}

static int check_text(const struct attr_info *info, const char *value, struct err *err)
{
	size_t length = strlen(value);

	if (length < (size_t)info->min || length > (size_t)info->max)
		return err_set(err, -EINVAL, "%s has %zu characters, but must have %lld to %lld",
			       info->name, length, info->min, info->max);
	/* the name of a file may be in any language */
	if (strcmp(info->name, "device_path") == 0 ? strchr(value, '\n') != NULL
						   : !str_is_printable(value))
		return err_set(err, -EINVAL, "%s must be a single line of printable ASCII",
			       info->name);
	return 0;
}

int attr_check(enum model_kind kind, const char *name, const char *value, struct err *err)
{
	const struct attr_info *info = attr_find(kind, name);

	if (!info)
		return strlen(value) < 4096
			       ? 0
			       : err_set(err, -EINVAL, "%s is longer than one page", name);
	switch (info->type) {
	case ATTR_NUMBER:
		return check_number(info, value, err);
	case ATTR_BOOL:
		return check_bool(info, value, err);
	case ATTR_ID:
		return check_id(info, value, err);
	case ATTR_WORD:
		return check_word(info, value, err);
	case ATTR_TEXT:
		break;
	}
	return check_text(info, value, err);
}

static bool is_same_id(const char *a, const char *b)
{
	for (;;) {
		while (*a == '-' || *a == ':')
			a++;
		while (*b == '-' || *b == ':')
			b++;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

static size_t trimmed(const char *text)
{
	size_t length = strlen(text);

	while (length && (text[length - 1] == ' ' || text[length - 1] == '\n'))
		length--;
	return length;
}

bool attr_is_same(enum model_kind kind, const char *name, const char *a, const char *b)
{
	const struct attr_info *info = attr_find(kind, name);
	size_t length = trimmed(a);

	if (info && (info->type == ATTR_NUMBER || info->type == ATTR_BOOL) && *a && *b)
		return strtoll(a, NULL, 0) == strtoll(b, NULL, 0);
	if (info && info->type == ATTR_ID)
		return is_same_id(a, b);
	return length == trimmed(b) && memcmp(a, b, length) == 0;
}

/* Two lines of one attribute: the kernel has the one or the other. */
static const struct {
	enum model_kind kind;
	const char *name;
	const char *value;
} defaults[] = {
	{ MODEL_HOST, "dhchap_hash", "hmac(sha256)" },
	{ MODEL_HOST, "dhchap_dhgroup", "null" },
	{ MODEL_SUBSYSTEM, "attr_allow_any_host", "0" },
	{ MODEL_SUBSYSTEM, "attr_model", "Linux" },
	{ MODEL_SUBSYSTEM, "attr_ieee_oui", "0" },
	{ MODEL_SUBSYSTEM, "attr_vendor_id", "0" },
	{ MODEL_SUBSYSTEM, "attr_subsys_vendor_id", "0" },
	{ MODEL_SUBSYSTEM, "attr_cntlid_min", "1" },
	{ MODEL_SUBSYSTEM, "attr_cntlid_max", "65519" },
	{ MODEL_SUBSYSTEM, "attr_qid_max", "128" },
	{ MODEL_SUBSYSTEM, "attr_pi_enable", "0" },
	{ MODEL_SUBSYSTEM, "attr_tbkas", "1" },
	{ MODEL_NAMESPACE, "device_nguid", "00000000-0000-0000-0000-000000000000" },
	{ MODEL_NAMESPACE, "buffered_io", "0" },
	{ MODEL_NAMESPACE, "p2pmem", "0" },
	{ MODEL_NAMESPACE, "resv_enable", "0" },
	{ MODEL_NAMESPACE, "ana_grpid", "1" },
	{ MODEL_PASSTHRU, "admin_timeout", "0" },
	{ MODEL_PASSTHRU, "io_timeout", "0" },
	{ MODEL_PASSTHRU, "clear_ids", "0" },
	{ MODEL_PORT, "addr_tsas", "none" },
	{ MODEL_PORT, "addr_tsas", "connected" },
	{ MODEL_PORT, "addr_treq", "not specified" },
	{ MODEL_PORT, "param_inline_data_size", "-1" },
	{ MODEL_PORT, "param_max_queue_size", "-1" },
	{ MODEL_PORT, "param_mdts", "-1" },
	{ MODEL_PORT, "param_mdts", "0" },
	{ MODEL_PORT, "param_pi_enable", "0" },
	{ MODEL_REFERRAL, "addr_treq", "not specified" },
	{ MODEL_REFERRAL, "addr_portid", "0" },
};

bool attr_is_default(enum model_kind kind, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (defaults[i].kind == kind && strcmp(defaults[i].name, name) == 0 &&
		    attr_is_same(kind, name, value, defaults[i].value))
			return true;
	return !*value;
}
