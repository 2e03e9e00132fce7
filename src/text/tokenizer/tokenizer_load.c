#include "text/tokenizer/tokenizer_load.h"

#include "base/path.h"
#include "text/tokenizer/tokenizer_config.h"
#include "text/tokenizer/tokenizer_json.h"
#include "text/tokenizer/tokenizer_parts.h"

#include <stdlib.h>

static enum sft_status refuse_none(const char *dir, struct sft_err *err)
{
    char *sentencepiece = path_join(dir, "tokenizer.model");
    const bool has_model = path_exists(sentencepiece);
    free(sentencepiece);
    return sft_fail(err, SFT_EIO, "%s: no tokenizer: neither tokenizer.json nor vocab.json and merges.txt%s", dir,
                    has_model ? " (tokenizer.model is not read: transformers' "
                                "AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR) makes a tokenizer.json of it)"
                              : "");
}

static enum sft_status read_files(struct tokenizer *tok, const char *dir, struct sft_err *err)
{
    char *whole = path_join(dir, "tokenizer.json");
    char *vocab = path_join(dir, "vocab.json");
    char *merges = path_join(dir, "merges.txt");
    enum sft_status status;
    if (path_exists(whole))
        status = tokenizer_read_json(tok, whole, err);
    else if (!path_exists(vocab) || !path_exists(merges))
        status = refuse_none(dir, err);
    else if (!(status = tokenizer_read_vocab(tok, vocab, err)))
        status = tokenizer_read_merges(tok, merges, err);
    free(whole);
    free(vocab);
    free(merges);
    return status ? status : tokenizer_read_config(tok, dir, err);
}

/* What has been read, or nothing of it. */
static enum sft_status finish(struct tokenizer **out, struct tokenizer *tok, enum sft_status status)
{
    if (status) {
        tokenizer_free(tok);
        tok = NULL;
    } else {
        bpe_model_bar_special(&tok->model, &tok->vocab);
    }
    *out = tok;
    return status;
}

enum sft_status tokenizer_load(struct tokenizer **out, const char *dir, struct sft_err *err)
{
    struct tokenizer *tok = tokenizer_new();
    struct sft_err unheard;
    return finish(out, tok, read_files(tok, dir, err ? err : &unheard));
}

enum sft_status tokenizer_load_trees(struct tokenizer **out, const json *tokenizer_json, const json *config,
                                     struct sft_err *err)
{
    struct tokenizer *tok = tokenizer_new();
    struct sft_err unheard;
    if (!err)
        err = &unheard;
    return finish(out, tok, tokenizer_read_tree(tok, tokenizer_json, err) || tokenizer_take_config(tok, config, err)
                                ? err->status
                                : SFT_OK);
}
