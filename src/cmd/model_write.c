#include "cmd/model_write.h"

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/staging.h"
#include "base/wrap.h"
#include "cmd/cmd.h"
#include "cmd/model_card.h"
#include "files/formats.h"
#include "files/model_files.h"
#include "files/weights.h"
#include "files/written.h"
#include "infer/model_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A model on its way from one place to another: its weights are read where they are written. */
struct exported {
    struct model_files files;
    struct tensor_table table;
    struct weights *weights;
    struct model_check check; /* of what was written */
    const volatile int *stop; /* set by a signal */
    struct chat_template template;
    bool has_template; /* and it is one that is known */
    bool has_card;     /* gets one */
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

/* What the model's chat template does, where it has one and that is known; to a tokenizer of its own, so that the
 * model's stays as it is. */
static void open_template(struct exported *m)
{
    const struct template_options own = {.choice = TEMPLATE_AUTO};
    struct sft_err unknown = {0};
    struct tokenizer *tok;
    if (!m->files.tokenizer || !tokenizer_chat_template(m->files.tokenizer) ||
        model_files_reload_tokenizer(&m->files, &tok, &unknown))
        return;
    m->has_template = !template_init(&m->template, &own, tok, &unknown);
    tokenizer_free(tok);
}

static void close_model(struct exported *m)
{
    model_check_free(&m->check);
    if (m->has_template)
        template_free(&m->template);
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

/* Of a file: it has a name, and what goes beside it is nobody else's. */
static enum sft_status check_file_place(const struct write_target *target, struct sft_err *err)
{
    const char *const *beside = target->format->beside, *name = path_basename(target->path);
    char *dir = path_dirname(target->path);
    enum sft_status status = SFT_OK;
    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        status = sft_fail(err, SFT_EUSAGE, "--out: expected a file's name, such as model%s, found '%s'",
                          target->format->ending, target->path);
    for (; !status && *beside; beside++) {
        char *path = path_join(dir, *beside);
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

static enum sft_status check_place(const struct write_target *target, struct sft_err *err)
{
    const char *path = target->path;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    char *meanwhile = mem_printf("%.*s.tmp", (int)length, path);
    enum sft_status status = SFT_OK;
    if (path_has_name(path))
        status = sft_fail(err, SFT_EUSAGE, "--out: %s exists already (choose another name)", path);
    else if (holds_files_of_others(meanwhile))
        status = sft_fail(err, SFT_EUSAGE, "--out: %s is written as %s, which exists already, and not by sft (choose "
                          "another name)", path, meanwhile);
    free(meanwhile);
    return !status && target->format->ending ? check_file_place(target, err) : status;
}

/* The model among what is staged: a directory is all of it, a file is one, which has its own name there already. */
static char *staged_model(const struct write_target *target, const struct staging *staging)
{
    return target->format->ending ? path_join(staging->path, path_basename(target->path)) : mem_strdup(staging->path);
}

/* A file comes last: where it is, what goes beside it is too. */
static enum sft_status commit_file(const struct write_target *target, struct staging *staging, struct sft_err *err)
{
    char **names, *dir = path_dirname(target->path);
    const char *model = path_basename(target->path);
    size_t n, n_beside = 0;
    if (io_list(staging->path, &names, &n, err)) {
        free(dir);
        return err->status;
    }
    const char **order = mem_calloc(n + 1, sizeof *order);
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], model) != 0)
            order[n_beside++] = names[i];
    order[n_beside] = model;
    const enum sft_status status = staging_commit_files(staging, dir, order, n_beside + 1, err);
    free(order);
    io_list_free(names, n);
    free(dir);
    return status;
}

static bool has_place_for_card(const struct write_target *target)
{
    char *dir = path_dirname(target->path);
    const bool has = !target->format->ending || model_card_has_place(dir);
    free(dir);
    return has;
}

/* The model card: in the directory, or beside the file, unless somebody else's is there. "its own": a template of which
 * no more is known. */
static enum sft_status write_card(const struct write_target *target, const struct model_argument *model,
                                  const struct exported *m, const char *dir, struct sft_err *err)
{
    const char *template = m->has_template                               ? m->template.name
                           : tokenizer_chat_template(m->files.tokenizer) ? "its own"
                                                                         : NULL;
    const struct model_card_of of = {.model = model,
                                     .path = target->path,
                                     .format = target->format,
                                     .dtype = target->dtype,
                                     .options = target->card,
                                     .config = &m->files.config,
                                     .n_parameters = m->table.n_parameters,
                                     .template = template};
    return m->has_card ? model_card_write(dir, &of, err) : SFT_OK;
}

/* It is there whole, or not at all, and not before it has been opened and run. */
static enum sft_status write_model(const struct write_target *target, const struct model_argument *model,
                                   struct exported *m, struct sft_err *err)
{
    const struct model_meta meta = {.base_config = m->files.config_json,
                                    .base_generation = m->files.generation.raw,
                                    .eos_token_id = -1,
                                    .pad_token_id = -1,
                                    .bos_token_id = -1,
                                    .dtype = target->dtype,
                                    .max_shard_bytes = target->max_shard_bytes,
                                    .license = target->card ? target->card->license : NULL,
                                    .base_model = target->card ? target->card->base_model : NULL};
    const struct model_out out = {
        .values = {pass_values, m},
        .table = &m->table,
        .config = &m->files.config,
        .meta = &meta,
        .tokenizer = m->files.tokenizer,
        .generation = &m->files.generation,
        .template = m->has_template ? &m->template : NULL};
    struct staging staging;
    enum sft_status status = staging_open(&staging, target->path, err);
    char *marked = status ? NULL : path_join(staging.path, mark), *staged = NULL;
    if (!status)
        status = io_write_file(marked, "", 0, err);
    if (!status) {
        staged = staged_model(target, &staging);
        status = target->format->save(&out, staged, err);
    }
    if (!status)
        status = model_check(&m->check,
                             &(struct model_check_of){.original = m->files.path,
                                                      .written = staged,
                                                      .dtype = target->dtype,
                                                      .memory = mem_available(),
                                                      .stop = m->stop},
                             err);
    if (!status)
        status = write_card(target, model, m, staging.path, err);
    if (!status)
        status = io_remove_tree(marked, err);
    if (!status)
        status = target->format->ending ? commit_file(target, &staging, err) : staging_commit(&staging, err);
    free(marked);
    free(staged);
    staging_close(&staging);
    return status;
}

/* ---- what is told ---- */

static size_t bytes_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

/* "wrote  my-model: 4.3M parameters in bf16, 8.7 MB" */
static void tell_written(const char *out, size_t bytes, const struct exported *m, const char *dtype_name)
{
    char count[16];
    log_info("wrote  %s: %s parameters in %s, %.1f MB", out, log_count(count, (double)m->table.n_parameters),
             dtype_name, (double)bytes / 1e6);
}

/* Append the line that says what came of running it; where it could not be, a warning says so. */
static void put_check(struct strbuf *lines, const struct exported *m, const struct dtype *dtype)
{
    struct strbuf line = {0};
    if (!m->check.was_run) {
        log_warning("what was written was not run: that takes %.0f MB of memory, and %.0f MB are free",
                    (double)m->check.bytes / 1e6, (double)mem_available() / 1e6);
        return;
    }
    model_check_describe(&m->check, dtype, &line);
    strbuf_puts(lines, "check  ");
    strbuf_wrap(lines, line.data, 7, 7);
    strbuf_free(&line);
}

/* Append what one does next. */
static void put_next(struct strbuf *lines, const char *out)
{
    strbuf_puts(lines, "next   ");
    strbuf_add_shell_word(lines, program_invocation_name); /* as it was called: sft may not be in the PATH */
    strbuf_puts(lines, " chat ");
    strbuf_add_shell_word(lines, out);
}

static void report_directory(const struct write_target *target, const struct exported *m)
{
    const char *out = target->path;
    char **names;
    size_t n_names, bytes = 0;
    struct strbuf list = {0}, lines = {0};
    if (io_list(out, &names, &n_names, NULL))
        return;
    for (size_t i = 0; i < n_names; i++) {
        char *path = path_join(out, names[i]);
        bytes += bytes_of(path);
        strbuf_printf(&list, "%s%s", i ? " " : "", names[i]);
        free(path);
    }
    tell_written(out, bytes, m, target->dtype->option);
    strbuf_puts(&lines, "       ");
    strbuf_wrap(&lines, list.data ? list.data : "", 7, 7);
    put_check(&lines, m, target->dtype);
    put_next(&lines, out);
    log_info("%s", lines.data);
    log_info("       or in Python: AutoModelForCausalLM.from_pretrained(\"%s\")", out);
    strbuf_free(&lines);
    io_list_free(names, n_names);
    strbuf_free(&list);
}

/* Its name there is the file's, without the ending. */
static void put_ollama(struct strbuf *lines, const struct write_target *target, const char *modelfile_name)
{
    char *bare = path_bare_name(target->path, target->format->ending), *dir = path_dirname(target->path),
         *modelfile = path_join(dir, modelfile_name);
    strbuf_puts(lines, "\n       or ollama create ");
    strbuf_add_shell_word(lines, bare);
    strbuf_puts(lines, " -f ");
    strbuf_add_shell_word(lines, modelfile);
    free(modelfile);
    free(dir);
    free(bare);
}

static void put_beside(struct strbuf *lines, const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    if (path_exists(path))
        strbuf_printf(lines, "       %s\n", path);
    free(path);
}

static void report_file(const struct write_target *target, const struct exported *m)
{
    const char *const *beside = target->format->beside;
    struct strbuf lines = {0};
    char *dir = path_dirname(target->path);
    tell_written(target->path, bytes_of(target->path), m, target->dtype->option);
    for (size_t i = 0; beside[i]; i++)
        put_beside(&lines, dir, beside[i]);
    if (m->has_card)
        put_beside(&lines, dir, "README.md");
    else if (target->card)
        log_info("       %s/README.md is not sft's, and stays: the model card is not written", dir);
    put_check(&lines, m, target->dtype);
    put_next(&lines, target->path);
    strbuf_puts(&lines, "\n       or llama-cli -m ");
    strbuf_add_shell_word(&lines, target->path);
    put_ollama(&lines, target, beside[0]);
    log_info("%s", lines.data);
    strbuf_free(&lines);
    free(dir);
}

enum sft_status model_write(const struct model_argument *model, const struct write_target *target, struct sft_err *err)
{
    struct exported m = {.stop = stop_on_signals()};
    enum sft_status status = check_place(target, err);
    if (!status)
        status = open_model(&m, model, err);
    if (!status) {
        open_template(&m);
        m.has_card = target->card && has_place_for_card(target);
        status = write_model(target, model, &m, err);
    }
    if (!status && target->format->ending)
        report_file(target, &m);
    else if (!status)
        report_directory(target, &m);
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

/* A file's ending says its format. */
static const struct format *choose_format(const char *name, const char *out)
{
    const struct format *f;
    for (size_t i = 0; !name && (f = format_written_at(i)); i++)
        if (f->ending && str_has_ending(out, f->ending))
            return f;
    return format_to_write(name ? name : "hf");
}

static enum sft_status choose_dtype(struct write_target *target, const char *name, struct sft_err *err)
{
    const struct dtype *const *dtypes = target->format->dtypes;
    struct strbuf list = {0};
    target->dtype = name ? dtype_of_option(dtypes, name) : dtypes[0];
    if (target->dtype)
        return SFT_OK;
    dtype_options(dtypes, &list);
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
