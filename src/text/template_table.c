#include "text/template_table.h"

#include "text/template_jinja.h"

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
#define PROMPT(s) END_LOOP "{%if add_generation_prompt%}{{'<|im_start|>assistant" s "'}}{%endif%}"
#define BOS       "{{bos_token}}"

static const struct template_row rows[] = {
    {.name = "im_sep",
     .can_start_with_bos = true,
     .texts = {.prefix = {[ROLE_SYSTEM] = "<|im_start|>system<|im_sep|>",
                          [ROLE_USER] = "<|im_start|>user<|im_sep|>",
                          [ROLE_ASSISTANT] = "<|im_start|>assistant<|im_sep|>",
                          [ROLE_TOOL] = "<|im_start|>tool<|im_sep|>"},
               .suffix = EVERY_ROLE("<|im_end|>")},
     .spellings = {LOOP "{{'<|im_start|>'+" ROLE "+'<|im_sep|>'+" CONTENT
                        "+'<|im_end|>'}}" PROMPT("<|im_sep|>"),
                   LOOP "{{'<|im_start|>'+" ROLE "+'<|im_sep|>'}}"
                        "{%if " ROLE "=='assistant'%}{%generation%}{{" CONTENT
                        "+'<|im_end|>'}}{%endgeneration%}"
                        "{%else%}{{" CONTENT "+'<|im_end|>'}}{%endif%}" PROMPT("<|im_sep|>")}},
    {.name = "chatml",
     .can_start_with_bos = true,
     .texts = {.prefix = {[ROLE_SYSTEM] = "<|im_start|>system\n",
                          [ROLE_USER] = "<|im_start|>user\n",
                          [ROLE_ASSISTANT] = "<|im_start|>assistant\n",
                          [ROLE_TOOL] = "<|im_start|>tool\n"},
               .suffix = EVERY_ROLE("<|im_end|>\n")},
     .spellings = {LOOP "{{'<|im_start|>'+" ROLE "+'\\n'+" CONTENT "+'<|im_end|>\\n'}}" PROMPT("\\n")}},
    /* microsoft/DialoGPT's, and transformers' default for GPT-2 until 4.43: roles cannot be seen. */
    {.name = "dialogpt",
     .texts = {.prefix = EVERY_ROLE(""), .suffix = EVERY_ROLE(EOS_TOKEN)},
     .spellings = {LOOP "{{" CONTENT "+eos_token}}" END_LOOP}},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

/* ---- finding a row ---- */

const struct template_row *template_row_by_name(const char *name)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

const struct template_row *template_row_by_jinja(const char *jinja, bool *has_bos)
{
    struct strbuf normal = {0};
    const struct template_row *found = NULL;
    jinja_normalise(jinja, &normal);
    *has_bos = strncmp(normal.data, BOS, strlen(BOS)) == 0;
    const char *rest = normal.data + (*has_bos ? strlen(BOS) : 0);
    for (size_t i = 0; i < N_ROWS && !found; i++)
        for (const char *const *spelling = rows[i].spellings; *spelling; spelling++)
            if (strcmp(rest, *spelling) == 0)
                found = &rows[i];
    strbuf_free(&normal);
    return found;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

const struct template_row *template_row_by_texts(const struct turn_texts *texts, const char *eos)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        struct turn_texts row;
        bool is_same = template_row_texts(&rows[i], eos, &row);
        for (enum role role = 0; role < ROLE_COUNT; role++)
            is_same = is_same && same_text(row.prefix[role], texts->prefix[role]) &&
                      same_text(row.suffix[role], texts->suffix[role]);
        if (is_same)
            return &rows[i];
    }
    return NULL;
}

/* ---- a row's texts ---- */

bool template_row_texts(const struct template_row *row, const char *eos, struct turn_texts *texts)
{
    *texts = row->texts;
    for (enum role role = 0; role < ROLE_COUNT; role++)
        if (texts->suffix[role] && strcmp(texts->suffix[role], EOS_TOKEN) == 0)
            texts->suffix[role] = eos;
    return texts->suffix[ROLE_ASSISTANT] != NULL;
}

void template_names(struct strbuf *out)
{
    for (size_t i = 0; i < N_ROWS; i++)
        strbuf_printf(out, "%s%s", i ? ", " : "", rows[i].name);
    strbuf_puts(out, " or custom");
}
