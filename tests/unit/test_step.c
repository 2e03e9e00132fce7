/* Optimizer steps of a whole run: what they must not do to the system. */
#include "scratch.h"
#include "support/run_suite.h"
#include "support/tables.h"
#include "config/settings.h"
#include "train/run.h"
#include "train/step.h"

#include <sys/mman.h>

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
    check_ok(run_prepare(run, settings, &(struct run_options){.dry = true}, &err));
    check_ok(run_allocate(run, &err));
}

/* Pages of a block that no step has to wait for. */
static size_t resident_pages(const struct block *block, size_t page)
{
    const size_t n = (block->bytes + page - 1) / page;
    unsigned char *is_resident = mem_alloc(n);
    size_t count = 0;
    ck_assert_int_eq(mincore(block->data, block->bytes, is_resident), 0);
    for (size_t i = 0; i < n; i++)
        count += is_resident[i] & 1;
    free(is_resident);
    return count;
}

/* Later steps may be longer, and use memory that the first did not. To count their page faults would ask for more than
 * we can promise: the address sanitizer of gcc 14 takes fresh pages for its copies of stack frames. */
START_TEST(all_memory_is_resident_after_the_first_step)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct run run;
    struct settings settings;
    struct step_result result;
    const struct learner *l = &run.learner;
    open_run(&run, &settings);
    check_ok(step_take(&run.learner, &run.data.train, &run.plan, NULL, &result, &err));
    const struct {
        const char *name;
        const struct block *block;
    } blocks[] = {{"parameters", &l->model.params.values}, {"gradients", &l->model.params.grads},
                  {"first moments", &l->adamw.m},          {"second moments", &l->adamw.v},
                  {"activations", &l->acts.memory},        {"batch", &l->buffer.memory}};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        const size_t pages = (blocks[i].block->bytes + page - 1) / page;
        ck_assert_uint_gt(pages, 0);
        ck_assert_msg(resident_pages(blocks[i].block, page) == pages, "%s: %zu of %zu pages are resident",
                      blocks[i].name, resident_pages(blocks[i].block, page), pages);
    }
    for (size_t step = 1; step < STEPS; step++) {
        const size_t shorter = result.num_tokens;
        check_ok(step_take(&run.learner, &run.data.train, &run.plan, NULL, &result, &err));
        ck_assert_uint_gt(result.num_tokens, shorter); /* the first was the one that needs least */
    }
    run_free(&run);
    settings_free(&settings);
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
    tcase_add_test(memory, all_memory_is_resident_after_the_first_step);
    suite_add_tcase(suite, memory);
    return run_suite(suite);
}
