/*
 * Regions live on the heap and their destructor frees them, so that a reference lost or dropped
 * twice shows as a leak or a use after free under AddressSanitizer.
 */
#include "tests/unit/memory_fixture.h"
#include "memory/rcu.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void count_park(void *opaque)
{
    ((struct fixture *)opaque)->parks++;
}

static void count_unpark(void *opaque)
{
    ((struct fixture *)opaque)->unparks++;
}

static void count_flush(void *opaque)
{
    ((struct fixture *)opaque)->flushes++;
}

static void signal_fd(void *opaque, int fd)
{
    uint64_t one = 1;

    (void)opaque;
    ck_assert_int_eq(write(fd, &one, sizeof(one)), sizeof(one));
}

static void keep_log(void *opaque, const char *line)
{
    struct fixture *f = opaque;

    pthread_mutex_lock(&f->log_lock);
    f->logs++;
    (void)snprintf(f->last_log, sizeof(f->last_log), "%s", line);
    pthread_mutex_unlock(&f->log_lock);
}

struct fixture *fixture_new(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct memory_core_config config = {
        .park = count_park,
        .unpark = count_unpark,
        .flush_coalesced = count_flush,
        .log = keep_log,
        .signal_eventfd = signal_fd,
        .opaque = f,
    };

    ck_assert_ptr_nonnull(f);
    pthread_mutex_init(&f->log_lock, NULL);
    memory_thread_register();
    OK(memory_core_init(&f->core, &config));
    f->root = container_new(f, "root", UINT64_MAX);
    OK(address_space_init(&f->as, &f->core, f->root, "memory", MEMORY_UNASSIGNED_MEMORY));
    return f;
}

void fixture_free(struct fixture *f)
{
    address_space_finish(&f->as);
    for (size_t i = 0; i < f->num; i++) {
        memory_region_unref(f->regions[i]);
    }
    memory_core_finish(&f->core);
    memory_thread_unregister();
    pthread_mutex_destroy(&f->log_lock);
    free(f->regions);
    free(f);
}

static void free_region(MemoryRegion *mr)
{
    free(mr);
}

MemoryRegion *region_alloc(void)
{
    MemoryRegion *mr = calloc(1, sizeof(*mr));

    ck_assert_ptr_nonnull(mr);
    return mr;
}

MemoryRegion *adopt(struct fixture *f, MemoryRegion *mr)
{
    memory_region_set_destructor(mr, free_region, NULL);
    if (f->num == f->allocated) {
        f->allocated = f->allocated ? 2 * f->allocated : 16;
        f->regions = realloc(f->regions, f->allocated * sizeof(*f->regions));
        ck_assert_ptr_nonnull(f->regions);
    }
    f->regions[f->num++] = mr;
    return mr;
}

void disown(struct fixture *f, MemoryRegion *mr)
{
    for (size_t i = f->num; i-- > 0;) {
        if (f->regions[i] == mr) {
            f->regions[i] = f->regions[--f->num];
            memory_region_unref(mr);
            return;
        }
    }
    ck_abort_msg("not a region of the fixture");
}

MemoryRegion *container_new(struct fixture *f, const char *name, uint64_t size)
{
    MemoryRegion *mr = region_alloc();

    OK(memory_region_init(mr, &f->core, NULL, name, size));
    return adopt(f, mr);
}

static uint64_t read_zero(void *opaque, hwaddr addr, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)size;
    return 0;
}

static void write_nothing(void *opaque, hwaddr addr, uint64_t data, unsigned size)
{
    (void)opaque;
    (void)addr;
    (void)data;
    (void)size;
}

static const MemoryRegionOps quiet_ops = {.read = read_zero, .write = write_nothing};

MemoryRegion *device_new(struct fixture *f, MemoryOwner *owner, const MemoryRegionOps *ops,
                         void *opaque, const char *name, uint64_t size)
{
    MemoryRegion *mr = region_alloc();

    OK(memory_region_init_io(mr, &f->core, owner, ops, opaque, name, size));
    return adopt(f, mr);
}

MemoryRegion *io_new(struct fixture *f, const char *name, uint64_t size)
{
    return device_new(f, NULL, &quiet_ops, NULL, name, size);
}

MemoryRegion *reservation_new(struct fixture *f, const char *name, uint64_t size)
{
    MemoryRegion *mr = region_alloc();

    OK(memory_region_init_reservation(mr, &f->core, NULL, name, size));
    return adopt(f, mr);
}

RAMBlock *block_new(struct fixture *f, const char *name, uint64_t size)
{
    struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = size};
    RAMBlock *block = NULL;

    OK(ram_block_new(&f->core, name, &config, &block));
    return block;
}

MemoryRegion *ram_new(struct fixture *f, const char *name, uint64_t size)
{
    MemoryRegion *mr = region_alloc();

    OK(memory_region_init_ram(mr, NULL, name, block_new(f, name, size)));
    return adopt(f, mr);
}

MemoryRegion *rom_new(struct fixture *f, const char *name, uint64_t size)
{
    MemoryRegion *mr = region_alloc();

    OK(memory_region_init_rom(mr, NULL, name, block_new(f, name, size)));
    return adopt(f, mr);
}

MemoryRegion *romd_new(struct fixture *f, const MemoryRegionOps *ops, void *opaque,
                       const char *name, uint64_t size)
{
    MemoryRegion *mr = region_alloc();

    OK(memory_region_init_rom_device(mr, NULL, ops ? ops : &quiet_ops, opaque, name,
                                     block_new(f, name, size)));
    return adopt(f, mr);
}

MemoryRegion *alias_new(struct fixture *f, const char *name, MemoryRegion *target, hwaddr offset,
                        uint64_t size)
{
    MemoryRegion *mr = region_alloc();

    OK(memory_region_init_alias(mr, NULL, name, target, offset, size));
    return adopt(f, mr);
}

void put(MemoryRegion *container, hwaddr offset, MemoryRegion *child)
{
    OK(memory_region_add_subregion(container, offset, child));
}

void put_prio(MemoryRegion *container, hwaddr offset, MemoryRegion *child, int32_t priority)
{
    OK(memory_region_add_subregion_overlap(container, offset, child, priority));
}

void take_out(MemoryRegion *container, MemoryRegion *child)
{
    OK(memory_region_del_subregion(container, child));
}

static bool print_range(const FlatRange *range, void *opaque)
{
    FILE *out = opaque;

    (void)fprintf(out, "%" PRIx64 "-%" PRIx64 " %s", range->first, range->last,
                  memory_region_name(range->mr));
    if (range->offset_in_region) {
        (void)fprintf(out, "@%" PRIx64, range->offset_in_region);
    }
    (void)fprintf(out, "%s%s%s%s", range->readonly ? " ro" : "", range->nonvolatile ? " nv" : "",
                  range->unmergeable ? " um" : "", range->romd_mode ? " romd" : "");
    if (range->dirty_log_mask) {
        (void)fprintf(out, " log%u", range->dirty_log_mask);
    }
    (void)fputc('\n', out);
    return false;
}

char *flatview_text(const FlatView *view)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(out);
    flatview_for_each_range(view, print_range, out);
    (void)fclose(out);
    return text;
}

char *view_text(AddressSpace *as)
{
    FlatView *view = address_space_get_flatview(as);
    char *text = flatview_text(view);

    flatview_unref(view);
    return text;
}

void expect_view(AddressSpace *as, const char *text)
{
    char *got = view_text(as);
    AddressSpace fresh;

    ck_assert_str_eq(got, text);
    free(got);
    /* Drawn from scratch it is the same; but not where a transaction is open. */
    if (address_space_init(&fresh, as->core, as->root, "fresh", as->unassigned) == 0) {
        got = view_text(&fresh);
        ck_assert_str_eq(got, text);
        free(got);
        address_space_finish(&fresh);
    }
}

void drain_rcu(void)
{
    /* A destructor may let go of another region, whose own waits for one more round. */
    for (unsigned i = 0; i < 4; i++) {
        rcu_drain();
    }
}

void trace_add(struct trace *trace, const char *format, ...)
{
    char line[256];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    ck_assert_int_lt(len, (int)sizeof(line));
    trace->text = realloc(trace->text, trace->len + (size_t)len + 1);
    ck_assert_ptr_nonnull(trace->text);
    memcpy(trace->text + trace->len, line, (size_t)len + 1);
    trace->len += (size_t)len;
}

void expect_trace(struct trace *trace, const char *text)
{
    ck_assert_str_eq(trace->text ? trace->text : "", text);
    trace_finish(trace);
}

void trace_finish(struct trace *trace)
{
    free(trace->text);
    *trace = (struct trace){0};
}
