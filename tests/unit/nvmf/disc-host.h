/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disc-host - a host that talks to a discovery controller in the same process, PDU by PDU: while it
 * waits for an answer it runs the controller's loop. Of cmocka tests; what fails, fails the test.
 */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/loop.h"
#include "nvmf/nqn.h"
#include "nvmf/pdu.h"
#include "tests/unit/unit.h"

struct test_host {
	struct loop *loop;
	int fd;
	struct pdu_side side; /* of what it reads */
	uint16_t next_cid;
	uint8_t in[70000];
	size_t n_in;
};

struct test_answer {
	struct nvme_cqe cqe;
	uint8_t *data; /* collected from C2HData; free it */
	uint32_t n_data;
	unsigned int n_pdus; /* with data */
};

static inline struct test_host *test_host_new(struct loop *loop, int take_fd)
{
	struct test_host *host = calloc(1, sizeof(*host));

	host->loop = loop;
	host->fd = take_fd;
	host->side.max_data = 65536;
	return host;
}

static inline void test_host_free(struct test_host *host)
{
	if (!host)
		return;
	close(host->fd);
	free(host);
}

static inline void test_host_write(struct test_host *host, const void *bytes, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = send(host->fd, (const char *)bytes + done, length - done,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return; /* the controller has closed: the test sees that when it reads */
		if (n > 0)
			done += (size_t)n;
		else
			loop_step(host->loop, 1);
	}
}

static inline void test_host_send(struct test_host *host, const struct pdu *pdu, const void *data)
{
	uint8_t header[PDU_HEADER_MAX];
	uint8_t digest[PDU_DIGEST_BYTES];

	test_host_write(host, header, pdu_build(&host->side, pdu, header));
	if (!pdu->n_bytes)
		return;
	test_host_write(host, data, pdu->n_bytes);
	pdu_digest(data, pdu->n_bytes, digest);
	if (host->side.ddgst)
		test_host_write(host, digest, sizeof(digest));
}

/* Returns: true a PDU, in @ret until the next call; false: the controller closed, or nothing came
 * in @ms. */
static inline bool test_host_receive(struct test_host *host, struct pdu *ret, int ms)
{
	const int64_t until = clock_monotonic_ms() + ms;

	for (;;) {
		struct pdu_fault fault;
		struct err err = ERR_NULL;
		size_t need;
		ssize_t n;
		int r;

		r = pdu_parse(&host->side, host->in, host->n_in, ret, &need, &fault, &err);
		if (r < 0)
			fail_msg("the controller breaks the protocol: %s", err.text);
		if (r > 0) {
			/* the PDU points into what is moved away with the next one */
			static uint8_t kept[70000];

			memcpy(kept, host->in, (size_t)r);
			ret->bytes = ret->bytes ? kept + (ret->bytes - host->in) : NULL;
			memmove(host->in, host->in + r, host->n_in - (size_t)r);
			host->n_in -= (size_t)r;
			return true;
		}
		n = recv(host->fd, host->in + host->n_in, sizeof(host->in) - host->n_in,
			 MSG_DONTWAIT);
		if (n > 0) {
			host->n_in += (size_t)n;
			continue;
		}
		if (n == 0 || errno != EAGAIN || clock_monotonic_ms() >= until)
			return false;
		loop_step(host->loop, ms < 10 ? ms : 10);
	}
}

#define TEST_HOST_MS 10000 /* for an answer that has to come */

static inline void test_host_hello(struct test_host *host, bool hdgst, bool ddgst)
{
	const struct pdu icreq = { .type = PDU_ICREQ, .ic = { .hdgst = hdgst, .ddgst = ddgst } };
	struct pdu pdu;

	test_host_send(host, &icreq, NULL);
	assert_true(test_host_receive(host, &pdu, TEST_HOST_MS));
	assert_int_equal(pdu.type, PDU_ICRESP);
	assert_int_equal(pdu.ic.hdgst, hdgst);
	assert_int_equal(pdu.ic.ddgst, ddgst);
	assert_int_equal(pdu.ic.align, 0);
	host->side.ready = true;
	host->side.hdgst = hdgst;
	host->side.ddgst = ddgst;
}

/* @sqe  without its id. Returns: the id. */
static inline uint16_t test_host_command(struct test_host *host, const struct nvme_sqe *sqe,
					 const void *data, uint32_t length)
{
	struct pdu pdu = { .type = PDU_COMMAND, .command = *sqe, .n_bytes = length };

	pdu.command.flags = NVME_SQE_SGL;
	pdu.command.cid = (uint16_t)(0x5000 + host->next_cid++);
	if (length) {
		pdu.command.sgl_type = NVME_SGL_IN_CAPSULE;
		pdu.command.sgl_length = length;
	} else if (!pdu.command.sgl_type) {
		pdu.command.sgl_type = NVME_SGL_TRANSPORT;
	}
	test_host_send(host, &pdu, data);
	return pdu.command.cid;
}

/* The answer to a command, with its data. */
static inline struct test_answer test_host_answer(struct test_host *host, uint16_t cid)
{
	struct test_answer answer = { 0 };
	struct pdu pdu;

	for (;;) {
		if (!test_host_receive(host, &pdu, TEST_HOST_MS))
			fail_msg("no answer to a command");
		if (pdu.type == PDU_RESPONSE) {
			assert_int_equal(pdu.response.cid, cid);
			answer.cqe = pdu.response;
			return answer;
		}
		assert_int_equal(pdu.type, PDU_C2H_DATA);
		assert_int_equal(pdu.data.cid, cid);
		assert_int_equal(pdu.data.offset, answer.n_data);
		answer.data = realloc(answer.data, answer.n_data + pdu.n_bytes);
		memcpy(answer.data + answer.n_data, pdu.bytes, pdu.n_bytes);
		answer.n_data += pdu.n_bytes;
		answer.n_pdus++;
	}
}

static inline struct test_answer test_host_ask(struct test_host *host, const struct nvme_sqe *sqe)
{
	return test_host_answer(host, test_host_command(host, sqe, NULL, 0));
}

/* The status of a command without data. */
static inline uint16_t test_host_status(struct test_host *host, const struct nvme_sqe *sqe)
{
	struct test_answer answer = test_host_ask(host, sqe);

	free(answer.data);
	return answer.cqe.status;
}

static inline struct nvme_cqe test_host_connect_as(struct test_host *host, const char *subnqn,
						   const char *hostnqn, uint32_t kato_ms)
{
	const struct nvme_sqe sqe = {
		.opcode = NVME_FABRICS,
		.nsid = NVME_CONNECT,
		.cdw = { 0, 31, kato_ms },
	};
	struct nvme_connect_data data = { .cntlid = NVME_CNTLID_DYNAMIC };
	uint8_t bytes[NVME_CONNECT_DATA_BYTES];

	memcpy(data.hostid, hostnqn, strnlen(hostnqn, sizeof(data.hostid)));
	memcpy(data.subnqn, subnqn, strlen(subnqn) + 1);
	memcpy(data.hostnqn, hostnqn, strlen(hostnqn) + 1);
	pdu_connect_data_encode(&data, bytes);
	return test_host_answer(host, test_host_command(host, &sqe, bytes, sizeof(bytes))).cqe;
}

static inline struct test_answer test_host_get(struct test_host *host, uint32_t property)
{
	const struct nvme_sqe sqe = {
		.opcode = NVME_FABRICS,
		.nsid = NVME_PROPERTY_GET,
		.cdw = { property == NVME_CAP, property },
	};

	return test_host_ask(host, &sqe);
}

static inline uint16_t test_host_set(struct test_host *host, uint32_t property, uint32_t value)
{
	const struct nvme_sqe sqe = {
		.opcode = NVME_FABRICS,
		.nsid = NVME_PROPERTY_SET,
		.cdw = { 0, property, value },
	};

	return test_host_status(host, &sqe);
}

static inline uint16_t test_host_send_log(struct test_host *host, uint64_t offset, uint32_t length,
					  bool rae)
{
	const uint32_t numd = length / 4 - 1;
	const struct nvme_sqe sqe = {
		.opcode = NVME_GET_LOG_PAGE,
		.sgl_length = length,
		.sgl_type = NVME_SGL_TRANSPORT,
		.cdw = { NVME_LOG_DISCOVERY | (rae ? NVME_GET_LOG_RAE : 0) | numd << 16, numd >> 16,
			 (uint32_t)offset, (uint32_t)(offset >> 32) },
	};

	return test_host_command(host, &sqe, NULL, 0);
}

static inline struct test_answer test_host_log(struct test_host *host, uint64_t offset,
					       uint32_t length, bool rae)
{
	return test_host_answer(host, test_host_send_log(host, offset, length, rae));
}

static inline uint16_t test_host_want_events(struct test_host *host)
{
	const struct nvme_sqe set = { .opcode = NVME_SET_FEATURES,
				      .cdw = { NVME_FEATURE_ASYNC_EVENT, NVME_OAES_DISCOVERY } };
	const struct nvme_sqe arm = { .opcode = NVME_ASYNC_EVENT };

	assert_int_equal(test_host_status(host, &set), NVME_SC_SUCCESS);
	return test_host_command(host, &arm, NULL, 0);
}
