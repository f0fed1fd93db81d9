/* rtc-base.c - the clock starts where --rtc says, and carries through to the month. */
#include "guest/lib/guest.h"

TEST_NOTE("options = --rtc 2024-02-28T23:59:58\n");

static bool is_leap_day(const struct rtc_time *time)
{
    return time->year == 2024 && time->month == 2 && time->day == 29 && time->hour == 0 &&
           time->minute == 0;
}

int main(const struct boot_info *boot)
{
    struct rtc_time time;
    bool read;

    (void)boot;
    read = rtc_read(&time);
    report(read && time.year == 2024 && time.month == 2 && (time.day == 28 || is_leap_day(&time)),
           "%u-%u-%u %u:%u:%u", time.year, time.month, time.day, time.hour, time.minute,
           time.second);
    delay_ms(2500);
    read = rtc_read(&time);
    report(read && is_leap_day(&time), "%u-%u-%u %u:%u:%u", time.year, time.month, time.day,
           time.hour, time.minute, time.second);
    return report_finish();
}
