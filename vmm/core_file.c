/*
 * core_file.c - all that comes before the memory is laid out by counting first: then every offset
 * is known, and the file is written from its beginning to its end.
 */
#include "vmm/core_file.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/user.h>

enum { PAGE = 4096, NAME_SIZE = 8 /* "CORE" and "QEMU", with their NUL, padded to 4 bytes */ };

/* A note and its payload; packed, since the payload follows at once. */
struct note_head {
    Elf64_Nhdr head;
    char name[NAME_SIZE];
};
struct cpu_notes {
    struct note_head status_head;
    struct elf_prstatus status;
    struct note_head fp_head;
    struct user_fpregs_struct fp;
} __attribute__((packed));
struct cpu_state_note {
    struct note_head head;
    struct core_cpu_state state;
} __attribute__((packed));
_Static_assert(sizeof(struct elf_prstatus) == 336, "as Linux writes it");
_Static_assert(sizeof(struct user_fpregs_struct) == VCPU_FXSAVE_SIZE, "FXSAVE64's area");
_Static_assert(sizeof(struct note_head) % 4 == 0 && sizeof(struct elf_prstatus) % 4 == 0,
               "notes follow each other without padding");

static struct note_head note_head(const char *name, size_t size, uint32_t type)
{
    struct note_head note = {
        .head = {.n_namesz = (uint32_t)strlen(name) + 1,
                 .n_descsz = (uint32_t)size,
                 .n_type = type},
    };

    memcpy(note.name, name, strlen(name));
    return note;
}

static struct user_regs_struct user_regs(const struct vcpu_snapshot *cpu)
{
    const struct kvm_regs *regs = &cpu->regs;
    const struct kvm_sregs *sregs = &cpu->sregs;

    return (struct user_regs_struct){
        .r15 = regs->r15,
        .r14 = regs->r14,
        .r13 = regs->r13,
        .r12 = regs->r12,
        .rbp = regs->rbp,
        .rbx = regs->rbx,
        .r11 = regs->r11,
        .r10 = regs->r10,
        .r9 = regs->r9,
        .r8 = regs->r8,
        .rax = regs->rax,
        .rcx = regs->rcx,
        .rdx = regs->rdx,
        .rsi = regs->rsi,
        .rdi = regs->rdi,
        .orig_rax = UINT64_MAX, /* in no system call: debuggers would restart it */
        .rip = regs->rip,
        .cs = sregs->cs.selector,
        .eflags = regs->rflags,
        .rsp = regs->rsp,
        .ss = sregs->ss.selector,
        .fs_base = sregs->fs.base,
        .gs_base = sregs->gs.base,
        .ds = sregs->ds.selector,
        .es = sregs->es.selector,
        .fs = sregs->fs.selector,
        .gs = sregs->gs.selector,
    };
}

static void fill_notes(struct cpu_notes *notes, const struct vcpu_snapshot *cpu, unsigned index)
{
    const struct user_regs_struct regs = user_regs(cpu);

    *notes = (struct cpu_notes){
        .status_head = note_head("CORE", sizeof(notes->status), NT_PRSTATUS),
        .status = {.pr_pid = (pid_t)(index + 1), .pr_fpvalid = 1},
        .fp_head = note_head("CORE", sizeof(notes->fp), NT_PRFPREG),
    };
    memcpy(&notes->status.pr_reg, &regs, sizeof(regs));
    memcpy(&notes->fp, cpu->fxsave, sizeof(notes->fp));
}

static struct core_segment segment(const struct kvm_segment *from)
{
    return (struct core_segment){
        .selector = from->selector,
        .limit = from->limit,
        .flags = (uint32_t)from->type << 8 | (uint32_t)from->s << 12 | (uint32_t)from->dpl << 13 |
                 (uint32_t)from->present << 15 | (uint32_t)from->avl << 20 |
                 (uint32_t)from->l << 21 | (uint32_t)from->db << 22 | (uint32_t)from->g << 23,
        .base = from->base,
    };
}

static struct core_segment table(const struct kvm_dtable *from)
{
    return (struct core_segment){.limit = from->limit, .base = from->base};
}

static void fill_state(struct cpu_state_note *note, const struct vcpu_snapshot *cpu)
{
    const struct kvm_regs *regs = &cpu->regs;
    const struct kvm_sregs *sregs = &cpu->sregs;

    *note = (struct cpu_state_note){
        .head = note_head("QEMU", sizeof(note->state), 0),
        .state =
            {
                .version = 1,
                .size = sizeof(note->state),
                .rax = regs->rax,
                .rbx = regs->rbx,
                .rcx = regs->rcx,
                .rdx = regs->rdx,
                .rsi = regs->rsi,
                .rdi = regs->rdi,
                .rsp = regs->rsp,
                .rbp = regs->rbp,
                .r8 = regs->r8,
                .r9 = regs->r9,
                .r10 = regs->r10,
                .r11 = regs->r11,
                .r12 = regs->r12,
                .r13 = regs->r13,
                .r14 = regs->r14,
                .r15 = regs->r15,
                .rip = regs->rip,
                .rflags = regs->rflags,
                .cs = segment(&sregs->cs),
                .ds = segment(&sregs->ds),
                .es = segment(&sregs->es),
                .fs = segment(&sregs->fs),
                .gs = segment(&sregs->gs),
                .ss = segment(&sregs->ss),
                .ldt = segment(&sregs->ldt),
                .tr = segment(&sregs->tr),
                .gdt = table(&sregs->gdt),
                .idt = table(&sregs->idt),
                .cr = {sregs->cr0, 0, sregs->cr2, sregs->cr3, sregs->cr4},
                .kernel_gs_base = cpu->kernel_gs_base,
            },
    };
}

/* ---- the layout ---- */

/* The headers, in the order of the file; `data` is where memory begins. */
struct layout {
    size_t headers, notes, size; /* bytes: of ELF and program headers, of notes, of both */
    uint64_t data;
};

static struct layout lay_out(const struct core *core)
{
    struct layout layout = {
        .headers = sizeof(Elf64_Ehdr) + (core->mapping_num + 1) * sizeof(Elf64_Phdr),
        .notes = core->cpu_num * (sizeof(struct cpu_notes) + sizeof(struct cpu_state_note)),
    };

    layout.size = layout.headers + layout.notes;
    layout.data = (layout.size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    return layout;
}

static Elf64_Ehdr elf_header(const struct core *core)
{
    return (Elf64_Ehdr){
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = (uint16_t)(core->mapping_num + 1),
    };
}

static uint64_t padded(const struct guest_ram_range *range)
{
    return (range->last - range->first + PAGE) & ~(uint64_t)(PAGE - 1);
}

/* @offsets  where each range of RAM is in the file */
static void fill_loads(const struct core *core, const uint64_t *offsets, Elf64_Phdr *loads)
{
    size_t i;

    for (i = 0; i < core->mapping_num; i++) {
        const struct core_mapping *mapping = &core->mappings[i];
        const struct guest_ram_range *range = guest_ram_at_or_after(core->ram, mapping->paddr);

        loads[i] = (Elf64_Phdr){
            .p_type = PT_LOAD,
            .p_flags = PF_R | PF_W | PF_X,
            .p_offset = offsets[range - core->ram->ranges] + (mapping->paddr - range->first),
            .p_vaddr = mapping->vaddr,
            .p_paddr = mapping->paddr,
            .p_filesz = mapping->size,
            .p_memsz = mapping->size,
        };
    }
}

/* All that comes before memory. Returns: the caller's to free; NULL out of memory. */
static uint8_t *make_headers(const struct core *core, const struct layout *layout)
{
    uint8_t *headers = calloc(1, layout->size), *at;
    uint64_t *offsets = calloc(core->ram->num + 1, sizeof(*offsets)), offset = layout->data;
    Elf64_Ehdr *elf = (Elf64_Ehdr *)(void *)headers;
    Elf64_Phdr *programs = (Elf64_Phdr *)(void *)(elf + 1);
    size_t i;

    if (!headers || !offsets) {
        free(headers);
        free(offsets);
        return NULL;
    }
    for (i = 0; i < core->ram->num; i++) {
        offsets[i] = offset;
        offset += padded(&core->ram->ranges[i]);
    }
    *elf = elf_header(core);
    programs[0] = (Elf64_Phdr){.p_type = PT_NOTE,
                               .p_offset = layout->headers,
                               .p_filesz = layout->notes,
                               .p_memsz = layout->notes,
                               .p_align = 4};
    fill_loads(core, offsets, programs + 1);
    free(offsets);
    at = headers + layout->headers;
    for (i = 0; i < core->cpu_num; i++, at += sizeof(struct cpu_notes)) {
        fill_notes((struct cpu_notes *)(void *)at, &core->cpus[i], (unsigned)i);
    }
    for (i = 0; i < core->cpu_num; i++, at += sizeof(struct cpu_state_note)) {
        fill_state((struct cpu_state_note *)(void *)at, &core->cpus[i]);
    }
    return headers;
}

int core_write(const struct core *core, struct sparse_file *file)
{
    const struct layout layout = lay_out(core);
    uint8_t *headers = make_headers(core, &layout);
    size_t i;
    int ret = headers ? sparse_file_add(file, headers, layout.size) : -ENOMEM;

    free(headers);
    if (ret == 0) {
        ret = sparse_file_add(file, NULL, layout.data - layout.size);
    }
    for (i = 0; i < core->ram->num && ret == 0; i++) {
        const struct guest_ram_range *range = &core->ram->ranges[i];
        uint64_t size = range->last - range->first + 1;

        ret = sparse_file_add(file, range->host, size);
        ret = ret ? ret : sparse_file_add(file, NULL, padded(range) - size);
    }
    return ret == 0 ? sparse_file_end(file) : ret;
}
