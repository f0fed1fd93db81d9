/*
 * paging.h - memory above the 4 GiB that every program starts with.
 *
 * Source: Intel SDM vol. 3A 4.5.
 */
#ifndef ACRE_GUEST_LIB_PAGING_H
#define ACRE_GUEST_LIB_PAGING_H

#include <stdbool.h>
#include <stdint.h>

#define PAGING_WINDOWS 4

/*
 * Maps the GiB that holds `addr` one to one, writable; it stays mapped. For addresses below 512 GiB
 * and not yet mapped.
 * Returns: false when PAGING_WINDOWS are mapped already, or the address is beyond.
 */
bool paging_map_gib(uint64_t addr);

#endif
