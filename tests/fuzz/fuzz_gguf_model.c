/* Any bytes as the metadata of a model in GGUF: refused with one line of message, or a config.json that can be read, a
 * tokenizer that encodes, and settings of generation. */
#include "base/json.h"
#include "files/generation.h"
#include "files/gguf/gguf_config.h"
#include "files/gguf/gguf_tokenizer.h"
#include "model/config_read.h"
#include "text/tokenizer/encoder.h"
#include "text/tokenizer/tokenizer_load.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* What failed says why. */
static void require_told(enum sft_status status, const struct sft_err *err)
{
    require(!status || (err->message[0] && err->status == status));
}

static void make_config(const struct gguf *g)
{
    struct sft_err err = {0};
    struct model_config config;
    struct generation_config generation;
    json *root, *raw;
    enum sft_status status = gguf_config_make(&root, g, &err);
    require(!status == !!root);
    if (!status)
        status = model_config_read(&config, root, &err);
    if (!status)
        status = gguf_generation_make(&raw, g, &err);
    if (!status && !(status = generation_config_take(&generation, raw, root, &config, &err)))
        generation_config_free(&generation);
    require_told(status, &err);
    json_free(root);
}

static void make_tokenizer(const struct gguf *g)
{
    static const char text[] = " The  dog\n\n12 isn't \xe6\x97\xa5 \xff<s> e\xcc\x81";
    struct sft_err err = {0};
    struct tokenizer *tok = NULL;
    json *root, *config;
    enum sft_status status = gguf_tokenizer_make(&root, &config, g, &err);
    require(!status == !!root && !status == !!config);
    if (!status)
        status = tokenizer_load_trees(&tok, root, config, &err);
    require_told(status, &err);
    if (tok) {
        struct token_buf ids = {0};
        struct encoder *enc = encoder_new(tok);
        encoder_encode(enc, text, sizeof text - 1, &ids);
        for (size_t i = 0; i < ids.count; i++)
            require(ids.ids[i] >= 0 && (size_t)ids.ids[i] < tokenizer_vocab_size(tok));
        token_buf_free(&ids);
        encoder_free(enc);
    }
    tokenizer_free(tok);
    json_free(root);
    json_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gguf g;
    struct sft_err err;
    if (gguf_parse(&g, data, size, &err) == SFT_OK) {
        make_config(&g);
        make_tokenizer(&g);
    }
    gguf_close(&g);
    return 0;
}
