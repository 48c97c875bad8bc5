/* SPDX-License-Identifier: BSD-3-Clause */
/* sunfish-note - what waits to be told of which resource: each once, the oldest first. */
#include <stdlib.h>
#include <string.h>

#include "collector/sunfish-own.h"

void sunfish_notes_free(struct sunfish *sunfish)
{
	while (sunfish->n_notes)
		free(sunfish->notes[--sunfish->n_notes].uri);
}

void sunfish_note_drop(struct sunfish *sunfish)
{
	free(sunfish->notes[0].uri);
	sunfish->n_notes--;
	memmove(sunfish->notes, sunfish->notes + 1, sunfish->n_notes * sizeof(*sunfish->notes));
}

struct sunfish_note *sunfish_note_find(struct sunfish *sunfish, const char *uri)
{
	size_t i;

	/* the first one may be under way */
	for (i = sunfish->sm.running ? 1 : 0; i < sunfish->n_notes; i++)
		if (strcmp(sunfish->notes[i].uri, uri) == 0)
			return &sunfish->notes[i];
	return NULL;
}

void sunfish_note_add(struct sunfish *sunfish, const char *uri, bool gone, bool quiet)
{
	struct sunfish_note *note;

	if (sunfish->n_notes == SUNFISH_QUEUE_MAX) {
		sunfish->dropped++;
		return;
	}
	if (sunfish->n_notes == sunfish->notes_room) {
		size_t room = sunfish->notes_room ? 2 * sunfish->notes_room : 64;

		note = realloc(sunfish->notes, room * sizeof(*note));
		if (!note) {
			sunfish->dropped++;
			return;
		}
		sunfish->notes = note;
		sunfish->notes_room = room;
	}
	note = &sunfish->notes[sunfish->n_notes];
	*note = (struct sunfish_note){ .uri = strdup(uri), .gone = gone, .quiet = quiet };
	if (note->uri)
		sunfish->n_notes++;
}
