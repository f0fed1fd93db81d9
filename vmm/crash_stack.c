/*
 * crash_stack.c - return addresses. Where code keeps frame pointers their chain is followed; each
 * frame must lie above the one before and return behind a call. Without, whatever on the stack
 * looks like a return address is taken, and marked as a guess.
 */
#include "vmm/crash.h"

#include <string.h>

enum {
    SCAN_WORDS = 256,
    GUESS_MAX = 12,
    CALL_LEN_MAX = 7,
    FRAME_SIZE_MAX = 1 << 20,
};

struct stack {
    struct crash_cpu *cpu;
    AddressSpace *memory;
    const struct symbols *symbols;
    unsigned word; /* bytes: 4 or 8 */
    uint64_t base; /* of SS; 0 in 64-bit mode */
};

static int read_word(const struct stack *stack, uint64_t linear, uint64_t *value)
{
    *value = 0; /* the low bytes come first */
    return crash_read_linear(&stack->cpu->paging, stack->memory, linear, value, stack->word);
}

/* Does a call end here? E8 with a displacement, or FF /2 with 0 to 5 bytes behind its ModRM. */
static bool is_behind_call(const struct stack *stack, uint64_t addr)
{
    enum { CALL_NEAR = 0xe8, GROUP_5 = 0xff, REG_MASK = 0x38, REG_CALL = 0x10 };
    uint8_t bytes[CALL_LEN_MAX];
    static const unsigned lengths[] = {2, 3, 4, 6, 7};
    size_t i;

    if (crash_read_linear(&stack->cpu->paging, stack->memory, addr - sizeof(bytes), bytes,
                          sizeof(bytes)) < 0) {
        return false;
    }
    if (bytes[sizeof(bytes) - 5] == CALL_NEAR) {
        return true;
    }
    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        const uint8_t *call = bytes + sizeof(bytes) - lengths[i];

        if (call[0] == GROUP_5 && (call[1] & REG_MASK) == REG_CALL) {
            return true;
        }
    }
    return false;
}

static bool is_return(const struct stack *stack, uint64_t addr)
{
    uint64_t offset;

    /* Most words are no addresses; a symbol table sorts out data, if there is one. */
    return addr >= CALL_LEN_MAX &&
           (symbols_num(stack->symbols) == 0 || symbols_find(stack->symbols, addr - 1, &offset)) &&
           is_behind_call(stack, addr);
}

static void add_frame(struct crash_cpu *cpu, uint64_t at, uint64_t addr, bool guess)
{
    if (cpu->frame_num < CRASH_STACK_MAX) {
        cpu->frames[cpu->frame_num++] = (struct crash_frame){at, addr, guess};
    }
}

/* A call to where no code is left its return address on top. */
static void walk_failed_call(const struct stack *stack, uint64_t top)
{
    uint64_t addr;

    if (stack->cpu->code_num == 0 && read_word(stack, top, &addr) == 0 && is_return(stack, addr)) {
        add_frame(stack->cpu, top, addr, false);
    }
}

/* Returns: did the chain give anything? */
static bool walk_frames(const struct stack *stack, uint64_t top)
{
    uint64_t frame = stack->base + stack->cpu->regs.rbp, next, addr;
    size_t before = stack->cpu->frame_num;

    while (stack->cpu->frame_num < CRASH_STACK_MAX && frame >= top &&
           frame - top <= FRAME_SIZE_MAX && frame % stack->word == 0 &&
           read_word(stack, frame, &next) == 0 &&
           read_word(stack, frame + stack->word, &addr) == 0 && is_return(stack, addr)) {
        add_frame(stack->cpu, frame + stack->word, addr, false);
        top = frame + 2 * (uint64_t)stack->word; /* upwards only: no loop */
        frame = stack->base + next;
    }
    return stack->cpu->frame_num > before;
}

static void scan(const struct stack *stack, uint64_t top)
{
    size_t num = 0, i;
    uint64_t addr;

    top -= top % stack->word;
    for (i = 0; i < SCAN_WORDS && num < GUESS_MAX; i++, top += stack->word) {
        if (read_word(stack, top, &addr) < 0) {
            return;
        }
        if (is_return(stack, addr)) {
            add_frame(stack->cpu, top, addr, true);
            num++;
        }
    }
}

void crash_walk_stack(struct crash_cpu *cpu, AddressSpace *memory, const struct symbols *symbols)
{
    struct stack stack = {
        .cpu = cpu,
        .memory = memory,
        .symbols = symbols,
        .word = cpu->bits / 8,
        .base = cpu->bits == 64 ? 0 : cpu->sregs.ss.base,
    };
    uint64_t top = stack.base + cpu->regs.rsp;

    if (cpu->bits < 32) {
        return; /* calls of real mode leave too little to know them by */
    }
    walk_failed_call(&stack, top);
    if (!walk_frames(&stack, top)) {
        scan(&stack, top + (cpu->frame_num > 0 ? stack.word : 0));
    }
}
