/*
 * qmp_irq.c - interrupts: how often each line went up, and what the PICs and the I/O APIC, which
 * are KVM's, make of them.
 */
#include "vmm/monitor_irq.h"

#include <errno.h>
#include <inttypes.h>

#include "vmm/map_json.h"
#include "vmm/monitor_commands.h"

#define IOAPIC_PIN_RESET UINT64_C(0x10000)

struct ioapic_pin ioapic_pin_decode(uint64_t entry)
{
    static const char *const modes[] = {"fixed", "lowest", "smi",      "reserved",
                                        "nmi",   "init",   "reserved", "extint"};

    return (struct ioapic_pin){
        .vector = (uint8_t)entry,
        .delivery_mode = modes[entry >> 8 & 7],
        .logical = entry >> 11 & 1,
        .pending = entry >> 12 & 1,
        .low = entry >> 13 & 1,
        .remote_irr = entry >> 14 & 1,
        .level = entry >> 15 & 1,
        .masked = entry >> 16 & 1,
        .dest = (uint8_t)(entry >> 56),
    };
}

int monitor_irqchips(struct machine *machine, struct x86_irqchips *state, struct error *err)
{
    int ret = machine->irqchip ? x86_irqchips_read(&machine->kvm, state) : -ENODEV;

    if (ret == -ENODEV) {
        return error_set(err, ENODEV, "this board has no interrupt controllers");
    }
    return ret < 0 ? error_set_errno(err, -ret, "KVM_GET_IRQCHIP") : 0;
}

static json_t *lines_json(struct machine *machine)
{
    json_t *lines = json_array();
    unsigned i;

    for (i = 0; i < MACHINE_IRQ_NUM; i++) {
        struct machine_irq *irq = &machine->irqs[i];

        if (irq->machine) { /* a device has it */
            (void)json_array_append_new(
                lines,
                json_pack("{s:i, s:b, s:I}", "gsi", (int)i, "level",
                          (int)atomic_load_explicit(&irq->level, memory_order_relaxed), "raised",
                          (json_int_t)atomic_load_explicit(&irq->raised, memory_order_relaxed)));
        }
    }
    return lines;
}

static json_t *pic_json(const struct kvm_pic_state *pic)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:i, s:b, s:b, s:b}", "irr", map_json_hex(pic->irr),
                     "isr", map_json_hex(pic->isr), "imr", map_json_hex(pic->imr), "elcr",
                     map_json_hex(pic->elcr), "vector-base", pic->irq_base, "auto-eoi",
                     pic->auto_eoi, "special-mask", pic->special_mask, "initialising",
                     pic->init_state != 0);
}

static json_t *pin_json(unsigned number, uint64_t entry)
{
    const struct ioapic_pin pin = ioapic_pin_decode(entry);

    return json_pack("{s:i, s:i, s:s, s:s, s:i, s:s, s:s, s:b, s:b, s:b}", "pin", (int)number,
                     "vector", pin.vector, "delivery-mode", pin.delivery_mode, "destination-mode",
                     pin.logical ? "logical" : "physical", "destination", pin.dest, "trigger",
                     pin.level ? "level" : "edge", "polarity", pin.low ? "low" : "high", "masked",
                     pin.masked, "pending", pin.pending, "remote-irr", pin.remote_irr);
}

static json_t *ioapic_json(const struct kvm_ioapic_state *ioapic)
{
    json_t *pins = json_array();
    unsigned i;

    for (i = 0; i < KVM_IOAPIC_NUM_PINS; i++) {
        (void)json_array_append_new(pins, pin_json(i, ioapic->redirtbl[i].bits));
    }
    return json_pack("{s:o, s:i, s:o, s:o}", "base", map_json_hex(ioapic->base_address), "id",
                     (int)ioapic->id, "irr", map_json_hex(ioapic->irr), "pins", pins);
}

json_t *qmp_acre_query_irq(struct machine *machine, const json_t *arguments, struct error *err)
{
    struct x86_irqchips state;

    if (qmp_check_arguments(arguments, NULL, 0, err) < 0 ||
        monitor_irqchips(machine, &state, err) < 0) {
        return NULL;
    }
    return json_pack("{s:o, s:[o, o], s:o}", "lines", lines_json(machine), "pics",
                     pic_json(&state.chips[KVM_IRQCHIP_PIC_MASTER].chip.pic),
                     pic_json(&state.chips[KVM_IRQCHIP_PIC_SLAVE].chip.pic), "ioapic",
                     ioapic_json(&state.chips[KVM_IRQCHIP_IOAPIC].chip.ioapic));
}

/* ---- for a person ---- */

static void print_pic(struct memory_sink *sink, const char *name, const struct kvm_pic_state *pic)
{
    memory_sink_printf(sink, "%s: irr %02x isr %02x imr %02x elcr %02x vectors %02x-%02x%s%s\n",
                       name, pic->irr, pic->isr, pic->imr, pic->elcr, pic->irq_base,
                       pic->irq_base + 7U, pic->auto_eoi ? " auto-eoi" : "",
                       pic->init_state ? " initialising" : "");
}

static void print_pin(struct memory_sink *sink, unsigned number, uint64_t entry)
{
    const struct ioapic_pin pin = ioapic_pin_decode(entry);

    memory_sink_printf(sink, "  pin %2u: vector %02x %s to %s %02x, %s %s%s%s%s\n", number,
                       pin.vector, pin.delivery_mode, pin.logical ? "logical" : "physical",
                       pin.dest, pin.level ? "level" : "edge", pin.low ? "low" : "high",
                       pin.masked ? ", masked" : "", pin.pending ? ", pending" : "",
                       pin.remote_irr ? ", remote IRR" : "");
}

static void print_ioapic(struct memory_sink *sink, const struct kvm_ioapic_state *ioapic)
{
    unsigned untouched = 0, i;

    memory_sink_printf(sink, "ioapic at 0x%" PRIx64 ": id %u irr %06x\n",
                       (uint64_t)ioapic->base_address, ioapic->id, ioapic->irr);
    for (i = 0; i < KVM_IOAPIC_NUM_PINS; i++) {
        if (ioapic->redirtbl[i].bits != IOAPIC_PIN_RESET) {
            print_pin(sink, i, ioapic->redirtbl[i].bits);
        } else {
            untouched++;
        }
    }
    memory_sink_printf(sink, "  %u pins as after reset, masked\n", untouched);
}

int hmp_info_irq(struct machine *machine, const char *arguments, struct memory_sink *sink,
                 struct error *err)
{
    struct x86_irqchips state;
    unsigned i;
    int ret = hmp_no_arguments(arguments, err);

    if (ret == 0) {
        ret = monitor_irqchips(machine, &state, err);
    }
    if (ret < 0) {
        return ret;
    }
    for (i = 0; i < MACHINE_IRQ_NUM; i++) {
        struct machine_irq *irq = &machine->irqs[i];

        if (irq->machine) {
            memory_sink_printf(sink, "gsi %2u: raised %" PRIu64 " times, now %s\n", i,
                               atomic_load_explicit(&irq->raised, memory_order_relaxed),
                               atomic_load_explicit(&irq->level, memory_order_relaxed) ? "up"
                                                                                       : "down");
        }
    }
    print_pic(sink, "pic 0", &state.chips[KVM_IRQCHIP_PIC_MASTER].chip.pic);
    print_pic(sink, "pic 1", &state.chips[KVM_IRQCHIP_PIC_SLAVE].chip.pic);
    print_ioapic(sink, &state.chips[KVM_IRQCHIP_IOAPIC].chip.ioapic);
    return 0;
}
