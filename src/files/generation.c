#include "files/generation.h"

#include "base/mem.h"
#include "base/path.h"
#include "model/family.h"

#include <math.h>
#include <stdlib.h>

/* ---- end tokens ---- */

static bool is_in_vocabulary(const json *id, size_t vocab_size)
{
    const double value = json_number(id);
    return value >= 0 && value < (double)vocab_size && value == floor(value);
}

static bool is_present(const json *node)
{
    return node && !json_is_null(node);
}

void generation_add_end_token(struct generation_config *g, int32_t id)
{
    for (size_t i = 0; i < g->n_end_tokens; i++)
        if (g->end_tokens[i] == id)
            return;
    if (g->n_end_tokens < END_TOKENS_MAX)
        g->end_tokens[g->n_end_tokens++] = id;
}

/* An id or a list of them. */
static enum sft_status read_end_tokens(struct generation_config *g, const json *node, size_t vocab_size,
                                       struct sft_err *err)
{
    for (const json *id = json_is_array(node) ? json_first(node) : node; id;
         id = json_is_array(node) ? json_next(id) : NULL) {
        if (!json_is_number(id))
            return sft_fail_in(err, SFT_EDATA, "eos_token_id", "expected a token id or a list of them, found %s",
                               json_type_name(id));
        if (is_in_vocabulary(id, vocab_size))
            generation_add_end_token(g, (int32_t)json_number(id));
    }
    return SFT_OK;
}

void generation_set_end_token(json *object, const char *key, int32_t id, const json *list, size_t vocab_size)
{
    if (!json_is_array(list))
        list = json_get(object, key);
    if (!json_is_array(list)) {
        json_set_number(object, key, id);
        return;
    }
    struct strbuf text = {0};
    json *ids;
    strbuf_printf(&text, "[%d", id);
    for (const json *other = json_first(list); other; other = json_next(other))
        if (is_in_vocabulary(other, vocab_size) && json_number(other) != id)
            strbuf_printf(&text, ",%d", (int)json_number(other));
    strbuf_putc(&text, ']');
    if (json_parse(text.data, text.len, &ids, NULL))
        SFT_BUG("a list of ids that is no JSON");
    strbuf_free(&text);
    json_set_node(object, key, ids);
}

/* ---- sampling ---- */

/* A setting that the file has, in its range; NaN where the file is silent. */
static enum sft_status read_setting(double *out, const json *root, const char *key, double min, double max,
                                    struct sft_err *err)
{
    *out = NAN;
    if (!is_present(json_get(root, key)))
        return SFT_OK;
    if (json_get_double(root, key, NAN, out, err))
        return SFT_EDATA;
    if (*out >= min && *out <= max)
        return SFT_OK;
    return sft_fail_in(err, SFT_EDATA, key, "expected a number from %g to %g, found %g", min, max, *out);
}

static enum sft_status read_sampling(struct generation_config *g, struct sft_err *err)
{
    static const double most = 1e6;
    double top_k;
    if (json_get_bool(g->raw, "do_sample", false, &g->do_sample, err) ||
        read_setting(&g->temperature, g->raw, "temperature", 0, most, err) ||
        read_setting(&g->top_p, g->raw, "top_p", 0, 1, err) || read_setting(&g->min_p, g->raw, "min_p", 0, 1, err) ||
        read_setting(&g->repetition_penalty, g->raw, "repetition_penalty", 0, most, err) ||
        read_setting(&top_k, g->raw, "top_k", 0, 0x1p31, err))
        return SFT_EDATA;
    g->top_k = isnan(top_k) ? SIZE_MAX : (size_t)top_k;
    return SFT_OK;
}

/* ---- the whole ---- */

static enum sft_status read_raw(struct generation_config *g, size_t vocab_size, struct sft_err *err)
{
    const json *ids = json_get(g->raw, "eos_token_id");
    if (!json_is_object(g->raw))
        return sft_fail(err, SFT_EDATA, "expected an object, found %s", json_type_name(g->raw));
    if (is_present(ids) && read_end_tokens(g, ids, vocab_size, err))
        return SFT_EDATA;
    return read_sampling(g, err);
}

/* What config.json and the family add to g->raw, which has been read. */
static enum sft_status add_config(struct generation_config *g, const json *config_json,
                                  const struct model_config *config, struct sft_err *err)
{
    const json *of_config = json_get(config_json, "eos_token_id");
    const bool is_silent = !of_config && !is_present(json_get(g->raw, "eos_token_id"));
    if (is_present(of_config) && read_end_tokens(g, of_config, config->vocab_size, err))
        return SFT_EDATA;
    if (is_silent && config->eos_token_id >= 0) /* the family's; an explicit null is none */
        generation_add_end_token(g, config->eos_token_id);
    return SFT_OK;
}

static const struct generation_config silent = {
    .temperature = NAN, .top_p = NAN, .min_p = NAN, .repetition_penalty = NAN, .top_k = SIZE_MAX};

enum sft_status generation_config_take(struct generation_config *g, json *raw, const json *config_json,
                                       const struct model_config *config, struct sft_err *err)
{
    *g = silent;
    g->raw = raw;
    if ((!raw || !read_raw(g, config->vocab_size, err)) && !add_config(g, config_json, config, err))
        return SFT_OK;
    generation_config_free(g);
    return SFT_EDATA;
}

enum sft_status generation_config_load(struct generation_config *g, const char *dir, const json *config_json,
                                       const struct model_config *config, struct sft_err *err)
{
    char *path = path_join(dir, "generation_config.json");
    enum sft_status status = SFT_OK;
    *g = silent;
    if (path_exists(path) && !(status = json_parse_file(path, &g->raw, err)) &&
        (status = read_raw(g, config->vocab_size, err)))
        sft_in_file(err, path, 0);
    if (!status)
        status = add_config(g, config_json, config, err);
    if (status)
        generation_config_free(g);
    free(path);
    return status;
}

void generation_config_free(struct generation_config *g)
{
    json_free(g->raw);
    *g = (struct generation_config){0};
}
