#include "text/tokenizer/normalizer.h"

#include "base/mem.h"
#include "text/tokenizer/nfc.h"

#include <stdlib.h>
#include <string.h>

void normalizer_free(struct normalizer *normalizer)
{
    for (size_t i = 0; i < normalizer->count; i++) {
        pattern_free(normalizer->steps[i].find);
        free(normalizer->steps[i].put);
    }
    *normalizer = (struct normalizer){0};
}

void normalizer_scratch_free(struct normalizer_scratch *scratch)
{
    text_map_free(&scratch->maps[0]);
    text_map_free(&scratch->maps[1]);
}

/* ---- making ---- */

static enum sft_status add_step(struct normalizer *normalizer, struct normalizer_step step, struct sft_err *err)
{
    if (normalizer->count < NORMALIZER_MAX_STEPS) {
        normalizer->steps[normalizer->count++] = step;
        return SFT_OK;
    }
    pattern_free(step.find);
    free(step.put);
    return sft_fail(err, SFT_EDATA, "more than %d steps", NORMALIZER_MAX_STEPS);
}

enum sft_status normalizer_add_nfc(struct normalizer *normalizer, struct sft_err *err)
{
    return add_step(normalizer, (struct normalizer_step){.kind = NORMALIZE_NFC}, err);
}

enum sft_status normalizer_add_prepend(struct normalizer *normalizer, const char *put, struct sft_err *err)
{
    return add_step(normalizer, (struct normalizer_step){.kind = NORMALIZE_PREPEND, .put = mem_strdup(put)}, err);
}

/* What finds an empty string would do so everywhere. */
static bool finds_nothing(const struct pattern *pattern)
{
    size_t start, end;
    struct matcher *matcher = matcher_new();
    const bool found = pattern_find(pattern, matcher, "", 0, 0, &start, &end);
    matcher_free(matcher);
    return found;
}

enum sft_status normalizer_add_replace(struct normalizer *normalizer, const char *find, bool is_regex, const char *put,
                                       struct sft_err *err)
{
    struct pattern *pattern;
    if (pattern_compile(&pattern, find, is_regex, err))
        return sft_context(err, "pattern '%s'", find);
    if (finds_nothing(pattern)) {
        pattern_free(pattern);
        return sft_fail(err, SFT_EDATA, "pattern '%s' finds an empty string", find);
    }
    return add_step(normalizer, (struct normalizer_step){NORMALIZE_REPLACE, pattern, mem_strdup(put)}, err);
}

/* ---- doing ---- */

/* Each gives false where the text stays as it is. */
static bool compose(struct text_map *out, const char *text, size_t len)
{
    if (nfc_is_plain(text, len))
        return false;
    nfc_append(out, text, len);
    return true;
}

static bool prepend(const struct normalizer_step *step, struct text_map *out, const char *text, size_t len)
{
    if (len == 0)
        return false;
    text_map_put(out, step->put, strlen(step->put), 0);
    text_map_copy(out, text, len, 0);
    return true;
}

static bool replace(const struct normalizer_step *step, struct matcher *matcher, struct text_map *out, const char *text,
                    size_t len)
{
    size_t done = 0, start, end;
    const size_t put_len = strlen(step->put);
    while (done < len && pattern_find(step->find, matcher, text, len, done, &start, &end) && start < end) {
        text_map_copy(out, text + done, start - done, done);
        text_map_put(out, step->put, put_len, start);
        done = end;
    }
    if (done == 0)
        return false;
    text_map_copy(out, text + done, len - done, done);
    return true;
}

static bool take_step(const struct normalizer_step *step, struct matcher *matcher, struct text_map *out,
                      const char *text, size_t len)
{
    switch (step->kind) {
    case NORMALIZE_NFC: return compose(out, text, len);
    case NORMALIZE_PREPEND: return prepend(step, out, text, len);
    case NORMALIZE_REPLACE: return replace(step, matcher, out, text, len);
    }
    return false;
}

const char *normalize(const struct normalizer *normalizer, struct matcher *matcher, struct normalizer_scratch *scratch,
                      const char *text, size_t *len, const size_t **origins)
{
    const size_t *from = NULL;
    size_t which = 0;
    for (size_t i = 0; i < normalizer->count; i++) {
        struct text_map *out = &scratch->maps[which];
        text_map_begin(out, origins != NULL);
        if (!take_step(&normalizer->steps[i], matcher, out, text, *len))
            continue;
        text_map_compose(out, from);
        text = out->text.data ? out->text.data : "";
        *len = out->text.len;
        from = out->origins;
        which = !which;
    }
    if (origins)
        *origins = from;
    return text;
}
