#include "train/checkpoint.h"

#include "base/io.h"
#include "base/log.h"
#include "base/staging.h"
#include "files/checksums.h"
#include "files/hf_files.h"
#include "files/hf_save.h"
#include "files/hf_weights.h"
#include "files/peft/peft_adapter.h"
#include "files/peft/peft_base.h"
#include "files/peft/peft_save.h"
#include "files/weights.h"
#include "text/tokenizer/tokenizer_save.h"
#include "train/adamw_file.h"
#include "train/checkpoint_list.h"

#include <stdlib.h>

static const char trainer_name[] = "trainer";
static const char moments_name[] = "trainer/optimizer.safetensors", state_name[] = CHECKPOINT_STATE;

/* ---- saving ---- */

static struct model_out model_out_of(const struct checkpoint *c, const struct model_meta *meta)
{
    const struct transformer *model = c->model;
    return (struct model_out){.values = model_values_in(model->params.values.data),
                              .table = &model->params.table,
                              .config = &model->config,
                              .meta = meta,
                              .tokenizer = c->tokenizer};
}

/* What anybody can read: a Hugging Face directory, or an adapter and the tokenizer that goes with it. */
static enum sft_status write_model(const char *dir, const struct checkpoint *c, struct sft_err *err)
{
    if (c->adapter)
        return peft_save(&c->model->params, c->adapter, &c->model->config, c->meta->dtype, dir, err)
                   ? err->status
                   : tokenizer_save(c->tokenizer, dir, c->model->config.n_positions, err);
    const struct model_out out = model_out_of(c, c->meta);
    return hf_save(&out, dir, err);
}

static enum sft_status write_state(const char *path, const struct checkpoint *c, struct sft_err *err)
{
    struct strbuf text = {0};
    strbuf_puts(&text, "{\n");
    train_state_write(c->state, &text);
    strbuf_add(&text, c->record->data, c->record->len);
    strbuf_puts(&text, "\n}\n");
    const enum sft_status status = io_write_file(path, text.data, text.len, err);
    strbuf_free(&text);
    return status;
}

/* The weights themselves, where the model's own are rounded. */
static enum sft_status write_masters(const char *trainer, const struct checkpoint *c, struct sft_err *err)
{
    struct model_meta meta = *c->meta;
    meta.dtype = &dtype_f32;
    if (c->meta->dtype == &dtype_f32)
        return SFT_OK;
    if (c->adapter)
        return peft_save(&c->model->params, c->adapter, &c->model->config, &dtype_f32, trainer, err);
    const struct model_out masters = model_out_of(c, &meta);
    return hf_weights_save(&masters, trainer, err);
}

/* What only this program goes on from. */
static enum sft_status write_trainer(const char *dir, const struct checkpoint *c, struct sft_err *err)
{
    char *trainer = path_join(dir, trainer_name), *moments = path_join(dir, moments_name);
    char *state = path_join(dir, state_name);
    enum sft_status status = io_mkdirs(trainer, err);
    if (!status)
        status = write_masters(trainer, c, err);
    if (!status)
        status = adamw_write(c->adamw, &c->model->params.table, moments, err);
    if (!status)
        status = write_state(state, c, err);
    free(trainer);
    free(moments);
    free(state);
    return status;
}

static enum sft_status write_contents(const char *dir, const struct checkpoint *c, struct sft_err *err)
{
    if (write_model(dir, c, err) || write_trainer(dir, c, err))
        return err->status;
    return checksums_write(dir, err);
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

/* ---- going on ---- */

/* The state of checkpoint `step`, which must be one that can be. */
static enum sft_status read_state(const char *dir, uint64_t step, struct checkpoint_found *found, struct sft_err *err)
{
    char *path = path_join(dir, state_name);
    enum sft_status status = json_parse_file(path, &found->state_json, err);
    free(path);
    if (status)
        return status;
    status = train_state_read(found->state_json, &found->state, err);
    if (!status && found->state.step != step)
        status = sft_fail_in(err, SFT_EDATA, "step", "it says %llu", (unsigned long long)found->state.step);
    return status ? sft_in_dir(err, dir, state_name) : SFT_OK;
}

/* Takes `dir` over. */
static enum sft_status open_checkpoint(char *dir, uint64_t step, struct checkpoint_found *found, struct sft_err *err)
{
    bool present = false;
    *found = (struct checkpoint_found){.dir = dir};
    if (checksums_verify(dir, &present, err))
        return err->status;
    if (!present)
        return sft_fail(err, SFT_EDATA, "%s: trainer/checksums.xxh64 is missing", dir);
    return read_state(dir, step, found, err);
}

void checkpoint_found_free(struct checkpoint_found *found)
{
    free(found->dir);
    json_free(found->state_json);
    *found = (struct checkpoint_found){.state = train_state_new()};
}

enum sft_status checkpoint_find(const char *output_dir, struct checkpoint_found *found, struct sft_err *err)
{
    uint64_t *steps;
    size_t count;
    *found = (struct checkpoint_found){.state = train_state_new()};
    if (checkpoint_list(output_dir, &steps, &count, err))
        return err->status;
    for (size_t i = 0; i < count && !found->dir; i++) {
        if (open_checkpoint(checkpoint_path(output_dir, steps[i]), steps[i], found, err)) {
            log_warning("%s; skipped", SFT_ERR_TEXT(err));
            checkpoint_found_free(found);
        }
    }
    free(steps);
    if (count && !found->dir)
        return sft_fail(err, SFT_EDATA, "%s: none of its %zu checkpoints is whole (start again with --fresh)",
                        output_dir, count);
    return SFT_OK;
}

static enum sft_status load_adapter(const char *dir, const struct transformer *model, struct sft_err *err)
{
    struct peft_adapter adapter;
    enum sft_status status = peft_open(&adapter, dir, err);
    if (!status)
        status = peft_load(&model->params, &adapter, &model->config, err);
    peft_close(&adapter);
    return status;
}

enum sft_status checkpoint_load(const char *dir, bool is_adapter, struct transformer *model, struct adamw *adamw,
                                struct sft_err *err)
{
    char *moments = path_join(dir, moments_name), *trainer = path_join(dir, trainer_name);
    const bool has_masters = is_adapter ? peft_is_adapter(trainer) : hf_files_has_weights(trainer);
    const char *from = has_masters ? trainer : dir;
    enum sft_status status = is_adapter
                                 ? load_adapter(from, model, err)
                                 : weights_load(model->params.values.data, &model->params.table, &model->config,
                                                model->config.vocab_size, from, err);
    if (!status)
        status = adamw_read(adamw, &model->params.table, moments, err);
    free(trainer);
    free(moments);
    return status;
}
