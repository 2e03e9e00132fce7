/* Mapped files that change under us. A map's pages come from the file when they are touched: where that was cut short
 * meanwhile, or its disk fails, the system sends SIGBUS. It becomes a line that names the file, or, in a read that
 * expects it, a failed check.
 *
 * io_map, io_unmap and writers' maps (base/io.h) keep the register of maps. */
#ifndef SFT_BASE_MAP_H
#define SFT_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

/* Note that data[0..size) is a map of the file that errors call `name` (copied); forget it again before it is unmapped.
 * Threads may call both. */
void map_register(const void *data, size_t size, const char *name);
void map_unregister(const void *data);

/* From now on a fault in a registered map writes "error: NAME: ..." on stderr and ends the program with exit code 1;
 * any other SIGBUS does what it did. For a program's start; it may be called again. */
void map_catch_faults(void);

/* read(context), or false where it met a fault in a registered map of this thread's: what it has half done stays
 * so. `read` must hold no lock and allocate nothing. Needs map_catch_faults. */
bool map_read_guarded(bool (*read)(void *context), void *context);

#endif
