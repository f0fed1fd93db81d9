/*
 * irq_hub.h - interrupt lines that several devices drive, wired together, and the switch by which
 * an HPET takes two of them over.
 *
 * Each irq_hub_line() is a source of its own. An input is high while any of its sources is. When
 * irq_hub_take_over() is on, inputs 0 and 8 hear only sources made with `keeps`; the others go on
 * changing level unheard, and count again when it is off.
 *
 * Context: lines may be set from any thread, under any device's lock; the hub's own lock is taken
 * last and held around the output's set().
 */
#ifndef ACRE_VMM_IRQ_HUB_H
#define ACRE_VMM_IRQ_HUB_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/device.h"

enum { IRQ_HUB_INPUTS = 24, IRQ_HUB_SOURCES = 128 };

struct irq_hub_source {
    struct irq_hub *hub;
    unsigned input;
    bool keeps, level;
};

struct irq_hub {
    pthread_mutex_t lock;
    struct irq_line out[IRQ_HUB_INPUTS];
    /* private */
    unsigned high[IRQ_HUB_INPUTS]; /* sources that are high, of those that are heard */
    struct irq_hub_source sources[IRQ_HUB_SOURCES];
    unsigned source_num;
    bool taken_over;
};

/* @hub  zeroed; outputs go nowhere until `out` is filled in. */
void irq_hub_init(struct irq_hub *hub);
/* Nobody uses its lines any more. Accepts a zeroed hub. */
void irq_hub_finish(struct irq_hub *hub);

/*
 * One more source of an input. Context: before anything runs.
 * @input  0..IRQ_HUB_INPUTS-1.   @keeps  heard while inputs 0 and 8 are taken over.
 * Returns: 0; -ENOSPC more than IRQ_HUB_SOURCES.
 */
int irq_hub_line(struct irq_hub *hub, unsigned input, bool keeps, struct irq_line *line)
    __attribute__((warn_unused_result));
void irq_hub_take_over(struct irq_hub *hub, bool on);

#endif
