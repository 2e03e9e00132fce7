#include "serve/openai_logprobs.h"

#include <math.h>
#include <string.h>

static void add_number(float logprob, struct strbuf *out)
{
    static const double impossible = -9999;
    strbuf_json_number(out, isfinite(logprob) ? (double)logprob + 0.0 : impossible); /* + 0.0: -0 is 0 */
}

static void add_token(const struct tokenizer *tokenizer, int32_t id, struct strbuf *out)
{
    size_t len;
    const char *bytes = tokenizer_token_bytes(tokenizer, id, &len);
    strbuf_json_string(out, bytes ? bytes : "", len);
}

/* ---- of a chat ---- */

static void add_scored(const struct tokenizer *tokenizer, int32_t id, float logprob, struct strbuf *out)
{
    size_t len;
    const unsigned char *bytes = (const unsigned char *)tokenizer_token_bytes(tokenizer, id, &len);
    strbuf_puts(out, "\"token\":");
    add_token(tokenizer, id, out);
    strbuf_puts(out, ",\"logprob\":");
    add_number(logprob, out);
    strbuf_puts(out, ",\"bytes\":[");
    for (size_t i = 0; i < len; i++)
        strbuf_printf(out, "%s%u", i ? "," : "", bytes[i]);
    strbuf_puts(out, "]");
}

void logprobs_print_chat(const struct answer *a, size_t from, size_t to, const struct tokenizer *tokenizer,
                         struct strbuf *out)
{
    strbuf_puts(out, "{\"content\":[");
    for (size_t i = from; i < to; i++) {
        const struct said_token *said = &a->said[i];
        strbuf_puts(out, i > from ? ",{" : "{");
        add_scored(tokenizer, said->id, said->logprob, out);
        strbuf_puts(out, ",\"top_logprobs\":[");
        for (size_t k = 0; k < said->n_top; k++) {
            const struct scored_token *top = &a->tops[said->first_top + k];
            strbuf_puts(out, k ? ",{" : "{");
            add_scored(tokenizer, top->id, top->logprob, out);
            strbuf_puts(out, "}");
        }
        strbuf_puts(out, "]}");
    }
    strbuf_puts(out, "],\"refusal\":null}");
}

/* ---- of a completion ---- */

/* An object whose keys are tokens: two that have the same text, pieces of characters for instance, are one, the
 * likelier. */
struct token_map {
    const struct tokenizer *tokenizer;
    struct strbuf keys[TOP_LOGPROBS_MAX + 1];
    size_t n;
};

static void map_add(struct token_map *map, int32_t id, float logprob, struct strbuf *out)
{
    struct strbuf *key = &map->keys[map->n];
    add_token(map->tokenizer, id, key);
    for (size_t i = 0; i < map->n; i++)
        if (map->keys[i].len == key->len && memcmp(map->keys[i].data, key->data, key->len) == 0) {
            strbuf_clear(key);
            return;
        }
    strbuf_puts(out, map->n++ ? "," : "");
    strbuf_add(out, key->data, key->len);
    strbuf_putc(out, ':');
    add_number(logprob, out);
}

static void add_map(const struct answer *a, const struct said_token *said, const struct tokenizer *tokenizer,
                    struct strbuf *out)
{
    struct token_map map = {.tokenizer = tokenizer};
    bool is_there = false;
    strbuf_putc(out, '{');
    for (size_t k = 0; k < said->n_top; k++) {
        const struct scored_token *top = &a->tops[said->first_top + k];
        is_there |= top->id == said->id;
        map_add(&map, top->id, top->logprob, out);
    }
    if (!is_there)
        map_add(&map, said->id, said->logprob, out);
    strbuf_putc(out, '}');
    for (size_t i = 0; i <= TOP_LOGPROBS_MAX; i++)
        strbuf_free(&map.keys[i]);
}

void logprobs_print_completion(struct answer *a, size_t from, size_t to, const struct tokenizer *tokenizer,
                               struct strbuf *out)
{
    strbuf_puts(out, "{\"tokens\":[");
    for (size_t i = from; i < to; i++) {
        strbuf_puts(out, i > from ? "," : "");
        add_token(tokenizer, a->said[i].id, out);
    }
    strbuf_puts(out, "],\"token_logprobs\":[");
    for (size_t i = from; i < to; i++) {
        strbuf_puts(out, i > from ? "," : "");
        add_number(a->said[i].logprob, out);
    }
    strbuf_puts(out, "],\"top_logprobs\":[");
    for (size_t i = from; i < to; i++) {
        strbuf_puts(out, i > from ? "," : "");
        add_map(a, &a->said[i], tokenizer, out);
    }
    strbuf_puts(out, "],\"text_offset\":[");
    for (size_t i = from; i < to; i++)
        strbuf_printf(out, "%s%zu", i > from ? "," : "", answer_count_chars(a, a->said[i].begin));
    strbuf_puts(out, "]}");
}
