#include "files/gguf/gguf_rope.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char gguf_rope_freqs_name[] = "rope_freqs.weight";

static const char *key_of(char key[256], struct gguf_text architecture, const char *name)
{
    snprintf(key, 256, "%.*s.rope.%s", (int)(architecture.len < 64 ? architecture.len : 64), architecture.text, name);
    return key;
}

/* ---- rope.freq_base, rope.scaling.* ---- */

static enum sft_status read_theta(double *theta, const struct gguf *g, const char *key, struct sft_err *err)
{
    if (gguf_get_real(g, key, *theta, theta, err))
        return SFT_EDATA;
    return *theta >= 1 && *theta <= 1e12
               ? SFT_OK
               : sft_fail_in(err, SFT_EDATA, key, "expected a number from 1 to 1e12, found %g", *theta);
}

/* The key of how much, in files of 2023 scale_linear. */
static const char *factor_key(char key[256], const struct gguf *g, struct gguf_text architecture)
{
    if (!gguf_find(g, key_of(key, architecture, "scaling.factor")) &&
        gguf_find(g, key_of(key, architecture, "scale_linear")))
        return key;
    return key_of(key, architecture, "scaling.factor");
}

/* As llama.cpp has it, a factor alone is a linear one. */
static enum sft_status read_scaling(struct rope_config *rope, const struct gguf *g, struct gguf_text architecture,
                                    struct sft_err *err)
{
    char key[256];
    struct gguf_text type;
    if (gguf_get_string(g, key_of(key, architecture, "scaling.type"), &type, err))
        return SFT_EDATA;
    if (gguf_text_is(type, "none"))
        return SFT_OK;
    if (type.text && !gguf_text_is(type, "linear"))
        return sft_fail(err, SFT_EDATA, "%s '%.*s' is not supported (none and linear are)", key,
                        (int)(type.len < 60 ? type.len : 60), type.text);
    factor_key(key, g, architecture);
    if ((type.text && gguf_require(g, key, err)) || gguf_get_real(g, key, 0, &rope->factor, err))
        return SFT_EDATA;
    if (rope->factor == 0 || rope->factor == 1) /* which ask for nothing */
        return SFT_OK;
    rope->type = ROPE_LINEAR;
    return rope->factor >= 1e-6 && rope->factor <= 1e6
               ? SFT_OK
               : sft_fail_in(err, SFT_EDATA, key, "expected a number from 1e-6 to 1e6, found %g", rope->factor);
}

/* ---- rope_freqs ---- */

/* What a pair's wavelength is multiplied by, as Llama 3.1 has it. */
static double factor_of_pair(const struct rope_config *rope, size_t pair, size_t rotary_dim)
{
    const double wavelength = 2 * acos(-1) * pow(rope->theta, 2 * (double)pair / (double)rotary_dim);
    const double turns = (double)rope->original_positions / wavelength;
    if (turns > rope->high_freq_factor)
        return 1;
    if (turns < rope->low_freq_factor)
        return rope->factor;
    const double smooth = (turns - rope->low_freq_factor) / (rope->high_freq_factor - rope->low_freq_factor);
    return 1 / ((1 - smooth) / rope->factor + smooth);
}

/* All of Llama 3.1 to 3.3 have these numbers, and a factor of 8 or 32: the last pair's, which is slow. Only of the
 * positions we say it where they are others: llama.cpp has no use for that key but in yarn's scaling. */
static const char original_key[] = "scaling.original_context_length";
enum { ORIGINAL_POSITIONS = 8192 };

/* What a file's factors say, but for the positions. */
static struct rope_config rope_of_factors(double theta, const float *factors, size_t n)
{
    return (struct rope_config){.type = ROPE_LLAMA3,
                                .theta = theta,
                                .factor = factors[n - 1],
                                .low_freq_factor = 1,
                                .high_freq_factor = 4};
}

/* The first of n pairs of which `rope` has another factor; n: none. */
static size_t first_other(const struct rope_config *rope, const float *factors, size_t n)
{
    size_t i = 0;
    while (i < n && fabs((double)factors[i] - factor_of_pair(rope, i, 2 * n)) < 1e-3 * fabs((double)factors[i]))
        i++;
    return i;
}

static enum sft_status read_freqs(struct rope_config *rope, const struct gguf *g, struct gguf_text architecture,
                                  const struct stored_tensor *freqs, size_t rotary_dim, struct sft_err *err)
{
    char key[256];
    const size_t n = rotary_dim / 2;
    if (rope->type != ROPE_DEFAULT)
        return sft_fail_in(err, SFT_EDATA, gguf_rope_freqs_name,
                           "is not supported beside a linear scaling of positions");
    if (freqs->count != n || n == 0)
        return sft_fail_in(err, SFT_EDATA, gguf_rope_freqs_name,
                           "expected %zu numbers for heads of %zu columns, found %zu", n, rotary_dim, freqs->count);
    float *values = mem_alloc(n * sizeof *values);
    enum sft_status status = stored_read(freqs, values, err);
    if (!status) {
        *rope = rope_of_factors(rope->theta, values, n);
        status = gguf_get_size(g, key_of(key, architecture, original_key), ORIGINAL_POSITIONS,
                               &rope->original_positions, err);
    }
    const size_t other = status ? n : first_other(rope, values, n);
    if (other < n)
        status = sft_fail_in(err, SFT_EDATA, gguf_rope_freqs_name,
                             "these factors are not Llama 3's (low 1, high 4, %zu positions), the only ones "
                             "supported: [%zu] is %g, not %g",
                             rope->original_positions, other, (double)values[other],
                             factor_of_pair(rope, other, rotary_dim));
    free(values);
    return status;
}

/* ---- the whole ---- */

enum sft_status gguf_read_rope(struct model_config *config, const struct gguf *g, struct gguf_text architecture,
                               struct sft_err *err)
{
    char key[256];
    const struct stored_tensor *freqs = gguf_tensor(g, gguf_rope_freqs_name);
    if (read_theta(&config->rope.theta, g, key_of(key, architecture, "freq_base"), err) ||
        read_scaling(&config->rope, g, architecture, err))
        return SFT_EDATA;
    if (config->family->rope.local_theta_key &&
        (read_theta(&config->rope_local.theta, g, key_of(key, architecture, "local.freq_base"), err) || /* ollama's */
         read_theta(&config->rope_local.theta, g, key_of(key, architecture, "freq_base_swa"), err)))
        return SFT_EDATA;
    return freqs ? read_freqs(&config->rope, g, architecture, freqs, config->rotary_dim, err) : SFT_OK;
}

/* ---- and back ---- */

void gguf_put_rope(struct gguf_out *out, const struct model_config *config)
{
    char key[256];
    const struct gguf_text architecture = {config->family->gguf.architecture,
                                           strlen(config->family->gguf.architecture)};
    gguf_put_u32(out, key_of(key, architecture, "dimension_count"), config->rotary_dim);
    gguf_put_f32(out, key_of(key, architecture, "freq_base"), config->rope.theta);
    if (config->rope_local.theta > 0)
        gguf_put_f32(out, key_of(key, architecture, "freq_base_swa"), config->rope_local.theta);
    if (config->rope.type == ROPE_LINEAR) {
        gguf_put_string(out, key_of(key, architecture, "scaling.type"), "linear");
        gguf_put_f32(out, key_of(key, architecture, "scaling.factor"), config->rope.factor);
    }
    if (config->rope.type == ROPE_LLAMA3 && config->rope.original_positions != ORIGINAL_POSITIONS)
        gguf_put_u32(out, key_of(key, architecture, original_key), config->rope.original_positions);
}

size_t gguf_rope_freqs(float **factors, const struct model_config *config)
{
    const size_t n = config->rope.type == ROPE_LLAMA3 ? config->rotary_dim / 2 : 0;
    *factors = mem_calloc(n + 1, sizeof **factors);
    for (size_t i = 0; i < n; i++)
        (*factors)[i] = (float)factor_of_pair(&config->rope, i, config->rotary_dim);
    return n;
}

/* Of a fast last pair its factor is not the config's. */
enum sft_status gguf_rope_check(const struct model_config *config, struct sft_err *err)
{
    static const char refused[] = "not written as GGUF: its rotary factors alone are in such a file, and";
    const struct rope_config *rope = &config->rope;
    float *factors;
    const size_t n = gguf_rope_freqs(&factors, config);
    enum sft_status status = SFT_OK;
    struct rope_config back = n ? rope_of_factors(rope->theta, factors, n) : (struct rope_config){0};
    back.original_positions = rope->original_positions;
    if (n && first_other(&back, factors, n) < n)
        status = rope->low_freq_factor != back.low_freq_factor
                     ? sft_fail(err, SFT_EDATA, "config.json: low_freq_factor: %s read as those of 1, not of %g",
                                refused, rope->low_freq_factor)
                 : rope->high_freq_factor != back.high_freq_factor
                     ? sft_fail(err, SFT_EDATA, "config.json: high_freq_factor: %s read as those of 4, not of %g",
                                refused, rope->high_freq_factor)
                     : sft_fail(err, SFT_EDATA, "config.json: original_max_position_embeddings: %s say nothing of "
                                "%g, the factor, where all pairs turn in %zu positions",
                                refused, rope->factor, rope->original_positions);
    free(factors);
    return status;
}
