#include "base/path.h"
#include "cmd/cmd.h"
#include "cmd/model_write.h"
#include "files/formats.h"

/* A file, of a format that is not the one written. */
static enum sft_status check_source(const struct model_argument *model, const struct write_target *target,
                                    struct sft_err *err)
{
    const struct format *format;
    if (format_find(&format, model->model.dir, err))
        return err->status;
    if (format == target->format)
        return sft_fail(err, SFT_EUSAGE, "%s: is a Hugging Face directory already (sft export writes it in another "
                                         "precision)", model->model.dir);
    return SFT_OK;
}

int cmd_import(int argc, char **argv)
{
    const char *out = NULL, *dtype_name = NULL, *max_shard_size = NULL;
    struct model_argument argument = {0};
    struct write_target target;
    struct string_list words;
    const struct option table[] = {
        {"out", OPTION_STRING, &out, "DIR", "the directory to write; must not exist yet"},
        {"dtype", OPTION_STRING, &dtype_name, "T", "f32 (default), f16 or bf16"},
        {"max-shard-size", OPTION_STRING, &max_shard_size, "SIZE", SHARD_SIZE_OPTION_HELP},
    };
    const struct usage usage = {
        "sft import FILE.gguf --out DIR [options]",
        "Makes a Hugging Face directory of a model in GGUF: config, weights, tokenizer, chat template and generation "
        "settings. Of a file that is split, name the first.",
        table, sizeof table / sizeof *table, NULL};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct sft_err err = {0};
    enum sft_status status = SFT_OK;
    if (!out)
        status = sft_fail(&err, SFT_EUSAGE, "expected --out (usage: %s)", usage.synopsis);
    if (!status)
        status = write_target_choose(&target, out, "hf", dtype_name, max_shard_size, &err);
    if (!status)
        status = model_argument(&argument, NULL, NULL, &words, usage.synopsis, &err);
    if (!status && words.count)
        status = sft_fail(&err, SFT_EUSAGE, "no place for '%s' (usage: %s)", words.items[0], usage.synopsis);
    if (!status)
        status = check_source(&argument, &target, &err);
    if (!status)
        status = model_write(&argument, &target, NULL, &err);
    model_argument_free(&argument);
    words_free(&words);
    return status ? report_error(&err) : 0;
}
