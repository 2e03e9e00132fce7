#include "collect/synth/completion.h"

#include "base/json.h"
#include "base/mem.h"
#include "serve/openai_messages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A completion has a few dozen values, a stream a dozen a token; a tree of what has more would fill the memory. */
enum { VALUES_MAX = 1000000, MODEL_MAX = 200 };

/* What was heard of a completion, at once or event by event. */
struct heard {
    struct strbuf content, arguments, refusal;
    char *model;
    bool has_choice, has_ended, is_cut, is_filtered;
    bool has_usage;
    uint64_t prompt_tokens, completion_tokens;
};

static void heard_free(struct heard *h)
{
    strbuf_free(&h->content);
    strbuf_free(&h->arguments);
    strbuf_free(&h->refusal);
    free(h->model);
}

/* ---- the parts of an object ---- */

static void hear_model(struct heard *h, const json *root)
{
    const char *name = json_string(json_get(root, "model"));
    if (!name || h->model || strlen(name) > MODEL_MAX)
        return;
    for (const char *p = name; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return;
    h->model = mem_strdup(name);
}

static bool is_count(const json *node, uint64_t *out)
{
    const double x = json_is_number(node) ? json_number(node) : -1;
    if (!(x >= 0 && x <= 0x1p53) || floor(x) != x)
        return false;
    *out = (uint64_t)x;
    return true;
}

static void hear_usage(struct heard *h, const json *root)
{
    const json *usage = json_get(root, "usage");
    uint64_t prompt, completion;
    if (!is_count(json_get(usage, "prompt_tokens"), &prompt) ||
        !is_count(json_get(usage, "completion_tokens"), &completion))
        return;
    h->has_usage = true;
    h->prompt_tokens = prompt;
    h->completion_tokens = completion;
}

static void hear_end(struct heard *h, const json *choice)
{
    static const char *const cut[] = {"length", "max_tokens", "content_filter"};
    const char *reason = json_string(json_get(choice, "finish_reason"));
    if (!reason)
        return;
    h->has_ended = true;
    h->is_cut = str_is_one_of(reason, strlen(reason), cut, sizeof cut / sizeof *cut);
    h->is_filtered = strcmp(reason, "content_filter") == 0;
}

static void hear_string(struct strbuf *out, const json *node)
{
    strbuf_puts(out, json_is_string(node) ? json_string(node) : "");
}

/* A part of a content: a string, or an object with a text that is no thought. */
static enum sft_status hear_part(struct heard *h, const json *part, struct sft_err *err)
{
    static const char *const thoughts[] = {"reasoning", "thinking", "reasoning_text"};
    const char *type = json_string(json_get(part, "type"));
    if (!json_is_object(part) && !json_is_string(part))
        return sft_fail(err, SFT_EDATA, "expected a string or an object, found %s", json_type_name(part));
    if (!type || !str_is_one_of(type, strlen(type), thoughts, sizeof thoughts / sizeof *thoughts))
        hear_string(&h->content, json_is_object(part) ? json_get(part, "text") : part);
    return SFT_OK;
}

static enum sft_status hear_content(struct heard *h, const json *content, struct sft_err *err)
{
    size_t i = 0;
    if (!content || json_is_null(content))
        return SFT_OK;
    if (json_is_string(content)) {
        hear_string(&h->content, content);
        return SFT_OK;
    }
    if (!json_is_array(content))
        return sft_fail_in(err, SFT_EDATA, "content", "expected a string or a list of parts, found %s",
                           json_type_name(content));
    for (const json *part = json_first(content); part; part = json_next(part), i++)
        if (hear_part(h, part, err))
            return sft_in_key(err, "content[%zu]", i);
    return SFT_OK;
}

static void hear_call(struct heard *h, const json *message)
{
    const json *call = json_first(json_get(message, "tool_calls"));
    const json *function = call ? json_get(call, "function") : json_get(message, "function_call");
    const json *arguments = json_get(function, "arguments");
    if (json_is_object(arguments))
        json_print_line(arguments, &h->arguments);
    else
        hear_string(&h->arguments, arguments);
}

/* The message of an object, or the delta of an event. */
static enum sft_status hear_message(struct heard *h, const json *message, struct sft_err *err)
{
    if (!json_is_object(message))
        return sft_fail(err, SFT_EDATA, "expected an object, found %s", json_type_name(message));
    hear_call(h, message);
    hear_string(&h->refusal, json_get(message, "refusal"));
    return hear_content(h, json_get(message, "content"), err);
}

static enum sft_status hear_choice(struct heard *h, const json *choice, const char *key, struct sft_err *err)
{
    if (!json_is_object(choice))
        return sft_fail(err, SFT_EDATA, "expected an object, found %s", json_type_name(choice));
    h->has_choice = true;
    hear_end(h, choice);
    if (!json_get(choice, key) && json_is_string(json_get(choice, "text"))) {
        hear_string(&h->content, json_get(choice, "text"));
        return SFT_OK;
    }
    return hear_message(h, json_get(choice, key), err) ? sft_in_key(err, "%s", key) : SFT_OK;
}

static enum sft_status fail_with_error(const char *text, size_t len, struct sft_err *err)
{
    struct endpoint_error error;
    endpoint_error_read(&error, text, len);
    sft_fail(err, SFT_EDATA, "the endpoint says: %s", error.text.data);
    endpoint_error_free(&error);
    return SFT_EDATA;
}

/* A whole object, or an event of a stream: text[0..len), parsed. An event may have no choice. */
static enum sft_status hear(struct heard *h, const json *root, bool is_event, const char *text, size_t len,
                            struct sft_err *err)
{
    const json *choices = json_get(root, "choices"), *error = json_get(root, "error");
    if (!json_is_object(root))
        return sft_fail(err, SFT_EDATA, "expected an object, found %s", json_type_name(root));
    if (error && !json_is_null(error))
        return fail_with_error(text, len, err);
    hear_model(h, root);
    hear_usage(h, root);
    if (is_event && json_size(choices) == 0)
        return SFT_OK;
    if (!choices && !is_event)
        return fail_with_error(text, len, err);
    if (!json_is_array(choices) || json_size(choices) == 0)
        return sft_fail_in(err, SFT_EDATA, "choices", "expected a list with a choice, found %s",
                           json_is_array(choices) ? "an empty one" : json_type_name(choices));
    return hear_choice(h, json_first(choices), is_event ? "delta" : "message", err) ? sft_in_key(err, "choices[0]")
                                                                                    : SFT_OK;
}

static enum sft_status hear_text(struct heard *h, const char *text, size_t len, bool is_event, struct sft_err *err)
{
    json *root;
    if (json_parse(text, len, &root, err))
        return SFT_EDATA;
    const enum sft_status status = hear(h, root, is_event, text, len, err);
    json_free(root);
    return status;
}

/* ---- a stream ---- */

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && memchr(" \t\r\n", *p, 4))
        p++;
    return p;
}

static bool begins(const char *p, const char *end, const char *word)
{
    return (size_t)(end - p) >= strlen(word) && memcmp(p, word, strlen(word)) == 0;
}

static bool is_stream(const char *body, size_t len)
{
    const char *end = body + len, *p = skip_blanks(body, end);
    return begins(p, end, "data:") || begins(p, end, "event:") || begins(p, end, ":");
}

static enum sft_status hear_events(struct heard *h, const char *body, size_t len, struct sft_err *err)
{
    bool is_done = false;
    for (const char *p = body, *end = body + len; p < end && !is_done;) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        stop = stop ? stop : end;
        if (begins(p, stop, "data:")) {
            const char *data = skip_blanks(p + 5, stop);
            is_done = begins(data, stop, "[DONE]");
            if (!is_done && data < stop && hear_text(h, data, (size_t)(stop - data), true, err))
                return SFT_EDATA;
        }
        p = stop < end ? stop + 1 : end;
    }
    return is_done || h->has_ended ? SFT_OK : sft_fail(err, SFT_EDATA, "the stream ends before the answer does");
}

/* ---- the text ---- */

static void trim(const char **text, size_t *len)
{
    const char *end = *text + *len;
    *text = skip_blanks(*text, end);
    *len = (size_t)(end - *text);
    while (*len > 0 && memchr(" \t\r\n", (*text)[*len - 1], 4))
        --*len;
}

/* A model that thinks aloud does it first, between tags, of which a template may have given the first: then only the
 * second is in the answer. */
static void skip_thoughts(const char **text, size_t *len, bool *is_cut)
{
    static const char opening[] = "<think>", closing[] = "</think>";
    const char *end = *text + *len;
    const char *open = *len ? memmem(*text, *len, opening, sizeof opening - 1) : NULL;
    const char *close = *len ? memmem(*text, *len, closing, sizeof closing - 1) : NULL;
    if (open == *text && open && !close) {
        *len = 0;
        *is_cut = true;
    } else if (close && (!open || open == *text || open > close)) {
        *text = close + sizeof closing - 1;
        *len = (size_t)(end - *text);
        trim(text, len);
    }
}

static void find_text(const struct heard *h, const char **text, size_t *len, bool *is_cut)
{
    const struct strbuf *sources[] = {&h->content, &h->arguments, &h->refusal};
    *len = 0;
    *text = "";
    for (size_t i = 0; i < sizeof sources / sizeof *sources && *len == 0 && !*is_cut; i++) {
        *text = sources[i]->data ? sources[i]->data : "";
        *len = sources[i]->len;
        trim(text, len);
        if (i == 0)
            skip_thoughts(text, len, is_cut);
    }
}

static enum sft_status conclude(struct heard *h, struct completion *completion, struct sft_err *err)
{
    const char *text;
    bool is_cut = false;
    if (!h->has_choice)
        return sft_fail(err, SFT_EDATA, "the stream holds no choice");
    find_text(h, &text, &completion->len, &is_cut);
    completion->is_withheld = h->is_filtered && completion->len == 0;
    if (completion->is_withheld)
        return sft_fail(err, SFT_EDATA, "the endpoint's content filter withholds the answer");
    completion->text = mem_strndup(text, completion->len);
    completion->is_cut = is_cut || h->is_cut;
    completion->model = h->model;
    h->model = NULL;
    completion->has_usage = h->has_usage;
    completion->prompt_tokens = h->prompt_tokens;
    completion->completion_tokens = h->completion_tokens;
    return SFT_OK;
}

enum sft_status completion_read(struct completion *completion, const char *body, size_t len, struct sft_err *err)
{
    struct heard h = {0};
    enum sft_status status = SFT_EDATA;
    *completion = (struct completion){0};
    if (len == 0)
        return sft_fail(err, SFT_EDATA, "the answer is empty");
    if (json_values_bound(body, len) > VALUES_MAX)
        return sft_fail(err, SFT_EDATA, "the answer has more than %d values", VALUES_MAX);
    if (is_stream(body, len) ? !hear_events(&h, body, len, err) : !hear_text(&h, body, len, false, err))
        status = conclude(&h, completion, err);
    heard_free(&h);
    return status;
}

void completion_free(struct completion *completion)
{
    free(completion->text);
    free(completion->model);
    *completion = (struct completion){0};
}
