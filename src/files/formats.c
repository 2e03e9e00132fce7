#include "files/formats.h"

#include "base/path.h"
#include "files/gguf/gguf_format.h"
#include "files/hf_format.h"
#include "files/model_dir.h"

#include <string.h>

static const struct format *const formats[] = {&format_gguf, &format_hf, &format_config};
const char format_names_written[] = "hf or gguf";

enum { N_FORMATS = sizeof formats / sizeof *formats };

enum sft_status format_find(const struct format **format, const char *path, struct sft_err *err)
{
    for (size_t i = 0; i < N_FORMATS; i++)
        if (formats[i]->matches(path)) {
            *format = formats[i];
            return SFT_OK;
        }
    *format = NULL;
    return path_exists(path) ? model_dir_fail(path, err) : sft_fail_errno(err, "%s", path);
}

const struct format *format_written_at(size_t i)
{
    for (size_t k = 0; k < N_FORMATS; k++)
        if (formats[k]->save && i-- == 0)
            return formats[k];
    return NULL;
}

const struct format *format_to_write(const char *name)
{
    const struct format *format;
    for (size_t i = 0; (format = format_written_at(i)); i++)
        if (strcmp(format->name, name) == 0)
            return format;
    return NULL;
}
