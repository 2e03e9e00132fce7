#include "collect/synth/filter.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "collect/synth/chat_file.h"
#include "collect/synth/filter_text.h"
#include "judge/incoherent.h"
#include "judge/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAID = 1 << ROLE_USER | 1 << ROLE_ASSISTANT | 1 << ROLE_TOOL, /* a system prompt is in all rows alike */
    MESSAGE_RUNS = 8,  /* an example's message of fewer is a formula, which anybody may use */
    QUESTION_RUNS = 3, /* the same of one question among others */
    SHOT_RUNS = 8      /* in a row that are a shot's too: ten words; of 8000 messages of people none has more than 4 */
};

static const char *const names[N_FILTER_REASONS] = {
    [FILTER_KEPT] = "kept",
    [FILTER_ENDPOINT_REFUSES] = "endpoint_refuses",
    [FILTER_MALFORMED] = "malformed",
    [FILTER_EMPTY] = "empty",
    [FILTER_CUT_OFF] = "cut_off",
    [FILTER_TOO_SHORT] = "too_short",
    [FILTER_TOO_LONG] = "too_long",
    [FILTER_CONTROL_TOKENS] = "control_tokens",
    [FILTER_BOTH_SIDES] = "both_sides",
    [FILTER_INCOHERENT] = "incoherent",
    [FILTER_REFUSES] = "refuses",
    [FILTER_DOES_NOT_REFUSE] = "does_not_refuse",
    [FILTER_SPEAKS_OF_AI] = "speaks_of_ai",
    [FILTER_ECHOES] = "echoes",
    [FILTER_SAME_ANSWERS] = "same_answers",
    [FILTER_COPIES_EXAMPLE] = "copies_example",
    [FILTER_NEAR_EVAL] = "near_eval",
    [FILTER_NEAR_DUPLICATE] = "near_duplicate",
};

const char *filter_reason_name(enum filter_reason reason)
{
    return names[reason];
}

enum filter_reason filter_reason_by_name(const char *name)
{
    enum filter_reason reason = FILTER_KEPT;
    while (reason < N_FILTER_REASONS && strcmp(names[reason], name) != 0)
        reason++;
    return reason;
}

/* ---- texts that rows are compared with ---- */

/* The set becomes theirs. */
static void add_text(struct filter_texts *texts, struct shingles *set, const char *name)
{
    texts->names = mem_grow(texts->names, &texts->capacity, texts->index.count + 1, sizeof *texts->names);
    texts->names[minhash_index_add(&texts->index, set)] = mem_strdup(name);
}

static void add_conversation(struct filter_texts *texts, const struct conversation *conv, unsigned roles,
                             const char *name)
{
    struct shingles set = {0};
    shingles_of(&set, conv, roles);
    add_text(texts, &set, name);
}

static void add_message(struct filter_texts *texts, const struct message *m, size_t least_runs, const char *name)
{
    struct shingles set = {0};
    shingles_add(&set, m->content, m->len);
    shingles_seal(&set);
    if (set.count >= least_runs)
        add_text(texts, &set, name);
    shingles_free(&set);
}

static void free_texts(struct filter_texts *texts)
{
    for (size_t i = 0; i < texts->index.count; i++)
        free(texts->names[i]);
    free(texts->names);
    minhash_index_free(&texts->index);
}

/* ---- files ---- */

static void add_example(struct filter *f, const struct conversation *conv, const char *name)
{
    add_conversation(&f->examples, conv, SAID, name);
    for (size_t i = 0; i < conv->count; i++)
        if (conv->messages[i].role != ROLE_SYSTEM)
            add_message(&f->messages, &conv->messages[i], MESSAGE_RUNS, name);
}

/* What is asked is compared, too, whatever was answered: all of it, and what the conversation begins with. */
static void add_eval(struct filter *f, const struct conversation *conv, const char *name)
{
    add_conversation(&f->eval, conv, SAID, name);
    add_conversation(&f->questions, conv, 1U << ROLE_USER, name);
    for (size_t i = 0; i < conv->count; i++)
        if (conv->messages[i].role == ROLE_USER) {
            add_message(&f->questions, &conv->messages[i], QUESTION_RUNS, name);
            break;
        }
}

typedef void add_row_fn(struct filter *filter, const struct conversation *conv, const char *name);

static enum sft_status read_rows(struct filter *f, struct chat_file *file, add_row_fn *add, struct sft_err *err)
{
    struct chat_row row;
    for (;;) {
        if (chat_file_next(file, &row, err))
            return err->status;
        if (!row.number)
            return SFT_OK;
        char *name = mem_printf("%s:%zu", file->spec.text, row.line);
        add(f, &row.conv, name);
        free(name);
    }
}

static enum sft_status read_files(struct filter *f, const struct string_list *files, add_row_fn *add,
                                  struct sft_err *err)
{
    enum sft_status status = SFT_OK;
    for (size_t i = 0; i < files->count && !status; i++) {
        struct chat_file file;
        status = chat_file_open(&file, files->items[i], f->options.stop, err);
        if (!status)
            status = read_rows(f, &file, add, err);
        chat_file_close(&file);
    }
    return status;
}

enum sft_status filter_open(struct filter *f, const struct filter_options *options, struct sft_err *err)
{
    *f = (struct filter){.options = *options};
    filter_marks_collect(&f->marks);
    if (!(options->near_duplicate > 0))
        return SFT_OK;
    struct filter_texts *all[] = {&f->kept, &f->examples, &f->messages, &f->eval, &f->questions};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        minhash_index_init(&all[i]->index, options->near_duplicate);
    return read_files(f, &options->examples, add_example, err) || read_files(f, &options->eval, add_eval, err)
               ? err->status
               : SFT_OK;
}

void filter_close(struct filter *f)
{
    free_texts(&f->kept);
    free_texts(&f->examples);
    free_texts(&f->messages);
    free_texts(&f->eval);
    free_texts(&f->questions);
    for (size_t i = 0; i < f->n_shots; i++)
        shingles_free(&f->shots[i]);
    free(f->shots);
    filter_marks_free(&f->marks);
    *f = (struct filter){0};
}

void filter_add(struct filter *f, const struct conversation *conv, const char *name)
{
    if (f->options.near_duplicate > 0)
        add_conversation(&f->kept, conv, SAID, name);
}

void filter_add_shot(struct filter *f, const char *text)
{
    struct shingles set = {0};
    if (!(f->options.near_duplicate > 0))
        return;
    shingles_add(&set, text, strlen(text));
    shingles_seal(&set);
    f->shots = mem_grow(f->shots, &f->shots_capacity, f->n_shots + 1, sizeof *f->shots);
    f->shots[f->n_shots++] = set;
}

/* ---- verdicts ---- */

static SFT_PRINTF(3, 4) enum filter_reason
    reject(struct filter_verdict *v, enum filter_reason reason, const char *fmt, ...)
{
    char text[2 * sizeof v->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    utf8_copy_printable(text, strlen(text), "", v->text, sizeof v->text);
    return v->reason = reason;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

/* Of a message by itself, `what` it is. */
static enum filter_reason check_text(const struct filter *f, const char *what, const char *text, size_t len,
                                     struct filter_verdict *v)
{
    const struct filter_options *o = &f->options;
    const size_t n_chars = filter_count_characters(text, len);
    size_t n;
    if (utf8_is_blank(text, len))
        return reject(v, FILTER_EMPTY, "%s", what);
    if (n_chars < o->min_chars)
        return reject(v, FILTER_TOO_SHORT, "%s has %zu character%s (min_chars = %zu)", what, n_chars, plural(n_chars),
                      o->min_chars);
    if (o->max_chars && n_chars > o->max_chars)
        return reject(v, FILTER_TOO_LONG, "%s has %zu characters (max_chars = %zu)", what, n_chars, o->max_chars);
    const char *mark = filter_find_mark(&f->marks, text, len, &n);
    if (mark)
        return reject(v, FILTER_CONTROL_TOKENS, "%s has %.*s", what, (int)n, mark);
    if (filter_has_speakers(text, len))
        return reject(v, FILTER_BOTH_SIDES, "%s speaks for both sides", what);
    return FILTER_KEPT;
}

static void name_message(const struct conversation *conv, size_t i, char *out, size_t capacity)
{
    snprintf(out, capacity, "message %zu (%s)", i + 1, role_name[conv->messages[i].role]);
}

static enum filter_reason check_texts(const struct filter *f, const struct filter_row *row, struct filter_verdict *v)
{
    for (size_t i = 0; i < row->conv->count && !v->reason; i++) {
        const struct message *m = &row->conv->messages[i];
        char what[40];
        name_message(row->conv, i, what, sizeof what);
        if (m->role != ROLE_SYSTEM)
            check_text(f, what, m->content, m->len, v);
    }
    return v->reason || !row->rejected ? v->reason
                                       : check_text(f, "the rejected answer", row->rejected, row->rejected_len, v);
}

static bool is_incoherent(const struct message *m)
{
    struct sentences said;
    sentences_split(&said, m->content, m->len);
    const bool is = incoherent(m->content, m->len, &said);
    sentences_free(&said);
    return is;
}

static enum filter_reason check_coherence(const struct conversation *conv, struct filter_verdict *v)
{
    for (size_t i = 0; i < conv->count; i++) {
        char what[40];
        name_message(conv, i, what, sizeof what);
        if (conv->messages[i].role != ROLE_SYSTEM && is_incoherent(&conv->messages[i]))
            return reject(v, FILTER_INCOHERENT, "%s", what);
    }
    return FILTER_KEPT;
}

/* What the last question was answered with. */
static enum filter_reason check_refusal(const struct filter_row *row, struct filter_verdict *v)
{
    const struct conversation *conv = row->conv;
    if (row->due == DUE_ANYTHING || conv->count == 0)
        return FILTER_KEPT;
    const struct message *answer = &conv->messages[conv->count - 1], *question = answer;
    while (question > conv->messages && question->role != ROLE_USER)
        question--;
    const enum refusal_label label = refusal_judge(question->content, question->len, answer->content, answer->len);
    if (refusal_is_refused(label) == (row->due == DUE_REFUSAL))
        return FILTER_KEPT;
    return reject(v, row->due == DUE_REFUSAL ? FILTER_DOES_NOT_REFUSE : FILTER_REFUSES, "judged a %s",
                  refusal_label_name(label));
}

static enum filter_reason check_identity(const struct filter_row *row, struct filter_verdict *v)
{
    for (size_t i = 0; i < row->conv->count && !row->may_say_it_is_ai; i++) {
        const struct message *m = &row->conv->messages[i];
        char what[40];
        name_message(row->conv, i, what, sizeof what);
        if (m->role == ROLE_ASSISTANT && filter_speaks_of_ai(m->content, m->len))
            return reject(v, FILTER_SPEAKS_OF_AI, "%s says that it is a model", what);
    }
    return FILTER_KEPT;
}

/* ---- likeness ---- */

static enum filter_reason compare(const struct filter *f, struct filter_texts *texts, const struct shingles *set,
                                  enum filter_reason reason, struct filter_verdict *v)
{
    double similarity;
    const size_t found = minhash_index_find(&texts->index, set, MINHASH_NONE, &similarity);
    return found == MINHASH_NONE ? FILTER_KEPT
                                 : reject(v, reason, "%.2f like %s (near_duplicate = %g)", similarity,
                                          texts->names[found], f->options.near_duplicate);
}

static enum filter_reason compare_message(const struct filter *f, struct filter_texts *texts, const struct message *m,
                                          size_t least_runs, enum filter_reason reason, struct filter_verdict *v)
{
    struct shingles set = {0};
    shingles_add(&set, m->content, m->len);
    shingles_seal(&set);
    if (set.count >= least_runs)
        compare(f, texts, &set, reason, v);
    shingles_free(&set);
    return v->reason;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The most runs in a row of a text, in its order, that are a shot's too. */
static size_t longest_shared(const struct shingles *text, const struct shingles *shot)
{
    size_t most = 0, n = 0;
    for (size_t i = 0; i < text->count; i++) {
        n = bsearch(&text->items[i], shot->items, shot->count, sizeof *shot->items, by_value) ? n + 1 : 0;
        most = n > most ? n : most;
    }
    return most;
}

/* The prompts' own examples, which a small model takes for what it is to say. */
static enum filter_reason compare_shots(const struct filter *f, const struct conversation *conv, size_t at,
                                        struct filter_verdict *v)
{
    const struct message *m = &conv->messages[at];
    struct shingles in_order = {0}, set = {0};
    char what[40];
    name_message(conv, at, what, sizeof what);
    shingles_add(&in_order, m->content, m->len);
    shingles_add(&set, m->content, m->len);
    shingles_seal(&set);
    for (size_t i = 0; i < f->n_shots && set.count >= QUESTION_RUNS && !v->reason; i++) {
        const struct shingles *shot = &f->shots[i];
        if (longest_shared(&in_order, shot) >= SHOT_RUNS)
            reject(v, FILTER_COPIES_EXAMPLE, "%s has ten words in a row of an example in the prompts", what);
        else if (shingles_similarity(&set, shot) >= f->options.near_duplicate)
            reject(v, FILTER_COPIES_EXAMPLE, "%s is like an example in the prompts", what);
    }
    shingles_free(&in_order);
    shingles_free(&set);
    return v->reason;
}

static enum filter_reason compare_messages(struct filter *f, const struct conversation *conv, struct filter_verdict *v)
{
    struct shingles questions = {0};
    for (size_t i = 0; i < conv->count && !v->reason; i++)
        if (conv->messages[i].role != ROLE_SYSTEM &&
            !compare_message(f, &f->messages, &conv->messages[i], MESSAGE_RUNS, FILTER_COPIES_EXAMPLE, v))
            compare_shots(f, conv, i, v);
    for (size_t i = 0; i < conv->count && !v->reason; i++)
        if (conv->messages[i].role == ROLE_USER)
            compare_message(f, &f->questions, &conv->messages[i], QUESTION_RUNS, FILTER_NEAR_EVAL, v);
    shingles_of(&questions, conv, 1U << ROLE_USER);
    if (!v->reason)
        compare(f, &f->questions, &questions, FILTER_NEAR_EVAL, v);
    shingles_free(&questions);
    return v->reason;
}

static double similarity_of(const struct message *a, const struct message *b, size_t least_runs)
{
    struct shingles of_a = {0}, of_b = {0};
    shingles_add(&of_a, a->content, a->len);
    shingles_add(&of_b, b->content, b->len);
    shingles_seal(&of_a);
    shingles_seal(&of_b);
    const double similarity = of_a.count >= least_runs ? shingles_similarity(&of_a, &of_b) : 0;
    shingles_free(&of_a);
    shingles_free(&of_b);
    return similarity;
}

/* A small model that does not know what to say says the question. */
static enum filter_reason check_echo(const struct conversation *conv, struct filter_verdict *v)
{
    const double same = 0.9;
    for (size_t i = 1; i < conv->count; i++) {
        const struct message *m = &conv->messages[i];
        if (m->role == ROLE_ASSISTANT && m[-1].role == ROLE_USER && similarity_of(m - 1, m, QUESTION_RUNS) >= same) {
            char what[40];
            name_message(conv, i, what, sizeof what);
            return reject(v, FILTER_ECHOES, "%s is what was asked", what);
        }
    }
    return FILTER_KEPT;
}

static enum filter_reason check_pair(const struct filter *f, const struct filter_row *row, struct filter_verdict *v)
{
    const struct conversation *conv = row->conv;
    if (!row->rejected || conv->count == 0)
        return FILTER_KEPT;
    const struct message rejected = {.content = row->rejected, .len = row->rejected_len};
    const double most = f->options.near_duplicate > 0 ? f->options.near_duplicate : 1;
    const double similarity = similarity_of(&conv->messages[conv->count - 1], &rejected, 0);
    return similarity >= most ? reject(v, FILTER_SAME_ANSWERS, "%.2f like each other", similarity) : FILTER_KEPT;
}

static enum filter_reason check_likeness(struct filter *f, const struct conversation *conv, struct filter_verdict *v)
{
    struct shingles set = {0};
    if (!(f->options.near_duplicate > 0))
        return FILTER_KEPT;
    shingles_of(&set, conv, SAID);
    if (!compare(f, &f->examples, &set, FILTER_COPIES_EXAMPLE, v) && !compare(f, &f->eval, &set, FILTER_NEAR_EVAL, v) &&
        !compare_messages(f, conv, v))
        compare(f, &f->kept, &set, FILTER_NEAR_DUPLICATE, v);
    shingles_free(&set);
    return v->reason;
}

enum filter_reason filter_check(struct filter *f, const struct filter_row *row, struct filter_verdict *v)
{
    *v = (struct filter_verdict){0};
    if (row->conv->count == 0 || row->conv->messages[row->conv->count - 1].role != ROLE_ASSISTANT)
        return reject(v, FILTER_MALFORMED, "it does not end with an answer");
    if (row->is_cut)
        return reject(v, FILTER_CUT_OFF, "an answer ended at max_tokens");
    if (check_texts(f, row, v) || check_coherence(row->conv, v) || check_refusal(row, v) || check_identity(row, v) ||
        check_echo(row->conv, v) || check_pair(f, row, v))
        return v->reason;
    return check_likeness(f, row->conv, v);
}
