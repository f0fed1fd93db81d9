/*
 * gdb_patch.h - software breakpoints: an int3 in guest memory in place of an instruction's first
 * byte. It is there only while the target runs; whoever looks at memory meanwhile has it taken out
 * (machine_look_begin()).
 *
 * Only RAM that the guest may write and that KVM has a slot for can have one. What a guest maps
 * there later, or writes over it, is found out when the int3 is taken out.
 *
 * Context: the loop's thread while the vCPUs stand still; gdb_patches_at() and _conceal() also
 * their threads while they run.
 */
#ifndef ACRE_VMM_GDB_PATCH_H
#define ACRE_VMM_GDB_PATCH_H

#include "memory/memory.h"

enum { GDB_PATCH_MAX = 512 };

struct gdb_patch {
    uint64_t addr; /* linear, of the breakpoint */
    hwaddr gpa;
    uint8_t *host;    /* the byte */
    MemoryRegion *mr; /* whose memory that is; referenced */
    uint8_t original; /* while it is inserted */
    bool overwritten; /* it was not there any more when it was to be taken out */
};

/* Zeroed: none. */
struct gdb_patches {
    struct gdb_patch list[GDB_PATCH_MAX];
    unsigned num;
    bool inserted;
};

/*
 * Adds one; nothing when there is one at that gpa. Not while they are inserted.
 * Returns: false: that is no RAM that can have one, or there are too many.
 */
bool gdb_patches_add(struct gdb_patches *patches, AddressSpace *memory, uint64_t addr, hwaddr gpa);
void gdb_patches_insert(struct gdb_patches *patches);
/* Puts the original bytes back, but where the guest wrote over an int3. */
void gdb_patches_remove(struct gdb_patches *patches);
/* Forgets all; removes them first. */
void gdb_patches_clear(struct gdb_patches *patches);
/* The one at a guest-physical address; NULL: none. */
const struct gdb_patch *gdb_patches_at(const struct gdb_patches *patches, hwaddr gpa);
/* When they were removed last, did the guest have written over one of that breakpoint? */
bool gdb_patches_lost(const struct gdb_patches *patches, uint64_t addr);
/* What the guest sees as *byte at that address, made what it was. */
void gdb_patches_conceal(const struct gdb_patches *patches, hwaddr gpa, uint8_t *byte);

#endif
