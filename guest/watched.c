/*
 * watched.c - something for a debugger to look at: variables that are written and read at known
 * places, a port access, an access where nothing answers, a string instruction.
 */
#include "guest/lib/guest.h"

#define NOBODY_ADDR UINT64_C(0xd0000000)
#define PORT_POST 0x80 /* POST codes: nothing happens */

uint32_t written __attribute__((aligned(4096)));
volatile uint32_t looked_at = 7;
static uint8_t stored[16];

extern const char port_written[], mmio_written[];

void quit_early(void);
/* Where a debugger may send the CPU. */
void quit_early(void)
{
    guest_exit(3);
}

static void write_twice(void)
{
    __asm__ volatile("movl $1, %0\n\tmovl $3, %0" : "=m"(written));
}

static void access_devices(void)
{
    __asm__ volatile(".global port_write, port_written\n"
                     "port_write: outb %0, %1\n"
                     "port_written: nop"
                     :
                     : "a"((uint8_t)0), "Nd"((uint16_t)PORT_POST));
    uint32_t value;
    __asm__ volatile(".global mmio_write, mmio_written, mmio_read, mmio_was_read\n"
                     "mmio_write: movl %%eax, (%1)\n"
                     "mmio_written: nop\n"
                     "mmio_read: movl (%1), %0\n"
                     "mmio_was_read: nop"
                     : "=r"(value)
                     : "r"(NOBODY_ADDR)
                     : "memory");
}

static void store_string(void)
{
    uint64_t count = sizeof(stored);
    uint8_t *to = stored;

    __asm__ volatile(".global string_store, string_stored\n"
                     "string_store: rep stosb\n"
                     "string_stored:"
                     : "+c"(count), "+D"(to)
                     : "a"(0)
                     : "memory");
}

int main(const struct boot_info *boot)
{
    (void)boot;
    console_printf("watched: main %lx port_written %lx mmio_written %lx written %lx\n",
                   (uint64_t)main, (uint64_t)port_written, (uint64_t)mmio_written,
                   (uint64_t)&written);
    write_twice();
    access_devices();
    store_string();
    return looked_at == 7 && written == 3 ? GUEST_EXIT_PASS : GUEST_EXIT_FAIL;
}
