/*
 * test_watch.c - what watches lay over memory, which slots KVM is left with, what traps and what is
 * told; KVM is the model of kvm_mock.h, there are no CPUs.
 */
#include "vmm/watch_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvm_fixture.h"
#include "run_suite.h"
#include "vmm/watch_user.h"

static struct watch_set set;
static char told[1024];

static void on_hit(void *opaque, const struct watch_hit *hit)
{
    size_t used = strlen(told);

    (void)snprintf(told + used, sizeof(told) - used, "%s%c%u@%" PRIx64 "=%" PRIx64 "<%" PRIx64 " ",
                   (const char *)opaque, hit->write ? 'w' : 'r', hit->size, hit->gpa, hit->value,
                   hit->old_value);
}

static void keep_hit(void *opaque, const struct watch_hit *hit)
{
    *(struct watch_hit *)opaque = *hit;
}

static void on_failed(void *opaque, int err_no)
{
    (void)opaque;
    ck_abort_msg("overlays failed: %s", strerror(err_no));
}

static void watch_setup(void)
{
    setup();
    set = (struct watch_set){
        .core = &core, .memory = &as, .failed = on_failed, .readonly_slots = true};
    ck_assert_int_eq(watch_set_init(&set), 0);
    told[0] = '\0';
}

static void watch_teardown(void)
{
    watch_set_finish(&set);
    teardown();
}

static struct watch *add(const char *name, hwaddr gpa, uint64_t len, unsigned access)
{
    struct watch_config config = {.gpa = gpa, .len = len, .access = access, .hit = on_hit};
    struct watch *watch;
    struct error err;

    memcpy(&config.opaque, &name, sizeof(name));
    ck_assert_int_eq(watch_set_add(&set, &config, &watch, &err), 0);
    return watch;
}

static void write_at(hwaddr gpa, uint64_t value, unsigned size)
{
    ck_assert_uint_eq(address_space_write(&as, gpa, MEMTXATTRS_UNSPECIFIED, &value, size),
                      MEMTX_OK);
}

static uint64_t read_at(hwaddr gpa, unsigned size)
{
    uint64_t value = 0;

    (void)address_space_read(&as, gpa, MEMTXATTRS_UNSPECIFIED, &value, size);
    return value;
}

static void expect(const char *text)
{
    ck_assert_str_eq(told, text);
    told[0] = '\0';
}

/* The slot at an address: 'w' writable, 'r' read-only, '-' none. */
static char slot_at(hwaddr gpa)
{
    const struct kvm_slot *slot = kvm_slots_lookup(&slots, gpa);
    char why[256];

    ck_assert_msg(kvm_slots_audit(&slots, as.current_map, why, sizeof(why)), "%s", why);
    return !slot ? '-' : slot->flags & KVM_MEM_READONLY ? 'r' : 'w';
}

static const struct {
    hwaddr gpa;
    uint64_t len;
    unsigned access;
    char slots[5]; /* pages 1 to 4 */
} layouts[] = {
    {0x2010, 8, WATCH_WRITE, "wrww"},      {0x2010, 8, WATCH_READ, "w-ww"},
    {0x2ffc, 8, WATCH_WRITE, "wrrw"},      {0x2ffc, 8, WATCH_READ | WATCH_WRITE, "w--w"},
    {0x1000, 0x4000, WATCH_WRITE, "rrrr"}, {0x1fff, 1, WATCH_READ, "-www"},
};

START_TEST(a_watch_takes_from_its_pages_what_it_must_and_gives_it_back)
{
    struct watch *watch = add("", layouts[_i].gpa, layouts[_i].len, layouts[_i].access);

    for (unsigned page = 1; page <= 4; page++) {
        ck_assert_int_eq(slot_at(page * WATCH_PAGE), layouts[_i].slots[page - 1]);
    }
    watch_set_del(&set, watch);
    for (unsigned page = 0; page <= 5; page++) {
        ck_assert_int_eq(slot_at(page * WATCH_PAGE), 'w');
    }
}
END_TEST

START_TEST(hits_have_old_and_new_values_and_neighbours_are_none)
{
    struct watch *watch = add("a", 0x2010, 4, WATCH_WRITE);

    write_at(0x2010, 0x11223344, 4);
    write_at(0x2012, 0x5566, 2);
    expect("aw4@2010=11223344<0 aw2@2012=5566<1122 ");
    write_at(0x200c, 0x7777777788888888, 8);
    expect("aw8@200c=7777777788888888<5566334400000000 ");
    write_at(0x2014, 1, 4);
    write_at(0x200f, 2, 1);
    (void)read_at(0x2010, 4);
    expect("");
    ck_assert_uint_eq(watch_hits(watch), 3);
    ck_assert_uint_eq(read_at(0x2010, 8), 0x177777777);
    watch_set_del(&set, watch);
    ck_assert_uint_eq(read_at(0x200c, 8), 0x7777777702888888);
    write_at(0x2010, 3, 1);
    expect("");
}
END_TEST

START_TEST(watches_of_the_same_bytes_are_each_told_what_they_asked_for)
{
    struct watch *r = add("r", 0x3000, 8, WATCH_READ);
    struct watch *w = add("w", 0x3004, 1, WATCH_WRITE);

    write_at(0x3000, 5, 8);
    expect("ww8@3000=5<0 ");
    ck_assert_uint_eq(read_at(0x3000, 8), 5);
    expect("rr8@3000=5<0 ");
    watch_set_del(&set, r);
    ck_assert_int_eq(slot_at(0x3000), 'r');
    ck_assert_uint_eq(read_at(0x3000, 8), 5);
    write_at(0x3004, 6, 1);
    expect("ww1@3004=6<0 ");
    watch_set_del(&set, w);
}
END_TEST

START_TEST(watches_beside_each_other_are_each_told_of_their_own_bytes)
{
    (void)add("a", 0x3001, 1, WATCH_WRITE);
    (void)add("b", 0x3002, 1, WATCH_READ | WATCH_WRITE);
    write_at(0x3002, 5, 1);
    expect("bw1@3002=5<0 ");
    write_at(0x3001, 6, 1);
    expect("aw1@3001=6<0 ");
    (void)read_at(0x3001, 1);
    (void)read_at(0x3003, 1);
    expect("");
}
END_TEST

START_TEST(a_debuggers_accesses_are_no_hits)
{
    const MemTxAttrs debug = {.debug = true}, both = {.debug = true, .memory = true};
    uint32_t value = 9;

    (void)add("a", 0x2000, 8, WATCH_READ | WATCH_WRITE);
    ck_assert_uint_eq(address_space_write(&as, 0x2000, debug, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(address_space_read(&as, 0x2000, both, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(address_space_read(&as, 0x2000, debug, &value, 4), MEMTX_OK);
    ck_assert_uint_eq(value, 9);
    expect("");
}
END_TEST

START_TEST(a_watched_device_is_accessed_once_and_told)
{
    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, 0x4000, &window, 1), 0);
    (void)add("a", 0x4000, 4, WATCH_READ | WATCH_WRITE);
    write_at(0x4000, 7, 4);
    (void)read_at(0x4000, 4);
    expect("aw4@4000=7<0 ar4@4000=0<0 ");
    ck_assert_int_eq(memory_region_del_subregion(&root, &window), 0);
}
END_TEST

START_TEST(a_watch_over_nothing_at_all_is_told_of_accesses_there)
{
    uint64_t value;

    (void)add("a", RAM_SIZE + 0x10, 8, WATCH_READ);
    ck_assert_uint_eq(address_space_read(&as, RAM_SIZE + 0x10, MEMTXATTRS_UNSPECIFIED, &value, 8),
                      MEMTX_DECODE_ERROR);
    expect("ar8@100010=ffffffffffffffff<0 ");
}
END_TEST

START_TEST(writes_that_are_watched_make_pages_dirty)
{
    (void)add("a", 0x2000, 8, WATCH_WRITE);
    ck_assert_int_eq(ram_block_track_dirty(ram.ram_block, DIRTY_MEMORY_VGA), 0);
    (void)ram_block_test_and_clear_dirty(ram.ram_block, 0, RAM_SIZE, DIRTY_MEMORY_VGA);
    write_at(0x2000, 1, 8);
    ck_assert(ram_block_test_dirty(ram.ram_block, 0x2000, 1, DIRTY_MEMORY_VGA));
    ck_assert(!ram_block_test_dirty(ram.ram_block, 0x3000, 1, DIRTY_MEMORY_VGA));
}
END_TEST

static void end_loop(void *opaque)
{
    loop_quit(opaque);
}

START_TEST(watches_are_added_while_hits_wait_to_be_told)
{
    static max_align_t monitor[4096]; /* one that nobody is connected to */
    static struct machine machine;
    const struct watch_place hit = {.gpa = 0x2010, .len = 8, .access = WATCH_WRITE};
    const struct watch_place other = {.gpa = 0x3000, .len = 8, .access = WATCH_WRITE};
    struct loop_work end = {.run = end_loop, .opaque = &machine.loop};
    struct error err;
    unsigned id;

    machine = (struct machine){.watches = &set, .monitor = (struct monitor *)(void *)monitor};
    ck_assert_int_eq(loop_init(&machine.loop, &err), 0);
    ck_assert_int_eq(watch_user_add(&machine, &hit, &id, &err), 0);
    loop_post(&machine.loop, &end);
    write_at(0x2010, 1, 8);
    ck_assert_int_eq(watch_user_add(&machine, &other, &id, &err), 0);
    write_at(0x2010, 2, 8);
    ck_assert_int_eq(loop_run(&machine.loop), 0); /* it once went round in what was posted */
    watch_user_finish(&machine);
    loop_finish(&machine.loop);
}
END_TEST

START_TEST(without_memory_nothing_is_watched_and_nothing_changed)
{
    struct watch_config config = {.gpa = 0x2000, .len = 8, .access = WATCH_WRITE, .hit = on_hit};
    struct watch *watch = NULL;
    struct error err;
    unsigned failures = 0;

    for (core.fail_alloc = 1; watch_set_add(&set, &config, &watch, &err) < 0;) {
        ck_assert_ptr_null(watch);
        ck_assert_int_eq(slot_at(0x2000), 'w');
        ck_assert_uint_eq(set.watches.num, 0);
        core.fail_alloc = ++failures + 1;
    }
    core.fail_alloc = 0;
    ck_assert_uint_gt(failures, 3);
    ck_assert_int_eq(slot_at(0x2000), 'r');
}
END_TEST

START_TEST(a_write_that_nothing_takes_is_told_as_ignored)
{
    struct watch_config config = {.gpa = 0x4000, .len = 8, .access = WATCH_WRITE};
    struct watch_hit last = {.size = 0};
    struct watch *watch;
    struct error err;
    uint32_t value = 7;

    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, 0x4000, &rom, 1), 0);
    config.hit = keep_hit;
    config.opaque = &last;
    ck_assert_int_eq(watch_set_add(&set, &config, &watch, &err), 0);
    ck_assert_uint_eq(address_space_write(&as, 0x4000, MEMTXATTRS_UNSPECIFIED, &value, 4),
                      MEMTX_DECODE_ERROR);
    ck_assert(last.ignored && last.write && last.value == 7 && last.has_old && last.old_value == 0);
    ck_assert_uint_eq(read_at(0x4000, 4), 0);
    watch_set_del(&set, watch);
    ck_assert_int_eq(memory_region_del_subregion(&root, &rom), 0);
}
END_TEST

START_TEST(pages_that_are_spared_have_no_overlay_until_they_are_watched_anew)
{
    struct watch *watch, *again;

    set.spared = calloc(2, sizeof(*set.spared));
    ck_assert_ptr_nonnull(set.spared);
    set.spared[0] = 2;
    set.spared[1] = 4;
    set.spared_num = 2;
    watch = add("a", 0x3800, 0x10, WATCH_WRITE);
    (void)add("b", 0x1800, 0x3000, WATCH_READ); /* takes 2 and 4 back */
    ck_assert_uint_eq(set.spared_num, 0);
    set.spared[0] = 2;
    set.spared[1] = 4;
    set.spared_num = 2;
    ck_assert_int_eq(watch_lay(&set), 0);
    ck_assert_int_eq(slot_at(0x1000), '-');
    ck_assert_int_eq(slot_at(0x2000), 'w');
    ck_assert_int_eq(slot_at(0x3000), '-');
    ck_assert_int_eq(slot_at(0x4000), 'w');
    ck_assert(watch_has_spared(&set, 0x2fff, 0x3000) && watch_has_spared(&set, 0, 0x2000));
    ck_assert(!watch_has_spared(&set, 0x3000, 0x3fff) &&
              !watch_has_spared(&set, 0x5000, UINT64_MAX));
    write_at(0x2000, 1, 8);
    expect("");
    again = add("c", 0x2ff8, 8, WATCH_WRITE);
    ck_assert_int_eq(slot_at(0x2000), '-');
    ck_assert_int_eq(slot_at(0x4000), 'w');
    write_at(0x2ff8, 1, 8);
    expect("cw8@2ff8=1<0 ");
    watch_set_del(&set, again);
    watch_set_del(&set, watch);
}
END_TEST

static const struct {
    hwaddr gpa;
    uint64_t len;
    unsigned access;
} bad[] = {{0, 0, WATCH_READ}, {UINT64_MAX, 2, WATCH_READ}, {0, 8, 0}, {0, 8, 4}};

START_TEST(what_is_no_watch_is_refused)
{
    struct watch_config config = {
        .gpa = bad[_i].gpa, .len = bad[_i].len, .access = bad[_i].access, .hit = on_hit};
    struct watch *watch;
    struct error err;

    ck_assert_int_eq(watch_set_add(&set, &config, &watch, &err), -EINVAL);
}
END_TEST

static const struct {
    const char *text;
    int result;
    struct watch_place place;
} texts[] = {
    {"0x1000", 0, {0x1000, 8, WATCH_READ | WATCH_WRITE}},
    {"4096:4", 0, {0x1000, 4, WATCH_READ | WATCH_WRITE}},
    {"0x1000:w", 0, {0x1000, 8, WATCH_WRITE}},
    {"0x1000:0x10:r", 0, {0x1000, 16, WATCH_READ}},
    {"0:1:rw", 0, {0, 1, WATCH_READ | WATCH_WRITE}},
    {"0xffffffffffffffff:1", 0, {UINT64_MAX, 1, WATCH_READ | WATCH_WRITE}},
    {"0xffffffffffffffff", -EINVAL, {0}},
    {"0x1000:0", -EINVAL, {0}},
    {"0x1000:4:wr", -EINVAL, {0}},
    {"0x1000:", -EINVAL, {0}},
    {"0x1000:4:", -EINVAL, {0}},
    {"0x1000x", -EINVAL, {0}},
    {"", -EINVAL, {0}},
};

START_TEST(a_place_is_an_address_a_length_and_letters)
{
    struct watch_place place;
    struct error err;

    ck_assert_int_eq(watch_parse(texts[_i].text, &place, &err), texts[_i].result);
    if (texts[_i].result == 0) {
        ck_assert_uint_eq(place.gpa, texts[_i].place.gpa);
        ck_assert_uint_eq(place.len, texts[_i].place.len);
        ck_assert_uint_eq(place.access, texts[_i].place.access);
    }
}
END_TEST

static const struct {
    struct watch_hit hit;
    const char *text;
} lines[] = {
    {{.gpa = 0x10, .size = 1, .value = 5, .cpu = 2, .has_rip = true, .rip = 0x20},
     "cpu 2 read 1 byte at 0x10: 0x5, at 0x20"},
    {{.gpa = 0x10,
      .size = 4,
      .write = true,
      .has_old = true,
      .old_value = 1,
      .value = 2,
      .has_rip = true,
      .rip_next = true,
      .rip = 0x20},
     "cpu 0 wrote 4 bytes at 0x10: 0x1 -> 0x2, next instruction 0x20"},
    {{.gpa = 0x10, .size = 8, .write = true, .dma = true}, "a device wrote 8 bytes at 0x10: 0x0"},
    {{.gpa = 0x1010, .stepped = true, .has_rip = true},
     "cpu 0 accessed page 0x1000, by an instruction that was stepped, at 0x0"},
    {{.gpa = 0x10, .size = 2, .cpu = -1}, "acre read 2 bytes at 0x10: 0x0"},
    {{.gpa = 0x10, .size = 2, .write = true, .ignored = true, .has_old = true, .old_value = 3},
     "cpu 0 wrote 2 bytes at 0x10: 0x3 -> 0x0 (ignored)"},
    {{.gpa = 0x10, .size = 8, .write = true, .delivery = true, .vector = 14, .has_rip = true},
     "cpu 0 wrote 8 bytes at 0x10: 0x0, by exception 14, at 0x0"},
    {{.gpa = 0x10, .size = 8, .write = true, .delivery = true, .vector = 33, .has_rip = true},
     "cpu 0 wrote 8 bytes at 0x10: 0x0, by interrupt 33, at 0x0"},
};

START_TEST(a_hit_is_a_line)
{
    char text[256];

    watch_hit_text(&lines[_i].hit, NULL, text, sizeof(text));
    ck_assert_str_eq(text, lines[_i].text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("watch");
    TCase *tc = tcase_create("overlays"), *words = tcase_create("words");

    tcase_add_checked_fixture(tc, watch_setup, watch_teardown);
    tcase_add_table_test(tc, a_watch_takes_from_its_pages_what_it_must_and_gives_it_back, layouts);
    tcase_add_test(tc, hits_have_old_and_new_values_and_neighbours_are_none);
    tcase_add_test(tc, watches_of_the_same_bytes_are_each_told_what_they_asked_for);
    tcase_add_test(tc, watches_beside_each_other_are_each_told_of_their_own_bytes);
    tcase_add_test(tc, a_debuggers_accesses_are_no_hits);
    tcase_add_test(tc, a_watched_device_is_accessed_once_and_told);
    tcase_add_test(tc, a_watch_over_nothing_at_all_is_told_of_accesses_there);
    tcase_add_test(tc, writes_that_are_watched_make_pages_dirty);
    tcase_add_test(tc, watches_are_added_while_hits_wait_to_be_told);
    tcase_add_test(tc, a_write_that_nothing_takes_is_told_as_ignored);
    tcase_add_test(tc, pages_that_are_spared_have_no_overlay_until_they_are_watched_anew);
    tcase_add_test(tc, without_memory_nothing_is_watched_and_nothing_changed);
    tcase_add_table_test(tc, what_is_no_watch_is_refused, bad);
    suite_add_tcase(suite, tc);
    tcase_add_table_test(words, a_place_is_an_address_a_length_and_letters, texts);
    tcase_add_table_test(words, a_hit_is_a_line, lines);
    suite_add_tcase(suite, words);
    return run_suite(suite);
}
