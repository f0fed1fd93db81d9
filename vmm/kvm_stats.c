/*
 * kvm_stats.c - the descriptor holds a header, descriptions and data. Descriptions are read once,
 * data with one read at a time.
 */
#include "vmm/kvm_stats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What KVM has today is 60 descriptions with names of 48 bytes; more than this is a mistake. */
enum { ITEM_MAX = 1024, NAME_MAX_SIZE = 256 };

static int read_at(int fd, void *data, size_t size, uint64_t offset)
{
    ssize_t n = pread(fd, data, size, (off_t)offset);

    if (n < 0) {
        return -errno;
    }
    return (size_t)n == size ? 0 : -EPROTO;
}

/* Takes a description of one value. */
static void take_item(struct kvm_stats *stats, const struct kvm_stats_desc *desc, const char *name,
                      uint32_t data_offset)
{
    uint32_t type = desc->flags & KVM_STATS_TYPE_MASK;

    if (desc->size != 1 || (type != KVM_STATS_TYPE_CUMULATIVE && type != KVM_STATS_TYPE_INSTANT &&
                            type != KVM_STATS_TYPE_PEAK)) {
        return;
    }
    stats->items[stats->num].offset = data_offset + desc->offset;
    (void)snprintf(stats->items[stats->num].name, sizeof(stats->items[0].name), "%.47s", name);
    stats->num++;
}

static int read_items(struct kvm_stats *stats)
{
    struct kvm_stats_header header;
    struct kvm_stats_desc desc;
    char name[NAME_MAX_SIZE];
    uint32_t i;
    int ret = read_at(stats->fd, &header, sizeof(header), 0);

    if (ret < 0 || header.num_desc > ITEM_MAX || header.name_size > sizeof(name) ||
        header.name_size == 0) {
        return ret < 0 ? ret : -EPROTO;
    }
    stats->items = calloc(header.num_desc + 1, sizeof(*stats->items));
    if (!stats->items) {
        return -ENOMEM;
    }
    for (i = 0; i < header.num_desc && ret == 0; i++) {
        uint64_t at = header.desc_offset + (uint64_t)i * (sizeof(desc) + header.name_size);

        ret = read_at(stats->fd, &desc, sizeof(desc), at);
        if (ret == 0) {
            ret = read_at(stats->fd, name, header.name_size, at + sizeof(desc));
        }
        if (ret == 0) {
            name[header.name_size - 1] = '\0';
            take_item(stats, &desc, name, header.data_offset);
        }
    }
    return ret;
}

int kvm_stats_open(struct kvm_stats *stats, struct kvm *kvm, int fd)
{
    int ret;

    *stats = (struct kvm_stats){.fd = kvm_get_stats_fd(kvm, fd)};
    ret = stats->fd < 0 ? stats->fd : read_items(stats);
    if (ret < 0) {
        kvm_stats_finish(stats);
    }
    return ret;
}

void kvm_stats_finish(struct kvm_stats *stats)
{
    if (stats->fd >= 0) {
        (void)close(stats->fd);
    }
    free(stats->items);
    *stats = (struct kvm_stats){.fd = -1};
}

json_t *kvm_stats_json(const struct kvm_stats *stats)
{
    json_t *object = json_object();
    uint64_t value;
    size_t i;

    for (i = 0; i < stats->num && object; i++) {
        if (read_at(stats->fd, &value, sizeof(value), stats->items[i].offset) == 0 && value != 0 &&
            json_object_set_new(object, stats->items[i].name, json_integer((json_int_t)value)) <
                0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}
