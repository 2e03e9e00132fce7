#include "data/readers/reader_preference.h"

#include "data/readers/reader_fields.h"
#include "data/readers/reader_hh.h"

#include <string.h>

/* ---- a prompt that has another name ---- */

const json *preference_other_prompt(const json *row)
{
    static const char *const names[] = {"question", "instruction", "input", "query", "user", "problem", "context"};
    for (const json *child = json_first(row); child; child = json_next(child))
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (names_equal(names[i], json_key(child)) && !reader_is_blank_string(child) &&
                (json_is_string(child) || json_is_array(child)))
                return child;
    return NULL;
}

/* A row whose prompt nobody read would teach answers to nothing. */
static enum sft_status refuse_other_prompt(const json *row, struct sft_err *err)
{
    const json *other = preference_other_prompt(row);
    if (!other)
        return SFT_OK;
    sft_fail(err, SFT_EDATA, "chosen and rejected have no prompt; [data] columns = %.40s:prompt says that this is it, "
                             "%.40s:ignore that it is not", json_key(other), json_key(other));
    return SFT_EDATA;
}

/* ---- texts ---- */

static bool is_inside(char c)
{
    return ((unsigned char)c & 0xC0U) == 0x80U; /* a character of UTF-8 */
}

/* The length of the prompt that both begin with. */
static size_t common_text(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    const bool is_beginning = !a[n] || !b[n]; /* of the other one */
    if (n > 0 && is_beginning)
        n--;
    while (n > 0 && (is_inside(a[n]) || is_inside(b[n])))
        n--;
    if (n > 0 && !is_beginning && a[n - 1] == ' ')
        n--;
    return n;
}

static enum sft_status add_text(const json *row, const char *text, size_t n, struct conversations *out,
                                struct sft_err *err)
{
    struct conversation *conv;
    if (reader_begin_row(row, out, 2, &conv, err))
        return SFT_EDATA;
    reader_add_n(conv, out->arena, ROLE_USER, text, n, 1.0F);
    reader_add(conv, out->arena, ROLE_ASSISTANT, text + n, 1.0F);
    return SFT_OK;
}

/* Two texts without a prompt, and no transcripts. */
static enum sft_status read_texts(const json *row, const char *chosen, const char *rejected,
                                  struct conversations *out, size_t n_prompt[2], struct sft_err *err)
{
    const size_t n = common_text(chosen, rejected);
    if (refuse_other_prompt(row, err))
        return SFT_EDATA;
    if (n == 0)
        return sft_fail(err, SFT_EDATA, "there is no prompt, and chosen and rejected do not begin alike ([data] "
                                        "columns = KEY:prompt says which key it is)");
    if (add_text(row, chosen, n, out, err) || add_text(row, rejected, n, out, err))
        return SFT_EDATA;
    for (size_t i = 0; i < 2; i++)
        n_prompt[i] = out->items[i].count - 1;
    return SFT_OK;
}

/* ---- turns ---- */

static bool is_same(const struct message *a, const struct message *b)
{
    return a->role == b->role && a->len == b->len && memcmp(a->content, b->content, a->len) == 0;
}

/* How many messages both begin with; each has one behind them. */
static size_t common_turns(const struct conversation *a, const struct conversation *b)
{
    size_t n = 0;
    while (n + 1 < a->count && n + 1 < b->count && is_same(&a->messages[n], &b->messages[n]))
        n++;
    return n;
}

static bool asks(const struct conversation *conv, size_t n_prompt)
{
    for (size_t i = 0; i < n_prompt; i++)
        if (conv->messages[i].role == ROLE_USER)
            return true;
    return false;
}

static enum sft_status read_turns(const json *row, struct conversations *out, size_t n_prompt[2], struct sft_err *err)
{
    if (hh_read_answer(row, "chosen", out, &n_prompt[0], err) ||
        hh_read_answer(row, "rejected", out, &n_prompt[1], err))
        return SFT_EDATA;
    if (n_prompt[0] != SIZE_MAX && n_prompt[1] != SIZE_MAX)
        return SFT_OK;
    n_prompt[0] = n_prompt[1] = common_turns(&out->items[0], &out->items[1]);
    return asks(&out->items[0], n_prompt[0]) ? SFT_OK : refuse_other_prompt(row, err);
}

enum sft_status preference_read(const json *row, struct conversations *out, size_t n_prompt[2], struct sft_err *err)
{
    const char *chosen = json_string(json_get(row, "chosen")), *rejected = json_string(json_get(row, "rejected"));
    if (!chosen || !rejected || reader_get(row, "prompt") || hh_is_transcript(chosen, out->names) ||
        hh_is_transcript(rejected, out->names))
        return read_turns(row, out, n_prompt, err);
    reader_get(row, "chosen"); /* is read, and so is */
    reader_get(row, "rejected");
    return read_texts(row, chosen, rejected, out, n_prompt, err);
}
