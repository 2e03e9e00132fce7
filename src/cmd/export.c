#include "base/io.h"
#include "base/log.h"
#include "base/staging.h"
#include "base/wrap.h"
#include "cmd/cmd.h"
#include "cmd/model_argument.h"
#include "files/generation.h"
#include "files/hf.h"
#include "files/model_dir.h"
#include "model/param_set.h"
#include "text/tokenizer/tokenizer_load.h"
#include "text/tokenizer/tokenizer_save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static enum sft_status parse_dtype(const char *name, enum st_dtype *dtype, struct sft_err *err)
{
    static const char *const names[] = {"f32", "f16", "bf16"};
    static const enum st_dtype dtypes[] = {ST_F32, ST_F16, ST_BF16};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            *dtype = dtypes[i];
            return SFT_OK;
        }
    return sft_fail(err, SFT_EUSAGE, "--dtype: unknown dtype '%s' (f32, f16 or bf16)", name);
}

/* A model in memory, on its way from one directory to another. */
struct exported {
    struct model_config config;
    struct generation_config generation;
    struct param_set params;
    struct tokenizer *tok;
    json *raw;
};

static enum sft_status read_model(struct exported *m, const struct model_argument *model, struct sft_err *err)
{
    struct strbuf unused = {0};
    const char *dir = model->dir;
    if (model_config_load(&m->config, dir, &m->raw, err) ||
        generation_config_load(&m->generation, dir, m->raw, &m->config, err) || tokenizer_load(&m->tok, dir, err) ||
        hf_check_weights(&m->config, m->config.vocab_size, dir, &unused, err))
        return err->status;
    model_argument_tell(model, &unused);
    strbuf_free(&unused);
    if (param_set_init(&m->params, &m->config, NULL, err))
        return err->status;
    return hf_load_params(m->params.values.data, &m->params.table, &m->config, m->config.vocab_size, dir, err);
}

static void free_model(struct exported *m)
{
    param_set_free(&m->params);
    tokenizer_free(m->tok);
    generation_config_free(&m->generation);
    json_free(m->raw);
}

/* It is there whole, or not at all. */
static enum sft_status write_hf(const char *out, const struct exported *m, enum st_dtype dtype, struct sft_err *err)
{
    const struct hf_meta meta = {.base_config = m->raw,
                                 .base_generation = m->generation.raw,
                                 .eos_token_id = -1,
                                 .pad_token_id = -1,
                                 .bos_token_id = -1,
                                 .dtype = dtype};
    struct staging staging;
    enum sft_status status = staging_open(&staging, out, err);
    if (!status)
        status = hf_save(m->params.values.data, &m->params.table, &m->config, &meta, staging.path, NULL, err);
    if (!status)
        status = tokenizer_save(m->tok, staging.path, m->config.n_positions, err);
    if (!status)
        status = staging_commit(&staging, err);
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
    log_info("wrote  %s: %s parameters in %s, %.1f MB", out, log_count(count, (double)m->params.table.n_parameters),
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

static enum sft_status export_hf(const struct model_argument *model, const char *out, const char *dtype_name,
                                 struct sft_err *err)
{
    struct exported m = {0};
    enum st_dtype dtype = ST_F32;
    enum sft_status status = parse_dtype(dtype_name, &dtype, err);
    if (!status && path_exists(out))
        status = sft_fail(err, SFT_EUSAGE, "--out: %s exists already (choose another name)", out);
    if (!status)
        status = read_model(&m, model, err);
    if (!status)
        status = write_hf(out, &m, dtype, err);
    if (!status)
        report(out, &m, dtype_name);
    free_model(&m);
    return status;
}

int cmd_export(int argc, char **argv)
{
    const char *model = NULL, *out = NULL, *format = "hf", *dtype_name = "f32";
    struct model_argument argument = {0};
    struct string_list words;
    const struct option table[] = {
        {"model", OPTION_STRING, &model, "DIR", MODEL_OPTION_HELP},
        {"out", OPTION_STRING, &out, "PATH", "the directory to write; must not exist yet"},
        {"format", OPTION_STRING, &format, "F", "hf (default): a Hugging Face directory"},
        {"dtype", OPTION_STRING, &dtype_name, "T", "f32 (default), f16 or bf16"},
    };
    const struct usage usage = {
        "sft export DIR --out PATH [options]",
        "Writes a model without its training state, in another precision if asked for.", table,
        sizeof table / sizeof *table};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct sft_err err = {0};
    enum sft_status status = SFT_OK;
    if (!out)
        status = sft_fail(&err, SFT_EUSAGE, "expected --out (usage: %s)", usage.synopsis);
    if (!status && strcmp(format, "hf") != 0)
        status = sft_fail(&err, SFT_EUSAGE, "--format: unknown format '%s' (hf)", format);
    if (!status)
        status = model_argument(&argument, model, &words, usage.synopsis, &err);
    if (!status && words.count)
        status = sft_fail(&err, SFT_EUSAGE, "no place for '%s' (usage: %s)", words.items[0], usage.synopsis);
    if (!status)
        status = export_hf(&argument, out, dtype_name, &err);
    model_argument_free(&argument);
    words_free(&words);
    return status ? report_error(&err) : 0;
}
