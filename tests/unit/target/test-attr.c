/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "target/attr.h"

static int check(enum model_kind kind, const char *name, const char *value)
{
	return attr_check(kind, name, value, NULL);
}

static void an_attribute_is_known_by_kind_and_name(void **state)
{
	(void)state;
	assert_int_equal(attr_find(MODEL_NAMESPACE, "enable")->kind, MODEL_NAMESPACE);
	assert_int_equal(attr_find(MODEL_REFERRAL, "enable")->kind, MODEL_REFERRAL);
	assert_null(attr_find(MODEL_HOST, "enable"));
	assert_true(attr_find(MODEL_HOST, "dhchap_key")->secret);
	assert_true(attr_find(MODEL_HOST, "dhchap_ctrl_key")->secret);
	assert_false(attr_find(MODEL_HOST, "dhchap_hash")->secret);
}

static void all_of_a_kind_are_given_in_the_order_of_writing(void **state)
{
	unsigned int n = 0;

	(void)state;
	/* writing it puts addr_tsas back */
	assert_string_equal(attr_at(MODEL_PORT, 0)->name, "addr_trtype");
	assert_string_equal(attr_at(MODEL_NAMESPACE, 0)->name, "device_path");
	while (attr_at(MODEL_PORT, n))
		assert_int_equal(attr_at(MODEL_PORT, n++)->kind, MODEL_PORT);
	assert_int_equal(n, 10);
	assert_null(attr_at(MODEL_PORT, n + 1));
}

static void a_number_must_be_whole_and_in_its_range(void **state)
{
	(void)state;
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_qid_max", "1"), 0);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_qid_max", "128"), 0);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_qid_max", "0"), -EINVAL);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_qid_max", "129"), -EINVAL);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_qid_max", ""), -EINVAL);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_qid_max", " 5"), -EINVAL);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_qid_max", "5x"), -EINVAL);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_ieee_oui", "0xffffff"), 0);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_ieee_oui", "0x1000000"), -EINVAL);
	assert_int_equal(check(MODEL_PORT, "param_inline_data_size", "-1"), 0);
	assert_int_equal(check(MODEL_PORT, "param_inline_data_size", "-2"), -EINVAL);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_qid_max", "99999999999999999999"), -EINVAL);
}

static void ana_group_128_is_refused_since_kernels_take_it_for_0(void **state)
{
	(void)state;
	assert_int_equal(check(MODEL_NAMESPACE, "ana_grpid", "127"), 0);
	assert_int_equal(check(MODEL_NAMESPACE, "ana_grpid", "128"), -EINVAL);
}

static void a_switch_is_0_or_1_in_no_other_spelling(void **state)
{
	(void)state;
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_allow_any_host", "0"), 0);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_allow_any_host", "1"), 0);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_allow_any_host", "01"), -EINVAL);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_allow_any_host", "0x1"), -EINVAL);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_allow_any_host", "y"), -EINVAL);
	assert_int_equal(check(MODEL_NAMESPACE, "revalidate_size", "0"), -EINVAL);
	assert_int_equal(check(MODEL_NAMESPACE, "revalidate_size", "1"), 0);
}

static void an_id_has_32_digits(void **state)
{
	(void)state;
	assert_int_equal(
		check(MODEL_NAMESPACE, "device_uuid", "3f9b0b52-8d6e-4c0a-9a41-6b2f7f3c1e14"), 0);
	assert_int_equal(check(MODEL_NAMESPACE, "device_nguid", "3f9b0b528d6e4c0a9a416b2f7f3c1e14"),
			 0);
	assert_int_equal(
		check(MODEL_NAMESPACE, "device_uuid", "3f9b0b52-8d6e-4c0a-9a41-6b2f7f3c1e1"),
		-EINVAL);
	assert_int_equal(
		check(MODEL_NAMESPACE, "device_uuid", "3f9b0b52-8d6e-4c0a-9a41-6b2f7f3c1e1g"),
		-EINVAL);
	assert_int_equal(check(MODEL_NAMESPACE, "device_uuid", ""), -EINVAL);
}

static void a_word_is_one_of_the_list_and_the_text_tells_them(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(check(MODEL_PORT, "addr_trtype", "rdma"), 0);
	assert_int_equal(check(MODEL_PORT, "addr_trtype", "pci"), 0);
	assert_int_equal(check(MODEL_PORT, "addr_treq", "not required"), 0);
	assert_int_equal(check(MODEL_PORT, "addr_trtype", ""), -EINVAL);
	assert_int_equal(check(MODEL_PORT, "addr_trtype", "rdm"), -EINVAL);
	assert_int_equal(check(MODEL_PORT, "addr_trtype", "rdmaa"), -EINVAL);
	assert_int_equal(check(MODEL_PORT, "addr_trtype", "rdma|tcp"), -EINVAL);
	assert_int_equal(attr_check(MODEL_PORT, "addr_trtype", "roce", &err), -EINVAL);
	assert_non_null(strstr(err.text, "roce"));
	assert_non_null(strstr(err.text, "rdma|tcp|fc|loop|pci"));
}

static void a_text_is_one_printable_line_of_bounded_length(void **state)
{
	(void)state;
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_serial", "12345678901234567890"), 0);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_serial", "123456789012345678901"), -EINVAL);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_serial", ""), -EINVAL);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_model", "a\nb"), -EINVAL);
	assert_int_equal(check(MODEL_SUBSYSTEM, "attr_model", "caf\xc3\xa9"), -EINVAL);
	assert_int_equal(check(MODEL_NAMESPACE, "device_path", "/srv/caf\xc3\xa9"), 0);
	assert_int_equal(check(MODEL_NAMESPACE, "device_path", "/srv/a\nb"), -EINVAL);
}

static void a_refused_key_is_not_in_the_text(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(attr_check(MODEL_HOST, "dhchap_key", "hush\nhush", &err), -EINVAL);
	assert_null(strstr(err.text, "hush"));
}

static void an_unknown_attribute_passes_up_to_a_page(void **state)
{
	char page[4097];

	(void)state;
	memset(page, 'x', sizeof(page));
	page[4096] = '\0';
	assert_int_equal(check(MODEL_PORT, "param_new", "anything"), 0);
	assert_int_equal(check(MODEL_PORT, "param_new", page), -EINVAL);
	page[4095] = '\0';
	assert_int_equal(check(MODEL_PORT, "param_new", page), 0);
}

static void values_are_compared_as_the_kernel_means_them(void **state)
{
	(void)state;
	assert_true(attr_is_same(MODEL_SUBSYSTEM, "attr_serial", "b1a4", "b1a4                "));
	assert_false(attr_is_same(MODEL_SUBSYSTEM, "attr_serial", "b1a4", "b1a"));
	assert_true(attr_is_same(MODEL_SUBSYSTEM, "attr_vendor_id", "0x1b36", "6966"));
	assert_true(attr_is_same(MODEL_SUBSYSTEM, "attr_ieee_oui", "0x000000", "0"));
	assert_false(attr_is_same(MODEL_SUBSYSTEM, "attr_vendor_id", "", "0"));
	assert_true(attr_is_same(MODEL_NAMESPACE, "device_nguid",
				 "3F9B0B528D6E4C0A9A416B2F7F3C1E14",
				 "3f9b0b52-8d6e-4c0a-9a41-6b2f7f3c1e14"));
	assert_false(attr_is_same(MODEL_NAMESPACE, "device_nguid",
				  "3f9b0b52-8d6e-4c0a-9a41-6b2f7f3c1e14",
				  "3f9b0b52-8d6e-4c0a-9a41-6b2f7f3c1e15"));
	assert_false(attr_is_same(MODEL_NAMESPACE, "device_path", "/dev/sda", "/dev/SDA"));
	assert_true(attr_is_same(MODEL_PORT, "param_new", "010", "010"));
	assert_false(attr_is_same(MODEL_PORT, "param_new", "010", "8"));
}

static void a_default_is_what_the_kernel_has_by_itself_on_any_version(void **state)
{
	(void)state;
	assert_true(attr_is_default(MODEL_SUBSYSTEM, "attr_ieee_oui", "0x000000"));
	assert_true(attr_is_default(MODEL_PORT, "param_mdts", "-1"));
	assert_true(attr_is_default(MODEL_PORT, "param_mdts", "0"));
	assert_false(attr_is_default(MODEL_PORT, "param_mdts", "8"));
	assert_true(attr_is_default(MODEL_PORT, "addr_tsas", ""));
	assert_false(attr_is_default(MODEL_PORT, "addr_tsas", "tls1.3"));
	assert_false(attr_is_default(MODEL_SUBSYSTEM, "attr_new", "0"));
	assert_false(attr_is_default(MODEL_NAMESPACE, "enable", "0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_attribute_is_known_by_kind_and_name),
		cmocka_unit_test(all_of_a_kind_are_given_in_the_order_of_writing),
		cmocka_unit_test(a_number_must_be_whole_and_in_its_range),
		cmocka_unit_test(ana_group_128_is_refused_since_kernels_take_it_for_0),
		cmocka_unit_test(a_switch_is_0_or_1_in_no_other_spelling),
		cmocka_unit_test(an_id_has_32_digits),
		cmocka_unit_test(a_word_is_one_of_the_list_and_the_text_tells_them),
		cmocka_unit_test(a_text_is_one_printable_line_of_bounded_length),
		cmocka_unit_test(a_refused_key_is_not_in_the_text),
		cmocka_unit_test(an_unknown_attribute_passes_up_to_a_page),
		cmocka_unit_test(values_are_compared_as_the_kernel_means_them),
		cmocka_unit_test(a_default_is_what_the_kernel_has_by_itself_on_any_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
