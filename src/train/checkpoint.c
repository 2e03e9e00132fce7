#include "train/checkpoint.h"

#include "base/io.h"
#include "base/log.h"
#include "base/staging.h"
#include "files/checksums.h"
#include "files/hf_save.h"
#include "files/safetensors.h"
#include "files/weights.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *checkpoint_path(const char *output_dir, uint64_t step)
{
    return mem_printf("%s/checkpoint-%llu", output_dir, (unsigned long long)step);
}

/* The step in a name "checkpoint-STEP"; 0 for any other name (there is no checkpoint before the first step).
 */
static uint64_t step_of(const char *name)
{
    static const char prefix[] = "checkpoint-";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return 0;
    const char *digits = name + sizeof prefix - 1;
    if (!*digits || strspn(digits, "0123456789") != strlen(digits))
        return 0;
    return strtoull(digits, NULL, 10);
}

/* ---- state.json ---- */

static void write_number(struct strbuf *out, const char *key, double value)
{
    strbuf_printf(out, "  \"%s\": %.17g,\n", key, value); /* 17 digits: the same double comes back */
}

static void state_write(const struct train_state *s, const struct run_record *record, struct strbuf *out)
{
    strbuf_puts(out, "{\n");
    write_number(out, "step", (double)s->step);
    write_number(out, "num_tokens", (double)s->num_tokens);
    write_number(out, "num_target_tokens", (double)s->num_target_tokens);
    write_number(out, "window_loss", s->window.loss);
    write_number(out, "window_correct", s->window.correct);
    write_number(out, "window_weight", s->window.weight);
    write_number(out, "last_eval_step", (double)s->last_eval_step);
    write_number(out, "best_step", (double)s->best_step);
    write_number(out, "best_metric", s->best_metric);
    write_number(out, "evals_without_improvement", (double)s->evals_without_improvement);
    run_record_write(record, out);
    strbuf_puts(out, "\n}\n");
}

/* A number, from `least` to `most`; a count is a whole one. */
static enum sft_status read_number(const json *root, const char *key, bool is_count, double least,
                                   double most, double *value, struct sft_err *err)
{
    const json *node = json_get(root, key);
    *value = json_is_number(node) ? json_number(node) : 0;
    if (!json_is_number(node))
        return sft_fail(err, SFT_EDATA, "trainer/state.json: %s: expected a number, found %s", key,
                        json_type_name(node));
    if (!(*value >= least && *value <= most) || (is_count && *value != floor(*value)))
        return sft_fail(err, SFT_EDATA,
                        "trainer/state.json: %s: expected a %snumber from %g to %g, found %.17g", key,
                        is_count ? "whole " : "", least, most, *value);
    return SFT_OK;
}

static enum sft_status read_count(const json *root, const char *key, double most, uint64_t *count,
                                  struct sft_err *err)
{
    double value;
    const enum sft_status status = read_number(root, key, true, 0, most, &value, err);
    *count = status ? 0 : (uint64_t)value;
    return status;
}

/* Checksums say that it is what was written; that it can be true is seen here. What follows from the step (the epoch,
 * the place in it) is computed from it, and bounded by the steps that the run was to have. */
static enum sft_status state_read(const json *root, struct train_state *s, struct sft_err *err)
{
    static const double most = 0x1p53, huge = DBL_MAX;
    double total, last_eval = -1;
    *s = (struct train_state){0};
    if (read_number(root, "total_steps", true, 1, most, &total, err) ||
        read_count(root, "step", total, &s->step, err) ||
        read_count(root, "num_tokens", most, &s->num_tokens, err) ||
        read_count(root, "num_target_tokens", (double)s->num_tokens, &s->num_target_tokens, err) ||
        read_number(root, "window_loss", false, -huge, huge, &s->window.loss, err) ||
        read_number(root, "window_correct", false, 0, huge, &s->window.correct, err) ||
        read_number(root, "window_weight", false, 0, huge, &s->window.weight, err) ||
        read_count(root, "best_step", (double)s->step, &s->best_step, err) ||
        read_number(root, "best_metric", false, -huge, huge, &s->best_metric, err) ||
        read_count(root, "evals_without_improvement", (double)s->step + 1, &s->evals_without_improvement,
                   err))
        return SFT_EDATA;
    if (json_get(root, "last_eval_step") &&
        read_number(root, "last_eval_step", true, -1, (double)s->step, &last_eval, err))
        return SFT_EDATA;
    s->last_eval_step = (int64_t)last_eval;
    return SFT_OK;
}

/* ---- moments ---- */

static enum sft_status moments_write(const char *path, const struct checkpoint *c, struct sft_err *err)
{
    const struct tensor_table *table = &c->model->table;
    const float *moments[2] = {c->adamw->m.data, c->adamw->v.data};
    struct arena names = {0};
    struct st_entry *entries = arena_calloc(&names, 2 * table->n_tensors, sizeof *entries);
    for (size_t i = 0; i < 2 * table->n_tensors; i++) {
        const struct tensor *t = &table->tensors[i % table->n_tensors];
        entries[i] = (struct st_entry){
            .name = arena_printf(&names, "%c.%s", i < table->n_tensors ? 'm' : 'v', t->name),
            .dtype = &dtype_f32,
            .n_dims = t->n_dims,
            .shape = {t->rows, t->cols}};
    }
    enum sft_status status = SFT_OK;
    struct st_writer *w = st_writer_open(path, entries, 2 * table->n_tensors, err);
    if (w) {
        for (size_t i = 0; i < 2 * table->n_tensors; i++)
            st_write(w, moments[i / table->n_tensors] + table->tensors[i % table->n_tensors].offset);
        status = st_writer_commit(w, NULL, err);
    } else {
        status = err->status;
    }
    arena_free(&names);
    return status;
}

static enum sft_status moments_read(const char *path, const struct transformer *model, struct adamw *adamw,
                                    struct sft_err *err)
{
    const struct tensor_table *table = &model->table;
    float *moments[2] = {adamw->m.data, adamw->v.data};
    struct st_file file;
    if (st_open(&file, path, err))
        return err->status;
    enum sft_status status = SFT_OK;
    for (size_t i = 0; i < 2 * table->n_tensors && !status; i++) {
        const struct tensor *t = &table->tensors[i % table->n_tensors];
        char name[sizeof t->name + 2];
        snprintf(name, sizeof name, "%c.%s", i < table->n_tensors ? 'm' : 'v', t->name);
        const struct stored_tensor *stored = st_find(&file, name);
        if (!stored || stored->count != t->count)
            status = sft_fail(err, SFT_EDATA, "%s: tensor '%s' is missing or has another size", path, name);
        else
            status = stored_read(stored, moments[i / table->n_tensors] + t->offset, err);
    }
    st_close(&file);
    return status;
}

/* ---- saving ---- */

static enum sft_status write_contents(const char *dir, const struct checkpoint *c, struct sft_err *err)
{
    char *trainer = path_join(dir, "trainer"), *optimizer = path_join(trainer, "optimizer.safetensors");
    char *state_path = path_join(trainer, "state.json");
    const struct model_out model = {c->model->params.data, &c->model->table, &c->model->config, c->meta, c->tokenizer};
    struct strbuf state = {0};
    state_write(c->state, c->record, &state);
    enum sft_status status = io_mkdirs(trainer, err);
    if (!status)
        status = hf_save(&model, dir, err);
    if (!status)
        status = moments_write(optimizer, c, err);
    if (!status)
        status = io_write_file(state_path, state.data, state.len, err);
    if (!status)
        status = checksums_write(dir, err);
    strbuf_free(&state);
    free(trainer);
    free(optimizer);
    free(state_path);
    return status;
}

/* Let output_dir/NAME be a link to checkpoint-STEP. */
static enum sft_status point_link(const char *output_dir, const char *name, uint64_t step,
                                  struct sft_err *err)
{
    char *link = path_join(output_dir, name), *dir = checkpoint_path(output_dir, step);
    const char *target = strrchr(dir, '/') + 1;
    char now[64] = "";
    enum sft_status status = SFT_OK;
    if (path_is_dir(dir) && (readlink(link, now, sizeof now - 1) < 0 || strcmp(now, target) != 0))
        status = io_symlink(target, link, err);
    free(link);
    free(dir);
    return status;
}

enum sft_status checkpoint_link(const char *output_dir, uint64_t last, uint64_t best, struct sft_err *err)
{
    enum sft_status status = point_link(output_dir, "last", last, err);
    if (!status && best)
        status = point_link(output_dir, "best", best, err);
    return status ? status : io_sync_dir(output_dir, err);
}

enum sft_status checkpoint_save(const char *output_dir, const struct checkpoint *c, struct sft_err *err)
{
    char *dir = checkpoint_path(output_dir, c->state->step);
    struct staging staging;
    enum sft_status status = staging_open(&staging, dir, err);
    if (!status)
        status = write_contents(staging.path, c, err);
    if (!status)
        status = staging_commit(&staging, err);
    staging_close(&staging);
    if (!status)
        status = checkpoint_link(output_dir, c->state->step, c->state->best_step, err);
    free(dir);
    return status;
}

/* ---- looking ---- */

static int newest_first(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The steps of all checkpoints there are, newest first; malloc'd. */
static enum sft_status list_steps(const char *output_dir, uint64_t **steps, size_t *count,
                                  struct sft_err *err)
{
    char **names;
    size_t n_names;
    *steps = NULL;
    *count = 0;
    if (!path_exists(output_dir))
        return SFT_OK;
    if (io_list(output_dir, &names, &n_names, err))
        return err->status;
    *steps = mem_alloc(n_names * sizeof **steps);
    for (size_t i = 0; i < n_names; i++)
        if (step_of(names[i]))
            (*steps)[(*count)++] = step_of(names[i]);
    io_list_free(names, n_names);
    qsort(*steps, *count, sizeof **steps, newest_first);
    return SFT_OK;
}

size_t checkpoint_count(const char *output_dir)
{
    uint64_t *steps;
    size_t count;
    struct sft_err none;
    const bool is_readable = list_steps(output_dir, &steps, &count, &none) == SFT_OK;
    free(steps);
    return is_readable ? count : 0;
}

/* Under its own name it is whole or gone: what a kill leaves of it has a name that is no checkpoint's, and goes with
 * checkpoint_clean. */
static enum sft_status remove_checkpoint(const char *output_dir, uint64_t step, struct sft_err *err)
{
    char *dir = checkpoint_path(output_dir, step), *tmp = mem_printf("%s.tmp", dir);
    enum sft_status status = io_remove_tree(tmp, err);
    if (!status)
        status = io_rename(dir, tmp, err);
    if (!status)
        status = io_remove_tree(tmp, err);
    free(dir);
    free(tmp);
    return status;
}

enum sft_status checkpoint_prune(const char *output_dir, uint64_t keep, uint64_t newest, uint64_t best,
                                 struct sft_err *err)
{
    uint64_t *steps;
    size_t count;
    enum sft_status status = list_steps(output_dir, &steps, &count, err);
    for (size_t i = keep; keep && i < count && !status; i++) {
        if (steps[i] == newest || steps[i] == best)
            continue;
        status = remove_checkpoint(output_dir, steps[i], err);
    }
    free(steps);
    return status;
}

static bool is_left_over(const char *name)
{
    const size_t len = strlen(name);
    if (strcmp(name, "last.tmp") == 0 || strcmp(name, "best.tmp") == 0)
        return true;
    return strncmp(name, "checkpoint-", 11) == 0 && len >= 15 && strcmp(name + len - 4, ".tmp") == 0;
}

enum sft_status checkpoint_clean(const char *output_dir, struct sft_err *err)
{
    char **names = NULL;
    size_t count = 0;
    if (!path_exists(output_dir))
        return SFT_OK;
    enum sft_status status = io_list(output_dir, &names, &count, err);
    for (size_t i = 0; i < count && !status; i++) {
        if (!is_left_over(names[i]))
            continue;
        char *path = path_join(output_dir, names[i]);
        status = io_remove_tree(path, err);
        free(path);
    }
    io_list_free(names, count);
    return status;
}

/* Parse the state of checkpoint `step`, which must be one that can be. */
static enum sft_status open_state(const char *dir, uint64_t step, json **state, struct sft_err *err)
{
    struct train_state s;
    char *path = path_join(dir, "trainer/state.json");
    enum sft_status status = json_parse_file(path, state, err);
    free(path);
    if (status)
        return status;
    status = state_read(*state, &s, err);
    if (!status && s.step != step)
        status = sft_fail(err, SFT_EDATA, "trainer/state.json: step: it says %llu",
                          (unsigned long long)s.step);
    if (!status)
        return SFT_OK;
    json_free(*state);
    *state = NULL;
    return sft_context(err, "%s", dir);
}

/* Check one checkpoint and parse its state. */
static enum sft_status open_checkpoint(const char *dir, uint64_t step, json **state, struct sft_err *err)
{
    bool present = false;
    if (checksums_verify(dir, &present, err))
        return err->status;
    if (!present)
        return sft_fail(err, SFT_EDATA, "%s: trainer/checksums.xxh64 is missing", dir);
    return open_state(dir, step, state, err);
}

enum sft_status checkpoint_find(const char *output_dir, char **dir, json **state, struct sft_err *err)
{
    uint64_t *steps;
    size_t count;
    *dir = NULL;
    *state = NULL;
    if (list_steps(output_dir, &steps, &count, err))
        return err->status;
    for (size_t i = 0; i < count && !*state; i++) {
        char *candidate = checkpoint_path(output_dir, steps[i]);
        if (open_checkpoint(candidate, steps[i], state, err) == SFT_OK) {
            *dir = candidate;
        } else {
            log_warning("%s; skipped", err->message);
            free(candidate);
        }
    }
    free(steps);
    if (count && !*dir)
        return sft_fail(err, SFT_EDATA, "%s: none of its %zu checkpoints is whole (start again with --fresh)",
                        output_dir, count);
    return SFT_OK;
}

enum sft_status checkpoint_load(const char *dir, const json *state_json, struct transformer *model,
                                struct adamw *adamw, struct train_state *state, struct sft_err *err)
{
    char *optimizer = path_join(dir, "trainer/optimizer.safetensors");
    enum sft_status status = state_read(state_json, state, err);
    if (!status)
        status = weights_load(model->params.data, &model->table, &model->config, model->config.vocab_size, dir,
                              err);
    if (!status)
        status = moments_read(optimizer, model, adamw, err);
    free(optimizer);
    return status;
}

enum sft_status checkpoint_read_state(const json *state_json, struct train_state *state, struct sft_err *err)
{
    return state_read(state_json, state, err);
}
