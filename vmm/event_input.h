/*
 * event_input.h - a device's event inputs (devices/device.h) as eventfds.
 *
 * Context: any thread; take() may run on several at once, and each signal is counted by one.
 * Source: eventfd(2); KVM api.rst, KVM_IOEVENTFD.
 */
#ifndef ACRE_VMM_EVENT_INPUT_H
#define ACRE_VMM_EVENT_INPUT_H

#include "devices/device.h"

/* Returns: 0; -errno of eventfd(), and the input's handle is -1. */
int event_input_open(struct event_input *input) __attribute__((warn_unused_result));
/* Accepts one whose handle is -1. Context: KVM and memory/ know the handle no more. */
void event_input_close(struct event_input *input);

#endif
