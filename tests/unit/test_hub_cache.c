/* Models by their names on the hub, in a cache made by hand: blobs, links to them, and what downloads leave. */
#include "files/hub_cache.h"
#include "files/model_dir.h"
#include "files/model_files.h"

#include "scratch.h"

#include <stdio.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static const char repository[] = "cache/hub/models--acme--tiny";

/* ---- a cache ---- */

static void make(const char *format, const char *a)
{
    char *name = mem_printf("%s/%s", repository, format), *whole = mem_printf("%s/%s/%s", dir, name, a);
    check_ok(io_mkdirs(whole, &err));
    free(name);
    free(whole);
}

/* A file of the repository. */
static void put_in(const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", repository, name);
    put(path, text);
    free(path);
}

/* snapshots/COMMIT/NAME, a link to a blob with that text; NULL: to one that is not there. */
static void put_link(const char *commit, const char *name, const char *text)
{
    char *blob = mem_printf("blobs/%s-%s", commit, name), *target = mem_printf("../../%s", blob);
    char *link = mem_printf("%s/%s/snapshots/%s/%s", dir, repository, commit, name);
    if (text)
        put_in(blob, text);
    check_ok(io_symlink(target, link, &err));
    free(blob);
    free(target);
    free(link);
}

static const char tokenizer_config[] = "{\"tokenizer_class\": \"GPT2Tokenizer\"}";

/* main is at 11aa; v1 at 22bb. */
static void make_cache(void)
{
    make_dir();
    char *home = path_join(dir, "cache");
    setenv("HF_HOME", home, 1);
    unsetenv("HF_HUB_CACHE");
    unsetenv("HUGGINGFACE_HUB_CACHE");
    make("refs", "pr");
    make("blobs", "");
    make("snapshots", "11aa");
    make("snapshots", "22bb");
    put_in("refs/main", "11aa");
    put_in("refs/v1", "22bb\n");
    put_in("refs/pr/7", "22bb");
    put_link("11aa", "config.json", "{}");
    put_link("22bb", "config.json", "{}");
    free(home);
}

static void expect_found(const char *name, const char *commit)
{
    char *found, *want = mem_printf("%s/%s/snapshots/%s", dir, repository, commit);
    check_ok(hub_cache_find(name, &found, &err));
    ck_assert_str_eq(found, want);
    free(found);
    free(want);
}

/* With the scratch directory's name as DIR. */
static void expect_refused(const char *name, const char *message)
{
    char *found, *text;
    ck_assert_int_ne(hub_cache_find(name, &found, &err), SFT_OK);
    ck_assert_ptr_null(found);
    text = mem_strdup(err_text(&err));
    const char *at = strstr(text, dir);
    char *plain = at ? mem_printf("%.*sDIR%s", (int)(at - text), text, at + strlen(dir)) : mem_strdup(text);
    ck_assert_str_eq(plain, message);
    free(plain);
    free(text);
}

/* ---- names ---- */

START_TEST(names_are_those_of_the_hub)
{
    static const char *const names[] = {
        "gpt2",        "acme/tiny",        "HuggingFaceTB/SmolLM2-135M", "a/b.c_d-e",
        "acme/t@main", "acme/t@refs/pr/1", "gpt2@607a30d",               "_a/_b"};
    static const char *const others[] = {
        "",        "/acme/tiny",  "./tiny",      "../tiny",        "acme/",    "acme/tiny/x", "a--b/c",   "a/b..c",
        "-a/b",    "a/b-",        "acme/t@",     "acme/t@../x",    "a b/c",    "acme/t@a//b", "acme/t@/a", "a/c.json",
        "~/model", "acme/m.gguf", "caf\xC3\xA9/x", "@main", "a/b@.hid", "a/.b"};
    for (size_t i = 0; i < COUNT(names); i++)
        ck_assert_msg(hub_name_is(names[i]), "%s", names[i]);
    for (size_t i = 0; i < COUNT(others); i++)
        ck_assert_msg(!hub_name_is(others[i]), "%s", others[i]);
}
END_TEST

START_TEST(a_snapshot_has_a_name_that_stays)
{
    static const struct {
        const char *path, *name;
    } rows[] = {
        {"/c/hub/models--acme--tiny/snapshots/11aa", "acme/tiny@11aa"},
        {"/c/hub/models--acme--tiny/snapshots/11aa/", "acme/tiny@11aa"},
        {"models--gpt2/snapshots/607a", "gpt2@607a"},
        {"/c/hub/models--acme--tiny/snapshots", NULL},
        {"/c/hub/datasets--acme--tiny/snapshots/11aa", NULL},
        {"out/run/checkpoint-5", NULL},
        {"11aa", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *name = hub_snapshot_name(rows[i].path);
        ck_assert_pstr_eq(name, rows[i].name);
        free(name);
    }
}
END_TEST

/* ---- where the cache is ---- */

static void expect_cache(const char *want)
{
    char *found = hub_cache_dir();
    ck_assert_str_eq(found, want);
    free(found);
}

START_TEST(the_environment_says_where_it_is)
{
    unsetenv("HF_HOME");
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", "/home/me", 1);
    expect_cache("/home/me/.cache/huggingface/hub");
    setenv("XDG_CACHE_HOME", "/xdg", 1);
    expect_cache("/xdg/huggingface/hub");
    setenv("HF_HOME", "~/hf", 1);
    expect_cache("/home/me/hf/hub");
    setenv("HUGGINGFACE_HUB_CACHE", "/old", 1);
    expect_cache("/old");
    setenv("HF_HUB_CACHE", "/new", 1);
    expect_cache("/new");
    setenv("HF_HUB_CACHE", "", 1);
    expect_cache("/old");
}
END_TEST

/* ---- finding ---- */

START_TEST(a_revision_is_a_ref_or_a_commit)
{
    expect_found("acme/tiny", "11aa");
    expect_found("acme/tiny@main", "11aa");
    expect_found("acme/tiny@v1", "22bb");
    expect_found("acme/tiny@pr/7", "22bb");
    expect_found("acme/tiny@22bb", "22bb");
    put_in("refs/main", "22bb");
    expect_found("acme/tiny", "22bb");
    expect_found("acme/tiny@11aa", "11aa");
}
END_TEST

START_TEST(what_is_not_there_is_told_with_the_command)
{
    expect_refused("acme/other", "acme/other: no such file or directory, nor a model in the Hugging Face cache, "
                                 "DIR/cache/hub; if the hub has it, 'hf download acme/other' fetches it (sft downloads "
                                 "nothing)");
    expect_refused("acme/tiny@v9", "acme/tiny@v9: its revision v9 is not in the Hugging Face cache, which has @11aa, "
                                   "@22bb; 'hf download acme/tiny --revision v9' fetches it (sft downloads nothing)");
    put_in("refs/main", "33cc");
    expect_refused("acme/tiny", "acme/tiny: its snapshot 33cc is not in the Hugging Face cache; 'hf download "
                                "acme/tiny' fetches it (sft downloads nothing)");
    put_in("blobs/5e.incomplete", "");
    expect_refused("acme/tiny", "acme/tiny: its snapshot 33cc is not in the Hugging Face cache (a download was cut "
                                "short); 'hf download acme/tiny' fetches it (sft downloads nothing)");
    put_in("refs/main", "../../../etc");
    expect_refused("acme/tiny", "acme/tiny: its revision main is not in the Hugging Face cache, which has @11aa, "
                                "@22bb; 'hf download acme/tiny' fetches it (sft downloads nothing)");
}
END_TEST

/* A chat template that was not fetched would go unnoticed: the model is another without it. */
START_TEST(small_files_that_are_missing_are_an_error)
{
    put_link("11aa", "tokenizer_config.json", NULL);
    expect_refused("acme/tiny", "acme/tiny: its snapshot 11aa in the Hugging Face cache lacks tokenizer_config.json; "
                                "'hf download acme/tiny' fetches it (sft downloads nothing)");
    put_link("11aa", "tokenizer_config.json", tokenizer_config);
    expect_found("acme/tiny", "11aa");
    make("trees", "");
    put_in("trees/11aa.json", "{\"format_version\": 1, \"files\": {\"README.md\": {}, \"onnx/config.json\": {}, "
                              "\"config.json\": {}, \"model.safetensors\": {}, \"chat_template.jinja\": {}}}");
    expect_refused("acme/tiny", "acme/tiny: its snapshot 11aa in the Hugging Face cache lacks chat_template.jinja; 'hf "
                                "download acme/tiny' fetches it (sft downloads nothing)");
    put_link("11aa", "chat_template.jinja", "");
    expect_found("acme/tiny", "11aa");
    put_in("trees/11aa.json", "not JSON");
    expect_found("acme/tiny", "11aa");
}
END_TEST

/* ---- what else is met ---- */

static void expect_remark(const char *remark)
{
    char *path = mem_printf("%s/%s/snapshots/11aa", dir, repository);
    sft_fail(&err, SFT_EDATA, "wrong");
    ck_assert_int_eq(hub_remark_incomplete(path, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), remark);
    free(path);
}

START_TEST(an_error_in_a_snapshot_names_what_was_not_fetched)
{
    expect_remark("wrong; this snapshot in the Hugging Face cache lacks model.safetensors: 'hf download acme/tiny "
                  "--revision 11aa' fetches the rest");
    put_link("11aa", "model.safetensors.index.json",
             "{\"weight_map\": {\"a\": \"model-00001-of-00003.safetensors\", "
             "\"b\": \"model-00002-of-00003.safetensors\", \"c\": \"model-00003-of-00003.safetensors\"}}");
    put_link("11aa", "model-00001-of-00003.safetensors", "x");
    put_link("11aa", "model-00002-of-00003.safetensors", NULL);
    put_in("blobs/77.incomplete", "");
    expect_remark("wrong; this snapshot in the Hugging Face cache lacks model-00002-of-00003.safetensors, "
                  "model-00003-of-00003.safetensors (a download was cut short): 'hf download acme/tiny --revision "
                  "11aa' fetches the rest");
    put_link("11aa", "model-00002-of-00003.safetensors", "x");
    put_link("11aa", "model-00003-of-00003.safetensors", "x");
    expect_remark("wrong");
}
END_TEST

START_TEST(what_is_there_as_a_path_wins)
{
    char *found;
    ck_assert_int_eq(chdir(dir), 0);
    check_ok(hub_cache_resolve("acme/tiny", &found, &err));
    ck_assert_ptr_nonnull(strstr(found, "/snapshots/11aa"));
    free(found);
    check_ok(io_mkdirs("acme/tiny", &err));
    check_ok(hub_cache_resolve("acme/tiny", &found, &err));
    ck_assert_str_eq(found, "acme/tiny");
    free(found);
    check_ok(hub_cache_resolve("nothing", &found, &err));
    ck_assert_str_eq(found, "nothing");
    free(found);
}
END_TEST

START_TEST(a_command_finds_the_snapshot)
{
    char *found, *want = mem_printf("%s/%s/snapshots/22bb", dir, repository);
    const char *link;
    check_ok(model_dir_find("acme/tiny@v1", &found, &link, &err));
    ck_assert_str_eq(found, want);
    ck_assert_ptr_null(link);
    free(found);
    free(want);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hub_cache");
    TCase *tcase = tcase_create("hub_cache");
    tcase_add_checked_fixture(tcase, make_cache, remove_dir);
    tcase_add_test(tcase, names_are_those_of_the_hub);
    tcase_add_test(tcase, a_snapshot_has_a_name_that_stays);
    tcase_add_test(tcase, the_environment_says_where_it_is);
    tcase_add_test(tcase, a_revision_is_a_ref_or_a_commit);
    tcase_add_test(tcase, what_is_not_there_is_told_with_the_command);
    tcase_add_test(tcase, small_files_that_are_missing_are_an_error);
    tcase_add_test(tcase, an_error_in_a_snapshot_names_what_was_not_fetched);
    tcase_add_test(tcase, what_is_there_as_a_path_wins);
    tcase_add_test(tcase, a_command_finds_the_snapshot);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
