/* Preference data, of which the chosen answer is learned and the rejected one is not looked at; reader_preference.c
 * reads both, a row at a time.
 *
 * Anthropic's HH-RLHF: {"chosen": "\n\nHuman: ...\n\nAssistant: ..."}, a transcript. It is split where TRL's
 * script for it splits, at an empty line and a speaker's name with a colon; the one blank behind the colon
 * belongs to the marker, and the rest stays as it is. TRL asks for that blank; here a marker without one
 * counts too, so that an empty turn does not end up in the text of the one before. [data] roles adds speakers.
 *
 * TRL: {"prompt", "chosen"}, strings or lists of messages, read as a prompt and its completion. Where
 * `chosen` has the user's turn in it, the string `prompt` beside it only repeats that (UltraFeedback) and is
 * left out. */
#include "data/readers/reader_hh.h"

#include "data/readers/reader_fields.h"
#include "data/readers/reader_formats.h"
#include "data/readers/reader_turns.h"

#include <string.h>

/* A speaker's turn: from its marker to its content. */
struct turn {
    const char *marker, *content;
    enum role role;
    uint64_t own; /* a bit for the user's role that named it; 0: none */
};

/* Behind the line break at p, which is LF or CR LF; NULL where there is none. */
static const char *skip_break(const char *p)
{
    p += p[0] == '\r' && p[1] == '\n';
    return *p == '\n' ? p + 1 : NULL;
}

/* Whether a speaker of that name, with its colon, begins at p. */
static bool speaks(const char *p, const char *name, enum role role, struct turn *turn)
{
    const size_t len = strlen(name);
    if (strncmp(p, name, len) != 0 || p[len] != ':')
        return false;
    const char *content = p + len + 1;
    turn->content = content + (*content == ' ');
    turn->role = role;
    return true;
}

static bool marker_at(const char *p, const struct names *names, struct turn *turn)
{
    const char *name = skip_break(p);
    if (!name || !(name = skip_break(name)))
        return false;
    *turn = (struct turn){.marker = p};
    for (size_t i = 0; names && i < names->n_roles; i++)
        if (speaks(name, names->roles[i].name, names->roles[i].role, turn)) {
            turn->own = UINT64_C(1) << i;
            return true;
        }
    return speaks(name, "Human", ROLE_USER, turn) || speaks(name, "Assistant", ROLE_ASSISTANT, turn);
}

/* The first marker at or behind p. */
static bool find_marker(const char *p, const struct names *names, struct turn *turn)
{
    for (p = strpbrk(p, "\r\n"); p; p = strpbrk(p + 1, "\r\n"))
        if (marker_at(p, names, turn))
            return true;
    return false;
}

bool hh_is_transcript(const char *text, const struct names *names)
{
    struct turn turn;
    return text && marker_at(text, names, &turn);
}

/* 0 where it is NULL. */
static size_t count_turns(const char *transcript, const struct names *names)
{
    struct turn turn;
    size_t n = 0;
    for (const char *p = transcript; p && find_marker(p, names, &turn); p = turn.content)
        n++;
    return n;
}

/* transcript must be one. */
static void add_transcript(const char *transcript, float weight, struct conversations *out,
                           struct conversation *conv)
{
    struct turn turn, next;
    bool has_next = find_marker(transcript, out->names, &next);
    while (has_next) {
        turn = next;
        has_next = find_marker(turn.content, out->names, &next);
        const size_t len = has_next ? (size_t)(next.marker - turn.content) : strlen(turn.content);
        reader_add_n(conv, out->arena, turn.role, turn.content, len, weight);
        out->roles_used |= turn.own;
    }
}

/* Is the whole conversation in the answer, the user's turns too? */
static bool is_whole(const json *prompt, const json *answer, const struct names *names)
{
    const json *first = json_is_array(answer) ? json_first(answer) : NULL;
    const char *speaker = json_string(json_get(first, json_get(first, "role") ? "role" : "from"));
    enum role role = ROLE_ASSISTANT;
    bool is_call;
    uint64_t used = 0;
    if (!prompt || hh_is_transcript(json_string(answer), names))
        return true;
    return json_is_string(prompt) && speaker &&
           !(names_role(names, speaker, &role, &is_call, &used) && role == ROLE_ASSISTANT);
}

/* A prompt and its answer. The prompt may be a transcript that ends where the answer begins: then its last
 * marker is the answer's, and so is the blank behind that, if it stands in the answer. */
static enum sft_status add_answered(const json *row, const char *key, struct conversations *out,
                                    struct conversation *conv, size_t *n_prompt, struct sft_err *err)
{
    const char *prompt = json_string(json_get(row, "prompt")), *answer = json_string(json_get(row, key));
    if (hh_is_transcript(prompt, out->names)) {
        add_transcript(prompt, 0.0F, out, conv);
        const struct message *last = &conv->messages[conv->count - 1];
        if (answer && last->role == ROLE_ASSISTANT && last->len == 0) {
            *n_prompt = --conv->count;
            reader_add(conv, out->arena, ROLE_ASSISTANT, answer + (*answer == ' '), 1.0F);
            return SFT_OK;
        }
    } else if (reader_add_side(row, "prompt", ROLE_USER, 0.0F, out, conv, err)) {
        return SFT_EDATA;
    }
    *n_prompt = conv->count;
    return reader_add_side(row, key, ROLE_ASSISTANT, 1.0F, out, conv, err);
}

enum sft_status hh_read_answer(const json *row, const char *key, struct conversations *out, size_t *n_prompt,
                               struct sft_err *err)
{
    const json *prompt = reader_get(row, "prompt"), *answer = reader_get(row, key);
    const char *prompt_text = json_string(prompt), *text = json_string(answer);
    const size_t most = count_turns(prompt_text, out->names) + count_turns(text, out->names) +
                        reader_side_max(row, "prompt") + reader_side_max(row, key);
    struct conversation *conv;
    *n_prompt = SIZE_MAX;
    if (reader_begin_row(row, out, most, &conv, err))
        return SFT_EDATA;
    if (!is_whole(prompt, answer, out->names))
        return add_answered(row, key, out, conv, n_prompt, err);
    if (!text)
        return reader_add_side(row, key, ROLE_ASSISTANT, 1.0F, out, conv, err);
    if (!hh_is_transcript(text, out->names))
        return sft_fail_in(err, SFT_EDATA, key,
                           "expected a transcript that begins with an empty line and \"Human:\" or \"Assistant:\"");
    add_transcript(text, 1.0F, out, conv);
    return SFT_OK;
}

static bool matches(const json *row)
{
    return reader_get(row, "chosen") != NULL;
}

static enum sft_status read_row(const json *row, struct conversations *out, struct sft_err *err)
{
    size_t n_prompt;
    return hh_read_answer(row, "chosen", out, &n_prompt, err);
}

const struct reader reader_hh = {
    .name = "hh",
    .keys = "{\"chosen\": \"\\n\\nHuman: ...\\n\\nAssistant: ...\"}",
    .in_short = "chosen",
    .matches = matches,
    .read = read_row,
};
