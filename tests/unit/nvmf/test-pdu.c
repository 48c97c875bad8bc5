/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nvmf/nqn.h"
#include "nvmf/pdu-own.h"
#include "nvmf/pdu.h"

#define MAX_DATA 8192

static const struct pdu_side host = { .from_host = true, .ready = true, .max_data = MAX_DATA };
static const struct pdu_side controller = { .ready = true, .max_data = MAX_DATA };

/* A PDU as bytes: its header of @header bytes, then @n_data bytes that count up. */
struct sample {
	uint8_t bytes[512 + MAX_DATA];
	size_t length;
};

static struct sample sample(uint8_t type, uint8_t flags, uint8_t header, uint32_t n_data)
{
	struct sample s = { .length = header + n_data };
	uint32_t i;

	s.bytes[0] = type;
	s.bytes[1] = flags;
	s.bytes[2] = header;
	s.bytes[3] = n_data ? header : 0;
	pdu_put32(s.bytes + 4, (uint32_t)s.length);
	for (i = 0; i < n_data && i < MAX_DATA; i++)
		s.bytes[header + i] = (uint8_t)i;
	if (type == PDU_H2C_DATA || type == PDU_C2H_DATA)
		pdu_put32(s.bytes + 16, n_data);
	if (type == PDU_R2T)
		pdu_put32(s.bytes + 16, 4096);
	if (type == PDU_ICRESP)
		pdu_put32(s.bytes + 12, 4096);
	return s;
}

static int parse(const struct pdu_side *side, const struct sample *s, struct pdu *ret)
{
	struct pdu_fault fault;
	size_t need;
	struct err err = ERR_NULL;
	int r = pdu_parse(side, s->bytes, s->length, ret, &need, &fault, &err);

	if (r < 0)
		print_error("%s\n", err.text);
	return r;
}

static void is_refused(const struct pdu_side *side, const struct sample *s, enum pdu_fes fes,
		       uint32_t fei)
{
	struct pdu_fault fault = { 0 };
	struct pdu pdu = { .n_bytes = 77 };
	struct err err = ERR_NULL;
	size_t need;

	assert_int_equal(pdu_parse(side, s->bytes, s->length, &pdu, &need, &fault, &err), -EPROTO);
	assert_int_equal(fault.fes, fes);
	assert_int_equal(fault.fei, fei);
	assert_int_not_equal(err.text[0], '\0');
	assert_int_equal(pdu.n_bytes, 77);
}

/* --- golden bytes */

static void an_icreq_is_as_the_specification_has_it(void **state)
{
	static const uint8_t want[PDU_IC_BYTES] = { 0x00, 0, 128, 0, 128, 0, 0, 0, 0, 0, 0, 3, 4 };
	const struct pdu_side side = { .hdgst = true, .ddgst = true };
	const struct pdu pdu = { .type = PDU_ICREQ, .ic = { 0, 0, true, true, 4 } };
	uint8_t out[PDU_HEADER_MAX];
	struct sample s = { .length = sizeof(want) };
	struct pdu_side before = host;
	struct pdu got;

	(void)state;
	assert_int_equal(pdu_build(&side, &pdu, out), sizeof(want));
	assert_memory_equal(out, want, sizeof(want));
	memcpy(s.bytes, want, sizeof(want));
	before.ready = false;
	assert_int_equal(parse(&before, &s, &got), 128);
	assert_int_equal(got.type, PDU_ICREQ);
	assert_true(got.ic.hdgst && got.ic.ddgst);
	assert_int_equal(got.ic.max, 4);
}

/* Connect as Linux sends it, in the capsule. */
static const uint8_t connect_capsule[PDU_COMMAND_BYTES] = {
	0x04, 0x00, 72,	  72,	0x48, 0x04, 0,	  0, /* 72 + 1024 */
	0x7f, 0x40, 0x11, 0x20, 0x01, 0,    0,	  0, /* fabrics, SGL, cid, fctype 1 */
	0,    0,    0,	  0,	0,    0,    0,	  0, 0,	   0,	 0, 0, 0, 0, 0,	   0, 0,
	0,    0,    0,	  0,	0,    0,    0,	  0, 0x04, 0,	 0, 0, 0, 0, 0x01,    /* 1,024 at
											 offset 0 */
	0,    0,    0,	  0,	31,   0,    0x04, 0, 0x30, 0x75, 0, 0, 0, 0, 0,	   0, /* qid 0,
											 sqsize,
											 cattr, kato
										       */
	0,    0,    0,	  0,	0,    0,    0,	  0,
};

static void a_connect_capsule_is_read_and_written(void **state)
{
	struct sample s = sample(PDU_COMMAND, 0, PDU_COMMAND_BYTES, 1024);
	uint8_t out[PDU_HEADER_MAX];
	struct pdu pdu;

	(void)state;
	memcpy(s.bytes, connect_capsule, sizeof(connect_capsule));
	assert_int_equal(parse(&host, &s, &pdu), 1096);
	assert_int_equal(pdu.command.opcode, NVME_FABRICS);
	assert_int_equal(pdu.command.flags, NVME_SQE_SGL);
	assert_int_equal(pdu.command.cid, 0x2011);
	assert_int_equal(pdu.command.nsid & 0xff, NVME_CONNECT);
	assert_int_equal(pdu.command.sgl_length, 1024);
	assert_int_equal(pdu.command.sgl_type, NVME_SGL_IN_CAPSULE);
	assert_int_equal(pdu.command.cdw[1], 0x0004001f);
	assert_int_equal(pdu.command.cdw[2], 30000);
	assert_ptr_equal(pdu.bytes, s.bytes + 72);
	assert_int_equal(pdu.n_bytes, 1024);
	assert_int_equal(pdu_build(&host, &pdu, out), 72);
	assert_memory_equal(out, connect_capsule, 72);
}

static void a_response_is_read_and_written(void **state)
{
	/* Connect refused: invalid host, do not retry; sqhd 1, cid 0x2011 */
	static const uint8_t want[] = {
		0x05, 0, 24, 0, 24, 0, 0, 0, 0x78, 0x56, 0x34, 0x12,
		4,    3, 2,  1, 1,  0, 0, 0, 0x11, 0x20, 0x08, 0x83,
	};
	struct sample s = { .length = sizeof(want) };
	uint8_t out[PDU_HEADER_MAX];
	struct pdu pdu;

	(void)state;
	memcpy(s.bytes, want, sizeof(want));
	assert_int_equal(parse(&controller, &s, &pdu), 24);
	assert_int_equal(pdu.response.dw0, 0x12345678);
	assert_int_equal(pdu.response.dw1, 0x01020304);
	assert_int_equal(pdu.response.sqhd, 1);
	assert_int_equal(pdu.response.cid, 0x2011);
	assert_int_equal(pdu.response.status, NVME_SC_CONNECT_HOST | NVME_SC_DNR);
	assert_int_equal(pdu_build(&controller, &pdu, out), sizeof(want));
	assert_memory_equal(out, want, sizeof(want));
}

static void data_with_both_digests_are_read_and_written(void **state)
{
	/* four bytes at offset 4,096 of command 7, last and success */
	static const uint8_t want[] = {
		0x07, 0x0f, 24, 28, 36, 0, 0, 0, 7, 0, 0, 0, 0, 0x10, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0,
	};
	static const uint8_t data[] = { 0xde, 0xad, 0xbe, 0xef };
	struct pdu_side side = controller;
	struct sample s = { .length = 36 };
	uint8_t out[PDU_HEADER_MAX];
	struct pdu pdu;

	(void)state;
	side.hdgst = side.ddgst = true;
	memcpy(s.bytes, want, sizeof(want));
	pdu_digest(want, 24, s.bytes + 24);
	memcpy(s.bytes + 28, data, 4);
	pdu_digest(data, 4, s.bytes + 32);
	assert_int_equal(parse(&side, &s, &pdu), 36);
	assert_int_equal(pdu.data.cid, 7);
	assert_int_equal(pdu.data.offset, 4096);
	assert_int_equal(pdu.n_bytes, 4);
	assert_memory_equal(pdu.bytes, data, 4);
	assert_int_equal(pdu_build(&side, &pdu, out), 28);
	assert_memory_equal(out, s.bytes, 28);
	/* each bit of it is guarded */
	s.bytes[8] ^= 0x10;
	is_refused(&side, &s, PDU_FES_DIGEST, pdu_get32(s.bytes + 24));
	s.bytes[8] ^= 0x10;
	s.bytes[29] ^= 1;
	is_refused(&side, &s, PDU_FES_DIGEST, pdu_get32(s.bytes + 32));
}

static void an_r2t_is_read(void **state)
{
	struct sample s = sample(PDU_R2T, 0, 24, 0);
	struct pdu pdu;

	(void)state;
	pdu_put16(s.bytes + 8, 3);
	pdu_put16(s.bytes + 10, 9);
	pdu_put32(s.bytes + 12, 8192);
	assert_int_equal(parse(&controller, &s, &pdu), 24);
	assert_int_equal(pdu.data.cid, 3);
	assert_int_equal(pdu.data.ttag, 9);
	assert_int_equal(pdu.data.offset, 8192);
	assert_int_equal(pdu.data.length, 4096);
	assert_int_equal(pdu.n_bytes, 0);
}

static void a_termination_carries_the_start_of_what_was_wrong(void **state)
{
	const struct pdu_fault fault = { PDU_FES_HEADER, 0x01020304 };
	struct sample s = { 0 };
	uint8_t bad[300];
	struct pdu pdu;

	(void)state;
	memset(bad, 0x5a, sizeof(bad));
	s.length = pdu_build_term(false, &fault, bad, 20, s.bytes);
	assert_int_equal(s.length, 44);
	assert_int_equal(parse(&controller, &s, &pdu), 44);
	assert_int_equal(pdu.type, PDU_C2H_TERM);
	assert_int_equal(pdu.term.fes, PDU_FES_HEADER);
	assert_int_equal(pdu.term.fei, 0x01020304);
	assert_int_equal(pdu.n_bytes, 20);
	assert_int_equal(s.bytes[8] | s.bytes[9] << 8, PDU_FES_HEADER);
	assert_memory_equal(s.bytes + 10, "\4\3\2\1", 4);
	s.length = pdu_build_term(true, &fault, bad, sizeof(bad), s.bytes);
	assert_int_equal(s.length, PDU_TERM_MAX);
	assert_int_equal(parse(&host, &s, &pdu), PDU_TERM_MAX);
	assert_int_equal(pdu.type, PDU_H2C_TERM);
}

/* --- what is wrong */

static void what_is_no_pdu_or_comes_from_the_wrong_side_is_refused(void **state)
{
	static const uint8_t from_host[] = { PDU_H2C_TERM, PDU_COMMAND, PDU_H2C_DATA };
	static const uint8_t header[] = { 24, 72, 24 };
	struct sample s;
	unsigned int type;
	size_t i;

	(void)state;
	for (type = 0; type < 256; type++) {
		s = sample((uint8_t)type, 0, 24, 0);
		if (type > PDU_R2T || type == 8) {
			is_refused(&host, &s, PDU_FES_HEADER, 0);
			is_refused(&controller, &s, PDU_FES_HEADER, 0);
		}
	}
	for (i = 0; i < 3; i++) {
		s = sample(from_host[i], 0, header[i], 16);
		is_refused(&controller, &s, PDU_FES_HEADER, 0);
	}
	s = sample(PDU_RESPONSE, 0, 24, 0);
	is_refused(&host, &s, PDU_FES_HEADER, 0);
}

static void a_handshake_happens_once_and_first(void **state)
{
	struct pdu_side before_host = host;
	struct pdu_side before_controller = controller;
	struct sample s = sample(PDU_ICREQ, 0, 128, 0);
	struct pdu pdu;

	(void)state;
	before_host.ready = before_controller.ready = false;
	is_refused(&host, &s, PDU_FES_SEQUENCE, 0);
	s = sample(PDU_ICRESP, 0, 128, 0);
	is_refused(&controller, &s, PDU_FES_SEQUENCE, 0);
	s = sample(PDU_COMMAND, 0, 72, 0);
	is_refused(&before_host, &s, PDU_FES_SEQUENCE, 0);
	s = sample(PDU_C2H_DATA, 0, 24, 8);
	is_refused(&before_controller, &s, PDU_FES_SEQUENCE, 0);
	/* but the other side may give up at any time */
	s = sample(PDU_C2H_TERM, 0, 24, 0);
	assert_int_equal(parse(&before_controller, &s, &pdu), 24);
	assert_int_equal(parse(&controller, &s, &pdu), 24);
}

static void formats_that_are_not_known_are_refused(void **state)
{
	struct pdu_side before = host;
	struct sample s = sample(PDU_ICREQ, 0, 128, 0);

	(void)state;
	before.ready = false;
	pdu_put16(s.bytes + 8, 1);
	is_refused(&before, &s, PDU_FES_UNSUPPORTED, 8);
	before.from_host = false;
	s = sample(PDU_ICRESP, 0, 128, 0);
	pdu_put32(s.bytes + 12, 4095);
	is_refused(&before, &s, PDU_FES_HEADER, 12);
	pdu_put32(s.bytes + 12, 4098);
	is_refused(&before, &s, PDU_FES_HEADER, 12);
}

static void every_other_length_of_a_header_is_refused(void **state)
{
	static const struct {
		const struct pdu_side *side;
		uint8_t type, header;
	} of[] = {
		{ &host, PDU_H2C_TERM, 24 },  { &controller, PDU_C2H_TERM, 24 },
		{ &host, PDU_COMMAND, 72 },   { &controller, PDU_RESPONSE, 24 },
		{ &host, PDU_H2C_DATA, 24 },  { &controller, PDU_C2H_DATA, 24 },
		{ &controller, PDU_R2T, 24 },
	};
	unsigned int length;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(*of); i++)
		for (length = 0; length < 256; length++) {
			struct sample s = sample(of[i].type, 0, of[i].header, 0);

			s.bytes[2] = (uint8_t)length;
			if (length != of[i].header)
				is_refused(of[i].side, &s, PDU_FES_HEADER, 2);
		}
}

static void lengths_that_cannot_be_are_refused_before_they_are_waited_for(void **state)
{
	static const uint32_t none[] = { 0, 1, 23, 71 };
	struct sample s = sample(PDU_COMMAND, 0, 72, 0);
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		pdu_put32(s.bytes + 4, none[i]);
		is_refused(&host, &s, PDU_FES_HEADER, 4);
	}
	s.length = 8;
	pdu_put32(s.bytes + 4, 72 + MAX_DATA + 1);
	is_refused(&host, &s, PDU_FES_LIMIT, 4);
	pdu_put32(s.bytes + 4, UINT32_MAX);
	is_refused(&host, &s, PDU_FES_LIMIT, 4);
	s = sample(PDU_RESPONSE, 0, 24, 0);
	pdu_put32(s.bytes + 4, 25);
	is_refused(&controller, &s, PDU_FES_HEADER, 4);
	s = sample(PDU_R2T, 0, 24, 0);
	pdu_put32(s.bytes + 4, 28);
	is_refused(&controller, &s, PDU_FES_HEADER, 4);
	s = sample(PDU_C2H_DATA, PDU_FLAG_LAST, 24, 0);
	is_refused(&controller, &s, PDU_FES_HEADER, 4);
	s = sample(PDU_C2H_TERM, 0, 24, 129);
	is_refused(&controller, &s, PDU_FES_LIMIT, 4);
}

static void data_lie_where_and_as_long_as_the_header_says(void **state)
{
	struct sample s = sample(PDU_C2H_DATA, 0, 24, 64);

	(void)state;
	s.bytes[3] = 28;
	is_refused(&controller, &s, PDU_FES_HEADER, 3);
	s.bytes[3] = 0;
	is_refused(&controller, &s, PDU_FES_HEADER, 3);
	s = sample(PDU_C2H_DATA, 0, 24, 64);
	pdu_put32(s.bytes + 16, 63);
	is_refused(&controller, &s, PDU_FES_HEADER, 16);
	/* known with the header, before the data are there */
	s.length = 24;
	is_refused(&controller, &s, PDU_FES_HEADER, 16);
	s = sample(PDU_H2C_DATA, 0, 24, 64);
	pdu_put32(s.bytes + 12, UINT32_MAX - 63);
	is_refused(&host, &s, PDU_FES_HEADER, 12);
	s = sample(PDU_R2T, 0, 24, 0);
	pdu_put32(s.bytes + 16, 0);
	is_refused(&controller, &s, PDU_FES_HEADER, 16);
	s = sample(PDU_C2H_DATA, PDU_FLAG_SUCCESS, 24, 64);
	is_refused(&controller, &s, PDU_FES_HEADER, 1);
}

static void digests_are_there_exactly_if_they_were_agreed(void **state)
{
	struct pdu_side side = host;
	struct sample s = sample(PDU_COMMAND, PDU_FLAG_HDGST, 72, 0);
	struct pdu pdu;

	(void)state;
	is_refused(&host, &s, PDU_FES_HEADER, 1);
	s = sample(PDU_COMMAND, PDU_FLAG_DDGST, 72, 16);
	is_refused(&host, &s, PDU_FES_HEADER, 1);
	side.ddgst = true;
	s = sample(PDU_COMMAND, 0, 72, 16);
	is_refused(&side, &s, PDU_FES_HEADER, 1);
	/* where there are no data there is no digest of them */
	s = sample(PDU_COMMAND, 0, 72, 0);
	assert_int_equal(parse(&side, &s, &pdu), 72);
	s = sample(PDU_COMMAND, PDU_FLAG_DDGST, 72, 0);
	is_refused(&side, &s, PDU_FES_HEADER, 1);
	s = sample(PDU_COMMAND, PDU_FLAG_DDGST, 72, 4);
	is_refused(&side, &s, PDU_FES_HEADER, 4);
	side = host;
	side.hdgst = true;
	s = sample(PDU_COMMAND, PDU_FLAG_HDGST, 72, 0);
	is_refused(&side, &s, PDU_FES_HEADER, 4);
	s = sample(PDU_COMMAND, 0, 72, 4);
	is_refused(&side, &s, PDU_FES_HEADER, 1);
}

static void asks_for_the_bytes_that_are_missing_and_no_more(void **state)
{
	struct sample s = sample(PDU_C2H_DATA, PDU_FLAG_LAST, 24, 1000);
	struct pdu_fault fault;
	struct pdu pdu;
	size_t length;
	size_t need;

	(void)state;
	for (length = 0; length < s.length; length++) {
		assert_int_equal(pdu_parse(&controller, s.bytes, length, &pdu, &need, &fault, NULL),
				 0);
		assert_int_equal(need, length < 8 ? 8 : 1024);
	}
	/* what follows is not looked at */
	assert_int_equal(pdu_parse(&controller, s.bytes, s.length + 5, &pdu, &need, &fault, NULL),
			 1024);
}

/* --- digests */

static void crc32c_is_the_one_of_iscsi(void **state)
{
	uint8_t bytes[300];
	size_t i, length;

	(void)state;
	assert_int_equal(pdu_crc32c(0, "123456789", 9), 0xe3069283);
	memset(bytes, 0, 32);
	assert_int_equal(pdu_crc32c(0, bytes, 32), 0x8a9136aa);
	memset(bytes, 0xff, 32);
	assert_int_equal(pdu_crc32c(0, bytes, 32), 0x62a8ab43);
	pdu_digest("123456789", 9, bytes);
	assert_memory_equal(bytes, "\x83\x92\x06\xe3", 4);
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 3);
	/* by table and by the processor, in one piece and in two */
	for (length = 0; length < sizeof(bytes); length++) {
		uint32_t whole = pdu_crc32c(0, bytes, length);

		assert_int_equal(pdu_crc32c_table(0, bytes, length), whole);
		assert_int_equal(pdu_crc32c(pdu_crc32c(0, bytes, length / 3), bytes + length / 3,
					    length - length / 3),
				 whole);
	}
}

/* --- structures */

static void connect_data_are_read_and_written(void **state)
{
	struct nvme_connect_data data = { .hostid = { 1, 2, 3 }, .cntlid = 0xfffe };
	struct nvme_connect_data got = { 0 };
	uint8_t bytes[NVME_CONNECT_DATA_BYTES];
	uint16_t offset = 0;

	(void)state;
	memset(data.subnqn, 's', 255);
	strcpy(data.hostnqn, "nqn.2014-08.org.nvmexpress:uuid:1");
	pdu_connect_data_encode(&data, bytes);
	assert_int_equal(bytes[16] | bytes[17] << 8, 0xfffe);
	assert_string_equal((char *)bytes + 512, data.hostnqn);
	assert_int_equal(pdu_connect_data_decode(bytes, &got, &offset, NULL), 0);
	assert_memory_equal(&got, &data, sizeof(got));
	bytes[511] = 's';
	assert_int_equal(pdu_connect_data_decode(bytes, &got, &offset, NULL), -EINVAL);
	assert_int_equal(offset, 256);
	bytes[511] = 0;
	memset(bytes + 512, 'h', 256);
	assert_int_equal(pdu_connect_data_decode(bytes, &got, &offset, NULL), -EINVAL);
	assert_int_equal(offset, 512);
}

static void identify_is_read_and_written(void **state)
{
	const struct nvme_identify identify = {
		.serial = "0123456789abcdefghij",
		.model = "Sunfish",
		.firmware = "1.0",
		.cntlid = 7,
		.version = 0x20000,
		.oaes = NVME_OAES_DISCOVERY,
		.ctratt = 0x40,
		.cntrltype = 2,
		.lpa = 4,
		.mdts = 5,
		.aerl = 3,
		.kas = 10,
		.maxcmd = 128,
		.sgls = 1,
		.dctype = NVME_DCTYPE_CDC,
		.subnqn = NQN_DISCOVERY,
	};
	uint8_t bytes[NVME_IDENTIFY_BYTES];
	struct nvme_identify got;

	(void)state;
	pdu_identify_encode(&identify, bytes);
	assert_int_equal(pdu_get16(bytes + 78), 7);
	assert_int_equal(pdu_get32(bytes + 92), NVME_OAES_DISCOVERY);
	assert_int_equal(bytes[111], 2);
	assert_int_equal(bytes[1806], 2);
	assert_memory_equal(bytes + 24, "Sunfish         ", 16);
	pdu_identify_decode(bytes, &got);
	assert_memory_equal(&got, &identify, sizeof(got));
}

static void texts_of_identify_cannot_talk_to_a_terminal(void **state)
{
	uint8_t bytes[NVME_IDENTIFY_BYTES];
	struct nvme_identify got;

	(void)state;
	memset(bytes, 0x1b, sizeof(bytes));
	pdu_identify_decode(bytes, &got);
	assert_int_equal(strspn(got.serial, "?"), 20);
	assert_int_equal(strspn(got.subnqn, "?"), 256);
	memset(bytes, ' ', sizeof(bytes));
	pdu_identify_decode(bytes, &got);
	assert_string_equal(got.model, "");
}

static void a_status_is_told_in_words(void **state)
{
	char text[160];

	(void)state;
	assert_string_equal(pdu_status_text(NVME_SC_CONNECT_BUSY, text),
			    "controller busy (0x181); try again later");
	assert_non_null(strstr(pdu_status_text(NVME_SC_CONNECT_HOST | NVME_SC_DNR, text),
			       "(0x184), do not retry; allow the host's NQN there"));
	assert_string_equal(pdu_status_text(0x7ff, text), "an error (0x7ff)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_icreq_is_as_the_specification_has_it),
		cmocka_unit_test(a_connect_capsule_is_read_and_written),
		cmocka_unit_test(a_response_is_read_and_written),
		cmocka_unit_test(data_with_both_digests_are_read_and_written),
		cmocka_unit_test(an_r2t_is_read),
		cmocka_unit_test(a_termination_carries_the_start_of_what_was_wrong),
		cmocka_unit_test(what_is_no_pdu_or_comes_from_the_wrong_side_is_refused),
		cmocka_unit_test(a_handshake_happens_once_and_first),
		cmocka_unit_test(formats_that_are_not_known_are_refused),
		cmocka_unit_test(every_other_length_of_a_header_is_refused),
		cmocka_unit_test(lengths_that_cannot_be_are_refused_before_they_are_waited_for),
		cmocka_unit_test(data_lie_where_and_as_long_as_the_header_says),
		cmocka_unit_test(digests_are_there_exactly_if_they_were_agreed),
		cmocka_unit_test(asks_for_the_bytes_that_are_missing_and_no_more),
		cmocka_unit_test(crc32c_is_the_one_of_iscsi),
		cmocka_unit_test(connect_data_are_read_and_written),
		cmocka_unit_test(identify_is_read_and_written),
		cmocka_unit_test(texts_of_identify_cannot_talk_to_a_terminal),
		cmocka_unit_test(a_status_is_told_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
