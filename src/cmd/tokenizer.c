#include "base/io.h"
#include "base/json.h"
#include "base/path.h"
#include "cmd/cmd.h"
#include "cmd/model_argument.h"
#include "files/hub_cache.h"
#include "files/model_files.h"
#include "files/peft/peft_base.h"
#include "text/tokenizer/encoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tokenizer_cmd {
    bool special, json_lines;
    const struct tokenizer *tok;
};

/* ---- encode ---- */

static enum sft_status encode(const struct tokenizer_cmd *cmd, struct encoder *enc, const char *text,
                              size_t len, struct sft_err *err)
{
    struct token_buf ids = {0};
    struct strbuf out = {0};
    if (cmd->special)
        encoder_encode_special(enc, text, len, &ids);
    else
        encoder_encode(enc, text, len, &ids);
    const enum sft_status status = encoder_check(enc, err);
    strbuf_puts(&out, cmd->json_lines ? "[" : "");
    for (size_t i = 0; i < ids.count; i++)
        strbuf_printf(&out, "%s%d", i == 0 ? "" : cmd->json_lines ? "," : " ", ids.ids[i]);
    strbuf_puts(&out, cmd->json_lines ? "]\n" : "\n");
    if (!status)
        fwrite(out.data, 1, out.len, stdout);
    strbuf_free(&out);
    token_buf_free(&ids);
    return status;
}

/* A JSON string a line in, a JSON array a line out. */
static enum sft_status encode_json_lines(const struct tokenizer_cmd *cmd, struct encoder *enc,
                                         struct sft_err *err)
{
    char *line = NULL;
    size_t capacity = 0, number = 0;
    ssize_t len;
    enum sft_status status = SFT_OK;
    while (!status && (len = getline(&line, &capacity, stdin)) > 0) {
        json *node = NULL;
        number++;
        status = json_parse(line, (size_t)len, &node, err);
        if (!status && !json_is_string(node))
            status = sft_fail(err, SFT_EDATA, "expected a string, found %s", json_type_name(node));
        if (!status)
            status = encode(cmd, enc, json_string(node), strlen(json_string(node)), err);
        if (status)
            sft_in_file(err, "standard input", number);
        json_free(node);
    }
    free(line);
    return status;
}

static enum sft_status run_encode(const struct tokenizer_cmd *cmd, struct sft_err *err)
{
    struct encoder *enc = encoder_new(cmd->tok);
    struct strbuf text = {0};
    enum sft_status status;
    if (cmd->json_lines) {
        status = encode_json_lines(cmd, enc, err);
    } else {
        status = io_read("/dev/stdin", &text, err);
        if (!status && (status = encode(cmd, enc, text.data ? text.data : "", text.len, err)))
            sft_in_file(err, "standard input", 0);
    }
    strbuf_free(&text);
    encoder_free(enc);
    return status;
}

/* ---- decode ---- */

/* Ids in any of the spellings that encode writes: separated by blanks or commas, brackets ignored. */
static enum sft_status parse_ids(const char *text, size_t vocab, struct token_buf *ids, struct sft_err *err)
{
    static const char separators[] = " \t\r\n,[]";
    while (*(text += strspn(text, separators))) {
        char *end;
        const unsigned long long id = strtoull(text, &end, 10);
        if (end == text || *text == '-' || (*end && !strchr(separators, *end)) || id >= vocab)
            return sft_fail(err, SFT_EDATA, "standard input: expected ids below %zu, found '%.*s'", vocab,
                            (int)strcspn(text, separators), text);
        token_buf_push(ids, (int32_t)id);
        text = end;
    }
    return SFT_OK;
}

static enum sft_status run_decode(const struct tokenizer_cmd *cmd, struct sft_err *err)
{
    struct strbuf text = {0}, out = {0};
    struct token_buf ids = {0};
    enum sft_status status = io_read("/dev/stdin", &text, err);
    if (!status)
        status = parse_ids(text.data, tokenizer_vocab_size(cmd->tok), &ids, err);
    if (!status) {
        tokenizer_decode(cmd->tok, ids.ids, ids.count, !cmd->special, &out);
        fwrite(out.data ? out.data : "", 1, out.len, stdout);
    }
    token_buf_free(&ids);
    strbuf_free(&text);
    strbuf_free(&out);
    return status;
}

/* ---- whose tokenizer ---- */

/* An adapter's own, where it has one, else that of its model: `model` (NULL: the one that it names). */
static enum sft_status open_of_adapter(struct model_files *files, const char *adapter, const char *model,
                                       struct sft_err *err)
{
    const char *link;
    char *dir = NULL, *base = NULL;
    struct peft_config config;
    peft_config_init(&config);
    enum sft_status status = peft_dir_find(adapter, &dir, &link, err);
    const bool is_own = !status && model_files_has_tokenizer(dir);
    if (!status && !is_own && model)
        status = hub_cache_resolve(model, &base, err);
    else if (!status && !is_own && !(status = peft_config_read(&config, dir, err)))
        status = peft_find_base(&config, dir, "--model DIR", &base, err);
    if (!status)
        status = model_files_open_tokenizer(files, is_own ? dir : base, err);
    peft_config_free(&config);
    free(base);
    free(dir);
    return status;
}

static enum sft_status open_tokenizer(struct model_files *files, const char *model, const struct string_list *adapters,
                                      struct sft_err *err)
{
    char *dir = NULL;
    if (adapters->count > 1)
        return sft_fail(err, SFT_EUSAGE, "--adapter: a model takes one adapter here, found %s and %s",
                        adapters->items[0], adapters->items[1]);
    if (adapters->count)
        return open_of_adapter(files, adapters->items[0], model, err);
    if (hub_cache_resolve(model, &dir, err))
        return err->status;
    const enum sft_status status = peft_is_adapter(dir) && !path_holds(dir, "config.json")
                                       ? open_of_adapter(files, dir, NULL, err)
                                       : model_files_open_tokenizer(files, dir, err);
    free(dir);
    return status;
}

int cmd_tokenizer(int argc, char **argv)
{
    struct tokenizer_cmd cmd = {0};
    struct model_files files = {0};
    const char *model = NULL;
    struct string_list words, adapters = {0};
    if (argc > 1 && strcmp(argv[1], "train") == 0)
        return cmd_tokenizer_train(argc - 1, argv + 1);
    const struct option table[] = {
        {"model", OPTION_STRING, &model, "DIR",
         "a directory with tokenizer.json, or vocab.json and merges.txt; a GGUF file"},
        ADAPTER_OPTION(adapters),
        {"special", OPTION_FLAG, &cmd.special, NULL,
         "encode: read special tokens in the text as such; decode: print them"},
        {"json-lines", OPTION_FLAG, &cmd.json_lines, NULL,
         "encode: one JSON string per line in, one JSON array per line out"},
    };
    const struct usage usage = {
        "sft tokenizer encode|decode --model DIR [options]",
        "encode: text on stdin becomes ids on stdout. decode: ids on stdin become text on stdout. "
        "sft tokenizer train learns a new tokenizer (sft help tokenizer train).",
        table, sizeof table / sizeof *table, NULL};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct sft_err err = {0};
    const bool is_encode = words.count == 1 && strcmp(words.items[0], "encode") == 0;
    const bool is_decode = words.count == 1 && strcmp(words.items[0], "decode") == 0;
    enum sft_status status = SFT_OK;
    if ((!model && !adapters.count) || (!is_encode && !is_decode))
        status = sft_fail(&err, SFT_EUSAGE, "expected train, or encode or decode and --model (usage: %s)",
                          usage.synopsis);
    if (!status)
        status = open_tokenizer(&files, model, &adapters, &err);
    cmd.tok = files.tokenizer;
    if (!status)
        status = is_encode ? run_encode(&cmd, &err) : run_decode(&cmd, &err);
    code = status ? report_error(&err) : finish_output();
    model_files_close(&files);
    words_free(&words);
    words_free(&adapters);
    return code;
}
