/*
 * boot.c - from each protocol's tables to struct boot_info, then the program. Tables are read in
 * place, at the addresses the loader gave.
 */
#include "guest/lib/boot.h"

#include "guest/lib/console.h"
#include "guest/lib/exit.h"
#include "guest/lib/interrupt.h"
#include "guest/lib/start.h"
#include "guest/lib/string.h"

struct hvm_start_info {
    uint32_t magic, version, flags, module_num;
    uint64_t modules, cmdline, rsdp, map; /* guest-physical */
    uint32_t map_num, reserved;           /* from version 1 on, as `map` */
};
#define HVM_START_MAGIC 0x336ec578

struct hvm_module {
    uint64_t addr, size, cmdline, reserved;
};

struct hvm_map_entry {
    uint64_t addr, size;
    uint32_t type, reserved;
};

struct mb1_info {
    uint32_t flags, mem_lower_kib, mem_upper_kib, boot_device, cmdline;
    uint32_t module_num, modules, symbols[4];
    uint32_t map_size, map, drive_size, drives, config, loader;
};
enum { MB1_CMDLINE = 1 << 2, MB1_MODULES = 1 << 3, MB1_MAP = 1 << 6, MB1_LOADER = 1 << 9 };

struct mb1_module {
    uint32_t start, end, cmdline, reserved; /* end: the byte behind the last */
};

struct mb1_map_entry {
    uint32_t size; /* of the rest */
    uint64_t addr, len;
    uint32_t type;
} __attribute__((packed));

struct mb2_tag {
    uint32_t type, size; /* size without the padding to 8 that follows */
};
enum { MB2_END = 0, MB2_CMDLINE = 1, MB2_LOADER = 2, MB2_MODULE = 3, MB2_MAP = 6 };

struct mb2_module {
    struct mb2_tag tag;
    uint32_t start, end;
    char cmdline[];
};

struct mb2_map {
    struct mb2_tag tag;
    uint32_t entry_size, entry_version;
};

struct mb2_map_entry {
    uint64_t addr, len;
    uint32_t type, reserved;
};

void guest_start(uint32_t kind, uint64_t info);

static void *at(uint64_t addr)
{
    return (void *)(uintptr_t)addr; /* physical is virtual here */
}

static const char *text_at(uint64_t addr)
{
    return addr ? at(addr) : "";
}

static void add_map(struct boot_info *boot, uint64_t addr, uint64_t size, uint32_t type)
{
    if (size == 0) {
        return;
    }
    if (boot->map_num == BOOT_MAP_MAX) {
        boot->truncated = true;
        return;
    }
    boot->map[boot->map_num++] =
        (struct boot_map_entry){.first = addr, .last = addr + (size - 1), .type = type};
}

static void add_module(struct boot_info *boot, uint64_t addr, uint64_t size, const char *cmdline)
{
    if (strcmp(cmdline, "acre,dtb") == 0) {
        boot->dtb = at(addr);
        boot->dtb_size = size;
    } else if (boot->module_num == BOOT_MODULE_MAX) {
        boot->truncated = true;
    } else {
        boot->modules[boot->module_num++] =
            (struct boot_module){.data = at(addr), .size = size, .cmdline = cmdline};
    }
}

static void read_pvh(struct boot_info *boot, const struct hvm_start_info *start)
{
    const struct hvm_module *module = at(start->modules);
    const struct hvm_map_entry *map = at(start->map);

    if (start->magic != HVM_START_MAGIC) {
        console_printf("boot: start info without its magic: 0x%x\n", start->magic);
        guest_exit(GUEST_EXIT_FAULT);
    }
    boot->cmdline = text_at(start->cmdline);
    for (uint32_t i = 0; i < start->module_num; i++) {
        add_module(boot, module[i].addr, module[i].size, text_at(module[i].cmdline));
    }
    for (uint32_t i = 0; start->version >= 1 && i < start->map_num; i++) {
        add_map(boot, map[i].addr, map[i].size, map[i].type);
    }
}

static void read_mb1(struct boot_info *boot, const struct mb1_info *info)
{
    const struct mb1_module *module = at(info->modules);
    uint32_t done = 0;

    if (info->flags & MB1_CMDLINE) {
        boot->cmdline = text_at(info->cmdline);
    }
    if (info->flags & MB1_LOADER) {
        boot->loader = text_at(info->loader);
    }
    for (uint32_t i = 0; (info->flags & MB1_MODULES) && i < info->module_num; i++) {
        add_module(boot, module[i].start, module[i].end - module[i].start,
                   text_at(module[i].cmdline));
    }
    while ((info->flags & MB1_MAP) && done < info->map_size) {
        const struct mb1_map_entry *entry = at((uint64_t)info->map + done);

        add_map(boot, entry->addr, entry->len, entry->type);
        done += entry->size + (uint32_t)sizeof(entry->size);
    }
}

static void read_mb2_map(struct boot_info *boot, const struct mb2_map *map)
{
    uint64_t first = (uint64_t)(uintptr_t)map + sizeof(*map);
    uint64_t end = (uint64_t)(uintptr_t)map + map->tag.size;

    for (uint64_t addr = first; map->entry_size && addr < end; addr += map->entry_size) {
        const struct mb2_map_entry *entry = at(addr);

        add_map(boot, entry->addr, entry->len, entry->type);
    }
}

static void read_mb2(struct boot_info *boot, uint64_t info)
{
    const uint32_t *total = at(info);
    uint64_t end = info + *total;
    const struct mb2_tag *tag;

    for (uint64_t addr = info + 8; addr < end; addr += (tag->size + 7) & ~UINT64_C(7)) {
        const struct mb2_module *module = at(addr);

        tag = at(addr);
        if (tag->type == MB2_END || tag->size < sizeof(*tag)) {
            break;
        }
        if (tag->type == MB2_CMDLINE) {
            boot->cmdline = text_at(addr + sizeof(*tag));
        } else if (tag->type == MB2_LOADER) {
            boot->loader = text_at(addr + sizeof(*tag));
        } else if (tag->type == MB2_MODULE) {
            add_module(boot, module->start, module->end - module->start, module->cmdline);
        } else if (tag->type == MB2_MAP) {
            read_mb2_map(boot, at(addr));
        }
    }
}

/* Called by start.S. */
void guest_start(uint32_t kind, uint64_t info)
{
    /* Static: it is large, the program may keep pointers to it, and there is one program. */
    static struct boot_info boot = {.loader = "", .cmdline = ""};

    interrupts_init();
    console_init();
    if (kind == BOOT_KIND_PVH) {
        boot.protocol = "pvh";
        read_pvh(&boot, at(info));
    } else if (kind == BOOT_KIND_ELF) {
        boot.protocol = "elf";
        read_pvh(&boot, at(info));
    } else if (kind == BOOT_KIND_MB1) {
        boot.protocol = "multiboot1";
        read_mb1(&boot, at(info));
    } else if (kind == BOOT_KIND_MB2) {
        boot.protocol = "multiboot2";
        read_mb2(&boot, info);
    } else {
        console_printf("boot: entered with EAX 0x%x, which no Multiboot gives\n", kind);
        guest_exit(GUEST_EXIT_FAULT);
    }
    guest_exit(main(&boot));
}

/* The word at *cursor's first non-blank; moves the cursor behind it. Returns: its length, 0: end.
 */
static size_t next_word(const char **cursor, const char **word)
{
    const char *s = *cursor;

    while (*s == ' ') {
        s++;
    }
    *word = s;
    while (*s && *s != ' ') {
        s++;
    }
    *cursor = s;
    return (size_t)(s - *word);
}

bool boot_option(const struct boot_info *boot, const char *word)
{
    const char *cursor = boot->cmdline, *found;
    size_t len;

    while ((len = next_word(&cursor, &found)) > 0) {
        if (len == strlen(word) && memcmp(found, word, len) == 0) {
            return true;
        }
    }
    return false;
}

/* Returns: whether all of text[0..len) is a number, put in *value. */
static bool parse_number(const char *text, size_t len, uint64_t *value)
{
    unsigned base = 10;

    if (len > 2 && text[0] == '0' && text[1] == 'x') {
        base = 16;
        text += 2;
        len -= 2;
    }
    *value = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned c = (unsigned char)text[i];
        unsigned digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;

        if (digit >= base) {
            return false;
        }
        *value = *value * base + digit;
    }
    return len > 0;
}

uint64_t boot_option_number(const struct boot_info *boot, const char *name, uint64_t missing)
{
    const char *cursor = boot->cmdline, *found;
    size_t len, name_len = strlen(name);
    uint64_t value;

    while ((len = next_word(&cursor, &found)) > 0) {
        if (len > name_len && memcmp(found, name, name_len) == 0 && found[name_len] == '=' &&
            parse_number(found + name_len + 1, len - name_len - 1, &value)) {
            return value;
        }
    }
    return missing;
}
