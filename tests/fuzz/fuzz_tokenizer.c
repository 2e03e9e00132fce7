/* Any bytes as a tokenizer.json: no crash; every error is one line and names the file; what loads encodes
 * and decodes, its tokens follow one another, and what is saved loads again as the same. */
#include "base/io.h"
#include "base/mem.h"
#include "text/tokenizer/encoder.h"
#include "text/tokenizer/tokenizer_load.h"
#include "text/tokenizer/tokenizer_save.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* Two directories for this process: what is read, and what is written. */
static const char *scratch(bool out)
{
    static char *dirs[2];
    if (!dirs[out]) {
        const char *tmp = getenv("TMPDIR");
        dirs[out] = mem_printf("%s/sft-fuzz-%d-%d", tmp ? tmp : "/tmp", (int)getpid(), out);
        require(io_mkdirs(dirs[out], NULL) == SFT_OK);
    }
    return dirs[out];
}

static void remove_scratch(void)
{
    io_remove_tree(scratch(false), NULL);
    io_remove_tree(scratch(true), NULL);
}

static void encode(const struct tokenizer *tok, const char *text, size_t len, struct token_buf *ids)
{
    size_t *starts = NULL, capacity = 0;
    struct token_buf with_starts = {0};
    struct strbuf decoded = {0};
    struct encoder *enc = encoder_new(tok);
    encoder_encode(enc, text, len, ids);
    encoder_encode_offsets(enc, text, len, &with_starts, &starts, &capacity);
    require(with_starts.count == ids->count);
    for (size_t i = 0; i < ids->count; i++) {
        require(with_starts.ids[i] == ids->ids[i] && starts[i] <= len &&
                (i == 0 || starts[i] >= starts[i - 1]));
        require(!tokenizer_is_special(tok, ids->ids[i]) || /* unless BPE itself makes it */
                (size_t)ids->ids[i] < tokenizer_model_vocab_size(tok));
    }
    encoder_encode_special(enc, text, len, &with_starts);
    encoder_check(enc, NULL);
    tokenizer_decode(tok, with_starts.ids, with_starts.count, false, &decoded);
    strbuf_free(&decoded);
    token_buf_free(&with_starts);
    free(starts);
    encoder_free(enc);
}

static void check(struct tokenizer *tok, const char *text, size_t len)
{
    struct sft_err err;
    struct tokenizer *again;
    struct token_buf ids = {0}, same = {0};
    encode(tok, text, len, &ids);
    if (tokenizer_save(tok, scratch(true), 8, &err) == SFT_OK &&
        tokenizer_load(&again, scratch(true), &err) == SFT_OK) {
        encode(again, text, len, &same);
        require(same.count == ids.count && memcmp(same.ids, ids.ids, ids.count * sizeof *ids.ids) == 0);
        tokenizer_free(again);
    }
    token_buf_free(&ids);
    token_buf_free(&same);
}

/* The input is tokenizer.json; behind a NUL stands tokenizer_config.json, behind another the text. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char text[] = "Hello <x> world's  \n\tab12 \xc3\xa9\xff <|endoftext|>";
    struct sft_err err = {0};
    struct tokenizer *tok;
    const char *begin = (const char *)bytes;
    const char *config = size ? memchr(begin, '\0', size) : NULL;
    const char *own = config ? memchr(config + 1, '\0', size - (size_t)(config + 1 - begin)) : NULL;
    char *json_path = path_join(scratch(false), "tokenizer.json"),
         *config_path = path_join(scratch(false), "tokenizer_config.json");
    static bool registered;
    if (!registered)
        atexit(remove_scratch);
    registered = true;
    unlink(config_path);
    require(io_write_file(json_path, begin, config ? (size_t)(config - begin) : size, &err) == SFT_OK);
    if (config) {
        const char *end = own ? own : begin + size;
        require(io_write_file(config_path, config + 1, (size_t)(end - config - 1), &err) == SFT_OK);
    }
    if (tokenizer_load(&tok, scratch(false), &err)) {
        const char *told = SFT_ERR_TEXT(&err);
        require(strstr(told, scratch(false)) && !strchr(told, '\n'));
    } else {
        check(tok, own ? own + 1 : text, own ? size - (size_t)(own + 1 - begin) : sizeof text - 1);
        tokenizer_free(tok);
    }
    free(json_path);
    free(config_path);
    return 0;
}
