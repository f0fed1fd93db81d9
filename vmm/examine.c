/* examine.c - a small parser, then one line after the other; what cannot be read ends it. */
#include "vmm/examine.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "vmm/crash_code.h"
#include "vmm/options.h"

enum { LINE_BYTES = 16, LINE_BYTES_NARROW = 8, CODE_LINES = 64 };

/* ---- what is asked for ---- */

static unsigned size_of(char letter)
{
    switch (letter) {
    case 'b':
        return 1;
    case 'h':
        return 2;
    case 'w':
        return 4;
    case 'g':
        return 8;
    default:
        return 0;
    }
}

static int parse_format(const char *text, struct examine *examine, struct error *err)
{
    const char *at = text;
    uint64_t count;

    if (isdigit((unsigned char)*at)) {
        if (options_number(at, &count, &at) < 0 || count == 0 || count > EXAMINE_COUNT_MAX) {
            return error_set(err, EINVAL, "/%.32s: the count is 1 to %d", text, EXAMINE_COUNT_MAX);
        }
        examine->count = (unsigned)count;
    }
    for (; *at; at++) {
        if (size_of(*at) > 0) {
            examine->size = size_of(*at);
        } else if (strchr("xduoci", *at)) {
            examine->format = *at;
        } else {
            return error_set(err, EINVAL,
                             "/%.32s: wants a count, x, d, u, o, c or i, and b, h, w or g", text);
        }
    }
    if (examine->format == 'c') {
        examine->size = 1;
    }
    return 0;
}

static int parse_cpu(const char *word, struct examine *examine, struct error *err)
{
    uint64_t cpu;
    const char *end;

    if (!word || options_number(word, &cpu, &end) < 0 || *end != '\0' || cpu > UINT_MAX) {
        return error_set(err, EINVAL, "--cpu: wants the number of a CPU");
    }
    examine->cpu = (unsigned)cpu;
    return 0;
}

int examine_parse(char *text, unsigned cpu, struct examine *examine, struct error *err)
{
    static const char space[] = " \t";
    char *rest = NULL, *word = strtok_r(text, space, &rest);
    int ret = 0;

    *examine = (struct examine){.count = 1, .format = 'x', .size = 4, .cpu = cpu};
    if (word && word[0] == '/') {
        ret = parse_format(word + 1, examine, err);
        word = strtok_r(NULL, space, &rest);
    }
    for (; word && ret == 0; word = strtok_r(NULL, space, &rest)) {
        if (strcmp(word, "--cpu") == 0) {
            ret = parse_cpu(strtok_r(NULL, space, &rest), examine, err);
        } else if (examine->address) {
            ret = error_set(err, EINVAL, "%.64s: what follows the address is --cpu N", word);
        } else {
            examine->address = word;
        }
    }
    return ret == 0 && !examine->address ? error_set(err, EINVAL, "wants an address") : ret;
}

/* ---- the address ---- */

static const struct {
    const char *name;
    size_t offset;
} registers[] = {
#define REGISTER(name)                                                                             \
    {                                                                                              \
#name, offsetof(struct kvm_regs, name)                                                     \
    }
    REGISTER(rax),
    REGISTER(rbx),
    REGISTER(rcx),
    REGISTER(rdx),
    REGISTER(rsi),
    REGISTER(rdi),
    REGISTER(rsp),
    REGISTER(rbp),
    REGISTER(r8),
    REGISTER(r9),
    REGISTER(r10),
    REGISTER(r11),
    REGISTER(r12),
    REGISTER(r13),
    REGISTER(r14),
    REGISTER(r15),
    REGISTER(rip),
#undef REGISTER
    {"sp", offsetof(struct kvm_regs, rsp)},
    {"pc", offsetof(struct kvm_regs, rip)},
};

/* A register's value. Returns: how long its name is; 0: there is none of that name. */
static size_t take_register(const char *text, const struct kvm_regs *cpu, uint64_t *value)
{
    size_t len = 0, i;

    while (isalnum((unsigned char)text[len])) {
        len++;
    }
    for (i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        if (strncmp(registers[i].name, text, len) == 0 && registers[i].name[len] == '\0') {
            memcpy(value, (const char *)cpu + registers[i].offset, sizeof(*value));
            return len;
        }
    }
    return 0;
}

int examine_address(const char *text, const struct kvm_regs *cpu, uint64_t *addr, struct error *err)
{
    const char *at = text;
    uint64_t value;
    bool minus = false;
    size_t len;

    *addr = 0;
    for (;;) {
        if (*at == '$') {
            len = cpu ? take_register(at + 1, cpu, &value) : 0;
            at += len + 1;
        } else {
            len = options_number(at, &value, &at) == 0;
        }
        if (len == 0) {
            break;
        }
        *addr += minus ? -value : value;
        if (*at == '\0') {
            return 0;
        }
        minus = *at == '-';
        if (*at != '+' && *at != '-') {
            break;
        }
        at++;
    }
    return error_set(err, EINVAL, "%.64s: not an address (numbers and $registers, with + and -)",
                     text);
}

/* ---- the text ---- */

static void print_char(struct memory_sink *sink, uint8_t c)
{
    static const char special[] = "'\\\n\r", names[] = "'\\nr";
    const char *found = c ? strchr(special, c) : NULL;

    if (found) {
        memory_sink_printf(sink, " '\\%c'", names[found - special]);
    } else if (c >= ' ' && c <= '~') {
        memory_sink_printf(sink, " '%c'", c);
    } else {
        memory_sink_printf(sink, " '\\x%02x'", c);
    }
}

/* One item, little-endian; as wide as the widest of its size, so that lines are columns. */
static void print_item(struct memory_sink *sink, const struct examine *examine, const uint8_t *at)
{
    int bits = (int)examine->size * 8, shift = 64 - bits;
    uint64_t value = 0;

    memcpy(&value, at, examine->size);
    switch (examine->format) {
    case 'o':
        memory_sink_printf(sink, " 0%0*" PRIo64, (bits + 2) / 3, value);
        break;
    case 'u':
        memory_sink_printf(sink, " %*" PRIu64, (bits * 10 + 32) / 33, value);
        break;
    case 'd':
        memory_sink_printf(sink, " %*" PRId64, (bits * 10 + 32) / 33,
                           (int64_t)(value << shift) >> shift);
        break;
    case 'c':
        print_char(sink, *at);
        break;
    default:
        memory_sink_printf(sink, " 0x%0*" PRIx64, bits / 4, value);
        break;
    }
}

/* Reads what there is of `len` bytes. Returns: how many. */
static size_t read_some(const struct peek *peek, uint64_t addr, uint8_t *bytes, size_t len)
{
    uint64_t bad;

    if (peek_read(peek, addr, bytes, len, &bad) == 0) {
        return len;
    }
    len = (size_t)(bad - addr); /* whole pages up to there could be read */
    return len > 0 && peek_read(peek, addr, bytes, len, &bad) == 0 ? len : 0;
}

static void print_code(unsigned count, const struct peek *peek, uint64_t addr, unsigned bits,
                       struct memory_sink *sink)
{
    struct code_line lines[CODE_LINES];
    uint8_t bytes[CODE_LINES * CODE_LEN_MAX]; /* so that none of that many is cut */

    while (count > 0) {
        size_t len = read_some(peek, addr, bytes, sizeof(bytes)), num, i;

        num = code_disassemble(bits, addr, bytes, len, lines,
                               count < CODE_LINES ? count : CODE_LINES);
        for (i = 0; i < num; i++) {
            memory_sink_printf(sink, "%016" PRIx64 ": %s\n", addr, lines[i].text);
            addr += lines[i].len;
        }
        count -= (unsigned)num;
        if (count > 0 && len < sizeof(bytes)) {
            memory_sink_printf(sink, "%016" PRIx64 ": Cannot access memory\n", addr);
            return;
        }
    }
}

void examine_print(const struct examine *examine, const struct peek *peek, uint64_t addr,
                   unsigned bits, struct memory_sink *sink)
{
    size_t left = (size_t)examine->count * examine->size;
    size_t line = examine->size == 1 ? LINE_BYTES_NARROW : LINE_BYTES;
    uint8_t bytes[LINE_BYTES];
    uint64_t bad;

    if (examine->format == 'i') {
        print_code(examine->count, peek, addr, bits, sink);
        return;
    }
    while (left > 0) {
        size_t len = left < line ? left : line, at;

        memory_sink_printf(sink, "%016" PRIx64 ":", addr);
        if (peek_read(peek, addr, bytes, len, &bad) < 0) {
            memory_sink_printf(sink, " Cannot access memory\n");
            return;
        }
        for (at = 0; at < len; at += examine->size) {
            print_item(sink, examine, bytes + at);
        }
        memory_sink_printf(sink, "\n");
        addr += len;
        left -= len;
    }
}
