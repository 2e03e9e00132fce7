#include "cmd/write_target.h"

#include "base/io.h"
#include "base/mem.h"
#include "cmd/model_card.h"
#include "files/formats.h"
#include "files/written.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the words ---- */

/* "5GB", as save_pretrained takes it: decimal units. NULL: 0. */
static enum sft_status read_size(const char *text, size_t *bytes, struct sft_err *err)
{
    static const char *const units[] = {"", "KB", "MB", "GB", "TB"};
    char *end = NULL;
    *bytes = 0;
    if (!text)
        return SFT_OK;
    errno = 0;
    size_t value = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    for (size_t i = 0; value && !errno && i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i]) == 0) {
            *bytes = value;
            return SFT_OK;
        }
        if (!mem_mul(value, 1000, &value))
            break;
    }
    return sft_fail(err, SFT_EUSAGE, "--max-shard-size: expected a size such as 5GB or 500MB, found '%s'", text);
}

/* A file's ending says its format. */
static const struct format *choose_format(const char *name, const char *out)
{
    const struct format *f;
    for (size_t i = 0; !name && (f = format_written_at(i)); i++)
        if (f->ending && path_has_ending(out, f->ending))
            return f;
    return format_to_write(name ? name : "hf");
}

/* Of the other formats, the one that takes this dtype; NULL: none does. */
static const struct format *format_of_dtype(const char *dtype)
{
    const struct format *f;
    for (size_t i = 0; (f = format_written_at(i)) && !dtype_of_option(f->dtypes, dtype); i++)
        ;
    return f;
}

static enum sft_status choose_dtype(struct write_target *target, const char *name, struct sft_err *err)
{
    const struct dtype *const *dtypes = target->format->dtypes;
    struct strbuf list = {0};
    target->dtype = name ? dtype_of_option(dtypes, name) : dtypes[0];
    if (target->dtype)
        return SFT_OK;
    dtype_options(dtypes, &list);
    const struct format *other = format_of_dtype(name);
    if (other)
        sft_fail(err, SFT_EUSAGE, "--dtype: %s is for %s: sft export --out NAME%s (%s takes %s)", name, other->name,
                 other->ending ? other->ending : "", target->format->name, list.data);
    else
        sft_fail(err, SFT_EUSAGE, "--dtype: unknown dtype '%s' (%s takes %s)", name, target->format->name, list.data);
    strbuf_free(&list);
    return SFT_EUSAGE;
}

enum sft_status write_target_choose(struct write_target *target, const char *out, const char *format, const char *dtype,
                                    const char *max_shard_size, struct sft_err *err)
{
    *target = (struct write_target){.path = out, .format = choose_format(format, out)};
    if (!target->format)
        return sft_fail(err, SFT_EUSAGE, "--format: unknown format '%s' (%s)", format, format_names_written);
    if (choose_dtype(target, dtype, err))
        return SFT_EUSAGE;
    if (max_shard_size && target->format->ending)
        return sft_fail(err, SFT_EUSAGE, "--max-shard-size: a model in %s is one file", target->format->name);
    return read_size(max_shard_size, &target->max_shard_bytes, err);
}

/* ---- the place ---- */

/* Its last part, without slashes behind it: malloc'd. */
static char *name_of(const struct write_target *target)
{
    size_t len = strlen(target->path);
    while (len > 1 && target->path[len - 1] == '/')
        len--;
    char *path = mem_strndup(target->path, len), *name = mem_strdup(path_basename(path));
    free(path);
    return name;
}

/* What goes beside the file says its name: to a program, on a line of its own. */
static bool is_text(const char *name)
{
    uint32_t cp;
    for (size_t len = strlen(name), n; len; name += n, len -= n)
        if (!(n = utf8_decode(name, len, &cp, NULL)) || cp < 0x20 || (cp >= 0x7F && cp < 0xA0))
            return false;
    return true;
}

static bool goes_beside(const struct write_target *target, const char *name)
{
    for (const struct format_beside *beside = target->format->beside; beside->name; beside++)
        if (strcmp(name, beside->name) == 0)
            return true;
    return strcmp(name, model_card_name) == 0 || strcmp(name, STAGING_MARK) == 0;
}

static enum sft_status check_name(const struct write_target *target, const char *name, struct sft_err *err)
{
    const char *ending = target->format->ending;
    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (ending && !*path_basename(target->path)))
        return sft_fail(err, SFT_EUSAGE, "--out: expected a %s name, such as model%s, found '%s'",
                        ending ? "file's" : "directory's", ending ? ending : "", target->path);
    if (ending && goes_beside(target, name))
        return sft_fail(err, SFT_EUSAGE, "--out: %s is the name of a file that goes beside the model's (choose "
                                         "another name, such as model%s)", target->path, ending);
    if (ending && !is_text(name))
        return sft_fail(err, SFT_EUSAGE, "--out: %s: a file's name is told to other programs, and holds control "
                                         "characters, or what is not UTF-8 (choose another name)", target->path);
    return SFT_OK;
}

/* What goes beside a file is nobody else's. */
static enum sft_status check_beside(const struct write_target *target, struct sft_err *err)
{
    char *dir = path_dirname(target->path);
    enum sft_status status = SFT_OK;
    for (const struct format_beside *beside = target->format->beside; !status && beside->name; beside++) {
        char *path = path_join(dir, beside->name);
        if (path_has_name(path) && !written_by_sft(path))
            status = sft_fail(err, SFT_EUSAGE,
                              "--out: %s goes beside %s, and there is one already that sft has not written (move it, "
                              "or choose another directory)",
                              path, target->path);
        free(path);
    }
    free(dir);
    return status;
}

enum sft_status write_target_check(const struct write_target *target, struct sft_err *err)
{
    if (path_has_name(target->path))
        return sft_fail(err, SFT_EUSAGE, "--out: %s exists already (choose another name)", target->path);
    char *name = name_of(target);
    enum sft_status status = check_name(target, name, err);
    if (!status && target->format->ending)
        status = check_beside(target, err);
    free(name);
    return status;
}

/* ---- what is staged ---- */

enum sft_status write_target_stage(const struct write_target *target, struct staging *staging, char **model,
                                   struct sft_err *err)
{
    enum sft_status status = staging_open_new(staging, target->path, err);
    *model = path_join(staging->path, path_basename(staging->dir));
    if (!status && !target->format->ending)
        status = io_mkdirs(*model, err);
    return status == SFT_EUSAGE ? sft_context(err, "--out") : status;
}

/* The model comes last: where it is, what goes beside it is too. */
enum sft_status write_target_commit(const struct write_target *target, struct staging *staging, struct sft_err *err)
{
    char **names;
    const char *model = path_basename(staging->dir);
    size_t n, n_staged = 0;
    if (io_list(staging->path, &names, &n, err))
        return err->status;
    struct staged *staged = mem_calloc(n + 1, sizeof *staged);
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], model) != 0 && strcmp(names[i], STAGING_MARK) != 0)
            staged[n_staged++] = (struct staged){names[i], written_by_sft};
    if (n_staged && !target->format->ending)
        SFT_BUG("something beside a directory");
    staged[n_staged++] = (struct staged){model, NULL};
    enum sft_status status = staging_commit_new(staging, staged, n_staged, err);
    if (status == SFT_EUSAGE) {
        sft_remark(err, " (choose another name)");
        sft_context(err, "--out");
    }
    free(staged);
    io_list_free(names, n);
    return status;
}
