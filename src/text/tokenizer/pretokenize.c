#include "text/tokenizer/pretokenize.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

const char pretokenizer_gpt2_pattern[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const char pretokenizer_digits_pattern[] = "\\p{N}";

/* ---- making ---- */

void pretokenizer_free(struct pretokenizer *pre)
{
    for (size_t i = 0; i < pre->count; i++)
        pattern_free(pre->stages[i].pattern);
    free(pre->metaspace);
    *pre = (struct pretokenizer){0};
}

enum sft_status pretokenizer_add_split(struct pretokenizer *pre, const char *pattern, bool is_regex,
                                       enum split_behavior behavior, bool invert, struct sft_err *err)
{
    if (pre->count == PRETOKENIZER_MAX_STAGES)
        return sft_fail(err, SFT_EDATA, "more than %d stages", PRETOKENIZER_MAX_STAGES);
    struct split_stage *stage = &pre->stages[pre->count];
    stage->behavior = behavior;
    stage->invert = invert;
    if (pattern_compile(&stage->pattern, pattern, is_regex, err))
        return sft_context(err, "pattern '%s'", pattern);
    pre->count++;
    return SFT_OK;
}

enum sft_status pretokenizer_add_metaspace(struct pretokenizer *pre, const char *mark, enum metaspace_prepend prepend,
                                           bool split, struct sft_err *err)
{
    if (pre->metaspace || pre->count > 0)
        return sft_fail(err, SFT_EDATA, "not supported behind another stage");
    pre->metaspace = mem_strdup(mark);
    pre->prepend = prepend;
    return split ? pretokenizer_add_split(pre, mark, false, SPLIT_MERGED_WITH_NEXT, false, err) : SFT_OK;
}

enum sft_status pretokenizer_add_digits(struct pretokenizer *pre, bool individual_digits, struct sft_err *err)
{
    return pretokenizer_add_split(pre, pretokenizer_digits_pattern, true,
                                  individual_digits ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS, false, err);
}

enum sft_status pretokenizer_add_byte_level(struct pretokenizer *pre, bool add_prefix_space, bool use_regex,
                                            struct sft_err *err)
{
    pre->is_byte_level = true;
    pre->add_prefix_space = add_prefix_space;
    pre->prefix_depth = pre->count;
    pre->is_gpt2 = use_regex && pre->count == 0 && !pre->metaspace;
    return use_regex ? pretokenizer_add_split(pre, pretokenizer_gpt2_pattern, true, SPLIT_ISOLATED, false, err)
                     : SFT_OK;
}

/* ---- splitting ---- */

/* What one piece of text goes through: the piece, and where it stands in the whole. */
struct piece {
    const char *text;
    size_t len, start;
    bool has_prefix;
};

static void split_from(struct pretokenizer_run *run, size_t depth, const struct piece *piece);

/* Give piece[from, to) to the next stage. */
static void pass_on(struct pretokenizer_run *run, size_t depth, const struct piece *piece, size_t from,
                    size_t to)
{
    if (from == to)
        return;
    bool shifted = piece->has_prefix && from > 0;
    split_from(run, depth + 1,
               &(struct piece){piece->text + from, to - from, piece->start + from - shifted,
                               piece->has_prefix && from == 0});
}

/* A piece being split by a stage. */
struct splitting {
    struct pretokenizer_run *run;
    size_t depth;
    const struct piece *piece;
    size_t pending; /* where the segment begins that may yet grow: all before it has been passed on */
    bool pending_is_match;
};

static void pass_pending(struct splitting *s, size_t to)
{
    pass_on(s->run, s->depth, s->piece, s->pending, to);
    s->pending = to;
}

/* What a match, or the text between two, becomes. */
static void take_segment(struct splitting *s, size_t from, size_t to, bool is_found)
{
    const struct split_stage *stage = &s->run->pre->stages[s->depth];
    const bool is_match = is_found != stage->invert;
    switch (stage->behavior) {
    case SPLIT_ISOLATED: pass_pending(s, to); break;
    case SPLIT_REMOVED:
        if (is_match)
            s->pending = to;
        else
            pass_pending(s, to);
        break;
    case SPLIT_CONTIGUOUS:
        if (is_match != s->pending_is_match)
            pass_pending(s, from);
        break;
    case SPLIT_MERGED_WITH_PREVIOUS: /* but not with another match */
        if (!is_match || s->pending_is_match)
            pass_pending(s, from);
        break;
    case SPLIT_MERGED_WITH_NEXT:
        if (is_match || !s->pending_is_match)
            pass_pending(s, from);
        break;
    }
    s->pending_is_match = is_match;
}

static void split_piece(struct pretokenizer_run *run, size_t depth, const struct piece *piece)
{
    const struct split_stage *stage = &run->pre->stages[depth];
    struct splitting s = {.run = run, .depth = depth, .piece = piece};
    size_t done = 0, from = 0, start, end;
    bool matched = false;
    while (from <= piece->len &&
           pattern_find(stage->pattern, run->matcher, piece->text, piece->len, from, &start, &end)) {
        if (start == end && matched && start == done) { /* an empty match right after a match is none */
            size_t width = from < piece->len ? utf8_decode(piece->text + from, piece->len - from, NULL, NULL)
                                             : 1;
            from += width;
            continue;
        }
        if (start > done)
            take_segment(&s, done, start, false);
        take_segment(&s, start, end, true);
        done = from = end;
        matched = true;
    }
    if (done < piece->len)
        take_segment(&s, done, piece->len, false);
    pass_pending(&s, piece->len);
}

/* The piece with a space before it; at most one piece at a time has one. */
static struct piece with_prefix_space(struct pretokenizer_run *run, const struct piece *piece)
{
    strbuf_clear(&run->prefixed);
    strbuf_putc(&run->prefixed, ' ');
    strbuf_add(&run->prefixed, piece->text, piece->len);
    return (struct piece){run->prefixed.data, run->prefixed.len, piece->start, true};
}

static void split_from(struct pretokenizer_run *run, size_t depth, const struct piece *piece)
{
    const struct pretokenizer *pre = run->pre;
    struct piece prefixed;
    if (pre->add_prefix_space && depth == pre->prefix_depth && piece->len > 0 && piece->text[0] != ' ') {
        prefixed = with_prefix_space(run, piece);
        piece = &prefixed;
    }
    if (depth == pre->count) {
        struct word word = {piece->text, piece->len, piece->start, piece->has_prefix};
        run->each(run->context, &word);
    } else {
        split_piece(run, depth, piece);
    }
}

/* The text with marks for its blanks, and one before it. */
static const char *mark_blanks(struct pretokenizer_run *run, const char *text, size_t *len, bool begins)
{
    const struct pretokenizer *pre = run->pre;
    const size_t mark_len = strlen(pre->metaspace);
    struct text_map *out = &run->spaced;
    const bool has_mark = text[0] == ' ' || (*len >= mark_len && memcmp(text, pre->metaspace, mark_len) == 0);
    text_map_begin(out, run->wants_origins);
    if (!has_mark && (pre->prepend == METASPACE_ALWAYS || (pre->prepend == METASPACE_FIRST && begins)))
        text_map_put(out, pre->metaspace, mark_len, 0);
    for (size_t at = 0; at < *len;) {
        const char *blank = memchr(text + at, ' ', *len - at);
        const size_t end = blank ? (size_t)(blank - text) : *len;
        text_map_copy(out, text + at, end - at, at);
        if (blank)
            text_map_put(out, pre->metaspace, mark_len, end);
        at = end + (blank != NULL);
    }
    *len = out->text.len;
    return out->text.data;
}

void pretokenizer_run_free(struct pretokenizer_run *run)
{
    strbuf_free(&run->prefixed);
    text_map_free(&run->spaced);
}

void pretokenize(struct pretokenizer_run *run, const char *text, size_t len, bool begins)
{
    run->origins = NULL;
    if (len == 0)
        return;
    if (run->pre->metaspace) {
        text = mark_blanks(run, text, &len, begins);
        run->origins = run->spaced.has_origins ? run->spaced.origins : NULL;
    }
    split_from(run, 0, &(struct piece){text, len, 0, false});
}
