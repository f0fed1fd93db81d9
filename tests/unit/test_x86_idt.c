/* test_x86_idt.c - gates of each form of the table, and those that lead nowhere. */
#include "vmm/x86_idt.h"

#include <errno.h>
#include <string.h>

#include "run_suite.h"

enum { BASE = 0x1000, SIZE = 0x1000 };

static uint8_t memory[SIZE];

static int read_memory(void *opaque, uint64_t linear, void *buf, unsigned len)
{
    (void)opaque;
    if (linear < BASE || linear - BASE > SIZE - len) {
        return -EFAULT;
    }
    memcpy(buf, memory + (linear - BASE), len);
    return 0;
}

static struct x86_gate gate_of(enum x86_idt_form form, uint16_t limit, unsigned vector)
{
    const struct x86_idt idt = {BASE, limit, form};
    struct x86_gate gate;

    x86_gate_read(&idt, vector, read_memory, NULL, &gate);
    return gate;
}

START_TEST(a_64_bit_gate_has_all_parts_of_its_offset)
{
    static const uint8_t raw[16] = {0xf0, 0xde, 0x08, 0x00, 0x03, 0xee, 0xbc, 0x9a,
                                    0x78, 0x56, 0x34, 0x12, 0,    0,    0,    0};
    struct x86_gate gate;

    memcpy(memory + 14 * 16, raw, sizeof(raw));
    gate = gate_of(X86_IDT_64, 0xfff, 14);
    ck_assert_int_eq(gate.result, X86_GATE_OK);
    ck_assert_uint_eq(gate.addr, BASE + 14 * 16);
    ck_assert_uint_eq(gate.offset, UINT64_C(0x123456789abcdef0));
    ck_assert_uint_eq(gate.selector, 8);
    ck_assert_uint_eq(gate.ist, 3);
    ck_assert_uint_eq(gate.dpl, 3);
    ck_assert_str_eq(x86_gate_type_name(gate.type), "interrupt gate");
}
END_TEST

START_TEST(a_32_bit_gate_has_eight_bytes_and_may_be_a_task_gate)
{
    static const uint8_t trap[8] = {0x34, 0x12, 0x10, 0x00, 0x07, 0x8f, 0x78, 0x56};
    static const uint8_t task[8] = {0x00, 0x00, 0x28, 0x00, 0x00, 0x85, 0x00, 0x00};
    struct x86_gate gate;

    memcpy(memory + 6 * 8, trap, sizeof(trap));
    memcpy(memory + 8 * 8, task, sizeof(task));
    gate = gate_of(X86_IDT_32, 0x7ff, 6);
    ck_assert_int_eq(gate.result, X86_GATE_OK);
    ck_assert_uint_eq(gate.offset, 0x56781234);
    ck_assert_uint_eq(gate.ist, 0);
    gate = gate_of(X86_IDT_32, 0x7ff, 8);
    ck_assert_int_eq(gate.result, X86_GATE_OK);
    ck_assert_str_eq(x86_gate_type_name(gate.type), "task gate");
}
END_TEST

START_TEST(a_vector_of_real_mode_is_offset_and_segment)
{
    static const uint8_t raw[4] = {0x34, 0x12, 0x00, 0xf0};
    struct x86_gate gate;

    memcpy(memory + 6 * 4, raw, sizeof(raw));
    gate = gate_of(X86_IDT_REAL, 0x3ff, 6);
    ck_assert_int_eq(gate.result, X86_GATE_OK);
    ck_assert_uint_eq(gate.offset, 0x1234);
    ck_assert_uint_eq(gate.selector, 0xf000);
}
END_TEST

static const struct {
    enum x86_idt_form form;
    uint16_t limit;
    unsigned vector;
    enum x86_gate_result result;
} limits[] = {
    {X86_IDT_64, 0, 0, X86_GATE_BEYOND_LIMIT},      {X86_IDT_64, 14, 0, X86_GATE_BEYOND_LIMIT},
    {X86_IDT_64, 15, 0, X86_GATE_NOT_A_GATE},       {X86_IDT_64, 0xffe, 255, X86_GATE_BEYOND_LIMIT},
    {X86_IDT_64, 0xffff, 255, X86_GATE_NOT_A_GATE}, {X86_IDT_32, 0x47, 8, X86_GATE_NOT_A_GATE},
    {X86_IDT_32, 0x46, 8, X86_GATE_BEYOND_LIMIT},   {X86_IDT_REAL, 0x1a, 6, X86_GATE_BEYOND_LIMIT},
    {X86_IDT_REAL, 0x1b, 6, X86_GATE_OK},
};

START_TEST(the_limit_is_that_of_the_last_byte)
{
    struct x86_gate gate = gate_of(limits[_i].form, limits[_i].limit, limits[_i].vector);

    ck_assert_int_eq(gate.result, limits[_i].result);
    ck_assert((x86_gate_result_name(gate.result) == NULL) == (gate.result == X86_GATE_OK));
}
END_TEST

START_TEST(a_table_without_memory_and_a_gate_without_P_are_told_apart)
{
    const struct x86_idt nowhere = {UINT64_MAX - 7, 0xffff, X86_IDT_64};
    struct x86_gate gate;

    x86_gate_read(&nowhere, 0, read_memory, NULL, &gate);
    ck_assert_int_eq(gate.result, X86_GATE_NO_MEMORY);
    ck_assert_uint_eq(gate.raw_len, 0);
    memory[5] = 0x0e;
    ck_assert_int_eq(gate_of(X86_IDT_64, 0xfff, 0).result, X86_GATE_NOT_PRESENT);
    memory[5] = 0x85; /* a task gate, which long mode has not */
    ck_assert_int_eq(gate_of(X86_IDT_64, 0xfff, 0).result, X86_GATE_NOT_A_GATE);
}
END_TEST

START_TEST(exceptions_have_the_manuals_names)
{
    ck_assert_str_eq(x86_exception_name(0), "#DE");
    ck_assert_str_eq(x86_exception_name(8), "#DF");
    ck_assert_str_eq(x86_exception_name(14), "#PF");
    ck_assert_str_eq(x86_exception_name(21), "#CP");
    ck_assert_ptr_null(x86_exception_name(9));
    ck_assert_ptr_null(x86_exception_name(32));
    ck_assert_ptr_null(x86_exception_name(UINT32_MAX));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("x86_idt");
    TCase *tcase = tcase_create("x86_idt");

    tcase_add_test(tcase, a_64_bit_gate_has_all_parts_of_its_offset);
    tcase_add_test(tcase, a_32_bit_gate_has_eight_bytes_and_may_be_a_task_gate);
    tcase_add_test(tcase, a_vector_of_real_mode_is_offset_and_segment);
    tcase_add_table_test(tcase, the_limit_is_that_of_the_last_byte, limits);
    tcase_add_test(tcase, a_table_without_memory_and_a_gate_without_P_are_told_apart);
    tcase_add_test(tcase, exceptions_have_the_manuals_names);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
