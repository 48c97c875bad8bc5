/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trim - give back the pages of libraries that only starting them needed.
 *
 * Relocations and initialisers of a library, and of those that it brings, read code and tables that
 * are not looked at again: libcurl of Debian 12 has 30 libraries with it, whose beginning is two
 * thirds of the memory of an idle daemon. They are clean pages of files: given back they are page
 * cache and nothing else, and one that is needed after all is mapped again by a fault, which reads
 * no disk as long as it is cached. What is in use comes back with the next use, and is then as safe
 * from being reclaimed as it was. What was written to (relocated data, the heap) stays, and so does
 * the program itself.
 *
 * Source: madvise(2) (MADV_DONTNEED on a private mapping of a file), dl_iterate_phdr(3).
 */
#pragma once

/* Cheap enough for each new connection: two or three system calls for each library. */
void trim_libraries(void);
