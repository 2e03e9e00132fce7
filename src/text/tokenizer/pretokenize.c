#include "text/tokenizer/pretokenize.h"

#include <string.h>

static const char GPT2_PATTERN[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/* ---- from JSON ---- */

static enum sft_status add_stage(struct pretokenizer *pre, const char *pattern, bool is_regex,
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

static enum sft_status read_behavior(const json *node, enum split_behavior *behavior, struct sft_err *err)
{
    static const char *const names[] = {"Isolated", "Removed", "Contiguous"};
    const char *name;
    if (json_get_string(node, "behavior", "", &name, err))
        return err->status;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) {
            *behavior = (enum split_behavior)i;
            return SFT_OK;
        }
    return sft_fail(err, SFT_EDATA, "behavior '%s' is not supported (Isolated, Removed or Contiguous)", name);
}

static enum sft_status read_split(struct pretokenizer *pre, const json *node, struct sft_err *err)
{
    enum split_behavior behavior = SPLIT_ISOLATED;
    bool invert;
    if (read_behavior(node, &behavior, err) || json_get_bool(node, "invert", false, &invert, err))
        return err->status;
    const json *pattern = json_get(node, "pattern");
    const char *regex = json_string(json_get(pattern, "Regex"));
    const char *string = json_string(json_get(pattern, "String"));
    if (!regex && !string)
        return sft_fail(err, SFT_EDATA, "pattern: expected {\"Regex\": \"...\"} or {\"String\": \"...\"}");
    return add_stage(pre, regex ? regex : string, regex != NULL, behavior, invert, err);
}

static enum sft_status read_byte_level(struct pretokenizer *pre, const json *node, struct sft_err *err)
{
    bool use_regex;
    if (json_get_bool(node, "add_prefix_space", true, &pre->add_prefix_space, err) ||
        json_get_bool(node, "use_regex", true, &use_regex, err))
        return err->status;
    pre->prefix_depth = pre->count;
    pre->is_gpt2 = use_regex && pre->count == 0;
    return use_regex ? add_stage(pre, GPT2_PATTERN, true, SPLIT_ISOLATED, false, err) : SFT_OK;
}

static enum sft_status read_stage(struct pretokenizer *pre, const json *node, bool is_last,
                                  struct sft_err *err)
{
    const char *type;
    bool individual;
    if (!json_is_object(node))
        return sft_fail(err, SFT_EDATA, "expected an object, not %s", json_type_name(node));
    if (json_get_string(node, "type", "", &type, err))
        return err->status;
    if ((strcmp(type, "ByteLevel") == 0) != is_last)
        return sft_fail(err, SFT_EDATA, "'%s' %s", type,
                        is_last ? "is not supported as the last stage, which has to be ByteLevel"
                                : "is not supported before another stage");
    enum sft_status status;
    if (is_last)
        status = read_byte_level(pre, node, err);
    else if (strcmp(type, "Split") == 0)
        status = read_split(pre, node, err);
    else if (strcmp(type, "Digits") != 0)
        return sft_fail(err, SFT_EDATA, "'%s' is not supported (Split, Digits and ByteLevel are)", type);
    else if (!(status = json_get_bool(node, "individual_digits", false, &individual, err)))
        status = add_stage(pre, "\\p{N}", true, individual ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS, false, err);
    return status ? sft_context(err, "%s", type) : SFT_OK;
}

enum sft_status pretokenizer_init(struct pretokenizer *pre, const json *node, struct sft_err *err)
{
    const char *type = json_string(json_get(node, "type"));
    *pre = (struct pretokenizer){0};
    if (!type || strcmp(type, "Sequence") != 0)
        return read_stage(pre, node, true, err);
    const json *stage = json_first(json_get(node, "pretokenizers"));
    if (!stage)
        return sft_fail(err, SFT_EDATA, "pretokenizers: expected an array of stages");
    for (; stage; stage = json_next(stage))
        if (read_stage(pre, stage, json_next(stage) == NULL, err))
            return err->status;
    return SFT_OK;
}

enum sft_status pretokenizer_init_gpt2(struct pretokenizer *pre, bool add_prefix_space, struct sft_err *err)
{
    *pre = (struct pretokenizer){.add_prefix_space = add_prefix_space, .is_gpt2 = true};
    return add_stage(pre, GPT2_PATTERN, true, SPLIT_ISOLATED, false, err);
}

void pretokenizer_free(struct pretokenizer *pre)
{
    for (size_t i = 0; i < pre->count; i++)
        pattern_free(pre->stages[i].pattern);
    *pre = (struct pretokenizer){0};
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
    size_t pending; /* SPLIT_CONTIGUOUS: where the segment begins that may yet grow */
    bool pending_is_match;
};

/* What a match, or the text between two, becomes. */
static void take_segment(struct splitting *s, size_t from, size_t to, bool is_match)
{
    const struct split_stage *stage = &s->run->pre->stages[s->depth];
    if (stage->behavior == SPLIT_ISOLATED) {
        pass_on(s->run, s->depth, s->piece, from, to);
    } else if (stage->behavior == SPLIT_REMOVED) {
        if (is_match == stage->invert)
            pass_on(s->run, s->depth, s->piece, from, to);
    } else if (is_match != s->pending_is_match) {
        pass_on(s->run, s->depth, s->piece, s->pending, from);
        s->pending = from;
        s->pending_is_match = is_match;
    }
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
    if (stage->behavior == SPLIT_CONTIGUOUS)
        pass_on(run, depth, piece, s.pending, piece->len);
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

void pretokenize(struct pretokenizer_run *run, const char *text, size_t len)
{
    if (len > 0)
        split_from(run, 0, &(struct piece){text, len, 0, false});
}
