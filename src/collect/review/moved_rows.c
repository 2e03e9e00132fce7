#include "collect/review/moved_rows.h"

#include <stdlib.h>

struct free_row { /* one that is not decided under its own number */
    uint64_t hash;
    size_t row;
};

static int by_hash(const void *a, const void *b)
{
    const struct free_row *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static bool fits(const struct review_rows *rows, const struct decision *d)
{
    return !d->has_hash || (d->row <= rows->count && rows->items[d->row - 1].hash == d->hash);
}

/* Whether a decision that counts, or did before another of its number, is of another row than that of its number. */
static bool has_stray(const struct side_file *side, const struct review_rows *rows)
{
    for (size_t i = 0; i < side->n_steps; i++)
        if (!fits(rows, &side->items[side->steps[i].item - 1]))
            return true;
    return false;
}

/* By their hashes; a malloc'd list (*n). */
static struct free_row *free_rows(const struct side_file *side, const struct review_rows *rows, size_t *n)
{
    struct free_row *list = mem_calloc(rows->count + 1, sizeof *list);
    *n = 0;
    for (size_t row = 1; row <= rows->count; row++) {
        const uint64_t hash = rows->items[row - 1].hash;
        if (side_file_verdict(side, row, hash) == VERDICT_NONE)
            list[(*n)++] = (struct free_row){hash, row};
    }
    qsort(list, *n, sizeof *list, by_hash);
    return list;
}

/* The only one that has the hash; 0: none, or several. */
static size_t only_row(const struct free_row *list, size_t n, uint64_t hash)
{
    const struct free_row wanted = {.hash = hash};
    const struct free_row *found = bsearch(&wanted, list, n, sizeof *list, by_hash);
    if (!found || (found > list && found[-1].hash == hash) || (found + 1 < list + n && found[1].hash == hash))
        return 0;
    return found->row;
}

/* Of several decisions the later one counts. */
static void move(struct side_file *side, const struct review_rows *rows, const struct free_row *list, size_t n)
{
    side->moved = mem_calloc(rows->count + 1, sizeof *side->moved);
    side->moved_size = rows->count + 1;
    for (size_t i = 0; i < side->n_steps; i++) {
        const struct decision *d = &side->items[side->steps[i].item - 1];
        const size_t row = fits(rows, d) ? 0 : only_row(list, n, d->hash);
        if (!row)
            continue;
        side->n_moved += side->moved[row] == 0;
        side->moved[row] = side->steps[i].item;
    }
}

/* Numbers that FILE does not have, whose decisions are not elsewhere either. */
static size_t count_gone(const struct side_file *side, const struct review_rows *rows, const struct free_row *list,
                         size_t n)
{
    size_t gone = 0;
    for (size_t i = 0; i < side->rows_capacity; i++) {
        const struct side_row *r = &side->rows[i];
        const struct decision *d = r->row > rows->count ? side_file_last(side, r->row) : NULL;
        const size_t row = d && d->has_hash ? only_row(list, n, d->hash) : 0;
        gone += d && !(row && side->moved && side->moved[row]);
    }
    return gone;
}

void moved_rows_find(struct side_file *side, const struct review_rows *rows)
{
    size_t n = 0;
    struct free_row *list = NULL;
    side_file_forget_moves(side);
    if (has_stray(side, rows)) {
        list = free_rows(side, rows, &n);
        move(side, rows, list, n);
    }
    side->n_gone = count_gone(side, rows, list, n);
    free(list);
}

void moved_rows_find_all(struct side_files *all, const struct review_rows *rows)
{
    for (size_t i = 0; i < all->count; i++)
        moved_rows_find(&all->items[i], rows);
}
