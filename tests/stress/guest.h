/*
 * guest.h - what flip's guest does, and the memory through which it and the host talk.
 *
 * Each vCPU loops for ever: it reads a dword of the window, which must be the number of something
 * that was shown there meanwhile; takes the number of the copy of the code it runs in, likewise;
 * writes and reads back a dword on each side of the window; and writes a page of a given range. It
 * counts in its own page what it found.
 */
#ifndef ACRE_TESTS_STRESS_GUEST_H
#define ACRE_TESTS_STRESS_GUEST_H

#include <stdint.h>

#define GUEST_SHARED 0x1000 /* guest-physical: struct guest_shared */
#define GUEST_CPU 0x2000    /* struct guest_cpu of the first vCPU, then a page each */
#define GUEST_CODE 0x10000

enum { GUEST_VALUE_MAX = 31 };

/* The host says how often it has begun a change, and what may be seen (bit n: the value n). */
struct guest_shared {
    uint32_t flips;
    uint32_t window_mask, code_mask;
};

struct guest_cpu {
    uint32_t loops;
    uint32_t stale;         /* values that nothing shown meanwhile has */
    uint32_t unsure;        /* so many changes meanwhile that the guest cannot tell */
    uint32_t beside_lost;   /* what it wrote beside the window did not stay */
    uint32_t bad, bad_mask; /* the last stale value, and what was allowed */
    uint32_t count;         /* what it writes */
    uint32_t below, above;  /* gpa beside the window */
    uint32_t first, end;    /* gpa range of its reads in the window */
    uint32_t at;            /* the next page to write; 0: none */
    uint32_t write_first, write_end;
};

#define GUEST_WINDOW_STEP 0x404
#define GUEST_WRITE_STEP 0x2000 /* each second page stays clean */

/* The code, for PROTECTED32; ESI has the vCPU's page, EDI an address in the window. */
extern const uint8_t guest_code[], guest_code_id[], guest_code_end[];

#endif
