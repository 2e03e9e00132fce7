#include "text/template_probe.h"

#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the template ---- */

static void set_token(struct template_probe *p, const char *name, const struct tokenizer *tok, int32_t id)
{
    size_t len;
    const char *bytes = id == TOKEN_NONE ? NULL : tokenizer_token_bytes(tok, id, &len);
    if (bytes)
        jinja_dict_set(&p->arena, p->variables.dict, jinja_text(name), jinja_bytes(bytes, len));
}

bool template_probe_open(struct template_probe *p, const char *source, const struct tokenizer *tok)
{
    *p = (struct template_probe){0};
    p->variables = jinja_dict_new(&p->arena, 8);
    jinja_dict_set(&p->arena, p->variables.dict, jinja_text("tools"), jinja_none());
    jinja_dict_set(&p->arena, p->variables.dict, jinja_text("documents"), jinja_none());
    set_token(p, "bos_token", tok, tokenizer_bos_id(tok));
    set_token(p, "eos_token", tok, tokenizer_eos_id(tok));
    set_token(p, "pad_token", tok, tokenizer_pad_id(tok));
    set_token(p, "unk_token", tok, tokenizer_unk_id(tok));
    return jinja_parse(&p->jinja, source, strlen(source), p->why) == JINJA_DONE;
}

void template_probe_free(struct template_probe *p)
{
    jinja_free(p->jinja);
    jinja_output_free(&p->out);
    arena_free(&p->arena);
    arena_free(&p->messages);
    *p = (struct template_probe){0};
}

static struct jinja_value message_value(struct arena *arena, const struct message *m)
{
    struct jinja_value value = jinja_dict_new(arena, 2);
    jinja_dict_set(arena, value.dict, jinja_text("role"), jinja_text(role_name[m->role]));
    jinja_dict_set(arena, value.dict, jinja_text("content"), jinja_bytes(m->content, m->len));
    return value;
}

enum jinja_result template_probe_render(struct template_probe *p, const struct conversation *conv, bool prompts)
{
    arena_reset(&p->messages);
    struct jinja_value messages = jinja_list_new(&p->messages, conv->count);
    for (size_t i = 0; i < conv->count; i++)
        messages.list->items[i] = message_value(&p->messages, &conv->messages[i]);
    jinja_dict_set(&p->arena, p->variables.dict, jinja_text("messages"), messages);
    jinja_dict_set(&p->arena, p->variables.dict, jinja_text("add_generation_prompt"), jinja_bool(prompts));
    if (p->steps > PROBE_MAX_STEPS) {
        snprintf(p->why, sizeof p->why, "a program that long");
        return JINJA_UNKNOWN;
    }
    const enum jinja_result result = jinja_render(p->jinja, &p->variables, p->date, &p->out);
    p->steps += p->out.steps;
    if (result == JINJA_UNKNOWN && !*p->why)
        memcpy(p->why, p->out.message, sizeof p->why);
    return result;
}

/* ---- conversations ---- */

struct conversation template_probe_conversation(struct arena *arena, const char *roles, const char *const *contents)
{
    static const char letters[] = "suat"; /* in enum role's order */
    const size_t count = strlen(roles);
    struct message *messages = arena_calloc(arena, count + 1, sizeof *messages);
    for (size_t i = 0; i < count; i++)
        messages[i] = (struct message){.role = (enum role)(strchr(letters, roles[i]) - letters),
                                       .content = contents[i],
                                       .len = strlen(contents[i]),
                                       .weight = 1.0F};
    return (struct conversation){.messages = messages, .count = count};
}

enum { MAX_LITERALS = 200, MAX_TURNS = 13 };
static const char *const plain[MAX_TURNS] = {"Be kind", "Who's there?", "It is I.", "Of course", "y",
                                             "Go on", "I do.", "Still?", "Yes.", "And now?", "No", "Well", "z"};

/* Every order of a few roles. */
static const char *const orders[] = {
    "ua",   "sua",  "uaua", "suaua", "u",    "su",   "uau",  "suau",  "a",    "sa",   "au",    "aa",   "uu",
    "uaa",  "uua",  "aua",  "auu",   "uuu",  "aaa",  "saua", "suua",  "suaa", "uuau", "uaau",  "uaaa",  "us",   "usa",
    "uas",  "uasu", "uasa", "ssu",   "ssua", "susu", "sus",  "suas",  "ss",   "uat",  "uata",  "uatta", "t",    "ta",
    "tu",   "tua",  "uta",  "utta",  "ut",   "tata", "sta",  "suata", "stua", "uatu", "uatua", "sat",   "suat",
    "uatau", "uauauauauauau", "suauauauauaua"};

/* What templates look for, and what they may take off a content's ends. */
static const char *const contents[] = {
    "",
    " ",
    "\n",
    " \t\n x y \r\n ",
    "\n\nx\n\n",
    "\xC2\xA0x\xE3\x80\x80",
    "na\xC3\xAFve \xF0\x9F\x99\x82",
    "\"quoted\" 'and' {{ x }} {% y %} \\n",
    "<think>\nfirst\n</think>\n\nthen",
    "<think>first</think>then",
    "\n<think>\n\n\nfirst\n\n\n</think>\n\n\n\nthen\n",
    "<think>\n\n</think>\n\nthen",
    "<think>open",
    "closed</think>then",
    "</think>",
    "a<think>b</think>c<think>d</think>e",
    "\n</think>\n\n<think>\n",
    "<tool_response>x</tool_response>",
    "<tool_response>",
    "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>",
    "/no_think",
    "x /no_think ",
    "/think",
    "/think\n",
    " x/no_think/think y \n",
    "<|im_end|>",
    "[INST] x [/INST]",
    "system",
    "None",
};

struct probing {
    struct arena arena;
    bool (*holds)(void *with, const struct conversation *conv, bool prompts);
    void *with;
};

static bool try(struct probing *t, const char *roles, const char *const *texts)
{
    const struct conversation conv = template_probe_conversation(&t->arena, roles, texts);
    const bool good = t->holds(t->with, &conv, false) && t->holds(t->with, &conv, true);
    arena_reset(&t->arena);
    return good;
}

/* This content at each place of a few orders. */
static bool try_content(struct probing *t, const char *content)
{
    static const char *const around[] = {"uaua", "suaua", "uata"};
    for (size_t k = 0; k < sizeof around / sizeof *around; k++)
        for (size_t i = 0; around[k][i]; i++) {
            const char *texts[MAX_TURNS];
            memcpy(texts, plain, sizeof texts);
            texts[i] = content;
            if (!try(t, around[k], texts))
                return false;
        }
    return true;
}

static bool try_everywhere(struct probing *t, const char *content)
{
    const char *texts[MAX_TURNS];
    for (size_t i = 0; i < MAX_TURNS; i++)
        texts[i] = content;
    return try(t, "suaua", texts) && try(t, "uauau", texts) && try(t, "uatta", texts);
}

static bool try_contents(struct probing *t)
{
    enum { N = sizeof contents / sizeof *contents };
    for (size_t i = 0; i < N; i++) {
        const char *texts[MAX_TURNS];
        for (size_t k = 0; k < MAX_TURNS; k++)
            texts[k] = contents[(i + 7 * k) % N];
        if (!try_content(t, contents[i]) || !try_everywhere(t, contents[i]) || !try(t, "suaua", texts) ||
            !try(t, "uauau", texts))
            return false;
    }
    return true;
}

static bool try_literals(struct probing *t, struct template_probe *p)
{
    struct jinja_string *literals = mem_calloc(MAX_LITERALS, sizeof *literals);
    const size_t n = jinja_literals(p->jinja, literals, MAX_LITERALS);
    bool good = n < MAX_LITERALS;
    if (!good && !*p->why)
        snprintf(p->why, sizeof p->why, "%d strings or more", (int)MAX_LITERALS);
    for (size_t i = 0; good && i < n; i++) {
        char *alone = mem_strndup(literals[i].data, literals[i].len), *within = mem_printf("x %s y", alone);
        good = try_content(t, alone) && try_content(t, within);
        free(alone);
        free(within);
    }
    free(literals);
    return good;
}

bool template_probe_all(struct template_probe *p,
                        bool (*holds)(void *with, const struct conversation *conv, bool prompts), void *with)
{
    struct probing t = {.holds = holds, .with = with};
    bool good = true;
    for (size_t i = 0; good && i < sizeof orders / sizeof *orders; i++)
        good = try(&t, orders[i], plain);
    good = good && try_contents(&t) && try_literals(&t, p);
    arena_free(&t.arena);
    return good;
}

/* The first message that is not the plain one; their number where all are. */
static size_t first_special(const struct conversation *conv)
{
    size_t i = 0;
    while (i < conv->count && strcmp(conv->messages[i].content, plain[i]) == 0)
        i++;
    return i;
}

const char *template_probe_misfit(struct arena *arena, const struct conversation *conv, bool prompts)
{
    enum { SHOWN = 60 };
    const size_t special = first_special(conv);
    struct strbuf text = {0};
    strbuf_puts(&text, "a conversation of ");
    for (size_t i = 0; i < conv->count; i++)
        strbuf_printf(&text, "%s%s", i ? ", " : "", role_name[conv->messages[i].role]);
    strbuf_puts(&text, " would come out otherwise");
    if (special < conv->count) {
        const struct message *m = &conv->messages[special];
        strbuf_printf(&text, " (message %zu is '", special + 1);
        strbuf_add_visible(&text, m->content, utf8_cut(m->content, m->len, SHOWN));
        strbuf_puts(&text, m->len > SHOWN ? "...')" : "')");
    }
    if (prompts)
        strbuf_puts(&text, ", with add_generation_prompt");
    const char *copy = arena_strndup(arena, text.data, text.len);
    strbuf_free(&text);
    return copy;
}
