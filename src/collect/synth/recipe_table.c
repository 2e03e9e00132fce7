#include "collect/synth/recipe.h"
#include "config/field_value.h"
#include "config/foreign_values.h"

#include <math.h>
#include <string.h>

#define WORDS(...)                                                                                                     \
    .values = (const char *const[]){__VA_ARGS__},                                                                      \
    .n_values = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)
#define AT(section_, key_) .section = #section_, .key = #key_, .offset = offsetof(struct recipe, section_.key_)

#define TOKENS_MAX   1e12
#define ROWS_MAX     1e9
#define PARALLEL_MAX 1000
#define CHARS_MAX    1e7

static const struct field fields[] = {
    /* ---- [endpoint] ---- */
    {AT(endpoint, url), .type = FIELD_STRING,
     .doc = "an OpenAI-compatible API, such as http://127.0.0.1:8080/v1 (sft serve) or https://HOST/v1"},
    {AT(endpoint, model), .type = FIELD_TEXT, .default_text = "",
     .doc = "which of its models; empty: the one that it has"},
    {AT(endpoint, api_key_env), .type = FIELD_TEXT, .default_text = "",
     .doc = "name of the environment variable that holds the API key; empty: none is sent"},
    {AT(endpoint, concurrency), .type = FIELD_SIZE, .default_text = "4", .min = 1, .max = PARALLEL_MAX,
     .doc = "requests in flight at once"},
    {AT(endpoint, requests_per_minute), .type = FIELD_DOUBLE, .default_text = "0", .max = INFINITY,
     .doc = "sent at an even pace; 0: no limit"},
    {AT(endpoint, timeout_s), .type = FIELD_DOUBLE, .default_text = "120", .min = ABOVE_ZERO, .max = 86400,
     .doc = "seconds for one request"},
    {AT(endpoint, max_retries), .type = FIELD_SIZE, .default_text = "5", .max = 100,
     .doc = "further attempts where one fails in a way that may pass (429, 5xx, a cut connection)"},
    {AT(endpoint, backoff_s), .type = FIELD_DOUBLE, .default_text = "1", .min = ABOVE_ZERO, .max = 60,
     .doc = "seconds before the first of them; doubled each time, 60 at most, longer where the endpoint says so"},

    /* ---- [budget] ---- */
    {AT(budget, max_requests), .type = FIELD_SIZE, .default_text = "0", .max = TOKENS_MAX,
     .doc = "requests in all, further attempts too; 0: no limit"},
    {AT(budget, max_tokens_total), .type = FIELD_SIZE, .default_text = "0", .max = TOKENS_MAX,
     .doc = "tokens of prompts and answers; 0: no limit"},
    {AT(budget, max_cost), .type = FIELD_DOUBLE, .default_text = "0", .max = INFINITY,
     .doc = "in the prices' currency; needs price_prompt or price_completion; 0: no limit"},
    {AT(budget, price_prompt), .type = FIELD_DOUBLE, .default_text = "0", .max = INFINITY,
     .doc = "of a million tokens of prompts"},
    {AT(budget, price_completion), .type = FIELD_DOUBLE, .default_text = "0", .max = INFINITY,
     .doc = "of a million tokens of answers"},

    /* ---- [recipe] ---- */
    {AT(recipe, mode), .type = FIELD_ENUM, .default_text = "turns", WORDS(MODE_CHOICES(CHOICE_WORD)),
     .doc = "turns: a request a message, user and assistant by prompts of their own; structured: one request a "
            "conversation, answered in JSON"},
    {AT(recipe, count), .type = FIELD_SIZE, .default_text = "100", .min = 1, .max = ROWS_MAX,
     .doc = "conversations to ask for; may be raised later"},
    {AT(recipe, turns), .type = FIELD_STRING, .default_text = "1",
     .doc = "exchanges (a user's message and its answer) of a conversation: N, or N-M for between N and M"},
    {AT(recipe, subject), .type = FIELD_TEXT, .default_text = "",
     .doc = "what all rows are about, in a sentence: 'customer support for the Lumi desk lamp'"},
    {AT(recipe, topics), .type = FIELD_ITEMS, .default_text = "",
     .doc = "what they are about one by one: a file with one a line, or a list"},
    {AT(recipe, topic_tree), .type = FIELD_STRING, .default_text = "0",
     .doc = "ask the model for topics of the subject: N, or NxM for N with M of each; 0: do not"},
    {AT(recipe, users), .type = FIELD_ITEMS, .default_text = "", .doc = "who asks; empty: a list of its own"},
    {AT(recipe, personas), .type = FIELD_FILES, .default_text = "teacher",
     WORDS("teacher", "support", "safety", "contrast", "critic"),
     .doc = "who answers: files, or the shipped teacher, support, safety, contrast, critic; what nobody of them "
            "writes (refusals, look-alikes, critique), the last three do"},
    {AT(recipe, refusals), .type = FIELD_DOUBLE, .default_text = "0.05", .max = 1,
     .doc = "share of conversations in which the assistant must refuse"},
    {AT(recipe, refusal_topics), .type = FIELD_ITEMS, .default_text = "",
     .doc = "what it must refuse: a file, or a list; empty: harm of common kinds"},
    {AT(recipe, look_alikes_per_refusal), .type = FIELD_SIZE, .default_text = "1", .max = 8,
     .doc = "harmless conversations that share each refusal's trigger words"},
    {AT(recipe, facts), .type = FIELD_FILES, .default_text = "",
     .doc = "documents (text, Markdown) that answers rely on; a row is given a piece"},
    {AT(recipe, facts_chars), .type = FIELD_SIZE, .default_text = "2000", .min = 100, .max = CHARS_MAX,
     .doc = "longest such piece, in bytes"},
    {AT(recipe, examples), .type = FIELD_FILES, .default_text = "",
     .doc = "conversations that show how answers should read; files as train takes them"},
    {AT(recipe, examples_shown), .type = FIELD_SIZE, .default_text = "2", .max = EXAMPLES_SHOWN_MAX,
     .doc = "how many of them are shown to a row, others each time"},
    {AT(recipe, system), .type = FIELD_TEXT, .default_text = "",
     .doc = "system prompt that the rows are written with, as the trained model will be used; empty: none"},
    {AT(recipe, length), .type = FIELD_TEXT, .default_text = "",
     .doc = "how long answers are to be, in words: one to three sentences; empty: nothing is said of it"},
    {AT(recipe, critique), .type = FIELD_BOOL, .default_text = "false",
     .doc = "a critic reads each last answer and writes it again"},
    {AT(recipe, pairs), .type = FIELD_BOOL, .default_text = "false",
     .doc = "write two last answers, have the labeller judge them, and keep both as chosen and rejected"},
    {AT(recipe, temperature), .type = FIELD_DOUBLE, .default_text = "0.8", .max = 2, .doc = "of what is written"},
    {AT(recipe, top_p), .type = FIELD_DOUBLE, .default_text = "1", .min = ABOVE_ZERO, .max = 1,
     .doc = "of the tokens that may come next only the likeliest, with this share together; small models need 0.9"},
    {AT(recipe, max_tokens), .type = FIELD_SIZE, .default_text = "512", .min = 16, .max = 1e6,
     .doc = "longest answer of the endpoint, in its tokens; what is cut off there is rejected"},
    {AT(recipe, seed), .type = FIELD_SIZE, .default_text = "42", .max = INFINITY,
     .doc = "of what each row is about; also sent with each request"},

    /* ---- [filter] ---- */
    {AT(filter, min_chars), .type = FIELD_SIZE, .default_text = "2", .max = CHARS_MAX,
     .doc = "shortest message, in characters"},
    {AT(filter, max_chars), .type = FIELD_SIZE, .default_text = "4000", .max = CHARS_MAX,
     .doc = "longest message; 0: no limit"},
    {AT(filter, near_duplicate), .type = FIELD_DOUBLE, .default_text = "0.7", .max = 1,
     .doc = "share of three-word runs from which on two conversations are too alike (Jaccard); 0: nobody is compared"},
    {AT(filter, eval), .type = FIELD_FILES, .default_text = "",
     .doc = "files that no row may be like: what you evaluate on"},
};

/* ---- what others call these keys; for messages only ---- */

static const struct {
    const char *names, *key, *words;
} foreign[] = {
    {"api_key key token bearer openai_api_key", "api_key_env",
     "it names an environment variable that holds the key, which stands in no file"},
    {"base_url api_base openai_api_base endpoint server host", "url", NULL},
    {"model_name deployment engine", "model", NULL},
    {"workers num_workers parallel max_concurrency num_proc threads max_parallel_requests", "concurrency", NULL},
    {"rpm rate_limit requests_per_min max_requests_per_minute", "requests_per_minute", NULL},
    {"timeout request_timeout", "timeout_s", "in seconds"},
    {"retries num_retries max_attempts", "max_retries", NULL},
    {"max_tokens_budget token_limit max_total_tokens", "max_tokens_total", NULL},
    {"n num_samples num_rows rows samples size num_instructions total", "count", NULL},
    {"num_turns max_turns exchanges rounds", "turns", NULL},
    {"system_prompt system_message", "system",
     "of the rows; what the labeller is told is a persona: personas names files"},
    {"persona labeller labellers", "personas", NULL},
    {"max_new_tokens max_completion_tokens", "max_tokens", NULL},
    {"documents context knowledge sources grounding", "facts", NULL},
    {"few_shot fewshot seed_tasks shots demonstrations", "examples", NULL},
    {"dedupe dedup similarity similarity_threshold minhash_threshold", "near_duplicate", NULL},
    {"random_seed", "seed", NULL},
};

static bool foreign_key(const char *section, const char *key, const char *value, struct strbuf *out,
                        const struct field **field)
{
    (void)value; /* it may be a secret */
    *field = NULL;
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign && !*field; i++) {
        if (!foreign_is_among(foreign[i].names, key))
            continue;
        *field = table_find(&recipe_table, foreign[i].key);
        strbuf_printf(out, "here it is %s", foreign[i].key);
        if (strcmp(section, (*field)->section) != 0)
            strbuf_printf(out, " in [%s]", (*field)->section);
        if (foreign[i].words)
            strbuf_printf(out, " (%s)", foreign[i].words);
    }
    return *field != NULL;
}

static bool foreign_section(const char *name, const char **ours, const char **words)
{
    *ours = NULL;
    *words = "this is a configuration of sft train; a recipe has [endpoint], [budget], [recipe] and [filter]";
    return foreign_is_among("model data train lora eval", name);
}

const struct field_table recipe_table = {
    .fields = fields,
    .count = sizeof fields / sizeof *fields,
    .foreign_key = foreign_key,
    .foreign_section = foreign_section,
};
