#include "train/run.h"

#include "base/io.h"
#include "base/log.h"
#include "files/weights.h"
#include "train/options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const precision_name[] = {"auto", "fp32", "bf16"};

/* ---- the output directory ---- */

/* output_dir, or with --fresh the first of output_dir-2, -3, ... that does not exist, if output_dir does. */
static char *choose_output_dir(const struct settings *settings, bool fresh)
{
    char *dir = mem_strdup(settings->train.output_dir);
    for (size_t n = 2; fresh && path_exists(dir); n++) {
        free(dir);
        dir = mem_printf("%s-%zu", settings->train.output_dir, n);
    }
    return dir;
}

static enum sft_status lock_output_dir(struct run *run, struct sft_err *err)
{
    if (io_mkdirs(run->output_dir, err))
        return sft_context(err, "[train] output_dir");
    char *path = path_join(run->output_dir, ".lock");
    enum sft_status status = io_lock(path, &run->lock, err);
    if (status == SFT_EUSAGE)
        status = sft_fail(err, SFT_EUSAGE,
                          "[train] output_dir: %s is held by another run (wait for it, or choose another)",
                          run->output_dir);
    free(path);
    return status;
}

/* ---- model and tokenizer ---- */

/* A row for each token: control tokens were added, or the base's tokenizer has more than its model. */
static void grow_vocabulary(struct run *run)
{
    const size_t n_tokens = tokenizer_vocab_size(run->tokenizer), base_vocab = run->base.config.vocab_size;
    run->config.vocab_size = n_tokens > base_vocab ? n_tokens : base_vocab;
}

/* Its files; `has_model`: otherwise only the tokenizer. */
static enum sft_status open_base(struct run *run, bool has_model, struct sft_err *err)
{
    const char *base = run->settings->model.base;
    const enum sft_status status = has_model ? model_files_open(&run->base, base, err)
                                             : model_files_open_tokenizer(&run->base, base, err);
    run->config = run->base.config;
    run->tokenizer = run->base.tokenizer;
    run->base.tokenizer = NULL;
    const struct template_options template = template_options_of(run->settings);
    if (status || template_init(&run->template, &template, run->tokenizer, err))
        return err->status;
    if (has_model)
        grow_vocabulary(run);
    return SFT_OK;
}

static void describe_export(struct run *run)
{
    run->meta = (struct model_meta){.base_config = run->base.config_json,
                                 .base_generation = run->base.generation.raw,
                                 .eos_token_id = tokenizer_eos_id(run->tokenizer),
                                 .pad_token_id = tokenizer_pad_id(run->tokenizer),
                                 .bos_token_id = tokenizer_bos_id(run->tokenizer),
                                 .dtype = &dtype_f32};
}

/* ---- data ---- */

static size_t effective_max_length(const struct run *run)
{
    const uint64_t asked = run->settings->data.max_length;
    const size_t positions = run->config.n_positions; /* 0: no model, only its tokenizer */
    return positions && positions < asked ? positions : (size_t)asked;
}

/* What the settings do not say about reading the data. */
struct load_options {
    bool lenient;             /* rows that would stop a run are only left out and counted */
    size_t max_rows;          /* of a file; 0: all */
    const volatile int *stop; /* set by a signal; may be NULL */
};

static enum sft_status load_data(struct run *run, const struct load_options *load, struct sft_err *err)
{
    const struct settings *s = run->settings;
    struct dataset_options options = dataset_options_of(s, effective_max_length(run));
    options.stop = load->stop;
    options.max_rows = load->max_rows;
    if (load->lenient) {
        options.on_bad_row = ON_BAD_ROW_SKIP;
        options.allows_flags = true;
        if (options.render.overlong == OVERLONG_ERROR)
            options.render.overlong = OVERLONG_DROP;
    }
    if (dataset_find_files(s->data.eval.items, s->data.eval.count,
                           err)) /* before hours are spent on the others */
        return err->status;
    if (dataset_load(&run->train, s->data.train.items, s->data.train.count, &run->template, run->tokenizer,
                     &options, err))
        return err->status;
    if (s->data.eval.count && dataset_load(&run->eval, s->data.eval.items, s->data.eval.count, &run->template,
                                           run->tokenizer, &options, err))
        return err->status;
    if (load->max_rows) /* the rows that were not read may have them */
        return SFT_OK;
    return dataset_check_names(&run->train, &run->eval, &options.names, err);
}

static void split_data(struct run *run)
{
    const double fraction = run->settings->data.eval_fraction;
    run_record_data(&run->record.train, &run->train);
    run_record_data(&run->record.eval, &run->eval);
    if (fraction > 0) {
        const size_t before = run->train.n_examples;
        dataset_split(&run->train, &run->eval, fraction);
        run->eval_is_split = before - run->train.n_examples;
    }
}

static enum sft_status open_data(struct run *run, struct settings *settings, const struct load_options *load,
                                 struct sft_err *err)
{
    *run = (struct run){.settings = settings, .lock = -1};
    if (!path_exists(settings->model.base))
        return sft_fail(err, SFT_EIO, "%s: %s", settings->model.base, strerror(ENOENT));
    char *config = path_join(settings->model.base, "config.json");
    const bool has_model = !path_is_dir(settings->model.base) || path_exists(config);
    free(config);
    if (open_base(run, has_model, err) || load_data(run, load, err))
        return err->status;
    return SFT_OK;
}

enum sft_status run_open_data(struct run *run, struct settings *settings, size_t max_rows,
                              const volatile int *stop, struct sft_err *err)
{
    return open_data(run, settings, &(struct load_options){.max_rows = max_rows, .stop = stop}, err);
}

/* Documents have no turns: a run on nothing else leaves the base's vocabulary and its end token as they are.
 */
static enum sft_status leave_vocabulary_alone(struct run *run, struct sft_err *err)
{
    if (!dataset_is_documents(&run->train) || !dataset_is_documents(&run->eval))
        return SFT_OK;
    run->data_template = run->template;
    run->data_tokenizer = run->tokenizer;
    run->template = (struct chat_template){0};
    dataset_borrow(&run->train, &run->data_template, run->data_tokenizer);
    dataset_borrow(&run->eval, &run->data_template, run->data_tokenizer);
    const enum sft_status status = model_files_reload_tokenizer(&run->base, &run->tokenizer, err);
    if (!status)
        grow_vocabulary(run);
    return status;
}

/* What on_bad_row = skip leaves out is written down, so that nothing is lost silently. */
static enum sft_status write_rejected(const struct run *run, struct sft_err *err)
{
    char *path = path_join(run->output_dir, "rejected.jsonl");
    const enum sft_status status = dataset_write_rejected(&run->train, &run->eval, path, err);
    free(path);
    return status;
}

static void count_steps(struct run *run)
{
    const struct settings *s = run->settings;
    run->steps_per_epoch = (run->train.n_examples + s->train.batch_size - 1) / s->train.batch_size;
    run->total_steps = s->train.max_steps
                           ? s->train.max_steps
                           : (uint64_t)ceil(s->train.num_train_epochs * (double)run->steps_per_epoch);
    run->schedule = schedule_make(s, run->total_steps);
}

/* The weights that the run will begin with, as far as their files' headers say, before anything is allocated. */
static enum sft_status check_base_weights(const struct run *run, struct sft_err *err)
{
    const char *base = run->settings->model.base;
    struct strbuf unused = {0};
    if (run->resume_dir || !weights_are_there(base))
        return SFT_OK;
    const enum sft_status status = weights_check(&run->config, run->base.config.vocab_size, base, &unused, err);
    if (!status && unused.len)
        log_warning("%s: tensors that are not used: %s", base, unused.data);
    strbuf_free(&unused);
    return status;
}

/* ---- resuming ---- */

static enum sft_status find_checkpoint(struct run *run, struct sft_err *err)
{
    const enum sft_status status = checkpoint_find(run->output_dir, &run->resume_dir, &run->resume_state,
                                                   err);
    if (status || !run->resume_dir)
        return status;
    const char *recorded = json_string(json_get(run->resume_state, "precision")), *isa_before;
    if (recorded &&
        run->settings->train.precision == PRECISION_AUTO) { /* what auto meant when the run began */
        run->kernels = kernels_select(recorded, run->kernels_why, sizeof run->kernels_why);
        if (!run->kernels)
            return sft_fail(err, SFT_EUSAGE, "this run was started in %s: %s", recorded, run->kernels_why);
        run->record.precision = run->kernels->precision;
        run->record.isa = run->kernels->isa;
    }
    if (run_record_check(&run->record, run->resume_state, &isa_before, err))
        return sft_context(err, "cannot continue %s", run->resume_dir);
    if (isa_before)
        log_warning("this run was started with %s kernels and goes on with %s: the results will differ in "
                    "the last bits",
                    isa_before, run->kernels->isa);
    return SFT_OK;
}

static enum sft_status choose_kernels(struct run *run, struct sft_err *err)
{
    run->kernels = kernels_select(precision_name[run->settings->train.precision], run->kernels_why,
                                  sizeof run->kernels_why);
    return run->kernels ? SFT_OK : sft_fail(err, SFT_EUSAGE, "[train] precision: %s", run->kernels_why);
}

/* Why, too: where every row is at fault, it is most often one setting. */
static enum sft_status fail_nothing_left(const struct run *run, struct sft_err *err)
{
    struct strbuf why = {0};
    const size_t max_length = (size_t)run->settings->data.max_length, n_positions = run->config.n_positions;
    if (dataset_list_left_out(&run->train, &why))
        strbuf_printf(&why, "; the length limit is %zu tokens",
                      n_positions && n_positions < max_length ? n_positions : max_length);
    if (run->eval_is_split)
        strbuf_printf(&why, "; set aside for evaluation: %zu (eval_fraction)", (size_t)run->eval_is_split);
    sft_fail(err, SFT_EDATA, "[data] train: no conversation is left to train on%s (look at the files with sft inspect)",
             why.data ? why.data : "");
    strbuf_free(&why);
    return SFT_EDATA;
}

enum sft_status run_prepare(struct run *run, struct settings *settings, bool fresh, bool dry,
                            const volatile int *stop, struct sft_err *err)
{
    *run = (struct run){.settings = settings, .lock = -1, .state = {.last_eval_step = -1}};
    if (choose_kernels(run, err))
        return err->status;
    run->output_dir = choose_output_dir(settings, fresh);
    if (open_base(run, true, err) || load_data(run, &(struct load_options){.stop = stop}, err))
        return err->status;
    split_data(run);
    if (run->train.n_examples == 0)
        return fail_nothing_left(run, err);
    if (leave_vocabulary_alone(run, err))
        return err->status;
    count_steps(run);
    describe_export(run);
    run->record.settings = settings;
    run->record.precision = run->kernels->precision;
    run->record.isa = run->kernels->isa;
    run->record.total_steps = run->total_steps;
    if (run_record_base(&run->record, settings->model.base, err))
        return err->status;
    if (!dry && (lock_output_dir(run, err) || checkpoint_clean(run->output_dir, err)))
        return err->status;
    if (find_checkpoint(run, err) || check_base_weights(run, err))
        return err->status;
    return dry ? SFT_OK : write_rejected(run, err); /* not before it is certain that this run goes on */
}

enum sft_status run_survey(struct run *run, struct settings *settings, const volatile int *stop,
                           struct sft_err *err)
{
    if (open_data(run, settings, &(struct load_options){.lenient = true, .stop = stop}, err))
        return err->status;
    split_data(run);
    if (leave_vocabulary_alone(run, err))
        return err->status;
    if (settings->train.output_dir)
        run->output_dir = mem_strdup(settings->train.output_dir);
    if (!run->config.family || run->train.n_examples == 0)
        return SFT_OK;
    count_steps(run);
    return choose_kernels(run, err);
}

/* ---- memory ---- */

/* Which examples, and their order; tokens are mapped. */
static size_t dataset_bytes(const struct dataset *ds)
{
    return ds->n_examples * 2 * sizeof *ds->ids;
}

size_t run_micro_batch_positions(const struct run *run)
{
    const size_t train = batch_capacity(&run->train, run->settings->train.micro_batch_tokens);
    const size_t eval = batch_capacity(&run->eval, run->settings->train.micro_batch_tokens);
    return train > eval ? train : eval;
}

struct run_memory run_memory(const struct run *run)
{
    struct tensor_table table;
    struct activations acts;
    tensor_table_init(&table, &run->config);
    activations_plan(&acts, &run->config, run->kernels, run_micro_batch_positions(run), true);
    struct run_memory m = {.parameters = table.n_elements * sizeof(float),
                           .gradients = table.n_elements * sizeof(float),
                           .moments = 2 * table.n_elements * sizeof(float),
                           .activations = acts.bytes,
                           .data = dataset_bytes(&run->train) + dataset_bytes(&run->eval)};
    m.total = m.parameters + m.gradients + m.moments + m.activations + m.data;
    tensor_table_free(&table);
    return m;
}

static enum sft_status load_weights(struct run *run, struct sft_err *err)
{
    const char *base = run->settings->model.base;
    if (run->resume_dir)
        return checkpoint_load(run->resume_dir, run->resume_state, &run->model, &run->adamw, &run->state,
                               err);
    if (weights_are_there(base))
        return weights_load(run->model.params.data, &run->model.table, &run->config, run->base.config.vocab_size,
                            base, err);
    params_init_random(run->model.params.data, &run->model.table, &run->config, run->settings->train.seed);
    return SFT_OK;
}

/* What the first step may leave untouched, where a later one has a larger micro-batch; gradients and moments
 * it writes whole. Not before the weights are loaded: until then their file is in memory too. */
static void make_resident(const struct run *run)
{
    block_touch(&run->acts.memory);
    block_touch(&run->buffer.memory);
}

enum sft_status run_allocate(struct run *run, struct sft_err *err)
{
    const struct run_memory need = run_memory(run);
    const size_t available = mem_available(),
                 still_needed = need.total - need.data; /* the data is read already */
    if (still_needed > available)
        return sft_fail(
            err, SFT_ENOMEM,
            "the run needs %.0f MB more and %.0f MB are available (lower [train] micro_batch_tokens or "
            "[data] max_length, or take a smaller model; --dry-run shows the plan)",
            (double)still_needed / 1e6, (double)available / 1e6);
    const size_t capacity = run_micro_batch_positions(run);
    if (transformer_init(&run->model, &run->config, run->kernels, true, err) ||
        adamw_init(&run->adamw, &run->model, run->settings, err) ||
        activations_init(&run->acts, &run->config, run->kernels, capacity, true, err) ||
        batch_buffer_init(&run->buffer, capacity, capacity, err))
        return err->status;
    run->order = mem_alloc(run->train.n_examples * sizeof *run->order);
    run->order_epoch = UINT64_MAX;
    if (load_weights(run, err))
        return err->status;
    make_resident(run);
    return SFT_OK;
}

void run_free(struct run *run)
{
    transformer_free(&run->model);
    adamw_free(&run->adamw);
    activations_free(&run->acts);
    batch_buffer_free(&run->buffer);
    free(run->order);
    dataset_free(&run->eval); /* before train, from which a split borrows */
    dataset_free(&run->train);
    template_free(&run->template);
    template_free(&run->data_template);
    tokenizer_free(run->tokenizer);
    tokenizer_free(run->data_tokenizer);
    model_files_close(&run->base);
    json_free(run->resume_state);
    run_record_free(&run->record);
    free(run->resume_dir);
    free(run->output_dir);
    if (run->lock >= 0)
        close(run->lock);
    *run = (struct run){.lock = -1};
}
