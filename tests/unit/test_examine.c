/* test_examine.c - what `x` and `xp` understand, and their text. */
#include "vmm/examine.h"

#include <string.h>

#include "tests/unit/memory_fixture.h"

enum { CPU = 5 /* where none is named */ };

static const struct {
    const char *text, *address; /* NULL: refused */
    unsigned count;
    char format;
    unsigned size, cpu;
} requests[] = {
    {"0x10", "0x10", 1, 'x', 4, CPU},
    {"/8xg 0x10", "0x10", 8, 'x', 8, CPU},
    {"/d $rip --cpu 3", "$rip", 1, 'd', 4, 3},
    {"--cpu 0x2 /h", "/h", 1, 'x', 4, 2}, /* an expression, however odd */
    {"/hu 1", "1", 1, 'u', 2, CPU},
    {"/4cg 1", "1", 4, 'c', 1, CPU},
    {"/65536b\t1 ", "1", 65536, 'x', 1, CPU},
    {"/ 1", "1", 1, 'x', 4, CPU},
    {"", NULL, 0, 0, 0, 0},
    {"/8xg", NULL, 0, 0, 0, 0},
    {"/65537x 1", NULL, 0, 0, 0, 0},
    {"/0x 1", NULL, 0, 0, 0, 0},
    {"/18446744073709551617x 1", NULL, 0, 0, 0, 0},
    {"/3i 1", "1", 3, 'i', 4, CPU},
    {"/x8 1", NULL, 0, 0, 0, 0},
    {"1 2", NULL, 0, 0, 0, 0},
    {"1 --cpu", NULL, 0, 0, 0, 0},
    {"1 --cpu -1", NULL, 0, 0, 0, 0},
    {"1 --cpu 4294967296", NULL, 0, 0, 0, 0},
};

START_TEST(request_is_a_format_an_address_and_a_cpu)
{
    struct examine examine;
    struct error err = {""};
    char text[64];
    int ret;

    (void)strcpy(text, requests[_i].text);
    ret = examine_parse(text, CPU, &examine, &err);
    if (!requests[_i].address) {
        ck_assert_int_lt(ret, 0);
        ck_assert_str_ne(err.text, "");
        return;
    }
    OK(ret);
    ck_assert_str_eq(examine.address, requests[_i].address);
    ck_assert_uint_eq(examine.count, requests[_i].count);
    ck_assert_int_eq(examine.format, requests[_i].format);
    ck_assert_uint_eq(examine.size, requests[_i].size);
    ck_assert_uint_eq(examine.cpu, requests[_i].cpu);
}
END_TEST

static const struct {
    const char *text;
    bool good;
    uint64_t addr;
} addresses[] = {
    {"16", true, 16},
    {"0xFFffFFffFFffFFff", true, UINT64_MAX},
    {"$rip", true, 0x1000},
    {"$pc+0x10", true, 0x1010},
    {"$rsp-$rip", true, 0x7000},
    {"$rsp-$rip+8-1+2", true, 0x7009},
    {"0x10-0x11", true, UINT64_MAX},
    {"$r1", false, 0},
    {"$r8+8-8", true, 8},
    {"$", false, 0},
    {"$rip+", false, 0},
    {"+1", false, 0},
    {"1*2", false, 0},
    {"0x10000000000000000", false, 0},
    {"main", false, 0},
};

START_TEST(address_is_a_sum_of_numbers_and_registers)
{
    const struct kvm_regs cpu = {.rip = 0x1000, .rsp = 0x8000, .r8 = 8};
    struct error err;
    uint64_t addr;
    int ret = examine_address(addresses[_i].text, &cpu, &addr, &err);

    ck_assert_int_eq(ret == 0, addresses[_i].good);
    if (addresses[_i].good) {
        ck_assert_uint_eq(addr, addresses[_i].addr);
    } else {
        ck_assert_ptr_nonnull(strstr(err.text, "not an address"));
    }
}
END_TEST

static void add(void *opaque, const char *text, size_t len)
{
    (void)strncat(opaque, text, len);
}

static const struct {
    unsigned count;
    char format;
    unsigned size;
    uint64_t addr;
    const char *text;
} pictures[] = {
    {1, 'x', 4, 0x10, "0000000000000010: 0x04030201\n"},
    {1, 'x', 8, 0x10, "0000000000000010: 0xfffefdfc04030201\n"},
    {3, 'x', 2, 0x13, "0000000000000013: 0xfc04 0xfefd 0x00ff\n"},
    {9, 'x', 1, 0x10,
     "0000000000000010: 0x01 0x02 0x03 0x04 0xfc 0xfd 0xfe 0xff\n0000000000000018: 0x00\n"},
    {2, 'd', 1, 0x13, "0000000000000013:   4  -4\n"},
    {2, 'u', 1, 0x13, "0000000000000013:   4 252\n"},
    {1, 'd', 4, 0x14, "0000000000000014:     -66052\n"},
    {1, 'd', 8, 0x10, "0000000000000010:     -283691112529407\n"},
    {1, 'u', 2, 0x16, "0000000000000016: 65534\n"},
    {1, 'o', 2, 0x16, "0000000000000016: 0177776\n"},
    {5, 'c', 1, 0x20, "0000000000000020: 'A' '\\n' '\\\\' '\\'' '\\x7f'\n"},
    {6, 'x', 4, 0xfe0,
     "0000000000000fe0: 0x00000000 0x00000000 0x00000000 0x00000000\n"
     "0000000000000ff0: 0x00000000 0x00000000\n"},
    {6, 'x', 4, 0xff8, "0000000000000ff8: Cannot access memory\n"},
    {3, 'i', 4, 0x30,
     "0000000000000030: nop\n0000000000000031: mov rax, 0x12345678\n0000000000000038: hlt\n"},
    {2, 'i', 4, 0xfff, "0000000000000fff: hlt\n0000000000001000: Cannot access memory\n"},
    {1, 'i', 4, 0x1000, "0000000000001000: Cannot access memory\n"},
    {1, 'x', 8, 0xffc, "0000000000000ffc: Cannot access memory\n"},
    {1, 'x', 8, UINT64_MAX - 3, "fffffffffffffffc: Cannot access memory\n"},
};

START_TEST(text_is_in_columns_up_to_what_cannot_be_read)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 0xfc, 0xfd, 0xfe, 0xff};
    static const uint8_t code[] = {0x90, 0x48, 0xc7, 0xc0, 0x78, 0x56, 0x34, 0x12, 0xf4};
    static const uint8_t chars[] = {'A', '\n', '\\', '\'', 0x7f};
    struct fixture *f = fixture_new();
    MemoryRegion *ram = ram_new(f, "ram", PAGE);
    const struct peek peek = {.memory = &f->as};
    const struct examine examine = {
        .count = pictures[_i].count, .format = pictures[_i].format, .size = pictures[_i].size};
    char text[512] = "";
    struct memory_sink sink = {.write = add, .opaque = text};

    put(f->root, 0, ram);
    memcpy((char *)memory_region_get_ram_ptr(ram) + 0x10, bytes, sizeof(bytes));
    memcpy((char *)memory_region_get_ram_ptr(ram) + 0x20, chars, sizeof(chars));
    memcpy((char *)memory_region_get_ram_ptr(ram) + 0x30, code, sizeof(code));
    memset((char *)memory_region_get_ram_ptr(ram) + 0xfff, 0xf4, 1);
    examine_print(&examine, &peek, pictures[_i].addr, 64, &sink);
    ck_assert_str_eq(text, pictures[_i].text);
    fixture_free(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("examine");
    TCase *tcase = tcase_create("examine");

    tcase_add_table_test(tcase, request_is_a_format_an_address_and_a_cpu, requests);
    tcase_add_table_test(tcase, address_is_a_sum_of_numbers_and_registers, addresses);
    tcase_add_table_test(tcase, text_is_in_columns_up_to_what_cannot_be_read, pictures);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
