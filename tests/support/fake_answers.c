#include "fake_answers.h"

#include "base/rng.h"
#include "collect/synth/prompt_marks.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(list)     (sizeof(list) / sizeof *(list))
#define PICK(rng, list) ((list)[rng_below(rng, COUNT(list))])

static const char *const adjectives[] = {"quiet",  "warm",  "narrow", "careful", "bright", "old",    "small",  "heavy",
                                         "simple", "clear", "honest", "patient", "cold",   "gentle", "broken", "new",
                                         "useful", "rare",  "sharp",  "soft",    "steady", "plain"};
static const char *const nouns[] = {
    "rivers",  "teachers", "lamps",   "gardens", "letters", "engines", "kitchens", "maps",    "windows", "farmers",
    "bridges", "stories",  "tools",   "numbers", "animals", "doctors", "schools",  "streets", "clocks",  "machines",
    "songs",   "friends",  "winters", "forests", "trains",  "markets", "books",    "cities",  "gloves",  "recipes"};
static const char *const verbs[] = {"follow",  "keep",     "need",   "change", "carry",   "explain",
                                    "protect", "repair",   "choose", "watch",  "improve", "move",
                                    "measure", "remember", "build",  "clean",  "help",    "describe"};
static const char *const joints[] = {"because", "while", "although", "before", "whenever", "after", "unless", "and"};

/* ---- sentences ---- */

static void add_clause(struct strbuf *out, struct rng *rng)
{
    strbuf_printf(out, "%s %s %s ", PICK(rng, adjectives), PICK(rng, nouns), PICK(rng, verbs));
    strbuf_printf(out, "%s %s", PICK(rng, adjectives), PICK(rng, nouns));
}

static void add_sentence(struct strbuf *out, struct rng *rng)
{
    const size_t begin = out->len;
    add_clause(out, rng);
    strbuf_printf(out, " %s ", PICK(rng, joints));
    add_clause(out, rng);
    strbuf_putc(out, '.');
    out->data[begin] = (char)toupper((unsigned char)out->data[begin]);
}

static void add_sentences(struct strbuf *out, struct rng *rng)
{
    for (uint64_t n = 2 + rng_below(rng, 3); n > 0; n--) {
        add_sentence(out, rng);
        strbuf_puts(out, n > 1 ? " " : "");
    }
}

static void say_question(struct strbuf *out, struct rng *rng, const char *prompt)
{
    (void)prompt;
    strbuf_puts(out, "How do ");
    add_clause(out, rng);
    strbuf_printf(out, " %s ", PICK(rng, joints));
    add_clause(out, rng);
    strbuf_putc(out, '?');
}

static void say_refusal(struct strbuf *out, struct rng *rng, const char *prompt)
{
    (void)prompt;
    strbuf_puts(out, "I'm sorry, but I can't help with that. ");
    add_sentence(out, rng);
}

/* Whether a refusal is due: by the words for an answer, a critic, and a whole conversation. */
static bool wants_refusal(const char *prompt)
{
    static const char *const words[] = {PROMPT_MARK_REFUSAL, "must refuse", "must not help, and refuses"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (strstr(prompt, words[i]))
            return true;
    return false;
}

static void say_answer(struct strbuf *out, struct rng *rng, const char *prompt)
{
    if (wants_refusal(prompt))
        say_refusal(out, rng, prompt);
    else
        add_sentences(out, rng);
}

static void say_letter(struct strbuf *out, struct rng *rng, const char *prompt)
{
    (void)prompt;
    strbuf_putc(out, rng_below(rng, 2) ? 'A' : 'B');
}

/* The place of the last mark: those before it are of examples. */
static const char *last_mark(const char *prompt, const char *mark)
{
    const char *last = prompt;
    for (const char *next = prompt; (next = strstr(next, mark)) != NULL; next++)
        last = next;
    return last;
}

/* As many topics as are asked for, a line each. */
static void say_topics(struct strbuf *out, struct rng *rng, const char *prompt)
{
    const char *digit = strpbrk(last_mark(prompt, PROMPT_MARK_TOPICS), "0123456789");
    size_t n = digit ? strtoul(digit, NULL, 10) : 0;
    for (n = n < 1 ? 5 : n > 200 ? 200 : n; n > 0; n--) {
        strbuf_printf(out, "%s %s and %s %s", PICK(rng, adjectives), PICK(rng, nouns), PICK(rng, adjectives),
                      PICK(rng, nouns));
        strbuf_puts(out, n > 1 ? "\n" : "");
    }
}

/* The messages of a conversation whose form the prompt shows: one exchange where it shows none. */
static size_t count_messages(const char *prompt)
{
    static const char user[] = "\"role\": \"user\"";
    size_t n = 0;
    for (const char *p = last_mark(prompt, PROMPT_MARK_CONVERSATION); (p = strstr(p, user)) != NULL; p++)
        n++;
    return n ? 2 * n : 2;
}

/* ---- what a schema asks for ---- */

/* A value of the schema; `number` is its place in the list that holds it: of the words that a property may be, those of
 * a list take turns ("user", "assistant", "user", ...). */
static void add_value(struct strbuf *out, struct rng *rng, const char *prompt, const json *schema, size_t number,
                      size_t depth);

static void add_object(struct strbuf *out, struct rng *rng, const char *prompt, const json *schema, size_t number,
                       size_t depth)
{
    const json *properties = json_get(schema, "properties");
    strbuf_putc(out, '{');
    for (const json *p = json_first(properties); p; p = json_next(p)) {
        strbuf_puts(out, p == json_first(properties) ? "" : ",");
        strbuf_json_string(out, json_key(p), strlen(json_key(p)));
        strbuf_putc(out, ':');
        add_value(out, rng, prompt, p, number, depth + 1);
    }
    strbuf_putc(out, '}');
}

static void add_list(struct strbuf *out, struct rng *rng, const char *prompt, const json *schema, size_t depth)
{
    const json *min = json_get(schema, "minItems");
    const size_t n = json_is_number(min) ? (size_t)json_number(min) : count_messages(prompt);
    strbuf_putc(out, '[');
    for (size_t i = 0; i < n; i++) {
        strbuf_puts(out, i ? "," : "");
        add_value(out, rng, prompt, json_get(schema, "items"), i, depth + 1);
    }
    strbuf_putc(out, ']');
}

static void add_word(struct strbuf *out, struct rng *rng, const char *prompt, const json *schema, size_t number)
{
    const json *words = json_get(schema, "enum");
    struct strbuf text = {0};
    if (json_size(words) > 0) {
        const json *word = json_first(words);
        for (size_t i = number % json_size(words); i > 0; i--)
            word = json_next(word);
        strbuf_puts(&text, json_string(word) ? json_string(word) : "");
    } else if (number % 2 == 0) {
        say_question(&text, rng, prompt);
    } else {
        say_answer(&text, rng, prompt);
    }
    strbuf_json_string(out, text.data, text.len);
    strbuf_free(&text);
}

static void add_value(struct strbuf *out, struct rng *rng, const char *prompt, const json *schema, size_t number,
                      size_t depth)
{
    const char *type = json_string(json_get(schema, "type"));
    if (depth > 16 || !type)
        strbuf_puts(out, "null");
    else if (strcmp(type, "object") == 0)
        add_object(out, rng, prompt, schema, number, depth);
    else if (strcmp(type, "array") == 0)
        add_list(out, rng, prompt, schema, depth);
    else if (strcmp(type, "string") == 0)
        add_word(out, rng, prompt, schema, number);
    else
        strbuf_puts(out, strcmp(type, "boolean") == 0 ? "true" : "1");
}

/* A conversation where only words asked for one. */
static void say_conversation(struct strbuf *out, struct rng *rng, const char *prompt)
{
    static const char *const roles[] = {"user", "assistant"};
    strbuf_puts(out, "{\"messages\":[");
    for (size_t i = 0; i < count_messages(prompt); i++) {
        struct strbuf text = {0};
        (i % 2 ? say_answer : say_question)(&text, rng, prompt);
        strbuf_printf(out, "%s{\"role\":\"%s\",\"content\":", i ? "," : "", roles[i % 2]);
        strbuf_json_string(out, text.data, text.len);
        strbuf_putc(out, '}');
        strbuf_free(&text);
    }
    strbuf_puts(out, "]}");
}

/* ---- what a prompt asks for ---- */

/* The first row whose mark stands in the messages decides. */
static const struct wish {
    const char *mark;
    void (*say)(struct strbuf *out, struct rng *rng, const char *prompt);
} wishes[] = {
    {PROMPT_MARK_CONVERSATION, say_conversation},
    {PROMPT_MARK_JUDGE, say_letter},
    {PROMPT_MARK_TOPICS, say_topics},
    {PROMPT_MARK_USER, say_question},
};

static void add_text_of(const json *message, struct strbuf *out)
{
    const char *text = json_string(json_get(message, "content"));
    strbuf_puts(out, text ? text : "");
    strbuf_putc(out, '\n');
}

static void collect(const json *request, struct strbuf *out)
{
    strbuf_puts(out, "");
    for (const json *m = json_first(json_get(request, "messages")); m; m = json_next(m))
        add_text_of(m, out);
}

static void say_what_is_wished(struct strbuf *out, struct rng *rng, const char *prompt)
{
    size_t i = 0;
    while (i < COUNT(wishes) && !strstr(prompt, wishes[i].mark))
        i++;
    (i < COUNT(wishes) ? wishes[i].say : say_answer)(out, rng, prompt);
}

void fake_answer(struct fake_answer *answer, const json *request, uint64_t hash)
{
    const json *format = json_get(json_get(request, "response_format"), "json_schema");
    const json *tool = json_get(json_first(json_get(request, "tools")), "function");
    struct strbuf all = {0};
    struct rng rng;
    rng_seed(&rng, hash, 0);
    collect(request, &all);
    *answer = (struct fake_answer){.is_call = json_is_object(tool)};
    if (json_is_object(tool))
        add_value(&answer->text, &rng, all.data, json_get(tool, "parameters"), 0, 0);
    else if (json_is_object(format))
        add_value(&answer->text, &rng, all.data, json_get(format, "schema"), 0, 0);
    else
        say_what_is_wished(&answer->text, &rng, all.data);
    strbuf_free(&all);
}

size_t fake_prompt_bytes(const json *request)
{
    struct strbuf all = {0};
    collect(request, &all);
    const size_t len = all.len;
    strbuf_free(&all);
    return len;
}
