#include "collect/synth/variety.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void variety_count(struct variety_counts *counts, const char *name, size_t len)
{
    counts->items = mem_grow(counts->items, &counts->capacity, counts->count + 1, sizeof *counts->items);
    counts->items[counts->count++] = (struct variety_count){mem_strndup(name, len), 1};
    counts->total++;
}

static int compare_names(const void *a, const void *b)
{
    const struct variety_count *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int compare_counts(const void *a, const void *b)
{
    const struct variety_count *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : strcmp(x->name, y->name);
}

void variety_counts_settle(struct variety_counts *counts)
{
    size_t n = 0;
    if (counts->count == 0)
        return;
    qsort(counts->items, counts->count, sizeof *counts->items, compare_names);
    for (size_t i = 0; i < counts->count; i++) {
        if (n > 0 && strcmp(counts->items[n - 1].name, counts->items[i].name) == 0) {
            counts->items[n - 1].count++;
            free(counts->items[i].name);
        } else {
            counts->items[n++] = counts->items[i];
        }
    }
    counts->count = n;
    qsort(counts->items, n, sizeof *counts->items, compare_counts);
}

static void counts_free(struct variety_counts *counts)
{
    for (size_t i = 0; i < counts->count; i++)
        free(counts->items[i].name);
    free(counts->items);
}

size_t variety_count_of(const struct variety_counts *counts, const char *name)
{
    for (size_t i = 0; i < counts->count; i++)
        if (strcmp(counts->items[i].name, name) == 0)
            return counts->items[i].count;
    return 0;
}

void variety_free(struct variety *v)
{
    struct variety_counts *all[] = {&v->kinds,           &v->personas, &v->models,  &v->recipes,
                                    &v->topics,          &v->rejected, &v->refused, &v->questions.openings,
                                    &v->answers.openings};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        counts_free(all[i]);
    for (size_t i = 0; i < v->n_warnings; i++)
        free(v->warnings[i].text);
    free(v->warnings);
    free(v->first_bad);
    free(v->file);
    *v = (struct variety){0};
}
