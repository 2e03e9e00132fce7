/* A tokenizer for tests, made on the spot: byte b is token b; 256 is "\n\n", 257 "hi", 258 <|endoftext|>. */
#ifndef SFT_TESTS_BYTE_TOKENIZER_H
#define SFT_TESTS_BYTE_TOKENIZER_H

#include "base/io.h"
#include "text/tokenizer/tokenizer_load.h"

#include "support/err_text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { BYTE_TOKENIZER_EOS = 258, BYTE_TOKENIZER_SIZE = 259 };

/* GPT-2's spelling of a byte. */
static void add_byte_spelling(struct strbuf *sb, unsigned byte)
{
    unsigned cp = byte;
    if (!((byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174)) {
        cp = 256;
        for (unsigned b = 0; b < byte; b++)
            cp += !((b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174);
    }
    if (cp == '"' || cp == '\\')
        strbuf_putc(sb, '\\');
    if (cp >= 128) {
        strbuf_putc(sb, (char)(0xC0 | cp >> 6));
        strbuf_putc(sb, (char)(0x80 | (cp & 0x3F)));
    } else {
        strbuf_putc(sb, (char)cp);
    }
}

static void write_in(const char *dir, const char *name, const char *text, size_t len)
{
    struct sft_err err;
    char *path = path_join(dir, name);
    ck_assert_msg(io_write_file(path, text, len, &err) == SFT_OK, "%s", err_text(&err));
    free(path);
}

/* With these members in its tokenizer_config.json, "" or ", \"key\": value ...". */
static inline struct tokenizer *byte_tokenizer_with(const char *members)
{
    static const char merges[] = "#version: 0.2\n\xC4\x8A \xC4\x8A\nh i\n";
    char dir[] = "/tmp/sft-test-XXXXXX";
    struct strbuf sb = {0};
    struct sft_err err;
    struct tokenizer *tok;
    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (unsigned byte = 0; byte < 256; byte++) {
        strbuf_puts(&sb, byte ? ", \"" : "{\"");
        add_byte_spelling(&sb, byte);
        strbuf_printf(&sb, "\": %u", byte);
    }
    strbuf_puts(&sb, ", \"\xC4\x8A\xC4\x8A\": 256, \"hi\": 257, \"<|endoftext|>\": 258}");
    write_in(dir, "vocab.json", sb.data, sb.len);
    write_in(dir, "merges.txt", merges, sizeof merges - 1);
    strbuf_clear(&sb);
    strbuf_printf(&sb, "{\"tokenizer_class\": \"GPT2Tokenizer\", \"eos_token\": \"<|endoftext|>\"%s}",
                  members);
    write_in(dir, "tokenizer_config.json", sb.data, sb.len);
    strbuf_free(&sb);
    ck_assert_msg(tokenizer_load(&tok, dir, &err) == SFT_OK, "%s", err_text(&err));
    ck_assert_int_eq(io_remove_tree(dir, &err), SFT_OK);
    return tok;
}

/* chat_template: what its tokenizer_config.json says, as a JSON string with its quotes; NULL: none. */
static inline struct tokenizer *byte_tokenizer(const char *chat_template)
{
    struct strbuf members = {0};
    strbuf_puts(&members, "");
    if (chat_template)
        strbuf_printf(&members, ", \"chat_template\": %s", chat_template);
    struct tokenizer *tok = byte_tokenizer_with(members.data);
    strbuf_free(&members);
    return tok;
}

#endif
