/* Any bytes as a recipe, as a persona, as facts, and as what a model answers to the steps of a row and to a call for
 * topics: no crash; what comes of it is well-formed. Built with clang -fsanitize=fuzzer, or with replay.c to run a
 * corpus. */
#include "collect/synth/prompts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void read_facts(const char *text, size_t size)
{
    struct facts facts = {0};
    struct arena arena = {0};
    facts_cut(&facts, text, strnlen(text, size), "facts", 100, &arena); /* who reads the file refuses a NUL */
    double *fit = mem_calloc(facts.count + 1, sizeof *fit);
    facts_fit(&facts, "some topic of words", fit);
    for (size_t i = 0; i < facts.count; i++)
        require(*facts.items[i].text && facts.items[i].heading && fit[i] >= 0);
    free(fit);
    facts_free(&facts);
    arena_free(&arena);
}

static void read_persona(const char *text, size_t size)
{
    struct persona persona;
    struct arena arena = {0};
    if (persona_parse(&persona, text, size, "fuzz", &arena, NULL) == SFT_OK)
        require(*persona.text && *persona.name && persona.writes < N_PERSONA_WRITES);
    arena_free(&arena);
}

static void read_any(const char *text, size_t size)
{
    struct recipe recipe;
    struct sft_err err = {0};
    recipe_init(&recipe);
    if (recipe_read_text(&recipe, text, size, "fuzz.ini", NULL, &err))
        require(err.status == SFT_EUSAGE && strcmp(err.file, "fuzz.ini") == 0);
    else
        recipe_check(&recipe, &err); /* files that it names are nobody's business here */
    recipe_free(&recipe);
}

/* A row of each kind, each step answered by all of the text. */
static void walk(const char *lines, const char *text, size_t size)
{
    struct recipe recipe;
    struct arena arena = {0};
    struct plan plan;
    struct prompt_answer answers[PROMPT_STEPS_MAX];
    struct prompt_next next;
    recipe_init(&recipe);
    require(recipe_read_text(&recipe, lines, strlen(lines), "r.ini", NULL, NULL) == SFT_OK);
    require(recipe_check(&recipe, NULL) == SFT_OK && recipe_load(&recipe, NULL, NULL) == SFT_OK);
    const struct string_list topics = {.items = (char *[]){(char[]){"tea"}}, .count = 1};
    plan_init(&plan, &recipe, &topics);
    for (uint64_t i = 0; i < 4; i++) {
        struct plan_row row;
        const struct message shared = {.role = ROLE_USER, .content = text, .len = size};
        size_t n = 0;
        plan_row(&plan, i, &row);
        while (row_next(&plan, &row, &shared, answers, n, &arena, &next) == NEXT_REQUEST) {
            require(n < PROMPT_STEPS_MAX && next.request.n_messages > 0);
            answers[n++] = (struct prompt_answer){.text = text, .len = size};
        }
        require(next.how != NEXT_COMPLETE || next.conv.messages[next.conv.count - 1].role == ROLE_ASSISTANT);
    }
    size_t n = 0;
    while (topics_next(&recipe, answers, n, &arena, &next) == NEXT_REQUEST) {
        require(n < PROMPT_STEPS_MAX);
        answers[n] = (struct prompt_answer){.text = text, .len = size, .is_cut = n == 2};
        n++;
    }
    require(next.how == NEXT_MALFORMED || next.topics.count > 0);
    recipe_free(&recipe);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
#define HEAD "[endpoint]\nurl = http://h/v1\n[recipe]\nsubject = tea\ntopic_tree = 3x2\nrefusals = 0.4\n"
    char *text = malloc(size ? size : 1); /* a copy of its exact size, so that reading past it is caught */
    require(text != NULL);
    if (size > 0)
        memcpy(text, bytes, size);
    read_any(text, size);
    read_persona(text, size);
    read_facts(text, size);
    walk(HEAD "turns = 2\ncritique = true\npairs = true\n", text, size);
    walk(HEAD "mode = structured\nturns = 2\npairs = true\n", text, size);
    free(text);
    return 0;
}
