/* Saves that are cut short at any of their system calls: what is there afterwards is whole, and a run goes on from it
 * as if nothing had been. Weights are written in three files, by a limit that only tests set: a run's is 5 GB. */
#include "disk_calls.h"
#include "scratch.h"

#include "config/settings.h"
#include "files/checksums.h"
#include "files/hf_files.h"
#include "support/run_suite.h"
#include "support/tables.h"
#include "train/checkpoint_list.h"
#include "train/run.h"
#include "train/step.h"

#include <omp.h>
#include <sys/wait.h>

enum { SHARD_BYTES = 80000, N_SHARDS = 3, STEPS = 6, KEPT = 2, CONVERSATIONS = 12 };

/* ---- a run ---- */

static void copy_file(const char *from, const char *name)
{
    struct strbuf text = {0};
    char *path = path_join(from, name);
    check_ok(io_read(path, &text, &err));
    put(name, text.data);
    strbuf_free(&text);
    free(path);
}

static void put_run(void)
{
    static const char tokenizer[] = "tests/golden/tiny_tokenizer/two_files";
    struct strbuf rows = {0};
    make_dir();
    copy_file(tokenizer, "vocab.json");
    copy_file(tokenizer, "merges.txt");
    copy_file(tokenizer, "special_tokens_map.json");
    put("base.json", "{\"model_type\":\"gpt2\",\"n_layer\":2,\"n_head\":2,\"n_embd\":32,\"n_positions\":128,"
                     "\"vocab_size\":401,\"bos_token_id\":400,\"eos_token_id\":400}");
    put("config.ini", "[model]\nbase = base.json\n[data]\ntrain = rows.jsonl\n[train]\noutput_dir = out\n"
                      "batch_size = 4\nnum_train_epochs = 2\nlearning_rate = 1e-3\nprecision = fp32\n");
    for (int i = 0; i < CONVERSATIONS; i++)
        strbuf_printf(&rows, "{\"prompt\": \"What comes after %d?\", \"completion\": \"It is %d.\"}\n", i, i + 1);
    put("rows.jsonl", rows.data);
    strbuf_free(&rows);
}

/* An output_dir's run: its settings stay with it. */
struct small_run {
    struct settings settings;
    struct run run;
    char *output_dir;
};

static const char *save_dtype = "f32"; /* bf16: the weights that are trained are in trainer/ */

static void close_run(struct small_run *r)
{
    run_free(&r->run);
    settings_free(&r->settings);
    free(r->output_dir);
}

static enum sft_status open_run(struct small_run *r, const char *name)
{
    char *config = path_join(dir, "config.ini"), *output = mem_printf("train.output_dir=%s/%s", dir, name);
    char *dtype = mem_printf("train.save_dtype=%s", save_dtype);
    *r = (struct small_run){.output_dir = path_join(dir, name)};
    settings_init(&r->settings);
    enum sft_status status = settings_read_file(&r->settings, config, &err);
    if (!status)
        status = settings_override(&r->settings, output, &err);
    if (!status)
        status = settings_override(&r->settings, dtype, &err);
    if (!status)
        status = run_prepare(&r->run, &r->settings, &(struct run_options){0}, &err);
    if (!status)
        status = run_allocate(&r->run, &err);
    free(config);
    free(output);
    free(dtype);
    return status;
}

static enum sft_status take_step(struct small_run *r)
{
    struct step_result result;
    return step_take(&r->run.learner, &r->run.data.train, &r->run.plan, NULL, &result, &err);
}

/* As the trainer does it, but for the limit. */
static enum sft_status save(struct small_run *r)
{
    struct learner *l = &r->run.learner;
    struct model_meta meta = base_model_meta(&r->run.base, r->run.plan.save_dtype);
    meta.max_shard_bytes = SHARD_BYTES;
    const struct checkpoint checkpoint = {&l->model, &l->adamw, NULL, r->run.base.tokenizer, &meta, &l->state,
                                          &r->run.output.record};
    return checkpoint_save(r->output_dir, &checkpoint, &err);
}

/* ---- what is there ---- */

/* Where the weights that are trained are, below a checkpoint. */
static const char *place_of_weights(void)
{
    return strcmp(save_dtype, "f32") == 0 ? "" : "trainer/";
}

static bool has(const char *output_dir, const char *name)
{
    char *path = path_join(output_dir, name);
    const bool there = path_exists(path);
    free(path);
    return there;
}

/* Every checkpoint there is has all its files. */
static void expect_whole_ones(const char *output_dir)
{
    uint64_t *steps;
    size_t count;
    check_ok(checkpoint_list(output_dir, &steps, &count, &err));
    for (size_t i = 0; i < count; i++) {
        struct hf_files files;
        bool has_checksums;
        char *checkpoint = checkpoint_path(output_dir, steps[i]), *weights = path_join(checkpoint, place_of_weights());
        check_ok(checksums_verify(checkpoint, &has_checksums, &err));
        ck_assert(has_checksums);
        check_ok(hf_files_find(&files, weights, &err));
        ck_assert_uint_eq(files.n, N_SHARDS);
        hf_files_free(&files);
        free(weights);
        free(checkpoint);
    }
    free(steps);
}

/* Where no save is under way. */
static void expect_tidy(const char *output_dir)
{
    char **names;
    size_t count;
    check_ok(io_list(output_dir, &names, &count, &err));
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(!strstr(names[i], "tmp"), "%s is left", names[i]);
    io_list_free(names, count);
}

/* ---- one save, cut short at each of its calls ---- */

/* Weights and moments of a step. */
struct learned {
    float *values, *m, *v;
};

static float *copy_of(const struct block *block)
{
    return memcpy(mem_alloc(block->bytes), block->data, block->bytes);
}

static struct learned learned_of(const struct learner *l)
{
    return (struct learned){copy_of(&l->model.params.values), copy_of(&l->adamw.m), copy_of(&l->adamw.v)};
}

static void put_back(struct learner *l, const struct learned *from)
{
    memcpy(l->model.params.values.data, from->values, l->model.params.values.bytes);
    memcpy(l->adamw.m.data, from->m, l->adamw.m.bytes);
    memcpy(l->adamw.v.data, from->v, l->adamw.v.bytes);
}

static bool has_learned(const struct learner *l, const struct learned *what)
{
    return memcmp(l->model.params.values.data, what->values, l->model.params.values.bytes) == 0 &&
           memcmp(l->adamw.m.data, what->m, l->adamw.m.bytes) == 0 &&
           memcmp(l->adamw.v.data, what->v, l->adamw.v.bytes) == 0;
}

static void forget(struct learned *what)
{
    free(what->values);
    free(what->m);
    free(what->v);
}

/* A save whose nth call is its process's last; it has saved where it has none such. */
static bool save_and_be_killed(struct small_run *r, unsigned long nth, bool *has_saved)
{
    int status;
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        disk_kill(nth);
        _exit(save(r) != SFT_OK);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    *has_saved = !WIFSIGNALED(status);
    ck_assert_int_eq(*has_saved ? WEXITSTATUS(status) : WTERMSIG(status), *has_saved ? 0 : SIGKILL);
    return !*has_saved;
}

/* A save whose nth call finds no room. It says so, or the call is one that can be done without, and it has saved. */
static bool save_without_room(struct small_run *r, unsigned long nth, bool *has_saved)
{
    disk_fail(DISK_ANY, nth, ENOSPC);
    *has_saved = save(r) == SFT_OK;
    const bool has_failed = disk.n_calls >= nth;
    disk_heal();
    if (!*has_saved) {
        ck_assert_int_eq(err.status, SFT_EIO);
        ck_assert_msg(strncmp(err_text(&err), dir, strlen(dir)) == 0, "%s", err_text(&err));
        ck_assert_msg(strstr(err_text(&err), strerror(ENOSPC)) != NULL, "%s", err_text(&err));
    }
    return has_failed;
}

/* The step that a run would go on from; what it holds is what was learned by then. `may_be_older`: a checkpoint 2 may
 * be the one that was to be replaced. */
static uint64_t newest(struct small_run *r, const struct learned learned[3], bool may_be_older)
{
    struct learner *l = &r->run.learner;
    struct checkpoint_found found;
    check_ok(checkpoint_find(r->output_dir, &found, &err));
    const uint64_t step = found.state.step;
    ck_assert(step == 1 || step == 2);
    check_ok(checkpoint_load(found.dir, false, &l->model, &l->adamw, &err));
    ck_assert(has_learned(l, &learned[step]) || (may_be_older && has_learned(l, &learned[1])));
    put_back(l, &learned[2]);
    checkpoint_found_free(&found);
    return step;
}

/* Checkpoint 1, and where `in_place` a checkpoint 2 with the same weights, to be replaced. */
static void put_older(struct small_run *r, const struct learned learned[3], bool in_place)
{
    struct learner *l = &r->run.learner;
    char *second = checkpoint_path(r->output_dir, 2);
    check_ok(io_remove_tree(second, &err));
    put_back(l, &learned[1]);
    l->state.step = 1;
    check_ok(has(r->output_dir, "checkpoint-1") ? checkpoint_link(r->output_dir, 1, 0, &err) : save(r));
    l->state.step = 2;
    if (in_place)
        check_ok(save(r));
    put_back(l, &learned[2]);
    free(second);
}

static const struct {
    bool (*cut)(struct small_run *r, unsigned long nth, bool *has_saved); /* false: there is no nth call */
    bool in_place, no_exchanges;
} cuts[] = {
    {save_and_be_killed, false, false}, {save_and_be_killed, true, false}, {save_and_be_killed, true, true},
    {save_without_room, false, false},  {save_without_room, true, false},  {save_without_room, true, true},
};

START_TEST(a_save_is_there_whole_or_not_at_all)
{
    const bool in_place = cuts[_i].in_place;
    struct small_run r;
    disk.no_exchanges = cuts[_i].no_exchanges;
    struct learned learned[3] = {0};
    check_ok(open_run(&r, "out"));
    for (size_t step = 1; step <= 2; step++) {
        check_ok(take_step(&r));
        learned[step] = learned_of(&r.run.learner);
    }
    unsigned long nth = 0, n_old = 0;
    for (bool is_cut = true, has_saved; is_cut;) {
        put_older(&r, learned, in_place);
        is_cut = cuts[_i].cut(&r, ++nth, &has_saved);
        expect_whole_ones(r.output_dir);
        const uint64_t step = newest(&r, learned, in_place && !has_saved);
        if (!disk.no_exchanges || step == 2)
            ck_assert(has(r.output_dir, "last/model.safetensors.index.json")); /* never a link to nothing */
        ck_assert_msg(step == 2 || !has_saved, "said to be saved, and is not: call %lu", nth);
        n_old += step == 1;
        check_ok(checkpoint_clean(r.output_dir, &err)); /* as a run does that goes on, which saves again */
        expect_tidy(r.output_dir);
        if (in_place) /* the new one or the old one: it might be the only one */
            ck_assert_uint_eq(newest(&r, learned, !has_saved), 2);
        check_ok(save(&r));
        ck_assert_uint_eq(newest(&r, learned, false), 2);
        expect_tidy(r.output_dir);
    }
    ck_assert_uint_gt(nth, 40); /* every one of a save's calls has come here */
    if (!in_place)
        ck_assert_uint_gt(n_old, 30);
    else /* killed between two renames, and only there */
        ck_assert_uint_eq(n_old, cuts[_i].no_exchanges && cuts[_i].cut == save_and_be_killed);
    disk.no_exchanges = false;
    forget(&learned[1]);
    forget(&learned[2]);
    close_run(&r);
}
END_TEST

/* ---- a run, killed again and again ---- */

/* A process that goes on with the run and is killed at its nth call; false: it has come to the run's end. */
static bool go_on_and_be_killed(const char *name, unsigned long nth)
{
    int status;
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct small_run r;
        disk_kill(nth);
        enum sft_status failed = open_run(&r, name);
        const struct train_state *state = &r.run.learner.state;
        while (!failed && state->step < STEPS) {
            failed = take_step(&r);
            if (!failed)
                failed = save(&r);
            if (!failed)
                failed = checkpoint_prune(r.output_dir, KEPT, state->step, 0, &err);
        }
        if (failed)
            fprintf(stderr, "%s\n", err_text(&err));
        _exit(failed ? 1 : 0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void expect_same_file(const char *one, const char *other, const char *name)
{
    struct strbuf a = {0}, b = {0};
    char *path_a = mem_printf("%s/%s/last/%s", dir, one, name), *path_b = mem_printf("%s/%s/last/%s", dir, other, name);
    check_ok(io_read(path_a, &a, &err));
    check_ok(io_read(path_b, &b, &err));
    ck_assert_msg(a.len == b.len && memcmp(a.data, b.data, a.len) == 0, "%s differs", name);
    strbuf_free(&a);
    strbuf_free(&b);
    free(path_a);
    free(path_b);
}

START_TEST(a_run_that_is_killed_ends_as_if_it_were_not)
{
    static const char *const weights[] = {"model.safetensors.index.json", "model-00001-of-00003.safetensors",
                                          "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors"};
    static const char *const files[] = {"trainer/optimizer.safetensors", "model.safetensors.index.json", "config.json",
                                        "tokenizer.json"};
    save_dtype = _i ? "bf16" : "f32";
    char *output_dir = path_join(dir, "out");
    unsigned long kills = 0, n_half = 0;
    ck_assert(!go_on_and_be_killed("straight", 0));
    while (go_on_and_be_killed("out", 5 + 13 * kills)) {
        kills++;
        if (!path_is_dir(output_dir))
            continue;
        expect_whole_ones(output_dir);
        for (int step = 1; step <= STEPS; step++) {
            char *half = mem_printf("checkpoint-%d.tmp/%smodel-00001-of-00003.safetensors", step, place_of_weights());
            n_half += has(output_dir, half);
            free(half);
        }
    }
    expect_tidy(output_dir);
    ck_assert_uint_gt(kills, 5);
    ck_assert_uint_ge(n_half, 2);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        expect_same_file("straight", "out", files[i]);
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        char *name = mem_printf("%s%s", place_of_weights(), weights[i]);
        expect_same_file("straight", "out", name);
        free(name);
    }
    save_dtype = "f32";
    free(output_dir);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    omp_set_num_threads(1); /* no team: these processes fork */
    Suite *suite = suite_create("checkpoint_cut");
    TCase *tests = tcase_create("cut");
    tcase_set_timeout(tests, 240);
    tcase_add_checked_fixture(tests, put_run, remove_dir);
    tcase_add_loop_test(tests, a_save_is_there_whole_or_not_at_all, 0, sizeof cuts / sizeof *cuts);
    tcase_add_loop_test(tests, a_run_that_is_killed_ends_as_if_it_were_not, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
