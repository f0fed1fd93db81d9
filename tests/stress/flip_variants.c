/*
 * flip_variants.c - the ways in which the map changes. Flip n brings the map to state n, which its
 * parity (or n modulo 4) names; state 0 is what arrange() makes.
 */
#include <errno.h>

#include "flip.h"

static int mount(struct stress *stress, MemoryRegion *mr, int32_t priority)
{
    return memory_region_add_subregion_overlap(&stress->root, WINDOW, mr, priority);
}

/* RAM, a ROM over it, RAM again, MMIO over it. */
static enum value overlay_shows(uint64_t n)
{
    static const enum value values[] = {VALUE_RAM, VALUE_ROM, VALUE_RAM, VALUE_MMIO};

    return values[n % 4];
}

static int overlay_arrange(struct stress *stress)
{
    TRY(memory_region_set_enabled(&stress->rom, false));
    TRY(memory_region_set_enabled(&stress->mmio, false));
    TRY(mount(stress, &stress->rom, 1));
    return mount(stress, &stress->mmio, 1);
}

static int overlay_flip(struct stress *stress, uint64_t n)
{
    MemoryRegion *mr = (n - 1) % 4 < 2 ? &stress->rom : &stress->mmio;

    return memory_region_set_enabled(mr, overlay_shows(n) != VALUE_RAM);
}

/* ROM straight to MMIO and back: never RAM in between. */
static enum value swap_shows(uint64_t n)
{
    return n % 2 ? VALUE_MMIO : VALUE_ROM;
}

static int swap_arrange(struct stress *stress)
{
    TRY(memory_region_set_enabled(&stress->mmio, false));
    TRY(mount(stress, &stress->rom, 1));
    return mount(stress, &stress->mmio, 1);
}

static int swap_flip(struct stress *stress, uint64_t n)
{
    memory_region_transaction_begin(&stress->core);
    if (memory_region_set_enabled(&stress->rom, n % 2 == 0) < 0 ||
        memory_region_set_enabled(&stress->mmio, n % 2 == 1) < 0) {
        memory_region_transaction_abort(&stress->core);
        return -ENOMEM;
    }
    return memory_region_transaction_commit(&stress->core);
}

static enum value store_shows(uint64_t n)
{
    return n % 2 ? VALUE_STORE_B : VALUE_STORE_A;
}

static int alias_arrange(struct stress *stress)
{
    return mount(stress, &stress->alias, 1);
}

static int alias_flip(struct stress *stress, uint64_t n)
{
    return memory_region_set_alias_offset(&stress->alias, n % 2 ? STORE_B : STORE_A);
}

static int priority_arrange(struct stress *stress)
{
    TRY(mount(stress, &stress->alias, 3));
    return mount(stress, &stress->alias_b, 2);
}

static int priority_flip(struct stress *stress, uint64_t n)
{
    return memory_region_set_priority(&stress->alias, n % 2 ? 1 : 3);
}

/* Its first page always shows; the guest reads the rest. */
static enum value resize_ram_shows(uint64_t n)
{
    return n % 2 ? VALUE_RAM : VALUE_STORE_A;
}

static int resize_ram_flip(struct stress *stress, uint64_t n)
{
    return memory_region_set_size(&stress->alias, n % 2 ? PAGE : WINDOW_SIZE);
}

static enum value resize_mmio_shows(uint64_t n)
{
    return n % 2 ? VALUE_RAM : VALUE_MMIO;
}

static int resize_mmio_arrange(struct stress *stress)
{
    return mount(stress, &stress->mmio, 1);
}

static int resize_mmio_flip(struct stress *stress, uint64_t n)
{
    return memory_region_set_size(&stress->mmio, n % 2 ? PAGE : WINDOW_SIZE);
}

static int move_flip(struct stress *stress, uint64_t n)
{
    return memory_region_set_address(&stress->mmio, n % 2 ? WINDOW + 0x10000 : WINDOW);
}

static enum value always_ram(uint64_t n)
{
    (void)n;
    return VALUE_RAM;
}

static int code_arrange(struct stress *stress)
{
    (void)stress;
    return 0;
}

static int code_flip(struct stress *stress, uint64_t n)
{
    return memory_region_set_alias_offset(&stress->code, STORE_CODE + (n % 2 ? PAGE : 0));
}

static uint32_t code_moves(uint64_t n)
{
    return (uint32_t)(n % 2);
}

static uint32_t code_stays(uint64_t n)
{
    (void)n;
    return 0;
}

static int logged_arrange(struct stress *stress)
{
    TRY(memory_region_set_log(&stress->ram, true, DIRTY_MEMORY_VGA));
    return overlay_arrange(stress);
}

const struct variant variants[] = {
    {"m77_window_flips_between_ram_rom_and_mmio", .window_first = WINDOW,
     .window_end = WINDOW + WINDOW_SIZE, .arrange = overlay_arrange, .flip = overlay_flip,
     .shows = overlay_shows, .code = code_stays},
    {"m77_window_flips_between_rom_and_mmio_in_one_commit", .window_first = WINDOW,
     .window_end = WINDOW + WINDOW_SIZE, .arrange = swap_arrange, .flip = swap_flip,
     .shows = swap_shows, .code = code_stays},
    {"m77_alias_is_moved_over_its_target", .window_first = WINDOW,
     .window_end = WINDOW + WINDOW_SIZE, .arrange = alias_arrange, .flip = alias_flip,
     .shows = store_shows, .code = code_stays},
    {"m77_priorities_change", .window_first = WINDOW, .window_end = WINDOW + WINDOW_SIZE,
     .arrange = priority_arrange, .flip = priority_flip, .shows = store_shows, .code = code_stays},
    {"m77_ram_over_ram_is_resized", .window_first = WINDOW + PAGE,
     .window_end = WINDOW + WINDOW_SIZE, .arrange = alias_arrange, .flip = resize_ram_flip,
     .shows = resize_ram_shows, .code = code_stays},
    {"m77_mmio_over_ram_is_resized", .window_first = WINDOW + PAGE,
     .window_end = WINDOW + WINDOW_SIZE, .arrange = resize_mmio_arrange, .flip = resize_mmio_flip,
     .shows = resize_mmio_shows, .code = code_stays},
    {"m77_mmio_over_ram_is_moved_away_and_back", .window_first = WINDOW,
     .window_end = WINDOW + WINDOW_SIZE, .arrange = resize_mmio_arrange, .flip = move_flip,
     .shows = resize_mmio_shows, .code = code_stays},
    {"m77_code_that_runs_is_moved_in_its_block", .window_first = WINDOW,
     .window_end = WINDOW + WINDOW_SIZE, .arrange = code_arrange, .flip = code_flip,
     .shows = always_ram, .code = code_moves},
    {"m77_m71_window_flips_in_ram_whose_writes_are_logged", .logged = true,
     .window_first = WINDOW + PAGE, .window_end = WINDOW + 2 * PAGE, .arrange = logged_arrange,
     .flip = overlay_flip, .shows = overlay_shows, .code = code_stays},
};

const unsigned variant_num = sizeof(variants) / sizeof(variants[0]);
