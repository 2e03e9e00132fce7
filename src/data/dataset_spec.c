/* "FILE*2:format": what a user writes to name a file. */
#include "data/dataset.h"

#include "base/io.h"
#include "data/readers/reader.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double repeat_max = 1000000;

static enum sft_status parse_repeat(const char *text, double *repeat, struct sft_err *err)
{
    char *end;
    const bool is_plain = *text && text[strspn(text, "0123456789.")] == '\0';
    *repeat = is_plain ? strtod(text, &end) : 0;
    if (!is_plain || *end || !(*repeat > 0) || *repeat > repeat_max)
        return sft_fail(err, SFT_EUSAGE,
                        "'*%s': expected a number above 0: 2 repeats a file, 0.25 takes a quarter of it",
                        text);
    return SFT_OK;
}

static enum sft_status parse_format(const char *text, const char **format, struct sft_err *err)
{
    static const char *const kinds[] = {"csv", "tsv", "txt"};
    const struct reader *reader = reader_by_name(text);
    *format = reader ? reader->name : NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(text, kinds[i]) == 0)
            *format = kinds[i];
    if (*format)
        return SFT_OK;
    struct strbuf names = {0};
    for (size_t i = 0; i < readers_count; i++)
        strbuf_printf(&names, "%s, ", readers[i]->name);
    sft_fail(err, SFT_EUSAGE, "no such file, and '%s' is no format (%scsv, tsv, txt)", text, names.data);
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

enum sft_status dataset_parse_spec(const char *spec, struct dataset_file *file, struct sft_err *err)
{
    *file = (struct dataset_file){.spec = mem_strdup(spec), .path = mem_strdup(spec)};
    char *suffix;
    enum sft_status status = SFT_OK;
    while (!status && !path_exists(file->path) && (suffix = find_suffix(file->path))) {
        const char kind = *suffix;
        *suffix++ = '\0';
        if (kind == '*' ? file->repeat > 0 : file->forced != NULL)
            status = sft_fail(err, SFT_EUSAGE, "'%c' is given twice", kind);
        else
            status = kind == '*' ? parse_repeat(suffix, &file->repeat, err)
                                 : parse_format(suffix, &file->forced, err);
    }
    if (status) {
        dataset_file_free(file);
        return sft_in_file(err, spec, 0);
    }
    if (!(file->repeat > 0))
        file->repeat = 1;
    return SFT_OK;
}

enum sft_status dataset_find_files(char *const *specs, size_t n_specs, struct sft_err *err)
{
    enum sft_status status = SFT_OK;
    for (size_t i = 0; i < n_specs && !status; i++) {
        struct dataset_file file;
        status = dataset_parse_spec(specs[i], &file, err);
        if (!status && strcmp(file.path, "-") != 0 && access(file.path, R_OK) != 0)
            status = sft_fail_errno(err, "%s", file.path);
        dataset_file_free(&file);
    }
    return status;
}
