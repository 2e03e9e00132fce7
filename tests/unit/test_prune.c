/* Checkpoints that are removed are there whole or not at all, also where the process is killed at it. */
#include "scratch.h"
#include "train/checkpoint_list.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

enum { CHECKPOINTS = 4, FILES = 400, KILLS = 25 };

static void make_checkpoint(unsigned step)
{
    char *checkpoint = mem_printf("%s/checkpoint-%u", dir, step);
    check_ok(io_mkdirs(checkpoint, &err));
    for (unsigned i = 0; i < FILES; i++) {
        char *path = mem_printf("%s/%u", checkpoint, i);
        FILE *f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        fclose(f);
        free(path);
    }
    free(checkpoint);
}

/* How many files it has; 0 where it is not there. */
static size_t files_of(unsigned step)
{
    char **names = NULL, *checkpoint = mem_printf("%s/checkpoint-%u", dir, step);
    size_t count = 0;
    if (path_exists(checkpoint))
        check_ok(io_list(checkpoint, &names, &count, &err));
    io_list_free(names, count);
    free(checkpoint);
    return count;
}

static void prune_until_killed(useconds_t after)
{
    int status;
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(checkpoint_prune(dir, 1, CHECKPOINTS, 0, &err) != SFT_OK);
    usleep(after);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
}

START_TEST(a_kill_leaves_no_half_checkpoint)
{
    for (unsigned attempt = 0; attempt < KILLS; attempt++) {
        for (unsigned step = 1; step <= CHECKPOINTS; step++)
            make_checkpoint(step);
        prune_until_killed(attempt * 400);
        for (unsigned step = 1; step <= CHECKPOINTS; step++)
            ck_assert_msg(files_of(step) == 0 || files_of(step) == FILES, "checkpoint-%u has %zu of %u files", step,
                          files_of(step), FILES);
        ck_assert_uint_eq(files_of(CHECKPOINTS), FILES);
        check_ok(checkpoint_clean(dir, &err)); /* and what it leaves is known for what it is */
        char **names;
        size_t count;
        check_ok(io_list(dir, &names, &count, &err));
        for (size_t i = 0; i < count; i++)
            ck_assert_msg(strncmp(names[i], "checkpoint-", 11) == 0 && !strchr(names[i], '.'), "%s is left", names[i]);
        io_list_free(names, count);
    }
    check_ok(checkpoint_prune(dir, 1, CHECKPOINTS, 2, &err));
    for (unsigned step = 1; step <= CHECKPOINTS; step++)
        ck_assert_uint_eq(files_of(step), step == CHECKPOINTS || (step == 2 && files_of(2)) ? FILES : 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prune");
    TCase *tests = tcase_create("prune");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, make_dir, remove_dir);
    tcase_add_test(tests, a_kill_leaves_no_half_checkpoint);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
