/* qmp_addr.c - acre-addr: the whole chain of an address as JSON. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "vmm/addr_chain.h"
#include "vmm/monitor_commands.h"

static int read_request(const json_t *arguments, struct addr_request *request, struct error *err)
{
    static const struct qmp_argument wanted[] = {
        {.name = "address", .type = JSON_NULL},
        {.name = "space", .type = JSON_STRING, .optional = true},
        {.name = "cpu", .type = JSON_INTEGER, .optional = true},
    };
    const char *space = json_string_value(json_object_get(arguments, "space"));
    json_int_t cpu = json_integer_value(json_object_get(arguments, "cpu"));
    int ret = qmp_check_arguments(arguments, wanted, sizeof(wanted) / sizeof(wanted[0]), err);

    if (ret < 0) {
        return ret;
    }
    *request = (struct addr_request){.space = ADDR_GVA, .cpu = (unsigned)cpu};
    if (space && addr_space_parse(space, strlen(space), &request->space) < 0) {
        return error_set(err, EINVAL, "Parameter 'space' must be gva, gpa or hva");
    }
    if (cpu < 0 || cpu > UINT_MAX) {
        return error_set(err, EINVAL, "Parameter 'cpu' must be the number of a CPU");
    }
    return qmp_address(json_object_get(arguments, "address"), "address", &request->addr, err);
}

json_t *qmp_acre_addr(struct machine *machine, const json_t *arguments, struct error *err)
{
    struct addr_request request;
    struct addr_chain chain;
    json_t *result;

    if (read_request(arguments, &request, err) < 0 ||
        addr_chain_init(&chain, machine, &request, err) < 0) {
        return NULL;
    }
    result = addr_chain_json(&chain);
    addr_chain_finish(&chain);
    if (!result) {
        (void)error_set_errno(err, ENOMEM, "acre-addr");
    }
    return result;
}
