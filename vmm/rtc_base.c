/* A date is read by sscanf's rules and told back by timegm: what does not come back is no date. */
#include "vmm/rtc_base.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { YEAR_MIN = 1970 };

/* True for text that looks like `form`, where 0 stands for a digit. */
static bool looks_like(const char *text, const char *form)
{
    size_t i;

    for (i = 0; form[i] != '\0'; i++) {
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) {
            return false;
        }
    }
    return text[i] == '\0';
}

static int date_seconds(const char *text, int64_t *shown_s)
{
    struct tm tm = {.tm_mday = 0}, back;

    if (!looks_like(text, "0000-00-00") && !looks_like(text, "0000-00-00T00:00:00")) {
        return -EINVAL;
    }
    (void)sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
                 &tm.tm_min, &tm.tm_sec);
    if (tm.tm_year < YEAR_MIN) {
        return -EINVAL;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    back = tm;
    *shown_s = timegm(&back);
    if (back.tm_year != tm.tm_year || back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday ||
        back.tm_hour != tm.tm_hour || back.tm_min != tm.tm_min || back.tm_sec != tm.tm_sec) {
        return -EINVAL;
    }
    return 0;
}

int rtc_base_seconds(const char *text, int64_t utc_s, int64_t *shown_s)
{
    const time_t now = (time_t)utc_s;
    struct tm local;

    if (strcmp(text, "utc") == 0) {
        *shown_s = utc_s;
        return 0;
    }
    if (strcmp(text, "localtime") == 0) {
        tzset(); /* localtime_r need not */
        *shown_s = localtime_r(&now, &local) ? timegm(&local) : utc_s;
        return 0;
    }
    return date_seconds(text, shown_s);
}
