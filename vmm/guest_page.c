/*
 * guest_page.c - KVM follows the host's mapping by MMU notifiers, and drops its own of any page
 * whose protection changes. A page that can only be written still can be read by loads on x86, so
 * that threads that access the guest's memory meanwhile notice nothing.
 */
#include "vmm/guest_page.h"

#include <errno.h>
#include <sys/mman.h>

enum { PAGE_SIZE = 4096 };

/* Writable pages of the host that are all of the guest's page, or NULL. */
static void *host_page(const MemoryRegionSection *section, hwaddr addr, size_t *size)
{
    const RAMBlock *block = section->mr->ram_block;
    uint8_t *host = memory_section_host(section);
    bool readonly;

    if (!memory_section_is_slot(section, &readonly) || !host || block->readonly) {
        return NULL;
    }
    if (section->offset_within_address_space != addr || memory_section_size(section) != PAGE_SIZE ||
        (uintptr_t)host % PAGE_SIZE != 0) {
        return NULL; /* in parts, or shifted against the host's: never mapped */
    }
    *size = block->page_size;
    return host - (uintptr_t)host % block->page_size;
}

int guest_page_flush(AddressSpace *as, hwaddr addr)
{
    MemoryRegionSection section;
    size_t size;
    void *host;
    int ret = 0;

    addr &= ~(hwaddr)(PAGE_SIZE - 1);
    if (!address_space_find(as, addr, PAGE_SIZE, &section)) {
        return 0;
    }
    host = host_page(&section, addr, &size);
    if (host && (mprotect(host, size, PROT_WRITE) < 0 ||
                 mprotect(host, size, PROT_READ | PROT_WRITE) < 0)) {
        ret = -errno;
    }
    memory_region_unref(section.mr);
    return ret;
}
