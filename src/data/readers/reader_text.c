/* {"text": ...}: a document, all of which is learned. */
#include "data/readers/reader_fields.h"
#include "data/readers/reader_formats.h"

static bool matches(const json *row)
{
    return json_get(row, "text") != NULL;
}

static enum sft_status read_row(const json *row, struct conversations *out, struct sft_err *err)
{
    const char *text;
    if (reader_get_string(row, "text", true, &text, err))
        return SFT_EDATA;
    struct conversation *conv = reader_begin(out, 1);
    reader_add(conv, out->arena, ROLE_USER, text, 1.0F);
    conv->is_document = true;
    return SFT_OK;
}

const struct reader reader_text = {
    .name = "text",
    .keys = "{\"text\"}",
    .in_short = "text",
    .matches = matches,
    .read = read_row,
};
