/*
 * boot_multiboot2.c - Multiboot 2: a header of tags in the first 32 KiB, information tags in EBX.
 *
 * A tag that is not optional is honoured, or the kernel is refused; so is a required request for
 * information that acre has never heard of. Information that it knows and that this machine has
 * not (no display, no EFI, no ACPI) is left out, as the specification wants it. EFI's header tags
 * count on EFI machines only.
 *
 * Source: Multiboot2 Specification 2.0, sections 3.1 (header), 3.3 (machine state), 3.4-3.6.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "vmm/boot.h"

#define SEARCH_SIZE 32768U
#define HEADER_MAGIC 0xe85250d6U
#define HEADER_ARCH_I386 0U
#define LOADER_MAGIC 0x36d76289U
#define TAG_ALIGN 8U
#define TAG_OPTIONAL 1U
#define CONSOLE_REQUIRED 1U
#define LOAD_AT_FILE_START 0xffffffffU /* load_addr of the address tag */

enum header_tag {
    TAG_END,
    TAG_INFORMATION_REQUEST,
    TAG_ADDRESS,
    TAG_ENTRY_ADDRESS,
    TAG_CONSOLE_FLAGS,
    TAG_FRAMEBUFFER,
    TAG_MODULE_ALIGN,
    TAG_EFI_BS,
    TAG_ENTRY_EFI32,
    TAG_ENTRY_EFI64,
    TAG_RELOCATABLE,
    TAG_NUM,
};

enum info_tag {
    INFO_END = 0,
    INFO_CMDLINE = 1,
    INFO_BOOT_LOADER_NAME = 2,
    INFO_MODULE = 3,
    INFO_BASIC_MEMORY = 4,
    INFO_MEMORY_MAP = 6,
    INFO_ELF_SECTIONS = 9,
    INFO_LOAD_BASE = 21,
    INFO_LAST = INFO_LOAD_BASE, /* the last that the specification has */
};

struct multiboot2_header {
    uint32_t magic, architecture, header_length, checksum;
};

struct header_tag_head {
    uint16_t type, flags;
    uint32_t size;
};

struct info_tag_head {
    uint32_t type, size;
};

struct memory_map_entry {
    uint64_t base_addr, length;
    uint32_t type, reserved;
};

/* What the header's tags say. */
struct wants {
    size_t offset; /* of the header, in the file */
    bool addresses, entry, screen;
    uint32_t address[4]; /* header_addr, load_addr, load_end_addr, bss_end_addr */
    uint32_t entry_addr;
    struct boot_relocation relocation;
};

static bool find_header(const struct load_file *file, struct multiboot2_header *header,
                        size_t *offset)
{
    size_t end = file->head_size < SEARCH_SIZE ? file->head_size : SEARCH_SIZE;

    for (size_t at = 0; at + sizeof(*header) <= end; at += TAG_ALIGN) {
        memcpy(header, file->head + at, sizeof(*header));
        if (header->magic == HEADER_MAGIC &&
            header->magic + header->architecture + header->header_length + header->checksum == 0) {
            *offset = at;
            return true;
        }
    }
    return false;
}

/* Each tag: the body that follows its head. Returns what is wrong, or NULL. */
typedef const char *tag_fn(struct wants *wants, const uint8_t *body, size_t len, bool optional);

static const char *tag_information_request(struct wants *wants, const uint8_t *body, size_t len,
                                           bool optional)
{
    (void)wants;
    for (size_t at = 0; at + 4 <= len && !optional; at += 4) {
        uint32_t type;

        memcpy(&type, body + at, sizeof(type));
        if (type == INFO_END || type > INFO_LAST) {
            return "the header requires information of an unknown type";
        }
    }
    return NULL;
}

static const char *tag_address(struct wants *wants, const uint8_t *body, size_t len, bool optional)
{
    (void)optional;
    if (len < sizeof(wants->address)) {
        return "the address tag is too short";
    }
    memcpy(wants->address, body, sizeof(wants->address));
    wants->addresses = true;
    return NULL;
}

static const char *tag_entry_address(struct wants *wants, const uint8_t *body, size_t len,
                                     bool optional)
{
    (void)optional;
    if (len < sizeof(wants->entry_addr)) {
        return "the entry address tag is too short";
    }
    memcpy(&wants->entry_addr, body, sizeof(wants->entry_addr));
    wants->entry = true;
    return NULL;
}

static const char *tag_console_flags(struct wants *wants, const uint8_t *body, size_t len,
                                     bool optional)
{
    uint32_t flags;

    if (len < sizeof(flags)) {
        return "the console flags tag is too short";
    }
    memcpy(&flags, body, sizeof(flags));
    wants->screen = true;
    return (flags & CONSOLE_REQUIRED) && !optional ? "the header requires a screen" : NULL;
}

/* A preferred mode: the loader may choose another, and has none. */
static const char *tag_framebuffer(struct wants *wants, const uint8_t *body, size_t len,
                                   bool optional)
{
    (void)body, (void)len, (void)optional;
    wants->screen = true;
    return NULL;
}

static const char *tag_nothing_to_do(struct wants *wants, const uint8_t *body, size_t len,
                                     bool optional)
{
    (void)wants, (void)body, (void)len, (void)optional;
    return NULL;
}

static const char *tag_relocatable(struct wants *wants, const uint8_t *body, size_t len,
                                   bool optional)
{
    uint32_t field[4]; /* min_addr, max_addr, align, preference */

    (void)optional;
    if (len < sizeof(field)) {
        return "the relocatable tag is too short";
    }
    memcpy(field, body, sizeof(field));
    if (field[0] > field[1] || field[3] > 2) {
        return "the relocatable tag contradicts itself";
    }
    wants->relocation = (struct boot_relocation){
        .wanted = true,
        .first = field[0],
        .last = field[1],
        .align = field[2] ? field[2] : 1,
        .preference = field[3],
    };
    return NULL;
}

static tag_fn *const header_tags[TAG_NUM] = {
    [TAG_INFORMATION_REQUEST] = tag_information_request,
    [TAG_ADDRESS] = tag_address,
    [TAG_ENTRY_ADDRESS] = tag_entry_address,
    [TAG_CONSOLE_FLAGS] = tag_console_flags,
    [TAG_FRAMEBUFFER] = tag_framebuffer,
    [TAG_MODULE_ALIGN] = tag_nothing_to_do, /* modules are page-aligned anyway */
    [TAG_EFI_BS] = tag_nothing_to_do,
    [TAG_ENTRY_EFI32] = tag_nothing_to_do,
    [TAG_ENTRY_EFI64] = tag_nothing_to_do,
    [TAG_RELOCATABLE] = tag_relocatable,
};

/* `tags` is the header's tags, `len` bytes. Returns what is wrong, or NULL. */
static const char *walk_tags(struct wants *wants, const uint8_t *tags, size_t len)
{
    size_t at = 0;

    while (len - at >= sizeof(struct header_tag_head)) {
        struct header_tag_head head;
        const char *wrong = NULL;
        bool optional;

        memcpy(&head, tags + at, sizeof(head));
        optional = head.flags & TAG_OPTIONAL;
        if (head.size < sizeof(head) || head.size > len - at) {
            return "a header tag's size is out of range";
        }
        if (head.type == TAG_END) {
            return NULL;
        }
        if (head.type < TAG_NUM) {
            wrong = header_tags[head.type](wants, tags + at + sizeof(head),
                                           head.size - sizeof(head), optional);
        } else if (!optional) {
            wrong = "the header requires an unknown feature";
        }
        if (wrong) {
            return wrong;
        }
        at += (head.size + TAG_ALIGN - 1) & ~(size_t)(TAG_ALIGN - 1);
        if (at > len) {
            break;
        }
    }
    return "the header has no end tag";
}

static const char *read_header(const struct load_file *file, const struct multiboot2_header *header,
                               struct wants *wants)
{
    size_t end = file->head_size < SEARCH_SIZE ? file->head_size : SEARCH_SIZE;

    if (header->architecture != HEADER_ARCH_I386) {
        return "the header is for another architecture";
    }
    if (header->header_length < sizeof(*header) || header->header_length > end - wants->offset) {
        return "the header is truncated or leaves the first 32 KiB";
    }
    return walk_tags(wants, file->head + wants->offset + sizeof(*header),
                     header->header_length - sizeof(*header));
}

/* The segments and the entry, from the header's addresses or from ELF. */
static bool probe_image(const struct boot_image *image, struct boot_plan *plan,
                        const struct wants *wants, struct boot_verdict *verdict)
{
    struct boot_addresses at = {
        .header_offset = wants->offset,
        .header = wants->address[0],
        .load = wants->address[1],
        .load_end = wants->address[2],
        .bss_end = wants->address[3],
        .entry = wants->entry_addr,
    };

    if (!wants->addresses) {
        if (!image->is_elf) {
            boot_verdict_set(verdict, BOOT_UNFIT, ENOEXEC,
                             "a header without an address tag in a file that is not ELF");
            return false;
        }
        return boot_plan_elf(image, plan, verdict) &&
               boot_plan_entry(plan, wants->entry ? wants->entry_addr : image->elf.entry, verdict);
    }
    if (!wants->entry) {
        boot_verdict_set(verdict, BOOT_UNFIT, EINVAL,
                         "an address tag without an entry address tag");
        return false;
    }
    if (at.load == LOAD_AT_FILE_START) {
        at.load = at.header - (uint32_t)wants->offset; /* checked against header below */
    }
    return boot_plan_addresses(image, plan, &at, verdict);
}

void boot_multiboot2_probe(const struct boot_image *image, struct boot_plan *plan,
                           struct boot_verdict *verdict)
{
    struct multiboot2_header header;
    struct wants wants = {0};
    const char *wrong;

    /* Magic and checksum make a header; what they do not cover is judged only then. */
    if (!find_header(&image->file, &header, &wants.offset)) {
        boot_verdict_set(verdict, BOOT_ABSENT, ENOEXEC, "no header in the first %u bytes",
                         SEARCH_SIZE);
        return;
    }
    wrong = read_header(&image->file, &header, &wants);
    if (wrong) {
        boot_verdict_set(verdict, BOOT_UNFIT, EINVAL, "%s", wrong);
        return;
    }
    if (!probe_image(image, plan, &wants, verdict)) {
        return;
    }
    plan->relocation = wants.relocation;
    plan->mode = CPU_MODE_PROTECTED32;
    plan->sections = image->is_elf && !wants.addresses;
    boot_verdict_set(verdict, BOOT_FITS, 0, "header at 0x%zx, entry 0x%jx%s", wants.offset,
                     (uintmax_t)plan->entry, wants.screen ? ", no screen" : "");
}

/* A tag is its head and up to two pieces of body. */
static void put_tag(struct boot_info *info, enum info_tag type, const void *a, size_t a_len,
                    const void *b, size_t b_len)
{
    const struct info_tag_head head = {
        .type = type,
        .size = (uint32_t)(sizeof(head) + a_len + b_len),
    };

    (void)boot_info_align(info, TAG_ALIGN);
    (void)boot_info_put(info, &head, sizeof(head));
    (void)boot_info_put(info, a, a_len);
    (void)boot_info_put(info, b, b_len);
}

static void put_cmdline(struct boot_info *info, const struct boot_config *config)
{
    struct info_tag_head head = {.type = INFO_CMDLINE};
    uint64_t gpa;

    (void)boot_info_align(info, TAG_ALIGN);
    gpa = boot_info_put(info, &head, sizeof(head));
    (void)boot_info_words(info, config->path, config->append);
    head.size = (uint32_t)(info->gpa + info->used - gpa);
    boot_info_patch(info, gpa, &head, sizeof(head));
}

static void put_memory(struct boot_info *info, const struct boot_config *config)
{
    const uint32_t map_head[2] = {sizeof(struct memory_map_entry), 0}; /* entry_size, _version */
    const struct info_tag_head head = {
        .type = INFO_MEMORY_MAP,
        .size = (uint32_t)(sizeof(head) + sizeof(map_head) +
                           config->map_num * sizeof(struct memory_map_entry)),
    };
    uint32_t basic[2];

    boot_basic_memory(config, &basic[0], &basic[1]);
    put_tag(info, INFO_BASIC_MEMORY, basic, sizeof(basic), NULL, 0);
    (void)boot_info_align(info, TAG_ALIGN);
    (void)boot_info_put(info, &head, sizeof(head));
    (void)boot_info_put(info, map_head, sizeof(map_head));
    for (size_t i = 0; i < config->map_num; i++) {
        const struct memory_map_entry entry = {
            .base_addr = config->map[i].first,
            .length = range_size(config->map[i].first, config->map[i].last),
            .type = config->map[i].type,
        };

        (void)boot_info_put(info, &entry, sizeof(entry));
    }
}

static void put_image(struct boot_info *info, const struct boot_placement *placement)
{
    const struct boot_sections *sections = &placement->sections;
    const struct boot_plan *plan = &placement->image->plan;

    if (sections->headers) {
        const uint32_t head[3] = {sections->num, sections->entry_size, sections->names};

        put_tag(info, INFO_ELF_SECTIONS, head, sizeof(head), sections->headers,
                (size_t)sections->num * sections->entry_size);
    }
    if (plan->relocation.wanted) {
        uint64_t base = UINT64_MAX;
        uint32_t moved;

        for (size_t i = 0; i < plan->segment_num; i++) {
            base = plan->segments[i].paddr < base ? plan->segments[i].paddr : base;
        }
        moved = (uint32_t)(base + placement->delta);
        put_tag(info, INFO_LOAD_BASE, &moved, sizeof(moved), NULL, 0);
    }
}

void boot_multiboot2_describe(const struct boot_placement *placement, struct boot_info *info,
                              struct boot_entry *entry)
{
    uint32_t total[2] = {0, 0}; /* total_size, reserved */

    (void)boot_info_align(info, TAG_ALIGN);
    entry->rax = LOADER_MAGIC;
    entry->rbx = boot_info_put(info, total, sizeof(total));
    put_cmdline(info, &placement->image->config);
    put_tag(info, INFO_BOOT_LOADER_NAME, BOOT_LOADER_NAME, sizeof(BOOT_LOADER_NAME), NULL, 0);
    for (size_t i = 0; i < placement->module_num; i++) {
        const struct boot_module *module = &placement->modules[i];
        const uint32_t range[2] = {(uint32_t)module->gpa, (uint32_t)(module->gpa + module->size)};

        put_tag(info, INFO_MODULE, range, sizeof(range), module->cmdline,
                strlen(module->cmdline) + 1);
    }
    put_memory(info, &placement->image->config);
    put_image(info, placement);
    put_tag(info, INFO_END, NULL, 0, NULL, 0);
    total[0] = (uint32_t)(info->gpa + info->used - entry->rbx);
    boot_info_patch(info, entry->rbx, total, sizeof(total));
}
