#include "data/file_spec.h"

#include "base/path.h"

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

/* The last '*' or ':' of the path's last component, or NULL. */
static char *find_suffix(char *path)
{
    char *star = strrchr(path, '*'), *colon = strrchr(path, ':'), *slash = strrchr(path, '/');
    char *last = !star || (colon && colon > star) ? colon : star;
    return last && (!slash || last > slash) && last > path ? last : NULL;
}

static enum sft_status parse(struct file_spec *spec, struct sft_err *err)
{
    const char *format = NULL;
    char *suffix;
    while (!path_exists(spec->path) && (suffix = find_suffix(spec->path))) {
        const char kind = *suffix;
        *suffix++ = '\0';
        if (kind == '*' ? spec->repeat > 0 : format != NULL)
            return sft_fail(err, SFT_EUSAGE, "'%c' is given twice", kind);
        if (kind == '*' ? parse_repeat(suffix, &spec->repeat, err) : file_format_check(suffix, err))
            return SFT_EUSAGE;
        if (kind == ':')
            format = suffix; /* behind the path's end */
    }
    spec->format = file_format_of(spec->path, format);
    if (!(spec->repeat > 0))
        spec->repeat = 1;
    return SFT_OK;
}

enum sft_status file_spec_parse(struct file_spec *spec, const char *text, struct sft_err *err)
{
    *spec = (struct file_spec){.text = mem_strdup(text), .path = mem_strdup(text)};
    if (!parse(spec, err))
        return SFT_OK;
    file_spec_free(spec);
    return sft_in_file(err, text, 0);
}

void file_spec_free(struct file_spec *spec)
{
    free(spec->text);
    free(spec->path);
    *spec = (struct file_spec){0};
}

enum sft_status file_spec_find(char *const *specs, size_t n_specs, struct sft_err *err)
{
    enum sft_status status = SFT_OK;
    for (size_t i = 0; i < n_specs && !status; i++) {
        struct file_spec spec;
        status = file_spec_parse(&spec, specs[i], err);
        if (!status && strcmp(spec.path, "-") != 0 && access(spec.path, R_OK) != 0)
            status = sft_fail_errno(err, "%s", spec.path);
        file_spec_free(&spec);
    }
    return status;
}
