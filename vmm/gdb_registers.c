/*
 * gdb_registers.c - a table for each architecture: each register's name, type, size and place in
 * struct gdb_registers. Packets, target description and values all come from it.
 */
#include "vmm/gdb_registers.h"

#include <stdio.h>
#include <string.h>

enum part { PART_CORE, PART_SSE, PART_SEGMENTS, PART_CONTROL, PART_NUM };

static const char *const part_names[PART_NUM] = {
    [PART_CORE] = "org.gnu.gdb.i386.core",
    [PART_SSE] = "org.gnu.gdb.i386.sse",
    [PART_SEGMENTS] = "org.gnu.gdb.i386.segments",
    [PART_CONTROL] = "acre.x86.control",
};

struct gdb_register {
    const char *name, *type;
    enum part part;
    uint8_t size;      /* in packets; `held` at most is taken from the place, the rest is 0 */
    uint8_t held;      /* bytes at the place; 0: there is none, it reads 0 */
    uint8_t changed;   /* GDB_CHANGED_ */
    const char *group; /* NULL: gdb's own choice */
    size_t offset;
};

#define AT(member) offsetof(struct gdb_registers, member)
#define HELD(member) (uint8_t)sizeof(((const struct gdb_registers *)NULL)->member)
#define INTEGER(text, kind)                                                                        \
    {                                                                                              \
        .name = #text, .type = kind, .part = PART_CORE, .size = 8, .held = 8,                      \
        .changed = GDB_CHANGED_REGS, .offset = AT(regs.text)                                       \
    }
#define INTEGER_32(text, from, kind)                                                               \
    {                                                                                              \
        .name = #text, .type = kind, .part = PART_CORE, .size = 4, .held = 4,                      \
        .changed = GDB_CHANGED_REGS, .offset = AT(regs.from)                                       \
    }
#define EFLAGS                                                                                     \
    {                                                                                              \
        .name = "eflags", .type = "i386_eflags", .part = PART_CORE, .size = 4, .held = 4,          \
        .changed = GDB_CHANGED_REGS, .offset = AT(regs.rflags)                                     \
    }
#define SELECTOR(text)                                                                             \
    {                                                                                              \
        .name = #text, .type = "int32", .part = PART_CORE, .size = 4, .held = 2,                   \
        .changed = GDB_CHANGED_SREGS, .offset = AT(sregs.text.selector)                            \
    }
#define X87(number)                                                                                \
    {                                                                                              \
        .name = "st" #number, .type = "i387_ext", .part = PART_CORE, .size = 10, .held = 10,       \
        .changed = GDB_CHANGED_FPU, .offset = AT(fpu.fpr[number])                                  \
    }
#define X87_CONTROL(text, member)                                                                  \
    {                                                                                              \
        .name = text, .type = "int", .part = PART_CORE, .size = 4, .held = HELD(fpu.member),       \
        .changed = GDB_CHANGED_FPU, .group = "float", .offset = AT(fpu.member)                     \
    }
/* KVM has no segments of the last x87 instruction: they are 0 in 64-bit mode. */
#define X87_NONE(text)                                                                             \
    {                                                                                              \
        .name = text, .type = "int", .part = PART_CORE, .size = 4, .group = "float"                \
    }
#define XMM(number)                                                                                \
    {                                                                                              \
        .name = "xmm" #number, .type = "vec128", .part = PART_SSE, .size = 16, .held = 16,         \
        .changed = GDB_CHANGED_FPU, .offset = AT(fpu.xmm[number])                                  \
    }
#define SYSTEM(text, where, member, what)                                                          \
    {                                                                                              \
        .name = text, .type = "int64", .part = where, .size = 8, .held = 8, .changed = what,       \
        .group = "system", .offset = AT(member)                                                    \
    }

#define SELECTORS SELECTOR(cs), SELECTOR(ss), SELECTOR(ds), SELECTOR(es), SELECTOR(fs), SELECTOR(gs)
#define X87_ALL                                                                                    \
    X87(0), X87(1), X87(2), X87(3), X87(4), X87(5), X87(6), X87(7), X87_CONTROL("fctrl", fcw),     \
        X87_CONTROL("fstat", fsw), X87_CONTROL("ftag", ftwx), X87_NONE("fiseg"),                   \
        X87_CONTROL("fioff", last_ip), X87_NONE("foseg"), X87_CONTROL("fooff", last_dp),           \
        X87_CONTROL("fop", last_opcode)
#define MXCSR                                                                                      \
    {                                                                                              \
        .name = "mxcsr", .type = "i386_mxcsr", .part = PART_SSE, .size = 4, .held = 4,             \
        .changed = GDB_CHANGED_MXCSR, .group = "vector", .offset = AT(fpu.mxcsr)                   \
    }
#define CONTROL                                                                                    \
    SYSTEM("k_gs_base", PART_CONTROL, kernel_gs_base, GDB_CHANGED_KERNEL_GS_BASE),                 \
        SYSTEM("cr0", PART_CONTROL, sregs.cr0, GDB_CHANGED_SREGS),                                 \
        SYSTEM("cr2", PART_CONTROL, sregs.cr2, GDB_CHANGED_SREGS),                                 \
        SYSTEM("cr3", PART_CONTROL, sregs.cr3, GDB_CHANGED_SREGS),                                 \
        SYSTEM("cr4", PART_CONTROL, sregs.cr4, GDB_CHANGED_SREGS),                                 \
        SYSTEM("cr8", PART_CONTROL, sregs.cr8, GDB_CHANGED_SREGS),                                 \
        SYSTEM("efer", PART_CONTROL, sregs.efer, GDB_CHANGED_SREGS)

static const struct gdb_register table_64[] = {
    INTEGER(rax, "int64"),
    INTEGER(rbx, "int64"),
    INTEGER(rcx, "int64"),
    INTEGER(rdx, "int64"),
    INTEGER(rsi, "int64"),
    INTEGER(rdi, "int64"),
    INTEGER(rbp, "data_ptr"),
    INTEGER(rsp, "data_ptr"),
    INTEGER(r8, "int64"),
    INTEGER(r9, "int64"),
    INTEGER(r10, "int64"),
    INTEGER(r11, "int64"),
    INTEGER(r12, "int64"),
    INTEGER(r13, "int64"),
    INTEGER(r14, "int64"),
    INTEGER(r15, "int64"),
    INTEGER(rip, "code_ptr"),
    EFLAGS,
    SELECTORS,
    X87_ALL,
    XMM(0),
    XMM(1),
    XMM(2),
    XMM(3),
    XMM(4),
    XMM(5),
    XMM(6),
    XMM(7),
    XMM(8),
    XMM(9),
    XMM(10),
    XMM(11),
    XMM(12),
    XMM(13),
    XMM(14),
    XMM(15),
    MXCSR,
    SYSTEM("fs_base", PART_SEGMENTS, sregs.fs.base, GDB_CHANGED_SREGS),
    SYSTEM("gs_base", PART_SEGMENTS, sregs.gs.base, GDB_CHANGED_SREGS),
    CONTROL,
};
static const struct gdb_register table_32[] = {
    INTEGER_32(eax, rax, "int32"),
    INTEGER_32(ecx, rcx, "int32"),
    INTEGER_32(edx, rdx, "int32"),
    INTEGER_32(ebx, rbx, "int32"),
    INTEGER_32(esp, rsp, "data_ptr"),
    INTEGER_32(ebp, rbp, "data_ptr"),
    INTEGER_32(esi, rsi, "int32"),
    INTEGER_32(edi, rdi, "int32"),
    INTEGER_32(eip, rip, "code_ptr"),
    EFLAGS,
    SELECTORS,
    X87_ALL,
    XMM(0),
    XMM(1),
    XMM(2),
    XMM(3),
    XMM(4),
    XMM(5),
    XMM(6),
    XMM(7),
    MXCSR,
    SYSTEM("fs_base", PART_CONTROL, sregs.fs.base, GDB_CHANGED_SREGS),
    SYSTEM("gs_base", PART_CONTROL, sregs.gs.base, GDB_CHANGED_SREGS),
    CONTROL,
};

static const struct {
    const struct gdb_register *table;
    unsigned num;
    const char *name; /* gdb's */
} archs[] = {
    [GDB_ARCH_X86_64] = {table_64, sizeof(table_64) / sizeof(table_64[0]), "i386:x86-64"},
    [GDB_ARCH_I386] = {table_32, sizeof(table_32) / sizeof(table_32[0]), "i386"},
};

unsigned gdb_register_num(enum gdb_arch arch)
{
    return archs[arch].num;
}

size_t gdb_register_size(enum gdb_arch arch, unsigned number)
{
    return archs[arch].table[number].size;
}

const char *gdb_register_name(enum gdb_arch arch, unsigned number)
{
    return archs[arch].table[number].name;
}

static bool is_tag(const struct gdb_register *reg)
{
    return reg->held && reg->offset == AT(fpu.ftwx);
}

/* KVM has FXSAVE's tags, a bit for each register in use; the x87's own have two bits. */
static uint16_t full_tag(const struct kvm_fpu *fpu)
{
    uint16_t tag = 0;
    unsigned i;

    for (i = 0; i < 8; i++) {
        tag = (uint16_t)(tag | ((fpu->ftwx >> i & 1) ? 0U : 3U) << (2 * i));
    }
    return tag;
}

static uint8_t short_tag(uint16_t full)
{
    uint8_t tag = 0;
    unsigned i;

    for (i = 0; i < 8; i++) {
        tag = (uint8_t)(tag | ((full >> (2 * i) & 3) == 3 ? 0U : 1U) << i);
    }
    return tag;
}

void gdb_register_get(enum gdb_arch arch, const struct gdb_registers *registers, unsigned number,
                      void *value)
{
    const struct gdb_register *reg = &archs[arch].table[number];
    size_t len = reg->held < reg->size ? reg->held : reg->size;
    uint16_t tag;

    memset(value, 0, reg->size);
    if (is_tag(reg)) {
        tag = full_tag(&registers->fpu);
        memcpy(value, &tag, sizeof(tag));
    } else {
        memcpy(value, (const char *)registers + reg->offset, len);
    }
}

unsigned gdb_register_set(enum gdb_arch arch, struct gdb_registers *registers, unsigned number,
                          const void *value)
{
    const struct gdb_register *reg = &archs[arch].table[number];
    size_t len = reg->held < reg->size ? reg->held : reg->size;
    char *place = (char *)registers + reg->offset;
    uint8_t old[GDB_REGISTER_SIZE_MAX];
    uint16_t tag;

    gdb_register_get(arch, registers, number, old);
    if (memcmp(old, value, reg->size) == 0 || len == 0) {
        return 0;
    }
    if (is_tag(reg)) {
        memcpy(&tag, value, sizeof(tag));
        registers->fpu.ftwx = short_tag(tag);
    } else {
        memcpy(place, value, len);
    }
    return reg->changed;
}

/* ---- the target description ---- */

/* What is written into a window of the text, of which the caller wants a piece. */
struct window {
    size_t at, first, len, written;
    char *data;
};

static void put(struct window *window, const char *text)
{
    for (; *text; text++, window->at++) {
        if (window->at >= window->first && window->written < window->len) {
            window->data[window->written++] = *text;
        }
    }
}

static void put_register(struct window *window, const struct gdb_register *reg)
{
    char line[160];

    (void)snprintf(line, sizeof(line), "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"%s%s%s/>\n",
                   reg->name, 8U * reg->size, reg->type, reg->group ? " group=\"" : "",
                   reg->group ? reg->group : "", reg->group ? "\"" : "");
    put(window, line);
}

static const char flags_type[] = "<flags id=\"i386_eflags\" size=\"4\">"
                                 "<field name=\"CF\" start=\"0\" end=\"0\"/>"
                                 "<field name=\"\" start=\"1\" end=\"1\"/>"
                                 "<field name=\"PF\" start=\"2\" end=\"2\"/>"
                                 "<field name=\"AF\" start=\"4\" end=\"4\"/>"
                                 "<field name=\"ZF\" start=\"6\" end=\"6\"/>"
                                 "<field name=\"SF\" start=\"7\" end=\"7\"/>"
                                 "<field name=\"TF\" start=\"8\" end=\"8\"/>"
                                 "<field name=\"IF\" start=\"9\" end=\"9\"/>"
                                 "<field name=\"DF\" start=\"10\" end=\"10\"/>"
                                 "<field name=\"OF\" start=\"11\" end=\"11\"/>"
                                 "<field name=\"IOPL\" start=\"12\" end=\"13\"/>"
                                 "<field name=\"NT\" start=\"14\" end=\"14\"/>"
                                 "<field name=\"RF\" start=\"16\" end=\"16\"/>"
                                 "<field name=\"VM\" start=\"17\" end=\"17\"/>"
                                 "<field name=\"AC\" start=\"18\" end=\"18\"/>"
                                 "<field name=\"VIF\" start=\"19\" end=\"19\"/>"
                                 "<field name=\"VIP\" start=\"20\" end=\"20\"/>"
                                 "<field name=\"ID\" start=\"21\" end=\"21\"/>"
                                 "</flags>\n";
static const char vector_types[] = "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
                                   "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
                                   "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
                                   "<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
                                   "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
                                   "<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
                                   "<union id=\"vec128\">"
                                   "<field name=\"v4_float\" type=\"v4f\"/>"
                                   "<field name=\"v2_double\" type=\"v2d\"/>"
                                   "<field name=\"v16_int8\" type=\"v16i8\"/>"
                                   "<field name=\"v8_int16\" type=\"v8i16\"/>"
                                   "<field name=\"v4_int32\" type=\"v4i32\"/>"
                                   "<field name=\"v2_int64\" type=\"v2i64\"/>"
                                   "<field name=\"uint128\" type=\"uint128\"/>"
                                   "</union>\n"
                                   "<flags id=\"i386_mxcsr\" size=\"4\">"
                                   "<field name=\"IE\" start=\"0\" end=\"0\"/>"
                                   "<field name=\"DE\" start=\"1\" end=\"1\"/>"
                                   "<field name=\"ZE\" start=\"2\" end=\"2\"/>"
                                   "<field name=\"OE\" start=\"3\" end=\"3\"/>"
                                   "<field name=\"UE\" start=\"4\" end=\"4\"/>"
                                   "<field name=\"PE\" start=\"5\" end=\"5\"/>"
                                   "<field name=\"DAZ\" start=\"6\" end=\"6\"/>"
                                   "<field name=\"IM\" start=\"7\" end=\"7\"/>"
                                   "<field name=\"DM\" start=\"8\" end=\"8\"/>"
                                   "<field name=\"ZM\" start=\"9\" end=\"9\"/>"
                                   "<field name=\"OM\" start=\"10\" end=\"10\"/>"
                                   "<field name=\"UM\" start=\"11\" end=\"11\"/>"
                                   "<field name=\"PM\" start=\"12\" end=\"12\"/>"
                                   "<field name=\"FZ\" start=\"15\" end=\"15\"/>"
                                   "</flags>\n";
static const char *const part_types[PART_NUM] = {
    [PART_CORE] = flags_type,
    [PART_SSE] = vector_types,
};

size_t gdb_target_xml(enum gdb_arch arch, size_t offset, char *data, size_t len)
{
    struct window window = {.first = offset, .len = len, .data = data};
    enum part part = PART_NUM;
    unsigned i;

    put(&window, "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
                 "<target>\n<architecture>");
    put(&window, archs[arch].name);
    put(&window, "</architecture>\n");
    for (i = 0; i < archs[arch].num; i++) {
        const struct gdb_register *reg = &archs[arch].table[i];

        if (reg->part != part) {
            put(&window, part == PART_NUM ? "" : "</feature>\n");
            part = reg->part;
            put(&window, "<feature name=\"");
            put(&window, part_names[part]);
            put(&window, "\">\n");
            put(&window, part_types[part] ? part_types[part] : "");
        }
        put_register(&window, reg);
    }
    put(&window, "</feature>\n</target>\n");
    return window.written;
}
