/*
 * test_x86_deliver.c - interrupts and exceptions as the manual has them: long mode with and without
 * a change of privilege or an IST, protected mode, real mode, and what cannot be delivered.
 */
#include "vmm/x86_deliver.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "run_suite.h"

enum { SIZE = 0x8000, IDT = 0x1000, GDT = 0x3000, LDT = 0x3800, TSS = 0x4000 };
enum { CODE = 8, DATA = 16, USER_DATA = 24 + 3, USER_CODE = 32 + 3, LOCAL_CODE = 8 + 4 };
#define EFER_LONG UINT64_C(0x500)

static uint8_t memory[SIZE];
static struct x86_delivery delivery;

static int read_memory(void *opaque, uint64_t linear, void *buf, unsigned len)
{
    (void)opaque;
    if (linear > SIZE - len) {
        return -EFAULT;
    }
    memcpy(buf, memory + linear, len);
    return 0;
}

static void put(uint64_t at, uint64_t value, unsigned size)
{
    memcpy(memory + at, &value, size);
}

static void put_gate_64(unsigned vector, uint64_t offset, unsigned ist, unsigned type)
{
    uint64_t at = IDT + 16 * vector;

    put(at, (offset & 0xffff) | CODE << 16 | (uint64_t)ist << 32 | (uint64_t)type << 40, 8);
    put(at + 6, offset >> 16, 8);
}

static void put_gate_32(unsigned vector, uint32_t offset, unsigned selector, unsigned type)
{
    put(IDT + 8 * vector,
        (offset & 0xffff) | selector << 16 | (uint64_t)type << 40 | (uint64_t)(offset >> 16) << 48,
        8);
}

/* Level 0, flat, with interrupts on. */
static void enter(uint64_t efer, uint64_t cr0, uint64_t code)
{
    memset(memory, 0, sizeof(memory));
    delivery = (struct x86_delivery){
        .regs = {.rip = 0x7000, .rsp = 0x6005, .rflags = 0x50302},
        .sregs = {.cs = {.selector = CODE, .l = efer != 0, .s = 1, .present = 1, .type = 11},
                  .ss = {.selector = DATA, .db = 1, .s = 1, .present = 1, .type = 3},
                  .tr = {.base = TSS, .limit = 0x67, .type = 11, .present = 1},
                  .ldt = {.base = LDT, .limit = 0xf, .present = 1},
                  .gdt = {.base = GDT, .limit = 0x3f},
                  .idt = {.base = IDT, .limit = 0xfff},
                  .cr0 = cr0,
                  .efer = efer},
    };
    put(GDT + CODE, code, 8);
    put(GDT + DATA, 0x00cf93000000ffff, 8);
    put(GDT + 24, 0x00cff3000000ffff, 8);
    put(GDT + 32, 0x00affb000000ffff, 8);
    put(LDT + CODE, 0x00cf9b000000ffff, 8);
}

static void enter_long(void)
{
    enter(EFER_LONG, 0x80000001, 0x00af9b000000ffff);
}

static void enter_protected(void)
{
    enter(0, 1, 0x00cf9b000000ffff);
}

static void as_user(void)
{
    delivery.sregs.cs.selector = USER_CODE;
    delivery.sregs.ss.selector = USER_DATA;
    delivery.sregs.ss.dpl = 3;
}

static enum x86_deliver_result deliver(unsigned vector, bool software)
{
    const struct x86_event event = {
        .vector = vector, .software = software, .length = software ? 2 : 0};

    return x86_deliver(&event, read_memory, NULL, &delivery);
}

static void expect_pushes(const struct x86_push *pushes, unsigned num)
{
    ck_assert_uint_eq(delivery.push_num, num);
    for (unsigned i = 0; i < num; i++) {
        ck_assert_uint_eq(delivery.pushes[i].linear, pushes[i].linear);
        ck_assert_uint_eq(delivery.pushes[i].size, pushes[i].size);
        ck_assert_uint_eq(delivery.pushes[i].value, pushes[i].value);
    }
    ck_assert_uint_eq(delivery.regs.rsp, pushes[num - 1].linear);
}

START_TEST(long_mode_aligns_the_stack_and_pushes_five_words)
{
    static const struct x86_push frame[] = {{0x5ff8, 8, DATA},
                                            {0x5ff0, 8, 0x6005},
                                            {0x5fe8, 8, 0x50302},
                                            {0x5fe0, 8, CODE},
                                            {0x5fd8, 8, 0x7000}};

    enter_long();
    put_gate_64(32, UINT64_C(0x123456789abcdef0), 0, 0x8e);
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_OK);
    expect_pushes(frame, 5);
    ck_assert_uint_eq(delivery.regs.rip, UINT64_C(0x123456789abcdef0));
    ck_assert_uint_eq(delivery.regs.rflags, 0x40002); /* without RF, TF, IF */
    ck_assert_uint_eq(delivery.sregs.cs.selector, CODE);
    ck_assert(delivery.sregs.cs.l && delivery.sregs.cs.limit == UINT32_MAX);
    ck_assert_uint_eq(delivery.sregs.ss.selector, DATA);
}
END_TEST

START_TEST(error_code_comes_last_and_a_trap_gate_leaves_interrupts_on)
{
    struct x86_event event = {.vector = 14, .has_error_code = true, .error_code = 6};

    enter_long();
    put_gate_64(14, 0x7100, 0, 0x8f);
    ck_assert_int_eq(x86_deliver(&event, read_memory, NULL, &delivery), X86_DELIVER_OK);
    ck_assert_uint_eq(delivery.push_num, 6);
    ck_assert_uint_eq(delivery.pushes[5].value, 6);
    ck_assert_uint_eq(delivery.pushes[5].linear, 0x5fd0);
    ck_assert_uint_eq(delivery.regs.rflags, 0x40202);
}
END_TEST

START_TEST(from_the_user_the_tss_has_the_stack)
{
    static const struct x86_push frame[] = {{0x4ff8, 8, USER_DATA},
                                            {0x4ff0, 8, 0x6005},
                                            {0x4fe8, 8, 0x50302},
                                            {0x4fe0, 8, USER_CODE},
                                            {0x4fd8, 8, 0x7000}};

    enter_long();
    as_user();
    put_gate_64(33, 0x7100, 0, 0x8e);
    put(TSS + 4, 0x5008, 8);
    ck_assert_int_eq(deliver(33, false), X86_DELIVER_OK);
    expect_pushes(frame, 5);
    ck_assert_uint_eq(delivery.sregs.cs.selector, CODE);
    ck_assert_uint_eq(delivery.sregs.ss.selector, 0);
    ck_assert_uint_eq(delivery.sregs.ss.dpl, 0);
}
END_TEST

START_TEST(an_ist_is_taken_at_any_level)
{
    enter_long();
    put_gate_64(8, 0x7100, 2, 0x8e);
    put(TSS + 0x2c, 0x5800, 8);
    ck_assert_int_eq(deliver(8, false), X86_DELIVER_OK);
    ck_assert_uint_eq(delivery.regs.rsp, 0x5800 - 40);
    ck_assert_uint_eq(delivery.sregs.ss.selector, DATA);
}
END_TEST

START_TEST(conforming_code_keeps_the_level)
{
    enter_long();
    as_user();
    put(GDT + CODE, 0x00af9f000000ffff, 8);
    put_gate_64(32, 0x7100, 0, 0x8e);
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_OK);
    ck_assert_uint_eq(delivery.sregs.cs.selector, CODE + 3);
    ck_assert_uint_eq(delivery.sregs.ss.selector, USER_DATA);
    ck_assert_uint_eq(delivery.regs.rsp, 0x6000 - 40);
}
END_TEST

START_TEST(int_n_goes_past_itself_and_wants_the_gates_level)
{
    enter_long();
    as_user();
    put(TSS + 4, 0x5000, 8);
    put_gate_64(0x80, 0x7100, 0, 0x8e);
    ck_assert_int_eq(deliver(0x80, true), X86_DELIVER_GATE);
    put_gate_64(0x80, 0x7100, 0, 0xee);
    ck_assert_int_eq(deliver(0x80, true), X86_DELIVER_OK);
    ck_assert_uint_eq(delivery.pushes[4].value, 0x7002);
}
END_TEST

START_TEST(protected_mode_pushes_three_words_of_four_bytes)
{
    static const struct x86_push frame[] = {
        {0x6001, 4, 0x50302}, {0x5ffd, 4, CODE}, {0x5ff9, 4, 0x7000}};

    enter_protected();
    put_gate_32(32, 0x12345678, CODE, 0x8e);
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_OK);
    expect_pushes(frame, 3);
    ck_assert_uint_eq(delivery.regs.rip, 0x12345678);
    ck_assert_uint_eq(delivery.regs.rflags, 0x40002);
}
END_TEST

START_TEST(protected_mode_changes_stacks_by_its_own_tss)
{
    static const struct x86_push frame[] = {{0x4ffc, 4, USER_DATA},
                                            {0x4ff8, 4, 0x6005},
                                            {0x4ff4, 4, 0x50302},
                                            {0x4ff0, 4, USER_CODE},
                                            {0x4fec, 4, 0x7000}};

    enter_protected();
    as_user();
    put_gate_32(32, 0x7100, CODE, 0x8e);
    put(TSS + 4, 0x5000, 4);
    put(TSS + 8, DATA, 2);
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_OK);
    expect_pushes(frame, 5);
    ck_assert_uint_eq(delivery.sregs.ss.selector, DATA);
    ck_assert_uint_eq(delivery.sregs.ss.limit, UINT32_MAX);
}
END_TEST

START_TEST(a_small_stack_wraps_at_64_kib_and_code_may_be_local)
{
    enter_protected();
    delivery.sregs.ss.db = 0;
    delivery.sregs.ss.base = 0x1000;
    delivery.regs.rsp = 0x12340002;
    put_gate_32(32, 0x7100, LOCAL_CODE, 0x8e);
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_OK);
    ck_assert_uint_eq(delivery.pushes[0].linear, 0x1000 + 0xfffe);
    ck_assert_uint_eq(delivery.regs.rsp, 0x1234fff6);
    ck_assert_uint_eq(delivery.sregs.cs.selector, LOCAL_CODE);
}
END_TEST

START_TEST(real_mode_pushes_three_words_of_two_bytes)
{
    static const struct x86_push frame[] = {
        {0x2000 + 0xfe, 2, 0x0302}, {0x2000 + 0xfc, 2, 0x100}, {0x2000 + 0xfa, 2, 0x7000}};

    enter(0, 0, 0);
    delivery.sregs.ss = (struct kvm_segment){.base = 0x2000, .selector = 0x200};
    delivery.sregs.cs = (struct kvm_segment){.base = 0x1000, .selector = 0x100};
    delivery.regs.rsp = 0x100;
    put(IDT + 8 * 4, 0xf0001234, 4);
    ck_assert_int_eq(deliver(8, false), X86_DELIVER_OK);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(delivery.pushes[i].linear, frame[i].linear);
        ck_assert_uint_eq(delivery.pushes[i].value, frame[i].value);
    }
    ck_assert_uint_eq(delivery.regs.rsp, 0xfa);
    ck_assert_uint_eq(delivery.regs.rip, 0x1234);
    ck_assert_uint_eq(delivery.sregs.cs.base, 0xf0000);
    ck_assert_uint_eq(delivery.regs.rflags, 0x2);
}
END_TEST

START_TEST(what_cannot_be_delivered_says_why)
{
    enter_long();
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_GATE); /* no gate */
    put_gate_64(32, 0x7100, 0, 0x0e);
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_GATE); /* not present */
    put_gate_64(32, 0x7100, 0, 0x8e);
    put(GDT + CODE, 0x00cf9b000000ffff, 8);
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_SEGMENT); /* 32-bit code */
    put(GDT + CODE, 0x00af93000000ffff, 8);
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_SEGMENT); /* data */
    put(GDT + CODE, 0x00af1b000000ffff, 8);
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_SEGMENT); /* not present */
    delivery.sregs.gdt.limit = CODE + 6;
    put(GDT + CODE, 0x00af9b000000ffff, 8);
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_SEGMENT); /* beyond the limit */
    delivery.sregs.gdt.limit = 0x3f;
    put_gate_64(32, 0x7100, 1, 0x8e);
    delivery.sregs.tr.limit = 0x2a;
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_STACK);
    delivery.sregs.tr.limit = 0x2b;
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_OK);
    enter_protected();
    put_gate_32(32, 0x7100, CODE, 0x85);
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_UNSUPPORTED); /* a task gate */
    put_gate_32(32, 0x7100, CODE, 0x86);
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_UNSUPPORTED); /* of 16 bits */
    put_gate_32(32, 0x7100, CODE, 0x8e);
    delivery.regs.rflags |= 1 << 17;
    ck_assert_int_eq(deliver(32, false), X86_DELIVER_UNSUPPORTED); /* virtual-8086 mode */
    ck_assert_ptr_null(x86_deliver_result_name(X86_DELIVER_OK));
    ck_assert_ptr_nonnull(x86_deliver_result_name(X86_DELIVER_UNSUPPORTED));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("x86_deliver");
    TCase *tcase = tcase_create("events");

    tcase_add_test(tcase, long_mode_aligns_the_stack_and_pushes_five_words);
    tcase_add_test(tcase, error_code_comes_last_and_a_trap_gate_leaves_interrupts_on);
    tcase_add_test(tcase, from_the_user_the_tss_has_the_stack);
    tcase_add_test(tcase, an_ist_is_taken_at_any_level);
    tcase_add_test(tcase, conforming_code_keeps_the_level);
    tcase_add_test(tcase, int_n_goes_past_itself_and_wants_the_gates_level);
    tcase_add_test(tcase, protected_mode_pushes_three_words_of_four_bytes);
    tcase_add_test(tcase, protected_mode_changes_stacks_by_its_own_tss);
    tcase_add_test(tcase, a_small_stack_wraps_at_64_kib_and_code_may_be_local);
    tcase_add_test(tcase, real_mode_pushes_three_words_of_two_bytes);
    tcase_add_test(tcase, what_cannot_be_delivered_says_why);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
