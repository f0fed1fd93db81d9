/*
 * rtc_base.h - what the real-time clock shows at power-on, as --rtc and `acre,base` say it.
 *
 * `utc` is the host's time, `localtime` the same in the host's time zone, and a date is
 * 2006-06-17T16:01:21, or 2006-06-17 for its midnight; years 1970 to 9999.
 */
#ifndef ACRE_VMM_RTC_BASE_H
#define ACRE_VMM_RTC_BASE_H

#include <stdint.h>

/* What --rtc wants, for messages. */
#define RTC_BASE_FORMS "utc, localtime, or a date as 2006-06-17T16:01:21"

/*
 * @text   one of the forms above.
 * @utc_s  the host's time, seconds since 1970 UTC, 0 or later.
 * @shown_s  what the clock shows, as seconds since 1970-01-01 00:00:00 of that clock.
 * Returns: 0; -EINVAL no such form, or no such date.
 */
int rtc_base_seconds(const char *text, int64_t utc_s, int64_t *shown_s)
    __attribute__((warn_unused_result));

#endif
