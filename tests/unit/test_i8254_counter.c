/*
 * One 8254 counter: the data sheet's waveforms, then every mode against a reference that is ticked
 * pulse by pulse, under random control words, counts and gates.
 */
#include <stdlib.h>

#include "devices/i8254_counter.h"
#include "tests/unit/run_suite.h"

enum { MAX_STEPS = 5, MAX_TICKS = 16 };
enum action { END, CONTROL, COUNT, GATE };

struct step {
    unsigned tick; /* after this pulse */
    enum action action;
    uint8_t value;
};

/* OUT (L, H) and the low byte of the counting element after pulses 1, 2, ...; x: not defined. */
struct waveform {
    const char *name;
    struct step steps[MAX_STEPS];
    const char *out;
    const char *values;
};

static const struct waveform waveforms[] = {
    {"mode 0: terminal count",
     {{0, CONTROL, 0x10}, {0, COUNT, 4}},
     "LLLLHHH",
     "04 03 02 01 00 ff fe"},
    {"mode 0: gate low stops counting",
     {{0, CONTROL, 0x10}, {0, COUNT, 3}, {2, GATE, 0}, {4, GATE, 1}},
     "LLLLLHH",
     "03 02 02 02 01 00 ff"},
    {"mode 0: a new count starts at once",
     {{0, CONTROL, 0x10}, {0, COUNT, 3}, {3, COUNT, 2}},
     "LLLLLHH",
     "03 02 01 02 01 00 ff"},
    {"mode 0: a count written with the gate low is loaded",
     {{0, CONTROL, 0x10}, {0, GATE, 0}, {0, COUNT, 2}, {3, GATE, 1}},
     "LLLLHH",
     "02 02 02 01 00 ff"},
    {"mode 0: a new count after the end makes OUT low",
     {{0, CONTROL, 0x10}, {0, COUNT, 1}, {3, COUNT, 2}},
     "LHHLLHH",
     "01 00 ff 02 01 00 ff"},
    {"mode 1: one-shot, and again",
     {{0, CONTROL, 0x12}, {0, GATE, 0}, {0, COUNT, 3}, {2, GATE, 1}, {4, GATE, 0}},
     "HHLLLHHH",
     "xx xx 03 02 01 00 ff fe"},
    {"mode 1: a trigger in between starts it again",
     {{0, GATE, 0}, {0, CONTROL, 0x12}, {0, COUNT, 3}, {1, GATE, 1}, {3, GATE, 0}},
     "HLLLHH",
     "xx 03 02 01 00 ff"},
    {"mode 1: a new count waits for the trigger",
     {{0, CONTROL, 0x12}, {0, COUNT, 2}, {0, GATE, 0}, {0, GATE, 1}, {2, COUNT, 4}},
     "LLHHH",
     "02 01 00 ff fe"},
    {"mode 2: low for the last pulse of each period",
     {{0, CONTROL, 0x14}, {0, COUNT, 3}},
     "HHLHHLH",
     "03 02 01 03 02 01 03"},
    {"mode 2: the gate stops and starts again",
     {{0, CONTROL, 0x14}, {0, COUNT, 3}, {2, GATE, 0}, {3, GATE, 1}},
     "HHHHHLH",
     "03 02 02 03 02 01 03"},
    {"mode 2: gate low ends the low pulse at once",
     {{0, CONTROL, 0x14}, {0, COUNT, 2}, {2, GATE, 0}, {4, GATE, 1}},
     "HLHHHLHL",
     "02 01 01 01 02 01 02 01"},
    {"mode 2: a new count is for the next period",
     {{0, CONTROL, 0x14}, {0, COUNT, 4}, {2, COUNT, 5}},
     "HHHLHHHHLH",
     "04 03 02 01 05 04 03 02 01 05"},
    {"mode 3: even count",
     {{0, CONTROL, 0x16}, {0, COUNT, 4}},
     "HHLLHHLLHH",
     "04 02 04 02 04 02 04 02 04 02"},
    {"mode 3: odd count is high one pulse longer",
     {{0, CONTROL, 0x16}, {0, COUNT, 5}},
     "HHHLLHHHLL",
     "04 02 00 04 02 04 02 00 04 02"},
    {"mode 3: the gate sets OUT and starts again",
     {{0, CONTROL, 0x16}, {0, COUNT, 4}, {4, GATE, 0}, {6, GATE, 1}},
     "HHLLHHHHLL",
     "04 02 04 02 02 02 04 02 04 02"},
    {"mode 3: a new count is for the next half",
     {{0, CONTROL, 0x16}, {0, COUNT, 4}, {1, COUNT, 6}},
     "HHLLLHHHLL",
     "04 02 06 04 02 06 04 02 06 04"},
    {"mode 4: strobe after the count",
     {{0, CONTROL, 0x18}, {0, COUNT, 3}},
     "HHHLHHH",
     "03 02 01 00 ff fe fd"},
    {"mode 4: gate low delays it",
     {{0, CONTROL, 0x18}, {0, GATE, 0}, {0, COUNT, 3}, {3, GATE, 1}},
     "HHHHHLH",
     "03 03 03 02 01 00 ff"},
    {"mode 4: gate has no effect on OUT",
     {{0, CONTROL, 0x18}, {0, COUNT, 1}, {2, GATE, 0}, {4, GATE, 1}},
     "HLHHHH",
     "01 00 00 00 ff fe"},
    {"mode 4: a new count starts again",
     {{0, CONTROL, 0x18}, {0, COUNT, 3}, {3, COUNT, 2}},
     "HHHHHLH",
     "03 02 01 02 01 00 ff"},
    {"mode 5: strobe after a trigger",
     {{0, GATE, 0}, {0, CONTROL, 0x1a}, {0, COUNT, 3}, {1, GATE, 1}},
     "HHHHLHH",
     "xx 03 02 01 00 ff fe"},
    {"mode 5: gate low does not stop it",
     {{0, CONTROL, 0x1a}, {0, COUNT, 3}, {0, GATE, 0}, {0, GATE, 1}, {2, GATE, 0}},
     "HHHLHH",
     "03 02 01 00 ff fe"},
    {"mode 6 is mode 2", {{0, CONTROL, 0x1c}, {0, COUNT, 3}}, "HHLHHLH", "03 02 01 03 02 01 03"},
    {"mode 7 is mode 3",
     {{0, CONTROL, 0x1e}, {0, COUNT, 4}},
     "HHLLHHLLHH",
     "04 02 04 02 04 02 04 02 04 02"},
    {"mode 0 in BCD wraps to 9999",
     {{0, CONTROL, 0x11}, {0, COUNT, 0x12}},
     "LLLLLLLLLLLLHH",
     "12 11 10 09 08 07 06 05 04 03 02 01 00 99"},
    {"mode 2: a count of 1 counts as 2",
     {{0, CONTROL, 0x14}, {0, COUNT, 1}},
     "HLHLHL",
     "02 01 02 01 02 01"},
    {"MSB-only access", {{0, CONTROL, 0x20}, {0, COUNT, 1}}, "LLLL", "01 00 00 00"},
};

static void run_steps(struct i8254_counter *c, const struct waveform *wave, unsigned tick)
{
    for (unsigned i = 0; i < MAX_STEPS; i++) {
        const struct step *step = &wave->steps[i];

        if (step->action == END || step->tick != tick) {
            continue;
        }
        if (step->action == CONTROL) {
            i8254_counter_write_control(c, step->value, tick);
        } else if (step->action == COUNT) {
            i8254_counter_write(c, step->value, tick);
        } else {
            i8254_counter_set_gate(c, step->value, tick);
        }
    }
}

START_TEST(waveform_is_the_data_sheets)
{
    const struct waveform *wave = &waveforms[_i];
    struct i8254_counter c;

    i8254_counter_reset(&c, true);
    run_steps(&c, wave, 0);
    for (unsigned tick = 1; tick <= strlen(wave->out); tick++) {
        const char *text = wave->values + (tick - 1) * 3;

        ck_assert_msg(i8254_counter_out(&c, tick) == (wave->out[tick - 1] == 'H'),
                      "%s: OUT after pulse %u", wave->name, tick);
        if (*text != 'x') {
            unsigned value;

            i8254_counter_latch_count(&c, tick);
            value = i8254_counter_read(&c, tick);
            ck_assert_msg(value == strtoul(text, NULL, 16), "%s: %02x after pulse %u", wave->name,
                          value, tick);
        }
        run_steps(&c, wave, tick);
    }
}
END_TEST

/* The reference: what the data sheet says happens at one pulse, no arithmetic with time. */
struct reference {
    unsigned mode, modulus, control;
    unsigned cr, ce; /* 0 is the modulus */
    bool gate, out, written, loaded, load_next, trigger, armed, odd, null_count;
    uint64_t risen; /* the last pulse at which OUT rose */
};

static void reference_load(struct reference *r)
{
    r->ce = r->mode == 3 ? r->cr & ~1U : r->cr;
    r->odd = r->cr & 1;
    r->load_next = r->trigger = r->null_count = false;
    r->loaded = r->armed = true;
}

static void reference_count(struct reference *r, unsigned by)
{
    r->ce = (r->ce + r->modulus - by) % r->modulus;
}

static void reference_pulse_cycle(struct reference *r)
{
    if (r->load_next || r->trigger) {
        reference_load(r);
        r->out = true;
    } else if (!r->loaded || !r->gate) {
        return;
    } else if (r->mode == 2) {
        if (r->ce == 1) {
            reference_load(r);
            r->out = true;
        } else {
            reference_count(r, 1);
            r->out = r->ce != 1;
        }
    } else if (r->ce == (r->odd && r->out ? 0 : 2)) {
        reference_load(r);
        r->out = !r->out;
    } else {
        reference_count(r, 2);
    }
}

static void reference_pulse_once(struct reference *r)
{
    bool strobes = r->mode == 4 || r->mode == 5, hardware = r->mode == 1 || r->mode == 5;

    if (strobes) {
        r->out = true;
    }
    if (hardware ? r->trigger : r->load_next) {
        reference_load(r);
        r->out = strobes;
    } else if (r->loaded && (r->gate || hardware)) {
        reference_count(r, 1);
        if (r->ce == 0 && r->armed) {
            r->out = !strobes;
            r->armed = false;
        }
    }
}

static void reference_pulse(struct reference *r, uint64_t tick)
{
    bool before = r->out;

    if (r->mode == 2 || r->mode == 3) {
        reference_pulse_cycle(r);
    } else {
        reference_pulse_once(r);
    }
    if (r->out && !before) {
        r->risen = tick;
    }
}

static void reference_control(struct reference *r, unsigned control)
{
    bool gate = r->gate;
    uint64_t risen = r->risen;

    *r = (struct reference){
        .mode = (control >> 1 & 7) > 5 ? (control >> 1 & 7) - 4 : control >> 1 & 7,
        .modulus = control & 1 ? 10000 : 65536,
        .control = control & 0x3f,
        .gate = gate,
        .null_count = true,
        .risen = risen,
    };
    r->out = r->mode != 0;
}

static void reference_write(struct reference *r, unsigned count)
{
    if (r->modulus == 10000) {
        count = (count >> 4) * 10 + (count & 15);
    }
    r->cr = count == 1 && (r->mode == 2 || r->mode == 3) ? 2 : count;
    r->written = r->null_count = true;
    if (r->mode == 0) {
        r->out = r->loaded = false;
    }
    if (r->mode == 0 || r->mode == 4 || (!r->loaded && (r->mode == 2 || r->mode == 3))) {
        r->load_next = true;
    }
}

static void reference_gate(struct reference *r, bool level)
{
    if (level && !r->gate && r->written && r->mode != 0 && r->mode != 4) {
        r->trigger = true;
    }
    if (!level && (r->mode == 2 || r->mode == 3)) {
        r->out = true;
    }
    r->gate = level;
}

static unsigned to_bcd(unsigned value)
{
    return value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10;
}

static void compare(struct i8254_counter *c, const struct reference *r, uint64_t from,
                    uint64_t tick)
{
    unsigned status, value, expected = r->modulus == 10000 ? to_bcd(r->ce) : r->ce;

    ck_assert_int_eq(i8254_counter_rose(c, from, tick), r->risen > from);
    ck_assert_int_eq(i8254_counter_out(c, tick), r->out);
    i8254_counter_latch_status(c, tick);
    i8254_counter_latch_count(c, tick);
    status = i8254_counter_read(c, tick);
    value = i8254_counter_read(c, tick);
    ck_assert_uint_eq(status, r->control | (r->null_count ? 0x40 : 0) | (r->out ? 0x80 : 0));
    if (r->loaded) {
        ck_assert_uint_eq(value, expected & 0xff);
    }
}

/* xorshift: the same sequence everywhere */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void act(struct i8254_counter *c, struct reference *r, uint32_t random, uint64_t tick)
{
    uint8_t value = (uint8_t)(random >> 8);

    switch (random % 8) {
    case 0:
        value = 0x10 | (value & 0x0f);
        i8254_counter_write_control(c, value, tick);
        reference_control(r, value);
        break;
    case 1:
    case 2:
    case 3: /* small counts, one in eight with the largest */
        value = value & 7 ? value % 8 + value % 2 : 0;
        i8254_counter_write(c, value, tick);
        reference_write(r, value);
        break;
    case 4:
    case 5:
        i8254_counter_set_gate(c, value & 1, tick);
        reference_gate(r, value & 1);
        break;
    default:
        break;
    }
}

START_TEST(random_programs_agree_with_a_counter_ticked_by_hand)
{
    uint32_t random = (uint32_t)_i * 2654435761U + 1;
    struct i8254_counter c;
    struct reference r = {.gate = true};
    uint64_t tick = 0, seen = 0;

    i8254_counter_reset(&c, true);
    i8254_counter_write_control(&c, 0x10, 0);
    reference_control(&r, 0x10);
    for (unsigned i = 0; i < 4000; i++) {
        unsigned ticks = next_random(&random) % 256 ? next_random(&random) % 12 : 70000;

        while (ticks-- > 0) {
            reference_pulse(&r, ++tick);
        }
        compare(&c, &r, seen, tick);
        act(&c, &r, next_random(&random), tick);
        ck_assert_int_eq(i8254_counter_out(&c, tick), r.out);
        seen = tick;
    }
}
END_TEST

/* next_event never passes over a rise of OUT. */
START_TEST(no_rise_of_out_is_before_the_next_event)
{
    uint32_t random = (uint32_t)_i * 2246822519U + 1;
    struct i8254_counter c;
    struct reference r = {.gate = true};
    uint64_t tick = 0;

    i8254_counter_reset(&c, true);
    i8254_counter_write_control(&c, 0x10, 0);
    reference_control(&r, 0x10);
    for (unsigned i = 0; i < 4000; i++) {
        uint64_t event, from = tick;

        act(&c, &r, next_random(&random), tick);
        event = i8254_counter_next_event(&c, tick, 0);
        ck_assert_uint_gt(event, tick);
        for (unsigned pulses = 0; pulses < 40 && tick + 1 < event; pulses++) {
            reference_pulse(&r, ++tick);
        }
        ck_assert_uint_le(r.risen, from);
        if (tick + 1 == event) {
            reference_pulse(&r, ++tick);
        }
    }
}
END_TEST

START_TEST(next_event_of_a_periodic_mode_stays_on_the_grid)
{
    struct i8254_counter c;

    i8254_counter_reset(&c, true);
    i8254_counter_write_control(&c, 0x14, 100);
    i8254_counter_write(&c, 10, 100);
    ck_assert_uint_eq(i8254_counter_next_event(&c, 100, 0), 101);
    ck_assert_uint_eq(i8254_counter_next_event(&c, 101, 0), 111);
    ck_assert_uint_eq(i8254_counter_next_event(&c, 110, 0), 111);
    ck_assert_uint_eq(i8254_counter_next_event(&c, 111, 0), 121);
    ck_assert_uint_eq(i8254_counter_next_event(&c, 111, 500), 501);
    ck_assert_uint_eq(i8254_counter_next_event(&c, 111, 501), 501);
    ck_assert_uint_eq(i8254_counter_next_event(&c, 111, 502), 511);
}
END_TEST

START_TEST(an_idle_counter_has_no_events)
{
    struct i8254_counter c;

    i8254_counter_reset(&c, true);
    ck_assert(!i8254_counter_out(&c, 0));
    ck_assert_uint_eq(i8254_counter_next_event(&c, 0, 0), I8254_TICK_NEVER);
    i8254_counter_write_control(&c, 0x18, 5);
    ck_assert_uint_eq(i8254_counter_next_event(&c, 5, 0), I8254_TICK_NEVER);
    i8254_counter_write(&c, 3, 5);
    ck_assert_uint_eq(i8254_counter_next_event(&c, 6, 0), 10);
    ck_assert_uint_eq(i8254_counter_next_event(&c, 10, 0), I8254_TICK_NEVER);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("i8254_counter");
    TCase *tc = tcase_create("counter");

    tcase_add_table_test(tc, waveform_is_the_data_sheets, waveforms);
    tcase_add_loop_test(tc, random_programs_agree_with_a_counter_ticked_by_hand, 0, 20);
    tcase_add_loop_test(tc, no_rise_of_out_is_before_the_next_event, 0, 20);
    tcase_add_test(tc, next_event_of_a_periodic_mode_stays_on_the_grid);
    tcase_add_test(tc, an_idle_counter_has_no_events);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
