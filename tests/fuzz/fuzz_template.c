/* Any bytes as a base's chat template: no crash; it is refused, or what it is taken for can be rendered,
 * written, and read back as the same. */
#include "base/mem.h"
#include "text/bpe_train/bpe_train.h"
#include "text/template_render.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* The bytes and <|endoftext|>. */
static struct tokenizer *byte_tokenizer(void)
{
    static const char *const special[] = {"<|endoftext|>"};
    const struct bpe_train_options options = {.vocab_size = 257, .special = special, .n_special = 1};
    struct bpe_trainer *trainer;
    struct tokenizer *tok = NULL;
    require(bpe_trainer_new(&trainer, &options, NULL) == SFT_OK &&
            bpe_trainer_train(trainer, &tok, NULL) == SFT_OK);
    bpe_trainer_free(trainer);
    return tok;
}

static void render(const struct chat_template *tpl, const struct tokenizer *tok, struct rendered *out)
{
    struct message messages[] = {
        {.role = ROLE_USER, .content = "hi\n", .len = 3, .weight = 1.0F},
        {.role = ROLE_ASSISTANT, .content = " <|im_end|>", .len = 11, .weight = 1.0F}};
    const struct conversation conv = {.messages = messages, .count = 2};
    struct encoder *enc = encoder_new(tok);
    if (template_check(tpl, &conv, NULL) == SFT_OK)
        template_render(tpl, enc, &conv, TRAIN_ON_ASSISTANT, out);
    encoder_free(enc);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct template_options options = {.choice = TEMPLATE_AUTO};
    struct sft_err err;
    struct chat_template tpl, again;
    struct rendered first = {0}, second = {0};
    char *jinja = mem_strndup((const char *)bytes, size);
    struct tokenizer *tok = byte_tokenizer();
    tokenizer_set_chat_template(tok, jinja);
    if (template_init(&tpl, &options, tok, &err)) {
        require(err.status == SFT_EUSAGE && !strchr(err.message, '\n'));
    } else {
        render(&tpl, tok, &first);
        require(template_init(&again, &options, tok, &err) == SFT_OK && strcmp(again.jinja, tpl.jinja) == 0);
        render(&again, tok, &second);
        require(first.tokens.count == second.tokens.count);
        for (size_t i = 0; i < first.tokens.count; i++)
            require(first.tokens.ids[i] == second.tokens.ids[i]);
        template_free(&again);
        template_free(&tpl);
    }
    rendered_free(&first);
    rendered_free(&second);
    tokenizer_free(tok);
    free(jinja);
    return 0;
}
