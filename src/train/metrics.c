#include "train/metrics.h"

#include "base/io.h"
#include "base/json.h"
#include "base/strbuf.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* Whether a line belongs to what the checkpoint knows. */
static bool line_stays(const char *line, size_t len, uint64_t step, int64_t eval_step)
{
    json *row;
    if (json_parse(line, len, &row, NULL))
        return false;
    const double at = json_number(json_get(row, "step"));
    const bool is_eval = json_get(row, "eval_loss") != NULL;
    json_free(row);
    return at <= (is_eval ? (double)eval_step : (double)step);
}

static enum sft_status cut(const char *path, uint64_t step, int64_t eval_step, struct sft_err *err)
{
    struct strbuf all = {0}, kept = {0};
    enum sft_status status = io_read(path, &all, err);
    for (size_t pos = 0; !status && pos < all.len;) {
        const char *line = all.data + pos, *end = memchr(line, '\n', all.len - pos);
        const size_t len = end ? (size_t)(end - line) + 1 : all.len - pos;
        if (end && line_stays(line, len, step, eval_step))
            strbuf_add(&kept, line, len);
        pos += len;
    }
    if (!status && kept.len != all.len)
        status = io_write_file(path, kept.data ? kept.data : "", kept.len, err);
    strbuf_free(&all);
    strbuf_free(&kept);
    return status;
}

enum sft_status metrics_open(FILE **out, const char *path, uint64_t step, int64_t eval_step,
                             struct sft_err *err)
{
    if (path_exists(path) && cut(path, step, eval_step, err))
        return err->status;
    *out = fopen(path, "ae");
    return *out ? SFT_OK : sft_fail_errno(err, "%s: cannot write", path);
}

enum sft_status metrics_each(const char *path, metrics_line_fn *each, void *context, struct sft_err *err)
{
    struct strbuf all = {0};
    const enum sft_status status = io_read(path, &all, err);
    for (size_t pos = 0; pos < all.len;) {
        const char *line = all.data + pos, *end = memchr(line, '\n', all.len - pos);
        const size_t len = end ? (size_t)(end - line) + 1 : all.len - pos;
        json *row;
        pos += len;
        if (json_parse(line, len, &row, NULL))
            continue;
        const json *eval = json_get(row, "eval_loss"), *loss = eval ? eval : json_get(row, "loss");
        const double step = json_number(json_get(row, "step"));
        if (json_is_number(loss) && step >= 0) /* null: it was not finite */
            each(context, (uint64_t)step, json_number(loss), eval != NULL);
        json_free(row);
    }
    strbuf_free(&all);
    return status;
}

static enum sft_status write_line(FILE *f, struct strbuf *line, struct sft_err *err)
{
    strbuf_puts(line, "}\n");
    const bool ok = fwrite(line->data, 1, line->len, f) == line->len && fflush(f) == 0;
    strbuf_free(line);
    return ok ? SFT_OK : sft_fail_errno(err, "metrics.jsonl: cannot write");
}

static void put(struct strbuf *line, const char *key, double value)
{
    strbuf_printf(line, ",\"%s\":", key);
    strbuf_json_number(line, value);
}

static void put_count(struct strbuf *line, const char *key, uint64_t value)
{
    strbuf_printf(line, ",\"%s\":%llu", key, (unsigned long long)value);
}

/* prefix: "" or "eval_". */
static void put_pairs(struct strbuf *line, const char *prefix, const struct pair_means *pairs)
{
    const struct {
        const char *name;
        double value;
    } all[] = {{"rewards/chosen", pairs->chosen_rewards},  {"rewards/rejected", pairs->rejected_rewards},
               {"rewards/accuracies", pairs->accuracies},  {"rewards/margins", pairs->margins},
               {"logps/chosen", pairs->chosen_logps},      {"logps/rejected", pairs->rejected_logps}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        strbuf_printf(line, ",\"%s%s\":", prefix, all[i].name);
        strbuf_json_number(line, all[i].value);
    }
}

enum sft_status metrics_write_step(FILE *f, const struct step_metrics *m, struct sft_err *err)
{
    struct strbuf line = {0};
    strbuf_printf(&line, "{\"step\":%llu", (unsigned long long)m->step);
    put(&line, "epoch", m->epoch);
    put(&line, "loss", m->loss);
    put(&line, "learning_rate", m->learning_rate);
    put(&line, "grad_norm", m->grad_norm);
    put_count(&line, "num_tokens", m->num_tokens);
    put_count(&line, "num_target_tokens", m->num_target_tokens);
    put(&line, "mean_token_accuracy", m->mean_token_accuracy);
    if (m->has_pairs)
        put_pairs(&line, "", &m->pairs);
    put(&line, "tokens_per_second", m->tokens_per_second);
    put_count(&line, "peak_rss_bytes", m->peak_rss_bytes);
    return write_line(f, &line, err);
}

static void put_text(struct strbuf *line, const char *key, const char *text, size_t len)
{
    enum { LONGEST = 500 };
    strbuf_printf(line, "\"%s\":", key);
    strbuf_json_string(line, text, utf8_cut(text, len, LONGEST));
}

static void put_samples(struct strbuf *line, const struct eval_metrics *m)
{
    strbuf_puts(line, ",\"samples\":[");
    for (size_t i = 0; i < m->n_samples; i++) {
        const struct eval_sample *s = &m->samples[i];
        strbuf_puts(line, i ? ",{" : "{");
        put_text(line, "prompt", s->prompt, s->prompt_len);
        strbuf_putc(line, ',');
        put_text(line, "completion", s->completion, s->completion_len);
        strbuf_putc(line, ',');
        put_text(line, "label", s->label, strlen(s->label));
        strbuf_putc(line, '}');
    }
    strbuf_putc(line, ']');
}

static void put_counted(struct strbuf *line, const struct eval_count *c, double rate)
{
    put(line, "rate", rate);
    strbuf_puts(line, ",\"ci95\":[");
    strbuf_json_number(line, c->n ? c->low : NAN);
    strbuf_putc(line, ',');
    strbuf_json_number(line, c->n ? c->high : NAN);
    strbuf_puts(line, "]}");
}

/* As sft eval --prompts --json has them. */
static void put_judged(struct strbuf *line, const struct eval_metrics *m)
{
    strbuf_printf(line, ",\"eval_judged\":{\"unsafe\":{\"n\":%zu,\"refused\":%zu", m->unsafe.n, m->unsafe.count);
    put_counted(line, &m->unsafe, m->eval_refusal_rate);
    strbuf_printf(line, ",\"safe\":{\"n\":%zu,\"refused\":%zu", m->safe.n, m->safe.count);
    put_counted(line, &m->safe, m->eval_over_refusal_rate);
    strbuf_printf(line, ",\"incoherent\":{\"n\":%zu", m->incoherent.count);
    put_counted(line, &m->incoherent, m->eval_incoherent_rate);
    strbuf_putc(line, '}');
}

enum sft_status metrics_write_eval(FILE *f, const struct eval_metrics *m, struct sft_err *err)
{
    struct strbuf line = {0};
    strbuf_printf(&line, "{\"step\":%llu", (unsigned long long)m->step);
    put(&line, "epoch", m->epoch);
    put(&line, "eval_loss", m->eval_loss);
    put(&line, "eval_mean_token_accuracy", m->eval_mean_token_accuracy);
    if (m->has_pairs)
        put_pairs(&line, "eval_", &m->pairs);
    if (m->has_rates) {
        put(&line, "eval_refusal_rate", m->eval_refusal_rate);
        put(&line, "eval_over_refusal_rate", m->eval_over_refusal_rate);
        put(&line, "eval_incoherent_rate", m->eval_incoherent_rate);
        put_judged(&line, m);
    }
    if (m->n_samples)
        put_samples(&line, m);
    return write_line(f, &line, err);
}

enum sft_status metrics_sync(FILE *f, struct sft_err *err)
{
    /* EINVAL: a pipe or a device, which has nothing to sync */
    return fsync(fileno(f)) == 0 || errno == EINVAL ? SFT_OK : sft_fail_errno(err, "metrics.jsonl: cannot sync");
}
