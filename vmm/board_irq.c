/*
 * board_irq.c - interrupt specifiers, and lines that several devices hold. A line counts who holds
 * it up and tells KVM of the first and the last, under a lock, so that what KVM hears last is true.
 * A line can be taken over: an HPET does that with those of the i8254 and the real-time clock.
 */
#include "vmm/board_build.h"

#include <libfdt.h>
#include <pthread.h>

enum {
    ISA_IRQ_NUM = 16,
    ISA_IRQ_CASCADE = 2, /* the second PIC */
    SENSE_MAX = 3,       /* rising, low, high, falling */
};

/* Tells KVM if the level is another now. Context: the line is locked. */
static void update(struct board_line *line)
{
    bool level = (line->taken_over ? line->keepers : line->holders) > 0;

    if (level != line->level) {
        line->level = level;
        irq_line_set(&line->out, level);
    }
}

static void set_line(void *opaque, bool level)
{
    struct board_line *line = opaque;

    (void)pthread_mutex_lock(&line->lock);
    line->holders += level ? 1U : -1U;
    update(line);
    (void)pthread_mutex_unlock(&line->lock);
}

static void set_line_kept(void *opaque, bool level)
{
    struct board_line *line = opaque;

    (void)pthread_mutex_lock(&line->lock);
    line->holders += level ? 1U : -1U;
    line->keepers += level ? 1U : -1U;
    update(line);
    (void)pthread_mutex_unlock(&line->lock);
}

void board_line_take_over(struct board *board, unsigned gsi, bool on)
{
    struct board_line *line = board_line(board, gsi).opaque;

    (void)pthread_mutex_lock(&line->lock);
    line->taken_over = on;
    update(line);
    (void)pthread_mutex_unlock(&line->lock);
}

struct irq_line board_line(struct board *board, unsigned gsi)
{
    struct board_line *line = &board->lines[gsi];

    if (!line->made) {
        *line = (struct board_line){.made = true, .node = -1};
        (void)pthread_mutex_init(&line->lock, NULL);
        if (board->host.irq) {
            line->out = board->host.irq(board->host.opaque, gsi);
        }
    }
    return (struct irq_line){.set = set_line, .opaque = line};
}

struct irq_line board_line_kept(struct board *board, unsigned gsi)
{
    return (struct irq_line){.set = set_line_kept, .opaque = board_line(board, gsi).opaque};
}

/* Connects a device to its input, which it may have to share. */
static int take_line(struct board *board, const struct part *part, unsigned gsi,
                     struct irq_line *irq, struct error *err)
{
    struct board_line *line = &board->lines[gsi];
    char path[160];

    *irq = board_line(board, gsi);
    if (line->node >= 0 && (line->alone || part->class->irq_alone)) {
        if (fdt_get_path(board->tree.fdt, line->node, path, sizeof(path)) < 0) {
            path[0] = '\0';
        }
        return tree_error(&board->tree, part->node, "interrupts", err,
                          "%u is taken by %s, and the two cannot share it", gsi, path);
    }
    line->node = part->node;
    line->alone = part->class->irq_alone;
    return 0;
}

void board_lines_finish(struct board *board)
{
    unsigned i;

    for (i = 0; i < BOARD_GSI_NUM; i++) {
        if (board->lines[i].made) {
            (void)pthread_mutex_destroy(&board->lines[i].lock);
            board->lines[i].made = false;
        }
    }
}

/* Who reads the node's `interrupts`: the next interrupt-parent on the way up, else the PIC. */
static int find_controller(const struct board *board, int node, int *controller, struct error *err)
{
    const struct board_tree *tree = &board->tree;
    int at;

    *controller = board->pic;
    for (at = node; at >= 0; at = at == 0 ? -1 : fdt_parent_offset(tree->fdt, at)) {
        if (fdt_getprop(tree->fdt, at, "interrupt-parent", NULL)) {
            *controller = tree_target(tree, at, "interrupt-parent", err);
            return *controller < 0 ? *controller : 0;
        }
    }
    return 0;
}

static int check_interrupt(const struct board *board, const struct part *part, bool ioapic,
                           uint32_t irq, uint32_t sense, struct error *err)
{
    const struct board_tree *tree = &board->tree;

    if (ioapic && irq >= BOARD_GSI_NUM) {
        return tree_error(tree, part->node, "interrupts", err, "the I/O APIC has no input %u", irq);
    }
    if (!ioapic && (irq >= ISA_IRQ_NUM || irq == ISA_IRQ_CASCADE)) {
        return tree_error(tree, part->node, "interrupts", err, "there is no ISA interrupt %u", irq);
    }
    if (sense > SENSE_MAX) {
        return tree_error(tree, part->node, "interrupts", err,
                          "%u in the second cell (0 rising, 1 low, 2 high, 3 falling)", sense);
    }
    return 0;
}

int board_connect_irqs(struct board *board, struct part *part, struct error *err)
{
    const struct board_tree *tree = &board->tree;
    int len, controller, ret = 0;
    const fdt32_t *cell = fdt_getprop(tree->fdt, part->node, "interrupts", &len);
    uint32_t cells, irq;
    bool ioapic;
    unsigned i;

    if (!cell) {
        return 0;
    }
    if (board->pic < 0) {
        return tree_error(tree, part->node, "interrupts", err,
                          "the board has no interrupt controllers (no intel,i8259)");
    }
    ret = find_controller(board, part->node, &controller, err);
    if (ret < 0) {
        return ret;
    }
    ioapic = fdt_node_check_compatible(tree->fdt, controller, "intel,ce4100-ioapic") == 0;
    if (!ioapic && fdt_node_check_compatible(tree->fdt, controller, "intel,i8259") != 0) {
        return tree_error(tree, controller, "compatible", err,
                          "an interrupt-parent is an intel,i8259 or an intel,ce4100-ioapic");
    }
    ret = tree_u32(tree, controller, "#interrupt-cells", ioapic ? 2 : 1, &cells, err);
    if (ret == 0 && (cells < 1 || cells > 2)) {
        return tree_error(tree, controller, "#interrupt-cells", err, "%u, neither 1 nor 2", cells);
    }
    if (ret == 0 && (len == 0 || (unsigned)len % (4 * cells) != 0 ||
                     (unsigned)len / (4 * cells) > part->class->irq_max)) {
        return tree_error(tree, part->node, "interrupts", err,
                          "%d bytes; the device has %u of %u each", len, part->class->irq_max,
                          4 * cells);
    }
    for (i = 0; ret == 0 && i < (unsigned)len / (4 * cells); i++) {
        irq = fdt32_ld(cell + i * cells);
        ret = check_interrupt(board, part, ioapic, irq,
                              cells == 2 ? fdt32_ld(cell + i * cells + 1) : 0, err);
        if (ret == 0) {
            ret = take_line(board, part, irq, &part->irqs[i], err);
        }
    }
    return ret;
}
