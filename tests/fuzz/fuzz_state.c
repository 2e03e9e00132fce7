/* Any bytes as one file of a checkpoint; the first says which:
 *
 *     s   trainer/state.json: refused, or a state that can be, which is written and read back as the same
 *     o   trainer/optimizer.safetensors: refused, or read into the moments of a small model
 *     w   model.safetensors, likewise: no weight is not finite
 *     c   trainer/checksums.xxh64: what it is said to vouch for is all there
 *
 * The other files are those of a checkpoint that is in order. */
#include "base/mem.h"
#include "files/checksums.h"
#include "model/config_read.h"
#include "text/bpe_train/bpe_train.h"
#include "train/checkpoint.h"
#include "train/checkpoint_list.h"
#include "train/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static char dir[256]; /* checkpoint-5 of it is in order */
static struct settings settings;
static struct transformer model;
static struct adamw adamw;
static struct tokenizer *tokenizer;
static struct run_record record;
static struct strbuf record_text;
static const struct model_meta meta = {
    .eos_token_id = -1, .pad_token_id = -1, .bos_token_id = -1, .dtype = &dtype_f32};
static const struct train_state in_order = {
    .step = 5, .num_tokens = 1000, .num_target_tokens = 400, .window = {12.5, 20, 40}, .last_eval_step = 4,
    .best_step = 4};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void clean_up(void)
{
    struct sft_err err;
    io_remove_tree(dir, &err);
}

/* Save a state as checkpoint-STEP of a run of so many steps. */
static void save(const struct train_state *state, uint64_t total_steps)
{
    struct sft_err err;
    struct run_record of = record;
    of.total_steps = total_steps;
    strbuf_clear(&record_text);
    run_record_write(&of, &record_text);
    const struct checkpoint c = {
        .model = &model, .adamw = &adamw, .tokenizer = tokenizer, .meta = &meta, .record = &record_text,
        .state = state};
    require(checkpoint_save(dir, &c, &err) == SFT_OK);
}

static void make_model(void)
{
    static const char text[] = "{\"model_type\": \"gpt2\", \"n_layer\": 1, \"n_head\": 1, \"n_embd\": 2, "
                               "\"n_inner\": 2, \"n_positions\": 2, \"vocab_size\": 3}";
    struct sft_err err;
    struct model_config config;
    json *root;
    require(json_parse(text, sizeof text - 1, &root, &err) == SFT_OK &&
            model_config_read(&config, root, &err) == SFT_OK);
    json_free(root);
    require(transformer_init(&model, &config, NULL, tensor_any, &err) == SFT_OK);
    const size_t bytes = model.params.table.n_trained_elements * sizeof(float);
    require(block_alloc(&adamw.m, bytes, "moments", &err) == SFT_OK &&
            block_alloc(&adamw.v, bytes, "moments", &err) == SFT_OK);
}

static void make_all(void)
{
    static const char *const special[] = {"<|endoftext|>"};
    const struct bpe_train_options options = {.vocab_size = 257, .special = special, .n_special = 1};
    struct bpe_trainer *trainer;
    struct sft_err err;
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/sft-fuzz-state-%ld", tmp ? tmp : "/tmp", (long)getpid());
    require(io_mkdirs(dir, &err) == SFT_OK);
    atexit(clean_up);
    require(bpe_trainer_new(&trainer, &options, &err) == SFT_OK);
    require(bpe_trainer_train(trainer, &tokenizer, &err) == SFT_OK);
    bpe_trainer_free(trainer);
    settings_init(&settings);
    make_model();
    record = (struct run_record){.settings = &settings, .precision = "fp32", .isa = "ref", .total_steps = 9};
    save(&in_order, record.total_steps);
}

/* ---- each kind of file ---- */

static bool same_pairs(const struct pair_sums *a, const struct pair_sums *b)
{
    return a->n == b->n && a->loss == b->loss && a->chosen_rewards == b->chosen_rewards &&
           a->rejected_rewards == b->rejected_rewards && a->accuracies == b->accuracies &&
           a->chosen_logps == b->chosen_logps && a->rejected_logps == b->rejected_logps;
}

static bool same_state(const struct train_state *a, const struct train_state *b)
{
    return a->step == b->step && a->num_tokens == b->num_tokens && a->num_target_tokens == b->num_target_tokens &&
           a->window.loss == b->window.loss && a->window.correct == b->window.correct &&
           a->window.weight == b->window.weight && same_pairs(&a->window.pairs, &b->window.pairs) &&
           a->last_eval_step == b->last_eval_step &&
           a->best_step == b->best_step && a->best_metric == b->best_metric && a->best_loss == b->best_loss &&
           a->best_incoherent == b->best_incoherent &&
           a->evals_without_improvement == b->evals_without_improvement;
}

/* Written and found, a state that was accepted is the same. */
static void check_round_trip(const struct train_state *state, uint64_t total_steps)
{
    struct checkpoint_found found;
    struct sft_err err;
    char *last = path_join(dir, "last");
    save(state, total_steps);
    require(checkpoint_find(dir, &found, &err) == SFT_OK && found.dir && same_state(state, &found.state));
    require(path_is_dir(last));
    checkpoint_found_free(&found);
    free(last);
}

static void check_state(const char *text, size_t len)
{
    struct train_state state;
    struct sft_err err = {0};
    const char *isa;
    json *root;
    if (json_parse(text, len, &root, &err)) {
        require(err.message[0]);
        return;
    }
    const enum sft_status agrees = run_record_check(&record, root, &isa, &err);
    require(agrees == SFT_OK || (agrees == SFT_EUSAGE && err.message[0]));
    if (train_state_read(root, &state, &err)) {
        require(err.status == SFT_EDATA && err.message[0]);
    } else {
        const double total = json_number(json_get(root, "total_steps"));
        require((double)state.step <= total && state.best_step <= state.step &&
                state.last_eval_step <= (int64_t)state.step && state.num_target_tokens <= state.num_tokens);
        require(isfinite(state.window.loss) && isfinite(state.best_metric) && isfinite(state.best_loss));
        if (state.step > 5) { /* newer than the one in order, so that it is found first */
            check_round_trip(&state, (uint64_t)total);
            require(checkpoint_prune(dir, 1, in_order.step, 0, &err) == SFT_OK);
            require(checkpoint_count(dir) == 1 || checkpoint_count(dir) == 2);
            clean_up();
            save(&in_order, record.total_steps);
        }
    }
    json_free(root);
}

/* The checkpoint with `text` in the place of one of its files. */
static void check_file(const char *name, const char *text, size_t len)
{
    struct sft_err err = {0};
    struct strbuf before = {0};
    char *checkpoint = path_join(dir, "checkpoint-5"), *path = path_join(checkpoint, name);
    require(io_read_file(path, &before, &err) == SFT_OK);
    require(io_write_file(path, text, len, &err) == SFT_OK);
    if (checkpoint_load(checkpoint, false, &model, &adamw, &err))
        require(err.message[0]);
    else
        for (size_t i = 0; i < model.params.table.n_elements; i++)
            require(isfinite(((const float *)model.params.values.data)[i]));
    require(io_write_file(path, before.data, before.len, &err) == SFT_OK);
    strbuf_free(&before);
    free(checkpoint);
    free(path);
}

static void check_checksums(const char *text, size_t len)
{
    struct sft_err err = {0};
    char *checkpoint = path_join(dir, "checkpoint-5"), *path = path_join(checkpoint, "trainer/checksums.xxh64");
    bool present;
    require(io_write_file(path, text, len, &err) == SFT_OK);
    if (checksums_verify(checkpoint, &present, &err)) {
        require(err.message[0]);
    } else {
        require(present && len > 0 && text[len - 1] == '\n' && !memchr(text, '\0', len));
        for (const char *line = text, *end; line < text + len; line = end + 1) {
            end = memchr(line, '\n', len - (size_t)(line - text));
            require(end - line > 18 && line[16] == ' ' && line[17] == ' ');
        }
    }
    require(checksums_write(checkpoint, &err) == SFT_OK);
    free(checkpoint);
    free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!*dir)
        make_all();
    if (size == 0)
        return 0;
    char *text = mem_alloc(size > 1 ? size - 1 : 1); /* a copy of its exact size, so that reading past it is caught */
    memcpy(text, bytes + 1, size - 1);
    switch (bytes[0]) {
    case 's': check_state(text, size - 1); break;
    case 'o': check_file("trainer/optimizer.safetensors", text, size - 1); break;
    case 'w': check_file("model.safetensors", text, size - 1); break;
    case 'c': check_checksums(text, size - 1); break;
    default: break;
    }
    free(text);
    return 0;
}
