#include "data/readers/file_format.h"

#include <string.h>

/* Besides the readers' names. */
static const struct file_kind {
    const char *name, *ending, *packed;
    bool is_text;
    enum rows_kind rows;
} kinds[] = {
    {.name = "csv", .ending = ".csv", .packed = ".csv.gz", .rows = ROWS_CSV},
    {.name = "tsv", .ending = ".tsv", .packed = ".tsv.gz", .rows = ROWS_TSV},
    {.name = "txt", .ending = ".txt", .packed = ".txt.gz", .is_text = true},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static const struct file_kind *kind_by_name(const char *name)
{
    for (size_t i = 0; i < N_KINDS; i++)
        if (strcmp(name, kinds[i].name) == 0)
            return &kinds[i];
    return NULL;
}

static const struct file_kind *kind_by_ending(const char *path)
{
    for (size_t i = 0; i < N_KINDS; i++)
        if (str_has_ending(path, kinds[i].ending) || str_has_ending(path, kinds[i].packed))
            return &kinds[i];
    return NULL;
}

struct file_format file_format_of(const char *path, const char *name)
{
    const struct reader *reader = name ? reader_by_name(name) : NULL;
    const struct file_kind *kind = name && !reader ? kind_by_name(name) : kind_by_ending(path);
    struct file_format format = {.rows = ROWS_JSON, .reader = reader, .is_forced = name != NULL};
    if (kind && !(reader && kind->is_text)) { /* a.txt:messages holds rows */
        format.is_text = kind->is_text;
        format.rows = kind->rows;
    }
    return format;
}

enum sft_status file_format_check(const char *name, struct sft_err *err)
{
    struct strbuf names = {0};
    if (reader_by_name(name) || kind_by_name(name))
        return SFT_OK;
    for (size_t i = 0; i < readers_count; i++)
        strbuf_printf(&names, "%s, ", readers[i]->name);
    for (size_t i = 0; i < N_KINDS; i++)
        strbuf_printf(&names, "%s%s", i > 0 ? ", " : "", kinds[i].name);
    sft_fail(err, SFT_EUSAGE, "no such file, and '%s' is no format (%s)", name, names.data);
    strbuf_free(&names);
    return SFT_EUSAGE;
}
