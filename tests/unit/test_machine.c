/*
 * test_machine.c - what a change of the map that goes wrong does to a run, and what `--debug
 * commits` tells of one that goes right; KVM is the model of kvm_mock.h.
 */
#include "vmm/machine_parts.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kvm_mock.h"
#include "run_suite.h"
#include "vmm/debug.h"
#include "vmm/options.h"

#define RAM_SIZE UINT64_C(0x100000)

static struct machine machine;
static struct kvm_mock mock;
static AddressSpace as, io;
static MemoryRegion root, io_root, ram, rom;

static void make_block(MemoryRegion *mr, const char *name, uint64_t size, bool is_rom)
{
    const struct ram_block_config config = {.backing = RAM_ANONYMOUS, .size = size};
    RAMBlock *block;
    int result;

    ck_assert_int_eq(ram_block_new(&machine.core, name, &config, &block), 0);
    result = is_rom ? memory_region_init_rom(mr, NULL, name, block)
                    : memory_region_init_ram(mr, NULL, name, block);
    ck_assert_int_eq(result, 0);
}

/* The machine as far as core and slots reach it: no board, no vCPU. */
static void setup(void)
{
    struct memory_core_config core_config = machine_core_config(&machine);
    struct kvm_slots_config slots_config = machine_slots_config(&machine);

    memset(&machine, 0, sizeof(machine));
    memory_thread_register();
    mock_init(&mock, &machine.kvm);
    ck_assert_int_eq(memory_core_init(&machine.core, &core_config), 0);
    ck_assert_int_eq(memory_region_init(&root, &machine.core, NULL, "root", UINT64_MAX), 0);
    ck_assert_int_eq(memory_region_init(&io_root, &machine.core, NULL, "io", 0x10000), 0);
    make_block(&ram, "ram", RAM_SIZE, false);
    make_block(&rom, "rom", 0x2000, true);
    ck_assert_int_eq(memory_region_add_subregion(&root, 0, &ram), 0);
    ck_assert_int_eq(
        address_space_init(&as, &machine.core, &root, "memory", MEMORY_UNASSIGNED_MEMORY), 0);
    ck_assert_int_eq(
        address_space_init(&io, &machine.core, &io_root, "io", MEMORY_UNASSIGNED_MEMORY), 0);
    ck_assert_int_eq(kvm_slots_init(&machine.slots, &machine.kvm, &as, &slots_config), 0);
    mock_restart(&mock);
}

static void teardown(void)
{
    kvm_slots_finish(&machine.slots, false);
    address_space_finish(&io);
    address_space_finish(&as);
    memory_region_unref(&root);
    memory_region_unref(&io_root);
    memory_region_unref(&ram);
    memory_region_unref(&rom);
    memory_core_finish(&machine.core);
    memory_thread_unregister();
}

/* The verdict is a fault of acre, and its line has both words. */
static void assert_fault(const char *why, const char *undo_why)
{
    const struct verdict *verdict = verdict_settled(&machine.verdict);
    char line[LOG_LINE_MAX];

    ck_assert_ptr_nonnull(verdict);
    ck_assert_int_eq(verdict->kind, VERDICT_FAULT);
    ck_assert_int_eq(verdict_exit_status(verdict, VERDICT_STATUS_PLAIN), 125);
    verdict_line(verdict, line, sizeof(line));
    ck_assert_msg(strstr(line, why) != NULL, "%s", line);
    ck_assert_msg(strstr(line, undo_why) != NULL, "%s", line);
}

static int refuse(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)listener, (void)commit;
    return -EBUSY;
}

static int nothing_to_undo(MemoryListener *listener, const MemoryCommit *commit)
{
    (void)listener, (void)commit;
    return 0;
}

START_TEST(slots_that_cannot_be_put_back_after_another_listener_failed_end_the_run)
{
    MemoryListener late = {.name = "late", .priority = 50};

    ck_assert_int_eq(memory_listener_register(&late, &as), 0);
    late.apply = refuse;
    late.undo = nothing_to_undo;
    mock.fail_errno = ENOMEM;
    mock.fail_at[0] = 5; /* the first step back: 1 delete and 3 creates went well */
    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, 0x8000, &rom, 1), -EBUSY);
    assert_fault(strerror(EBUSY), strerror(ENOMEM));
    ck_assert(memory_core_is_broken(&machine.core, &(int){0}, &(int){0}));
    mock_restart(&mock);
    late.apply = NULL;
    late.undo = NULL;
    memory_listener_unregister(&late);
}
END_TEST

START_TEST(slots_that_cannot_take_back_their_own_steps_end_the_run)
{
    mock.fail_errno = ENOSPC;
    mock.fail_at[0] = 2;
    mock.fail_at[1] = 3;
    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, 0x8000, &rom, 1), -ENOSPC);
    assert_fault(strerror(ENOSPC), strerror(ENOSPC));
    mock_restart(&mock);
}
END_TEST

START_TEST(a_change_that_is_taken_back_ends_nothing)
{
    mock.fail_at[0] = 2;
    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, 0x8000, &rom, 1), -ENOMEM);
    ck_assert_ptr_null(verdict_settled(&machine.verdict));
    mock_restart(&mock);
}
END_TEST

/* Runs `change` with commits shown. Returns: the text, in a static buffer. */
static const char *show_commits(void (*change)(void))
{
    static char text[8192];
    int fds[2];
    struct debug debug;
    struct debug_config config = {
        .what = DEBUG_COMMITS,
        .stable = true,
        .core = &machine.core,
        .memory = &as,
        .io = &io,
        .slots = &machine.slots,
    };
    ssize_t n;

    ck_assert_int_eq(pipe(fds), 0);
    config.fd = fds[1];
    ck_assert_int_eq(debug_start(&debug, &config), 0);
    change();
    debug_finish(&debug);
    (void)close(fds[1]);
    n = read(fds[0], text, sizeof(text) - 1);
    ck_assert_int_ge(n, 0);
    text[n] = '\0';
    (void)close(fds[0]);
    return text;
}

static void mount_rom(void)
{
    ck_assert_int_eq(memory_region_add_subregion_overlap(&root, 0x8000, &rom, 1), 0);
}

static void mount_and_unmount_rom(void)
{
    mount_rom();
    ck_assert_int_eq(memory_region_del_subregion(&root, &rom), 0);
}

static const char *const shown[] = {
    ": memory: 1 removed, 3 added, 0 changed",
    "\n  - 0000000000000000-00000000000fffff (ram) ram @0000000000000000\n",
    "\n  + 0000000000000000-0000000000007fff (ram) ram @0000000000000000\n",
    "\n  + 0000000000008000-0000000000009fff (rom) rom @0000000000000000\n",
    "\n  + 000000000000a000-00000000000fffff (ram) ram @000000000000a000\n",
    "\n  slots: 1 removed, 3 added, 0 changed, 4 ioctls\n",
    "000000000008000-0000000000009fff size 0x2000 block rom+0x0 flags 0x2 (ro) rom\n",
    ": memory: 3 removed, 1 added, 0 changed (del_subregion rom)",
    "\n  - 0000000000008000-0000000000009fff (rom) rom @0000000000000000\n",
    "\n  slots: 1 removed, 1 added, 0 changed, 2 ioctls\n",
};

START_TEST(commits_of_a_map_that_changes_are_shown_with_ranges_slots_and_ioctls)
{
    const char *text = show_commits(mount_and_unmount_rom);

    ck_assert_msg(strstr(text, shown[_i]) != NULL, "no \"%s\" in:\n%s", shown[_i], text);
}
END_TEST

START_TEST(commits_after_the_listing_ended_are_not_shown)
{
    (void)show_commits(mount_rom);
    ck_assert_int_eq(memory_region_del_subregion(&root, &rom), 0);
    ck_assert_ptr_null(verdict_settled(&machine.verdict));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("machine");
    TCase *tcase = tcase_create("machine");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, slots_that_cannot_be_put_back_after_another_listener_failed_end_the_run);
    tcase_add_test(tcase, slots_that_cannot_take_back_their_own_steps_end_the_run);
    tcase_add_test(tcase, a_change_that_is_taken_back_ends_nothing);
    tcase_add_table_test(
        tcase, commits_of_a_map_that_changes_are_shown_with_ranges_slots_and_ioctls, shown);
    tcase_add_test(tcase, commits_after_the_listing_ended_are_not_shown);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
