/*
 * fuzz_addr.c - any bytes as what follows the monitor's `addr`, and as a guest's registers and page
 * tables. What is read of the text must come out of its own words again; a walk ends after at most
 * five reads, each of which is told of.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/addr_chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void parse(const uint8_t *data, size_t size)
{
    char text[256], again[96];
    struct addr_request request, same;
    struct error err = {.text = ""};

    size = size < sizeof(text) ? size : sizeof(text) - 1;
    memcpy(text, data, size);
    text[size] = '\0';
    if (addr_parse(text, 0, &request, &err) < 0) {
        require(err.text[0] != '\0');
        return;
    }
    (void)snprintf(again, sizeof(again), "%s:0x%" PRIx64 " --cpu %u",
                   addr_space_name(request.space), request.addr, request.cpu);
    require(addr_parse(again, 0, &same, &err) == 0);
    require(same.space == request.space && same.addr == request.addr && same.cpu == request.cpu);
}

struct tables {
    const uint8_t *data;
    size_t size;
    unsigned reads;
};

static int read_entry(void *opaque, uint64_t gpa, void *buf, unsigned len)
{
    struct tables *tables = opaque;

    tables->reads++;
    require((len == 4 || len == 8) && gpa % len == 0);
    if (tables->size < len || gpa > tables->size - len) {
        return -EFAULT;
    }
    memcpy(buf, tables->data + gpa, len);
    return 0;
}

static void walk(const uint8_t *data, size_t size)
{
    struct tables tables = {.data = data, .size = size};
    struct x86_paging paging;
    struct x86_walk walk;
    uint64_t linear;
    char flags[48];
    unsigned i;

    if (size < sizeof(paging) + sizeof(linear)) {
        return;
    }
    memcpy(&paging, data, sizeof(paging));
    memcpy(&linear, data + sizeof(paging), sizeof(linear));
    x86_walk(&paging, linear, read_entry, &tables, &walk);
    require(walk.level_num == tables.reads && walk.level_num <= X86_WALK_LEVEL_MAX);
    require(x86_walk_result_name(walk.result) && x86_paging_mode_name(walk.mode));
    for (i = 0; i < walk.level_num; i++) {
        x86_walk_flags(&walk.levels[i], flags, sizeof(flags));
        require(memchr(flags, '\0', sizeof(flags)) != NULL);
    }
    if (walk.result == X86_WALK_OK && walk.page_size > 0) {
        require(walk.gpa % walk.page_size == linear % walk.page_size);
        require(walk.levels[walk.level_num - 1].leaf);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse(data, size);
    walk(data, size);
    return 0;
}
