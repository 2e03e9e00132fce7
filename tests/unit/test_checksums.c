#include "files/checksums.h"

#include "scratch.h"

#include <stdio.h>

static void setup(void)
{
    make_dir();
    char *trainer = path_join(dir, "trainer");
    ck_assert_int_eq(io_mkdirs(trainer, &err), SFT_OK);
    free(trainer);
    put("config.json", "{}\n");
    put("model name.bin", "abc");
    put("empty", "");
    put("trainer/state.json", "abc");
}

static void expect(enum sft_status status, const char *message)
{
    bool present;
    ck_assert_int_eq(checksums_verify(dir, &present, &err), status);
    ck_assert(present);
    if (status)
        expect_message(status, message);
}

/* The hashes are xxhsum's own (-H64) of these contents. */
START_TEST(the_list_is_what_xxhsum_writes)
{
    struct strbuf list = {0};
    char *path = path_join(dir, "trainer/checksums.xxh64");
    ck_assert_int_eq(checksums_write(dir, &err), SFT_OK);
    ck_assert_int_eq(io_read(path, &list, &err), SFT_OK);
    ck_assert_str_eq(list.data, "7d441b099c11d3ba  config.json\n"
                                "ef46db3751d8e999  empty\n"
                                "44bc2cf5ad770999  model name.bin\n"
                                "44bc2cf5ad770999  trainer/state.json\n");
    expect(SFT_OK, NULL);
    ck_assert_int_eq(checksums_write(dir, &err), SFT_OK); /* the list does not list itself */
    expect(SFT_OK, NULL);
    strbuf_free(&list);
    free(path);
}
END_TEST

START_TEST(no_list_is_no_error)
{
    bool present = true;
    ck_assert_int_eq(checksums_verify(dir, &present, &err), SFT_OK);
    ck_assert(!present);
}
END_TEST

START_TEST(what_differs_is_named)
{
    ck_assert_int_eq(checksums_write(dir, &err), SFT_OK);
    put("later.txt", "not listed, not checked");
    expect(SFT_OK, NULL);
    put("trainer/state.json", "abd");
    expect(SFT_EDATA,
           "/trainer/state.json: its checksum is not the one in trainer/checksums.xxh64: the file is "
           "damaged or was changed");
    char *path = path_join(dir, "empty");
    remove(path);
    free(path);
    expect(SFT_EDATA, "/empty: is missing, but trainer/checksums.xxh64 lists it");
}
END_TEST

static const struct {
    const char *list, *message;
} damaged_lists[] = {
    {"", "/trainer/checksums.xxh64: is cut short"},
    {"ef46db3751d8e999  emp", "/trainer/checksums.xxh64: is cut short"},
    {"ef46db3751d8e999  empty\nef46db3751d8e99  empty\n",
     "/trainer/checksums.xxh64:2: expected 'HASH  NAME'"},
    {"ef46db3751d8e999 empty\n", "/trainer/checksums.xxh64:1: expected 'HASH  NAME'"},
    {"ef46db3751d8e999  \n", "/trainer/checksums.xxh64:1: expected 'HASH  NAME'"},
};

START_TEST(a_damaged_list_is_an_error)
{
    put("trainer/checksums.xxh64", damaged_lists[_i].list);
    expect(SFT_EDATA, damaged_lists[_i].message);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checksums");
    TCase *tcase = tcase_create("checksums");
    tcase_add_checked_fixture(tcase, setup, remove_dir);
    tcase_add_test(tcase, the_list_is_what_xxhsum_writes);
    tcase_add_test(tcase, no_list_is_no_error);
    tcase_add_test(tcase, what_differs_is_named);
    tcase_add_loop_test(tcase, a_damaged_list_is_an_error, 0, sizeof damaged_lists / sizeof *damaged_lists);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
