/* test_trace_spec.c - the grammar of --trace. */
#include "vmm/trace_spec.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run_suite.h"
#include "vmm/trace_registers.h"

static const struct {
    const char *text;
    size_t rule_num;
    enum trace_format format;
    const char *file;
    struct trace_rule last; /* the last rule */
} good[] = {
    {"pio", 1, TRACE_TEXT, NULL, {TRACE_PIO, TRACE_ANY_CPU, 0, UINT64_MAX, "", ""}},
    {"pio,mmio,commit=x.json",
     3,
     TRACE_CHROME,
     "x.json",
     {TRACE_COMMIT, TRACE_ANY_CPU, 0, UINT64_MAX, "", ""}},
    {"exits=x.jsonl",
     1,
     TRACE_JSON,
     "x.jsonl",
     {TRACE_EXITS, TRACE_ANY_CPU, 0, UINT64_MAX, "", ""}},
    {"exits=.json", 1, TRACE_CHROME, ".json", {TRACE_EXITS, TRACE_ANY_CPU, 0, UINT64_MAX, "", ""}},
    {"exits,format=json=a,b:c=d.txt",
     1,
     TRACE_JSON,
     "a,b:c=d.txt",
     {TRACE_EXITS, TRACE_ANY_CPU, 0, UINT64_MAX, "", ""}},
    {"format=chrome,irq:line=4-5", 1, TRACE_CHROME, NULL, {TRACE_IRQ, TRACE_ANY_CPU, 4, 5, "", ""}},
    {"mmio:region=hp*:addr=0x10-0x1f:cpu=254=f",
     1,
     TRACE_TEXT,
     "f",
     {TRACE_MMIO, 254, 0x10, 0x1f, "hp*", ""}},
    {"pio:addr=0-18446744073709551615",
     1,
     TRACE_TEXT,
     NULL,
     {TRACE_PIO, TRACE_ANY_CPU, 0, UINT64_MAX, "", ""}},
    {"pio:addr=0xf4", 1, TRACE_TEXT, NULL, {TRACE_PIO, TRACE_ANY_CPU, 0xf4, 0xf4, "", ""}},
    {"serial1.IIR:cpu=0",
     1,
     TRACE_TEXT,
     NULL,
     {TRACE_REGISTER, 0, 0, UINT64_MAX, "serial1", "IIR"}},
    {"hpet.*", 1, TRACE_TEXT, NULL, {TRACE_REGISTER, TRACE_ANY_CPU, 0, UINT64_MAX, "hpet", "*"}},
};

START_TEST(events_filters_format_and_file_are_taken_apart)
{
    struct trace_spec spec;
    struct error err;
    const struct trace_rule *last;

    ck_assert_int_eq(trace_spec_parse(good[_i].text, &spec, &err), 0);
    ck_assert_uint_eq(spec.rule_num, good[_i].rule_num);
    ck_assert_int_eq((int)spec.format, (int)good[_i].format);
    ck_assert_pstr_eq(spec.file, good[_i].file);
    last = &spec.rules[spec.rule_num - 1];
    ck_assert_int_eq((int)last->event, (int)good[_i].last.event);
    ck_assert_int_eq(last->cpu, good[_i].last.cpu);
    ck_assert_uint_eq(last->first, good[_i].last.first);
    ck_assert_uint_eq(last->last, good[_i].last.last);
    ck_assert_str_eq(last->region, good[_i].last.region);
    ck_assert_str_eq(last->reg, good[_i].last.reg);
}
END_TEST

/* What the command line's own tests do not have. */
static const char *const bad[] = {
    "",
    ",",
    "=f",
    "pio=",
    "pio,,mmio",
    "pio:region=",
    "pio:region=a-name-that-is-longer-than-any-region-has",
    "pio:cpu=255",
    "pio:cpu=-1",
    "pio:addr=",
    "pio:addr=1-",
    "pio:addr=1-2-3",
    "pio:addr=18446744073709551616",
    "pio:addr",
    "exits:addr=1",
    "commit:cpu=0",
    "register",
    ".IIR",
    "serial.",
    "serial.II",
    "serialx.IIR",
    "serial.IIR:region=serial",
    "format=json",
    "pio,format=",
    "pio,format",
    "pio,format=text:cpu=0",
};

START_TEST(what_makes_no_sense_is_refused_with_a_line)
{
    struct trace_spec spec;
    struct error err = {.text = ""};

    ck_assert_int_eq(trace_spec_parse(bad[_i], &spec, &err), -EINVAL);
    ck_assert_uint_gt(strlen(err.text), 0);
    ck_assert_ptr_null(strchr(err.text, '\n'));
}
END_TEST

START_TEST(all_is_every_event_and_rules_are_limited)
{
    struct trace_spec spec;
    struct error err;
    char text[256] = "all";
    size_t i, num;

    ck_assert_int_eq(trace_spec_parse("all", &spec, &err), 0);
    num = spec.rule_num;
    ck_assert_uint_ge(num, 7);
    for (i = 0; i < num; i++) {
        ck_assert_str_ne(trace_event_name(spec.rules[i].event), "register");
    }
    for (i = num; i + num <= TRACE_RULES_MAX; i += num) {
        (void)strcat(text, ",all");
    }
    ck_assert_int_eq(trace_spec_parse(text, &spec, &err), 0);
    (void)strcat(text, ",all");
    ck_assert_int_eq(trace_spec_parse(text, &spec, &err), -EINVAL);
}
END_TEST

START_TEST(a_command_takes_one_event)
{
    struct trace_rule rules[TRACE_EVENT_NUM];
    struct error err;

    ck_assert_int_eq(trace_rules_parse("mmio:cpu=1", rules, &err), 1);
    ck_assert_int_eq(rules[0].cpu, 1);
    ck_assert_int_gt(trace_rules_parse("all", rules, &err), 1);
    ck_assert_int_eq(trace_rules_parse("pio,mmio", rules, &err), -EINVAL);
    ck_assert_int_eq(trace_rules_parse("pio=file", rules, &err), -EINVAL);
    ck_assert_int_eq(trace_rules_parse("format=json", rules, &err), -EINVAL);
}
END_TEST

static const struct {
    const char *region;
    uint64_t offset;
    bool write;
    const char *name;
} registers[] = {
    {"serial", 2, false, "IIR"},
    {"serial", 2, true, "FCR"},
    {"serial", 5, true, "LSR"},
    {"serial3", 0, false, "RBR/DLL"},
    {"serial", 8, false, NULL},
    {"serial-1", 0, false, NULL},
    {"hpet", 0xf4, false, "MAIN_CNT"},
    {"hpet", 0xf8, false, NULL},
    {"fw_cfg", 0, true, "SELECTOR"},
    {"fw_cfg", 1, false, "DATA"},
    {"fw_cfg-dma", 4, true, "ADDRESS_LOW"},
    {"acpi-pm", 11, false, "PM_TMR"},
    {"bank-switch", 0x30, true, "COMMAND"},
    {"iommu-registers", 0x7c, false, "ENTRY"},
    {"ram", 0, false, NULL},
};

START_TEST(registers_have_the_names_of_the_data_sheets)
{
    const char *name = trace_register_name(trace_registers_of(registers[_i].region),
                                           registers[_i].offset, registers[_i].write);

    ck_assert_pstr_eq(name, registers[_i].name);
}
END_TEST

START_TEST(a_register_of_two_names_answers_to_each)
{
    ck_assert(trace_register_is("RBR/DLL", "RBR"));
    ck_assert(trace_register_is("RBR/DLL", "DLL"));
    ck_assert(trace_register_is("RBR/DLL", "RBR/DLL"));
    ck_assert(trace_register_is("RBR/DLL", "*"));
    ck_assert(!trace_register_is("RBR/DLL", "RB"));
    ck_assert(!trace_register_is("RBR/DLL", "LL"));
    ck_assert(!trace_register_is("IIR", "IIR2"));
    ck_assert(trace_registers_have(trace_registers_of("serial"), "FCR"));
    ck_assert(!trace_registers_have(NULL, "*"));
}
END_TEST

START_TEST(the_list_of_events_says_when_it_cannot_be_written)
{
    int fd = open("/dev/full", O_WRONLY);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(trace_events_print(fd), -ENOSPC);
    (void)close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace_spec");
    TCase *tc = tcase_create("grammar");

    tcase_add_table_test(tc, events_filters_format_and_file_are_taken_apart, good);
    tcase_add_table_test(tc, what_makes_no_sense_is_refused_with_a_line, bad);
    tcase_add_test(tc, all_is_every_event_and_rules_are_limited);
    tcase_add_test(tc, a_command_takes_one_event);
    tcase_add_table_test(tc, registers_have_the_names_of_the_data_sheets, registers);
    tcase_add_test(tc, a_register_of_two_names_answers_to_each);
    tcase_add_test(tc, the_list_of_events_says_when_it_cannot_be_written);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
