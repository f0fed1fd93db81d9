/*
 * fuzz_examine.c - any text as what follows the monitor's `x` and `xp`, with any registers, page
 * tables and memory. The input is a head, the text up to a NUL, and what lies in RAM from address 0
 * on. What is printed must be lines of an address and printable characters, no more than were asked
 * for.
 */
#include <ctype.h>

#include "tests/fuzz/ram_world.h"
#include "vmm/examine.h"

enum { TEXT_SIZE = 256, PRINTED_MAX = 2048 /* items: more take long and show nothing new */ };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct head {
    uint8_t bits, physical, cpu, unused[5];
    uint64_t cr0, cr3, cr4, efer;
    uint64_t rip, rsp, rax, r15;
};

/* What was printed: the state of a reader of lines. */
struct reader {
    size_t column, lines;
};

static void read_text(void *opaque, const char *text, size_t len)
{
    struct reader *reader = opaque;
    size_t i;

    for (i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '\n') {
            MUST(reader->column > 17); /* an address, a colon, and something */
            reader->column = 0;
            reader->lines++;
            continue;
        }
        MUST(c >= ' ' && c <= '~');
        MUST(reader->column >= 16 || isxdigit(c));
        MUST(reader->column != 16 || c == ':');
        MUST(++reader->column < 200);
    }
}

static void print(struct ram_world *world, const struct head *head, const struct examine *examine,
                  uint64_t addr)
{
    static const unsigned bits[] = {16, 32, 64};
    const struct vcpu_paging paging = {
        .regs = {.cr0 = head->cr0, .cr3 = head->cr3, .cr4 = head->cr4, .efer = head->efer}};
    const struct peek peek = {.memory = &world->as, .paging = head->physical & 1 ? NULL : &paging};
    struct reader reader = {0};
    struct memory_sink sink = {.write = read_text, .opaque = &reader};
    struct examine some = *examine;

    some.count = some.count < PRINTED_MAX ? some.count : PRINTED_MAX;
    examine_print(&some, &peek, addr, bits[head->bits % 3], &sink);
    MUST(reader.column == 0 && reader.lines > 0 && reader.lines <= some.count);
}

static void check_parsed(const struct examine *examine)
{
    MUST(examine->count >= 1 && examine->count <= EXAMINE_COUNT_MAX);
    MUST(examine->size == 1 || examine->size == 2 || examine->size == 4 || examine->size == 8);
    MUST(strchr("xduoci", examine->format) && examine->format);
    MUST(examine->format != 'c' || examine->size == 1);
    MUST(examine->address && examine->address[0]);
}

/* An address plus and minus the same is that address; without registers none has a value. */
static void check_sum(const char *address, const struct kvm_regs *regs, uint64_t addr)
{
    char longer[TEXT_SIZE + 32];
    struct error err;
    uint64_t again;

    (void)snprintf(longer, sizeof(longer), "%s+$rip-0x7-$rip+7", address);
    MUST(examine_address(longer, regs, &again, &err) == 0 && again == addr);
    MUST((examine_address(address, NULL, &again, &err) == 0) == !strchr(address, '$'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ram_world *world;
    struct examine examine;
    struct kvm_regs regs;
    struct head head;
    struct error err = {.text = ""};
    char text[TEXT_SIZE] = "";
    size_t len;
    uint64_t addr;

    if (size < sizeof(head)) {
        return 0;
    }
    if (!world) {
        world = ram_world_new();
    }
    memcpy(&head, data, sizeof(head));
    data += sizeof(head);
    size -= sizeof(head);
    len = strnlen((const char *)data, size < TEXT_SIZE - 1 ? size : TEXT_SIZE - 1);
    memcpy(text, data, len);
    len += len < size; /* the NUL */
    ram_world_fill(world, data + len, size - len);
    regs = (struct kvm_regs){.rip = head.rip, .rsp = head.rsp, .rax = head.rax, .r15 = head.r15};
    if (examine_parse(text, head.cpu, &examine, &err) < 0) {
        MUST(err.text[0] != '\0');
        return 0;
    }
    check_parsed(&examine);
    if (examine_address(examine.address, &regs, &addr, &err) < 0) {
        MUST(err.text[0] != '\0');
        return 0;
    }
    check_sum(examine.address, &regs, addr);
    print(world, &head, &examine, addr);
    return 0;
}
