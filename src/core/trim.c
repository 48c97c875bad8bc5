/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/trim.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Relocations in what cannot be written are private copies: they would be lost. */
static bool has_text_relocations(const struct dl_phdr_info *info)
{
	const ElfW(Dyn) *dyn = NULL;
	size_t i;

	for (i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			dyn = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	for (; dyn && dyn->d_tag != DT_NULL; dyn++)
		if (dyn->d_tag == DT_TEXTREL ||
		    (dyn->d_tag == DT_FLAGS && dyn->d_un.d_val & DF_TEXTREL))
			return true;
	return !dyn;
}

static void trim_segment(uintptr_t address, size_t length)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t begin = address & ~(page - 1);
	const uintptr_t end = (address + length + page - 1) & ~(page - 1);

	/* a kernel that refuses costs memory, no more: mlockall */
	(void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}

static void trim_segments(const struct dl_phdr_info *info)
{
	size_t i;

	/* the table stands in the first of them: it would be back at once */
	for (i = info->dlpi_phnum; i-- > 0;) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
			trim_segment(info->dlpi_addr + segment->p_vaddr, segment->p_memsz);
	}
}

static int trim_object(struct dl_phdr_info *info, size_t size, void *data)
{
	bool *is_library = data;

	(void)size;
	/* the first is the program */
	if (*is_library && !has_text_relocations(info))
		trim_segments(info);
	*is_library = true;
	return 0;
}

void trim_libraries(void)
{
	bool is_library = false;

	dl_iterate_phdr(trim_object, &is_library);
}
