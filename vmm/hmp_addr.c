/*
 * hmp_addr.c - addr, and QEMU's commands for single steps of it, which answer as QEMU does.
 *
 * Source: QEMU docs/system/monitor (gva2gpa, gpa2hva, gpa2hpa).
 */
#include <errno.h>
#include <inttypes.h>

#include "vmm/addr_chain.h"
#include "vmm/monitor_commands.h"

int hmp_addr(struct machine *machine, const char *arguments, struct memory_sink *sink,
             struct error *err)
{
    struct addr_request request;
    struct addr_chain chain;
    int ret = addr_parse(arguments, machine->human_cpu, &request, err);

    if (ret == 0) {
        ret = addr_chain_init(&chain, machine, &request, err);
    }
    if (ret == 0) {
        addr_chain_print(&chain, sink);
        addr_chain_finish(&chain);
    }
    return ret;
}

/* Follows an address of the one space that a command takes. */
static int follow(struct machine *machine, const char *arguments, enum addr_space space,
                  struct addr_chain *chain, struct error *err)
{
    struct addr_request request;
    int ret = addr_parse(arguments, machine->human_cpu, &request, err);

    if (ret < 0) {
        return ret;
    }
    if (request.space != ADDR_GVA && request.space != space) {
        return error_set(err, EINVAL, "%.64s: not a %s", arguments, addr_space_name(space));
    }
    request.space = space;
    return addr_chain_init(chain, machine, &request, err);
}

int hmp_gva2gpa(struct machine *machine, const char *arguments, struct memory_sink *sink,
                struct error *err)
{
    struct addr_chain chain;
    int ret = follow(machine, arguments, ADDR_GVA, &chain, err);

    if (ret == 0) {
        if (chain.linear.walk.result == X86_WALK_OK) {
            memory_sink_printf(sink, "gpa: 0x%" PRIx64 "\n", chain.linear.walk.gpa);
        } else {
            memory_sink_printf(sink, "Unmapped\n");
        }
        addr_chain_finish(&chain);
    }
    return ret;
}

/* The chain of an address that shows memory, else -ENOENT and nothing to finish. */
static int follow_to_host(struct machine *machine, const char *arguments, struct addr_chain *chain,
                          struct error *err)
{
    int ret = follow(machine, arguments, ADDR_GPA, chain, err);

    if (ret < 0 || chain->host.block) {
        return ret;
    }
    ret = chain->places[0].range
              ? error_set(err, ENOENT, "Memory at address 0x%" PRIx64 " is not RAM",
                          chain->request.addr)
              : error_set(err, ENOENT, "No memory is mapped at address 0x%" PRIx64,
                          chain->request.addr);
    addr_chain_finish(chain);
    return ret;
}

int hmp_gpa2hva(struct machine *machine, const char *arguments, struct memory_sink *sink,
                struct error *err)
{
    struct addr_chain chain;
    int ret = follow_to_host(machine, arguments, &chain, err);

    if (ret == 0) {
        memory_sink_printf(sink, "Host virtual address for 0x%" PRIx64 " (%s) is 0x%" PRIx64 "\n",
                           chain.request.addr, memory_region_name(chain.places[0].range->mr),
                           chain.host.hva);
        addr_chain_finish(&chain);
    }
    return ret;
}

int hmp_gpa2hpa(struct machine *machine, const char *arguments, struct memory_sink *sink,
                struct error *err)
{
    struct addr_chain chain;
    int ret = follow_to_host(machine, arguments, &chain, err);

    if (ret < 0) {
        return ret;
    }
    if (chain.host.page.state == PAGEMAP_PRESENT) {
        memory_sink_printf(sink, "Host physical address for 0x%" PRIx64 " (%s) is 0x%" PRIx64 "\n",
                           chain.request.addr, memory_region_name(chain.places[0].range->mr),
                           chain.host.page.hpa);
    } else {
        ret = error_set(err, ENXIO, "Host physical address: %s", pagemap_why(&chain.host.page));
    }
    addr_chain_finish(&chain);
    return ret;
}
