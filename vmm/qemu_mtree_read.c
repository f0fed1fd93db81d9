/*
 * qemu_mtree_read.c - the two listings, line by line, into regions and ranges. What stands before
 * the first header (a monitor's greeting) and its prompts are skipped, and what follows from the
 * other listing's first header on (one file may hold both); every other line must be understood.
 */
#include "vmm/qemu_mtree_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool starts(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

static const char space_head[] = "address-space: ", view_head[] = "FlatView #";

static bool is_prompt(const char *text)
{
    return starts(text, "(qemu)");
}

/* Cuts `word` and what follows it off the line, or, with `end`, only a `word` that ends it. */
static bool cut(char *text, const char *word, bool end)
{
    size_t len = strlen(text), word_len = strlen(word);
    char *found = NULL, *next = text;

    if (end) {
        found = len >= word_len && strcmp(text + len - word_len, word) == 0 ? text + len - word_len
                                                                            : NULL;
    } else {
        while ((next = strstr(next, word)) != NULL) {
            found = next++;
        }
    }
    if (found) {
        *found = '\0';
    }
    return found != NULL;
}

static void cut_owner(char *text)
{
    (void)cut(text, " parent:{", false);
    (void)cut(text, " owner:{", false);
    (void)cut(text, " orphan", true);
}

static int out_of_memory(struct mtree *mtree, const struct qemu_mtree_text *text)
{
    return error_set_errno(mtree->err, ENOMEM, "%s", text->path);
}

struct tree_reader {
    struct mtree *mtree;
    struct mtree_lines lines;
    struct mtree_line line;
    struct mtree_region *last[MTREE_DEPTH_MAX + 1]; /* by level; [0]: unused */
    unsigned level;                                 /* of the latest line; 0: no root yet */
    struct mtree_group *group;                      /* whose root is read */
    bool in_block;
    char block_name[MTREE_LINE_MAX + 1]; /* of a block whose root is still to come */
};

static int bad_line(const struct tree_reader *reader, const char *what)
{
    return mtree_fail(reader->lines.err, reader->lines.text, reader->line.number, "%s: %s", what,
                      reader->line.text);
}

/* "alias NAME @TARGET FIRST-LAST": fills in the target, and cuts the text to "NAME". */
static int read_alias(struct tree_reader *reader, struct mtree_region *region, char **text)
{
    size_t len = strlen(*text);
    const char *numbers = *text + len - 33, *dash;
    char *at = NULL, *next;
    hwaddr first, last;

    if (!starts(*text, "alias ") || len < 40 || numbers[-1] != ' ') {
        return 0;
    }
    dash = numbers + 16;
    if (!mtree_hex(&numbers, &first) || *dash != '-' || (numbers++, !mtree_hex(&numbers, &last))) {
        return 0;
    }
    (*text)[len - 34] = '\0';
    for (next = *text; (next = strstr(next, " @")) != NULL; next++) {
        at = next;
    }
    if (!at) {
        return bad_line(reader, "an alias of nothing");
    }
    if (last - first != (region->size == UINT64_MAX ? UINT64_MAX : region->size - 1)) {
        return bad_line(reader, "an alias of another size than what it shows");
    }
    *at = '\0';
    *text += 6;
    region->alias_offset = first;
    region->target_name = mtree_name(reader->mtree, at + 2, strlen(at + 2));
    return region->target_name ? 0 : out_of_memory(reader->mtree, reader->lines.text);
}

/* Below what it lies. Nothing, where that is a disabled region that the listing leaves out. */
static int hang_up(struct tree_reader *reader, struct mtree_region *region)
{
    struct mtree_region *parent = NULL;

    if (region->level > 1 && reader->level >= region->level - 1) {
        parent = reader->last[region->level - 1];
    }
    if (region->level > 1 && (!parent || parent->target_name)) {
        region->enabled = false;
        reader->mtree->hidden_num++;
        return 0;
    }
    region->addr = region->first - (parent ? parent->first : 0);
    if (parent) {
        region->parent = parent;
        region->place = parent->child_last ? parent->child_last->place + 1 : 0;
        *(parent->child_last ? &parent->child_last->next : &parent->child) = region;
        parent->child_last = region;
    } else if (reader->level > 0) {
        return bad_line(reader, "a second root");
    } else if (reader->in_block) {
        reader->mtree->blocks[reader->mtree->block_num++] = region;
    } else {
        reader->group->root = region;
    }
    reader->last[region->level] = region;
    reader->level = region->level;
    return 0;
}

static int read_region(struct tree_reader *reader)
{
    static const char overflow[] = "[DETECTED OVERFLOW!] ";
    struct mtree *mtree = reader->mtree;
    const char *text = reader->line.text;
    struct mtree_region *region = &mtree->regions[mtree->region_num];
    struct mtree_head head;
    size_t spaces;
    char *rest;
    int ret;

    text += starts(text, overflow) ? sizeof(overflow) - 1 : 0;
    spaces = strspn(text, " ");
    text += spaces;
    if (spaces < 2 || spaces % 2 != 0 || !mtree_head(&text, &head)) {
        return bad_line(reader, "not a line of info mtree");
    }
    if (spaces / 2 > MTREE_DEPTH_MAX) {
        return bad_line(reader, "nested too deep");
    }
    if ((!reader->group && !reader->in_block) || head.last - head.first == UINT64_MAX - 1) {
        return bad_line(reader, reader->group || reader->in_block ? "a size of 2^64-1"
                                                                  : "a region of no space");
    }
    *region = (struct mtree_region){
        .line = reader->line.number,
        .level = (unsigned)(spaces / 2),
        .first = head.first,
        .size = head.last - head.first == UINT64_MAX ? UINT64_MAX : head.last - head.first + 1,
        .priority = head.priority,
        .type = head.type,
        .nonvolatile = head.nonvolatile,
    };
    rest = reader->lines.copy + (text - reader->lines.copy);
    cut_owner(rest);
    region->enabled = !cut(rest, " [disabled]", true);
    ret = read_alias(reader, region, &rest);
    if (ret < 0) {
        return ret;
    }
    region->name = mtree_name(mtree, rest, strlen(rest));
    if (!region->name) {
        return out_of_memory(mtree, reader->lines.text);
    }
    mtree->region_num++;
    return hang_up(reader, region);
}

/*
 * Without -D, the root of a block is left out if it is disabled, but not what is below it. A region
 * that is disabled stands for it.
 */
static int end_block_head(struct tree_reader *reader)
{
    struct mtree *mtree = reader->mtree;
    struct mtree_region *region = &mtree->regions[mtree->region_num];

    if (!reader->in_block || reader->level > 0) {
        return 0;
    }
    *region = (struct mtree_region){
        .name = mtree_name(mtree, reader->block_name, strlen(reader->block_name)),
        .line = reader->line.number,
        .level = 1,
        .size = 1,
    };
    mtree->region_num++;
    return region->name ? hang_up(reader, region) : out_of_memory(mtree, reader->lines.text);
}

static int begin_space(struct tree_reader *reader, const char *name)
{
    struct mtree *mtree = reader->mtree;

    if (!reader->group || reader->level > 0) {
        reader->group = &mtree->groups[mtree->group_num++];
        *reader->group = (struct mtree_group){
            .line = reader->line.number,
            .names = &mtree->space_names[mtree->space_num],
        };
    }
    reader->in_block = false;
    reader->level = 0;
    mtree->space_names[mtree->space_num] = mtree_name(mtree, name, strlen(name));
    reader->group->name_num++;
    return mtree->space_names[mtree->space_num++] ? 0 : out_of_memory(mtree, reader->lines.text);
}

static int read_tree_line(struct tree_reader *reader)
{
    static const char block[] = "memory-region: ";
    const char *text = reader->line.text;

    bool is_head = starts(text, space_head) || starts(text, block), ends = reader->line.len == 0;
    int ret = 0;

    if (is_prompt(text) || (reader->mtree->group_num == 0 && !starts(text, space_head))) {
        return 0;
    }
    if (is_head || ends || starts(text, "    ")) {
        ret = end_block_head(reader);
    }
    if (ret < 0 || ends) {
        reader->group = NULL;
        reader->in_block = false;
        return ret;
    }
    if (starts(text, space_head)) {
        return begin_space(reader, text + sizeof(space_head) - 1);
    }
    if (is_head) {
        strcpy(reader->block_name, text + sizeof(block) - 1); /* both hold a whole line */
        reader->group = NULL;
        reader->in_block = true;
        reader->level = 0;
        return 0;
    }
    return read_region(reader);
}

int mtree_read_tree(struct mtree *mtree)
{
    struct tree_reader reader = {
        .mtree = mtree,
        .lines = {.text = mtree->tree_text, .err = mtree->err},
    };
    size_t max = mtree_count_lines(mtree->tree_text) + 1;
    int ret;

    if (max > MTREE_LINES_MAX) {
        return error_set(mtree->err, EINVAL, "%s: more than %d lines", mtree->tree_text->path,
                         MTREE_LINES_MAX);
    }
    mtree->regions = calloc(max, sizeof(mtree->regions[0]));
    mtree->blocks = calloc(max, sizeof(mtree->blocks[0]));
    mtree->groups = calloc(max, sizeof(mtree->groups[0]));
    mtree->space_names = calloc(max, sizeof(mtree->space_names[0]));
    if (!mtree->regions || !mtree->blocks || !mtree->groups || !mtree->space_names) {
        return out_of_memory(mtree, mtree->tree_text);
    }
    while ((ret = mtree_next_line(&reader.lines, &reader.line)) > 0) {
        if (mtree->group_num > 0 && starts(reader.line.text, view_head)) {
            ret = 0;
            break;
        }
        ret = read_tree_line(&reader);
        if (ret < 0) {
            return ret;
        }
    }
    ret = ret ? ret : end_block_head(&reader);
    if (ret == 0 && mtree->group_num == 0) {
        return mtree_fail(mtree->err, mtree->tree_text, reader.lines.number,
                          "no address-space: not a listing of info mtree");
    }
    return ret;
}

struct flat_reader {
    struct mtree *mtree;
    struct mtree_lines lines;
    struct mtree_line line;
    struct mtree_view *view; /* NULL: outside */
    bool skip;               /* a dispatch tree, up to the next view */
};

static int bad_flat_line(const struct flat_reader *reader, const char *what)
{
    return mtree_fail(reader->lines.err, reader->lines.text, reader->line.number, "%s: %s", what,
                      reader->line.text);
}

/* "NAME", root: ROOT[, alias ROOT'S TARGET] */
static int read_user(struct flat_reader *reader, char *text)
{
    static const char middle[] = "\", root: ";
    struct mtree *mtree = reader->mtree;
    struct mtree_user *user = &mtree->users[mtree->user_num];
    char *root = strstr(text, middle);

    if (!root || reader->view->range_num > 0) {
        return bad_flat_line(reader, "not a line of info mtree -f");
    }
    (void)cut(root + sizeof(middle) - 1, ", alias ", false);
    user->name = mtree_name(mtree, text, (size_t)(root - text));
    root += sizeof(middle) - 1;
    user->root = mtree_name(mtree, root, strlen(root));
    mtree->user_num++;
    reader->view->user_num++;
    return user->name && user->root ? 0 : out_of_memory(mtree, reader->lines.text);
}

/* " @OFFSET" and the accelerator's mark, at the end of a name. */
static void cut_offset(char *text, hwaddr *offset)
{
    const char *number;
    char *at;

    (void)cut(text, " KVM", true);
    for (at = text; (at = strstr(at, " @")) != NULL; at++) {
        number = at + 2;
        if (mtree_hex(&number, offset) && *number == '\0') {
            *at = '\0';
            return;
        }
    }
    *offset = 0;
}

static int read_range(struct flat_reader *reader)
{
    struct mtree *mtree = reader->mtree;
    struct mtree_view *view = reader->view;
    struct mtree_range *range = &mtree->ranges[mtree->range_num];
    const char *text = reader->line.text + 2;
    struct mtree_head head;
    char *rest;

    if (!starts(reader->line.text, "  ") || !mtree_head(&text, &head)) {
        return bad_flat_line(reader, "not a line of info mtree -f");
    }
    if (head.last < head.first ||
        (view->range_num > 0 && head.first <= view->ranges[view->range_num - 1].last)) {
        return bad_flat_line(reader, "not in ascending order");
    }
    *range = (struct mtree_range){
        .line = reader->line.number,
        .first = head.first,
        .last = head.last,
        .priority = head.priority,
        .type = head.type,
        .nonvolatile = head.nonvolatile,
    };
    rest = reader->lines.copy + (text - reader->lines.copy);
    cut_owner(rest);
    cut_offset(rest, &range->offset);
    range->name = mtree_name(mtree, rest, strlen(rest));
    mtree->range_num++;
    view->range_num++;
    return range->name ? 0 : out_of_memory(mtree, reader->lines.text);
}

static int read_flat_line(struct flat_reader *reader)
{
    static const char user[] = " AS \"";
    struct mtree *mtree = reader->mtree;
    const char *text = reader->line.text;

    if (starts(text, view_head)) {
        reader->view = &mtree->views[mtree->view_num++];
        *reader->view = (struct mtree_view){
            .line = reader->line.number,
            .users = &mtree->users[mtree->user_num],
            .ranges = &mtree->ranges[mtree->range_num],
        };
        reader->skip = false;
        return 0;
    }
    if (is_prompt(text) || !reader->view || reader->skip || reader->line.len == 0) {
        return 0;
    }
    if (starts(text, user)) {
        return read_user(reader, reader->lines.copy + sizeof(user) - 1);
    }
    if (starts(text, " Root memory region: ") || strcmp(text, "  No rendered FlatView") == 0) {
        return 0;
    }
    if (strcmp(text, "  Dispatch") == 0) {
        reader->skip = true;
        return 0;
    }
    return read_range(reader);
}

int mtree_read_flat(struct mtree *mtree)
{
    struct flat_reader reader = {
        .mtree = mtree,
        .lines = {.text = mtree->flat_text, .err = mtree->err},
    };
    size_t max = mtree_count_lines(mtree->flat_text) + 1;
    int ret;

    if (max > MTREE_LINES_MAX) {
        return error_set(mtree->err, EINVAL, "%s: more than %d lines", mtree->flat_text->path,
                         MTREE_LINES_MAX);
    }
    mtree->views = calloc(max, sizeof(mtree->views[0]));
    mtree->users = calloc(max, sizeof(mtree->users[0]));
    mtree->ranges = calloc(max, sizeof(mtree->ranges[0]));
    if (!mtree->views || !mtree->users || !mtree->ranges) {
        return out_of_memory(mtree, mtree->flat_text);
    }
    while ((ret = mtree_next_line(&reader.lines, &reader.line)) > 0) {
        if (reader.view && starts(reader.line.text, space_head)) {
            ret = 0;
            break;
        }
        ret = read_flat_line(&reader);
        if (ret < 0) {
            return ret;
        }
    }
    if (ret == 0 && mtree->view_num == 0) {
        return mtree_fail(mtree->err, mtree->flat_text, reader.lines.number,
                          "no FlatView: not a listing of info mtree -f");
    }
    return ret;
}
