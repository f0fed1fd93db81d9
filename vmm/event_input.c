/* An eventfd that never blocks; its number travels in place of a pointer. */
#include "vmm/event_input.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

static uint64_t take(void *opaque)
{
    uint64_t count = 0;

    return read((int)(intptr_t)opaque, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

int event_input_open(struct event_input *input)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    *input = (struct event_input){.handle = fd, .take = take, .opaque = (void *)(intptr_t)fd};
    return fd < 0 ? -errno : 0;
}

void event_input_close(struct event_input *input)
{
    if (input->handle >= 0) {
        (void)close(input->handle);
        input->handle = -1;
    }
}
