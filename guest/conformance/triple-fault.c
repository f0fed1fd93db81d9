/* triple-fault.c - a fault that no handler can be found for ends the run with status 126. */
#include "guest/lib/guest.h"

TEST_NOTE("board = bare\nstatus = 126\nerr = triple fault\n");

int main(const struct boot_info *boot)
{
    const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) none = {0, 0};

    (void)boot;
    report(true, "a guest without an IDT that executes ud2");
    (void)report_finish();
    console_flush();
    __asm__ volatile("lidt %0; ud2" ::"m"(none));
    return 0;
}
