/* Optimizer steps of a whole run: what they must not do to the system. */
#include "scratch.h"
#include "support/measured.h"
#include "support/run_suite.h"
#include "support/tables.h"
#include "train/step.h"

#include <sys/resource.h>

enum { STEPS = 5 };

/* Conversations of which each is about twice as long as the one before. */
static void put_growing_conversations(void)
{
    struct strbuf rows = {0};
    for (size_t i = 0; i < STEPS; i++) {
        strbuf_puts(&rows, "{\"prompt\": \"count\", \"completion\": \"");
        for (size_t word = 0; word < (size_t)12 << i; word++)
            strbuf_puts(&rows, "one two ");
        strbuf_puts(&rows, "\"}\n");
    }
    put("rows.jsonl", rows.data);
    strbuf_free(&rows);
}

static void open_run(struct run *run, struct settings *settings)
{
    settings_init(settings);
    put_growing_conversations();
    put("config.ini", "[data]\ntrain = rows.jsonl\nmax_length = 512\nshuffle = false\n"
                      "[train]\noutput_dir = out\nbatch_size = 1\nnum_train_epochs = 1\nprecision = fp32\n");
    char *path = path_join(dir, "config.ini");
    check_ok(settings_read_file(settings, path, &err));
    check_ok(settings_override(settings, "model.base=checkpoints/base", &err));
    free(path);
    check_ok(run_prepare(run, settings, false, true, NULL, &err));
    check_ok(run_allocate(run, &err));
}

static long page_faults(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

/* Those of a run's later steps, which are longer than the first and use memory that it did not. */
static long faults_after_the_first_step(void)
{
    struct run run;
    struct settings settings;
    struct step_result result;
    open_run(&run, &settings);
    ck_assert_uint_eq(run.total_steps, STEPS);
    check_ok(train_step(&run, &result, &err));
    const long before = page_faults();
    for (size_t step = 1; step < STEPS; step++) {
        const size_t shorter = result.num_tokens;
        check_ok(train_step(&run, &result, &err));
        ck_assert_uint_gt(result.num_tokens, shorter);
    }
    const long faults = page_faults() - before;
    run_free(&run);
    settings_free(&settings);
    return faults;
}

/* The first run brings the code into memory; the second one's memory is new. The bound leaves room for pages
 * of code that the system takes back; memory that is not resident makes some hundred. */
START_TEST(no_page_fault_after_the_first_step)
{
    faults_after_the_first_step();
    check_error("step", "page faults", (double)faults_after_the_first_step(), 16);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    Suite *suite = suite_create("step");
    TCase *memory = tcase_create("memory");
    tcase_set_timeout(memory, 60);
    tcase_add_checked_fixture(memory, make_dir, remove_dir);
    tcase_add_test(memory, no_page_fault_after_the_first_step);
    suite_add_tcase(suite, memory);
    return run_suite(suite);
}
