#include "infer/model_check.h"

#include "base/path.h"
#include "files/half.h"
#include "files/weights.h"
#include "infer/model_probe.h"
#include "model/adapter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How far from the original a dtype's rounding can bring it.
 *
 * values: the root of the sum of squared differences of a tensor, by that of its values. The largest that there can be:
 *     half of the last bit; for a block of 32, of which each value is off by half a step, sqrt(32) times that by its
 *     largest value, which its own sum is no smaller than (q8_0: a step is the largest / 127; q4_0: / 8, and one end is
 *     cut by a whole one).
 * logits: the same of all logits, each row's mean apart. Measured on the tiny models of every family and on GPT-2,
 *     SmolLM2 and Gemma 3: at most 0.0014, 0.010, 0.028 and 0.39. Another layout of queries and keys in all layers
 *     gives 0.46 to 1, other rows of the embedding 0.85 to 1.4, so what is wrong throughout does not pass; but one
 *     matrix of one layer may be wrong in any way for 0.008, which is why tensors are compared, too. */
static const struct tolerance {
    const char *dtype; /* its option */
    double values, logits;
    const char *nearer; /* the next one of more bits */
} tolerances[] = {
    {"f32", 1e-6, 1e-5, NULL},        {"f16", 0x1p-11, 0.1, "f32"},
    {"bf16", 0x1p-8, 0.3, "f32"},     {"q8_0", 5.66 / 254, 0.4, "f16"},
    {"q4_0", 5.66 / 16 * 1.1, 1.0, "q8_0"},
};
static const double NOTICEABLE = 0.1; /* of the logits: what none of those measured comes to but q4_0 of small models */
#define DIFFERS "what was written is not the model: "
static const double TINY = 1e-6; /* values of this size are below what f16 can tell apart, scales included */

static const struct tolerance *tolerance_of(const struct dtype *dtype)
{
    for (size_t i = 0; i < sizeof tolerances / sizeof *tolerances; i++)
        if (strcmp(tolerances[i].dtype, dtype->option) == 0)
            return &tolerances[i];
    SFT_BUG("a dtype whose rounding nobody has told");
}

/* It is written under a name that it is not to have: what its user knows is the last part of it. */
static enum sft_status cannot_be_read(const struct model_check_of *of, struct sft_err *err)
{
    const size_t skipped = (size_t)(path_basename(of->written) - of->written);
    if (err->status != SFT_EDATA)
        return err->status;
    if (strncmp(err->file, of->written, skipped) == 0)
        memmove(err->file, err->file + skipped, strlen(err->file + skipped) + 1);
    return sft_context(err, "what was written cannot be read back");
}

/* ---- tensors ---- */

/* A tensor of the original, in memory, and the sums over what was written of it so far. */
struct compared {
    const struct tensor *tensor;
    const float *values; /* one of these two */
    const bf16 *rounded;
    size_t at;
    double difference, size, largest; /* sums of squares; the largest value */
    size_t n_lost;                    /* that were written as infinite, or as no number */
};

static void compare_piece(void *context, const float *written, size_t n)
{
    struct compared *c = context;
    for (size_t i = 0; i < n; i++) {
        const double value = c->values ? c->values[c->at + i] : f32_from_bf16(c->rounded[c->at + i]);
        const double off = written[i] - value;
        c->n_lost += isfinite(written[i]) ? 0 : 1;
        c->difference += off * off;
        c->size += value * value;
        c->largest = fmax(c->largest, fabs(value));
    }
    c->at += n;
}

/* W of a matrix to which an adapter adds, in float: W + scaling B A, in plain loops, whatever made the other one. */
static float *merged_values(const struct param_set *params, const struct tensor *w)
{
    const struct tensor *at = tensor_lora_a(&params->table, w), *bt = tensor_lora_b(&params->table, w);
    const float *a = param_values(params, at), *b = param_values(params, bt), *values = param_values(params, w);
    const bf16 *rounded = w->kept == KEPT_BF16 ? param_memory(params, w) : NULL;
    const bool is_out_in = w->layout == LAYOUT_OUT_IN;
    const size_t r = at->rows, in = at->cols;
    float *merged = mem_calloc(w->count, sizeof *merged);
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < w->rows; row++)
        for (size_t col = 0; col < w->cols; col++) {
            const size_t i = row * w->cols + col, o = is_out_in ? row : col, x = is_out_in ? col : row;
            double sum = 0;
            for (size_t k = 0; k < r; k++)
                sum += (double)b[o * r + k] * a[k * in + x];
            merged[i] = (float)((rounded ? f32_from_bf16(rounded[i]) : values[i]) + at->scaling * sum);
        }
    return merged;
}

/* Vectors are floats in a format that has blocks. */
static double values_tolerance(const struct tensor *tensor, const struct dtype *dtype)
{
    const bool is_float = tensor->n_dims == 1 && dtype->block > 1;
    return tolerance_of(is_float ? &dtype_f32 : dtype)->values;
}

static enum sft_status judge_tensor(const struct compared *c, const struct dtype *dtype, struct sft_err *err)
{
    const double n = (double)c->tensor->count, off = sqrt(c->difference / n), size = sqrt(c->size / n);
    if (c->n_lost)
        return sft_fail(err, SFT_EDATA,
                        "tensor '%s': %zu of its values, which reach %.4g, are beyond what %s can hold (choose "
                        "--dtype %s)",
                        c->tensor->name, c->n_lost, c->largest, dtype->option,
                        strcmp(dtype->option, "bf16") == 0 ? "f32" : "bf16");
    if (off <= values_tolerance(c->tensor, dtype) * size + TINY)
        return SFT_OK;
    return sft_fail(err, SFT_EDATA, DIFFERS "tensor '%s' is off by %.2g of its size, and %s rounds by less",
                    c->tensor->name, off / size, dtype->option);
}

static enum sft_status compare_tensor(const struct bundle *original, const struct weights *w,
                                      const struct tensor *tensor, const struct model_check_of *of, struct sft_err *err)
{
    const struct param_set *params = &original->model.params;
    const struct tensor *ours = tensor_find_name(&params->table, tensor->name);
    struct compared c = {.tensor = tensor};
    struct sft_err unread = {0}; /* of values that are not finite, judge_tensor knows more */
    if (!ours || ours->cols != tensor->cols || ours->rows < tensor->rows || ours->transposed)
        return sft_fail(err, SFT_EDATA, DIFFERS "tensor '%s': the original has none such", tensor->name);
    float *merged = ours->lora ? merged_values(params, ours) : NULL;
    c.values = merged ? merged : ours->kept == KEPT_REAL ? param_memory(params, ours) : NULL;
    c.rounded = ours->kept == KEPT_BF16 ? param_memory(params, ours) : NULL;
    const enum sft_status status = weights_pass(w, tensor, compare_piece, &c, &unread);
    free(merged);
    if (judge_tensor(&c, of->dtype, err))
        return err->status;
    if (status)
        *err = unread;
    return status;
}

/* Each tensor of the model that was written is the original's, and it has as many. */
static enum sft_status compare_tensors(const struct bundle *original, const struct model_check_of *of,
                                       struct sft_err *err)
{
    struct model_files files = {0};
    struct tensor_table table = {0};
    struct weights *w = NULL;
    struct strbuf unused = {0};
    enum sft_status status = model_files_open(&files, of->written, err);
    if (!status) {
        tensor_table_init(&table, &files.config);
        status = weights_begin(&w, &table, &files.config, of->written, &unused, err);
    }
    if (status)
        cannot_be_read(of, err);
    if (!status && original && table.n_tensors != original->model.params.table.n_model)
        status = sft_fail(err, SFT_EDATA, DIFFERS "it has %zu tensors, and the original has %zu", table.n_tensors,
                          original->model.params.table.n_model);
    for (size_t i = 0; i < table.n_tensors && !status; i++)
        status = *of->stop  ? sft_fail(err, SFT_EINTERRUPTED, "stopped; nothing is written")
                 : original ? compare_tensor(original, w, &table.tensors[i], of, err)
                            : weights_pass(w, &table.tensors[i], NULL, NULL, err);
    weights_end(w);
    strbuf_free(&unused);
    tensor_table_free(&table);
    model_files_close(&files);
    return status;
}

/* ---- tokens and logits ---- */

static bool same_ids(const struct token_buf *a, const struct token_buf *b, size_t n)
{
    return n <= a->count && n <= b->count && (n == 0 || memcmp(a->ids, b->ids, n * sizeof *a->ids) == 0);
}

/* How many positions both were run at: one may see fewer, as where a format knows no window and ends there. */
static size_t common_positions(const struct model_probe *a, const struct model_probe *b)
{
    return a->text.count < b->text.count ? a->text.count : b->text.count;
}

/* The sums over rows of V; the written model may have more, of tokens that only pad its vocabulary. */
static bool compare_logits(struct model_check *check, const struct model_probe *a, const struct model_probe *b)
{
    double largest = 0, worst = 0, size = 0, difference = 0;
    for (size_t row = 0; row < common_positions(a, b); row++) {
        const float *x = a->logits + row * a->V, *y = b->logits + row * b->V;
        double mean_x = 0, mean_y = 0;
        for (size_t i = 0; i < a->V; i++) {
            mean_x += x[i] / (double)a->V;
            mean_y += y[i] / (double)a->V;
        }
        for (size_t i = 0; i < a->V; i++) {
            const double off = x[i] - y[i], centred = x[i] - mean_x, off_centred = centred - (y[i] - mean_y);
            largest = fmax(largest, fabs((double)x[i]));
            worst = fmax(worst, fabs(off));
            size += centred * centred;
            difference += off_centred * off_centred;
        }
    }
    check->worst = largest > 0 ? worst / largest : worst;
    check->share = size > 0 ? sqrt(difference / size) : sqrt(difference);
    return isfinite(check->share);
}

static enum sft_status compare_probes(struct model_check *check, const struct model_probe *original,
                                      const struct model_probe *written, const struct dtype *dtype, struct sft_err *err)
{
    if (!same_ids(&original->text, &written->text, common_positions(original, written)))
        return sft_fail(err, SFT_EDATA, DIFFERS "its tokenizer makes other tokens of a text");
    if (original->turn.count != written->turn.count ||
        !same_ids(&original->turn, &written->turn, original->turn.count))
        return sft_fail(err, SFT_EDATA, DIFFERS "its chat template makes other tokens of a question");
    if (written->V < original->V)
        return sft_fail(err, SFT_EDATA, DIFFERS "it has %zu tokens, and the original has %zu", written->V, original->V);
    const bool is_finite = compare_logits(check, original, written);
    const bool is_exact = strcmp(dtype->option, "f32") == 0;
    if (is_finite && (is_exact ? check->worst : check->share) <= tolerance_of(dtype)->logits)
        return SFT_OK;
    if (is_exact)
        return sft_fail(err, SFT_EDATA, DIFFERS "its logits differ by %.2g of the largest", check->worst);
    return sft_fail(err, SFT_EDATA,
                    "in %s its logits differ by %.0f%% from the original's: too much of it is lost (choose a --dtype "
                    "of more bits)",
                    dtype->option, 100 * check->share);
}

/* ---- memory ---- */

/* That one of the two takes, at most: floats, if its files do not hold bfloat16s. */
static enum sft_status count_bytes(size_t *bytes, const char *path, const struct kernels *kernels, struct sft_err *err)
{
    struct model_config config;
    struct tensor_table table;
    struct strbuf dtypes = {0};
    if (model_config_load(&config, path, NULL, err))
        return err->status;
    tensor_table_init(&table, &config);
    weights_dtypes(path, &dtypes);
    const bool is_bf16 = kernels->reads_bf16 && dtypes.data && strcmp(dtypes.data, "BF16") == 0;
    *bytes = table.n_elements * (is_bf16 ? sizeof(bf16) : sizeof(float)) + model_probe_bytes(&config, kernels);
    strbuf_free(&dtypes);
    tensor_table_free(&table);
    return SFT_OK;
}

enum { SMALL_THINGS = 1 << 25 }; /* vocabularies, and what threads take */

static enum sft_status has_memory(struct model_check *check, const struct model_check_of *of, bool *has,
                                  struct sft_err *err)
{
    char why[512];
    const struct kernels *kernels = kernels_select("fp32", why, sizeof why);
    size_t a, b;
    if (!kernels)
        return sft_fail(err, SFT_EUSAGE, "%s", why);
    if (count_bytes(&a, of->original, kernels, err))
        return err->status;
    if (count_bytes(&b, of->written, kernels, err))
        return cannot_be_read(of, err);
    check->bytes = SMALL_THINGS + (a > b ? a : b);
    *has = check->bytes <= of->memory;
    return SFT_OK;
}

/* ---- the whole ---- */

/* In training's order of sums. */
static enum sft_status open_bundle(struct bundle *bundle, const char *dir, const char *adapter, struct sft_err *err)
{
    const struct bundle_options options = {.precision = "fp32", .adapter = adapter};
    return bundle_open(bundle, dir, &options, NULL, err);
}

static enum sft_status probe_original(struct model_check *check, struct model_probe *probe,
                                      const struct model_check_of *of, struct sft_err *err)
{
    struct bundle bundle;
    enum sft_status status = open_bundle(&bundle, of->original, of->adapter, err);
    if (!status)
        status = model_probe(probe, &bundle, err);
    if (!status)
        status = model_probe_say(probe, &bundle, of->stop, &check->original_says, err);
    if (!status)
        status = compare_tensors(&bundle, of, err);
    bundle_close(&bundle);
    return status;
}

static enum sft_status probe_written(struct model_check *check, const struct model_probe *original,
                                     const struct model_check_of *of, struct sft_err *err)
{
    struct bundle bundle;
    struct model_probe probe = {0};
    enum sft_status status = open_bundle(&bundle, of->written, NULL, err);
    if (status)
        cannot_be_read(of, err);
    else
        status = model_probe(&probe, &bundle, err);
    if (!status)
        status = compare_probes(check, original, &probe, of->dtype, err);
    if (!status)
        status = model_probe_say(&probe, &bundle, of->stop, &check->says, err);
    check->is_asked = probe.is_asked;
    check->was_asked_the_same = probe.is_asked == original->is_asked;
    model_probe_free(&probe);
    bundle_close(&bundle);
    return status;
}

enum sft_status model_check(struct model_check *check, const struct model_check_of *of, struct sft_err *err)
{
    struct model_probe original = {0};
    *check = (struct model_check){0};
    enum sft_status status = has_memory(check, of, &check->was_run, err);
    if (!status && check->was_run)
        status = probe_original(check, &original, of, err);
    if (!status && check->was_run)
        status = probe_written(check, &original, of, err);
    model_probe_free(&original);
    if (*of->stop)
        return sft_fail(err, SFT_EINTERRUPTED, "stopped; nothing is written");
    if (status == SFT_ENOMEM) {
        check->was_run = false;
        status = SFT_OK;
    }
    if (!status && !check->was_run && (status = compare_tensors(NULL, of, err)) == SFT_EDATA)
        sft_remark(err, " (beyond what %s can hold? choose another --dtype)", of->dtype->option);
    return status;
}

void model_check_free(struct model_check *check)
{
    strbuf_free(&check->says);
    strbuf_free(&check->original_says);
}

static void describe_logits(const struct model_check *check, const struct dtype *dtype, struct strbuf *out)
{
    const char *nearer = tolerance_of(dtype)->nearer;
    if (check->worst == 0) {
        strbuf_puts(out, "its logits are the original's");
    } else if (!nearer) {
        strbuf_printf(out, "its logits are within %.0e of the original's", check->worst);
    } else {
        strbuf_printf(out, "its logits differ by %.2g%% from the original's", 100 * check->share);
        if (check->share > NOTICEABLE)
            strbuf_printf(out, ", which is noticeable (%s is nearer)", nearer);
    }
}

void model_check_describe(const struct model_check *check, const struct dtype *dtype, struct strbuf *out)
{
    const char *ours = check->says.data, *theirs = check->original_says.data;
    const bool is_same = check->was_asked_the_same && strcmp(ours, theirs) == 0;
    describe_logits(check, dtype, out);
    strbuf_printf(out, "; it %s%s: %s", check->is_asked ? "says" : "goes on", is_same ? " the same" : "", ours);
    if (check->was_asked_the_same && !is_same)
        strbuf_printf(out, " (the original: %s)", theirs);
}
