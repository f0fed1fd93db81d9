/* pctestdev-ports.c - testdev's word, in every width and through both of its windows. */
#include "guest/lib/guest.h"

TEST_NOTE("board = qemu-test\n");

#define WORD 0xe0
#define FLUSH 0xe4
#define BYTES 0xe8 /* the debug console is in front of its second byte */

int main(const struct boot_info *boot)
{
    static const uint32_t items[] = {1, 2, 0x89abcdef};
    uint32_t in[2];

    (void)boot;
    outl(WORD, 0x33221100);
    report(inl(WORD) == 0x33221100, "a double word");
    outw(WORD + 2, 0xbbaa);
    report(inl(WORD) == 0xbbaa1100, "a word");
    outb(WORD + 1, 0xcc);
    report(inl(WORD) == 0xbbaacc00, "a byte");
    report(inw(WORD + 1) == 0xaacc, "a word that is not aligned");
    outw(WORD + 1, 0x5544);
    report(inl(WORD) == 0xbb554400, "and written");
    report(inb(BYTES) == 0x00 && inb(BYTES + 2) == 0x55 && inb(BYTES + 3) == 0xbb,
           "bytes through the second window");
    report(inl(BYTES) == 0xbb554400, "and all of them");
    outw(BYTES + 2, 0x7766);
    report(inl(WORD) == 0x77664400, "a word written there");
    outsl(WORD, items, 3);
    report(inl(WORD) == 0x89abcdef, "string output leaves its last item");
    insl(WORD, in, 2);
    report(in[0] == 0x89abcdef && in[1] == 0x89abcdef, "string input gives it over and over");
    outl(FLUSH, (uint32_t)(uintptr_t)in);
    outb(FLUSH, 1);
    report(inl(WORD) == 0x89abcdef && in[0] == 0x89abcdef, "the flush port changes nothing");
    return report_finish();
}
