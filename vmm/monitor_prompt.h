/*
 * monitor_prompt.h - lines from a person at a terminal: editing, history, completion; events are
 * shown while the line is being written.
 *
 * Context: one thread; one prompt in a process.
 * Source: editline(3).
 */
#ifndef ACRE_VMM_MONITOR_PROMPT_H
#define ACRE_VMM_MONITOR_PROMPT_H

#include "vmm/monitor_client.h"

struct monitor_prompt; /* private */

/*
 * @client   watched for events while a line is read.
 * @names    what can be completed: an array of objects with a "name"; stays the caller's.
 * Returns: NULL out of memory.
 */
struct monitor_prompt *monitor_prompt_new(struct monitor_client *client, const json_t *names);
/* Accepts NULL. */
void monitor_prompt_free(struct monitor_prompt *prompt);
/* A line without its end; valid until the next call. NULL: end of input, or of the connection. */
const char *monitor_prompt_read(struct monitor_prompt *prompt);

#endif
