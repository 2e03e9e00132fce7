#include "data/store/render.h"

#include <stdlib.h>
#include <string.h>

/* ---- shards ---- */

void shard_clear(struct shard *shard)
{
    shard->n_records = shard->n_tokens = 0;
    strbuf_clear(&shard->text);
    key_counts_clear(&shard->keys);
}

void shard_free(struct shard *shard)
{
    free(shard->records);
    free(shard->tokens);
    free(shard->weights);
    strbuf_free(&shard->text);
    key_counts_free(&shard->keys);
    *shard = (struct shard){0};
}

void shard_append_to(const struct shard *shard, struct token_store_writer *store)
{
    for (size_t i = 0; i < shard->n_records; i++) {
        const struct shard_record *s = &shard->records[i];
        const char *text = shard->text.data ? shard->text.data + s->text_at : "";
        token_store_add(store, &s->record, shard->tokens + s->tokens_at, shard->weights + s->tokens_at, text,
                        text + s->record.message_len);
    }
}

static struct record *add_record(struct shard *shard, size_t line)
{
    shard->records = mem_grow(shard->records, &shard->records_capacity, shard->n_records + 1,
                              sizeof *shard->records);
    struct shard_record *s = &shard->records[shard->n_records++];
    *s = (struct shard_record){.record.line = line, .tokens_at = shard->n_tokens, .text_at = shard->text.len};
    return &s->record;
}

/* To the record that was added last. */
static void add_tokens(struct shard *shard, struct record *record, const int32_t *tokens,
                       const float *weights, size_t n)
{
    const size_t need = shard->n_tokens + n;
    shard->tokens = mem_grow(shard->tokens, &shard->tokens_capacity, need, sizeof *shard->tokens);
    shard->weights = mem_grow(shard->weights, &shard->weights_capacity, need, sizeof *shard->weights);
    memcpy(shard->tokens + shard->n_tokens, tokens, n * sizeof *tokens);
    memcpy(shard->weights + shard->n_tokens, weights, n * sizeof *weights);
    if (n > 0)
        shard->weights[shard->n_tokens] = 0.0F; /* nothing predicts the first */
    record->n_tokens = (uint32_t)n;
    shard->n_tokens = need;
}

/* A message may quote the row, and ends up on terminals and in logs. */
static void add_message(struct shard *shard, struct record *record, const struct sft_err *err)
{
    const size_t start = shard->text.len;
    const char *message = SFT_ERR_TEXT(err);
    strbuf_add_visible(&shard->text, message, strlen(message));
    record->message_len = (uint32_t)(shard->text.len - start);
    record->kind = err->kind;
}

void render_bad(const struct json_element *row, const struct sft_err *err, struct shard *shard)
{
    struct record *record = add_record(shard, row->line);
    record->why = DROP_BAD_ROW;
    add_message(shard, record, err);
    record->row_len = row->len;
    strbuf_add(&shard->text, row->text, record->row_len);
}

/* ---- the renderer ---- */

void renderer_init(struct renderer *r, const struct chat_template *tpl, const struct tokenizer *tok,
                   const struct names *names, const struct render_options *options)
{
    *r = (struct renderer){.tpl = tpl, .names = names, .options = options, .enc = encoder_new(tok)};
}

void renderer_free(struct renderer *r)
{
    encoder_free(r->enc);
    arena_free(&r->arena);
    rendered_free(&r->rendered);
}

/* ---- conversations ---- */

static bool has_role(const struct conversation *conv, enum role role)
{
    for (size_t i = 0; i < conv->count; i++)
        if (conv->messages[i].role == role)
            return true;
    return false;
}

/* Put the system prompt that the settings want in front, in place of the conversation's own. */
static void apply_system(const struct render_options *options, struct arena *arena, struct conversation *conv)
{
    const char *system = options->system && options->system_policy != SYSTEM_DROP ? options->system : "";
    const bool add = *system && (options->system_policy == SYSTEM_REPLACE || !has_role(conv, ROLE_SYSTEM));
    if (conv->is_document || (!add && options->system_policy == SYSTEM_KEEP))
        return;
    struct message *messages = arena_alloc(arena, (conv->count + 1) * sizeof *messages);
    size_t *numbers = arena_alloc(arena, (conv->count + 1) * sizeof *numbers), n = 0;
    if (add) {
        messages[n] = (struct message){.role = ROLE_SYSTEM, .content = system, .len = strlen(system), .weight = 1.0F};
        numbers[n++] = 0;
    }
    for (size_t i = 0; i < conv->count; i++)
        if (options->system_policy == SYSTEM_KEEP || conv->messages[i].role != ROLE_SYSTEM) {
            messages[n] = conv->messages[i];
            numbers[n++] = i + 1;
        }
    conv->messages = messages;
    conv->numbers = numbers;
    conv->count = n;
}

static bool is_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!strchr(" \t\r\n", text[i]) || !text[i])
            return false;
    return true;
}

static uint16_t remarks(const struct conversation *conv)
{
    unsigned flags = (conv->is_document ? RECORD_DOCUMENT : 0U) | (conv->has_tools ? RECORD_TOOLS : 0U);
    for (size_t i = 0; i < conv->count; i++) {
        const struct message *m = &conv->messages[i];
        if (is_blank(m->content, m->len))
            flags |= m->role == ROLE_SYSTEM ? RECORD_EMPTY_SYSTEM : RECORD_EMPTY_CONTENT;
        if (i > 0 && m[-1].role == m->role && m->role != ROLE_TOOL) /* parallel calls have several results */
            flags |= RECORD_SAME_ROLE;
    }
    return (uint16_t)flags;
}

/* Whether an answer that is trained says nothing. */
static bool trains_on_nothing(const struct conversation *conv, enum train_on train_on)
{
    for (size_t i = conv->count; i-- > 0;) {
        const struct message *m = &conv->messages[i];
        if (m->role != ROLE_ASSISTANT)
            continue;
        if (m->weight > 0 && is_blank(m->content, m->len))
            return true;
        if (train_on == TRAIN_ON_LAST_ASSISTANT)
            return false;
    }
    return false;
}

/* Of the turns before the last assistant's: what it answers. 0 where there are none. */
static uint64_t hash_prompt(const struct conversation *conv)
{
    size_t n = conv->count;
    while (n > 0 && conv->messages[n - 1].role != ROLE_ASSISTANT)
        n--;
    if (n < 2 || conv->is_document)
        return 0;
    struct xxh64 h;
    xxh64_init(&h, 0);
    for (size_t i = 0; i < n - 1; i++) {
        const uint64_t head[] = {conv->messages[i].role, conv->messages[i].len};
        xxh64_update(&h, head, sizeof head);
        xxh64_update(&h, conv->messages[i].content, conv->messages[i].len);
    }
    const uint64_t hash = xxh64_digest(&h);
    return hash ? hash : 1;
}

/* A document goes into as many examples of max_length tokens as it needs. */
static void add_document(struct shard *shard, const struct rendered *out, size_t max_length, size_t line,
                         uint16_t flags)
{
    for (size_t from = 0; from == 0 || from < out->tokens.count; from += max_length) {
        const size_t left = out->tokens.count - from, n = left < max_length ? left : max_length;
        struct record *record = add_record(shard, line);
        add_tokens(shard, record, out->tokens.ids + from, out->weights + from, n);
        record->uncut = from + n;
        record->n_turns = 1;
        record->flags = flags;
    }
}

/* key: the answer's, which messages name; NULL: none. */
static void add_turns(struct shard *shard, const struct rendered *out, const struct render_options *options,
                      const struct conversation *conv, const char *key, size_t line)
{
    const size_t n = out->tokens.count, max = options->max_length;
    const bool is_overlong = n > max, is_cut = is_overlong && options->overlong == OVERLONG_TRUNCATE;
    struct record *record = add_record(shard, line);
    add_tokens(shard, record, out->tokens.ids, out->weights, is_cut ? max : n < UINT32_MAX ? n : UINT32_MAX);
    record->uncut = n;
    record->n_turns = (uint32_t)conv->count;
    record->prompt_hash = hash_prompt(conv);
    record->flags = remarks(conv);
    if (trains_on_nothing(conv, options->train_on))
        record->flags |= RECORD_EMPTY_ANSWER;
    if (is_cut)
        record->flags |= RECORD_TRUNCATED;
    if (is_cut && out->weights[max] > 0.0F && out->weights[max - 1] > 0.0F)
        record->flags |= RECORD_REPLY_CUT;
    if (!has_role(conv, ROLE_ASSISTANT)) {
        record->why = DROP_NO_ASSISTANT;
    } else if (is_overlong && !is_cut) {
        struct sft_err err;
        sft_fail(&err, SFT_EDATA, "%zu tokens, more than max_length %zu", n, max);
        if (key)
            sft_in_key(&err, "%s", key);
        record->why = DROP_OVERLONG;
        add_message(shard, record, &err);
    }
}

static void add_conversation(struct shard *shard, struct renderer *r, const struct conversation *conv,
                             const struct json_element *row)
{
    const size_t line = row->line;
    struct sft_err err;
    template_render(r->tpl, r->enc, conv, r->options->train_on, &r->rendered);
    if (encoder_check(r->enc, &err))
        render_bad(row, &err, shard);
    else if (conv->is_document)
        add_document(shard, &r->rendered, r->options->max_length, line, remarks(conv));
    else
        add_turns(shard, &r->rendered, r->options, conv, NULL, line);
}

/* ---- pairs ---- */

static const float *weights_of(const struct shard *shard, const struct shard_record *s)
{
    return shard->weights + s->tokens_at;
}

static bool trains(const struct shard *shard, const struct shard_record *s)
{
    const float *weights = weights_of(shard, s);
    for (uint32_t i = 0; i < s->record.n_tokens; i++)
        if (weights[i] > 0.0F)
            return true;
    return false;
}

static bool is_same(const struct shard *shard, const struct shard_record *a, const struct shard_record *b)
{
    return a->record.n_tokens == b->record.n_tokens &&
           memcmp(shard->tokens + a->tokens_at, shard->tokens + b->tokens_at,
                  a->record.n_tokens * sizeof *shard->tokens) == 0;
}

/* Two records are kept or left out as one, for the first reason of either; the first has the message. */
static void join(const struct shard *shard, struct shard_record *a, struct shard_record *b)
{
    uint16_t why = a->record.why != DROP_NO ? a->record.why : b->record.why;
    if (why == DROP_NO && !(trains(shard, a) && trains(shard, b)))
        why = DROP_NOTHING_LEFT;
    if (why == DROP_NO && is_same(shard, a, b))
        why = DROP_SAME_ANSWERS;
    if (a->record.message_len == 0 && b->record.message_len > 0) {
        a->text_at = b->text_at;
        a->record.message_len = b->record.message_len;
        a->record.kind = b->record.kind;
        b->record.kind = 0;
        b->record.message_len = 0;
    }
    a->record.why = b->record.why = why;
    a->record.flags |= RECORD_PAIR;
    b->record.flags |= RECORD_REJECTED | RECORD_SAME_ROW;
}

/* The chosen answer's conversation and the rejected one's; of train_on nothing is asked, for the prompt's weights are
 * 0 already. */
static void add_pair(struct shard *shard, struct renderer *r, const struct conversation pair[2],
                     const struct json_element *row)
{
    static const char *const keys[] = {"chosen", "rejected"};
    const size_t n_records = shard->n_records, n_tokens = shard->n_tokens;
    struct render_options options = *r->options;
    struct sft_err err;
    options.train_on = TRAIN_ON_ASSISTANT;
    for (size_t i = 0; i < 2; i++) {
        template_render(r->tpl, r->enc, &pair[i], options.train_on, &r->rendered);
        if (encoder_check(r->enc, &err)) {
            shard->n_records = n_records;
            shard->n_tokens = n_tokens;
            render_bad(row, &err, shard);
            return;
        }
        add_turns(shard, &r->rendered, &options, &pair[i], keys[i], row->line);
    }
    join(shard, &shard->records[n_records], &shard->records[n_records + 1]);
}

/* ---- rows ---- */

/* Whether the template takes the conversation without the messages of `role`, or as messages of the user. */
static bool is_taken(struct renderer *r, const struct conversation *conv, enum role role, bool as_user)
{
    struct conversation other = *conv;
    other.messages = arena_alloc(&r->arena, (conv->count + 1) * sizeof *other.messages);
    other.count = 0;
    for (size_t i = 0; i < conv->count; i++) {
        struct message m = conv->messages[i];
        if (m.role == role && !as_user)
            continue;
        m.role = m.role == role ? ROLE_USER : m.role;
        other.messages[other.count++] = m;
    }
    return has_role(conv, role) && template_check(r->tpl, &other, NULL) == SFT_OK;
}

static enum sft_status check_template(struct renderer *r, const struct conversation *conv, struct sft_err *err)
{
    if (template_check(r->tpl, conv, err) == SFT_OK)
        return SFT_OK;
    if (is_taken(r, conv, ROLE_SYSTEM, false))
        sft_remark(err, "; data.system_policy = drop leaves system messages out");
    else if (is_taken(r, conv, ROLE_TOOL, true))
        sft_remark(err, "; data.roles = tool:user makes a tool's messages a user's");
    return err->status;
}

/* A row of no pair, where pairs are looked for. Beside them a file may have rows of one other format. */
static enum sft_status read_single(struct renderer *r, const struct reader *reader, const json *root,
                                   struct conversations *list, struct sft_err *err)
{
    if (!r->is_forced && reader == &reader_hh && !reader->matches(root))
        reader = NULL;
    if (!reader && !(reader = reader_detect(root, err)))
        return SFT_EDATA;
    const json *rejected = json_get(root, "rejected");
    if (reader != &reader_hh && !r->is_forced && rejected && !json_is_null(rejected))
        return sft_fail_in(err, SFT_EDATA, "rejected",
                           "there is no chosen answer beside it ([data] columns = KEY:chosen says which key it is)");
    return reader_read(reader, root, r->names, &r->arena, list, err);
}

static enum sft_status read_row(struct renderer *r, const struct reader *reader, const json *root,
                                struct conversations *list, bool *is_pair, struct sft_err *err)
{
    const bool may_be_pair = r->options->pairs && (!r->is_forced || reader == &reader_hh);
    *is_pair = may_be_pair && reader_is_pair(root);
    if (*is_pair)
        return reader_read_pair(root, r->names, &r->arena, list, err);
    if (r->options->pairs)
        return read_single(r, reader, root, list, err);
    if (!reader && !(reader = reader_detect(root, err)))
        return SFT_EDATA;
    return reader_read(reader, root, r->names, &r->arena, list, err);
}

static enum sft_status read_conversations(struct renderer *r, const struct reader *reader, const json *root,
                                          struct conversations *list, bool *is_pair, struct sft_err *err)
{
    if (read_row(r, reader, root, list, is_pair, err))
        return SFT_EDATA;
    for (size_t i = 0; i < list->count; i++) {
        apply_system(r->options, &r->arena, &list->items[i]);
        if (check_template(r, &list->items[i], err))
            return SFT_EDATA;
    }
    return SFT_OK;
}

/* Which of the user's names the row has, as bits. */
static void count_names(const struct names *names, uint64_t columns, uint64_t roles, uint64_t line,
                        struct key_counts *keys)
{
    for (size_t i = 0; i < names->n_columns; i++)
        if (columns >> i & 1)
            keys_count_name(KEY_COLUMN, names->columns[i].from, line, keys);
    for (size_t i = 0; i < names->n_roles; i++)
        if (roles >> i & 1)
            keys_count_name(KEY_ROLE, names->roles[i].name, line, keys);
}

/* A message about a key of ours says what the file calls it. */
static void name_column(const struct names *names, uint64_t used, struct sft_err *err)
{
    for (size_t i = 0; i < names->n_columns; i++) {
        const struct name_column *c = &names->columns[i];
        if (used >> i & 1 && sft_err_is_in(err, c->to) && strcmp(c->from, c->to) != 0) {
            sft_remark(err, " (%s is '%.80s' in the file)", c->to, c->from);
            return;
        }
    }
}

/* The row at the front of *rest, which is then what is left. */
static void render_next(struct renderer *r, const struct rows *rows, const struct reader *reader,
                        struct json_element *rest, struct shard *shard)
{
    struct sft_err err;
    struct conversations list = {0};
    const struct renamed *renamed = NULL;
    uint64_t columns = 0;
    struct json_element row = *rest;
    bool is_pair = false;
    json *root = NULL;
    arena_reset(&r->arena);
    if (rows_parse(rows, rest, &root, &err)) {
        if (err.line > 0) /* the parser counts from the row's first line; told is the file's */
            sft_at(&err, row.line + err.line - 1, err.column);
        render_bad(&row, &err, shard);
        rest->len = 0;
        return;
    }
    row.len -= rest->len;
    if (names_apply(r->names, root, &r->arena, &renamed, &columns, &err) ||
        read_conversations(r, reader, root, &list, &is_pair, &err)) {
        name_column(r->names, columns, &err);
        render_bad(&row, &err, shard);
    } else {
        const size_t first = shard->n_records;
        if (is_pair)
            add_pair(shard, r, list.items, &row);
        for (size_t i = 0; !is_pair && i < list.count; i++)
            add_conversation(shard, r, &list.items[i], &row);
        for (size_t i = first + 1; i < shard->n_records; i++)
            shard->records[i].record.flags |= RECORD_SAME_ROW;
        keys_count(root, renamed, row.line, &shard->keys);
    }
    count_names(r->names, columns, list.roles_used, row.line, &shard->keys);
    json_free(root);
}

void render_row(struct renderer *r, const struct rows *rows, const struct reader *reader,
                const struct json_element *row, struct shard *shard)
{
    struct json_element rest = *row;
    do
        render_next(r, rows, reader, &rest, shard);
    while (rest.len > 0);
}
