/* Formats of one question and one answer, each under a key of its own, and plain text. */
#include "data/reader_internal.h"

static bool has_both(const json *row, const char *a, const char *b)
{
    return json_get(row, a) && json_get(row, b);
}

/* An optional system prompt, a user's turn of one or two paragraphs, and an answer. */
static enum sft_status read_pair(const json *row, const char *question_key, const char *context_key,
                                 const char *answer_key, struct arena *arena, struct conversation *conv,
                                 struct sft_err *err)
{
    const char *system = NULL, *question, *context = NULL, *answer;
    if (reader_get_string(row, question_key, true, &question, err) ||
        reader_get_string(row, answer_key, true, &answer, err) ||
        (context_key && reader_get_string(row, context_key, false, &context, err)) ||
        (context_key && reader_get_string(row, "system", false, &system, err)))
        return SFT_EDATA;
    reader_begin(conv, arena, 3);
    if (!reader_is_blank(system))
        reader_add(conv, arena, ROLE_SYSTEM, system, 1.0F);
    reader_add(conv, arena, ROLE_USER, reader_join(arena, question, context), 1.0F);
    reader_add(conv, arena, ROLE_ASSISTANT, answer, 1.0F);
    return SFT_OK;
}

/* ---- alpaca ---- */

static bool alpaca_matches(const json *row)
{
    return has_both(row, "instruction", "output");
}

static enum sft_status alpaca_read(const json *row, struct arena *arena, struct conversation *conv,
                                   struct sft_err *err)
{
    return read_pair(row, "instruction", "input", "output", arena, conv, err);
}

const struct reader reader_alpaca = {.name = "alpaca",
                                     .keys = "{\"instruction\", \"input\"?, \"output\"}",
                                     .matches = alpaca_matches,
                                     .read = alpaca_read};

/* ---- dolly ---- */

static bool dolly_matches(const json *row)
{
    return has_both(row, "instruction", "response");
}

static enum sft_status dolly_read(const json *row, struct arena *arena, struct conversation *conv,
                                  struct sft_err *err)
{
    return read_pair(row, "instruction", "context", "response", arena, conv, err);
}

const struct reader reader_dolly = {.name = "dolly",
                                    .keys = "{\"instruction\", \"context\"?, \"response\"}",
                                    .matches = dolly_matches,
                                    .read = dolly_read};

/* ---- question and answer ---- */

static bool question_matches(const json *row)
{
    return has_both(row, "question", "answer");
}

static enum sft_status question_read(const json *row, struct arena *arena, struct conversation *conv,
                                     struct sft_err *err)
{
    return read_pair(row, "question", NULL, "answer", arena, conv, err);
}

const struct reader reader_question = {.name = "question",
                                       .keys = "{\"question\", \"answer\"}",
                                       .matches = question_matches,
                                       .read = question_read};

/* ---- prompt and completion ---- */

static bool prompt_matches(const json *row)
{
    return has_both(row, "prompt", "completion");
}

/* A side is a string, or a list of messages. */
static enum sft_status read_side(const json *row, const char *key, enum role role, float list_weight,
                                 struct arena *arena, struct conversation *conv, struct sft_err *err)
{
    const json *node = json_get(row, key);
    if (json_is_array(node))
        return reader_add_messages(node, key, list_weight, arena, conv, err);
    const char *text;
    if (reader_get_string(row, key, true, &text, err))
        return SFT_EDATA;
    reader_add(conv, arena, role, text, 1.0F);
    return SFT_OK;
}

static enum sft_status prompt_read(const json *row, struct arena *arena, struct conversation *conv,
                                   struct sft_err *err)
{
    const size_t longest = json_size(json_get(row, "prompt")) + json_size(json_get(row, "completion"));
    reader_begin(conv, arena, longest + 2);
    if (read_side(row, "prompt", ROLE_USER, 0.0F, arena, conv, err) ||
        read_side(row, "completion", ROLE_ASSISTANT, 1.0F, arena, conv, err))
        return SFT_EDATA;
    return SFT_OK;
}

const struct reader reader_prompt = {
    .name = "prompt", .keys = "{\"prompt\", \"completion\"}", .matches = prompt_matches, .read = prompt_read};

/* ---- text ---- */

static bool text_matches(const json *row)
{
    return json_get(row, "text") != NULL;
}

static enum sft_status text_read(const json *row, struct arena *arena, struct conversation *conv,
                                 struct sft_err *err)
{
    const char *text;
    if (reader_get_string(row, "text", true, &text, err))
        return SFT_EDATA;
    reader_begin(conv, arena, 1);
    reader_add(conv, arena, ROLE_USER, text, 1.0F);
    conv->is_document = true;
    return SFT_OK;
}

const struct reader reader_text = {
    .name = "text", .keys = "{\"text\"}", .matches = text_matches, .read = text_read};
