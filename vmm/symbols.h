/*
 * symbols.h - names for a guest's addresses, from the symbol table of its ELF file.
 *
 * The file is hostile like every image. One that has no symbol table, or is no ELF file, gives an
 * empty table. Addresses are the file's virtual ones; an address that only fits the place a segment
 * was loaded at (before paging is on) is translated by the program headers.
 *
 * Context: any thread once loaded; no locks. Cost: find O(log n), address O(n); loading reads
 * symbols and strings whole, 24 bytes and the name for each.
 * Source: System V gABI ch. 4 "Symbol Table".
 */
#ifndef ACRE_VMM_SYMBOLS_H
#define ACRE_VMM_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/error.h"

struct symbols; /* private */

/* Room for "name+0x...", for symbols_text(). */
enum { SYMBOLS_TEXT_SIZE = 96 };

/*
 * @path  for errors; @fd is the caller's, and not needed later.
 * Returns: 0; -EINVAL a malformed file; -ENOMEM; -errno of a read.
 */
int symbols_load(struct symbols **symbols, const char *path, int fd, struct error *err)
    __attribute__((warn_unused_result));
/* Accepts NULL. */
void symbols_free(struct symbols *symbols);

/* How many there are; of NULL: 0. */
size_t symbols_num(const struct symbols *symbols);

/*
 * The symbol that covers `addr`: a function or object whose size says so; else the nearest label
 * before it in the same segment. Lives as long as the table.
 * Returns: NULL when there is none. @offset  addr minus its start.
 */
const char *symbols_find(const struct symbols *symbols, uint64_t addr, uint64_t *offset);
/* "name" or "name+0x1f"; an empty string when there is none. Long names are cut. */
void symbols_text(const struct symbols *symbols, uint64_t addr, char text[SYMBOLS_TEXT_SIZE]);

/* Returns: 0 with *addr; -ENOENT no symbol of this name. Of several the lowest address counts. */
int symbols_address(const struct symbols *symbols, const char *name, uint64_t *addr)
    __attribute__((warn_unused_result));

#endif
