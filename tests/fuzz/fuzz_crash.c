/*
 * fuzz_crash.c - any registers and any memory of a CPU that died: explained, printed and turned
 * into JSON. The input's head is the registers, the rest lies in RAM from address 0 on; its end is
 * what a serial port printed last.
 */
#include "tests/fuzz/ram_world.h"
#include "vmm/crash.h"

enum { LINES_MAX = 200, LONG_FLAG = 1, WIDE_FLAG = 2, FULL_FLAG = 4, OLD_FLAG = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The head of an input. */
struct head {
    uint8_t kind, flags, vector, injected;
    uint16_t idt_limit, unused;
    uint64_t rip, rsp, rbp, cr0, cr2, cr3, cr4, efer, cs_base, ss_base, idt_base;
};

static void make_cpu(const struct head *head, struct crash_cpu *cpu)
{
    *cpu = (struct crash_cpu){
        .source = head->flags & OLD_FLAG ? CRASH_SOURCE_LAST_EXIT : CRASH_SOURCE_END,
        .regs = {.rip = head->rip, .rsp = head->rsp, .rbp = head->rbp},
        .sregs = {.cr0 = head->cr0,
                  .cr2 = head->cr2,
                  .cr3 = head->cr3,
                  .cr4 = head->cr4,
                  .efer = head->efer,
                  .cs = {.base = head->cs_base,
                         .l = (head->flags & LONG_FLAG) != 0,
                         .db = (head->flags & WIDE_FLAG) != 0},
                  .ss = {.base = head->ss_base},
                  .idt = {.base = head->idt_base, .limit = head->idt_limit}},
        .paging =
            {.regs = {.cr0 = head->cr0, .cr3 = head->cr3, .cr4 = head->cr4, .efer = head->efer}},
        .has_events = true,
        .events = {.exception = {.injected = head->injected & 1, .nr = head->vector}},
    };
}

static void count(void *opaque, const char *text)
{
    MUST(strlen(text) < 256);
    ++*(unsigned *)opaque;
}

static void tell(const struct crash *crash, bool full)
{
    json_t *json = crash_json(crash);
    char *text = json ? json_dumps(json, 0) : NULL;
    unsigned lines = 0;

    MUST(text);
    free(text);
    json_decref(json);
    crash_print(crash, full ? CRASH_FORM_FULL : CRASH_FORM_SHORT, count, &lines);
    MUST(lines > 5 && lines <= LINES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ram_world *world;
    struct crash crash = {.cpu_num = 1};
    struct crash_cpu cpu;
    struct head head;
    size_t len;

    if (size < sizeof(head)) {
        return 0;
    }
    if (!world) {
        world = ram_world_new();
    }
    memcpy(&head, data, sizeof(head));
    len = size - sizeof(head) < RAM_SIZE ? size - sizeof(head) : RAM_SIZE;
    ram_world_fill(world, data + sizeof(head), len);
    make_cpu(&head, &cpu);
    crash_explain_cpu(&cpu, head.kind % VERDICT_KIND_NUM, &world->as, NULL);
    MUST(cpu.code_num <= CRASH_CODE_MAX && cpu.frame_num <= CRASH_STACK_MAX);
    crash.cpus = &cpu;
    crash.serial_num = 1;
    (void)snprintf(crash.serials[0].name, sizeof(crash.serials[0].name), "serial0");
    len = len < CRASH_SERIAL_SIZE ? len : CRASH_SERIAL_SIZE;
    memcpy(crash.serials[0].data, data + size - len, len);
    crash.serials[0].len = len;
    tell(&crash, (head.flags & FULL_FLAG) != 0);
    return 0;
}
