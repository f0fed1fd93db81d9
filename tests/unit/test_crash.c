/*
 * test_crash.c - what is made of registers and memory: code, exceptions, stack, text and JSON. The
 * CPU is in long mode with one page of 1 GiB at 0, its tables at PML4 and PDPT.
 */
#include "vmm/crash.h"

#include <stdlib.h>
#include <string.h>

#include "memory_fixture.h"

enum {
    PML4 = 0x1000,
    PDPT = 0x2000,
    IDT = 0x3000,
    CODE = 0x4000,
    STACK = 0x8000,
    RAM_SIZE = 0x10000,
    BEHIND_CALL = CODE + 0x105, /* a return address, behind E8 */
};

static struct fixture *f;

static void write_bytes(uint64_t gpa, const void *bytes, size_t len)
{
    ck_assert_uint_eq(address_space_write(&f->as, gpa, MEMTXATTRS_UNSPECIFIED, bytes, len),
                      MEMTX_OK);
}

static void write_word(uint64_t gpa, uint64_t value)
{
    write_bytes(gpa, &value, sizeof(value));
}

static struct crash_cpu cpu_at(uint64_t rip)
{
    struct crash_cpu cpu = {
        .source = CRASH_SOURCE_END,
        .regs = {.rip = rip, .rsp = STACK, .rflags = 2},
        .sregs = {.cr0 = 0x80000011,
                  .cr3 = PML4,
                  .cr4 = 0x20,
                  .efer = 0x500,
                  .cs = {.l = 1},
                  .idt = {.base = IDT, .limit = 0xfff}},
    };

    cpu.paging.regs =
        (struct x86_paging){.cr0 = 0x80000011, .cr3 = PML4, .cr4 = 0x20, .efer = 0x500};
    return cpu;
}

static void setup(void)
{
    f = fixture_new();
    put(f->root, 0, ram_new(f, "ram", RAM_SIZE));
    write_word(PML4, PDPT | 3);
    write_word(PDPT, 0x83);
    write_bytes(BEHIND_CALL - 5, "\xe8\x00\x00\x00\x00", 5);
}

static void teardown(void)
{
    fixture_free(f);
}

static void explain(struct crash_cpu *cpu, enum verdict_kind kind)
{
    crash_explain_cpu(cpu, kind, &f->as, NULL);
}

START_TEST(code_is_disassembled_from_rip_on)
{
    struct crash_cpu cpu = cpu_at(CODE);

    write_bytes(CODE, "\x0f\x0b\x48\x89\xd8\x06\xf4", 7); /* 06 begins nothing in 64-bit code */
    explain(&cpu, VERDICT_TIMEOUT);
    ck_assert_uint_eq(cpu.bits, 64);
    ck_assert_uint_ge(cpu.code_num, 4);
    ck_assert_str_eq(cpu.code[0].text, "ud2");
    ck_assert_str_eq(cpu.code[1].text, "mov rax, rbx");
    ck_assert_uint_eq(cpu.code[1].addr, CODE + 2);
    ck_assert_str_eq(cpu.code[2].text, "(bad)");
    ck_assert_uint_eq(cpu.code[2].len, 1);
    ck_assert_str_eq(cpu.code[3].text, "hlt");
    ck_assert_int_eq(cpu.rip_walk.result, X86_WALK_OK);
    ck_assert_uint_eq(cpu.exception_num, 0);
}
END_TEST

START_TEST(code_ends_where_memory_does)
{
    struct crash_cpu cpu = cpu_at(RAM_SIZE - 2);

    write_bytes(RAM_SIZE - 2, "\x90\x0f", 2);
    explain(&cpu, VERDICT_TIMEOUT);
    ck_assert_uint_eq(cpu.code_num, 2);
    ck_assert_str_eq(cpu.code[0].text, "nop");
    ck_assert_str_eq(cpu.code[1].text, "(bad)");
}
END_TEST

START_TEST(a_triple_fault_shows_the_gates_that_did_not_help)
{
    static const uint8_t gate[16] = {0x00, 0x40, 8, 0, 0, 0x8e, 0, 0xd0};
    struct crash_cpu cpu = cpu_at(CODE);

    write_bytes(CODE, "\x0f\x0b", 2);
    write_bytes(IDT + 6 * 16, gate, sizeof(gate));
    explain(&cpu, VERDICT_TRIPLE_FAULT);
    ck_assert_uint_eq(cpu.exception_num, 2);
    ck_assert_uint_eq(cpu.exceptions[0].vector, 6);
    ck_assert_int_eq(cpu.exceptions[0].how, CRASH_HOW_GUESS);
    ck_assert_int_eq(cpu.exceptions[0].gate.result, X86_GATE_OK);
    ck_assert_int_eq(cpu.exceptions[0].handler, X86_WALK_NOT_PRESENT);
    ck_assert_uint_eq(cpu.exceptions[1].vector, 8);
    ck_assert_int_eq(cpu.exceptions[1].gate.result, X86_GATE_NOT_A_GATE);
}
END_TEST

START_TEST(what_kvm_was_delivering_comes_with_its_error_code)
{
    struct crash_cpu cpu = cpu_at(CODE);

    cpu.has_events = true;
    cpu.events.exception.injected = 1;
    cpu.events.exception.nr = 14;
    cpu.events.exception.has_error_code = 1;
    cpu.events.exception.error_code = 2;
    cpu.sregs.cr2 = UINT64_C(1) << 40;
    cpu.sregs.idt.limit = 0x10;
    explain(&cpu, VERDICT_INTERNAL_ERROR);
    ck_assert_uint_eq(cpu.exception_num, 1);
    ck_assert_int_eq(cpu.exceptions[0].how, CRASH_HOW_INJECTED);
    ck_assert(cpu.exceptions[0].has_error_code);
    ck_assert_uint_eq(cpu.exceptions[0].error_code, 2);
    ck_assert_int_eq(cpu.exceptions[0].gate.result, X86_GATE_BEYOND_LIMIT);
    ck_assert(cpu.has_cr2_walk);
    ck_assert_int_eq(cpu.cr2_walk.result, X86_WALK_NOT_PRESENT);
}
END_TEST

START_TEST(frame_pointers_are_followed_upwards_and_no_further)
{
    struct crash_cpu cpu = cpu_at(CODE);

    cpu.regs.rbp = STACK + 0x20;
    write_word(STACK + 0x20, STACK + 0x40);
    write_word(STACK + 0x28, BEHIND_CALL);
    write_word(STACK + 0x40, STACK + 0x20); /* back again */
    write_word(STACK + 0x48, BEHIND_CALL);
    explain(&cpu, VERDICT_TIMEOUT);
    ck_assert_uint_eq(cpu.frame_num, 2);
    ck_assert_uint_eq(cpu.frames[0].at, STACK + 0x28);
    ck_assert_uint_eq(cpu.frames[0].addr, BEHIND_CALL);
    ck_assert_uint_eq(cpu.frames[1].at, STACK + 0x48);
    ck_assert(!cpu.frames[0].guess && !cpu.frames[1].guess);
}
END_TEST

START_TEST(without_frame_pointers_return_addresses_are_guessed)
{
    struct crash_cpu cpu = cpu_at(CODE);

    cpu.regs.rbp = 7;
    write_word(STACK + 0x10, BEHIND_CALL);
    write_word(STACK + 0x18, BEHIND_CALL + 1); /* no call before it */
    write_word(STACK + 0x20, UINT64_MAX);
    write_word(STACK + 0x28, BEHIND_CALL);
    explain(&cpu, VERDICT_TIMEOUT);
    ck_assert_uint_eq(cpu.frame_num, 2);
    ck_assert(cpu.frames[0].guess && cpu.frames[1].guess);
    ck_assert_uint_eq(cpu.frames[1].at, STACK + 0x28);
}
END_TEST

START_TEST(a_call_to_nowhere_is_found_on_top_of_the_stack)
{
    struct crash_cpu cpu = cpu_at(0xd0000000);

    write_word(STACK, BEHIND_CALL);
    explain(&cpu, VERDICT_INTERNAL_ERROR);
    ck_assert_uint_eq(cpu.code_num, 0);
    ck_assert_uint_eq(cpu.frame_num, 1);
    ck_assert(!cpu.frames[0].guess);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
    bool call;
} calls[] = {
    {"\xe8\x01\x02\x03\x04", 5, true},
    {"\xff\xd0", 2, true},
    {"\xff\x50\x08", 3, true},
    {"\xff\x54\x24\x08", 4, true},
    {"\xff\x15\x01\x02\x03\x04", 6, true},
    {"\xff\x94\x24\x01\x02\x03\x04", 7, true},
    {"\xe9\x01\x02\x03\x04", 5, false},
    {"\xff\xe0", 2, false},
    {"\xff\x25\x01\x02\x03\x04", 6, false},
};

START_TEST(each_form_of_a_call_is_known)
{
    struct crash_cpu cpu = cpu_at(CODE);

    write_bytes(CODE + 0x208 - calls[_i].len, calls[_i].bytes, calls[_i].len);
    write_word(STACK, CODE + 0x208);
    explain(&cpu, VERDICT_TIMEOUT);
    ck_assert_uint_eq(cpu.frame_num, calls[_i].call);
}
END_TEST

static void append(void *opaque, const char *text)
{
    (void)strcat(opaque, text);
    (void)strcat(opaque, "\n");
}

static struct crash crash_of(struct crash_cpu *cpu)
{
    static const char words[] = "one\r\ntwo\nthree\nfour\nfive\x1b[2J\n";
    struct crash crash = {.cpus = cpu, .cpu_num = 1, .change_num = 1, .serial_num = 1};

    crash.changes[0] = (struct map_change){.number = 7,
                                           .cause = "set_enabled",
                                           .region = "rom",
                                           .added = 2,
                                           .first = 0xc0000,
                                           .last = 0xfffff};
    crash.serials[0] = (struct crash_serial){.name = "stdout", .len = sizeof(words) - 1};
    memcpy(crash.serials[0].data, words, sizeof(words) - 1);
    return crash;
}

START_TEST(the_text_says_where_why_and_what_before)
{
    struct crash_cpu cpu = cpu_at(CODE);
    struct crash crash;
    char text[16384] = "";

    write_bytes(CODE, "\x0f\x0b", 2);
    write_word(STACK, BEHIND_CALL);
    cpu.sregs.cr2 = UINT64_C(1) << 40;
    explain(&cpu, VERDICT_TRIPLE_FAULT);
    crash = crash_of(&cpu);
    crash_print(&crash, CRASH_FORM_SHORT, append, text);
    ck_assert_ptr_nonnull(strstr(text, "cpu 0 at 0x4000: 64-bit code, paging 4-level"));
    ck_assert_ptr_nonnull(strstr(text, "rip=0000000000004000"));
    ck_assert_ptr_nonnull(strstr(text, "exception #UD (6), a guess: no handler: gate at 0x3060"));
    ck_assert_ptr_nonnull(strstr(text, "cr2 0x10000000000 is not mapped: not present"));
    ck_assert_ptr_null(strstr(text, "rip 0x4000 is at physical"));
    ck_assert_ptr_nonnull(strstr(text, "> 0x4000: 0f 0b"));
    ck_assert_ptr_nonnull(strstr(text, "? 0x4105"));
    ck_assert_ptr_nonnull(strstr(text, "7: memory 0xc0000-0xfffff: 0 removed, 2 added"));
    ck_assert_ptr_nonnull(strstr(text, "| two\n| three\n| four\n| five"));
    ck_assert_ptr_null(strstr(text, "| one"));
    text[0] = '\0';
    crash_print(&crash, CRASH_FORM_FULL, append, text);
    ck_assert_ptr_nonnull(strstr(text, "rip 0x4000 is at physical 0x4000, page of 0x40000000"));
    ck_assert_ptr_nonnull(strstr(text, "| one\n"));
    text[0] = '\0';
    crash_print(&crash, CRASH_FORM_NONE, append, text);
    ck_assert_str_eq(text, "");
}
END_TEST

static struct history_line byte_out(uint64_t port, char byte)
{
    return (struct history_line){.exit = {.reason = KVM_EXIT_IO,
                                          .addr = port,
                                          .value = (uint8_t)byte,
                                          .count = 1,
                                          .size = 1,
                                          .write = true,
                                          .done = true},
                                 .region = "serial"};
}

START_TEST(bytes_written_to_one_port_in_a_row_are_one_line)
{
    const struct history_line exits[] = {
        byte_out(0x3f9, 1),   byte_out(0x3f8, 'h'), byte_out(0x3f8, 'i'),
        byte_out(0x3f8, 0xa), byte_out(0x3f9, 2),   {.cpu = 1, .exit = {.reason = KVM_EXIT_HLT}},
    };
    const struct crash crash = {.exits = exits, .exit_num = sizeof(exits) / sizeof(exits[0])};
    char text[1024] = "";

    crash_print(&crash, CRASH_FORM_FULL, append, text);
    ck_assert_str_eq(text, "last exits:\n"
                           "  cpu 0 port write 0x3f9 size 1 value 0x1 (serial+0x0)\n"
                           "  cpu 0 port write 0x3f8 3 bytes \"hi.\" (serial+0x0)\n"
                           "  cpu 0 port write 0x3f9 size 1 value 0x2 (serial+0x0)\n"
                           "  cpu 1 hlt\n");
}
END_TEST

START_TEST(an_error_code_is_told_of_its_exception_alone)
{
    struct crash_cpu cpu = cpu_at(CODE);
    struct crash crash = {.cpus = &cpu, .cpu_num = 1};
    char text[16384] = "";

    cpu.has_events = true;
    cpu.events.exception.injected = 1;
    cpu.events.exception.nr = 13;
    cpu.events.exception.has_error_code = 1;
    cpu.events.exception.error_code = 0x42;
    explain(&cpu, VERDICT_TRIPLE_FAULT);
    crash_print(&crash, CRASH_FORM_SHORT, append, text);
    ck_assert_ptr_nonnull(strstr(text, "exception #GP (13) error 0x42, being delivered"));
    ck_assert_ptr_nonnull(strstr(text, "exception #DF (8), a guess"));
}
END_TEST

START_TEST(registers_of_an_earlier_exit_are_called_so)
{
    struct crash_cpu cpu = cpu_at(CODE);
    struct crash crash = {.cpus = &cpu, .cpu_num = 1};
    char text[16384] = "";

    cpu.source = CRASH_SOURCE_LAST_EXIT;
    cpu.exits_since = 5;
    explain(&cpu, VERDICT_TRIPLE_FAULT);
    crash_print(&crash, CRASH_FORM_SHORT, append, text);
    ck_assert_ptr_nonnull(strstr(text, "KVM has reset the CPU"));
    ck_assert_ptr_nonnull(strstr(text, "5 exits older"));
    ck_assert_ptr_nonnull(strstr(text, "by the IDT of then"));
    text[0] = '\0';
    cpu = (struct crash_cpu){.source = CRASH_SOURCE_RESET};
    explain(&cpu, VERDICT_TRIPLE_FAULT);
    crash_print(&crash, CRASH_FORM_SHORT, append, text);
    ck_assert_str_eq(text, "cpu 0: KVM has reset it, its registers are lost\n");
}
END_TEST

START_TEST(the_json_has_the_same)
{
    struct crash_cpu cpu = cpu_at(CODE);
    struct crash crash;
    const char *state, *rip, *code, *gate, *how, *cause, *line;
    json_t *root;
    int version;

    write_bytes(CODE, "\x0f\x0b", 2);
    write_word(STACK, BEHIND_CALL);
    explain(&cpu, VERDICT_TRIPLE_FAULT);
    crash = crash_of(&cpu);
    root = crash_json(&crash);
    ck_assert_ptr_nonnull(root);
    ck_assert_int_eq(
        json_unpack(root,
                    "{s:i s:[{s:s s:{s:s} s:[{s:s}] s:[{s:{s:s}}] s:[{s:s}]}] s:[{s:s}] "
                    "s:[{s:[s]}]}",
                    "version", &version, "cpus", "state", &state, "rip", "address", &rip, "code",
                    "text", &code, "exceptions", "gate", "result", &gate, "stack", "how", &how,
                    "map_changes", "cause", &cause, "serial", "lines", &line),
        0);
    ck_assert_int_eq(version, 1);
    ck_assert_str_eq(state, "end");
    ck_assert_str_eq(rip, "0x4000");
    ck_assert_str_eq(code, "ud2");
    ck_assert_str_eq(gate, "not a gate");
    ck_assert_str_eq(how, "guess");
    ck_assert_str_eq(cause, "set_enabled");
    ck_assert_str_eq(line, "one");
    json_decref(root);
}
END_TEST

START_TEST(the_last_changes_of_the_map_are_kept)
{
    struct map_changes changes;
    struct map_change last[MAP_CHANGES_LEN];
    MemoryRegion *ram = ram_new(f, "flip", PAGE);
    AddressSpace io;
    int i;

    OK(address_space_init(&io, &f->core, f->root, "io", MEMORY_UNASSIGNED_MEMORY));
    put(f->root, UINT64_C(1) << 32, ram);
    OK(map_changes_start(&changes, &f->as, &io));
    ck_assert_uint_eq(map_changes_read(&changes, last), 0);
    for (i = 0; i < MAP_CHANGES_LEN; i++) {
        OK(memory_region_set_enabled(ram, i % 2 == 1));
    }
    ck_assert_uint_eq(map_changes_read(&changes, last), MAP_CHANGES_LEN);
    ck_assert_uint_eq(last[0].number, MAP_CHANGES_LEN + 1); /* two spaces show it */
    ck_assert_uint_eq(last[MAP_CHANGES_LEN - 1].added, 1);
    ck_assert_uint_eq(last[MAP_CHANGES_LEN - 1].first, UINT64_C(1) << 32);
    ck_assert_uint_eq(last[MAP_CHANGES_LEN - 1].last, (UINT64_C(1) << 32) + PAGE - 1);
    ck_assert_str_eq(last[MAP_CHANGES_LEN - 1].region, "flip");
    map_changes_stop(&changes);
    map_changes_stop(&changes);
    address_space_finish(&io);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crash");
    TCase *tcase = tcase_create("crash");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, code_is_disassembled_from_rip_on);
    tcase_add_test(tcase, code_ends_where_memory_does);
    tcase_add_test(tcase, a_triple_fault_shows_the_gates_that_did_not_help);
    tcase_add_test(tcase, what_kvm_was_delivering_comes_with_its_error_code);
    tcase_add_test(tcase, frame_pointers_are_followed_upwards_and_no_further);
    tcase_add_test(tcase, without_frame_pointers_return_addresses_are_guessed);
    tcase_add_test(tcase, a_call_to_nowhere_is_found_on_top_of_the_stack);
    tcase_add_table_test(tcase, each_form_of_a_call_is_known, calls);
    tcase_add_test(tcase, the_text_says_where_why_and_what_before);
    tcase_add_test(tcase, bytes_written_to_one_port_in_a_row_are_one_line);
    tcase_add_test(tcase, an_error_code_is_told_of_its_exception_alone);
    tcase_add_test(tcase, registers_of_an_earlier_exit_are_called_so);
    tcase_add_test(tcase, the_json_has_the_same);
    tcase_add_test(tcase, the_last_changes_of_the_map_are_kept);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
