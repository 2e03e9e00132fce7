/* Formats of one question and one answer, each under a key of its own. Any of them may have a "system". */
#include "data/readers/reader_fields.h"
#include "data/readers/reader_formats.h"
#include "data/readers/reader_turns.h"

static bool has_both(const json *row, const char *a, const char *b)
{
    return json_get(row, a) && json_get(row, b);
}

/* ---- alpaca and dolly: the same rows, whose keys have two names ---- */

/* The instruction, then what it is about, a blank line between. */
static enum sft_status read_instruction(const json *row, struct arena *arena, const char **text,
                                        struct sft_err *err)
{
    static const char *const keys[] = {"input", "context"};
    if (reader_get_string(row, "instruction", true, text, err))
        return SFT_EDATA;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *more;
        if (reader_get_string(row, keys[i], false, &more, err))
            return SFT_EDATA;
        if (!reader_is_blank(more))
            *text = arena_printf(arena, "%s\n\n%s", *text, more);
    }
    return SFT_OK;
}

static enum sft_status add_text(const json *node, enum role role, struct arena *arena,
                                struct conversation *conv, struct sft_err *err)
{
    if (!json_is_string(node))
        return reader_fail_type(node, "a string", err);
    reader_add(conv, arena, role, json_string(node), 1.0F);
    return SFT_OK;
}

/* NULL where there is none, as in an empty column of a table. */
static const json *get_history(const json *row)
{
    const json *history = reader_get(row, "history");
    return json_is_string(history) && reader_is_blank(json_string(history)) ? NULL : history;
}

/* The earlier turns of an alpaca row: "history", a list of [question, answer]; it may be empty. */
static enum sft_status add_history(const json *history, struct arena *arena, struct conversation *conv,
                                   struct sft_err *err)
{
    size_t i = 0;
    for (const json *pair = json_first(history); pair; pair = json_next(pair), i++) {
        if (!json_is_array(pair) || json_size(pair) != 2) {
            sft_fail(err, SFT_EDATA, "expected [question, answer]");
            return sft_in_key(err, "history[%zu]", i);
        }
        const json *question = json_first(pair), *answer = json_next(question);
        if (add_text(question, ROLE_USER, arena, conv, err))
            return sft_in_key(err, "history[%zu][0]", i);
        if (add_text(answer, ROLE_ASSISTANT, arena, conv, err))
            return sft_in_key(err, "history[%zu][1]", i);
    }
    return SFT_OK;
}

static enum sft_status instruction_read(const json *row, struct conversations *out, struct sft_err *err)
{
    const json *history = get_history(row);
    const bool is_output = reader_get(row, "output") || !json_get(row, "response");
    const char *question, *answer;
    struct conversation *conv;
    if (history && !json_is_array(history)) {
        reader_fail_type(history, "an array", err);
        return sft_in_key(err, "history");
    }
    if (read_instruction(row, out->arena, &question, err) ||
        reader_get_string(row, is_output ? "output" : "response", true, &answer, err) ||
        reader_begin_row(row, out, 2 * json_size(history) + 2, &conv, err) ||
        add_history(history, out->arena, conv, err))
        return SFT_EDATA;
    reader_add(conv, out->arena, ROLE_USER, question, 1.0F);
    reader_add(conv, out->arena, ROLE_ASSISTANT, answer, 1.0F);
    return SFT_OK;
}

static bool instruction_matches(const json *row)
{
    return has_both(row, "instruction", "output") || has_both(row, "instruction", "response");
}

/* Tried before alpaca: a row without any of alpaca's own keys. */
static bool dolly_detects(const json *row)
{
    return has_both(row, "instruction", "response") && !json_get(row, "input") && !json_get(row, "output");
}

const struct reader reader_alpaca = {
    .name = "alpaca",
    .keys = "{\"instruction\", \"input\"?, \"output\"}",
    .in_short = "instruction and output",
    .matches = instruction_matches,
    .read = instruction_read,
};

const struct reader reader_dolly = {.name = "dolly",
                                    .keys = "{\"instruction\", \"context\"?, \"response\"}",
                                    .matches = instruction_matches,
                                    .detects = dolly_detects,
                                    .read = instruction_read};

/* ---- question and answer ---- */

static bool question_matches(const json *row)
{
    return has_both(row, "question", "answer") || has_both(row, "question", "response"); /* OpenOrca */
}

static enum sft_status question_read(const json *row, struct conversations *out, struct sft_err *err)
{
    const char *question, *answer;
    struct conversation *conv;
    if (reader_get_string(row, "question", true, &question, err) ||
        reader_get_string(row, reader_either(row, "answer", "response"), true, &answer, err) ||
        reader_begin_row(row, out, 2, &conv, err))
        return SFT_EDATA;
    reader_add(conv, out->arena, ROLE_USER, question, 1.0F);
    reader_add(conv, out->arena, ROLE_ASSISTANT, answer, 1.0F);
    return SFT_OK;
}

const struct reader reader_question = {
    .name = "question",
    .keys = "{\"question\", \"answer\"}",
    .in_short = "question and answer",
    .matches = question_matches,
    .read = question_read,
};

/* ---- prompt and completion ---- */

static bool prompt_matches(const json *row)
{
    return has_both(row, "prompt", "completion") ||
           (has_both(row, "prompt", "response") && !json_get(row, "chosen") && !json_get(row, "instruction"));
}

static enum sft_status prompt_read(const json *row, struct conversations *out, struct sft_err *err)
{
    const char *answer = reader_either(row, "completion", "response");
    const size_t most = reader_side_max(row, "prompt") + reader_side_max(row, answer);
    struct conversation *conv;
    if (reader_begin_row(row, out, most, &conv, err) ||
        reader_add_side(row, "prompt", ROLE_USER, 0.0F, out, conv, err) ||
        reader_add_side(row, answer, ROLE_ASSISTANT, 1.0F, out, conv, err))
        return SFT_EDATA;
    return SFT_OK;
}

const struct reader reader_prompt = {
    .name = "prompt",
    .keys = "{\"prompt\", \"completion\"}",
    .in_short = "prompt and completion",
    .matches = prompt_matches,
    .read = prompt_read,
};
