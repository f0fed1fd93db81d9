/* The keyboard controller: commands and their answers, every way to reset, and a quick probe. */
#include "devices/i8042.h"
#include "tests/unit/device_fakes.h"
#include "tests/unit/run_suite.h"

enum { DATA = 0x60, COMMAND = 0x64, STATUS = 0x64, PORT92 = 0x92 };
enum { OBF = 0x01, SYS = 0x04, CD = 0x08, UNLOCKED = 0x10, AUX = 0x20, TIMEOUT = 0x40 };

static struct fake_bus bus;
static struct fake_requests requests;
static struct fake_irq irq;
static struct i8042 kbc;

static void setup(void)
{
    const struct i8042_config config = {
        .irq = fake_irq_line(&irq),
        .request = fake_request_line(&requests),
    };

    fake_bus_init(&bus);
    requests = (struct fake_requests){0};
    irq = (struct fake_irq){0};
    ck_assert_int_eq(i8042_init(&kbc, &bus.core, &config), 0);
    fake_bus_mount(&bus, DATA, &kbc.mr_data);
    fake_bus_mount(&bus, COMMAND, &kbc.mr_command);
    fake_bus_mount(&bus, PORT92, &kbc.mr_port92);
}

static void teardown(void)
{
    fake_bus_unmount(&bus, &kbc.mr_data);
    fake_bus_unmount(&bus, &kbc.mr_command);
    fake_bus_unmount(&bus, &kbc.mr_port92);
    i8042_finish(&kbc);
    fake_bus_finish(&bus);
}

static unsigned in(unsigned port)
{
    return bus_in(&bus, port, 1, NULL);
}

static void out(unsigned port, unsigned value)
{
    ck_assert_uint_eq(bus_out(&bus, port, 1, value), MEMTX_OK);
}

START_TEST(power_on_is_empty_and_unlocked)
{
    ck_assert_uint_eq(in(STATUS), UNLOCKED);
    ck_assert_uint_eq(in(DATA), 0);
    ck_assert_uint_eq(in(PORT92), 0x02);
    ck_assert(!irq.level);
}
END_TEST

struct answer {
    uint8_t command, answer;
};
static const struct answer answers[] = {
    {0xa4, 0xf1}, {0xaa, 0x55}, {0xab, 0x00}, {0x21, 0x00}, {0x3f, 0x00},
    {0xa9, 0x01}, {0xc0, 0x80}, {0xd0, 0x83}, {0x20, 0x30},
};

START_TEST(command_is_answered_at_once)
{
    out(COMMAND, answers[_i].command);
    ck_assert_uint_eq(in(STATUS) & ~(unsigned)SYS, UNLOCKED | CD | OBF);
    ck_assert_uint_eq(in(DATA), answers[_i].answer);
    ck_assert_uint_eq(in(STATUS)&OBF, 0);
    ck_assert_uint_eq(requests.num, 0);
}
END_TEST

START_TEST(self_test_sets_the_system_flag)
{
    out(COMMAND, 0xaa);
    in(DATA);
    ck_assert_uint_eq(in(STATUS), UNLOCKED | CD | SYS);
}
END_TEST

START_TEST(system_flag_is_what_the_command_byte_was_written_with)
{
    out(COMMAND, 0x60);
    out(DATA, 0x34);
    ck_assert_uint_eq(in(STATUS), UNLOCKED | SYS);
    out(COMMAND, 0xae);
    ck_assert_uint_eq(in(STATUS), UNLOCKED | CD | SYS);
    out(COMMAND, 0x60);
    out(DATA, 0x30);
    ck_assert_uint_eq(in(STATUS), UNLOCKED);
    out(COMMAND, 0x61); /* the memory's second byte is only memory */
    out(DATA, 0x04);
    ck_assert_uint_eq(in(STATUS), UNLOCKED);
}
END_TEST

START_TEST(command_byte_reads_back_and_its_commands_change_it)
{
    static const uint8_t changes[][2] = {
        {0xa8, 0x45},
        {0xa7, 0x65},
        {0xad, 0x75},
        {0xae, 0x65},
    };

    out(COMMAND, 0x60);
    out(DATA, 0x65);
    ck_assert_uint_eq(in(STATUS), UNLOCKED | SYS);
    for (unsigned i = 0; i < 4; i++) {
        out(COMMAND, changes[i][0]);
        out(COMMAND, 0x20);
        ck_assert_uint_eq(in(DATA), changes[i][1]);
    }
}
END_TEST

START_TEST(a_second_command_forgets_the_first_ones_byte)
{
    out(COMMAND, 0xd1);
    out(COMMAND, 0xaa);
    in(DATA);
    out(DATA, 0x00);
    ck_assert_uint_eq(requests.num, 0);
}
END_TEST

START_TEST(interrupt_follows_the_output_buffer_when_enabled)
{
    out(COMMAND, 0xaa);
    ck_assert(!irq.level);
    in(DATA);
    out(COMMAND, 0x60);
    out(DATA, 0x01);
    out(COMMAND, 0xaa);
    ck_assert(irq.level);
    in(STATUS);
    ck_assert(irq.level);
    in(DATA);
    ck_assert(!irq.level);
    out(COMMAND, 0xaa);
    out(COMMAND, 0x60);
    out(DATA, 0x00);
    ck_assert_msg(!irq.level, "disabled while it was up");
}
END_TEST

/* No driver waits for a device that is not there. */
START_TEST(absent_devices_time_out_at_once)
{
    out(DATA, 0xf2);
    ck_assert_uint_eq(in(STATUS), UNLOCKED | OBF | TIMEOUT);
    ck_assert_uint_eq(in(DATA), 0xfe);
    ck_assert_uint_eq(in(STATUS), UNLOCKED);
    out(COMMAND, 0xd4);
    out(DATA, 0xf2);
    ck_assert_uint_eq(in(STATUS), UNLOCKED | OBF | TIMEOUT | AUX);
    ck_assert_uint_eq(in(DATA), 0xfe);
    out(COMMAND, 0xd3);
    out(DATA, 0x5a);
    ck_assert_msg(in(STATUS) == (UNLOCKED | OBF), "the mouse's loop comes back at the keyboard");
    ck_assert_uint_eq(in(DATA), 0x5a);
    out(COMMAND, 0xd2);
    out(DATA, 0xa5);
    ck_assert_uint_eq(in(DATA), 0xa5);
}
END_TEST

START_TEST(even_pulse_commands_reset_and_odd_ones_do_not)
{
    for (unsigned command = 0xf0; command <= 0xff; command++) {
        requests = (struct fake_requests){0};
        out(COMMAND, command);
        ck_assert_uint_eq(requests.num, command % 2 ? 0 : 1);
    }
    out(COMMAND, 0xfe);
    ck_assert_int_eq(requests.last, DEVICE_REQUEST_RESET);
}
END_TEST

START_TEST(output_port_bit_0_low_resets)
{
    out(COMMAND, 0xd1);
    out(DATA, 0x03);
    ck_assert_uint_eq(requests.num, 0);
    out(COMMAND, 0xd1);
    out(DATA, 0x02);
    ck_assert_uint_eq(requests.num, 1);
    ck_assert_int_eq(requests.last, DEVICE_REQUEST_RESET);
}
END_TEST

START_TEST(port92_bit_0_rising_resets)
{
    out(PORT92, 0x02);
    ck_assert_uint_eq(requests.num, 0);
    out(PORT92, 0x03);
    ck_assert_uint_eq(requests.num, 1);
    ck_assert_int_eq(requests.last, DEVICE_REQUEST_RESET);
    out(PORT92, 0x03);
    ck_assert_uint_eq(requests.num, 1);
}
END_TEST

START_TEST(port92_keeps_lights_and_a_lock_that_only_a_reset_takes_off)
{
    out(PORT92, 0xff & ~0x01);
    ck_assert_uint_eq(in(PORT92), 0xca);
    out(PORT92, 0x42);
    ck_assert_uint_eq(in(PORT92), 0x4a);
    i8042_reset(&kbc);
    ck_assert_uint_eq(in(PORT92), 0x02);
    ck_assert_uint_eq(requests.num, 0);
}
END_TEST

START_TEST(memory_of_the_controller_keeps_what_it_is_given)
{
    for (unsigned i = 1; i < I8042_RAM_SIZE; i++) {
        out(COMMAND, 0x60 + i);
        out(DATA, 0xc0 ^ i);
    }
    for (unsigned i = 1; i < I8042_RAM_SIZE; i++) {
        out(COMMAND, 0x20 + i);
        ck_assert_uint_eq(in(DATA), 0xc0 ^ i);
    }
    out(COMMAND, 0x20);
    ck_assert_msg(in(DATA) == 0x30, "the command byte is not among them");
}
END_TEST

START_TEST(a20_is_one_gate_with_two_handles)
{
    out(PORT92, 0x00);
    out(COMMAND, 0xd0);
    ck_assert_uint_eq(in(DATA)&0x02, 0);
    out(COMMAND, 0xd1);
    out(DATA, 0x03);
    ck_assert_uint_eq(in(PORT92), 0x02);
    out(COMMAND, 0xd0);
    ck_assert_uint_eq(in(DATA)&0x02, 0x02);
}
END_TEST

START_TEST(output_port_shows_the_buffers)
{
    out(COMMAND, 0xaa);
    out(COMMAND, 0xd0);
    ck_assert_uint_eq(in(DATA), 0x93);
    out(COMMAND, 0xd4);
    out(DATA, 0x00);
    out(COMMAND, 0xd0);
    ck_assert_uint_eq(in(DATA), 0xb3);
}
END_TEST

START_TEST(unknown_commands_do_nothing)
{
    out(COMMAND, 0x00);
    out(COMMAND, 0xb5);
    ck_assert_uint_eq(in(STATUS), UNLOCKED | CD);
    ck_assert_uint_eq(requests.num, 0);
}
END_TEST

START_TEST(reset_is_power_on_state)
{
    out(COMMAND, 0x60);
    out(DATA, 0x01);
    out(COMMAND, 0xaa);
    ck_assert(irq.level);
    out(COMMAND, 0xd1);
    i8042_reset(&kbc);
    power_on_is_empty_and_unlocked_fn(0);
    out(DATA, 0x00);
    ck_assert_msg(requests.num == 0, "the pending command is gone");
    i8042_finish(&(struct i8042){0});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("i8042");
    TCase *tc = tcase_create("i8042");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, power_on_is_empty_and_unlocked);
    tcase_add_table_test(tc, command_is_answered_at_once, answers);
    tcase_add_test(tc, self_test_sets_the_system_flag);
    tcase_add_test(tc, system_flag_is_what_the_command_byte_was_written_with);
    tcase_add_test(tc, command_byte_reads_back_and_its_commands_change_it);
    tcase_add_test(tc, a_second_command_forgets_the_first_ones_byte);
    tcase_add_test(tc, interrupt_follows_the_output_buffer_when_enabled);
    tcase_add_test(tc, absent_devices_time_out_at_once);
    tcase_add_test(tc, even_pulse_commands_reset_and_odd_ones_do_not);
    tcase_add_test(tc, output_port_bit_0_low_resets);
    tcase_add_test(tc, port92_bit_0_rising_resets);
    tcase_add_test(tc, port92_keeps_lights_and_a_lock_that_only_a_reset_takes_off);
    tcase_add_test(tc, memory_of_the_controller_keeps_what_it_is_given);
    tcase_add_test(tc, a20_is_one_gate_with_two_handles);
    tcase_add_test(tc, output_port_shows_the_buffers);
    tcase_add_test(tc, unknown_commands_do_nothing);
    tcase_add_test(tc, reset_is_power_on_state);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
