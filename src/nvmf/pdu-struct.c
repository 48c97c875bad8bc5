/* SPDX-License-Identifier: BSD-3-Clause */
/* Of pdu: structures within data, and words for a status. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nvmf/pdu-own.h"
#include "nvmf/pdu.h"

/* --- Connect */

enum { CONNECT_CNTLID = 16, CONNECT_SUBNQN = 256, CONNECT_HOSTNQN = 512, NAME_BYTES = 256 };

static void put_name(uint8_t *at, const char *name)
{
	memcpy(at, name, strnlen(name, NAME_BYTES - 1));
}

void pdu_connect_data_encode(const struct nvme_connect_data *data,
			     uint8_t out[NVME_CONNECT_DATA_BYTES])
{
	memset(out, 0, NVME_CONNECT_DATA_BYTES);
	memcpy(out, data->hostid, NVME_HOSTID_BYTES);
	pdu_put16(out + CONNECT_CNTLID, data->cntlid);
	put_name(out + CONNECT_SUBNQN, data->subnqn);
	put_name(out + CONNECT_HOSTNQN, data->hostnqn);
}

static int take_name(const uint8_t *bytes, uint16_t at, const char *what, char ret[257],
		     uint16_t *ret_offset, struct err *err)
{
	size_t length = strnlen((const char *)bytes + at, NAME_BYTES);

	if (length == NAME_BYTES) {
		*ret_offset = at;
		return err_set(err, -EINVAL, "the %s of a Connect command does not end", what);
	}
	memcpy(ret, bytes + at, length + 1);
	return 0;
}

int pdu_connect_data_decode(const uint8_t bytes[NVME_CONNECT_DATA_BYTES],
			    struct nvme_connect_data *ret, uint16_t *ret_offset, struct err *err)
{
	struct nvme_connect_data data = { .cntlid = pdu_get16(bytes + CONNECT_CNTLID) };
	int r = take_name(bytes, CONNECT_SUBNQN, "subsystem NQN", data.subnqn, ret_offset, err);

	if (r == 0)
		r = take_name(bytes, CONNECT_HOSTNQN, "host NQN", data.hostnqn, ret_offset, err);
	if (r < 0)
		return r;
	memcpy(data.hostid, bytes, NVME_HOSTID_BYTES);
	*ret = data;
	return 0;
}

/* --- Identify Controller */

enum {
	ID_SERIAL = 4,
	ID_MODEL = 24,
	ID_FIRMWARE = 64,
	ID_MDTS = 77,
	ID_CNTLID = 78,
	ID_VERSION = 80,
	ID_OAES = 92,
	ID_CTRATT = 96,
	ID_CNTRLTYPE = 111,
	ID_AERL = 259,
	ID_LPA = 261,
	ID_KAS = 320,
	ID_MAXCMD = 514,
	ID_SGLS = 536,
	ID_SUBNQN = 768,
	ID_DCTYPE = 1806,
};

static void put_padded(uint8_t *at, const char *text, size_t size)
{
	size_t length = strnlen(text, size);

	memset(at, ' ', size);
	memcpy(at, text, length);
}

void pdu_identify_encode(const struct nvme_identify *identify, uint8_t out[NVME_IDENTIFY_BYTES])
{
	memset(out, 0, NVME_IDENTIFY_BYTES);
	put_padded(out + ID_SERIAL, identify->serial, sizeof(identify->serial) - 1);
	put_padded(out + ID_MODEL, identify->model, sizeof(identify->model) - 1);
	put_padded(out + ID_FIRMWARE, identify->firmware, sizeof(identify->firmware) - 1);
	out[ID_MDTS] = identify->mdts;
	pdu_put16(out + ID_CNTLID, identify->cntlid);
	pdu_put32(out + ID_VERSION, identify->version);
	pdu_put32(out + ID_OAES, identify->oaes);
	pdu_put32(out + ID_CTRATT, identify->ctratt);
	out[ID_CNTRLTYPE] = identify->cntrltype;
	out[ID_AERL] = identify->aerl;
	out[ID_LPA] = identify->lpa;
	pdu_put16(out + ID_KAS, identify->kas);
	pdu_put16(out + ID_MAXCMD, identify->maxcmd);
	pdu_put32(out + ID_SGLS, identify->sgls);
	put_name(out + ID_SUBNQN, identify->subnqn);
	out[ID_DCTYPE] = identify->dctype;
}

/* Texts end at a NUL or with blanks, and may have been made to talk to a terminal. */
static void take_text(const uint8_t *at, size_t size, char *ret)
{
	size_t length = strnlen((const char *)at, size);
	size_t i;

	while (length && at[length - 1] == ' ')
		length--;
	for (i = 0; i < length; i++)
		ret[i] = at[i] >= 0x20 && at[i] <= 0x7e ? (char)at[i] : '?';
	ret[length] = '\0';
}

void pdu_identify_decode(const uint8_t bytes[NVME_IDENTIFY_BYTES], struct nvme_identify *ret)
{
	*ret = (struct nvme_identify){
		.cntlid = pdu_get16(bytes + ID_CNTLID),
		.version = pdu_get32(bytes + ID_VERSION),
		.oaes = pdu_get32(bytes + ID_OAES),
		.ctratt = pdu_get32(bytes + ID_CTRATT),
		.cntrltype = bytes[ID_CNTRLTYPE],
		.lpa = bytes[ID_LPA],
		.mdts = bytes[ID_MDTS],
		.aerl = bytes[ID_AERL],
		.kas = pdu_get16(bytes + ID_KAS),
		.maxcmd = pdu_get16(bytes + ID_MAXCMD),
		.sgls = pdu_get32(bytes + ID_SGLS),
		.dctype = bytes[ID_DCTYPE],
	};
	take_text(bytes + ID_SERIAL, sizeof(ret->serial) - 1, ret->serial);
	take_text(bytes + ID_MODEL, sizeof(ret->model) - 1, ret->model);
	take_text(bytes + ID_FIRMWARE, sizeof(ret->firmware) - 1, ret->firmware);
	take_text(bytes + ID_SUBNQN, sizeof(ret->subnqn) - 1, ret->subnqn);
}

/* --- status */

struct status_words {
	uint16_t status;
	const char *words;
	const char *cure; /* or NULL */
};

static const struct status_words all_words[] = {
	{ NVME_SC_SUCCESS, "success", NULL },
	{ NVME_SC_INVALID_OPCODE, "it does not know the command", NULL },
	{ NVME_SC_INVALID_FIELD, "it does not take a field of the command", NULL },
	{ NVME_SC_DATA_TRANSFER, "the data did not get through", NULL },
	{ NVME_SC_INTERNAL, "internal error", "look at its log" },
	{ NVME_SC_ABORTED, "command aborted", NULL },
	{ NVME_SC_SEQUENCE, "command out of sequence", NULL },
	{ NVME_SC_KEEP_ALIVE_INVALID, "it does not take the keep-alive time",
	  "choose a longer one" },
	{ NVME_SC_ASYNC_LIMIT, "too many event requests", NULL },
	{ NVME_SC_INVALID_LOG_PAGE, "it has no such log page", "is it a discovery controller?" },
	{ NVME_SC_DISC_INFO_INVALID, "it does not take the registration", NULL },
	{ NVME_SC_DISC_RESOURCES, "it has no room for the registration", NULL },
	{ NVME_SC_FUNCTION_DISABLED, "it takes no registrations", NULL },
	{ NVME_SC_CONNECT_FORMAT, "it does not know this format of Connect", NULL },
	{ NVME_SC_CONNECT_BUSY, "controller busy", "try again later" },
	{ NVME_SC_CONNECT_PARAM, "it does not take a parameter of Connect",
	  "is there a subsystem of that name?" },
	{ NVME_SC_DISC_RESTART, "discovery is to be restarted", "ask for its log again" },
	{ NVME_SC_CONNECT_HOST, "it does not let this host in", "allow the host's NQN there" },
	{ NVME_SC_AUTH_REQUIRED, "it wants authentication", "set a DH-HMAC-CHAP key" },
};

const char *pdu_status_text(uint16_t status, char text[160])
{
	unsigned int code = status & NVME_SC_MASK;
	const struct status_words *found = NULL;
	size_t i;

	for (i = 0; i < sizeof(all_words) / sizeof(*all_words) && !found; i++)
		if (all_words[i].status == code)
			found = &all_words[i];
	snprintf(text, 160, "%s (0x%03x)%s%s%s", found ? found->words : "an error", code,
		 status & NVME_SC_DNR ? ", do not retry" : "", found && found->cure ? "; " : "",
		 found && found->cure ? found->cure : "");
	return text;
}
