#include "text/template_table.h"

#include "text/template_recognise.h"

#include <string.h>

#define EVERY_ROLE(text)                                                                                     \
    {                                                                                                        \
        text, text, text, text                                                                               \
    }

/* ---- spellings ---- */

#define LOOP      "{%for message in messages%}"
#define END_LOOP  "{%endfor%}"
#define ROLE      "message['role']"
#define CONTENT   "message['content']"
#define PROMPT(s) END_LOOP "{%if add_generation_prompt%}{{'" s "'}}{%endif%}"
#define BOS       "{{bos_token}}"

static const struct template_row rows[] = {
    {.choice = TEMPLATE_IM_SEP,
     .can_start_with_bos = true,
     .texts = {.prefix = {[ROLE_SYSTEM] = "<|im_start|>system<|im_sep|>",
                          [ROLE_USER] = "<|im_start|>user<|im_sep|>",
                          [ROLE_ASSISTANT] = "<|im_start|>assistant<|im_sep|>",
                          [ROLE_TOOL] = "<|im_start|>tool<|im_sep|>"},
               .suffix = EVERY_ROLE("<|im_end|>")},
     .spellings = {LOOP "{{'<|im_start|>'+" ROLE "+'<|im_sep|>'+" CONTENT
                        "+'<|im_end|>'}}" PROMPT("<|im_start|>assistant<|im_sep|>"),
                   LOOP "{{'<|im_start|>'+" ROLE "+'<|im_sep|>'}}"
                        "{%if " ROLE "=='assistant'%}{%generation%}{{" CONTENT
                        "+'<|im_end|>'}}{%endgeneration%}"
                        "{%else%}{{" CONTENT "+'<|im_end|>'}}{%endif%}" PROMPT("<|im_start|>assistant<|im_sep|>")}},
    {.choice = TEMPLATE_CHATML,
     .can_start_with_bos = true,
     .texts = {.prefix = {[ROLE_SYSTEM] = "<|im_start|>system\n",
                          [ROLE_USER] = "<|im_start|>user\n",
                          [ROLE_ASSISTANT] = "<|im_start|>assistant\n",
                          [ROLE_TOOL] = "<|im_start|>tool\n"},
               .suffix = EVERY_ROLE("<|im_end|>\n")},
     .spellings = {LOOP "{{'<|im_start|>'+" ROLE "+'\\n'+" CONTENT "+'<|im_end|>\\n'}}"
                        PROMPT("<|im_start|>assistant\\n")}},
    /* microsoft/DialoGPT's, and transformers' default for GPT-2 until 4.43: roles cannot be seen. */
    {.choice = TEMPLATE_DIALOGPT,
     .texts = {.prefix = EVERY_ROLE(""), .suffix = EVERY_ROLE(EOS_TOKEN)},
     .spellings = {LOOP "{{" CONTENT "+eos_token}}" END_LOOP}},
};
enum { N_ROWS = sizeof rows / sizeof *rows };
_Static_assert((int)N_ROWS == TEMPLATE_CUSTOM - TEMPLATE_AUTO - 1, "a row for each format of config/choices.h");

/* ---- names ---- */

const char *template_choice_name(enum template_choice choice)
{
    static const char *const names[] = {TEMPLATE_CHOICES(CHOICE_WORD)};
    return names[choice];
}

void template_names(struct strbuf *out)
{
    for (enum template_choice choice = TEMPLATE_AUTO + 1; choice <= TEMPLATE_CUSTOM; choice++)
        strbuf_printf(out, "%s%s", choice == TEMPLATE_AUTO + 1 ? "" : choice < TEMPLATE_CUSTOM ? ", " : " or ",
                      template_choice_name(choice));
}

/* ---- finding a row ---- */

const struct template_row *template_row_of(enum template_choice choice)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (rows[i].choice == choice)
            return &rows[i];
    SFT_BUG("a template without a row");
}

const struct template_row *template_row_by_jinja(const char *jinja, bool *has_bos)
{
    struct strbuf normal = {0};
    const struct template_row *found = NULL;
    template_normalise(jinja, &normal);
    *has_bos = strncmp(normal.data, BOS, strlen(BOS)) == 0;
    const char *rest = normal.data + (*has_bos ? strlen(BOS) : 0);
    for (size_t i = 0; i < N_ROWS && !found; i++)
        for (const char *const *spelling = rows[i].spellings; *spelling; spelling++)
            if (strcmp(rest, *spelling) == 0)
                found = &rows[i];
    strbuf_free(&normal);
    return found;
}

/* ---- a row's texts ---- */

/* The suffix with the base's eos where EOS_TOKEN stands; NULL where there is neither. */
static const char *with_eos(const char *suffix, const char *eos, struct arena *arena)
{
    const char *at = suffix ? strstr(suffix, EOS_TOKEN) : NULL;
    if (!at)
        return suffix;
    return eos ? arena_printf(arena, "%.*s%s%s", (int)(at - suffix), suffix, eos, at + strlen(EOS_TOKEN)) : NULL;
}

bool template_row_texts(const struct template_row *row, const char *eos, struct arena *arena, struct turn_texts *texts)
{
    *texts = row->texts;
    for (enum role role = 0; role < ROLE_COUNT; role++)
        texts->suffix[role] = with_eos(row->texts.suffix[role], eos, arena);
    return texts->suffix[ROLE_ASSISTANT] != NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_turns(const struct turn_texts *a, const struct turn_texts *b)
{
    for (enum role role = 0; role < ROLE_COUNT; role++)
        if (!same_text(a->prefix[role], b->prefix[role]) || !same_text(a->suffix[role], b->suffix[role]))
            return false;
    return true;
}

const char *template_texts_name(const struct turn_texts *texts, const char *eos)
{
    enum template_choice choice = TEMPLATE_CUSTOM;
    struct arena arena = {0};
    for (size_t i = 0; i < N_ROWS && choice == TEMPLATE_CUSTOM; i++) {
        struct turn_texts row;
        if (template_row_texts(&rows[i], eos, &arena, &row) && same_turns(&row, texts))
            choice = rows[i].choice;
    }
    arena_free(&arena);
    return template_choice_name(choice);
}
