#include "files/name_groups.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { GROUPS_SHOWN = 6, GROUPS_MAX = 64 }; /* beyond the latter, names are only counted */

/* Each part that is a number becomes "*". */
static char *pattern_of(const char *name)
{
    struct strbuf pattern = {0};
    for (const char *part = name; *part;) {
        const size_t len = strcspn(part, ".");
        if (len && strspn(part, "0123456789") == len)
            strbuf_putc(&pattern, '*');
        else
            strbuf_add(&pattern, part, len);
        if (part[len] == '.')
            strbuf_putc(&pattern, '.');
        part += len + (part[len] == '.');
    }
    return pattern.data ? pattern.data : mem_strdup("");
}

void name_groups_add(struct name_groups *g, const char *name)
{
    char *pattern = pattern_of(name);
    g->n_names++;
    for (size_t i = 0; i < g->n_groups; i++)
        if (strcmp(g->groups[i].pattern, pattern) == 0) {
            g->groups[i].count++;
            free(pattern);
            return;
        }
    if (g->n_groups == GROUPS_MAX) {
        free(pattern);
        return;
    }
    g->groups = mem_realloc(g->groups, g->n_groups + 1, sizeof *g->groups);
    g->groups[g->n_groups++] = (struct name_group){pattern, 1};
}

void name_groups_print(const struct name_groups *g, struct strbuf *out)
{
    size_t told = 0;
    for (size_t i = 0; i < g->n_groups && i < GROUPS_SHOWN; i++) {
        strbuf_puts(out, i ? ", " : "");
        strbuf_add_visible(out, g->groups[i].pattern, strlen(g->groups[i].pattern));
        if (g->groups[i].count > 1)
            strbuf_printf(out, " (%zu)", g->groups[i].count);
        told += g->groups[i].count;
    }
    if (told < g->n_names)
        strbuf_printf(out, " and %zu more", g->n_names - told);
}

void name_groups_free(struct name_groups *g)
{
    for (size_t i = 0; i < g->n_groups; i++)
        free(g->groups[i].pattern);
    free(g->groups);
    *g = (struct name_groups){0};
}
