/* test_load_raw.c - what load_open makes of files that are no ELF, and of what is no file. */
#include <errno.h>
#include <fcntl.h>

#include "tests/unit/elf_builder.h"
#include "tests/unit/load_fixture.h"
#include "tests/unit/multiboot_headers.h"
#include "tests/unit/run_suite.h"

static const struct {
    const char *data, *what;
    size_t size;
} no_kernels[] = {
    {"hello, world", "not an ELF file and no Multiboot header (a flat binary? then say --flat 16",
     12},
    {"\x7f", "not an ELF file", 1},
    {"\x1f\x8b\x08", "gzip: uncompress it first", 3},
    {"!<arch>\n", "an archive", 8},
};

START_TEST(file_of_no_kind_is_refused_with_a_hint)
{
    int fd = fixture_file(no_kernels[_i].data, no_kernels[_i].size);
    struct boot_image *image = NULL;
    struct error err;

    ck_assert_int_eq(fixture_open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err), -ENOEXEC);
    ck_assert_msg(strstr(err.text, no_kernels[_i].what), "%s", err.text);
    close(fd);
}
END_TEST

START_TEST(bzimage_is_named_as_such)
{
    uint8_t data[1024] = {0};
    struct boot_image *image = NULL;
    struct error err;
    int fd;

    memcpy(data + 0x202, "HdrS", 4);
    fd = fixture_file(data, sizeof(data));
    ck_assert_int_eq(fixture_open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err), -ENOEXEC);
    ck_assert_msg(strstr(err.text, "a Linux bzImage"), "%s", err.text);
    close(fd);
}
END_TEST

/* Multiboot headers in files that are not ELF, at byte 64 of 4096. */
static const struct {
    const void *header;
    size_t size;
    enum boot_kind kind;
    const char *what; /* of an error; NULL: fits */
} raw[] = {
    {mb1_addresses, sizeof(mb1_addresses), BOOT_MULTIBOOT1, NULL},
    {mb1_whole_file, sizeof(mb1_whole_file), BOOT_MULTIBOOT1, NULL},
    {mb2_addresses, sizeof(mb2_addresses), BOOT_MULTIBOOT2, NULL},
    {mb2_file_start, sizeof(mb2_file_start), BOOT_MULTIBOOT2, NULL},
    {mb1_plain, sizeof(mb1_plain), BOOT_AUTO, "without address fields in a file that is not ELF"},
    {mb2_plain, sizeof(mb2_plain), BOOT_AUTO, "without an address tag in a file that is not ELF"},
};

START_TEST(multiboot_header_with_addresses_needs_no_elf)
{
    uint8_t data[4096] = {0};
    struct boot_image *image = NULL;
    struct error err = {""};
    int fd, r;

    memcpy(data + 64, raw[_i].header, raw[_i].size);
    fd = fixture_file(data, sizeof(data));
    r = fixture_open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err);
    if (raw[_i].what) {
        ck_assert_int_eq(r, -ENOEXEC);
        ck_assert_msg(strstr(err.text, raw[_i].what), "%s", err.text);
    } else {
        ck_assert_msg(r == 0, "%s", err.text);
        ck_assert_int_eq(load_kind(image), raw[_i].kind);
    }
    load_close(image);
    close(fd);
}
END_TEST

/* header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr of a header at byte 64 of 4096 */
static const struct {
    uint32_t field[5];
    const char *what;
} addresses[] = {
    {{0x200040, 0x200041, 0, 0, 0x200041}, "load_addr is above header_addr"},
    {{0x200040, 0x1fffff, 0, 0, 0x200000}, "load_addr is before the start of the file"},
    {{0x200040, 0x200000, 0x200000, 0, 0x200000}, "load_end_addr is not above load_addr"},
    {{0x200040, 0x200000, 0x201001, 0, 0x200000}, "load_end_addr is beyond the end of the file"},
    {{0x200040, 0x200000, 0, 0x200fff, 0x200000}, "bss_end_addr is before the end of the image"},
    {{0x200040, 0x200000, 0, 0, 0x201000}, "entry 0x201000 lies in no segment"},
    {{0xffffff40, 0xffffff00, 0, 0, 0xffffff00}, "the image does not end below 4 GiB"},
};

START_TEST(contradicting_multiboot_addresses_are_refused)
{
    uint8_t data[4096] = {0};
    const uint32_t start[] = {MB1(0x10000U)};
    struct boot_image *image = NULL;
    struct error err = {""};
    int fd;

    memcpy(data + 64, start, sizeof(start));
    memcpy(data + 64 + sizeof(start), addresses[_i].field, sizeof(addresses[_i].field));
    fd = fixture_file(data, sizeof(data));
    ck_assert_int_eq(fixture_open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err), -EINVAL);
    ck_assert_msg(strstr(err.text, addresses[_i].what), "%s", err.text);
    close(fd);
}
END_TEST

static const struct {
    size_t at;
    const void *header;
    size_t size;
    bool found;
} places[] = {
    {8192 - 12, mb1_plain, 12, true},     {8192 - 8, mb1_plain, 12, false},
    {0x1002, mb1_plain, 12, false},       {8192, mb1_plain, 12, false},
    {32768 - 24, mb2_plain, 24, true},    {32768 - 16, mb2_plain, 24, false},
    {0x1004, mb2_plain, 24, false},       {32768, mb2_plain, 24, false},
    {8192 - 32, mb1_addresses, 32, true}, {8192 - 28, mb1_addresses, 32, false},
};

START_TEST(multiboot_header_is_found_up_to_its_limit_and_alignment)
{
    struct elf_bytes file = elf_build(
        &(struct elf_spec){.entry = 0x100000, .segments = {{0x100000, 0x100000, 40000, 40000}}});
    struct boot_image *image = NULL;
    struct error err = {""};
    uint32_t header[16];
    int fd, r;

    memset(file.data + ELF_DATA_AT, 0x90, 40000);
    memcpy(header, places[_i].header, places[_i].size);
    if (places[_i].header == mb1_addresses) { /* the addresses of this file's place */
        header[3] = 0x200000 + (uint32_t)places[_i].at;
    }
    memcpy(file.data + places[_i].at, header, places[_i].size);
    fd = fixture_file(file.data, file.size);
    r = fixture_open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err);
    ck_assert_msg(places[_i].found ? r == 0 && load_kind(image) != BOOT_ELF
                                   : r < 0 || load_kind(image) == BOOT_ELF,
                  "%d %s", r, err.text);
    load_close(image);
    close(fd);
    free(file.data);
}
END_TEST

START_TEST(directory_is_refused)
{
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    struct boot_image *image;
    struct error err;

    ck_assert_int_eq(fixture_open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err), -EISDIR);
    ck_assert_str_eq(err.text, "kernel: Is a directory");
    close(fd);
}
END_TEST

START_TEST(pipe_device_and_socket_are_refused)
{
    struct boot_image *image;
    struct error err;
    int fds[2], null = open("/dev/null", O_RDONLY);

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(fixture_open_fd(fds[0], BOOT_AUTO, &image, NULL, 0, &err), -EINVAL);
    ck_assert_str_eq(err.text, "kernel: not a regular file");
    ck_assert_int_eq(fixture_open_fd(null, BOOT_AUTO, &image, NULL, 0, &err), -EINVAL);
    ck_assert_str_eq(err.text, "kernel: not a regular file");
    close(fds[0]);
    close(fds[1]);
    close(null);
}
END_TEST

START_TEST(empty_file_is_refused)
{
    int fd = fixture_file("", 0);
    struct boot_image *image;
    struct error err;

    ck_assert_int_eq(fixture_open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err), -EINVAL);
    ck_assert_str_eq(err.text, "kernel: the file is empty");
    ck_assert_int_eq(fixture_open_fd(fd, BOOT_FLAT32, &image, NULL, 0, &err), -EINVAL);
    close(fd);
}
END_TEST

START_TEST(bad_and_unreadable_descriptors_are_refused)
{
    int fd = open("/tmp", O_TMPFILE | O_WRONLY, 0600);
    struct boot_image *image;
    struct error err;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "x", 1), 1);
    ck_assert_int_eq(fixture_open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err), -EBADF);
    ck_assert_str_eq(err.text, "kernel: Bad file descriptor");
    close(fd);
    ck_assert_int_eq(fixture_open_fd(fd, BOOT_AUTO, &image, NULL, 0, &err), -EBADF);
}
END_TEST

static const struct {
    uint64_t addr;
    size_t module_num;
    const char *append, *what;
    enum boot_kind kind;
} flats[] = {
    {0x7c00, 0, NULL, NULL, BOOT_FLAT16},
    {0xffff0, 0, "", NULL, BOOT_FLAT16},
    {0x7c08, 0, NULL, "a 16-bit image's address is a multiple of 16 below 1 MiB", BOOT_FLAT16},
    {0x100000, 0, NULL, "a 16-bit image's address is a multiple of 16 below 1 MiB", BOOT_FLAT16},
    {0x7c00, 1, NULL, "a 16-bit image cannot be told of modules", BOOT_FLAT16},
    {0x7c00, 0, "x", "a 16-bit image cannot be told of a command line", BOOT_FLAT16},
    {0x100000000, 0, NULL, "do not end below 4 GiB", BOOT_FLAT32},
    {0xfffffff8, 0, NULL, NULL, BOOT_FLAT64},
    {0xfffffff9, 0, NULL, "do not end below 4 GiB", BOOT_FLAT64},
    {UINT64_MAX, 0, NULL, "do not end below 4 GiB", BOOT_FLAT64},
};

START_TEST(flat_binary_takes_fitting_options_only)
{
    const int fd = fixture_file("\xeb\xfe......", 8);
    const struct boot_module_file module = {"module", fd, ""};
    const struct boot_config config = {.path = "kernel",
                                       .fd = fd,
                                       .kind = flats[_i].kind,
                                       .flat_addr_given = true,
                                       .flat_addr = flats[_i].addr,
                                       .append = flats[_i].append,
                                       .modules = &module,
                                       .module_num = flats[_i].module_num,
                                       .map = fixture_map,
                                       .map_num = 3};
    struct boot_image *image = NULL;
    struct error err = {""};
    int r = load_open(&config, &image, NULL, 0, &err);

    if (flats[_i].what) {
        ck_assert_int_eq(r, -EINVAL);
        ck_assert_msg(strstr(err.text, flats[_i].what), "%s", err.text);
    } else {
        ck_assert_msg(r == 0, "%s", err.text);
    }
    load_close(image);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("load_raw");
    TCase *tc = tcase_create("open");

    tcase_add_table_test(tc, file_of_no_kind_is_refused_with_a_hint, no_kernels);
    tcase_add_table_test(tc, multiboot_header_with_addresses_needs_no_elf, raw);
    tcase_add_table_test(tc, contradicting_multiboot_addresses_are_refused, addresses);
    tcase_add_table_test(tc, multiboot_header_is_found_up_to_its_limit_and_alignment, places);
    tcase_add_table_test(tc, flat_binary_takes_fitting_options_only, flats);
    tcase_add_test(tc, bzimage_is_named_as_such);
    tcase_add_test(tc, directory_is_refused);
    tcase_add_test(tc, pipe_device_and_socket_are_refused);
    tcase_add_test(tc, empty_file_is_refused);
    tcase_add_test(tc, bad_and_unreadable_descriptors_are_refused);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
