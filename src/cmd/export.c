#include "base/io.h"
#include "cmd/cmd.h"
#include "model/hf.h"
#include "text/tokenizer.h"

#include <string.h>

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

/* Make the directory and fill it; it is removed again where that fails. */
static enum sft_status write_hf(const char *out, const float *params, const struct tensor_table *table,
                                const struct model_config *config, const struct hf_meta *meta,
                                const struct tokenizer *tok, struct sft_err *err)
{
    if (io_mkdirs(out, err))
        return err->status;
    enum sft_status status = hf_save(params, table, config, meta, out, NULL, err);
    if (!status)
        status = tokenizer_save(tok, out, config->n_positions, err);
    if (status)
        io_remove_tree(out, NULL);
    return status;
}

static enum sft_status export_hf(const char *model, const char *out, enum st_dtype dtype, struct sft_err *err)
{
    struct model_config config;
    struct tensor_table table = {0};
    struct block params = {0};
    struct tokenizer *tok = NULL;
    json *raw = NULL;
    enum sft_status status = path_expect_dir(model, err);
    if (!status)
        status = model_config_load(&config, model, &raw, err);
    if (!status)
        status = tokenizer_load(&tok, model, err);
    if (!status) {
        tensor_table_init(&table, &config);
        status = block_alloc(&params, table.n_elements * sizeof(float), "the parameters", err);
    }
    if (!status)
        status = hf_load_params(params.data, &table, &config, config.vocab_size, model, err);
    if (!status && path_exists(out))
        status = sft_fail(err, SFT_EUSAGE, "--out: %s exists already (choose another name)", out);
    if (!status) {
        const struct hf_meta meta = {.base_config = raw,
                                     .eos_token_id = config.eos_token_id,
                                     .pad_token_id = config.pad_token_id,
                                     .bos_token_id = config.bos_token_id,
                                     .dtype = dtype};
        status = write_hf(out, params.data, &table, &config, &meta, tok, err);
    }
    block_free(&params);
    tensor_table_free(&table);
    tokenizer_free(tok);
    json_free(raw);
    return status;
}

int cmd_export(int argc, char **argv)
{
    const char *model = NULL, *out = NULL, *format = "hf", *dtype_name = "f32";
    struct string_list words;
    const struct option table[] = {
        {"model", OPTION_STRING, &model, "DIR", "the model: a checkpoint or another Hugging Face directory"},
        {"out", OPTION_STRING, &out, "PATH", "the directory to write; must not exist yet"},
        {"format", OPTION_STRING, &format, "F", "hf (default): a Hugging Face directory"},
        {"dtype", OPTION_STRING, &dtype_name, "T", "f32 (default), f16 or bf16"},
    };
    const struct usage usage = {
        "sft export --model DIR --out PATH [options]",
        "Writes a model without its training state, in another precision if asked for.", table,
        sizeof table / sizeof *table};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct sft_err err = {0};
    enum st_dtype dtype = ST_F32;
    enum sft_status status = SFT_OK;
    if (!model || !out || words.count)
        status = sft_fail(&err, SFT_EUSAGE, "expected --model and --out (usage: %s)", usage.synopsis);
    if (!status && strcmp(format, "hf") != 0)
        status = sft_fail(&err, SFT_EUSAGE, "--format: unknown format '%s' (hf)", format);
    if (!status)
        status = parse_dtype(dtype_name, &dtype, &err);
    if (!status)
        status = export_hf(model, out, dtype, &err);
    words_free(&words);
    return status ? report_error(&err) : 0;
}
