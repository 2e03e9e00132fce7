#include "cmd/preview.h"

#include <stdio.h>
#include <string.h>

static const char bold[] = "\033[1m", plain[] = "\033[0m";
/* Black on green, black on cyan by turns, a token each: both colours are set, so that a dark terminal shows
 * them as a light one does. What is not trained has the terminal's own colours (dim and bright ones vanish on
 * some). */
static const char *const trained_shade[2] = {"\033[30;42m", "\033[30;46m"};

/* A record's data, at hand. */
struct row {
    const struct preview *preview;
    const struct record *record;
    const int32_t *tokens; /* (n_tokens) */
    const float *weights;  /* (n_tokens) */
    size_t n_tokens;
};

/* Why a row is left out: of a bad row what is wrong with it. */
static void put_reason(struct strbuf *out, const struct dataset_file *file, const struct record *r,
                       const char *dropped)
{
    if (r->why == DROP_BAD_ROW)
        strbuf_add(out, record_message(&file->store, r), r->message_len);
    else
        strbuf_puts(out, dropped);
}

/* Which of a pair's two answers the record has; NULL: it is of none. */
static const char *answer_of_pair(const struct record *r)
{
    return r->flags & RECORD_PAIR ? "chosen" : r->flags & RECORD_REJECTED ? "rejected" : NULL;
}

/* ---- as JSON ---- */

void preview_json(const struct dataset_file *file, const struct record *r, const char *dropped)
{
    const int32_t *tokens = record_tokens(&file->store, r);
    const float *weights = record_weights(&file->store, r);
    struct strbuf out = {0}, text = {0};
    strbuf_printf(&text, "%s:%zu", file->path, (size_t)r->line);
    strbuf_puts(&out, "{\"source\":");
    strbuf_json_string(&out, text.data, text.len);
    strbuf_puts(&out, ",\"tokens\":[");
    for (size_t i = 0; i < r->n_tokens; i++)
        strbuf_printf(&out, "%s%d", i ? "," : "", tokens[i]);
    strbuf_puts(&out, "],\"weights\":[");
    for (size_t i = 0; i < r->n_tokens; i++)
        strbuf_printf(&out, "%s%.9g", i ? "," : "", (double)weights[i]);
    strbuf_printf(&out, "],\"truncated\":%s", r->flags & RECORD_TRUNCATED ? "true" : "false");
    if (answer_of_pair(r))
        strbuf_printf(&out, ",\"pair\":\"%s\"", answer_of_pair(r));
    if (dropped) {
        strbuf_clear(&text);
        put_reason(&text, file, r, dropped);
        strbuf_puts(&out, ",\"dropped\":");
        strbuf_json_string(&out, text.data, text.len);
    }
    strbuf_puts(&out, "}\n");
    fwrite(out.data, 1, out.len, stdout);
    strbuf_free(&out);
    strbuf_free(&text);
}

/* ---- text that cannot disturb a terminal ---- */

/* Append bytes, with real line breaks. One ends the colour and begins it anew, which a pager needs. */
static void put_lines(struct strbuf *out, const char *bytes, size_t len, const char *colour)
{
    for (const char *newline; len > 0 && (newline = memchr(bytes, '\n', len));) {
        const size_t n = (size_t)(newline - bytes);
        strbuf_add_visible(out, bytes, n);
        strbuf_printf(out, "%s\n%s", colour ? plain : "", colour ? colour : "");
        bytes += n + 1;
        len -= n + 1;
    }
    strbuf_add_visible(out, bytes, len);
}

static void put_tokens(struct strbuf *out, const struct row *row, size_t first, size_t end,
                       const char *colour)
{
    struct strbuf bytes = {0};
    tokenizer_decode_part(row->preview->tok, row->tokens + first, end - first, false, &bytes);
    put_lines(out, bytes.data, bytes.len, colour);
    strbuf_free(&bytes);
}

/* ---- turns ---- */

static size_t count_controls(const struct affix *affix)
{
    size_t n = 0;
    for (size_t i = 0; i < affix->count; i++)
        n += affix->pieces[i].control != TOKEN_NONE;
    return n;
}

/* Whether the control tokens from `first` on are those of this prefix, as far as there are tokens. */
static bool has_prefix(const struct row *row, size_t first, const struct affix *prefix)
{
    for (size_t p = 0; p < prefix->count; p++) {
        if (prefix->pieces[p].control == TOKEN_NONE)
            continue;
        while (first < row->n_tokens && !tokenizer_is_special(row->preview->tok, row->tokens[first]))
            first++;
        if (first < row->n_tokens && row->tokens[first++] != prefix->pieces[p].control)
            return false;
    }
    return true;
}

/* How many control tokens the turn has that begins at `first`, by its role's affixes (the fewest of the
 * roles that it may be of); 0 where no turn begins there. Formats without openers have turns that begin
 * anywhere. */
static size_t controls_of_turn(const struct row *row, size_t first)
{
    const struct chat_format *f = &row->preview->tpl->format;
    size_t fewest = 0;
    for (size_t role = 0; role < ROLE_COUNT; role++) {
        const bool is_opened = role == ROLE_ASSISTANT && f->prefix[role].count == 0;
        const struct affix *prefix = is_opened ? &f->opened : &f->prefix[role];
        const size_t n = count_controls(prefix) + count_controls(&f->suffix[role]) +
                         (role == ROLE_ASSISTANT ? count_controls(&f->after) : 0);
        if (f->suffix[role].text && has_prefix(row, first, prefix) && (fewest == 0 || n < fewest))
            fewest = n;
    }
    return fewest;
}

/* The end of the turn that begins at `first`: where the next one does. Content holds no control token, so the
 * turn's own can be counted off. What stands before the first turn is shown with it. */
static size_t end_of_turn(const struct row *row, size_t first)
{
    const struct chat_format *f = &row->preview->tpl->format;
    const bool is_document = row->record->flags & RECORD_DOCUMENT,
               has_openers = count_controls(&f->prefix[ROLE_USER]) > 0;
    const size_t n_start = first == 0 ? count_controls(&f->start) : 0;
    size_t left = is_document ? 0 : n_start + controls_of_turn(row, first + n_start);
    for (size_t i = first; i < row->n_tokens && !is_document; i++) {
        if (!tokenizer_is_special(row->preview->tok, row->tokens[i]))
            continue;
        if (left > 0) {
            if (--left == 0 && !has_openers)
                return i + 1;
        } else if (i > first && controls_of_turn(row, i) > 0) {
            return i;
        }
    }
    return row->n_tokens;
}

/* ---- as text ---- */

/* Tokens that end inside a character are shown together with those that complete it. */
static size_t whole_characters(const struct row *row, size_t first, size_t end)
{
    size_t i = first + 1;
    struct strbuf bytes = {0};
    tokenizer_decode_part(row->preview->tok, row->tokens + first, 1, false, &bytes);
    while (i < end && bytes.len && utf8_incomplete_tail(bytes.data, bytes.len) &&
           row->weights[i] == row->weights[first]) {
        tokenizer_decode_part(row->preview->tok, row->tokens + i, 1, false, &bytes);
        i++;
    }
    strbuf_free(&bytes);
    return i;
}

static void put_coloured(struct strbuf *out, const struct row *row, size_t first, size_t end)
{
    for (size_t i = first, n = 0; i < end; n++) {
        const size_t next = whole_characters(row, i, end);
        const char *colour = row->weights[i] > 0 ? trained_shade[n % 2] : NULL;
        strbuf_puts(out, colour ? colour : "");
        put_tokens(out, row, i, next, colour);
        strbuf_puts(out, colour ? plain : "");
        i = next;
    }
}

/* Without colour: trained runs between [[ and ]]. */
static void put_marked(struct strbuf *out, const struct row *row, size_t first, size_t end)
{
    for (size_t i = first; i < end;) {
        const bool is_trained = row->weights[i] > 0;
        size_t next = i + 1;
        while (next < end && (row->weights[next] > 0) == is_trained)
            next++;
        strbuf_puts(out, is_trained ? "[[" : "");
        put_tokens(out, row, i, next, NULL);
        strbuf_puts(out, is_trained ? "]]" : "");
        i = next;
    }
}

/* Whether what was put up to token `end` leaves the next one at the beginning of a line. */
static bool ends_line(const struct strbuf *out, const struct row *row, size_t end)
{
    size_t len;
    const char *bytes = tokenizer_token_bytes(row->preview->tok, row->tokens[end - 1], &len);
    return row->preview->colour ? len && bytes[len - 1] == '\n' : out->data[out->len - 1] == '\n';
}

/* Each turn begins on a new line; chatml's end with a line break of their own. */
static void put_turns(struct strbuf *out, const struct row *row)
{
    for (size_t first = 0, end; first < row->n_tokens; first = end) {
        end = end_of_turn(row, first);
        if (row->preview->colour)
            put_coloured(out, row, first, end);
        else
            put_marked(out, row, first, end);
        if (!ends_line(out, row, end))
            strbuf_putc(out, '\n');
    }
}

static void put_table(struct strbuf *out, const struct row *row)
{
    struct strbuf bytes = {0};
    strbuf_printf(out, "%8s %8s %7s  %s\n", "position", "id", "weight", "text");
    for (size_t i = 0; i < row->n_tokens; i++) {
        const bool mark = row->preview->colour && row->weights[i] > 0;
        strbuf_printf(out, "%8zu %8d %7g  %s", i, row->tokens[i], (double)row->weights[i],
                      mark ? trained_shade[0] : "");
        strbuf_clear(&bytes);
        tokenizer_decode_part(row->preview->tok, row->tokens + i, 1, false, &bytes);
        strbuf_add_visible(out, bytes.data, bytes.len);
        strbuf_printf(out, "%s\n", mark ? plain : "");
    }
    strbuf_free(&bytes);
}

/* The beginning of a row that cannot be read. */
static void put_bad_row(struct strbuf *out, const struct dataset_file *file, const struct record *r)
{
    enum { MOST = 500 };
    const bool is_longer = r->row_len > MOST;
    strbuf_add_visible(out, record_row(&file->store, r), is_longer ? MOST : r->row_len);
    strbuf_printf(out, "%s%s", is_longer ? " ..." : "", r->row_len ? "\n" : "");
}

static void put_header(struct strbuf *out, const struct row *row, const struct dataset_file *file,
                       const char *dropped)
{
    const struct record *r = row->record;
    const bool colour = row->preview->colour;
    strbuf_printf(out, "%s%s:%zu  ", colour ? bold : "", file->path, (size_t)r->line);
    if (answer_of_pair(r))
        strbuf_printf(out, "%s: ", answer_of_pair(r));
    if (r->why != DROP_BAD_ROW)
        strbuf_printf(out, "%zu tokens, %u trained, ", row->n_tokens, r->n_targets);
    if (r->flags & RECORD_DOCUMENT)
        strbuf_puts(out, "a document");
    else if (r->why != DROP_BAD_ROW)
        strbuf_printf(out, "%u turn%s", r->n_turns, r->n_turns == 1 ? "" : "s");
    if (r->flags & RECORD_TRUNCATED)
        strbuf_puts(out, ", cut to the length limit");
    if (dropped) {
        strbuf_printf(out, "%sleft out: ", r->why == DROP_BAD_ROW ? "" : "; ");
        put_reason(out, file, r, dropped);
    }
    strbuf_printf(out, "%s\n", colour ? plain : "");
}

void preview_text(const struct preview *p, const struct dataset_file *file, const struct record *r,
                  const char *dropped)
{
    const struct row row = {.preview = p,
                            .record = r,
                            .tokens = record_tokens(&file->store, r),
                            .weights = record_weights(&file->store, r),
                            .n_tokens = r->n_tokens};
    struct strbuf out = {0};
    put_header(&out, &row, file, dropped);
    if (r->why == DROP_BAD_ROW)
        put_bad_row(&out, file, r);
    else if (p->tokens)
        put_table(&out, &row);
    else
        put_turns(&out, &row);
    strbuf_putc(&out, '\n');
    fwrite(out.data, 1, out.len, stdout);
    strbuf_free(&out);
}

void preview_legend(const struct preview *p)
{
    if (p->colour)
        printf("%s trained on %s, tokens in two colours by turns; the rest is not\n\n", trained_shade[0],
               plain);
}
