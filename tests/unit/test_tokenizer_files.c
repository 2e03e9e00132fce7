/* Small tokenizers written by hand, well formed and not, against what tokenizers 0.23.3 makes of them. */
#include "base/io.h"
#include "base/mem.h"
#include "text/tokenizer/encoder.h"
#include "text/tokenizer/tokenizer_load.h"

#include "support/err_text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct sft_err err;

/* A new directory under TMPDIR, and what it is for. */
static char *make_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = mem_printf("%s/test_tokenizer_files.XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    return dir;
}

static void remove_dir(char *dir)
{
    ck_assert_int_eq(io_remove_tree(dir, &err), SFT_OK);
    free(dir);
}

static void write_text(const char *dir, const char *name, const char *text)
{
    char *path = path_join(dir, name);
    ck_assert_int_eq(io_write_file(path, text, strlen(text), &err), SFT_OK);
    free(path);
}

#define BYTE_LEVEL "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": true}"
#define PARTS      "\"normalizer\": null, \"decoder\": {\"type\": \"ByteLevel\"}, "
#define JSON(added, pre, model)                                                                              \
    "{" PARTS "\"added_tokens\": [" added "], \"pre_tokenizer\": " pre ", \"model\": {" model "}}"
#define SMALL(model) JSON("", BYTE_LEVEL, model)

static enum sft_status load_text(const char *text, struct tokenizer **tok)
{
    char *dir = make_dir();
    write_text(dir, "tokenizer.json", text);
    enum sft_status status = tokenizer_load(tok, dir, &err);
    remove_dir(dir);
    return status;
}

static void check_small(const char *tokenizer_json, const char *text, const char *want)
{
    struct tokenizer *tok;
    struct strbuf got = {0};
    struct token_buf ids = {0};
    ck_assert_msg(load_text(tokenizer_json, &tok) == SFT_OK, "%s", err_text(&err));
    struct encoder *enc = encoder_new(tok);
    encoder_encode(enc, text, strlen(text), &ids);
    for (size_t i = 0; i < ids.count; i++)
        strbuf_printf(&got, "%s%d", i ? " " : "", ids.ids[i]);
    ck_assert_str_eq(got.data ? got.data : "", want);
    strbuf_free(&got);
    token_buf_free(&ids);
    encoder_free(enc);
    tokenizer_free(tok);
}

/* Ids as tokenizers 0.23.3 gives them. */
START_TEST(model_options)
{
    check_small(SMALL("\"vocab\": {\"a\": 0, \"b\": 3, \"ab\": 2}, \"merges\": [\"a b\"]"), "axxb", "2");
    check_small(SMALL("\"vocab\": {\"a\": 0, \"b\": 9, \"ab\": 2}, \"merges\": [[\"a\", \"b\"]]"), "abb",
                "2 9");
    check_small(SMALL("\"vocab\": {\"a\": 0, \"u\": 1, \"b\": 3}, \"merges\": [], \"unk_token\": \"u\""),
                "axxb", "0 1 1 3");
    check_small(SMALL("\"vocab\": {\"a\": 0, \"u\": 1, \"b\": 3}, \"merges\": [], \"unk_token\": \"u\", "
                      "\"fuse_unk\": true"),
                "axxbx", "0 1 3 1");
    check_small(SMALL("\"vocab\": {\"a\": 0, \"b\": 1, \"aab\": 2}, \"merges\": [], \"ignore_merges\": true"),
                "aab", "2");
    check_small(SMALL("\"vocab\": {\"a\": 0, \"b\": 1, \"aab\": 2}, \"merges\": []"), "aab", "0 0 1");
}
END_TEST

/* Merges, a byte, a character and a whole word that would make a special token of what somebody typed do not. Hugging
 * Face's takes such a text for the token itself; text that is to be searched for it still gives it. */
START_TEST(text_makes_no_special_token)
{
#define SPECIAL(content, id) "{\"id\": " id ", \"content\": \"" content "\", \"special\": true}"
#define END_TOKEN            SPECIAL("ab", "2")
#define OF_CHARACTERS(added, model)                                                                          \
    "{\"decoder\": {\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Fuse\"}]}, "                               \
    "\"added_tokens\": [" added "], \"model\": {" model "}}"
    check_small(JSON(END_TOKEN, BYTE_LEVEL, "\"vocab\": {\"a\": 0, \"b\": 1, \"ab\": 2}, \"merges\": [\"a b\"]"),
                "abb", "0 1 1");
    check_small(JSON(END_TOKEN, BYTE_LEVEL, "\"vocab\": {\"a\": 0, \"b\": 1, \"ab\": 2, \"ba\": 3}, "
                                            "\"merges\": [\"a b\", \"b a\"]"),
                "aba", "0 3");
    check_small(JSON(END_TOKEN, BYTE_LEVEL, "\"vocab\": {\"a\": 0, \"b\": 1, \"ab\": 2}, \"merges\": [], "
                                            "\"ignore_merges\": true"),
                "ab", "0 1");
    check_small(JSON(SPECIAL("a", "0"), BYTE_LEVEL,
                     "\"vocab\": {\"a\": 0, \"b\": 1, \"u\": 2}, \"merges\": [], \"unk_token\": \"u\""),
                "ab", "2 1");
    check_small(OF_CHARACTERS(SPECIAL("a", "0"), "\"vocab\": {\"a\": 0, \"b\": 1, \"u\": 2}, \"merges\": [], "
                                                "\"unk_token\": \"u\""),
                "ab", "2 1");

    struct tokenizer *tok; /* one that becomes special later */
    struct token_buf ids = {0};
    ck_assert(!load_text(SMALL("\"vocab\": {\"a\": 0, \"b\": 1, \"ab\": 2}, \"merges\": [\"a b\"]"), &tok));
    ck_assert_int_eq(tokenizer_add_special(tok, "ab"), 2);
    struct encoder *enc = encoder_new(tok);
    encoder_encode(enc, "ab", 2, &ids);
    encoder_encode_special(enc, "ab", 2, &ids);
    ck_assert_uint_eq(ids.count, 3);
    ck_assert_mem_eq(ids.ids, ((int32_t[]){0, 1, 2}), 3 * sizeof *ids.ids);
    token_buf_free(&ids);
    encoder_free(enc);
    tokenizer_free(tok);
}
END_TEST

START_TEST(pre_tokenizers)
{
#define VOCAB                                                                                                \
    "\"vocab\": {\"1\": 0, \"2\": 1, \"12\": 2, \"a\": 3, \"aa\": 4, \"\\u0120\": 5, \"\\u0120a\": 6}, "     \
    "\"merges\": [\"1 2\", \"a a\", \"\\u0120 a\"]"
#define SEQUENCE(stages, prefix)                                                                             \
    "{\"type\": \"Sequence\", \"pretokenizers\": [" stages                                                   \
    ", {\"type\": \"ByteLevel\", \"use_regex\": false, "                                                     \
    "\"add_prefix_space\": " prefix "}]}"
#define SPLIT(pattern, behavior)                                                                             \
    "{\"type\": \"Split\", \"pattern\": {" pattern "}, \"behavior\": \"" behavior "\", \"invert\": false}"
    check_small(JSON("", BYTE_LEVEL, VOCAB), "12aa a", "2 4 6");
    check_small(JSON("", SEQUENCE("{\"type\": \"Digits\", \"individual_digits\": true}", "false"), VOCAB),
                "12aa", "0 1 4");
    check_small(JSON("", SEQUENCE("{\"type\": \"Digits\", \"individual_digits\": false}", "true"), VOCAB),
                "12a", "5 2 6");
    check_small(JSON("", SEQUENCE(SPLIT("\"String\": \"1\"", "Removed"), "false"), VOCAB), "a1a", "3 3");
    check_small(JSON("", SEQUENCE(SPLIT("\"Regex\": \"(?i:A)\"", "Isolated"), "false"), VOCAB), "aa12",
                "3 3 2");
    check_small(
        JSON("", SEQUENCE(SPLIT("\"Regex\": \"\\\\s+(?!\\\\S)|[^\\\\S\\\\n]\"", "Removed"), "true"), VOCAB),
        "a a  a", "6 6 6");
}
END_TEST

#define DECODER(node) "{\"decoder\": " node "}"
START_TEST(files_that_must_fail)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "tokenizer.json"},
        {"[]", "expected an object"},
        {"{\"model\": {}}", "decoder: none, "},
        {"{\"model\": {\"type\": \"Unigram\"}}", "model: a model of type 'Unigram' is not supported, only BPE"},
        {SMALL("\"type\": \"WordPiece\""), "'WordPiece' is not supported"},
        {SMALL("\"vocab\": [], \"merges\": []"), "model.vocab: expected an object"},
        {SMALL("\"vocab\": {\"a\": -1}, \"merges\": []"), "'a': expected an id"},
        {SMALL("\"vocab\": {\"a\": 1.5}, \"merges\": []"), "'a': expected an id"},
        {SMALL("\"vocab\": {\"a\": 1e300}, \"merges\": []"), "'a': expected an id"},
        {SMALL("\"vocab\": {\"a\": \"1\"}, \"merges\": []"), "'a': expected an id"},
        {SMALL("\"vocab\": {\"a\": 1, \"b\": 1}, \"merges\": []"), "'a' and 'b' both have id 1"},
        {SMALL("\"vocab\": {\"a\": 0, \"b\": 1}, \"merges\": [\"a b\"]"), "model.merges[0]: 'ab' is not in"},
        {SMALL("\"vocab\": {\"a\": 0}, \"merges\": [\"a c\"]"), "'c' is not in the vocabulary"},
        {SMALL("\"vocab\": {\"a\": 0}, \"merges\": [\"a\"]"), "expected two tokens"},
        {SMALL("\"vocab\": {\"a\": 0}, \"merges\": [[\"a\"]]"), "expected \"a b\""},
        {SMALL("\"vocab\": {\"a\": 0}, \"merges\": [7]"), "expected \"a b\""},
        {SMALL("\"vocab\": {\"a\": 0}"), "model.merges: expected an array"},
        {SMALL("\"vocab\": {\"a\": 0}, \"merges\": [], \"byte_fallback\": true"), "byte_fallback is not"},
        {SMALL("\"vocab\": {\"a\": 0}, \"merges\": [], \"unk_token\": \"u\""), "unk_token: 'u' is not in"},
        {JSON("", "null", "\"vocab\": {}, \"merges\": []"), "ByteLevel in decoder, but not in pre_tokenizer"},
        {JSON("", "{\"type\": \"Metaspace\"}", "\"vocab\": {}, \"merges\": []"),
         "pre_tokenizer: Metaspace: replacement: expected one character"},
        {JSON("", "{\"type\": \"Metaspace\", \"replacement\": \"_\", \"add_prefix_space\": false}", ""),
         "add_prefix_space is false, but prepend_scheme is 'always'"},
        {JSON("",
              SEQUENCE(SPLIT("\"Regex\": \"a\"", "Isolated") ", {\"type\": \"Metaspace\", \"replacement\": \"_\"}",
                       "false"),
              ""),
         "Metaspace: not supported behind another stage"},
        {JSON("", SEQUENCE(BYTE_LEVEL, "false"), ""), "'ByteLevel' is not supported behind ByteLevel"},
        {JSON("", "{\"type\": \"Whitespace\"}", ""), "pre_tokenizer: 'Whitespace' is not supported (Split, "},
        {JSON("", SEQUENCE(SPLIT("\"Regex\": \"(\"", "Isolated"), "false"), VOCAB), "pattern '('"},
        {JSON("", SEQUENCE(SPLIT("\"Regex\": \"\\\\h\"", "Isolated"), "false"), VOCAB),
         "\\h is not supported"},
        {JSON("", SEQUENCE(SPLIT("\"Regex\": \"a\"", "Sideways"), "false"), VOCAB), "behavior 'Sideways'"},
        {JSON("{\"id\": 5, \"content\": \"<x>\"}", BYTE_LEVEL, "\"vocab\": {\"a\": 0}, \"merges\": []"),
         "added_tokens[0]: '<x>' has id 5 here, but its place gives it 1"},
        {JSON("{\"id\": 1}", BYTE_LEVEL, "\"vocab\": {\"a\": 0}, \"merges\": []"),
         "expected a token's content"},
        {"{\"normalizer\": {\"type\": \"Precompiled\"}}", "normalizer: 'Precompiled' is not supported (NFC, "},
        {"{\"normalizer\": {\"type\": \"Sequence\"}}", "normalizer: normalizers: expected an array, not missing"},
        {"{\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"Regex\": \"a*\"}}}", "'a*' finds an empty string"},
        {DECODER("{\"type\": \"WordPiece\"}"), "decoder: 'WordPiece' is not supported (ByteLevel, "},
        {DECODER("{\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Strip\"}, {\"type\": \"Fuse\"}]}"),
         "decoder: 'Strip' is not supported in this place"},
        {DECODER("{\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Fuse\"}, {\"type\": \"Strip\", \"content\": "
                 "\"_\"}]}"),
         "decoder: Strip: only that of blanks at the beginning is supported"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tokenizer *tok;
        ck_assert_msg(load_text(bad[i].text, &tok) == SFT_EDATA, "row %zu was taken", i);
        ck_assert_ptr_null(tok);
        ck_assert_msg(strstr(err_text(&err), bad[i].message) != NULL, "row %zu: %s", i, err_text(&err));
        ck_assert_msg(strstr(err_text(&err), "tokenizer.json") != NULL, "row %zu: %s", i, err_text(&err));
        ck_assert_ptr_null(strchr(err_text(&err), '\n'));
    }
    struct tokenizer *tok;
    char *dir = make_dir();
    ck_assert_int_eq(tokenizer_load(&tok, dir, &err), SFT_EIO);
    ck_assert_ptr_null(strstr(err_text(&err), "tokenizer.model"));
    write_text(dir, "tokenizer.model", "");
    ck_assert_int_eq(tokenizer_load(&tok, dir, &err), SFT_EIO);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "tokenizer.model is not read"));
    write_text(dir, "vocab.json", "{\"a\": 0}");
    write_text(dir, "merges.txt", "#version: 0.2\na a\n");
    ck_assert_int_eq(tokenizer_load(&tok, dir, &err), SFT_EDATA);
    ck_assert_msg(strstr(err_text(&err), "merges.txt:2: 'aa' is not in the vocabulary") != NULL, "%s",
                  err_text(&err));
    remove_dir(dir);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tokenizer_files");
    TCase *tcase = tcase_create("tokenizer_files");
    tcase_add_test(tcase, model_options);
    tcase_add_test(tcase, text_makes_no_special_token);
    tcase_add_test(tcase, pre_tokenizers);
    tcase_add_test(tcase, files_that_must_fail);
    suite_add_tcase(suite, tcase);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int n_failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return n_failed == 0 ? 0 : 1;
}
