#include "data/readers/names.h"

#include "base/nearest.h"
#include "data/readers/marks.h"
#include "data/rows/row_keys.h"

#include <string.h>
#include <strings.h>

/* ---- who a speaker is ---- */

static const struct {
    const char *name; /* as names_equal compares: tool_call is ToolCall and tool-call too */
    enum role role;
    bool is_call;
} speakers[] = {
    {"user", ROLE_USER, false},
    {"assistant", ROLE_ASSISTANT, false},
    {"system", ROLE_SYSTEM, false},
    {"tool", ROLE_TOOL, false},
    {"system_prompt", ROLE_SYSTEM, false},
    {"system_message", ROLE_SYSTEM, false},
    {"human", ROLE_USER, false},
    {"gpt", ROLE_ASSISTANT, false},
    {"prompter", ROLE_USER, false},    /* OpenAssistant */
    {"developer", ROLE_SYSTEM, false}, /* OpenAI's newer name for the system's role */
    {"function", ROLE_TOOL, false},    /* and its older one for the tool's */
    {"function_call", ROLE_ASSISTANT, true},
    {"tool_call", ROLE_ASSISTANT, true},
    {"tool_calls", ROLE_ASSISTANT, true},
    {"observation", ROLE_TOOL, false},
    {"function_response", ROLE_TOOL, false},
    {"function_result", ROLE_TOOL, false},
    {"function_output", ROLE_TOOL, false},
    {"tool_response", ROLE_TOOL, false},
    {"tool_responses", ROLE_TOOL, false},
    {"tool_result", ROLE_TOOL, false},
    {"tool_results", ROLE_TOOL, false},
    {"tool_output", ROLE_TOOL, false},
    {"ipython", ROLE_TOOL, false}, /* Llama 3 */
    {"environment", ROLE_TOOL, false},
    {"ai", ROLE_ASSISTANT, false},
    {"chatgpt", ROLE_ASSISTANT, false},
    {"chatbot", ROLE_ASSISTANT, false},
    {"bing", ROLE_ASSISTANT, false},
    {"bard", ROLE_ASSISTANT, false},
    {"bot", ROLE_ASSISTANT, false},
    {"model", ROLE_ASSISTANT, false},
};
enum { N_SPEAKERS = sizeof speakers / sizeof *speakers };

static const char *skip_joints(const char *s)
{
    return s + strspn(s, "_- ");
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool names_equal(const char *a, const char *b)
{
    for (a = skip_joints(a), b = skip_joints(b); *a && lower(*a) == lower(*b);
         a = skip_joints(a + 1), b = skip_joints(b + 1))
        ;
    return *a == '\0' && *b == '\0';
}

/* The speaker of that name, or N_SPEAKERS. */
static size_t find_speaker(const char *name)
{
    size_t i = 0;
    while (i < N_SPEAKERS && strcmp(speakers[i].name, name) != 0) /* mostly it is written just so */
        i++;
    if (i == N_SPEAKERS)
        for (i = 0; i < N_SPEAKERS && !names_equal(speakers[i].name, name);)
            i++;
    return i;
}

bool names_role(const struct names *names, const char *speaker, enum role *role, bool *is_call,
                uint64_t *used)
{
    *is_call = false;
    for (size_t i = 0; names && i < names->n_roles; i++)
        if (names_equal(names->roles[i].name, speaker)) {
            *role = names->roles[i].role;
            *used |= UINT64_C(1) << i;
            return true;
        }
    const size_t i = find_speaker(speaker);
    if (i == N_SPEAKERS)
        return false;
    *role = speakers[i].role;
    *is_call = speakers[i].is_call;
    return true;
}

/* ---- settings ---- */

/* What a column can be called: keys of rows, and of the turns and calls in them. */
static const char *const keys[] = {
    "ignore",   ROW_KEYS,   "conversation", "tools", "role", "content", "from",    "value", "weight",
    "train",    "masked",   "name",         "type",  "replies", "rank", "deleted", "tool_calls",
    "function_call", "function", "arguments",
};

/* "theirs:ours" at its last colon, into the arena. */
static enum sft_status split(struct names *names, const char *item, const char **theirs, const char **ours,
                             struct sft_err *err)
{
    const char *colon = strrchr(item, ':');
    if (!colon || colon == item || !colon[1])
        return sft_fail(err, SFT_EUSAGE, "'%.80s': expected the file's name, a colon and ours", item);
    *theirs = arena_strndup(&names->arena, item, (size_t)(colon - item));
    *ours = arena_strndup(&names->arena, colon + 1, strlen(colon + 1));
    return SFT_OK;
}

static enum sft_status add_column(struct names *names, const char *from, const char *to, struct sft_err *err)
{
    size_t known = 0;
    while (known < sizeof keys / sizeof *keys && strcmp(keys[known], to) != 0)
        known++;
    if (known == sizeof keys / sizeof *keys) {
        const char *near = nearest_word(to, keys, sizeof keys / sizeof *keys);
        return sft_fail(err, SFT_EUSAGE, "'%.80s:%.80s': no format has a key '%.80s' (%s%s%s)", from, to, to,
                        near ? "did you mean "
                             : "as prompt, completion, messages, role, content, system, ignore",
                        near ? near : "", near ? "?" : "");
    }
    for (size_t i = 0; i < names->n_columns; i++)
        if (strcmp(names->columns[i].from, from) == 0)
            return sft_fail(err, SFT_EUSAGE, "'%.80s' cannot be both %s and %s", from, names->columns[i].to,
                            to);
    if (names->n_columns == NAMES_MAX)
        return sft_fail(err, SFT_EUSAGE, "more than %d names", NAMES_MAX);
    names->columns[names->n_columns++] = (struct name_column){from, keys[known]};
    return SFT_OK;
}

static enum sft_status add_role(struct names *names, const char *name, const char *role, struct sft_err *err)
{
    const size_t i = find_speaker(role);
    if (i == N_SPEAKERS)
        return sft_fail(err, SFT_EUSAGE, "'%.80s:%.80s': no such role (system, user, assistant or tool)",
                        name, role);
    for (size_t k = 0; k < names->n_roles; k++)
        if (names_equal(names->roles[k].name, name))
            return sft_fail(err, SFT_EUSAGE, "'%.80s' is given twice", name);
    if (names->n_roles == NAMES_MAX)
        return sft_fail(err, SFT_EUSAGE, "more than %d names", NAMES_MAX);
    names->roles[names->n_roles++] = (struct name_role){name, speakers[i].role};
    return SFT_OK;
}

enum sft_status names_init(struct names *names, const struct names_options *options, struct sft_err *err)
{
    const struct {
        const char *key, *from, *to;
    } aliases[] = {{"prompt_column", options->prompt_column, "prompt"},
                   {"completion_column", options->completion_column, "completion"}};
    const char *theirs = "", *ours = "";
    *names = (struct names){0};
    for (size_t i = 0; i < options->columns.count; i++)
        if (split(names, options->columns.items[i], &theirs, &ours, err) ||
            add_column(names, theirs, ours, err))
            return sft_context(err, "[data] columns");
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (aliases[i].from && *aliases[i].from && add_column(names, aliases[i].from, aliases[i].to, err))
            return sft_context(err, "[data] %s", aliases[i].key);
    for (size_t i = 0; i < options->roles.count; i++)
        if (split(names, options->roles.items[i], &theirs, &ours, err) || add_role(names, theirs, ours, err))
            return sft_context(err, "[data] roles");
    return SFT_OK;
}

void names_free(struct names *names)
{
    arena_free(&names->arena);
    *names = (struct names){0};
}

void names_add_item(struct strbuf *out, const char *theirs, const char *ours)
{
    const bool is_quoted = theirs[strcspn(theirs, " \t;#\"\\")] != '\0';
    strbuf_puts(out, is_quoted ? "\"" : "");
    for (; *theirs; theirs++) {
        if (is_quoted && strchr("\"\\", *theirs))
            strbuf_putc(out, '\\');
        strbuf_putc(out, *theirs);
    }
    strbuf_printf(out, ":%s%s", ours, is_quoted ? "\"" : "");
}

void names_describe(const struct names *names, struct strbuf *out)
{
    for (size_t i = 0; i < names->n_columns; i++) {
        strbuf_puts(out, "column ");
        strbuf_json_string(out, names->columns[i].from, strlen(names->columns[i].from));
        strbuf_printf(out, " %s\n", names->columns[i].to);
    }
    for (size_t i = 0; i < names->n_roles; i++) {
        strbuf_puts(out, "role ");
        strbuf_json_string(out, names->roles[i].name, strlen(names->roles[i].name));
        strbuf_printf(out, " %s\n", role_name[names->roles[i].role]);
    }
}

/* ---- columns ---- */

static const char no_key[] = ""; /* of what no reader shall see */

/* A key that a column names, found in a row: it lies in `parent`, and shall be the key `to` of `record`, the
 * row or the turn around it. */
struct match {
    const struct name_column *column;
    json *record, *parent, *node;
    const struct match *next;
};

struct search {
    const struct name_column *column;
    struct arena *arena;
    const struct match *matches; /* the newest first */
    bool found;
};

/* The tree is the caller's to change; looking at it goes by const. */
static json *own(const json *node)
{
    return (json *)(uintptr_t)node;
}

/* The child of that name; where none is written just so, one that differs in capitals alone. */
static const json *find_key(const json *object, const char *key, size_t len)
{
    for (const json *child = json_is_object(object) ? json_first(object) : NULL; child;
         child = json_next(child))
        if (strncmp(json_key(child), key, len) == 0 && json_key(child)[len] == '\0')
            return child;
    for (const json *child = json_is_object(object) ? json_first(object) : NULL; child;
         child = json_next(child))
        if (strncasecmp(json_key(child), key, len) == 0 && json_key(child)[len] == '\0')
            return child;
    return NULL;
}

static void add_match(struct search *s, const json *record, const json *parent, const json *node)
{
    s->found = true;
    for (const struct match *m = s->matches; m; m = m->next)
        if (m->node == node) /* an earlier column has it */
            return;
    struct match *m = arena_alloc(s->arena, sizeof *m);
    *m = (struct match){s->column, own(record), own(parent), own(node), s->matches};
    s->matches = m;
}

/* `path` from `object` on, which lies in `record`: a key itself, or what stands before a '.' or "[]." and on
 * from there. */
static void find_path(struct search *s, const json *record, const json *object, const char *path)
{
    const json *node = find_key(object, path, strlen(path));
    if (node) {
        add_match(s, record, object, node);
        return;
    }
    for (const char *dot = strchr(path, '.'); dot && !s->found; dot = strchr(dot + 1, '.')) {
        const bool is_list = dot - path > 2 && dot[-1] == ']' && dot[-2] == '[';
        const json *inner = find_key(object, path, (size_t)(dot - path) - (is_list ? 2 : 0));
        if (!is_list && json_is_object(inner))
            find_path(s, record, inner, dot + 1);
        for (const json *e = is_list && json_is_array(inner) ? json_first(inner) : NULL; e; e = json_next(e))
            if (json_is_object(e))
                find_path(s, e, e, dot + 1);
    }
}

static void find_in_row(struct search *s, const json *row)
{
    const char *name = s->column->from;
    s->found = false;
    find_path(s, row, row, name);
    for (const json *list = json_first(row); list; list = json_next(list))
        for (const json *turn = json_is_array(list) ? json_first(list) : NULL; turn; turn = json_next(turn)) {
            const json *node = find_key(turn, name, strlen(name));
            if (node)
                add_match(s, turn, turn, node);
        }
}

static bool is_matched(const struct match *matches, const json *node)
{
    for (; matches; matches = matches->next)
        if (matches->node == node)
            return true;
    return false;
}

/* Give a node another key; what it was called is noted. */
static void rename_node(json *node, const char *key, const char *was, struct arena *arena,
                        const struct renamed **renamed)
{
    struct renamed *r = arena_alloc(arena, sizeof *r);
    *r = (struct renamed){node, arena_strndup(arena, was, strlen(was)), *renamed};
    *renamed = r;
    json_rename(node, key);
}

/* The key that the file itself calls by the name of ours; it gives way. */
static void set_aside(const struct match *m, const struct match *all, struct arena *arena,
                      const struct renamed **renamed)
{
    const json *other = json_get(m->record, m->column->to);
    if (other && !is_matched(all, other))
        rename_node(own(other), no_key, m->column->to, arena, renamed);
}

static bool is_ignored(const struct match *m)
{
    return strcmp(m->column->to, "ignore") == 0;
}

static enum sft_status check_single(const struct match *m, struct sft_err *err)
{
    for (const struct match *o = m->next; o && !is_ignored(m); o = o->next)
        if (o->record == m->record && strcmp(o->column->to, m->column->to) == 0)
            return sft_fail(err, SFT_EDATA, "'%.80s' and '%.80s' are both read as %s ([data] columns)",
                            o->column->from, m->column->from, m->column->to);
    return SFT_OK;
}

/* What is ignored stays in the tree, where an earlier match may lie in it, under a key that nobody reads. */
static void apply_match(const struct match *m, struct arena *arena, const struct renamed **renamed)
{
    const char *was = json_key(m->node);
    if (is_ignored(m)) {
        json_set_mark(m->node, MARK_IGNORED);
        json_rename(m->node, no_key);
        return;
    }
    if (m->parent != m->record) { /* its path from the record on */
        was = m->column->from;
        for (const char *list; (list = strstr(was, "[]."));)
            was = list + 3;
    }
    rename_node(m->node, m->column->to, was, arena, renamed);
    if (m->parent != m->record)
        json_move(m->parent, m->node, m->record);
}

enum sft_status names_apply(const struct names *names, json *row, struct arena *arena,
                            const struct renamed **renamed, uint64_t *used, struct sft_err *err)
{
    struct search s = {.arena = arena};
    *renamed = NULL;
    *used = 0;
    for (size_t i = 0; json_is_object(row) && i < names->n_columns; i++) {
        s.column = &names->columns[i];
        find_in_row(&s, row);
        *used |= (uint64_t)s.found << i;
    }
    for (const struct match *m = s.matches; m; m = m->next) {
        if (check_single(m, err))
            return SFT_EDATA;
        if (!is_ignored(m))
            set_aside(m, s.matches, arena, renamed);
    }
    for (const struct match *m = s.matches; m; m = m->next)
        apply_match(m, arena, renamed);
    return SFT_OK;
}

const char *renamed_was(const struct renamed *renamed, const json *node)
{
    for (; renamed; renamed = renamed->next)
        if (renamed->node == node)
            return renamed->was;
    return NULL;
}
