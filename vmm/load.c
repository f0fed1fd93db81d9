/*
 * load.c - from a descriptor to a plan: the file is opened and parsed once, then each protocol
 * judges it in the order they are tried. load_place.c carries the plan out.
 */
#include "vmm/load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/boot.h"

/* Indexed by boot_kind; the tried ones come in their order. */
static const struct protocol {
    const char *name;
    boot_probe_fn *probe;
} protocols[] = {
    [BOOT_AUTO] = {"auto", NULL},
    [BOOT_PVH] = {"pvh", boot_pvh_probe},
    [BOOT_MULTIBOOT2] = {"multiboot2", boot_multiboot2_probe},
    [BOOT_MULTIBOOT1] = {"multiboot1", boot_multiboot1_probe},
    [BOOT_ELF] = {"elf", boot_elf_probe},
    [BOOT_FLAT16] = {"flat16", boot_flat_probe},
    [BOOT_FLAT32] = {"flat32", boot_flat_probe},
    [BOOT_FLAT64] = {"flat64", boot_flat_probe},
};
#define KIND_NUM (sizeof(protocols) / sizeof(protocols[0]))
#define BOOT_FIRST BOOT_PVH
#define BOOT_LAST BOOT_ELF

const char *boot_kind_name(enum boot_kind kind)
{
    return protocols[kind].name;
}

int boot_kind_parse(const char *name, enum boot_kind *kind)
{
    for (size_t i = 0; i < KIND_NUM; i++) {
        if (strcmp(name, protocols[i].name) == 0) {
            *kind = (enum boot_kind)i;
            return 0;
        }
    }
    return -EINVAL;
}

/* One line in a caller's buffer, cut where that ends. */
struct line {
    char *text; /* may be NULL */
    size_t size, len;
};

static void line_add(struct line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void line_add(struct line *line, const char *format, ...)
{
    va_list ap;
    int n;

    if (!line->text || line->len >= line->size) {
        return;
    }
    va_start(ap, format);
    n = vsnprintf(line->text + line->len, line->size - line->len, format, ap);
    va_end(ap);
    line->len += n < 0 ? 0 : (size_t)n;
}

static bool is_flat(enum boot_kind kind)
{
    return kind >= BOOT_FLAT16;
}

static void judge(const struct boot_image *image, enum boot_kind kind, struct boot_plan *plan,
                  struct boot_verdict *verdict)
{
    memset(plan, 0, sizeof(*plan));
    memset(verdict, 0, sizeof(*verdict));
    protocols[kind].probe(image, plan, verdict);
}

static int choose_forced(struct boot_image *image, struct line *why, struct error *err)
{
    const enum boot_kind kind = image->config.kind;
    struct boot_verdict verdict;

    judge(image, kind, &image->plan, &verdict);
    if (verdict.fit != BOOT_FITS) {
        return error_set(err, verdict.err_no, "%s: not bootable as %s: %s", image->file.path,
                         boot_kind_name(kind), verdict.text);
    }
    image->kind = kind;
    line_add(why, "%s: %s as asked (%s)", image->file.path, boot_kind_name(kind), verdict.text);
    return 0;
}

/* What else it may be, for who is about to ask. */
static const char *hint(const struct load_file *file)
{
    if (file->head_size >= 0x206 && memcmp(file->head + 0x202, "HdrS", 4) == 0) {
        return "a Linux bzImage: extract its vmlinux";
    }
    if (file->head_size >= 2 && file->head[0] == 0x1f && file->head[1] == 0x8b) {
        return "gzip: uncompress it first";
    }
    if (file->head_size >= 4 && memcmp(file->head, "!<ar", 4) == 0) {
        return "an archive";
    }
    return "a flat binary? then say --flat 16, 32 or 64";
}

/*
 * The first that fits. A header that is there and cannot be honoured ends the search before plain
 * ELF: such a kernel does not expect that entry state.
 */
static int choose_auto(struct boot_image *image, struct line *why, struct error *err)
{
    struct boot_verdict verdict[BOOT_LAST + 1] = {0};
    enum boot_kind unfit = BOOT_AUTO;
    struct boot_plan plan;

    image->kind = BOOT_AUTO;
    for (enum boot_kind kind = BOOT_FIRST; kind <= BOOT_LAST; kind++) {
        if (image->kind != BOOT_AUTO && !why->text) {
            break; /* nobody wants to know about the rest */
        }
        judge(image, kind, &plan, &verdict[kind]);
        if (verdict[kind].fit == BOOT_UNFIT && unfit == BOOT_AUTO) {
            unfit = kind;
        }
        if (verdict[kind].fit == BOOT_FITS && image->kind == BOOT_AUTO &&
            (kind != BOOT_ELF || unfit == BOOT_AUTO)) {
            image->kind = kind;
            image->plan = plan;
        }
    }
    if (image->kind == BOOT_AUTO && unfit != BOOT_AUTO) {
        return error_set(err, verdict[unfit].err_no, "%s: %s: %s", image->file.path,
                         boot_kind_name(unfit), verdict[unfit].text);
    }
    if (image->kind == BOOT_AUTO) {
        return error_set(err, ENOEXEC, "%s: not an ELF file and no Multiboot header (%s)",
                         image->file.path, hint(&image->file));
    }
    line_add(why, "%s: %s (%s)", image->file.path, boot_kind_name(image->kind),
             verdict[image->kind].text);
    for (enum boot_kind kind = BOOT_FIRST; kind <= BOOT_LAST; kind++) {
        if (kind != image->kind) {
            line_add(why, "; %s: %s%s", boot_kind_name(kind),
                     verdict[kind].fit == BOOT_FITS ? "fits, too: " : "", verdict[kind].text);
        }
    }
    return 0;
}

static int parse_elf(struct boot_image *image, struct error *err)
{
    static const uint8_t magic[] = {0x7f, 'E', 'L', 'F'};
    int r;

    /* A flat binary may begin like anything, an ELF file included. */
    if (is_flat(image->config.kind) || image->file.head_size < sizeof(magic) ||
        memcmp(image->file.head, magic, sizeof(magic)) != 0) {
        return 0;
    }
    image->is_elf = true;
    r = elf_file_parse(&image->elf, &image->file, err);
    if (r == 0 && image->elf.acre_flags != 0) {
        r = error_set(err, EINVAL, "%s: acre's note asks for unknown features 0x%x",
                      image->file.path, image->elf.acre_flags);
    }
    return r;
}

static int open_modules(struct boot_image *image, struct error *err)
{
    const struct boot_config *config = &image->config;
    int r = 0;

    if (config->module_num == 0) {
        return 0;
    }
    image->modules = calloc(config->module_num, sizeof(*image->modules));
    if (!image->modules) {
        return error_set_errno(err, ENOMEM, "%s", config->path);
    }
    for (size_t i = 0; i < config->module_num && r == 0; i++) {
        r = load_file_open(&image->modules[i], config->modules[i].path, config->modules[i].fd, 0,
                           err);
    }
    return r;
}

int load_open(const struct boot_config *config, struct boot_image **image, char *why,
              size_t why_size, struct error *err)
{
    struct line line = {.text = why_size ? why : NULL, .size = why_size};
    struct boot_image *new = calloc(1, sizeof(*new));
    int r;

    if (!new) {
        return error_set_errno(err, ENOMEM, "%s", config->path);
    }
    /* From here on one exit: load_close takes an image at any stage. */
    new->config = *config;
    r = load_file_open(&new->file, config->path, config->fd, LOAD_HEAD_SIZE, err);
    if (r == 0) {
        r = parse_elf(new, err);
    }
    if (r == 0) {
        r = config->kind == BOOT_AUTO ? choose_auto(new, &line, err)
                                      : choose_forced(new, &line, err);
    }
    if (r == 0 && new->plan.sections) {
        r = boot_sections_open(new, err);
    }
    if (r == 0) {
        r = open_modules(new, err);
    }
    if (r < 0) {
        load_close(new);
        return r;
    }
    *image = new;
    return 0;
}

bool load_is_elf32(const struct boot_image *image)
{
    return image->is_elf && !image->elf.is64;
}

enum boot_kind load_kind(const struct boot_image *image)
{
    return image->kind;
}

void load_close(struct boot_image *image)
{
    if (!image) {
        return;
    }
    load_file_finish(&image->file);
    free(image->section_headers);
    free(image->modules);
    free(image);
}
