#include "cmd/cmd.h"
#include "cmd/model_write.h"

int cmd_export(int argc, char **argv)
{
    const char *model = NULL, *out = NULL, *format = NULL, *dtype_name = NULL, *max_shard_size = NULL;
    struct model_argument argument = {0};
    struct model_card_options of_card = {0};
    struct card_options card;
    json *evaluation = NULL;
    struct string_list words, adapters = {0};
    const struct option table[] = {
        {"model", OPTION_STRING, &model, "DIR", MODEL_OPTION_HELP},
        ADAPTER_OPTION(adapters),
        {"out", OPTION_STRING, &out, "PATH", "what to write: a directory, or a file NAME.gguf; must not exist yet"},
        {"format", OPTION_STRING, &format, "F", "hf: a Hugging Face directory; gguf: a file for llama.cpp and "
                                               "ollama (default: as PATH ends, hf where that is not in .gguf)"},
        {"dtype", OPTION_STRING, &dtype_name, "T",
         "hf: f32 (default), f16 or bf16; gguf: f16 (default), f32, bf16, q8_0 or q4_0"},
        {"max-shard-size", OPTION_STRING, &max_shard_size, "SIZE", SHARD_SIZE_OPTION_HELP},
        MODEL_CARD_OPTIONS(of_card),
    };
    const struct usage usage = {
        "sft export DIR --out PATH [options]",
        "Writes a model without its training state for other programs: a Hugging Face directory, or a file in GGUF and "
        "a Modelfile beside it; with a model card, README.md. What was written is run before it is called done.",
        table, sizeof table / sizeof *table, NULL};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct sft_err err = {0};
    enum sft_status status = SFT_OK;
    if (!out)
        status = sft_fail(&err, SFT_EUSAGE, "expected --out (usage: %s)", usage.synopsis);
    struct write_target target;
    if (!status)
        status = write_target_choose(&target, out, format, dtype_name, max_shard_size, &err);
    if (!status)
        status = model_argument(&argument, model, &adapters, &words, usage.synopsis, &err);
    if (!status && words.count)
        status = sft_fail(&err, SFT_EUSAGE, "no place for '%s' (usage: %s)", words.items[0], usage.synopsis);
    if (!status)
        status = model_card_choose(&card, &of_card, &evaluation, &err);
    if (!status)
        status = model_write(&argument, &target, &card, &err);
    json_free(evaluation);
    model_argument_free(&argument);
    words_free(&of_card.datasets);
    words_free(&of_card.languages);
    words_free(&words);
    words_free(&adapters);
    return status ? report_error(&err) : 0;
}
