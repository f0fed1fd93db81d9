/*
 * multiboot_headers.h - Multiboot headers for tests, as a kernel's assembler source would say them.
 */
#ifndef ACRE_TESTS_MULTIBOOT_HEADERS_H
#define ACRE_TESTS_MULTIBOOT_HEADERS_H

#include <stdint.h>
#include <string.h>

#define MB1(flags) 0x1BADB002U, (flags), (uint32_t) - (0x1BADB002U + (flags))

static const uint32_t mb1_plain[] = {MB1(0U)};
static const uint32_t mb1_all[] = {MB1(7U), 0, 0, 0, 0, 0, 0, 1024, 768, 32};
static const uint32_t mb1_unknown[] = {MB1(8U)};
static const uint32_t mb1_optional[] = {MB1(0x80000003U)};
static const uint32_t mb1_bad_checksum[] = {0x1BADB002U, 0, 1};
/* header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr: a file with the header at 64 */
static const uint32_t mb1_addresses[] = {MB1(0x10003U), 0x200040, 0x200000,
                                         0x200100,      0x201800, 0x200010};
static const uint32_t mb1_whole_file[] = {MB1(0x10000U), 0x200040, 0x200000, 0, 0, 0x200010};

#define MB2(len) 0xe85250d6U, 0, (len), (uint32_t) - (0xe85250d6U + (len))
#define MB2_TAG(type, flags) ((uint32_t)(type) | (uint32_t)(flags) << 16)
#define MB2_OPTIONAL 1U
#define MB2_END 0, 8

static const uint32_t mb2_plain[] = {MB2(24U), MB2_END};
static const uint32_t mb2_all[] = {MB2(24U + 24 + 16 + 24 + 8 + 8 + 16),
                                   MB2_TAG(1, 0),
                                   20,
                                   1,
                                   6,
                                   9,
                                   0, /* information */
                                   MB2_TAG(4, MB2_OPTIONAL),
                                   12,
                                   3,
                                   0, /* console */
                                   MB2_TAG(5, 0),
                                   20,
                                   1024,
                                   768,
                                   32,
                                   0, /* framebuffer */
                                   MB2_TAG(6, 0),
                                   8, /* modules */
                                   MB2_TAG(7, MB2_OPTIONAL),
                                   8, /* EFI */
                                   MB2_TAG(9, MB2_OPTIONAL),
                                   12,
                                   0x1000,
                                   0,
                                   MB2_END};
static const uint32_t mb2_unknown_tag[] = {MB2(24U + 8), MB2_TAG(77, 0), 8, MB2_END};
static const uint32_t mb2_optional_tag[] = {MB2(24U + 8), MB2_TAG(77, MB2_OPTIONAL), 8, MB2_END};
static const uint32_t mb2_unknown_info[] = {MB2(24U + 16), MB2_TAG(1, 0), 12, 99, 0, MB2_END};
static const uint32_t mb2_optional_info[] = {MB2(24U + 16), MB2_TAG(1, MB2_OPTIONAL), 12, 99, 0,
                                             MB2_END};
static const uint32_t mb2_needs_screen[] = {MB2(24U + 16), MB2_TAG(4, 0), 12, 1, 0, MB2_END};
static const uint32_t mb2_arch[] = {0xe85250d6U, 4, 24, (uint32_t) - (0xe85250d6U + 28), MB2_END};
static const uint32_t mb2_no_end[] = {MB2(16U)};
static const uint32_t mb2_tag_size_0[] = {MB2(24U + 8), MB2_TAG(6, 0), 0, MB2_END};
static const uint32_t mb2_tag_too_big[] = {MB2(24U + 8), MB2_TAG(6, 0), 0x7fffffff, MB2_END};
static const uint32_t mb2_too_long[] = {MB2(0x7ffffff0U), MB2_END};
static const uint32_t mb2_length_0[] = {MB2(0U), MB2_END};
static const uint32_t mb2_entry[] = {MB2(24U + 16), MB2_TAG(3, 0), 12, 0x100004, 0, MB2_END};
static const uint32_t mb2_entry_outside[] = {MB2(24U + 16), MB2_TAG(3, 0), 12, 0x300004, 0,
                                             MB2_END};
/* header_addr, load_addr, load_end_addr, bss_end_addr */
static const uint32_t mb2_addresses[] = {
    MB2(24U + 24 + 16), MB2_TAG(2, 0), 24, 0x200040, 0x200000, 0x200100,
    0x201800,           MB2_TAG(3, 0), 12, 0x200010, 0,        MB2_END};
static const uint32_t mb2_file_start[] = {MB2(24U + 24 + 16),
                                          MB2_TAG(2, 0),
                                          24,
                                          0x200040,
                                          0xffffffff,
                                          0,
                                          0,
                                          MB2_TAG(3, 0),
                                          12,
                                          0x200010,
                                          0,
                                          MB2_END};
static const uint32_t mb2_addresses_no_entry[] = {
    MB2(24U + 24), MB2_TAG(2, 0), 24, 0x200040, 0x200000, 0, 0, MB2_END};
/* min_addr, max_addr, align, preference */
#define MB2_RELOCATABLE(min, max, align, preference)                                               \
    {                                                                                              \
        MB2(24U + 24), MB2_TAG(10, 0), 24, (min), (max), (align), (preference), MB2_END            \
    }
static const uint32_t mb2_stay[] = MB2_RELOCATABLE(0x100000, 0x3fffff, 4096, 0);
static const uint32_t mb2_lowest[] = MB2_RELOCATABLE(0x180000, 0x3fffff, 0x10000, 1);
static const uint32_t mb2_highest[] = MB2_RELOCATABLE(0x180000, 0x2fffff, 0x10000, 2);
static const uint32_t mb2_elsewhere[] = MB2_RELOCATABLE(0x280000, 0x2fffff, 0x1000, 0);
static const uint32_t mb2_nowhere[] = MB2_RELOCATABLE(0x280000, 0x280fff, 0x1000, 0);
static const uint32_t mb2_relocatable_bad[] = MB2_RELOCATABLE(0x2000, 0x1000, 1, 0);

#endif
