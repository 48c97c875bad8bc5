/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nvmf/disc-log.h"
#include "nvmf/nvme-spec.h"

static const struct disc_record example = {
	.trtype = NVME_TRTYPE_TCP,
	.adrfam = NVME_ADRFAM_IPV4,
	.subtype = NVME_SUBTYPE_NVM,
	.treq = NVME_TREQ_REQUIRED,
	.port_id = 0x0102,
	.cntlid = NVME_CNTLID_DYNAMIC,
	.asqsz = 32,
	.eflags = NVME_EFLAG_EPCSD,
	.sectype = NVME_SECTYPE_TLS13,
	.trsvcid = "4420",
	.subnqn = "nqn.2024-01.example:a",
	.traddr = "192.0.2.1",
};

static void every_field_of_a_record_stands_where_the_specification_has_it(void **state)
{
	uint8_t bytes[DISC_RECORD_BYTES];
	const uint8_t head[12] = { 3, 1, 2, 1, 2, 1, 0xff, 0xff, 32, 0, 2, 0 };

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	disc_record_encode(&example, bytes);
	assert_memory_equal(bytes, head, sizeof(head));
	assert_int_equal(bytes[12], 0);
	assert_string_equal((char *)bytes + 32, "4420");
	assert_string_equal((char *)bytes + 256, "nqn.2024-01.example:a");
	assert_string_equal((char *)bytes + 512, "192.0.2.1");
	assert_int_equal(bytes[768], 2);
	assert_int_equal(bytes[1023], 0);
}

static void what_was_written_is_read_back(void **state)
{
	uint8_t bytes[DISC_RECORD_BYTES];
	struct disc_record record;

	(void)state;
	disc_record_encode(&example, bytes);
	assert_int_equal(disc_record_decode(bytes, &record, NULL), 0);
	assert_memory_equal(&record, &example, sizeof(record));
}

static void what_is_of_rdma_only_is_kept_for_rdma_only(void **state)
{
	struct disc_record with = example;
	struct disc_record record;
	uint8_t bytes[DISC_RECORD_BYTES];

	(void)state;
	with.trtype = NVME_TRTYPE_RDMA;
	memcpy(with.rdma, "\1\2\3\4\5", 5);
	disc_record_encode(&with, bytes);
	assert_memory_equal(bytes + 768, "\1\2\3\0\0\0\0\0\4\5", 10);
	assert_int_equal(disc_record_decode(bytes, &record, NULL), 0);
	assert_memory_equal(record.rdma, with.rdma, 5);
	assert_int_equal(record.sectype, 0);
}

static void padding_of_either_kind_is_cut(void **state)
{
	uint8_t bytes[DISC_RECORD_BYTES];
	struct disc_record record;

	(void)state;
	disc_record_encode(&example, bytes);
	memcpy(bytes + 32, "4420                            ", 32);
	memset(bytes + 512 + strlen(example.traddr), ' ', 256 - strlen(example.traddr));
	memcpy(bytes + 256 + strlen(example.subnqn), "\0garbage", 8);
	assert_int_equal(disc_record_decode(bytes, &record, NULL), 0);
	assert_string_equal(record.trsvcid, "4420");
	assert_string_equal(record.traddr, example.traddr);
	assert_string_equal(record.subnqn, example.subnqn);
}

static void refused(const struct disc_record *record, const char *why)
{
	struct disc_record back = { .port_id = 77 };
	uint8_t bytes[DISC_RECORD_BYTES];
	struct err err = ERR_NULL;

	disc_record_encode(record, bytes);
	assert_int_equal(disc_record_decode(bytes, &back, &err), -EINVAL);
	assert_non_null(strstr(err.text, why));
	assert_int_equal(back.port_id, 77);
}

static void a_record_that_leads_nowhere_is_refused_with_the_reason(void **state)
{
	static const char *const nowhere[] = { "", "0.0.0.0", "::", "   " };
	struct disc_record record = example;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++) {
		snprintf(record.traddr, sizeof(record.traddr), "%s", nowhere[i]);
		refused(&record, "has the address");
	}
	record = example;
	record.subnqn[0] = '\0';
	refused(&record, "no NQN");
	memset(record.subnqn, 'n', NQN_MAX + 1);
	refused(&record, "too long");
	record = example;
	record.traddr[3] = '\n';
	refused(&record, "no text");
	record = example;
	record.subtype = 4;
	refused(&record, "type 4");
}

static void a_text_that_fills_its_field_has_no_end_in_it(void **state)
{
	struct disc_record record = example;
	struct disc_record back;
	uint8_t bytes[DISC_RECORD_BYTES];

	(void)state;
	memset(record.trsvcid, '1', 32);
	memset(record.traddr, 'a', 256);
	disc_record_encode(&record, bytes);
	assert_int_equal(bytes[63], '1');
	assert_int_equal(bytes[767], 'a');
	assert_int_equal(disc_record_decode(bytes, &back, NULL), 0);
	assert_string_equal(back.trsvcid, record.trsvcid);
	assert_string_equal(back.traddr, record.traddr);
}

static void a_page_begins_with_its_header(void **state)
{
	uint8_t records[2 * DISC_RECORD_BYTES];
	struct disc_header header;
	struct disc_log *log;

	(void)state;
	disc_record_encode(&example, records);
	disc_record_encode(&example, records + DISC_RECORD_BYTES);
	log = disc_log_new(0x0102030405060708, records, 2);
	assert_non_null(log);
	assert_int_equal(log->length, 3 * 1024);
	disc_header_decode(log->bytes, &header);
	assert_int_equal(header.genctr, 0x0102030405060708);
	assert_int_equal(header.numrec, 2);
	assert_int_equal(header.recfmt, 0);
	assert_memory_equal(disc_log_record(log, 1), records, DISC_RECORD_BYTES);
	assert_int_equal(log->bytes[0], 8);
	disc_log_unref(log);
}

static void a_page_lives_as_long_as_its_last_owner(void **state)
{
	struct disc_log *log = disc_log_new(1, NULL, 1);

	(void)state;
	assert_ptr_equal(disc_log_ref(log), log);
	disc_log_unref(log);
	assert_int_equal(log->count, 1);
	disc_log_unref(log);
	disc_log_unref(NULL);
}

static void pages_are_equal_by_their_records_alone(void **state)
{
	uint8_t records[DISC_RECORD_BYTES] = { 0 };
	struct disc_log *a = disc_log_new(1, records, 1);
	struct disc_log *b = disc_log_new(2, records, 1);
	struct disc_log *none = disc_log_new(1, NULL, 0);
	struct disc_log *c;

	(void)state;
	records[1000] = 1;
	c = disc_log_new(1, records, 1);
	assert_true(disc_log_equal(a, b));
	assert_false(disc_log_equal(a, c));
	assert_false(disc_log_equal(a, none));
	disc_log_unref(a);
	disc_log_unref(b);
	disc_log_unref(c);
	disc_log_unref(none);
}

static void a_page_has_a_bound(void **state)
{
	(void)state;
	assert_null(disc_log_new(1, NULL, DISC_RECORDS_MAX + 1));
}

static void each_word_leads_back_to_its_number(void **state)
{
	static const uint8_t types[] = { 1, 2, 3, 254 };
	char scratch[8];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types); i++)
		assert_int_equal(disc_trtype_of(disc_trtype_word(types[i], scratch)), types[i]);
	assert_int_equal(disc_trtype_of("pigeon"), -EINVAL);
	assert_string_equal(disc_trtype_word(77, scratch), "77");
	assert_string_equal(disc_adrfam_word(2, scratch), "ipv6");
	assert_string_equal(disc_adrfam_word(200, scratch), "200");
	assert_string_equal(disc_subtype_word(3, scratch), "current");
	assert_string_equal(disc_subtype_word(0, scratch), "0");
	assert_string_equal(disc_sectype_word(2, scratch), "tls");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_a_record_stands_where_the_specification_has_it),
		cmocka_unit_test(what_was_written_is_read_back),
		cmocka_unit_test(what_is_of_rdma_only_is_kept_for_rdma_only),
		cmocka_unit_test(padding_of_either_kind_is_cut),
		cmocka_unit_test(a_record_that_leads_nowhere_is_refused_with_the_reason),
		cmocka_unit_test(a_text_that_fills_its_field_has_no_end_in_it),
		cmocka_unit_test(a_page_begins_with_its_header),
		cmocka_unit_test(a_page_lives_as_long_as_its_last_owner),
		cmocka_unit_test(pages_are_equal_by_their_records_alone),
		cmocka_unit_test(a_page_has_a_bound),
		cmocka_unit_test(each_word_leads_back_to_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
