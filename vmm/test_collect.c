/*
 * test_collect.c - files are told apart by their first bytes; a folder is read whole and sorted, so
 * that the order does not depend on the file system.
 */
#include "vmm/test_collect.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/elf_file.h"

enum { LIST_SIZE_MAX = 1 << 20, DEPTH_MAX = 16 };

void test_guests_finish(struct test_guests *guests)
{
    size_t i;

    for (i = 0; i < guests->num; i++) {
        test_guest_finish(&guests->items[i]);
    }
    free(guests->items);
    *guests = (struct test_guests){0};
}

/* A new guest at the end. Returns: NULL with err filled. */
static struct test_guest *add_guest(struct test_guests *guests, const char *name,
                                    const char *folder, struct error *err)
{
    struct test_guest *grown = realloc(guests->items, (guests->num + 1) * sizeof(*grown));

    if (!grown) {
        error_set_errno(err, ENOMEM, "%s", name);
        return NULL;
    }
    guests->items = grown;
    if (test_guest_init(&grown[guests->num], name, folder, err) < 0) {
        return NULL;
    }
    return &grown[guests->num++];
}

/* The folder of a path: "." for a bare name. Returns: the caller's; NULL: out of memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash) {
        return strdup(".");
    }
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Calls take_line() for each line of the text, with its number. Returns: 0; its error. */
static int for_each_line(const char *text, size_t len,
                         int (*take_line)(void *opaque, const char *line, struct error *err),
                         void *opaque, const char *path, struct error *err)
{
    size_t at = 0, number = 0;
    int ret = 0;

    while (at < len && ret == 0) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t size = end ? (size_t)(end - text) - at : len - at;
        char *line = test_text_copy(text + at, size);

        number++;
        if (!line) {
            return error_set_errno(err, ENOMEM, "%s", path);
        }
        if (size > 0 && line[0] != '\0' && line[strlen(line) - 1] == '\r') {
            line[strlen(line) - 1] = '\0';
        }
        ret = strlen(line) + 1 < size ? error_set(err, EINVAL, "a NUL byte")
                                      : take_line(opaque, line, err);
        if (ret < 0) {
            error_prefix(err, "%s:%zu", path, number);
        }
        free(line);
        at += size + 1;
    }
    return ret;
}

static int take_note_line(void *opaque, const char *line, struct error *err)
{
    return test_guest_line(opaque, line, NULL, err);
}

/* Reads the guest's note; that it is no kernel after all is for `acre run` to say. */
static int take_note(struct test_guest *guest, const struct load_file *file, struct error *err)
{
    struct elf_file *elf = malloc(sizeof(*elf));
    char *note;
    int ret;

    if (!elf) {
        return error_set_errno(err, ENOMEM, "%s", file->path);
    }
    if (elf_file_parse(elf, file, NULL) < 0 || elf->test_size == 0) {
        free(elf);
        return 0;
    }
    note = malloc(elf->test_size); /* the parser has bounded it */
    ret = note ? load_file_read(file, elf->test_offset, note, elf->test_size, err)
               : error_set_errno(err, ENOMEM, "%s", file->path);
    if (ret == 0) {
        ret = for_each_line(note, strnlen(note, elf->test_size), take_note_line, guest, file->path,
                            err);
    }
    free(note);
    free(elf);
    return ret;
}

/* @name  what it is called, `.elf` included. */
static int add_elf(struct test_guests *guests, const char *name, const struct load_file *file,
                   struct error *err)
{
    size_t len = strlen(name);
    char *shown = strndup(name, len > 4 && strcmp(name + len - 4, ".elf") == 0 ? len - 4 : len);
    char *folder = folder_of(file->path);
    struct test_guest *guest = NULL;
    int ret = -ENOMEM;

    if (shown && folder) {
        guest = add_guest(guests, shown, folder, err);
    } else {
        error_set_errno(err, ENOMEM, "%s", file->path);
    }
    free(shown);
    free(folder);
    if (guest) {
        guest->kernel = strdup(file->path);
        ret = guest->kernel ? take_note(guest, file, err)
                            : error_set_errno(err, ENOMEM, "%s", file->path);
    }
    return ret;
}

/* A list as it is parsed. */
struct list {
    struct test_guests *guests;
    struct test_guest *guest; /* the section's; NULL: before the first */
    const char *folder, *kernels;
};

static int end_section(const struct list *list, struct error *err)
{
    return list->guest && !list->guest->kernel
               ? error_set(err, EINVAL, "[%s] has no kernel", list->guest->name)
               : 0;
}

static int take_list_line(void *opaque, const char *line, struct error *err)
{
    struct list *list = opaque;
    size_t len = strlen(line);
    char *name;
    int ret;

    if (line[0] == '[') {
        ret = end_section(list, err);
        if (ret < 0) {
            return ret;
        }
        if (len < 3 || line[len - 1] != ']') {
            return error_set(err, EINVAL, "%.40s: wants [name]", line);
        }
        name = strndup(line + 1, len - 2);
        list->guest = name ? add_guest(list->guests, name, list->folder, err) : NULL;
        free(name);
        return list->guest ? 0 : -ENOMEM;
    }
    if (list->guest) {
        return test_guest_line(list->guest, line, list->kernels, err);
    }
    return line[0] == '#' || line[strspn(line, " \t")] == '\0'
               ? 0
               : error_set(err, EINVAL, "neither an ELF file nor a list: no [name] yet");
}

int test_guests_parse_list(struct test_guests *guests, const char *path, const char *kernels,
                           const char *text, size_t len, struct error *err)
{
    char *folder = folder_of(path);
    struct list list = {.guests = guests, .folder = folder, .kernels = kernels ? kernels : folder};
    int ret;

    if (!folder) {
        return error_set_errno(err, ENOMEM, "%s", path);
    }
    ret = for_each_line(text, len, take_list_line, &list, path, err);
    if (ret == 0 && !list.guest) {
        ret = error_set(err, EINVAL, "%s: neither an ELF file nor a list of guests", path);
    }
    if (ret == 0) {
        ret = end_section(&list, err);
        if (ret < 0) {
            error_prefix(err, "%s", path);
        }
    }
    free(folder);
    return ret;
}

static int add_list(struct test_guests *guests, const struct load_file *file, const char *kernels,
                    struct error *err)
{
    char *text;
    int ret;

    if (file->size > LIST_SIZE_MAX) {
        return error_set(err, EINVAL, "%s: neither an ELF file nor a list (more than 1 MiB)",
                         file->path);
    }
    text = malloc(file->size);
    if (!text) {
        return error_set_errno(err, ENOMEM, "%s", file->path);
    }
    ret = load_file_read(file, 0, text, file->size, err);
    if (ret == 0) {
        ret = test_guests_parse_list(guests, file->path, kernels, text, file->size, err);
    }
    free(text);
    return ret;
}

static int add_file(struct test_guests *guests, const char *path, const char *name, int fd,
                    const char *kernels, struct error *err)
{
    struct load_file file;
    int ret = load_file_open(&file, path, fd, LOAD_HEAD_SIZE, err);

    if (ret < 0) {
        return ret;
    }
    ret = file.size >= SELFMAG && memcmp(file.head, ELFMAG, SELFMAG) == 0
              ? add_elf(guests, name, &file, err)
              : add_list(guests, &file, kernels, err);
    load_file_finish(&file);
    return ret;
}

static int is_wanted(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_folder(struct test_guests *guests, const char *path, const char *name, int depth,
                      struct error *err);

/*
 * A file of a folder that is called a guest. What cannot be read, or is none, stays one: it fails
 * alone, and not all the others with it.
 */
static int add_named(struct test_guests *guests, const char *path, const char *name,
                     struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), ret;
    struct load_file file = {.path = path};

    if (fd >= 0 && load_file_open(&file, path, fd, LOAD_HEAD_SIZE, NULL) < 0) {
        file = (struct load_file){.path = path};
    }
    ret = add_elf(guests, name, &file, err);
    load_file_finish(&file);
    if (fd >= 0) {
        (void)close(fd);
    }
    return ret;
}

/* An entry of a folder. @name  its path from the folder that was asked for. */
static int add_entry(struct test_guests *guests, const char *path, const char *name, int depth,
                     struct error *err)
{
    size_t len = strlen(name);
    struct stat st;

    if (lstat(path, &st) < 0) {
        return error_set_errno(err, errno, "%s", path);
    }
    if (S_ISDIR(st.st_mode)) {
        return add_folder(guests, path, name, depth + 1, err);
    }
    return len > 4 && strcmp(name + len - 4, ".elf") == 0 ? add_named(guests, path, name, err) : 0;
}

static int add_folder(struct test_guests *guests, const char *path, const char *name, int depth,
                      struct error *err)
{
    struct dirent **entries;
    int i, ret = 0, num = depth < DEPTH_MAX ? scandir(path, &entries, is_wanted, by_bytes) : -1;

    if (num < 0) {
        return error_set_errno(err, depth < DEPTH_MAX ? errno : ELOOP, "%s", path);
    }
    for (i = 0; i < num; i++) {
        char *entry = test_path_join(path, entries[i]->d_name);
        char *shown = test_path_join(name, entries[i]->d_name);

        if (ret == 0) {
            ret = entry && shown ? add_entry(guests, entry, shown, depth, err)
                                 : error_set_errno(err, ENOMEM, "%s", path);
        }
        free(shown);
        free(entry);
        free(entries[i]);
    }
    free(entries);
    return ret;
}

int test_guests_add(struct test_guests *guests, const char *path, const char *kernels,
                    struct error *err)
{
    const char *slash = strrchr(path, '/');
    struct stat st;
    int ret, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, &st) < 0) {
        ret = error_set_errno(err, errno, "%s", path);
    } else if (S_ISDIR(st.st_mode)) {
        ret = add_folder(guests, path, "", 0, err);
    } else {
        ret = add_file(guests, path, slash ? slash + 1 : path, fd, kernels, err);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return ret;
}

static bool fits(const char *name, const char *const *patterns, size_t num)
{
    size_t i;

    for (i = 0; i < num; i++) {
        bool wild = strpbrk(patterns[i], "*?[") != NULL;

        if (wild ? fnmatch(patterns[i], name, 0) == 0 : strstr(name, patterns[i]) != NULL) {
            return true;
        }
    }
    return false;
}

void test_guests_filter(struct test_guests *guests, const char *const *patterns, size_t num)
{
    size_t i, kept = 0;

    for (i = 0; i < guests->num; i++) {
        if (fits(guests->items[i].name, patterns, num)) {
            guests->items[kept++] = guests->items[i];
        } else {
            test_guest_finish(&guests->items[i]);
        }
    }
    guests->num = kept;
}

void test_guests_shard(struct test_guests *guests, uint64_t index, uint64_t total)
{
    size_t i, kept = 0;

    for (i = 0; i < guests->num; i++) {
        if (i % total == index) {
            guests->items[kept++] = guests->items[i];
        } else {
            test_guest_finish(&guests->items[i]);
        }
    }
    guests->num = kept;
}
