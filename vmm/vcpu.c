/*
 * vcpu.c - one vCPU in the guest and out of it: enter, leave, serve the exit, again. What ends the
 * run is handed to the group's owner as a verdict; it asks the vCPUs to stop, and the loop sees
 * that like any other request.
 */
#include "vmm/vcpu.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/probes.h"

/* Linear address of the next instruction. */
static uint64_t linear_rip(const struct verdict *verdict)
{
    return verdict->sregs.cs.l ? verdict->regs.rip : verdict->sregs.cs.base + verdict->regs.rip;
}

/* Byte by byte: the next page may be missing, or lie elsewhere. */
static void read_code(struct vcpu *vcpu, struct verdict *verdict)
{
    const struct vcpu_group_config *config = &vcpu->group->config;
    uint64_t gpa;

    while (verdict->byte_num < VERDICT_BYTES_MAX &&
           kvm_translate(config->kvm, vcpu->fd, verdict->bytes_at + verdict->byte_num, &gpa) == 0) {
        MemTxAttrs attrs = {.memory = true, .debug = true};

        if (address_space_read(config->memory, gpa, attrs, &verdict->bytes[verdict->byte_num], 1) !=
            MEMTX_OK) {
            break;
        }
        verdict->byte_num++;
    }
}

/* Those that KVM has read by itself, too. */
static void conceal_code(struct vcpu *vcpu, struct verdict *verdict)
{
    const struct vcpu_group_config *config = &vcpu->group->config;
    uint64_t gpa;
    unsigned i;

    for (i = 0; config->conceal && i < verdict->byte_num; i++) {
        if (kvm_translate(config->kvm, vcpu->fd, verdict->bytes_at + i, &gpa) == 0) {
            config->conceal(config->opaque, gpa, &verdict->bytes[i]);
        }
    }
}

void vcpu_read_state(struct vcpu *vcpu, struct verdict *verdict)
{
    struct kvm *kvm = vcpu->group->config.kvm;

    verdict->cpu = (int)vcpu->index;
    if (kvm_get_regs(kvm, vcpu->fd, &verdict->regs) != 0 ||
        kvm_get_sregs(kvm, vcpu->fd, &verdict->sregs) != 0) {
        return;
    }
    if (verdict->kind == VERDICT_TRIPLE_FAULT && x86_is_power_on(&verdict->regs, &verdict->sregs)) {
        return; /* KVM on SVM has reset the CPU: they say nothing of the guest */
    }
    verdict->has_regs = true;
    verdict->bytes_at = linear_rip(verdict);
    if (verdict->byte_num == 0) {
        read_code(vcpu, verdict);
    }
    conceal_code(vcpu, verdict);
}

static void end(struct vcpu *vcpu, struct verdict *verdict)
{
    vcpu_read_state(vcpu, verdict);
    vcpu->group->config.ended(vcpu->group->config.opaque, verdict);
}

/* The bytes that KVM could not make sense of, when it says. */
static void take_failed_bytes(const struct kvm_run *run, struct verdict *verdict)
{
    uint64_t flag = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
    unsigned num = run->emulation_failure.insn_size;

    if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION && run->internal.ndata >= 3 &&
        (run->emulation_failure.flags & flag) != 0) {
        verdict->byte_num = num <= VERDICT_BYTES_MAX - 1 ? num : VERDICT_BYTES_MAX - 1;
        memcpy(verdict->bytes, run->emulation_failure.insn_bytes, verdict->byte_num);
    }
}

static const char *suberror_text(uint32_t suberror)
{
    switch (suberror) {
    case KVM_INTERNAL_ERROR_EMULATION:
        return "it could not emulate an instruction";
    case KVM_INTERNAL_ERROR_SIMUL_EX:
        return "exceptions while delivering an exception";
    case KVM_INTERNAL_ERROR_DELIVERY_EV:
        return "an event could not be delivered";
    case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
        return "the CPU gave an exit it does not know";
    default:
        return "of an unknown kind";
    }
}

static void end_internal_error(struct vcpu *vcpu, const struct error *why)
{
    uint32_t suberror = vcpu->run->internal.suberror;
    struct verdict verdict;

    verdict_make(&verdict, VERDICT_INTERNAL_ERROR, "KVM internal error %" PRIu32 ": %s%s%s",
                 suberror, suberror_text(suberror), why->text[0] ? "; " : "", why->text);
    verdict.suberror = suberror;
    take_failed_bytes(vcpu->run, &verdict);
    end(vcpu, &verdict);
}

static void end_system_event(struct vcpu *vcpu)
{
    uint32_t type = vcpu->run->system_event.type;
    struct verdict verdict;

    switch (type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN:
        verdict_make(&verdict, VERDICT_POWEROFF, "guest powered off");
        break;
    case KVM_SYSTEM_EVENT_RESET:
        verdict_make(&verdict, VERDICT_RESET, "guest asked for a reset");
        break;
    case KVM_SYSTEM_EVENT_CRASH:
        verdict_make(&verdict, VERDICT_PANIC, "guest reported a crash");
        break;
    default:
        verdict_make(&verdict, VERDICT_FAULT, "KVM system event %" PRIu32 " is not known", type);
        break;
    }
    end(vcpu, &verdict);
}

/*
 * Others harvest as well, so that finding the rings empty is nothing; but with room in its ring the
 * vCPU would not have come back time and again.
 */
static void serve_dirty_ring(struct vcpu *vcpu)
{
    enum { IN_VAIN_MAX = 100 };
    struct verdict verdict;
    int result = vcpu->group->config.dirty_rings
                     ? kvm_dirty_rings_harvest(vcpu->group->config.dirty_rings)
                     : -EPROTO;

    vcpu->full_in_vain = result == 0 ? vcpu->full_in_vain + 1 : 0;
    if (result < 0) {
        verdict_make(&verdict, VERDICT_FAULT, "harvesting the dirty rings: %s", strerror(-result));
        end(vcpu, &verdict);
    } else if (vcpu->full_in_vain == IN_VAIN_MAX) {
        verdict_make(&verdict, VERDICT_FAULT,
                     "KVM takes the dirty ring for full, with nothing in it");
        end(vcpu, &verdict);
    }
}

/* Returns: false, `why` has then what is known of it, or "". */
static bool is_rescued(struct vcpu *vcpu, struct error *why)
{
    const struct vcpu_group_config *config = &vcpu->group->config;

    why->text[0] = '\0';
    return config->rescue && config->rescue(config->opaque, vcpu, why);
}

/* Exits that end the run, and those that want nothing. */
static void serve_rare(struct vcpu *vcpu)
{
    const struct kvm_run *run = vcpu->run;
    struct verdict verdict;
    struct error why;

    switch (run->exit_reason) {
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN:
        return;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
        vcpu->run->msr.error = 1; /* the guest gets #GP, as when KVM does not ask */
        return;
    case KVM_EXIT_DIRTY_RING_FULL:
        serve_dirty_ring(vcpu);
        return;
    case KVM_EXIT_DEBUG:
        if (vcpu->group->config.debugged) {
            vcpu->group->config.debugged(vcpu->group->config.opaque, vcpu);
        }
        return;
    case KVM_EXIT_HLT: /* seen without interrupt controllers only: nothing can end it */
        verdict_make(&verdict, VERDICT_IDLE_HANG, "guest halted, and nothing can wake it");
        break;
    case KVM_EXIT_SHUTDOWN:
        if (is_rescued(vcpu, &why)) {
            return;
        }
        verdict_make(&verdict, VERDICT_TRIPLE_FAULT, "guest crashed: triple fault%s%s",
                     why.text[0] ? "; " : "", why.text);
        break;
    case KVM_EXIT_FAIL_ENTRY:
        verdict_make(&verdict, VERDICT_ENTRY_FAILURE,
                     "the CPU refused to run the guest: hardware reason 0x%" PRIx64,
                     (uint64_t)run->fail_entry.hardware_entry_failure_reason);
        verdict.hardware_reason = run->fail_entry.hardware_entry_failure_reason;
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        if (!is_rescued(vcpu, &why)) {
            end_internal_error(vcpu, &why);
        }
        return;
    case KVM_EXIT_SYSTEM_EVENT:
        end_system_event(vcpu);
        return;
    default:
        verdict_make(&verdict, VERDICT_FAULT, "KVM exit reason %" PRIu32 " is not known",
                     run->exit_reason);
        break;
    }
    end(vcpu, &verdict);
}

static void serve(struct vcpu *vcpu)
{
    const struct vcpu_group_config *config = &vcpu->group->config;
    struct kvm_run *run = vcpu->run;

    if (run->exit_reason == KVM_EXIT_IO) {
        (void)address_space_rw_items(config->io, &vcpu->io_cache, run->io.port,
                                     MEMTXATTRS_UNSPECIFIED, (char *)run + run->io.data_offset,
                                     run->io.size, run->io.count,
                                     run->io.direction == KVM_EXIT_IO_OUT);
    } else if (run->exit_reason == KVM_EXIT_MMIO) {
        (void)address_space_rw_cached(config->memory, &vcpu->memory_cache, run->mmio.phys_addr,
                                      MEMTXATTRS_UNSPECIFIED, run->mmio.data, run->mmio.len,
                                      run->mmio.is_write);
    } else {
        serve_rare(vcpu);
    }
}

/* The same, with those told who want to know. */
static __attribute__((noinline)) void serve_tapped(struct vcpu *vcpu, struct history_exit *exit)
{
    const struct vcpu_tap *tap;

    for (tap = vcpu->taps; tap; tap = tap->next) {
        if (tap->exiting) {
            tap->exiting(tap->opaque, vcpu, exit);
        }
    }
    serve(vcpu);
    history_done(exit, vcpu->run);
    for (tap = vcpu->taps; tap; tap = tap->next) {
        if (tap->served) {
            tap->served(tap->opaque, vcpu, exit);
        }
    }
}

void vcpu_serve_exit(struct vcpu *vcpu)
{
    serve(vcpu);
}

void vcpu_finish_access(struct vcpu *vcpu)
{
    enum { PIECES_MAX = 16 }; /* an access that crosses pages comes in pieces; what is read is 0 */
    int i, result = 0;

    for (i = 0; i < PIECES_MAX && result == 0; i++) {
        __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELAXED);
        result = ioctl(vcpu->fd, KVM_RUN, 0);
    }
}

void vcpu_complete_access(struct vcpu *vcpu, void (*serving)(void *opaque, bool begins),
                          void *opaque)
{
    enum { PIECES_MAX = 16 };
    int i, result = 0;

    for (i = 0; i < PIECES_MAX && result == 0; i++) {
        __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELAXED);
        result = ioctl(vcpu->fd, KVM_RUN, 0);
        if (result == 0 &&
            (vcpu->run->exit_reason == KVM_EXIT_MMIO || vcpu->run->exit_reason == KVM_EXIT_IO)) {
            serving(opaque, true);
            vcpu_serve_exit(vcpu);
            serving(opaque, false);
        }
    }
}

/*
 * The order that loses no kick: clear immediate_exit, say that we are about to enter, read
 * requests. Who sets a request after that read sets immediate_exit after our clearing it.
 */
static bool may_enter(struct vcpu *vcpu)
{
    for (;;) {
        __atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_RELAXED);
        atomic_store(&vcpu->in_guest, true);
        if (atomic_load(&vcpu->requests) == 0) {
            return true;
        }
        atomic_store(&vcpu->in_guest, false);
        if (!vcpu_group_gate(vcpu)) {
            return false;
        }
    }
}

static void leave_guest(struct vcpu *vcpu)
{
    atomic_store(&vcpu->in_guest, false);
    if (atomic_load(&vcpu->requests) & VCPU_REQUEST_WAIT) {
        vcpu_group_left_guest(vcpu);
    }
}

/* KVM wrote the registers that were asked for into the shared mapping; asks for the next exit. */
static void keep_registers(struct vcpu *vcpu)
{
    enum { SREGS_INTERVAL = 64 }; /* exits; these cost some percent of one */
    struct kvm_run *run = vcpu->run;
    struct vcpu_kept *kept = &vcpu->kept;

    if (run->exit_reason == KVM_EXIT_SHUTDOWN) {
        return; /* they are those of a reset CPU */
    }
    kept->exits++;
    kept->regs = run->s.regs.regs;
    if (run->kvm_valid_regs & KVM_SYNC_X86_SREGS) {
        kept->sregs = run->s.regs.sregs;
        kept->sregs_at = kept->exits;
    }
    run->kvm_valid_regs = KVM_SYNC_X86_REGS;
    if (kept->exits % SREGS_INTERVAL == 0 || (kept->exits & (kept->exits - 1)) == 0) {
        run->kvm_valid_regs |= KVM_SYNC_X86_SREGS;
    }
}

void vcpu_run(struct vcpu *vcpu)
{
    const struct vcpu_group_config *config = &vcpu->group->config;
    struct history_exit *exit;
    struct verdict verdict;
    uint64_t exits = 0;
    int err_no;

    while (may_enter(vcpu)) {
        err_no = ioctl(vcpu->fd, KVM_RUN, 0) < 0 ? errno : 0;
        leave_guest(vcpu);
        kvm_ring_drain(config->ring);
        if (err_no == 0) {
            exit = history_begin(&vcpu->history, vcpu->run);
            PROBE_EXIT(vcpu->index, exit);
            if (vcpu->keeps) {
                keep_registers(vcpu);
            }
            if (vcpu->taps) {
                serve_tapped(vcpu, exit);
            } else {
                serve(vcpu);
                history_done(exit, vcpu->run);
            }
            PROBE_SERVED(vcpu->index, exit);
            atomic_store_explicit(&vcpu->exits, ++exits, memory_order_relaxed);
            memory_core_throttle(config->core);
        } else if (err_no != EINTR && err_no != EAGAIN) {
            verdict_make(&verdict, VERDICT_FAULT, "KVM_RUN: %s", strerror(err_no));
            end(vcpu, &verdict);
        }
    }
}
