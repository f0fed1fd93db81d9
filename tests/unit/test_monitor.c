/*
 * test_monitor.c - what commands check their arguments with, the choice of a human command, and a
 * session's answers. The machine has neither CPU nor board; whole machines are in the tests of the
 * command line.
 */
#include "vmm/monitor.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"
#include "vmm/monitor_text.h"
#include "vmm/qmp_session.h"

static struct machine machine;
static struct error err;

static const struct {
    const char *arguments;
    int want;
    const char *text; /* in the error */
} checks[] = {
    {"{\"name\":\"x\"}", 0, NULL},
    {"{\"name\":\"x\",\"flag\":true}", 0, NULL},
    {"{\"name\":\"x\",\"flag\":false}", 0, NULL},
    {"{}", -EINVAL, "'name' is missing"},
    {"{\"name\":1}", -EINVAL, "'name' must be a string"},
    {"{\"name\":null}", -EINVAL, "'name' must be a string"},
    {"{\"name\":\"x\",\"flag\":0}", -EINVAL, "'flag' must be true or false"},
    {"{\"name\":\"x\",\"other\":1}", -EINVAL, "'other' is unexpected"},
};

START_TEST(arguments_are_known_of_their_type_and_there)
{
    static const struct qmp_argument wanted[] = {
        {"name", JSON_STRING, false},
        {"flag", JSON_TRUE, true},
    };
    json_t *arguments = json_loads(checks[_i].arguments, 0, NULL);

    ck_assert_int_eq(qmp_check_arguments(arguments, wanted, 2, &err), checks[_i].want);
    ck_assert(!checks[_i].text || strstr(err.text, checks[_i].text));
    json_decref(arguments);
}
END_TEST

static const struct {
    const char *value;
    int want;
    uint64_t address;
} addresses[] = {
    {"0", 0, 0},
    {"4096", 0, 4096},
    {"9223372036854775807", 0, INT64_MAX},
    {"\"0xfee00000\"", 0, 0xfee00000},
    {"\"0xffffffffffffffff\"", 0, UINT64_MAX},
    {"\"17\"", 0, 17},
    {"-1", -EINVAL, 0},
    {"1.5", -EINVAL, 0},
    {"\"\"", -EINVAL, 0},
    {"\"0x\"", -EINVAL, 0},
    {"\"12 \"", -EINVAL, 0},
    {"\"0x10000000000000000\"", -EINVAL, 0},
    {"true", -EINVAL, 0},
    {"null", -EINVAL, 0},
};

START_TEST(address_is_a_number_or_its_text)
{
    json_t *value = json_loads(addresses[_i].value, JSON_DECODE_ANY, NULL);
    uint64_t address = 0;

    ck_assert_int_eq(qmp_address(value, "at", &address, &err), addresses[_i].want);
    if (addresses[_i].want == 0) {
        ck_assert_uint_eq(address, addresses[_i].address);
    } else {
        ck_assert_ptr_nonnull(strstr(err.text, "'at'"));
    }
    json_decref(value);
}
END_TEST

static const struct {
    const char *line;
    int want;
    const char *text; /* in what was written, or in the error */
} lines[] = {
    {"info status", 0, "VM status: running"},
    {"  info \t status \r\n", 0, "VM status: running"},
    {"help info status", 0, "info status"},
    {"info status now", -EINVAL, "takes no arguments"},
    {"infostatus", -ENOENT, "infostatus: unknown command"},
    {" info ", 0, "info status "},
    {"info stat", -ENOENT, "info: unknown command"},
    {"", 0, ""},
    {" \r\n", 0, ""},
    {"help nonsense", -ENOENT, "nonsense: unknown command"},
};

START_TEST(human_command_is_found_by_its_whole_words)
{
    struct monitor_text text;
    json_t *string;
    int ret;

    monitor_text_init(&text);
    ret = hmp_run(&machine, 0, lines[_i].line, &text.sink, &err);
    ck_assert_int_eq(ret, lines[_i].want);
    string = monitor_text_finish(&text, ret, &err);
    ck_assert_ptr_nonnull(strstr(string ? json_string_value(string) : err.text, lines[_i].text));
    json_decref(string);
}
END_TEST

START_TEST(arguments_of_a_human_command_have_a_limit)
{
    char line[2048] = "help ";
    struct monitor_text text;

    memset(line + 5, 'x', sizeof(line) - 6);
    monitor_text_init(&text);
    ck_assert_int_eq(hmp_run(&machine, 0, line, &text.sink, &err), -E2BIG);
    ck_assert_ptr_null(monitor_text_finish(&text, -E2BIG, &err));
}
END_TEST

START_TEST(text_that_is_no_utf8_or_too_much_does_not_get_lost_unsaid)
{
    static char much[MONITOR_TEXT_MAX];
    struct monitor_text text;
    json_t *string;

    monitor_text_init(&text);
    text.sink.write(text.sink.opaque, "a\xff\0b", 4);
    string = monitor_text_finish(&text, 0, &err);
    ck_assert_uint_eq(json_string_length(string), 4);
    ck_assert_mem_eq(json_string_value(string), "a?\0b", 4);
    json_decref(string);
    monitor_text_init(&text);
    text.sink.write(text.sink.opaque, much, sizeof(much));
    text.sink.write(text.sink.opaque, "x", 1);
    ck_assert_ptr_null(monitor_text_finish(&text, 0, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "more than 4 MiB"));
}
END_TEST

/* ---- sessions ---- */

static char heard[8192];

static void hear(void *opaque, const char *data, size_t len)
{
    ck_assert_ptr_eq(opaque, &machine);
    ck_assert_uint_lt(strlen(heard) + len, sizeof(heard));
    strncat(heard, data, len);
}

static const struct {
    bool ready;
    const char *input, *want; /* want: the last line */
} talks[] = {
    {false, "{\"execute\":\"query-name\",\"id\":1}",
     "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"Expecting capabilities negotiation with "
     "'qmp_capabilities'\"},\"id\":1}"},
    {false, "{\"execute\":\"qmp_capabilities\"}", "{\"return\":{}}"},
    {false, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[]}}", "{\"return\":{}}"},
    {false, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}",
     "{\"error\":{\"class\":\"GenericError\",\"desc\":\"there is no capability to enable\"}}"},
    {true, "{\"execute\":\"query-name\",\"id\":null}", "{\"return\":{},\"id\":null}"},
    {true, "{\"id\":{\"a\":[1,2]},\"execute\":\"query-name\"}",
     "{\"return\":{},\"id\":{\"a\":[1,2]}}"},
    {true, "{\"execute\":\"query-name\",\"id\":2,\"control\":{}}",
     "{\"error\":{\"class\":\"GenericError\",\"desc\":\"QMP input member 'control' is "
     "unexpected\"},\"id\":2}"},
    {true, "{\"execute\":\"nope\"}",
     "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"The command nope has not been "
     "found\"}}"},
    {true,
     "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"help\","
     "\"cpu-index\":1}}",
     "{\"error\":{\"class\":\"GenericError\",\"desc\":\"Parameter 'cpu-index' must be the number "
     "of a CPU\"}}"},
    {true, "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"\"}}",
     "{\"return\":\"\"}"},
    {true, "{\"execute\":\"system_reset\"}",
     "{\"error\":{\"class\":\"GenericError\",\"desc\":\"this machine cannot be restarted "
     "(--reboot)\"}}"},
};

START_TEST(session_answers_each_message_with_one_line)
{
    struct qmp_session session = {
        .machine = &machine, .send = hear, .opaque = &machine, .ready = talks[_i].ready};
    char *line;

    heard[0] = '\0';
    qmp_session_start(&session);
    ck_assert_ptr_nonnull(strstr(heard, "\"capabilities\":[]}}\r\n"));
    line = heard + strlen(heard);
    ck_assert_uint_eq(qmp_session_receive(&session, talks[_i].input, strlen(talks[_i].input)),
                      strlen(talks[_i].input));
    qmp_session_finish(&session);
    ck_assert_msg(strncmp(line, talks[_i].want, strlen(talks[_i].want)) == 0, "%s", line);
    ck_assert_str_eq(line + strlen(talks[_i].want), "\r\n");
}
END_TEST

START_TEST(answer_that_is_too_long_is_an_error_with_its_id)
{
    static const char ask[] =
        "{\"execute\":\"query-commands\",\"id\":7}{\"execute\":\"query-name\"}";
    struct qmp_session session = {
        .machine = &machine, .send = hear, .opaque = &machine, .ready = true, .answer_max = 128};
    size_t used;

    heard[0] = '\0';
    used = qmp_session_receive(&session, ask, strlen(ask));
    (void)qmp_session_receive(&session, ask + used, strlen(ask) - used);
    qmp_session_finish(&session);
    ck_assert_str_eq(heard, "{\"error\":{\"class\":\"GenericError\",\"desc\":\"the answer would be "
                            "too long\"},\"id\":7}\r\n{\"return\":{}}\r\n");
}
END_TEST

START_TEST(commands_have_each_name_once)
{
    const struct qmp_command *qmp, *other;
    const struct hmp_command *hmp, *another;

    for (qmp = qmp_commands; qmp->name; qmp++) {
        ck_assert_ptr_nonnull(qmp->run);
        for (other = qmp_commands; other < qmp; other++) {
            ck_assert_str_ne(qmp->name, other->name);
        }
    }
    for (hmp = hmp_commands; hmp->name; hmp++) {
        ck_assert(hmp->run && hmp->arguments && hmp->help[0]);
        for (another = hmp_commands; another < hmp; another++) {
            ck_assert_str_ne(hmp->name, another->name);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("monitor");
    TCase *tc = tcase_create("arguments"), *sessions = tcase_create("sessions");

    tcase_add_table_test(tc, arguments_are_known_of_their_type_and_there, checks);
    tcase_add_table_test(tc, address_is_a_number_or_its_text, addresses);
    tcase_add_table_test(tc, human_command_is_found_by_its_whole_words, lines);
    tcase_add_test(tc, arguments_of_a_human_command_have_a_limit);
    tcase_add_test(tc, text_that_is_no_utf8_or_too_much_does_not_get_lost_unsaid);
    tcase_add_test(tc, answer_that_is_too_long_is_an_error_with_its_id);
    tcase_add_test(tc, commands_have_each_name_once);
    tcase_add_table_test(sessions, session_answers_each_message_with_one_line, talks);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, sessions);
    return run_suite(suite);
}
