/* The recipe of `sft synth`: an INI file as a configuration of train is one (config/settings.h says its syntax), read
 * by a table of fields of its own (recipe_table.c), and the files that it names.
 *
 *     recipe_init(&recipe);
 *     recipe_read_file(&recipe, "recipe.ini", err);
 *     recipe_override(&recipe, "recipe.count=20", err);      // --set
 *     recipe_check(&recipe, err);                            // across keys
 *     recipe_load(&recipe, &stop, err);                      // personas, topics, facts, examples
 *     ...
 *     recipe_free(&recipe);
 *
 * Reading goes on after an error: all that is wrong is in `problems` (config/table.h), err has the first of a call. */
#ifndef SFT_COLLECT_SYNTH_RECIPE_H
#define SFT_COLLECT_SYNTH_RECIPE_H

#include "base/err.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "collect/synth/facts.h"
#include "collect/synth/persona.h"
#include "config/table.h"
#include "text/conversation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* [recipe] mode: each message is a plain-text completion, or a whole conversation is one answer in JSON. */
#define MODE_CHOICES(X) X(MODE_TURNS, "turns") X(MODE_STRUCTURED, "structured")
enum synth_mode { MODE_CHOICES(CHOICE_NUMBER) };

enum { EXAMPLES_SHOWN_MAX = 8, EXCHANGES_MAX = 16 };

/* An example that is shown: a conversation that begins with the user, takes turns and ends with the assistant. */
struct recipe_example {
    struct conversation conv;
    bool is_refusal; /* as the judge reads its last answer: shown where a refusal is due, and nowhere else */
};
enum { EXAMPLE_CHARS = 2000 }; /* bytes: longer ones are not shown */

struct recipe {
    struct {                                   /* [endpoint] */
        const char *url, *model, *api_key_env; /* "": not set */
        uint64_t concurrency;
        double requests_per_minute, timeout_s; /* 0: no limit; */
        uint64_t max_retries;
        double backoff_s;
    } endpoint;
    struct { /* [budget] 0: no limit */
        uint64_t max_requests, max_tokens_total;
        double max_cost, price_prompt, price_completion; /* prices a million tokens */
    } budget;
    struct {      /* [recipe] */
        int mode; /* enum synth_mode */
        uint64_t count;
        const char *turns; /* "2", or "1-3" */
        const char *system, *subject, *length;
        struct string_list topics, refusal_topics, users; /* items, or one file */
        const char *topic_tree;                           /* "0", "12" or "6x5" */
        struct string_list personas, facts, examples;
        uint64_t facts_chars, examples_shown;
        double refusals;
        uint64_t look_alikes_per_refusal;
        double temperature, top_p;
        uint64_t max_tokens, seed;
        bool critique, pairs;
    } recipe;
    struct { /* [filter] */
        uint64_t min_chars, max_chars;
        double near_duplicate;
        struct string_list eval;
    } filter;
    struct arena arena; /* owns every string, also of what was loaded */

    /* ---- how the keys came to be (config/table.h) ---- */
    struct field_origin *origins;
    const char *file;
    struct problem_list problems;

    /* ---- what they mean: after recipe_check ---- */
    size_t min_exchanges, max_exchanges; /* 1 <= min <= max <= EXCHANGES_MAX */
    size_t tree_branches, tree_leaves;   /* 0: no tree; leaves 0: branches alone are topics */

    /* ---- what their files hold: after recipe_load ---- */
    struct string_list topics, refusal_topics, users; /* topics: none where the model is asked for them */
    struct persona *personas; /* (n_personas) at least one for each thing that is to be written */
    size_t n_personas;
    struct facts facts;
    struct recipe_example *examples; /* (n_examples) */
    size_t n_examples;
};

extern const struct field_table recipe_table;

void recipe_init(struct recipe *recipe); /* defaults only */
void recipe_free(struct recipe *recipe); /* accepts a zeroed struct */

enum sft_status recipe_read_file(struct recipe *recipe, const char *path, struct sft_err *err);
enum sft_status recipe_read_text(struct recipe *recipe, const char *text, size_t len, const char *name, const char *dir,
                                 struct sft_err *err);
enum sft_status recipe_override(struct recipe *recipe, const char *assignment, struct sft_err *err);

/* Checks across keys, and of texts that have a form (url, turns, topic_tree). SFT_EUSAGE. */
enum sft_status recipe_check(struct recipe *recipe, struct sft_err *err);

/* Read what the keys name. SFT_EUSAGE for a file that is not there, SFT_EDATA for what is wrong in one (each named by
 * the key, too), SFT_EINTERRUPTED once *stop is set (may be NULL). */
enum sft_status recipe_load(struct recipe *recipe, const volatile int *stop, struct sft_err *err);

/* Where the key was set, for an error about what it names. */
void recipe_place(const struct recipe *recipe, const char *key, struct sft_err *err);

/* What rows depend on: [recipe] but count, and [endpoint] model, each key with its value, files by a hash of what is in
 * them. Another endpoint, another budget, other filters, more rows are the same recipe. After recipe_load. */
enum { RECIPE_HASH_DIGITS = 16 };
void recipe_keys(const struct recipe *recipe, struct strbuf *json); /* {"recipe.temperature":"0.8",...} in one line */
void recipe_hash(const struct recipe *recipe, char hash[RECIPE_HASH_DIGITS + 1]);

/* The API key from the environment variable that the recipe names; NULL where it names none. SFT_EUSAGE where the
 * variable is not set or empty. */
enum sft_status recipe_api_key(const struct recipe *recipe, const char **key, struct sft_err *err);

/* The keys with their defaults and meanings, as --keys prints them. */
void recipe_help(struct strbuf *out);

#endif
