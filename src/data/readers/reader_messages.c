/* The formats that are a list of turns: OpenAI's and TRL's {"messages": [...]}, and ShareGPT's, as FastChat,
 * LLaMA-Factory and Axolotl write it, {"conversations": [...]}. */
#include "data/readers/reader_fields.h"
#include "data/readers/reader_formats.h"
#include "data/readers/reader_turns.h"

static bool messages_matches(const json *row)
{
    return reader_get(row, "messages") != NULL;
}

static enum sft_status messages_read(const json *row, struct conversations *out, struct sft_err *err)
{
    struct conversation *conv;
    if (reader_begin_row(row, out, json_size(json_get(row, "messages")), &conv, err))
        return SFT_EDATA;
    return reader_add_turns(row, "messages", TURN_ROLE_CONTENT, 1.0F, out, conv, err);
}

const struct reader reader_messages = {
    .name = "messages",
    .keys = "{\"messages\": [{\"role\", \"content\"}, ...]}",
    .in_short = "messages",
    .matches = messages_matches,
    .read = messages_read,
};

static const char *list_key(const json *row)
{
    return reader_get(row, "conversations") ? "conversations" : "conversation";
}

static bool sharegpt_matches(const json *row)
{
    return reader_get(row, list_key(row)) != NULL;
}

static enum sft_status sharegpt_read(const json *row, struct conversations *out, struct sft_err *err)
{
    const char *key = list_key(row);
    struct conversation *conv;
    if (reader_begin_row(row, out, json_size(json_get(row, key)), &conv, err))
        return SFT_EDATA;
    return reader_add_turns(row, key, TURN_FROM_VALUE, 1.0F, out, conv, err);
}

const struct reader reader_sharegpt = {
    .name = "sharegpt",
    .keys = "{\"conversations\": [{\"from\", \"value\"}, ...]}",
    .in_short = "conversations",
    .matches = sharegpt_matches,
    .read = sharegpt_read,
};
