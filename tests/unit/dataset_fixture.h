/* What the tests of datasets share: files written on the spot, loaded with the byte tokenizer, and what
 * became of them. */
#ifndef SFT_TESTS_DATASET_FIXTURE_H
#define SFT_TESTS_DATASET_FIXTURE_H

#include "data/dataset.h"

#include "byte_tokenizer.h"

#include <string.h>

static struct tokenizer *tok;
static struct chat_template tpl;
static struct dataset ds;
static struct dataset_options options;
static struct sft_err err;
__attribute__((unused)) static char dir[32];

__attribute__((unused)) static void setup(void)
{
    const struct template_options im_sep = {.choice = TEMPLATE_IM_SEP};
    tok = byte_tokenizer(NULL);
    ck_assert_int_eq(template_init(&tpl, &im_sep, tok, &err), SFT_OK);
    options = (struct dataset_options){.render.max_length = 1000};
    strcpy(dir, "/tmp/sft-data-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    setenv("SFT_CACHE_DIR", dir, 1);
}

__attribute__((unused)) static void teardown(void)
{
    dataset_free(&ds);
    template_free(&tpl);
    tokenizer_free(tok);
    io_remove_tree(dir, NULL);
}

/* Load dir/name, its spec with `suffix`, after writing `text` into it where there is some. */
__attribute__((unused)) static enum sft_status load(const char *name, const char *suffix, const char *text)
{
    if (text)
        write_in(dir, name, text, strlen(text));
    char *path = path_join(dir, name), *spec = mem_printf("%s%s", path, suffix);
    dataset_free(&ds);
    const enum sft_status status = dataset_load(&ds, &spec, 1, &tpl, tok, &options, &err);
    free(path);
    free(spec);
    return status;
}

__attribute__((unused)) static void loads(const char *name, const char *suffix, const char *text)
{
    ck_assert_msg(load(name, suffix, text) == SFT_OK, "%s", err_text(&err));
}

static struct example at(size_t i)
{
    return dataset_example(&ds, i);
}

/* What is left out, and how many examples stand before it. */
static struct left_out {
    const struct record *record;
    const char *why;
    size_t position;
} left_out[16];
__attribute__((unused)) static size_t n_left_out, n_kept;

static bool note_record(void *context, struct dataset_file *file, const struct record *record,
                        const char *dropped)
{
    (void)context;
    (void)file;
    if (dropped)
        left_out[n_left_out++] = (struct left_out){record, dropped, n_kept};
    else
        n_kept++;
    return n_left_out < sizeof left_out / sizeof *left_out;
}

__attribute__((unused)) static size_t walk(void)
{
    n_left_out = n_kept = 0;
    dataset_walk(&ds, note_record, NULL);
    return n_left_out;
}

__attribute__((unused)) static void message_is(size_t i, const char *expected)
{
    const struct record *r = left_out[i].record;
    ck_assert_uint_eq(r->message_len, strlen(expected));
    ck_assert_mem_eq(record_message(&ds.files[0].store, r), expected, r->message_len);
}

/* The message must be the file's path and this. */
__attribute__((unused)) static void fails(enum sft_status status, const char *name, const char *suffix,
                                          const char *text, const char *message)
{
    ck_assert_int_eq(load(name, suffix, text), status);
    char *expected = mem_printf("%s/%s%s", dir, name, message);
    ck_assert_str_eq(err_text(&err), expected);
    free(expected);
}

#define ROW(user, assistant)                                                                                 \
    "{\"messages\":[{\"role\":\"user\",\"content\":\"" user                                                  \
    "\"},{\"role\":\"assistant\",\"content\":\"" assistant "\"}]}"

/* Tokens of ROW(user, assistant) besides the contents: 2 x (start, sep, end), "user", "assistant". */
enum { ROW_OVERHEAD = 6 + 4 + 9 };

/* The first row's tokens as text, control tokens as < | >, by the byte tokenizer. */
__attribute__((unused)) static const char *rendered(size_t i)
{
    static char text[256];
    const struct example e = at(i);
    size_t n = 0;
    for (size_t t = 0; t < e.n_tokens; t++)
        text[n++] = e.tokens[t] < 256 ? (char)e.tokens[t] : "<|>"[(e.tokens[t] - BYTE_TOKENIZER_EOS - 1) % 3];
    text[n] = '\0';
    return text;
}

#endif
