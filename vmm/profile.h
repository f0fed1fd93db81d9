/*
 * profile.h - what a vCPU came out of the guest for, summed up: exits and the time they took by
 * reason, by place (a port or an address, and what answers there) and by instruction.
 *
 * A struct profile belongs to its vCPU's thread: no lock, no atomics; others read it while that
 * thread stands still, or after it ended. Tables are of fixed size, since a guest chooses what goes
 * into them: what has no room is counted in `places_lost` and `code_lost`, and in the reasons.
 *
 * Cost: an exit is two lookups in hash tables: with those in the map some 150 ns. 1.8 MB, touched
 * as far as used.
 */
#ifndef ACRE_VMM_PROFILE_H
#define ACRE_VMM_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PROFILE_REASON_NUM = 48, /* KVM_EXIT_*; the last one is for all above */
    PROFILE_PLACE_MAX = 4096,
    PROFILE_CODE_MAX = 4096,
    PROFILE_INDEX_SIZE = 8192, /* a power of two, and more than either */
    PROFILE_SLICE_NUM = 64,    /* of time, for the heat map; even */
    PROFILE_NAME_SIZE = 40,
};

/* Times are of the host's TSC. */
struct profile_sum {
    uint64_t exits;
    uint64_t ticks; /* from coming out of KVM_RUN to having been served, all together */
    uint64_t ticks_max;
};

/* What an exit is for, before it is served. */
struct profile_exit {
    uint64_t stamp;     /* when it came out */
    uint32_t reason;    /* KVM_EXIT_* */
    uint8_t size;       /* bytes of an item; 0: it is no access, and the rest but rip is unused */
    bool write;         /* direction of the access */
    bool has_rip;       /* rip is known */
    uint32_t count;     /* items */
    uint64_t addr;      /* port or guest-physical address */
    const char *name;   /* of the region that answers; NULL: nobody */
    uint64_t offset;    /* in that region */
    const void *region; /* tells regions of the same name apart; not dereferenced */
    uint64_t rip;       /* of the instruction; of one that wrote memory, the next one's */
};

/* An address, a direction, and who answered there then. */
struct profile_place {
    uint64_t addr, offset;
    const void *region; /* NULL: nobody answered, and name is "" */
    uint32_t reason;    /* KVM_EXIT_IO or KVM_EXIT_MMIO */
    bool write;
    bool has_rip;
    uint8_t sizes; /* OR of the items' sizes, 1, 2, 4, 8 */
    char name[PROFILE_NAME_SIZE];
    struct profile_sum sum;
    uint64_t items;                     /* more than exits where string I/O moved several at once */
    uint64_t first_stamp, first_rip;    /* of the first access */
    uint32_t slices[PROFILE_SLICE_NUM]; /* exits in each slice of time */
};

struct profile_code {
    uint64_t rip;
    struct profile_sum sum;
};

struct profile {
    uint64_t begin;       /* TSC; slices count from here */
    unsigned slice_shift; /* a slice is 2^shift ticks; doubled when time runs out of them */
    uint64_t guest_ticks; /* between an exit served and the next one: in the guest, or held */
    struct profile_sum reasons[PROFILE_REASON_NUM];
    size_t place_num, code_num;
    uint64_t places_lost, code_lost; /* exits that found their table full */
    struct profile_place places[PROFILE_PLACE_MAX];
    struct profile_code code[PROFILE_CODE_MAX];
    /* private: positions + 1, 0 where free; what the exit at hand goes to, NULL where nothing */
    uint16_t place_index[PROFILE_INDEX_SIZE], code_index[PROFILE_INDEX_SIZE];
    struct profile_place *place;
    struct profile_code *at;
    uint32_t reason;
    uint64_t out, served; /* stamps: came out last, was served last */
};

/* @begin  the TSC now. */
void profile_init(struct profile *profile, uint64_t begin);
/* An exit is about to be served, and was: always in pairs. */
void profile_begin(struct profile *profile, const struct profile_exit *exit);
void profile_end(struct profile *profile, uint64_t stamp);
/* Adds what another one has counted; both began at the same time. */
void profile_add(struct profile *profile, const struct profile *other);
/* All exits. */
struct profile_sum profile_total(const struct profile *profile);

#endif
