/*
 * How an access becomes callbacks: refused, cut, widened, swapped, guarded.
 */
#include "tests/unit/memory_device.h"

#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define ATTRS MEMTXATTRS_UNSPECIFIED

static MemTxResult read_at(struct fixture *f, hwaddr addr, void *buf, uint64_t len)
{
    return address_space_read(&f->as, addr, ATTRS, buf, len);
}

static MemTxResult write_at(struct fixture *f, hwaddr addr, const void *buf, uint64_t len)
{
    return address_space_write(&f->as, addr, ATTRS, buf, len);
}

START_TEST(m34_q13_unassigned_memory_has_the_configured_value_and_drops_writes)
{
    static const struct memory_unassigned values[] = {
        MEMORY_UNASSIGNED_MEMORY, {0, MEMTX_DECODE_ERROR}, {0x5a, MEMTX_ERROR}};
    struct fixture *f = fixture_new();
    uint64_t value = 0x1234567812345678, want;
    AddressSpace as = {0};

    OK(address_space_init(&as, &f->core, f->root, "as", values[_i]));
    memset(&want, values[_i].fill, sizeof(want));
    ck_assert_uint_eq(address_space_read(&as, 0x123, ATTRS, &value, 8), values[_i].result);
    ck_assert_uint_eq(value, want);
    ck_assert_uint_eq(address_space_write(&as, 0x123, ATTRS, &value, 8), values[_i].result);
    put(f->root, 0, reservation_new(f, "reserved", PAGE));
    value = 1;
    ck_assert_uint_eq(address_space_read(&as, 0x800, ATTRS, &value, 8), values[_i].result);
    ck_assert_uint_eq(value, want);
    ck_assert_uint_eq(address_space_write(&as, 0x800, ATTRS, &value, 8), values[_i].result);
    address_space_finish(&as);
    fixture_free(f);
}
END_TEST

START_TEST(m35_unassigned_ports_read_ones_and_take_writes)
{
    struct fixture *f = fixture_new();
    uint32_t value = 0;
    AddressSpace io = {0};

    OK(address_space_init(&io, &f->core, f->root, "io", MEMORY_UNASSIGNED_IO));
    ck_assert_uint_eq(address_space_read(&io, 0x60, ATTRS, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(value, UINT32_MAX);
    ck_assert_uint_eq(address_space_write(&io, 0x60, ATTRS, &value, 2), MEMTX_OK);
    address_space_finish(&io);
    fixture_free(f);
}
END_TEST

START_TEST(m36_accepts_is_asked_first_then_alignment_then_size)
{
    struct fixture *f = fixture_new();
    struct device device;
    uint32_t value = 0x99;

    device_init_with_attrs(&device, DEVICE_LITTLE_ENDIAN);
    device.ops.valid.min_access_size = 4;
    device.ops.valid.max_access_size = 4;
    device.ops.impl.unaligned = true; /* or the access is cut to aligned pieces */
    device_place(&device, f, 0, DEVICE_BYTES);

    device.refuse = true;
    ck_assert_uint_eq(read_at(f, 1, &value, 4), MEMTX_DECODE_ERROR); /* unaligned, too */
    ck_assert_uint_eq(value, 0);
    expect_trace(&device.trace, "?r4@1\n");
    device.refuse = false;
    value = 0x99;
    ck_assert_uint_eq(read_at(f, 1, &value, 4), MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(value, 0);
    ck_assert_uint_eq(write_at(f, 1, &value, 4), MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(read_at(f, 2, &value, 2), MEMTX_DECODE_ERROR); /* too small */
    ck_assert_uint_eq(write_at(f, 4, &value, 1), MEMTX_DECODE_ERROR);
    ck_assert_uint_eq(device.calls, 0);
    trace_finish(&device.trace);
    ck_assert_uint_eq(read_at(f, 4, &value, 4), MEMTX_OK);
    expect_trace(&device.trace, "?r4@4\nr4@4\n");
    ck_assert_uint_eq(value, 0x08070605);
    fixture_free(f);
}
END_TEST

START_TEST(m36_valid_unaligned_lets_unaligned_accesses_through)
{
    struct fixture *f = fixture_new();
    struct device device;
    uint32_t value = 0;

    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device.ops.valid.unaligned = device.ops.impl.unaligned = true;
    device_place(&device, f, 0, DEVICE_BYTES);
    ck_assert_uint_eq(read_at(f, 1, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(value, 0x05040302);
    expect_trace(&device.trace, "r4@1\n");
    fixture_free(f);
}
END_TEST

START_TEST(m36_valid_max_zero_takes_any_size)
{
    struct fixture *f = fixture_new();
    struct device device;
    uint64_t value = 0;

    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device_place(&device, f, 0, DEVICE_BYTES);
    ck_assert_uint_eq(read_at(f, 0, &value, 1), MEMTX_OK);
    ck_assert_uint_eq(read_at(f, 2, &value, 2), MEMTX_OK);
    ck_assert_uint_eq(read_at(f, 4, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(read_at(f, 8, &value, 8), MEMTX_OK);
    expect_trace(&device.trace, "r1@0\nr2@2\nr4@4\nr4@8\nr4@c\n");
    ck_assert_uint_eq(value, UINT64_C(0x100f0e0d0c0b0a09));
    fixture_free(f);
}
END_TEST

START_TEST(m37_wide_accesses_become_ascending_narrow_ones)
{
    struct fixture *f = fixture_new();
    struct device device;
    uint32_t value = 0;

    device_init(&device, _i ? DEVICE_BIG_ENDIAN : DEVICE_LITTLE_ENDIAN);
    device.ops.impl.min_access_size = device.ops.impl.max_access_size = 1;
    device_place(&device, f, 0x100, DEVICE_BYTES);
    ck_assert_uint_eq(read_at(f, 0x104, &value, 4), MEMTX_OK);
    expect_trace(&device.trace, "r1@4\nr1@5\nr1@6\nr1@7\n");
    ck_assert_uint_eq(value, 0x08070605);
    value = 0x44332211;
    ck_assert_uint_eq(write_at(f, 0x108, &value, 4), MEMTX_OK);
    expect_trace(&device.trace, "w1@8=11\nw1@9=22\nw1@a=33\nw1@b=44\n");
    ck_assert_uint_eq(device.illegal, 0);
    fixture_free(f);
}
END_TEST

static const unsigned sizes[] = {1, 2, 4, 8};

/* All offsets and lengths on one shape of device. */
static void try_accesses(struct fixture *f, struct device *device)
{
    for (hwaddr offset = 0; offset < 20; offset++) {
        for (unsigned len = 1; len <= 16; len++) {
            uint8_t buf[16], want[DEVICE_BYTES];

            ck_assert_uint_eq(read_at(f, offset, buf, len), MEMTX_OK);
            ck_assert_mem_eq(buf, device->regs + offset, len);
            memcpy(want, device->regs, sizeof(want));
            for (unsigned i = 0; i < len; i++) {
                buf[i] = want[offset + i] = (uint8_t)(0x80 + 3 * i + len);
            }
            ck_assert_uint_eq(write_at(f, offset, buf, len), MEMTX_OK);
            ck_assert_mem_eq(device->regs, want, sizeof(want));
            ck_assert_uint_eq(device->illegal, 0);
        }
    }
}

START_TEST(m37_m38_m39_m42_every_shape_of_device_gives_the_bytes_it_has)
{
    unsigned min = sizes[_i % 4], max = sizes[_i / 4 % 4];

    if (max < min) {
        return; /* not a device */
    }
    for (unsigned shape = 0; shape < 5 * 2 * 3; shape++) {
        struct fixture *f = fixture_new();
        struct device device;
        static const unsigned valid_max[] = {0, 1, 2, 4, 8};

        device_init(&device, shape % 2 ? DEVICE_BIG_ENDIAN : DEVICE_LITTLE_ENDIAN);
        device.silent = true;
        device.ops.impl.min_access_size = min;
        device.ops.impl.max_access_size = max;
        device.ops.impl.narrow_write = MEMORY_NARROW_WRITE_RMW;
        device.ops.impl.unaligned = shape / 2 % 3 == 2;
        device.ops.valid.unaligned = shape / 2 % 3 > 0;
        device.ops.valid.max_access_size = valid_max[shape / 6];
        device_place(&device, f, 0, DEVICE_BYTES);
        try_accesses(f, &device);
        fixture_free(f);
    }
}
END_TEST

START_TEST(m38_q12_no_callback_beyond_the_end_of_the_region)
{
    struct fixture *f = fixture_new();
    struct device device;
    uint32_t value = 0;

    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device_place(&device, f, 0x70, 1); /* as an index port is */
    put(f->root, 0x71, io_new(f, "next", 1));
    ck_assert_uint_eq(read_at(f, 0x70, &value, 4), MEMTX_DECODE_ERROR);
    expect_trace(&device.trace, "r1@0\n");
    ck_assert_uint_eq(value, 0xffff0001);
    value = 0x55;
    ck_assert_uint_eq(write_at(f, 0x70, &value, 2), MEMTX_OK);
    expect_trace(&device.trace, "w1@0=55\n");
    fixture_free(f);
}
END_TEST

START_TEST(m38_an_access_that_begins_in_a_register_goes_to_it_whole)
{
    struct fixture *f = fixture_new();
    struct device device;
    uint32_t value = 0x80000000;

    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device_place(&device, f, 0xcf8, 4);
    put_prio(f->root, 0xcf9, io_new(f, "reset", 1), 1); /* as the PCI host bridge has it */
    ck_assert_uint_eq(write_at(f, 0xcf8, &value, 4), MEMTX_OK);
    expect_trace(&device.trace, "w4@0=80000000\n");
    ck_assert_uint_eq(write_at(f, 0xcf9, &value, 1), MEMTX_OK);
    expect_trace(&device.trace, "");
    fixture_free(f);
}
END_TEST

START_TEST(m38_a_unit_that_does_not_fit_the_region_is_refused)
{
    struct fixture *f = fixture_new();
    struct device device;
    uint16_t value = 0x99;

    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device.ops.impl.min_access_size = device.ops.impl.max_access_size = 4;
    device.ops.impl.narrow_write = MEMORY_NARROW_WRITE_RMW;
    device_place(&device, f, 0, 2);
    ck_assert_uint_ne(read_at(f, 0, &value, 2), MEMTX_OK);
    ck_assert_uint_ne(write_at(f, 0, &value, 2), MEMTX_OK);
    ck_assert_uint_eq(device.calls, 0);
    fixture_free(f);
}
END_TEST

START_TEST(m39_q11_narrow_reads_take_the_aligned_unit)
{
    struct fixture *f = fixture_new();
    struct device device;
    uint16_t value = 0;

    device_init(&device, _i ? DEVICE_BIG_ENDIAN : DEVICE_LITTLE_ENDIAN);
    device.ops.impl.min_access_size = device.ops.impl.max_access_size = 4;
    device_place(&device, f, 0, DEVICE_BYTES);
    ck_assert_uint_eq(read_at(f, 6, &value, 2), MEMTX_OK);
    ck_assert_uint_eq(value, 0x0807);
    expect_trace(&device.trace, "r4@4\n");
    fixture_free(f);
}
END_TEST

START_TEST(m39_q11_narrow_writes_do_as_declared)
{
    static const struct {
        enum memory_narrow_write how;
        MemTxResult result;
        const char *trace;
        uint8_t regs[4];
    } rows[] = {
        {MEMORY_NARROW_WRITE_REJECT, MEMTX_DECODE_ERROR, "", {5, 6, 7, 8}},
        {MEMORY_NARROW_WRITE_RMW, MEMTX_OK, "r4@4\nw4@4=8aa0605\n", {5, 6, 0xaa, 8}},
        {MEMORY_NARROW_WRITE_ZERO_EXTEND, MEMTX_OK, "w4@4=aa0000\n", {0, 0, 0xaa, 0}},
    };
    struct fixture *f = fixture_new();
    struct device device;
    uint8_t value = 0xaa;

    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device.ops.impl.min_access_size = device.ops.impl.max_access_size = 4;
    device.ops.impl.narrow_write = rows[_i].how;
    device_place(&device, f, 0, DEVICE_BYTES);
    ck_assert_uint_eq(write_at(f, 6, &value, 1), rows[_i].result);
    expect_trace(&device.trace, rows[_i].trace);
    ck_assert_mem_eq(device.regs + 4, rows[_i].regs, 4);
    fixture_free(f);
}
END_TEST

START_TEST(m41_an_aligned_8_byte_access_is_one_callback_where_declared)
{
    struct fixture *f = fixture_new();
    struct device device;
    uint64_t value = 0;

    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device.ops.valid.max_access_size = device.ops.impl.max_access_size = 8;
    device_place(&device, f, 0, DEVICE_BYTES);
    ck_assert_uint_eq(read_at(f, 8, &value, 8), MEMTX_OK);
    expect_trace(&device.trace, "r8@8\n");
    ck_assert_uint_eq(write_at(f, 0x10, &value, 8), MEMTX_OK);
    expect_trace(&device.trace, "w8@10=100f0e0d0c0b0a09\n");
    fixture_free(f);
}
END_TEST

START_TEST(m42_bytes_are_swapped_once_when_orders_differ)
{
    struct fixture *f = fixture_new();
    struct device device;

    device_init(&device, _i ? DEVICE_BIG_ENDIAN : DEVICE_LITTLE_ENDIAN);
    device_place(&device, f, 0, DEVICE_BYTES);
    ck_assert_uint_eq(address_space_ldl_le(&f->as, 0, ATTRS, NULL), 0x04030201);
    ck_assert_uint_eq(address_space_ldl_be(&f->as, 0, ATTRS, NULL), 0x01020304);
    trace_finish(&device.trace);
    address_space_stl_le(&f->as, 0, 0x11223344, ATTRS, NULL);
    expect_trace(&device.trace, _i ? "w4@0=44332211\n" : "w4@0=11223344\n");
    address_space_stl_be(&f->as, 0, 0x11223344, ATTRS, NULL);
    expect_trace(&device.trace, _i ? "w4@0=11223344\n" : "w4@0=44332211\n");
    address_space_stw_be(&f->as, 0, 0x1122, ATTRS, NULL);
    expect_trace(&device.trace, _i ? "w2@0=1122\n" : "w2@0=2211\n");
    fixture_free(f);
}
END_TEST

START_TEST(m43_attributes_and_results_pass_through)
{
    struct fixture *f = fixture_new();
    struct device device;
    MemTxAttrs attrs = {.requester_id = 0x1234, .secure = true, .user = true};
    uint32_t value = 0;

    device_init_with_attrs(&device, DEVICE_LITTLE_ENDIAN);
    device_place(&device, f, 0, DEVICE_BYTES);
    ck_assert_uint_eq(address_space_read(&f->as, 0, attrs, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(device.attrs.requester_id, 0x1234);
    ck_assert(device.attrs.secure && device.attrs.user && !device.attrs.unspecified);
    device.result = MEMTX_ERROR | MEMTX_ACCESS_ERROR;
    ck_assert_uint_eq(address_space_write(&f->as, 0, ATTRS, &value, 4),
                      MEMTX_ERROR | MEMTX_ACCESS_ERROR);
    ck_assert(device.attrs.unspecified && !device.attrs.secure);
    ck_assert_uint_eq(read_at(f, 0, &value, 4), MEMTX_ERROR | MEMTX_ACCESS_ERROR);
    trace_finish(&device.trace);
    fixture_free(f);
}
END_TEST

START_TEST(m44_memory_only_accesses_are_refused_by_anything_else)
{
    struct fixture *f = fixture_new();
    struct device device;
    MemTxAttrs attrs = {.memory = true};
    uint8_t buf[16] = {0};

    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device_place(&device, f, PAGE, DEVICE_BYTES);
    put(f->root, 0, ram_new(f, "ram", PAGE));
    ck_assert_uint_eq(address_space_write(&f->as, 0, attrs, buf, 16), MEMTX_OK);
    ck_assert_uint_eq(address_space_write(&f->as, PAGE, attrs, buf, 4), MEMTX_ACCESS_ERROR);
    ck_assert_uint_eq(address_space_read(&f->as, PAGE - 8, attrs, buf, 16), MEMTX_ACCESS_ERROR);
    ck_assert_uint_eq(device.calls, 0);
    fixture_free(f);
}
END_TEST

START_TEST(m46_rom_device_reads_memory_and_calls_back_as_its_mode_says)
{
    struct fixture *f = fixture_new();
    struct device device;
    uint32_t value = 0xa0a0a0a0;

    device_init(&device, DEVICE_LITTLE_ENDIAN);
    MemoryRegion *flash = device.mr = romd_new(f, &device.ops, &device, "flash", PAGE);
    put(f->root, 0, flash);
    ck_assert_uint_eq(address_space_write_rom(&f->as, 0, ATTRS, &value, 4), MEMTX_OK);
    value = 0;
    ck_assert_uint_eq(read_at(f, 0, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(value, 0xa0a0a0a0);
    expect_trace(&device.trace, "");
    value = 0x90;
    ck_assert_uint_eq(write_at(f, 0, &value, 1), MEMTX_OK);
    expect_trace(&device.trace, "w1@0=90\n");

    OK(memory_region_rom_device_set_romd(flash, false));
    ck_assert_uint_eq(read_at(f, 4, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(value, 0x08070605);
    ck_assert_uint_eq(write_at(f, 8, &value, 4), MEMTX_OK);
    expect_trace(&device.trace, "r4@4\nw4@8=8070605\n");

    OK(memory_region_rom_device_set_romd(flash, true));
    ck_assert_uint_eq(read_at(f, 0, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(value, 0xa0a0a0a0);
    expect_trace(&device.trace, "");
    fixture_free(f);
}
END_TEST

/*
 * A page that counts the instructions which touch it: each faults, runs alone under the trap flag,
 * and closes the page again. Signal handlers have no argument of ours, hence the statics.
 */
static uint8_t *guarded;
static volatile sig_atomic_t touches;

static void on_fault(int signal_num, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    uint8_t *at = info->si_addr;

    (void)signal_num;
    if (at < guarded || at >= guarded + PAGE) {
        _exit(99);
    }
    touches++;
    mprotect(guarded, PAGE, PROT_READ | PROT_WRITE);
    uc->uc_mcontext.gregs[REG_EFL] |= 0x100;
}

static void on_step(int signal_num, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    (void)signal_num;
    (void)info;
    mprotect(guarded, PAGE, PROT_NONE);
    uc->uc_mcontext.gregs[REG_EFL] &= ~0x100;
}

START_TEST(m47_ram_device_takes_one_load_or_store_of_the_access_size)
{
    struct fixture *f = fixture_new();
    struct ram_block_config config = {.backing = RAM_PTR, .size = PAGE};
    struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO},
                     step = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    MemoryRegion *mr = region_alloc();
    RAMBlock *block;
    uint64_t value = 0;

    guarded = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(guarded, MAP_FAILED);
    memcpy(guarded, "abcdefghijklmnop", 16);
    config.ptr = guarded;
    OK(ram_block_new(&f->core, "bar", &config, &block));
    OK(memory_region_init_ram_device(mr, NULL, "bar", block));
    put(f->root, 0, adopt(f, mr));
    mprotect(guarded, PAGE, PROT_NONE);
    sigaction(SIGSEGV, &fault, NULL);
    sigaction(SIGTRAP, &step, NULL);
    for (unsigned i = 0; i < 4; i++) {
        touches = 0;
        value = 0;
        ck_assert_uint_eq(read_at(f, 8, &value, sizes[i]), MEMTX_OK);
        ck_assert_int_eq(touches, 1);
        ck_assert_mem_eq(&value, "ijklmnop", sizes[i]);
        touches = 0;
        ck_assert_uint_eq(write_at(f, 16, &value, sizes[i]), MEMTX_OK);
        ck_assert_int_eq(touches, 1);
    }
    mprotect(guarded, PAGE, PROT_READ);
    ck_assert_mem_eq(guarded + 16, "ijklmnop", 8);
    fixture_free(f);
}
END_TEST

START_TEST(a_write_that_matches_an_eventfd_signals_it_instead_of_the_device)
{
    struct fixture *f = fixture_new();
    struct device device;
    int match = eventfd(0, EFD_NONBLOCK), any = eventfd(0, EFD_NONBLOCK);
    uint32_t value = 5;
    uint64_t count = 0;

    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device_place(&device, f, 0x1000, DEVICE_BYTES);
    OK(memory_region_add_eventfd(device.mr, 4, 4, true, 5, match));
    OK(memory_region_add_eventfd(device.mr, 8, 0, false, 0, any));
    ck_assert_uint_eq(write_at(f, 0x1004, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(write_at(f, 0x1008, &value, 2), MEMTX_OK);
    ck_assert_uint_eq(write_at(f, 0x1008, &value, 4), MEMTX_OK);
    expect_trace(&device.trace, "");
    ck_assert_int_eq(read(match, &count, 8), 8);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(read(any, &count, 8), 8);
    ck_assert_uint_eq(count, 2);
    value = 6; /* other data, other size, a read: none of them matches */
    ck_assert_uint_eq(write_at(f, 0x1004, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(write_at(f, 0x1004, &value, 2), MEMTX_OK);
    ck_assert_uint_eq(read_at(f, 0x1008, &value, 4), MEMTX_OK);
    expect_trace(&device.trace, "w4@4=6\nw2@4=6\nr4@8\n");
    ck_assert_int_eq(read(match, &count, 8), -1);
    close(match);
    close(any);
    fixture_free(f);
}
END_TEST

START_TEST(held_back_writes_are_delivered_before_who_must_see_them)
{
    struct fixture *f = fixture_new();
    struct device device;
    uint32_t value = 0;

    device_init(&device, DEVICE_LITTLE_ENDIAN);
    device_place(&device, f, 0, DEVICE_BYTES);
    MemoryRegion *ring = io_new(f, "ring", PAGE);
    put(f->root, PAGE, ring);
    OK(memory_region_set_coalescing(ring));
    read_at(f, 0, &value, 4);
    ck_assert_uint_eq(f->flushes, 0);
    memory_region_set_flush_coalesced(device.mr, true);
    read_at(f, 0, &value, 4);
    write_at(f, 0, &value, 4);
    ck_assert_uint_eq(f->flushes, 2);
    trace_finish(&device.trace);
    fixture_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dispatch");
    TCase *none = tcase_create("unassigned"), *check = tcase_create("checks"),
          *split = tcase_create("split"), *kinds = tcase_create("kinds");

    tcase_add_loop_test(none, m34_q13_unassigned_memory_has_the_configured_value_and_drops_writes,
                        0, 3);
    tcase_add_test(none, m35_unassigned_ports_read_ones_and_take_writes);
    suite_add_tcase(suite, none);

    tcase_add_test(check, m36_accepts_is_asked_first_then_alignment_then_size);
    tcase_add_test(check, m36_valid_unaligned_lets_unaligned_accesses_through);
    tcase_add_test(check, m36_valid_max_zero_takes_any_size);
    tcase_add_test(check, m43_attributes_and_results_pass_through);
    tcase_add_test(check, m44_memory_only_accesses_are_refused_by_anything_else);
    suite_add_tcase(suite, check);

    tcase_set_timeout(split, 60);
    tcase_add_loop_test(split, m37_wide_accesses_become_ascending_narrow_ones, 0, 2);
    tcase_add_loop_test(split, m37_m38_m39_m42_every_shape_of_device_gives_the_bytes_it_has, 0, 16);
    tcase_add_test(split, m38_q12_no_callback_beyond_the_end_of_the_region);
    tcase_add_test(split, m38_an_access_that_begins_in_a_register_goes_to_it_whole);
    tcase_add_test(split, m38_a_unit_that_does_not_fit_the_region_is_refused);
    tcase_add_loop_test(split, m39_q11_narrow_reads_take_the_aligned_unit, 0, 2);
    tcase_add_loop_test(split, m39_q11_narrow_writes_do_as_declared, 0, 3);
    tcase_add_test(split, m41_an_aligned_8_byte_access_is_one_callback_where_declared);
    tcase_add_loop_test(split, m42_bytes_are_swapped_once_when_orders_differ, 0, 2);
    suite_add_tcase(suite, split);

    tcase_add_test(kinds, m46_rom_device_reads_memory_and_calls_back_as_its_mode_says);
    tcase_add_test(kinds, m47_ram_device_takes_one_load_or_store_of_the_access_size);
    tcase_add_test(kinds, a_write_that_matches_an_eventfd_signals_it_instead_of_the_device);
    tcase_add_test(kinds, held_back_writes_are_delivered_before_who_must_see_them);
    suite_add_tcase(suite, kinds);
    return run_suite(suite);
}
