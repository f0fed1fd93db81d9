/*
 * board_source.c - dtc writes to memfds, which need no reader while it runs; its first line of
 * complaint, which names file and line, becomes the error.
 */
#include "vmm/board_source.h"

#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/board_tree.h"

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len > end_len && strcmp(text + len - end_len, end) == 0;
}

bool board_source_is_text(const char *path)
{
    return ends_with(path, ".dts") || ends_with(path, ".dtso");
}

static int read_all(int fd, uint8_t *data, size_t size)
{
    size_t done = 0;
    ssize_t n;

    while (done < size) {
        n = pread(fd, data + done, size - done, (off_t)done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -errno : -EIO;
        }
        done += (size_t)n;
    }
    return 0;
}

static int read_blob(int fd, const char *path, void **blob, size_t *size, struct error *err)
{
    struct stat st;
    int ret;

    if (fstat(fd, &st) < 0) {
        return error_set_errno(err, errno, "%s", path);
    }
    if (st.st_size == 0 || st.st_size > TREE_SIZE_MAX) {
        return error_set(err, EINVAL, "%s: %lld bytes; a device tree has 1 to %d", path,
                         (long long)st.st_size, TREE_SIZE_MAX);
    }
    *size = (size_t)st.st_size;
    *blob = malloc(*size);
    if (!*blob) {
        return error_set_errno(err, ENOMEM, "%s", path);
    }
    ret = read_all(fd, *blob, *size);
    if (ret < 0) {
        free(*blob);
        return error_set_errno(err, -ret, "%s", path);
    }
    return 0;
}

/* Runs dtc. Returns: its wait status; -errno when it cannot be run. */
static int run_dtc(const char *path, int out_fd, int text_fd)
{
    /* -q: no warnings. -@: labels are kept, so that overlays can name them. */
    char words[][8] = {"dtc", "-q", "-@", "-Idts", "-Odtb", "-o-", "--"};
    char *copy = strdup(path);
    char *const argv[] = {words[0], words[1], words[2], words[3], words[4],
                          words[5], words[6], copy,     NULL};
    posix_spawn_file_actions_t actions;
    int status = -1, ret = copy ? posix_spawn_file_actions_init(&actions) : ENOMEM;
    pid_t pid;

    if (ret != 0) {
        goto out;
    }
    ret = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    if (ret == 0) {
        ret = posix_spawn_file_actions_adddup2(&actions, text_fd, STDERR_FILENO);
    }
    if (ret == 0) {
        ret = posix_spawnp(&pid, words[0], &actions, NULL, argv, environ);
    }
    while (ret == 0 && waitpid(pid, &status, 0) < 0) {
        ret = errno == EINTR ? 0 : errno;
    }
    (void)posix_spawn_file_actions_destroy(&actions);
out:
    free(copy);
    return ret != 0 ? -ret : status;
}

/* What dtc had to say, its first line, without the word "Error" before the file's name. */
static int complain(const char *path, int text_fd, struct error *err)
{
    char text[256];
    ssize_t len = pread(text_fd, text, sizeof(text) - 1, 0);
    const char *line = text;

    text[len > 0 ? len : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (!strncmp(line, "Error: ", 7)) {
        line += 7;
    }
    return strstr(line, path) ? error_set(err, EINVAL, "%s", line)
                              : error_set(err, EINVAL, "%s: dtc: %s", path,
                                          *line != '\0' ? line : "failed and did not say why");
}

static int compile(const char *path, void **blob, size_t *size, struct error *err)
{
    int out_fd = memfd_create("dtb", MFD_CLOEXEC), text_fd = memfd_create("dtc", MFD_CLOEXEC);
    int ret = out_fd < 0 || text_fd < 0 ? -errno : run_dtc(path, out_fd, text_fd);

    if (ret == -ENOENT) {
        ret = error_set(err, ENOENT,
                        "%s: a source, and dtc is not installed (package device-tree-compiler)",
                        path);
    } else if (ret < 0) {
        ret = error_set_errno(err, -ret, "%s: dtc", path);
    } else if (ret != 0) {
        ret = complain(path, text_fd, err);
    } else {
        ret = read_blob(out_fd, path, blob, size, err);
    }
    if (out_fd >= 0) {
        (void)close(out_fd);
    }
    if (text_fd >= 0) {
        (void)close(text_fd);
    }
    return ret;
}

/* Names are printed, in messages of one line and in listings. */
static bool is_name(const char *name)
{
    const char *at = name;

    while (*at > ' ' && *at <= '~' && *at != '/') {
        at++;
    }
    return at != name && *at == '\0';
}

static bool has_names(const void *blob, int node)
{
    const char *name;
    int property;

    fdt_for_each_property_offset(property, blob, node)
    {
        if (!fdt_getprop_by_offset(blob, property, &name, NULL) || !is_name(name)) {
            return false;
        }
    }
    name = fdt_get_name(blob, node, NULL);
    return node == 0 || (name && is_name(name));
}

/* libfdt walks overlays by recursion: what is nested without end would be a stack without end. */
static int check(const void *blob, size_t size, const char *path, struct error *err)
{
    int node, depth = 0, ret = fdt_check_full(blob, size);

    if (ret < 0) {
        return error_set(err, EINVAL, "%s: not a device tree: %s", path, fdt_strerror(ret));
    }
    for (node = 0; node >= 0 && depth >= 0; node = fdt_next_node(blob, node, &depth)) {
        if (depth > TREE_NODE_DEPTH_MAX) {
            return error_set(err, EINVAL, "%s: nodes are nested more than %d deep", path,
                             TREE_NODE_DEPTH_MAX);
        }
        if (!has_names(blob, node)) {
            return error_set(err, EINVAL,
                             "%s: node at %d: its name, or a property's, is not printable", path,
                             node);
        }
    }
    return 0;
}

int board_source_read(const char *path, void **blob, size_t *size, struct error *err)
{
    int ret, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0) {
        return error_set_errno(err, errno, "%s", path);
    }
    if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) { /* dtc would wait for what a pipe gives */
        ret = error_set(err, EINVAL, "%s: not a regular file", path);
    } else {
        ret = board_source_is_text(path) ? compile(path, blob, size, err)
                                         : read_blob(fd, path, blob, size, err);
    }
    (void)close(fd);
    if (ret < 0) {
        return ret;
    }
    ret = check(*blob, *size, path, err);
    if (ret < 0) {
        free(*blob);
    }
    return ret;
}
