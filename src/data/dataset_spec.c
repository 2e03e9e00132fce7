/* "FILE*2:format": what a user writes to name a file. */
#include "data/dataset.h"

#include "base/io.h"
#include "data/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { REPEAT_MAX = 1000000 };

static enum sft_status parse_repeat(const char *text, size_t *repeat, struct sft_err *err)
{
    char *end;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value < 1 || value > REPEAT_MAX)
        return sft_fail(err, SFT_EUSAGE, "'*%s': a file is repeated a whole number of times, 1 to %d", text,
                        REPEAT_MAX);
    *repeat = (size_t)value;
    return SFT_OK;
}

static enum sft_status parse_format(const char *text, const char **format, struct sft_err *err)
{
    const struct reader *reader = reader_by_name(text);
    *format = reader ? reader->name : strcmp(text, dataset_text_format) == 0 ? dataset_text_format : NULL;
    if (*format)
        return SFT_OK;
    struct strbuf names = {0};
    for (size_t i = 0; i < readers_count; i++)
        strbuf_printf(&names, "%s, ", readers[i]->name);
    sft_fail(err, SFT_EUSAGE, "no such file, and '%s' is no format (%s%s)", text, names.data,
             dataset_text_format);
    strbuf_free(&names);
    return SFT_EUSAGE;
}

/* The last '*' or ':' of the path's last component, or NULL. */
static char *find_suffix(char *path)
{
    char *star = strrchr(path, '*'), *colon = strrchr(path, ':'), *slash = strrchr(path, '/');
    char *last = !star || (colon && colon > star) ? colon : star;
    return last && (!slash || last > slash) && last > path ? last : NULL;
}

enum sft_status dataset_parse_spec(const char *spec, struct dataset_file *file, const char **format,
                                   struct sft_err *err)
{
    *file = (struct dataset_file){.spec = mem_strdup(spec), .path = mem_strdup(spec), .repeat = 0};
    *format = NULL;
    char *suffix;
    enum sft_status status = SFT_OK;
    while (!status && !path_exists(file->path) && (suffix = find_suffix(file->path))) {
        const char kind = *suffix;
        *suffix++ = '\0';
        if (kind == '*' ? file->repeat != 0 : *format != NULL)
            status = sft_fail(err, SFT_EUSAGE, "'%c' is given twice", kind);
        else
            status = kind == '*' ? parse_repeat(suffix, &file->repeat, err)
                                 : parse_format(suffix, format, err);
    }
    if (status) {
        dataset_file_free(file);
        sft_context(err, "%s", spec);
        return status;
    }
    if (file->repeat == 0)
        file->repeat = 1;
    return SFT_OK;
}

void dataset_file_free(struct dataset_file *file)
{
    free(file->spec);
    free(file->path);
    *file = (struct dataset_file){0};
}
