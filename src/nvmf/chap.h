/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * chap - DH-HMAC-CHAP: one side of an authentication transaction, message by message. Pure: no
 * socket, no clock, no file.
 *
 * The host (which proves who it is) begins; the controller may have to prove itself as well, if the
 * host has its key. The sides take turns: chap_next says whose it is. Whatever a peer sends, a side
 * never counts as proved before the right answer to the challenge of this transaction has come.
 * Secrets live in it from chap_new to chap_free.
 *
 * Source: NVM Express Base Specification 2.0, 8.13 "NVMe over Fabrics In-band Authentication";
 * include/linux/nvme.h, drivers/nvme/{host,target}/auth.c for what peers send and insist on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CHAP_MESSAGE_MAX 1280 /* the longest: a reply with a value of 8,192 bits */
#define CHAP_SPSP 1	      /* SPSP0 and SPSP1 of Authentication Send and Receive */
#define CHAP_SECP 0xe9

struct chap;

enum chap_next {
	CHAP_TAKE, /* the peer sends */
	CHAP_GIVE, /* chap_give */
	CHAP_DONE, /* proved, on both sides as far as asked for */
	CHAP_OVER, /* it failed, and both know it */
};

struct chap_params {
	bool is_host;
	const char *hostnqn, *subnqn;
	const char *host_key;	    /* "DHHC-1:..", as dhchap.h has checked it */
	const char *controller_key; /* NULL: the controller need not prove itself, or cannot */
};

/* All is copied. Returns: 0, *ret owned; -EINVAL a key is damaged; -EIO; -ENOMEM. */
int chap_new(const struct chap_params *params, struct chap **ret, struct err *err);
void chap_free(struct chap *chap); /* clears it; NULL is allowed */

enum chap_next chap_next(const struct chap *chap);
/* Has the peer proved that it has its key? */
bool chap_is_proved(const struct chap *chap);

/* A message of the peer; more bytes than it has may follow. Returns: 0 also if it fails and a word
 * about that is to be given; -EACCES it failed, and nothing more is to be said; then and with
 * CHAP_OVER next @err says why. -EPROTO it is not its turn. */
int chap_take(struct chap *chap, const uint8_t *bytes, size_t length, struct err *err);
/* Our message. Returns: its length; 0: it is not our turn. */
size_t chap_give(struct chap *chap, uint8_t out[CHAP_MESSAGE_MAX]);
/* Why it failed, for a person; "" */
const char *chap_why(const struct chap *chap);
