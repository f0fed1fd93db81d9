/* test_trace_format.c - one event of each kind, in each format. */
#include "vmm/trace_format.h"

#include <check.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"

static char written[16384];
static size_t used;

static void keep(void *opaque, const char *text, size_t len)
{
    (void)opaque;
    ck_assert_uint_lt(used + len, sizeof(written));
    memcpy(written + used, text, len);
    used += len;
    written[used] = '\0';
}

static struct memory_sink sink = {.write = keep};

static const struct {
    struct trace_record record;
    int cpu;
    uint64_t took_ns;
    const char *region, *stage;
    bool is_dropped;
    const char *text, *json, *chrome; /* chrome: name, ph, tid */
} cases[] = {
    {{.event = TRACE_PIO,
      .addr = 0x3fa,
      .value = 0xc1,
      .offset = 2,
      .reg = "IIR",
      .size = 1,
      .count = 1},
     0,
     1100,
     "serial",
     NULL,
     false,
     "1.500000000 cpu 0 pio read 0x3fa size 1 value 0xc1 (serial+0x2 IIR) 1.1 us\n",
     "{\"time\":1.5,\"event\":\"pio\",\"cpu\":0,\"direction\":\"read\",\"address\":\"0x3fa\","
     "\"size\":1,\"count\":1,\"value\":\"0xc1\",\"region\":\"serial\",\"offset\":\"0x2\","
     "\"register\":\"IIR\",\"us\":1.1}\n",
     "serial.IIR X 2"},
    {{.event = TRACE_MMIO, .addr = 1ULL << 40, .value = 9, .size = 8, .count = 3, .write = 1},
     3,
     0,
     NULL,
     NULL,
     false,
     "1.500000000 cpu 3 mmio write 0x10000000000 size 8 count 3 value 0x9\n",
     "{\"time\":1.5,\"event\":\"mmio\",\"cpu\":3,\"direction\":\"write\",\"address\":"
     "\"0x10000000000\",\"size\":8,\"count\":3,\"value\":\"0x9\"}\n",
     "unassigned 0x10000000000 i 5"},
    {{.event = TRACE_IRQ, .addr = 4, .value = 1},
     -1,
     0,
     NULL,
     NULL,
     false,
     "1.500000000 irq line 4 level 1\n",
     "{\"time\":1.5,\"event\":\"irq\",\"line\":4,\"level\":1}\n",
     "irq 4 up i 1"},
    {{.event = TRACE_MSR, .addr = 0x4b, .value = 7, .size = 1, .write = 1},
     1,
     0,
     NULL,
     NULL,
     false,
     "1.500000000 cpu 1 msr write 0x4b value 0x7 refused\n",
     "{\"time\":1.5,\"event\":\"msr\",\"cpu\":1,\"direction\":\"write\",\"msr\":\"0x4b\","
     "\"value\":\"0x7\"}\n",
     "msr 0x4b i 3"},
    {{.event = TRACE_SLOTS,
      .addr = 0x1000,
      .value = 0x2000,
      .count = 5,
      .size = KVM_MEM_READONLY | KVM_MEM_LOG_DIRTY_PAGES,
      .write = TRACE_SLOT_ADDED},
     -1,
     2000,
     "ro\"m",
     NULL,
     false,
     "1.500000000 slot 5 added 0x1000-0x2fff (ro,log) ro\"m 2.0 us\n",
     "{\"time\":1.5,\"event\":\"slots\",\"slot\":5,\"change\":\"added\",\"first\":\"0x1000\","
     "\"last\":\"0x2fff\",\"flags\":[\"readonly\",\"log-dirty-pages\"],\"region\":\"ro\\\"m\","
     "\"us\":2.0}\n",
     "slot 5 added i 1"},
    {{.event = TRACE_SLOTS, .value = 0, .write = TRACE_SLOT_REMOVED},
     -1,
     0,
     "all",
     NULL,
     false,
     "1.500000000 slot 0 removed 0x0-0xffffffffffffffff (rw) all\n",
     "{\"time\":1.5,\"event\":\"slots\",\"slot\":0,\"change\":\"removed\",\"first\":\"0x0\","
     "\"last\":\"0xffffffffffffffff\",\"flags\":[],\"region\":\"all\"}\n",
     "slot 0 removed i 1"},
    {{.event = TRACE_EXITS, .write = KVM_EXIT_HLT},
     0,
     500,
     NULL,
     NULL,
     false,
     "1.500000000 cpu 0 exit hlt 0.5 us\n",
     "{\"time\":1.5,\"event\":\"exits\",\"cpu\":0,\"reason\":\"hlt\",\"us\":0.5}\n",
     "exit hlt X 2"},
    {{.event = TRACE_BOOT},
     -1,
     0,
     NULL,
     "board built",
     false,
     "1.500000000 boot board built\n",
     "{\"time\":1.5,\"event\":\"boot\",\"stage\":\"board built\"}\n",
     "board built i 10000"},
    {{.value = 12},
     2,
     0,
     NULL,
     NULL,
     true,
     "1.500000000 cpu 2 12 events dropped\n",
     "{\"time\":1.5,\"event\":\"dropped\",\"cpu\":2,\"count\":12}\n",
     "12 events dropped i 4"},
};

static void format(enum trace_format how, int i)
{
    const struct trace_line line = {
        .record = &cases[i].record,
        .cpu = cases[i].cpu,
        .ns = 1500000000,
        .took_ns = cases[i].took_ns,
        .region = cases[i].region,
        .stage = cases[i].stage,
        .is_dropped = cases[i].is_dropped,
    };

    trace_format_line(how, &line, &sink);
}

START_TEST(each_event_has_its_line_of_text_and_of_json)
{
    format(TRACE_TEXT, _i);
    ck_assert_str_eq(written, cases[_i].text);
    used = 0;
    format(TRACE_JSON, _i);
    ck_assert_str_eq(written, cases[_i].json);
}
END_TEST

START_TEST(a_trace_for_perfetto_is_one_array_of_complete_events)
{
    json_t *array, *event;
    char summary[128];
    size_t i, num = sizeof(cases) / sizeof(cases[0]), meta = 3 + 4;

    trace_format_begin(TRACE_CHROME, 4, &sink);
    for (i = 0; i < num; i++) {
        format(TRACE_CHROME, (int)i);
    }
    trace_format_end(TRACE_CHROME, &sink);
    array = json_loads(written, 0, NULL);
    ck_assert_ptr_nonnull(array);
    ck_assert_uint_eq(json_array_size(array), meta + num);
    for (i = 0; i < num; i++) {
        event = json_array_get(array, meta + i);
        (void)snprintf(summary, sizeof(summary), "%s %s %lld",
                       json_string_value(json_object_get(event, "name")),
                       json_string_value(json_object_get(event, "ph")),
                       (long long)json_integer_value(json_object_get(event, "tid")));
        ck_assert_str_eq(summary, cases[i].chrome);
        ck_assert(json_real_value(json_object_get(event, "ts")) == 1500000.0);
        ck_assert(json_is_object(json_object_get(event, "args")));
    }
    json_decref(array);
}
END_TEST

/* Is `tid` among the array's thread_name events? */
static bool is_named(const json_t *array, json_int_t tid)
{
    const json_t *event;
    size_t i;

    json_array_foreach(array, i, event)
    {
        const char *name = json_string_value(json_object_get(event, "name"));

        if (name && strcmp(name, "thread_name") == 0 &&
            json_integer_value(json_object_get(event, "tid")) == tid) {
            return true;
        }
    }
    return false;
}

/* Source: Trace Event Format, "Complete Events", "Instant Events", "Metadata Events". */
static void check_event(const json_t *array, const json_t *event)
{
    const char *name, *phase = json_string_value(json_object_get(event, "ph")), *meant;
    const json_t *ts = json_object_get(event, "ts"), *dur = json_object_get(event, "dur");
    json_int_t tid = json_integer_value(json_object_get(event, "tid"));

    name = json_string_value(json_object_get(event, "name"));
    ck_assert(name && name[0] && phase && phase[0] && !phase[1]);
    ck_assert_int_gt(json_integer_value(json_object_get(event, "pid")), 0);
    switch (phase[0]) {
    case 'M':
        meant = json_string_value(json_object_get(json_object_get(event, "args"), "name"));
        ck_assert(meant && meant[0]);
        ck_assert(strcmp(name, "process_name") == 0 || strcmp(name, "thread_name") == 0);
        ck_assert(tid > 0 || strcmp(name, "process_name") == 0);
        return;
    case 'X':
        ck_assert(json_is_number(dur) && json_number_value(dur) >= 0);
        break;
    case 'i':
        ck_assert_str_eq(json_string_value(json_object_get(event, "s")), "t");
        ck_assert_ptr_null(dur);
        break;
    default:
        ck_abort_msg("phase %s", phase);
    }
    ck_assert(json_is_number(ts) && json_number_value(ts) >= 0);
    ck_assert_ptr_nonnull(json_string_value(json_object_get(event, "cat")));
    ck_assert_int_gt(tid, 0);
    ck_assert_msg(is_named(array, tid), "thread %lld has no name", (long long)tid);
}

START_TEST(each_event_has_what_its_phase_wants_and_a_named_thread)
{
    json_t *array, *event;
    size_t i;

    trace_format_begin(TRACE_CHROME, 4, &sink);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        format(TRACE_CHROME, (int)i);
    }
    trace_format_end(TRACE_CHROME, &sink);
    array = json_loads(written, 0, NULL);
    ck_assert_ptr_nonnull(array);
    json_array_foreach(array, i, event)
    {
        check_event(array, event);
    }
    json_decref(array);
}
END_TEST

START_TEST(a_commit_is_written_as_it_was_rendered)
{
    struct trace_note *note = calloc(1, sizeof(*note));
    struct trace_record record = {.event = TRACE_COMMIT, .note = note};
    const struct trace_line line = {.record = &record, .cpu = -1, .ns = 5000, .took_ns = 2000};
    json_t *array, *event;

    ck_assert_ptr_nonnull(note);
    note->text = strdup("commit 1: io\n  + 1\n");
    note->json = json_pack("{s:i, s:s}", "commit", 1, "cause", "set_size");
    trace_format_line(TRACE_TEXT, &line, &sink);
    ck_assert_str_eq(written, "0.000005000 commit 1: io\n  + 1\n");
    used = 0;
    trace_format_line(TRACE_JSON, &line, &sink);
    ck_assert_str_eq(written, "{\"time\":5e-6,\"event\":\"commit\",\"commit\":1,\"cause\":"
                              "\"set_size\",\"us\":2.0}\n");
    used = 0;
    trace_format_begin(TRACE_CHROME, 0, &sink);
    trace_format_line(TRACE_CHROME, &line, &sink);
    trace_format_end(TRACE_CHROME, &sink);
    array = json_loads(written, 0, NULL);
    event = json_array_get(array, 3);
    ck_assert_str_eq(json_string_value(json_object_get(event, "name")), "commit set_size");
    ck_assert(json_real_value(json_object_get(event, "ts")) == 3.0);
    ck_assert(json_real_value(json_object_get(event, "dur")) == 2.0);
    json_decref(array);
    trace_note_free(note);
}
END_TEST

static void setup(void)
{
    used = 0;
}

int main(void)
{
    Suite *suite = suite_create("trace_format");
    TCase *tc = tcase_create("formats");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_table_test(tc, each_event_has_its_line_of_text_and_of_json, cases);
    tcase_add_test(tc, a_trace_for_perfetto_is_one_array_of_complete_events);
    tcase_add_test(tc, each_event_has_what_its_phase_wants_and_a_named_thread);
    tcase_add_test(tc, a_commit_is_written_as_it_was_rendered);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
