/*
 * test_gdb.c - the debugger's protocol: frames, registers, the target description, and a session
 * with a target that is no machine.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gdb_fake.h"
#include "run_suite.h"

static struct gdb_fake *fake;

static void setup(void)
{
    fake = calloc(1, sizeof(*fake));
    ck_assert_ptr_nonnull(fake);
    fake_begin(fake);
}

static void teardown(void)
{
    free(fake);
}

static void send_raw(const char *text)
{
    gdb_session_receive(&fake->session, text, strlen(text));
}

/* Sends a packet. Returns: what the client got, acknowledgements included. */
static const char *talk(const char *packet)
{
    static char out[FAKE_OUT_MAX + 1];
    char tail[4];
    uint8_t sum = 0;
    size_t i;

    for (i = 0; packet[i]; i++) {
        sum = (uint8_t)(sum + (uint8_t)packet[i]);
    }
    (void)snprintf(tail, sizeof(tail), "#%02x", sum);
    fake->out_len = 0;
    send_raw("$");
    send_raw(packet);
    send_raw(tail);
    memcpy(out, fake->out, fake->out_len);
    out[fake->out_len] = '\0';
    return out;
}

/* ---- frames ---- */

static const struct {
    const char *sent;
    enum gdb_input last;
    const char *data; /* NULL: no packet */
} frames[] = {
    {"$g#67", GDB_INPUT_PACKET, "g"},
    {"$#00", GDB_INPUT_PACKET, ""},
    {"$g#68", GDB_INPUT_BAD, NULL},
    {"$g#6z", GDB_INPUT_BAD, NULL},
    {"$}\x03#80", GDB_INPUT_PACKET, "#"},
    {"$a}\x04"
     "b#44",
     GDB_INPUT_PACKET, "a$b"},
    {"$}#7d", GDB_INPUT_BAD, NULL},
    {"$lost$g#67", GDB_INPUT_PACKET, "g"},
    {"garbage\x03", GDB_INPUT_INTERRUPT, NULL},
    {"+", GDB_INPUT_ACK, NULL},
    {"-", GDB_INPUT_NAK, NULL},
};

START_TEST(frame_is_taken_apart)
{
    struct gdb_reader reader = {.len = 0};
    enum gdb_input got = GDB_INPUT_NONE;
    const char *byte;

    for (byte = frames[_i].sent; *byte; byte++) {
        got = gdb_reader_feed(&reader, *byte);
    }
    ck_assert_int_eq(got, frames[_i].last);
    if (frames[_i].data) {
        ck_assert_str_eq(reader.data, frames[_i].data);
    }
}
END_TEST

START_TEST(packet_that_is_too_long_is_refused_and_the_next_one_is_read)
{
    size_t i;

    send_raw("$");
    for (i = 0; i < GDB_PACKET_MAX + 1; i++) {
        send_raw("0");
    }
    send_raw("#00");
    ck_assert_int_eq(fake->out[fake->out_len - 1], '-');
    ck_assert_str_eq(talk("qC"), "+$QC1#c5");
}
END_TEST

START_TEST(frame_escapes_what_means_something)
{
    struct gdb_reply reply = {.len = 0};
    struct gdb_reader reader = {.len = 0};
    static char frame[GDB_FRAME_MAX];
    enum gdb_input got = GDB_INPUT_NONE;
    size_t len, i;

    gdb_reply_bytes(&reply, "a#b$c}d*e", 9);
    len = gdb_frame(&reply, frame);
    for (i = 0; i < len; i++) {
        got = gdb_reader_feed(&reader, frame[i]);
    }
    ck_assert_int_eq(got, GDB_INPUT_PACKET);
    ck_assert_str_eq(reader.data, "a#b$c}d*e");
}
END_TEST

START_TEST(reply_that_does_not_fit_is_an_error_and_no_half_packet)
{
    struct gdb_reply reply = {.len = GDB_PACKET_MAX - 1};

    gdb_reply_hex(&reply, "\xab", 1);
    ck_assert(reply.full);
    ck_assert_uint_eq(reply.len, GDB_PACKET_MAX - 1);
}
END_TEST

START_TEST(last_frame_is_sent_again_when_it_is_asked_for)
{
    (void)talk("qC");
    fake->out_len = 0;
    send_raw("-");
    ck_assert_mem_eq(fake->out, "$QC1#c5", 7);
    ck_assert_uint_eq(fake->out_len, 7);
}
END_TEST

START_TEST(acknowledgements_end_where_the_client_says)
{
    ck_assert_str_eq(talk("QStartNoAckMode"), "+$OK#9a");
    ck_assert_str_eq(talk("qC"), "$QC1#c5");
}
END_TEST

/* ---- registers ---- */

/* Both architectures', one behind the other. */
static enum gdb_arch arch_of(int index, unsigned *number)
{
    enum gdb_arch arch =
        (unsigned)index < gdb_register_num(GDB_ARCH_X86_64) ? GDB_ARCH_X86_64 : GDB_ARCH_I386;

    *number = (unsigned)index - (arch == GDB_ARCH_I386 ? gdb_register_num(GDB_ARCH_X86_64) : 0);
    return arch;
}

START_TEST(every_register_keeps_what_is_written_or_is_fixed)
{
    static struct gdb_registers registers;
    uint8_t wrote[GDB_REGISTER_SIZE_MAX], got[GDB_REGISTER_SIZE_MAX];
    unsigned number;
    enum gdb_arch arch = arch_of(_i, &number);
    const char *name = gdb_register_name(arch, number);

    memset(wrote, 0, sizeof(wrote));
    memset(wrote, strcmp(name, "ftag") == 0 ? 0x33 : 0x5a, 2);
    if (gdb_register_set(arch, &registers, number, wrote) == 0) {
        ck_assert(strcmp(name, "fiseg") == 0 || strcmp(name, "foseg") == 0);
        return;
    }
    gdb_register_get(arch, &registers, number, got);
    if (strcmp(name, "ftag") == 0) { /* tags 0 to 2 are one: in use */
        ck_assert_mem_eq(got, wrote, 2);
    } else {
        ck_assert_mem_eq(got, wrote, gdb_register_size(arch, number));
    }
    ck_assert_uint_eq(gdb_register_set(arch, &registers, number, got), 0);
}
END_TEST

static const struct {
    unsigned number;
    const char *name;
} i386_numbers[] = {{0, "eax"},    {1, "ecx"},    {3, "ebx"},   {4, "esp"},
                    {8, "eip"},    {9, "eflags"}, {15, "gs"},   {16, "st0"},
                    {24, "fctrl"}, {32, "xmm0"},  {40, "mxcsr"}};

/* gdb's own numbers: without a description it takes no others. */
START_TEST(i386_has_gdbs_order_and_the_low_halves)
{
    static struct gdb_registers registers = {
        .regs = {.rcx = UINT64_C(0x1122334455667788), .rip = UINT64_C(0x100000023)}};
    uint32_t value = 0x99;
    size_t i;

    for (i = 0; i < sizeof(i386_numbers) / sizeof(i386_numbers[0]); i++) {
        ck_assert_str_eq(gdb_register_name(GDB_ARCH_I386, i386_numbers[i].number),
                         i386_numbers[i].name);
    }
    ck_assert_uint_eq(gdb_register_set(GDB_ARCH_I386, &registers, 1, &value), GDB_CHANGED_REGS);
    ck_assert_uint_eq(registers.regs.rcx, UINT64_C(0x1122334400000099));
    gdb_register_get(GDB_ARCH_I386, &registers, 8, &value);
    ck_assert_uint_eq(value, 0x23);
}
END_TEST

START_TEST(g_has_all_registers_in_order_and_G_puts_them_back)
{
    char *all;
    size_t size = 0, len;
    unsigned i;

    for (i = 0; i < gdb_register_num(GDB_ARCH_X86_64); i++) {
        size += gdb_register_size(GDB_ARCH_X86_64, i);
    }
    fake->registers[0].regs.rax = 0x1122334455667788;
    fake->registers[0].sregs.efer = 0x500;
    all = strdup(talk("g"));
    len = strlen(all);
    ck_assert_uint_eq(len, 1 + 1 + 2 * size + 3);
    ck_assert_mem_eq(all, "+$8877665544332211", 18);
    ck_assert_mem_eq(all + len - 3 - 16, "0005000000000000", 16);
    all[1] = 'G';
    all[len - 3] = '\0';
    memcpy(all + 2, "0100000000000000", 16);
    ck_assert_str_eq(talk(all + 1), "+$OK#9a");
    ck_assert_uint_eq(fake->registers[0].regs.rax, 1);
    ck_assert_uint_eq(fake->changed, GDB_CHANGED_REGS);
    free(all);
}
END_TEST

START_TEST(target_description_lists_the_registers_in_order)
{
    enum gdb_arch arch = _i == 0 ? GDB_ARCH_X86_64 : GDB_ARCH_I386;
    static char xml[32768], piece[7];
    size_t len = 0, got;
    const char *at = xml;
    char wanted[64];
    unsigned i;

    while ((got = gdb_target_xml(arch, len, piece, sizeof(piece))) > 0) { /* in awkward pieces */
        memcpy(xml + len, piece, got);
        len += got;
        ck_assert_uint_lt(len, sizeof(xml));
    }
    for (i = 0; i < gdb_register_num(arch); i++) {
        (void)snprintf(wanted, sizeof(wanted), "<reg name=\"%s\" bitsize=\"%zu\"",
                       gdb_register_name(arch, i), 8 * gdb_register_size(arch, i));
        at = strstr(at, wanted);
        ck_assert_msg(at != NULL, "%s is not there, or not in order", wanted);
    }
    ck_assert_ptr_nonnull(strstr(xml, arch == GDB_ARCH_I386
                                          ? "<architecture>i386</architecture>"
                                          : "<architecture>i386:x86-64</architecture>"));
    ck_assert_str_eq(xml + len - 10, "</target>\n");
}
END_TEST

/* ---- a session ---- */

static const struct {
    const char *packet, *reply;
} answers[] = {
    {"?", "+$T05thread:1;#d7"},
    {"qAttached", "+$1#31"},
    {"qfThreadInfo", "+$m1,2,3#5b"},
    {"qsThreadInfo", "+$l#6c"},
    {"vMustReplyEmpty", "+$#00"},
    {"vCont?", "+$vCont;c;C;s;S;r#0f"},
    {"T3", "+$OK#9a"},
    {"T4", "+$E03#a8"},
    {"Hg2", "+$OK#9a"},
    {"Hg4", "+$E16#ac"},
    {"Hx1", "+$E16#ac"},
    {"m1000,4", "+$01020304#8a"},
    {"m13fe,8", "+$0000#c0"},
    {"m1400,1", "+$E0e#da"},
    {"m1000", "+$E16#ac"},
    {"M1001,2:aabb", "+$OK#9a"},
    {"M1001,2:aab", "+$E16#ac"},
    {"M13ff,2:aabb", "+$E0e#da"},
    {"X1000,0:", "+$OK#9a"},
    {"X1000,3:ab", "+$E16#ac"},
    {"p99", "+$E16#ac"},
    {"P0=00", "+$E16#ac"},
    {"Z0,1000,1", "+$OK#9a"},
    {"Z3,1000,4", "+$#00"},
    {"Z9,1000,4", "+$#00"},
    {"Z0,1000", "+$E16#ac"},
    {"qqemu.PhyMemMode", "+$0#30"},
    {"qqemu.sstep", "+$0x7#df"},
    {"Qqemu.sstep=9", "+$E16#ac"},
    {"vCont", "+$#00"},
    {"vCont;", "+$E16#ac"},
    {"vCont;s:9", "+$E16#ac"},
    {"vCont;r10", "+$E16#ac"},
    {"c10x", "+$E16#ac"},
    {"", "+$#00"},
};

START_TEST(packet_is_answered)
{
    memcpy(fake->memory, "\1\2\3\4", 4);
    ck_assert_str_eq(talk(answers[_i].packet), answers[_i].reply);
    ck_assert_uint_eq(fake->resumed, 0);
}
END_TEST

START_TEST(physical_mode_is_for_memory_alone)
{
    memcpy(fake->memory, "\1\2", 2);
    ck_assert_str_eq(talk("Qqemu.PhyMemMode:1"), "+$OK#9a");
    ck_assert_str_eq(talk("m0,2"), "+$0102#c3");
    ck_assert_str_eq(talk("m1000,2"), "+$E0e#da");
    ck_assert_str_eq(talk("qqemu.PhyMemMode"), "+$1#31");
}
END_TEST

static const struct {
    const char *packet;
    enum gdb_action actions[FAKE_CPUS];
} plans[] = {
    {"c", {GDB_ACTION_CONTINUE, GDB_ACTION_CONTINUE, GDB_ACTION_CONTINUE}},
    {"C05", {GDB_ACTION_CONTINUE, GDB_ACTION_CONTINUE, GDB_ACTION_CONTINUE}},
    {"s", {GDB_ACTION_STEP, GDB_ACTION_HOLD, GDB_ACTION_HOLD}},
    {"vCont;s:2;c", {GDB_ACTION_CONTINUE, GDB_ACTION_STEP, GDB_ACTION_CONTINUE}},
    {"vCont;s:2", {GDB_ACTION_HOLD, GDB_ACTION_STEP, GDB_ACTION_HOLD}},
    {"vCont;r10,20:3;c:-1", {GDB_ACTION_CONTINUE, GDB_ACTION_CONTINUE, GDB_ACTION_RANGE}},
    {"vCont;r10,20", {GDB_ACTION_RANGE, GDB_ACTION_STEP, GDB_ACTION_STEP}},
    {"vCont;C05:1;S05:2", {GDB_ACTION_CONTINUE, GDB_ACTION_STEP, GDB_ACTION_HOLD}},
};

START_TEST(plan_says_what_each_cpu_does)
{
    unsigned i;

    ck_assert_str_eq(talk(plans[_i].packet), "+"); /* the reply comes with the stop */
    ck_assert_uint_eq(fake->resumed, 1);
    for (i = 0; i < FAKE_CPUS; i++) {
        ck_assert_int_eq(fake->plan.actions[i], plans[_i].actions[i]);
    }
    if (strchr(plans[_i].packet, 'r')) {
        ck_assert_uint_eq(fake->plan.range_first, 0x10);
        ck_assert_uint_eq(fake->plan.range_end, 0x20);
    }
}
END_TEST

START_TEST(address_to_go_on_at_is_put_into_rip)
{
    (void)talk("c1234");
    ck_assert_uint_eq(fake->registers[0].regs.rip, 0x1234);
    ck_assert_uint_eq(fake->resumed, 1);
}
END_TEST

START_TEST(stop_is_told_once_and_makes_its_cpu_the_current_one)
{
    const struct gdb_stop stop = {.signal = GDB_SIGNAL_TRAP, .cpu = 2};

    (void)talk("c");
    fake->out_len = 0;
    gdb_session_stopped(&fake->session, &stop);
    gdb_session_stopped(&fake->session, &stop);
    ck_assert_mem_eq(fake->out, "$T05thread:3;#d9", 16);
    ck_assert_uint_eq(fake->out_len, 16);
    ck_assert_str_eq(talk("qC"), "+$QC3#c7");
}
END_TEST

START_TEST(target_that_stops_at_once_is_told_of_once)
{
    fake->stops_at_once = true;
    (void)talk("qSupported:swbreak+;hwbreak+");
    ck_assert_str_eq(talk("vCont;c"), "+$T05thread:2;hwbreak:;#31");
}
END_TEST

START_TEST(watchpoint_is_told_with_its_address)
{
    const struct gdb_stop stop = {.signal = GDB_SIGNAL_TRAP,
                                  .at_break = true,
                                  .kind = GDB_WATCH_ACCESS,
                                  .addr = UINT64_C(0xffffffff81000010)};

    gdb_session_stopped(&fake->session, &stop);
    ck_assert_ptr_nonnull(strstr(talk("?"), "T05thread:1;awatch:ffffffff81000010;"));
}
END_TEST

START_TEST(running_target_takes_the_interrupt_and_refuses_the_rest)
{
    (void)talk("c");
    ck_assert_str_eq(talk("g"), "+$E10#a6");
    ck_assert_str_eq(talk("vCont;c"), "+$E10#a6");
    fake->out_len = 0;
    send_raw("\x03");
    ck_assert_uint_eq(fake->interrupted, 1);
    ck_assert_mem_eq(fake->out, "$T02thread:1;#d4", 16);
    send_raw("\x03"); /* nothing runs */
    ck_assert_uint_eq(fake->interrupted, 1);
}
END_TEST

START_TEST(nothing_is_taken_after_detach_and_kill)
{
    ck_assert_str_eq(talk("D"), "+$OK#9a");
    ck_assert_uint_eq(fake->detached, 1);
    ck_assert_str_eq(talk("k"), "");
    ck_assert_uint_eq(fake->killed, 0);
    fake_begin(fake);
    ck_assert_str_eq(talk("vKill;1"), "+$OK#9a");
    ck_assert_uint_eq(fake->killed, 1);
    fake_begin(fake);
    ck_assert_str_eq(talk("k"), "+");
    ck_assert_uint_eq(fake->killed, 2);
}
END_TEST

static const struct {
    enum verdict_kind kind;
    uint32_t status;
    int signal;
    const char *reply;
} ends[] = {
    {VERDICT_EXIT, 7, 0, "$W07#be"},
    {VERDICT_TRIPLE_FAULT, 0, 0, "$W7e#f3"},
    {VERDICT_SIGNAL, 0, 15, "$X0f#ee"},
};

START_TEST(end_is_told_to_who_waits)
{
    struct verdict verdict;

    verdict_make(&verdict, ends[_i].kind, "over");
    verdict.guest_status = ends[_i].status;
    verdict.signal = ends[_i].signal;
    (void)talk("c");
    fake->out_len = 0;
    gdb_session_ended(&fake->session, &verdict);
    gdb_session_ended(&fake->session, &verdict);
    fake->out[fake->out_len] = '\0';
    ck_assert_str_eq(fake->out, ends[_i].reply);
    fake_begin(fake); /* one who does not wait would take it for an answer */
    fake->out_len = 0;
    gdb_session_ended(&fake->session, &verdict);
    ck_assert_uint_eq(fake->out_len, 0);
}
END_TEST

START_TEST(persons_command_is_answered_in_hex)
{
    ck_assert_str_eq(talk("qRcmd,6869"), "+$O796f7520736169642068690a#a3$OK#9a");
    ck_assert_uint_eq(fake->monitor_cpu, 0);
    ck_assert_str_eq(talk("Hg2"), "+$OK#9a");
    (void)talk("qRcmd,6869");
    ck_assert_uint_eq(fake->monitor_cpu, 1); /* that of the thread looked at */
    ck_assert_str_eq(talk("qRcmd,6g"), "+$E16#ac");
    ck_assert_str_eq(talk("qRcmd,00"), "+$E16#ac");
}
END_TEST

START_TEST(thread_says_what_its_cpu_does)
{
    ck_assert_ptr_nonnull(strstr(talk("qThreadExtraInfo,1"), "4350552330205b72756e6e696e675d#"));
    ck_assert_ptr_nonnull(strstr(talk("qThreadExtraInfo,2"), "$4350552331#"));
    ck_assert_str_eq(talk("qThreadExtraInfo,-1"), "+$E16#ac");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gdb");
    TCase *tc = tcase_create("gdb");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_table_test(tc, frame_is_taken_apart, frames);
    tcase_add_test(tc, packet_that_is_too_long_is_refused_and_the_next_one_is_read);
    tcase_add_test(tc, frame_escapes_what_means_something);
    tcase_add_test(tc, reply_that_does_not_fit_is_an_error_and_no_half_packet);
    tcase_add_test(tc, last_frame_is_sent_again_when_it_is_asked_for);
    tcase_add_test(tc, acknowledgements_end_where_the_client_says);
    tcase_add_loop_test(tc, every_register_keeps_what_is_written_or_is_fixed, 0,
                        (int)(gdb_register_num(GDB_ARCH_X86_64) + gdb_register_num(GDB_ARCH_I386)));
    tcase_add_test(tc, g_has_all_registers_in_order_and_G_puts_them_back);
    tcase_add_loop_test(tc, target_description_lists_the_registers_in_order, 0, 2);
    tcase_add_test(tc, i386_has_gdbs_order_and_the_low_halves);
    tcase_add_table_test(tc, packet_is_answered, answers);
    tcase_add_test(tc, physical_mode_is_for_memory_alone);
    tcase_add_table_test(tc, plan_says_what_each_cpu_does, plans);
    tcase_add_test(tc, address_to_go_on_at_is_put_into_rip);
    tcase_add_test(tc, stop_is_told_once_and_makes_its_cpu_the_current_one);
    tcase_add_test(tc, target_that_stops_at_once_is_told_of_once);
    tcase_add_test(tc, watchpoint_is_told_with_its_address);
    tcase_add_test(tc, running_target_takes_the_interrupt_and_refuses_the_rest);
    tcase_add_test(tc, nothing_is_taken_after_detach_and_kill);
    tcase_add_table_test(tc, end_is_told_to_who_waits, ends);
    tcase_add_test(tc, persons_command_is_answered_in_hex);
    tcase_add_test(tc, thread_says_what_its_cpu_does);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
