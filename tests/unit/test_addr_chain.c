/*
 * test_addr_chain.c - chains through the map of a built-in board and through page tables written
 * here; KVM is a function, and the CPU a thread that only comes to the gate.
 */
#include "vmm/addr_chain.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"
#include "vmm/inspect.h"

#define TABLES UINT64_C(0x100000) /* four of them, one after the other */
#define LINEAR UINT64_C(0x123)
#define FRAME UINT64_C(0x200000)
#define P_RW_A UINT64_C(0x23)

static struct inspect inspect;
static struct machine machine;
static struct kvm kvm;
static struct kvm_run run;
static struct kvm_sregs sregs;
static struct kvm_sregs2 sregs2;
static struct kvm_translation translation;
static int translate_errno;
static unsigned translations;

static int fake_kvm(struct kvm *self, int fd, unsigned long request, void *arg)
{
    (void)self, (void)fd;
    switch (request) {
    case KVM_GET_SREGS:
        memcpy(arg, &sregs, sizeof(sregs));
        return 0;
    case KVM_GET_SREGS2:
        memcpy(arg, &sregs2, sizeof(sregs2));
        return 0;
    case KVM_TRANSLATE:
        translations++;
        memcpy(arg, &translation, sizeof(translation));
        return -translate_errno;
    default:
        return -ENOTTY;
    }
}

/* The order of vcpu.c, without KVM_RUN. */
static void *stand_at_gate(void *arg)
{
    struct vcpu *vcpu = arg;

    memory_thread_register();
    do {
        while (atomic_load(&vcpu->requests) == 0) {
            (void)sched_yield();
        }
    } while (vcpu_group_gate(vcpu));
    memory_thread_unregister();
    return NULL;
}

static void put_entry(hwaddr gpa, uint64_t value)
{
    ck_assert_int_eq(
        address_space_write(board_memory(inspect.board), gpa, MEMTXATTRS_UNSPECIFIED, &value, 8),
        MEMTX_OK);
}

static void setup(void)
{
    const struct run_options options = {.board = "puzzle"};
    struct vcpu_group *group = &machine.vcpus;
    struct error err;
    unsigned i;

    ck_assert_int_eq(inspect_open(&inspect, &options, &err), 0);
    memset(&machine, 0, sizeof(machine));
    machine.board = inspect.board;
    machine.slots = inspect.slots; /* for lookups; commits go to the other */
    kvm = (struct kvm){.call = fake_kvm};
    translate_errno = 0;
    translations = 0;
    sregs = (struct kvm_sregs){.cr0 = 0x80000001, .cr3 = TABLES, .cr4 = 0x20, .efer = 0x500};
    sregs2 = (struct kvm_sregs2){.flags = 0};
    translation = (struct kvm_translation){.physical_address = FRAME + LINEAR, .valid = 1};
    for (i = 0; i < 3; i++) {
        put_entry(TABLES + i * 0x1000, (TABLES + (i + 1) * 0x1000) | P_RW_A);
    }
    put_entry(TABLES + 0x3000, FRAME | P_RW_A);

    group->config = (struct vcpu_group_config){.num = 1, .kvm = &kvm};
    group->vcpus = aligned_alloc(_Alignof(struct vcpu), sizeof(*group->vcpus));
    ck_assert_ptr_nonnull(group->vcpus);
    memset(group->vcpus, 0, sizeof(*group->vcpus));
    (void)pthread_mutex_init(&group->lock, NULL);
    (void)pthread_cond_init(&group->changed, NULL);
    (void)signal(vcpu_kick_signal(), SIG_IGN);
    group->vcpus[0].group = group;
    group->vcpus[0].run = &run;
    group->running = 1;
    ck_assert_int_eq(pthread_create(&group->vcpus[0].thread, NULL, stand_at_gate, group->vcpus), 0);
    group->vcpus[0].thread_started = true;
}

static void teardown(void)
{
    vcpu_group_stop(&machine.vcpus);
    vcpu_group_join(&machine.vcpus);
    free(machine.vcpus.vcpus);
    inspect_close(&inspect);
}

static void follow(enum addr_space space, uint64_t addr, struct addr_chain *chain)
{
    const struct addr_request request = {.space = space, .addr = addr};
    struct error err;

    ck_assert_int_eq(addr_chain_init(chain, &machine, &request, &err), 0);
    ck_assert_uint_eq(machine.vcpus.holds, 1);
}

static void finish(struct addr_chain *chain)
{
    addr_chain_finish(chain);
    ck_assert_uint_eq(machine.vcpus.holds, 0);
}

/* ---- */

START_TEST(linear_address_is_followed_to_its_ram_block)
{
    struct addr_chain chain;

    follow(ADDR_GVA, LINEAR, &chain);
    ck_assert_int_eq(chain.linear.walk.result, X86_WALK_OK);
    ck_assert_uint_eq(chain.linear.walk.level_num, 4);
    ck_assert_int_eq(chain.linear.kvm, ADDR_KVM_AGREES);
    ck_assert_uint_eq(chain.place_num, 1);
    ck_assert_uint_eq(chain.places[0].gpa, FRAME + LINEAR);
    ck_assert_ptr_nonnull(chain.places[0].slot);
    ck_assert_uint_eq(chain.places[0].path.num, 3); /* system, its alias, ram */
    ck_assert(chain.places[0].path.steps[2].via_alias);
    ck_assert_str_eq(chain.host.block->name, "ram");
    ck_assert_uint_eq(chain.host.offset, FRAME + LINEAR);
    ck_assert_uint_eq(chain.host.hva, (uintptr_t)chain.host.block->host + FRAME + LINEAR);
    ck_assert_int_eq(chain.host.page.state, PAGEMAP_CLOSED);
    finish(&chain);
}
END_TEST

START_TEST(kvm_is_not_asked_where_it_would_set_accessed_bits)
{
    struct addr_chain chain;

    put_entry(TABLES + 0x3000, FRAME | 0x3);
    follow(ADDR_GVA, LINEAR, &chain);
    ck_assert_int_eq(chain.linear.kvm, ADDR_KVM_NOT_ASKED);
    finish(&chain);
    put_entry(TABLES + 0x3000, FRAME | P_RW_A);
    put_entry(TABLES + 0x1000, (TABLES + 0x2000) | 0x3);
    follow(ADDR_GVA, LINEAR, &chain);
    ck_assert_int_eq(chain.linear.kvm, ADDR_KVM_NOT_ASKED);
    finish(&chain);
    ck_assert_uint_eq(translations, 0);
    put_entry(TABLES + 0x3000, 0); /* maps nothing: nothing is set */
    translation.valid = 0;
    follow(ADDR_GVA, LINEAR, &chain);
    ck_assert_int_eq(chain.linear.kvm, ADDR_KVM_AGREES);
    ck_assert_uint_eq(chain.place_num, 0);
    finish(&chain);
    ck_assert_uint_eq(translations, 1);
}
END_TEST

START_TEST(pointers_that_the_cpu_holds_come_before_those_in_memory)
{
    struct addr_chain chain;

    sregs.efer = 0;
    sregs2.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
    sregs2.pdptrs[1] = (TABLES + 0x2000) | 1; /* memory has another for the first GiB alone */
    follow(ADDR_GVA, 0x40000123, &chain);
    ck_assert_int_eq(chain.linear.walk.mode, X86_PAGING_PAE);
    ck_assert_int_eq(chain.linear.walk.result, X86_WALK_OK);
    ck_assert_uint_eq(chain.linear.walk.gpa, FRAME + LINEAR);
    ck_assert_int_eq(chain.linear.kvm, ADDR_KVM_AGREES);
    finish(&chain);
    sregs2.flags = 0; /* KVM does not say: as in memory */
    follow(ADDR_GVA, 0x40000123, &chain);
    ck_assert_int_eq(chain.linear.walk.result, X86_WALK_NOT_PRESENT);
    finish(&chain);
}
END_TEST

static const struct {
    enum x86_walk_result walk;
    uint64_t gpa;
    int result;
    uint64_t kvm_gpa;
    enum addr_kvm kvm;
} comparisons[] = {
    {X86_WALK_OK, 0x1000, 0, 0x1000, ADDR_KVM_AGREES},
    {X86_WALK_OK, 0x1000, 0, 0x2000, ADDR_KVM_DIFFERS},
    {X86_WALK_OK, 0x1000, -EFAULT, UINT64_MAX, ADDR_KVM_DIFFERS},
    {X86_WALK_NOT_PRESENT, 0, -EFAULT, UINT64_MAX, ADDR_KVM_AGREES},
    {X86_WALK_RESERVED, 0, 0, 0x1000, ADDR_KVM_DIFFERS},
    {X86_WALK_NON_CANONICAL, 0, 0, 0x1000, ADDR_KVM_UNCHECKED},
    {X86_WALK_NON_CANONICAL, 0, -EFAULT, UINT64_MAX, ADDR_KVM_AGREES},
    {X86_WALK_OK, 0x1000, -EINVAL, 0, ADDR_KVM_FAILED},
};

START_TEST(walk_is_compared_with_what_kvm_says)
{
    const struct x86_walk walk = {.result = comparisons[_i].walk, .gpa = comparisons[_i].gpa};

    ck_assert_int_eq(addr_kvm_compare(&walk, comparisons[_i].result, comparisons[_i].kvm_gpa),
                     comparisons[_i].kvm);
}
END_TEST

START_TEST(host_address_is_found_wherever_it_shows)
{
    static const hwaddr shown[] = {0xd1100123, 0xd2000123, 0xd3500800};
    struct addr_chain chain;
    uint64_t hva;
    size_t i;

    follow(ADDR_GPA, 0xd2000123, &chain);
    hva = chain.host.hva;
    finish(&chain);
    follow(ADDR_HVA, hva, &chain);
    ck_assert_uint_eq(chain.place_num, 3);
    for (i = 0; i < 3; i++) {
        ck_assert_uint_eq(chain.places[i].gpa, shown[i]);
    }
    ck_assert_str_eq(chain.host.block->name, "pool");
    finish(&chain);
}
END_TEST

START_TEST(address_without_memory_has_a_place_and_no_host)
{
    struct addr_chain chain;

    follow(ADDR_GPA, 0xd0000000, &chain);
    ck_assert_ptr_nonnull(chain.places[0].range);
    ck_assert_ptr_null(chain.places[0].slot);
    ck_assert_ptr_null(chain.host.block);
    finish(&chain);
    follow(ADDR_GPA, UINT64_MAX, &chain);
    ck_assert_ptr_null(chain.places[0].range);
    ck_assert_uint_eq(chain.places[0].path.num, 0);
    finish(&chain);
}
END_TEST

START_TEST(failed_chain_lets_the_cpus_go)
{
    static const struct {
        struct addr_request request;
        int result;
        const char *text;
    } failures[] = {
        {{.space = ADDR_GVA, .cpu = 1}, -EINVAL, "there is no CPU 1"},
        {{.space = ADDR_HVA, .addr = 0x1000}, -ENOENT, "no RAM block holds host address 0x1000"},
    };
    const struct addr_request linear = {.space = ADDR_GVA};
    struct addr_chain chain;
    struct error err;
    size_t i;

    for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        ck_assert_int_eq(addr_chain_init(&chain, &machine, &failures[i].request, &err),
                         failures[i].result);
        ck_assert_str_eq(err.text, failures[i].text);
        ck_assert_uint_eq(machine.vcpus.holds, 0);
    }
    vcpu_group_stop(&machine.vcpus);
    ck_assert_int_eq(addr_chain_init(&chain, &machine, &linear, &err), -ESRCH);
    ck_assert_uint_eq(machine.vcpus.holds, 0);
}
END_TEST

START_TEST(json_has_a_member_for_each_step)
{
    static const char *const spaces[] = {"gva", "gpa", "hva"};
    struct addr_chain chain;
    uint64_t addr[3] = {LINEAR, FRAME + LINEAR, 0};
    json_t *json;
    unsigned i;

    for (i = 0; i < 3; i++) {
        follow((enum addr_space)i, addr[i], &chain);
        addr[2] = chain.host.hva;
        json = addr_chain_json(&chain);
        finish(&chain);
        ck_assert_ptr_nonnull(json);
        ck_assert_str_eq(json_string_value(json_object_get(json, "space")), spaces[i]);
        ck_assert_int_eq(json_object_get(json, "linear") != NULL, i == ADDR_GVA);
        ck_assert_int_eq(json_object_get(json, "why") != NULL, i != ADDR_HVA);
        ck_assert_uint_eq(json_array_size(json_object_get(json, "places")), 1);
        ck_assert_str_eq(
            json_string_value(json_object_get(json_object_get(json, "host"), "ram-block")), "ram");
        json_decref(json);
    }
}
END_TEST

/* ---- */

enum { CPU = 6 /* where none is named */ };

static const struct {
    const char *text;
    struct addr_request request;
} texts[] = {
    {"0x1000", {ADDR_GVA, 0x1000, CPU}},
    {" 4096 ", {ADDR_GVA, 0x1000, CPU}},
    {"gva:0xffffffffffffffff --cpu 3", {ADDR_GVA, UINT64_MAX, 3}},
    {"gpa:0x10", {ADDR_GPA, 0x10, CPU}},
    {"hva:0x7f0000000000", {ADDR_HVA, UINT64_C(0x7f0000000000), CPU}},
    {"1 --cpu=12", {ADDR_GVA, 1, 12}},
    {"1  --cpu  4294967295 ", {ADDR_GVA, 1, 4294967295U}},
};

START_TEST(address_is_read_with_its_space_and_cpu)
{
    struct addr_request request;
    struct error err;

    ck_assert_int_eq(addr_parse(texts[_i].text, CPU, &request, &err), 0);
    ck_assert_int_eq(request.space, texts[_i].request.space);
    ck_assert_uint_eq(request.addr, texts[_i].request.addr);
    ck_assert_uint_eq(request.cpu, texts[_i].request.cpu);
}
END_TEST

static const char *const wrong[] = {
    "",
    " ",
    "x",
    "gpa:",
    "gpa: 1",
    "pa:1",
    "io:1",
    ":1",
    "0x",
    "1x",
    "1--cpu 1",
    "1 --cpu",
    "1 --cpu ",
    "1 --cpu x",
    "1 --cpu 1 2",
    "1 --cpu 4294967296",
    "1 --cpus 1",
    "18446744073709551616",
    "--cpu 1",
    "gpa:gpa:1",
};

START_TEST(other_words_are_refused)
{
    struct addr_request request;
    struct error err = {.text = ""};

    ck_assert_int_eq(addr_parse(wrong[_i], 0, &request, &err), -EINVAL);
    ck_assert_str_ne(err.text, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("addr_chain");
    TCase *chains = tcase_create("chains"), *parsing = tcase_create("parsing");

    tcase_add_checked_fixture(chains, setup, teardown);
    tcase_add_test(chains, linear_address_is_followed_to_its_ram_block);
    tcase_add_test(chains, kvm_is_not_asked_where_it_would_set_accessed_bits);
    tcase_add_test(chains, pointers_that_the_cpu_holds_come_before_those_in_memory);
    tcase_add_test(chains, host_address_is_found_wherever_it_shows);
    tcase_add_test(chains, address_without_memory_has_a_place_and_no_host);
    tcase_add_test(chains, failed_chain_lets_the_cpus_go);
    tcase_add_test(chains, json_has_a_member_for_each_step);
    suite_add_tcase(suite, chains);
    tcase_add_table_test(parsing, walk_is_compared_with_what_kvm_says, comparisons);
    tcase_add_table_test(parsing, address_is_read_with_its_space_and_cpu, texts);
    tcase_add_table_test(parsing, other_words_are_refused, wrong);
    suite_add_tcase(suite, parsing);
    return run_suite(suite);
}
