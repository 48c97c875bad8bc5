/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/uevent-seq.h"

static void add_range(struct uevent_seq *seq, uint64_t first, uint64_t last)
{
	if (seq->n_missing < UEVENT_SEQ_RANGES)
		seq->missing[seq->n_missing++] =
			(struct uevent_seq_range){ .first = first, .last = last };
	else
		seq->n_more += last - first + 1;
}

/* One that was passed over came after all; one that came twice is nobody's. */
static void fill(struct uevent_seq *seq, uint64_t number)
{
	unsigned int i;

	for (i = 0; i < seq->n_missing; i++) {
		const struct uevent_seq_range range = seq->missing[i];

		if (number < range.first || number > range.last)
			continue;
		seq->missing[i] = seq->missing[--seq->n_missing];
		if (number > range.first)
			add_range(seq, range.first, number - 1);
		if (number < range.last)
			add_range(seq, number + 1, range.last);
		return;
	}
}

bool uevent_seq_note(struct uevent_seq *seq, uint64_t number)
{
	if (seq->next != 0 && number < seq->next) {
		fill(seq, number);
	} else {
		if (seq->next != 0 && number > seq->next)
			add_range(seq, seq->next, number - 1);
		seq->next = number + 1;
	}
	return seq->n_missing > 0 || seq->n_more > 0;
}

uint64_t uevent_seq_settle(struct uevent_seq *seq)
{
	uint64_t n = seq->n_more;
	unsigned int i;

	for (i = 0; i < seq->n_missing; i++)
		n += seq->missing[i].last - seq->missing[i].first + 1;
	seq->n_missing = 0;
	seq->n_more = 0;
	return n;
}
