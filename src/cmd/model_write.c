#include "cmd/model_write.h"

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/staging.h"
#include "base/wrap.h"
#include "cmd/cmd.h"
#include "files/formats.h"
#include "files/model_files.h"
#include "files/weights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A model on its way from one place to another: its weights are read where they are written. */
struct exported {
    struct model_files files;
    struct tensor_table table;
    struct weights *weights;
    const volatile int *stop; /* set by a signal */
};

static enum sft_status open_model(struct exported *m, const struct model_argument *model, struct sft_err *err)
{
    struct strbuf unused = {0};
    const struct model_config *config = &m->files.config;
    if (model_files_open(&m->files, model->dir, err))
        return err->status;
    tensor_table_init(&m->table, config);
    const enum sft_status status = weights_begin(&m->weights, &m->table, config, model->dir, &unused, err);
    if (!status)
        model_argument_tell(model, &unused);
    strbuf_free(&unused);
    return status;
}

static void close_model(struct exported *m)
{
    weights_end(m->weights);
    tensor_table_free(&m->table);
    model_files_close(&m->files);
}

/* weights_pass, until a signal comes. */
static enum sft_status pass_values(const void *from, const struct tensor *tensor, values_take *take, void *context,
                                   struct sft_err *err)
{
    const struct exported *m = from;
    return *m->stop ? sft_fail(err, SFT_EINTERRUPTED, "stopped; nothing is written")
                    : weights_pass(m->weights, tensor, take, context, err);
}

/* A file in the directory that is written as PATH.tmp: what a killed sft leaves is known by it, and replaced. Somebody
 * else's directory of that name is left alone. */
static const char mark[] = ".sft-is-writing";

static bool holds_files_of_others(const char *dir)
{
    char **names;
    size_t count;
    if (!path_is_dir(dir) || path_holds(dir, mark) || io_list(dir, &names, &count, NULL))
        return false;
    io_list_free(names, count);
    return count > 0;
}

static enum sft_status check_place(const char *path, struct sft_err *err)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    char *meanwhile = mem_printf("%.*s.tmp", (int)length, path);
    enum sft_status status = SFT_OK;
    if (path_exists(path))
        status = sft_fail(err, SFT_EUSAGE, "--out: %s exists already (choose another name)", path);
    else if (holds_files_of_others(meanwhile))
        status = sft_fail(err, SFT_EUSAGE, "--out: %s is written as %s, which exists already, and not by sft (choose "
                          "another name)", path, meanwhile);
    free(meanwhile);
    return status;
}

/* It is there whole, or not at all. */
static enum sft_status write_model(const struct write_target *target, const struct exported *m, struct sft_err *err)
{
    const struct model_meta meta = {.base_config = m->files.config_json,
                                    .base_generation = m->files.generation.raw,
                                    .eos_token_id = -1,
                                    .pad_token_id = -1,
                                    .bos_token_id = -1,
                                    .dtype = target->dtype,
                                    .max_shard_bytes = target->max_shard_bytes};
    const struct model_out out = {{pass_values, m}, &m->table, &m->files.config, &meta, m->files.tokenizer};
    struct staging staging;
    enum sft_status status = staging_open(&staging, target->path, err);
    char *marked = status ? NULL : path_join(staging.path, mark);
    if (!status)
        status = io_write_file(marked, "", 0, err);
    if (!status)
        status = target->format->save(&out, staging.path, err);
    if (!status)
        status = io_remove_tree(marked, err);
    if (!status)
        status = staging_commit(&staging, err);
    free(marked);
    staging_close(&staging);
    return status;
}

/* "wrote  my-model: 4.3M parameters in bf16, 8.7 MB", its files, and what one does next. */
static void report(const char *out, const struct exported *m, const char *dtype_name)
{
    char **names, count[16];
    size_t n_names, bytes = 0;
    struct strbuf list = {0}, lines = {0};
    if (io_list(out, &names, &n_names, NULL))
        return;
    for (size_t i = 0; i < n_names; i++) {
        struct stat st;
        char *path = path_join(out, names[i]);
        if (stat(path, &st) == 0)
            bytes += (size_t)st.st_size;
        strbuf_printf(&list, "%s%s", i ? " " : "", names[i]);
        free(path);
    }
    log_info("wrote  %s: %s parameters in %s, %.1f MB", out, log_count(count, (double)m->table.n_parameters),
             dtype_name, (double)bytes / 1e6);
    strbuf_puts(&lines, "       ");
    strbuf_wrap(&lines, list.data ? list.data : "", 7, 7);
    strbuf_puts(&lines, "next   ");
    strbuf_add_shell_word(&lines, program_invocation_name); /* as it was called: sft may not be in the PATH */
    strbuf_puts(&lines, " chat ");
    strbuf_add_shell_word(&lines, out);
    log_info("%s", lines.data);
    log_info("       or in Python: AutoModelForCausalLM.from_pretrained(\"%s\")", out);
    strbuf_free(&lines);
    io_list_free(names, n_names);
    strbuf_free(&list);
}

enum sft_status model_write(const struct model_argument *model, const struct write_target *target, struct sft_err *err)
{
    struct exported m = {.stop = stop_on_signals()};
    enum sft_status status = check_place(target->path, err);
    if (!status)
        status = open_model(&m, model, err);
    if (!status)
        status = write_model(target, &m, err);
    if (!status)
        report(target->path, &m, target->dtype->option);
    close_model(&m);
    return status;
}

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

enum sft_status write_target_choose(struct write_target *target, const char *out, const char *format, const char *dtype,
                                    const char *max_shard_size, struct sft_err *err)
{
    *target = (struct write_target){.path = out, .format = format_to_write(format), .dtype = dtype_of_option(dtype)};
    if (!target->format)
        return sft_fail(err, SFT_EUSAGE, "--format: unknown format '%s' (%s)", format, format_names_written);
    if (!target->dtype)
        return sft_fail(err, SFT_EUSAGE, "--dtype: unknown dtype '%s' (%s)", dtype, dtype_options);
    return read_size(max_shard_size, &target->max_shard_bytes, err);
}
