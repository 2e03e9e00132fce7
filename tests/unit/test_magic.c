/* What a file is, from its first bytes; and that text which merely looks a little like it is text. */
#include "base/magic.h"

#include "base/json.h"
#include "scratch.h"
#include "support/run_suite.h"

#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define TEXT(s) s, sizeof(s) - 1

static const struct {
    const char *bytes;
    size_t len;
    const char *in_message; /* NULL: it is text, or something that sft reads */
} files[] = {
    {TEXT("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"), "Git LFS pointer"},
    {TEXT("version https://git-lfs.github.com/spec/v1\r\noid sha256:00\r\n"), "git lfs pull"},
    {TEXT("/annex/objects/SHA256E-s9--00.jsonl\n"), "git annex get"},
    {TEXT("\n\n  <!DOCTYPE HTML>\n<html>"), "HTML page"},
    {TEXT("\xEF\xBB\xBF<html lang=\"en\">"), "HTML page"},
    {TEXT("<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"\">\n<html>"), "HTML page"},
    {TEXT("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"), "web server's error"},
    {TEXT("Entry not found"), "web server's error"},
    {TEXT("404: Not Found\n"), "web server's error"},
    {TEXT("{\"error\":\"Entry not found\"}"), "web server's error"},
    {TEXT(" { \"error\" : \"Access is restricted.\" }\n"), "web server's error"},
    {TEXT("{\n  \"message\": \"Not Found\",\n  \"status\": \"404\"\n}\n"), "web server's error"},
    {TEXT("\x28\xB5\x2F\xFD\x04\x58"), "zstd -d"},
    {TEXT("\xFD" "7zXZ\0\0\4"), "xz -d"},
    {TEXT("BZh91AY&SY\0"), "bzip2 -d"},
    {TEXT("\x04\x22\x4D\x18\x64"), "lz4 -d"},
    {TEXT("7z\xBC\xAF\x27\x1C\0\4"), "7z archive"},
    {TEXT("PK\3\4\x14\0\0\0\0\0chat.jsonl{}"), "zip archive"},
    {TEXT("PK\3\4\x14\0\0\0[Content_Types].xml ... xl/workbook.xml PK\1\2"), "CSV UTF-8"},
    {TEXT("PK\3\4\x14\0\0\0word/document.xml"), "office document"},
    {TEXT("PK\3\4\x14\0\0\0mimetypeapplication/vnd.oasis.opendocument.spreadsheetPK"), "spreadsheet"},
    {TEXT("PK\3\4\0\0\0\0\0pytorch_model/data.pkl"), "PyTorch checkpoint"},
    {TEXT("PK\3\4\0\0\0\0\0tokens.npy"), "NumPy"},
    {TEXT("\x80\2\x8A\nl\xFC\x9C" "F\xF9 j\xA8P\x19."), "PyTorch checkpoint"},
    {TEXT("\x80\4\x95\x10\0\0\0\0\0\0\0]"), "Python pickle"},
    {TEXT("PAR1\x15\4\x15"), "from_hub.py"},
    {TEXT("ARROW1\0\0\xFF\xFF\xFF\xFF"), "Feather"},
    {TEXT("\xFF\xFF\xFF\xFF\x10\1\0\0\x10\0\0\0"), "Arrow file"},
    {TEXT("SQLite format 3\0\x10"), "database"},
    {TEXT("GGUF\3\0\0\0"), "GGUF model"},
    {TEXT("%PDF-1.7\n"), "pdftotext"},
    {TEXT("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0"), "Office"},
    {TEXT("\x7F" "ELF\2\1\1\0"), "program"},
    {TEXT("\x89PNG\r\n\x1A\n"), "image"},

    {TEXT(""), NULL},
    {TEXT("\0"), NULL},
    {TEXT("{\"messages\": []}\n"), NULL},
    {TEXT("[{\"text\": \"<html>\"}]"), NULL},
    {TEXT("version,oid,size\n"), NULL},
    {TEXT("version https://example.org/ of the text\n"), NULL},
    {TEXT("prompt,completion\nGGUF,a format\n"), NULL},
    {TEXT("GGUF is a format of model files.\n"), NULL},
    {TEXT("PK is short for penalty kick.\n"), NULL},
    {TEXT("MZ was here\n"), NULL},
    {TEXT("{\"error\":\"none\",\"prompt\":\"a\",\"completion\":\"b\"}\n"), NULL},
    {TEXT("{\"error\":\"none\"}\n{\"error\":\"none\"}\n"), NULL},
    {TEXT("{\"error\":\"cut"), NULL},
    {TEXT("404: Not Found is what a server says where a page is missing, and this is a text about it.\n"), NULL},
    {TEXT("<|user|> hello\n"), NULL},
    {TEXT("<b>bold</b> beginnings of a document"), NULL},
    {TEXT("\x1F\x8B\x08\0"), NULL},                         /* gzip is read */
    {TEXT("\xFF\xFE{\0}\0"), NULL},                         /* so is UTF-16 */
    {TEXT("\x40\0\0\0\0\0\0\0{\"wte\":{\"dtype\":"), NULL}, /* and safetensors */
};

START_TEST(a_file_is_known_by_its_bytes)
{
    const char *what = magic_foreign(files[_i].bytes, files[_i].len);
    if (files[_i].in_message)
        ck_assert_msg(what && strstr(what, files[_i].in_message), "%s: %s", files[_i].in_message,
                      what ? what : "not known");
    else
        ck_assert_msg(!what, "%s: %s", files[_i].bytes, what);
}
END_TEST

START_TEST(a_tar_archive_is_known)
{
    char block[512] = "chat.jsonl";
    memcpy(block + 257, "ustar\00000", 8);
    ck_assert_ptr_nonnull(strstr(magic_foreign(block, sizeof block), "tar -xf"));
}
END_TEST

/* What is in a large archive stands at its end. */
START_TEST(a_zip_is_looked_at_from_both_ends)
{
    const size_t len = 1 << 20;
    char *bytes = mem_calloc(len, 1);
    memcpy(bytes, "PK\3\4docProps/app.xml", 20);
    memcpy(bytes + len - 100, "PK\1\2 xl/workbook.xml", 20);
    ck_assert_ptr_nonnull(strstr(magic_foreign(bytes, len), "CSV UTF-8"));
    free(bytes);
}
END_TEST

START_TEST(the_check_names_the_file)
{
    err = (struct sft_err){.message = "as it was"};
    ck_assert_int_eq(magic_refuse("a.json", TEXT("{}"), &err), SFT_OK);
    ck_assert_str_eq(err_text(&err), "as it was");
    ck_assert_int_eq(magic_refuse("a.json", TEXT("SQLite format 3"), &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "a.json: is a database (write its rows as JSON Lines or CSV)");
}
END_TEST

/* A model's config.json, its tokenizer's files: all that json_parse_file reads. */
START_TEST(a_json_file_that_is_something_else_is_called_that)
{
    json *root;
    char *path = path_join(dir, "config.json");
    put("config.json", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 665\n");
    expect_message(json_parse_file(path, &root, &err),
                   "/config.json: is a Git LFS pointer, not the file itself (fetch that with git lfs pull)");
    ck_assert_ptr_null(root);
    put("config.json", "{\"n_layer\": }");
    expect_message(json_parse_file(path, &root, &err), "/config.json: column 13: expected a value, found '}'");
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("magic");
    TCase *tc = tcase_create("magic");
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_loop_test(tc, a_file_is_known_by_its_bytes, 0, COUNT(files));
    tcase_add_test(tc, a_tar_archive_is_known);
    tcase_add_test(tc, a_zip_is_looked_at_from_both_ends);
    tcase_add_test(tc, the_check_names_the_file);
    tcase_add_test(tc, a_json_file_that_is_something_else_is_called_that);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
