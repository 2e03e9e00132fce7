#include "fake_faults.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* ---- sending ---- */

static bool send_bytes(struct exchange *e, const char *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t n = send(e->fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool send_head(struct exchange *e, unsigned status, const char *head, size_t len)
{
    char text[512];
    e->status = status;
    const int n = snprintf(text, sizeof text,
                           "HTTP/1.1 %u Said\r\nContent-Type: application/json\r\nConnection: close\r\n%s"
                           "Content-Length: %zu\r\n\r\n",
                           status, head, len);
    return send_bytes(e, text, (size_t)n);
}

void exchange_send(struct exchange *e, unsigned status, const char *head, const char *body, size_t len)
{
    e->is_whole = send_head(e, status, head, len) && send_bytes(e, body, len);
}

static void send_text(struct exchange *e, unsigned status, const char *head, const char *body)
{
    exchange_send(e, status, head, body, strlen(body));
}

void exchange_refuse(struct exchange *e, unsigned status, const char *head, const char *code, const char *message)
{
    struct strbuf body = {0};
    strbuf_puts(&body, "{\"error\":{\"message\":");
    strbuf_json_string(&body, message, strlen(message));
    strbuf_printf(&body, ",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"%s\"}}", code);
    exchange_send(e, status, head, body.data, body.len);
    strbuf_free(&body);
}

static void sleep_for(double seconds)
{
    const struct timespec t = {.tv_sec = (time_t)seconds, .tv_nsec = (long)(1e9 * (seconds - (double)(time_t)seconds))};
    nanosleep(&t, NULL);
}

/* ---- a completion ---- */

static size_t tokens_of(size_t bytes)
{
    return bytes / 4 + 1;
}

static void add_json(struct strbuf *out, const char *before, const struct strbuf *text, const char *after)
{
    strbuf_puts(out, before);
    strbuf_json_string(out, text->data ? text->data : "", text->len);
    strbuf_puts(out, after);
}

/* A completion whose message is `message` (JSON) and whose usage is `usage` (a member with its comma, or ""). */
static void print_completion(struct strbuf *out, const struct exchange *e, const char *message, const char *usage)
{
    const char *model = json_string(json_get(e->request, "model"));
    strbuf_puts(out, "{\"id\":\"fake\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":");
    strbuf_json_string(out, model ? model : "fake", strlen(model ? model : "fake"));
    strbuf_printf(out, ",\"choices\":[{\"index\":0,\"message\":%s,\"logprobs\":null,\"finish_reason\":\"%s\"}]%s}",
                  message,
                  e->is_cut           ? "length"
                  : e->answer.is_call ? "tool_calls"
                                      : "stop",
                  usage);
}

static void print_message(struct strbuf *out, const struct exchange *e)
{
    if (e->answer.is_call)
        add_json(out,
                 "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call\",\"type\":\"function\","
                 "\"function\":{\"name\":\"answer\",\"arguments\":",
                 &e->answer.text, "}}]}");
    else
        add_json(out, "{\"role\":\"assistant\",\"content\":", &e->answer.text, "}");
}

static char *true_usage(struct exchange *e)
{
    const size_t prompt = tokens_of(fake_prompt_bytes(e->request)), completion = tokens_of(e->answer.text.len);
    e->tokens = prompt + completion;
    return mem_printf(",\"usage\":{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,\"total_tokens\":%zu}", prompt,
                      completion, prompt + completion);
}

/* The completion with a message or a usage other than the right one, where it is not NULL. */
static void make_body(struct strbuf *out, struct exchange *e, const char *message, const char *usage)
{
    struct strbuf right = {0};
    char *truth = true_usage(e);
    print_message(&right, e);
    print_completion(out, e, message ? message : right.data, usage ? usage : truth);
    free(truth);
    strbuf_free(&right);
}

static void send_completion(struct exchange *e, const char *message, const char *usage)
{
    struct strbuf body = {0};
    make_body(&body, e, message, usage);
    exchange_send(e, 200, "", body.data, body.len);
    strbuf_free(&body);
}

/* ---- good answers, in shapes that are not everyday's ---- */

static void ok(struct exchange *e)
{
    send_completion(e, NULL, NULL);
}

static void slow(struct exchange *e)
{
    sleep_for(0.1 + 3 * e->latency_s);
    ok(e);
}

static void drip(struct exchange *e)
{
    struct strbuf body = {0};
    make_body(&body, e, NULL, NULL);
    bool is_open = send_head(e, 200, "", body.len);
    for (size_t i = 0; i < body.len && is_open; i += 7) {
        is_open = send_bytes(e, body.data + i, body.len - i < 7 ? body.len - i : 7);
        sleep_for(0.0002);
    }
    e->is_whole = is_open;
    strbuf_free(&body);
}

static void send_message(struct exchange *e, const char *before, const char *after)
{
    struct strbuf message = {0};
    add_json(&message, before, &e->answer.text, after);
    send_completion(e, message.data, NULL);
    strbuf_free(&message);
}

static void parts(struct exchange *e)
{
    send_message(e, "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":", "}]}");
}

static void thoughts(struct exchange *e)
{
    struct strbuf text = e->answer.text;
    e->answer.text = (struct strbuf){0};
    strbuf_puts(&e->answer.text, "<think>\nWhat do they want? A </answer>, I think.\n</think>\n\n");
    strbuf_add(&e->answer.text, text.data, text.len);
    strbuf_free(&text);
    ok(e);
}

static void reasoning(struct exchange *e)
{
    send_message(e, "{\"role\":\"assistant\",\"reasoning_content\":\"Hm.\",\"content\":", "}");
}

static void cut_off(struct exchange *e)
{
    e->answer.text.len -= e->answer.text.len / 3;
    e->answer.text.data[e->answer.text.len] = '\0';
    e->is_cut = true;
    ok(e);
}

static void empty(struct exchange *e)
{
    send_completion(e, "{\"role\":\"assistant\",\"content\":\"\"}", NULL);
}

static void usage_missing(struct exchange *e)
{
    send_completion(e, NULL, "");
}

static void usage_lies(struct exchange *e)
{
    static const char *const lies[] = {
        ",\"usage\":{\"prompt_tokens\":-5,\"completion_tokens\":-1}",
        ",\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0}",
        ",\"usage\":{\"prompt_tokens\":1.5,\"completion_tokens\":2.25}",
        ",\"usage\":{\"prompt_tokens\":\"many\",\"completion_tokens\":\"more\"}",
        ",\"usage\":{\"prompt_tokens\":1e300,\"completion_tokens\":99999999999999999999}",
        ",\"usage\":[1,2,3]",
        ",\"usage\":null",
    };
    send_completion(e, NULL, lies[e->hash % COUNT(lies)]);
}

/* Events, although nobody asked for a stream: up to `share` of the text, and the end only where it is 1. */
static void send_events(struct exchange *e, double share)
{
    struct strbuf body = {0};
    const size_t end = (size_t)(share * (double)e->answer.text.len);
    char *usage = true_usage(e);
    for (size_t i = 0; i < end; i += 10) {
        strbuf_puts(&body, "data: {\"model\":\"fake\",\"choices\":[{\"index\":0,\"delta\":{\"content\":");
        strbuf_json_string(&body, e->answer.text.data + i, end - i < 10 ? end - i : 10);
        strbuf_puts(&body, "},\"finish_reason\":null}]}\n\n");
    }
    if (share >= 1)
        strbuf_printf(&body,
                      "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]%s}\n\n"
                      "data: [DONE]\n\n",
                      usage);
    exchange_send(e, 200, "", body.data ? body.data : "", body.len);
    free(usage);
    strbuf_free(&body);
}

static void stream(struct exchange *e)
{
    send_events(e, 1);
}

/* ---- no answers ---- */

static void stream_half(struct exchange *e)
{
    send_events(e, 0.5);
}

/* Nothing comes until the client has had enough. */
static void stall(struct exchange *e)
{
    char byte;
    while (recv(e->fd, &byte, 1, 0) > 0)
        continue;
}

static void cut(struct exchange *e)
{
    const struct linger reset = {.l_onoff = 1};
    if (e->hash % 2) /* an end, or a reset */
        setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

static void half(struct exchange *e)
{
    struct strbuf body = {0};
    make_body(&body, e, NULL, NULL);
    if (send_head(e, 200, "", body.len))
        send_bytes(e, body.data, body.len / 2);
    strbuf_free(&body);
}

static void malformed(struct exchange *e)
{
    struct strbuf body = {0};
    make_body(&body, e, NULL, NULL);
    exchange_send(e, 200, "", body.data, body.len - 1 - (size_t)(e->hash % (body.len - 1)));
    strbuf_free(&body);
}

static void html(struct exchange *e)
{
    send_text(e, 200, "", "<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1></body></html>\n");
}

static void huge(struct exchange *e)
{
    enum { PIECE = 1 << 16, N = 18 << 20 };
    char *piece = mem_alloc(PIECE);
    memset(piece, 'x', PIECE);
    bool is_open = send_head(e, 200, "", N);
    for (size_t sent = 0; sent < N && is_open; sent += PIECE)
        is_open = send_bytes(e, piece, PIECE);
    free(piece);
}

static void deep(struct exchange *e)
{
    struct strbuf body = {0};
    strbuf_puts(&body, "{\"choices\":");
    for (size_t i = 0; i < 200000; i++)
        strbuf_putc(&body, '[');
    exchange_send(e, 200, "", body.data, body.len);
    strbuf_free(&body);
}

static void many(struct exchange *e)
{
    struct strbuf body = {0};
    strbuf_puts(&body, "{\"choices\":[0");
    for (size_t i = 0; i < 1000000; i++)
        strbuf_puts(&body, ",{}");
    strbuf_puts(&body, "]}");
    exchange_send(e, 200, "", body.data, body.len);
    strbuf_free(&body);
}

static void hostile(struct exchange *e)
{
    static const char *const bodies[] = {
        "",
        "null",
        "[]",
        "{}",
        "\"text\"",
        "{\"choices\":null}",
        "{\"choices\":[]}",
        "{\"choices\":[null]}",
        "{\"choices\":{\"0\":{\"message\":{\"content\":\"x\"}}}}",
        "{\"choices\":[{\"message\":{\"content\":17}}]}",
        "{\"choices\":[{\"message\":{\"content\":{\"text\":\"x\"}}}]}",
        "{\"choices\":[{\"message\":[\"content\"]}]}",
        "{\"choices\":[{\"message\":{\"content\":\"a\\u0000b\"}}]}",
        "{\"choices\":[{\"message\":{\"content\":\"\\ud800\"}}]}",
        "{\"choices\":[{\"message\":{\"content\":\"\xff\xfe\"}}]}",
        "{\"choices\":[{\"message\":{\"content\":\"a\",\"content\":\"b\"}}]}",
        "{\"choices\":[{\"message\":{\"content\":\"a\"}}]}{\"choices\":[]}",
        "{\"error\":{\"message\":\"\\u001b[2J\\u202e it \\n broke\",\"code\":\"server_error\"}}",
        "{\"error\":\"overloaded\"}",
        "{\"error\":{\"message\":\"slow down\",\"code\":429}}",
        "data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n",
        "data: \n\ndata: [DONE]\n\n",
    };
    const size_t kind = (size_t)(e->hash % (COUNT(bodies) + 2));
    if (kind < COUNT(bodies))
        send_text(e, 200, "", bodies[kind]);
    else
        (kind % 2 ? deep : many)(e);
}

/* ---- errors ---- */

static void too_many(struct exchange *e)
{
    exchange_refuse(e, 429, "", "rate_limit_exceeded", "too many requests");
}

static void too_many_seconds(struct exchange *e)
{
    exchange_refuse(e, 429, "Retry-After: 1\r\n", "rate_limit_exceeded", "too many requests");
}

static void too_many_date(struct exchange *e)
{
    char date[64], head[96];
    const time_t then = time(NULL) + 2;
    struct tm tm;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&then, &tm));
    snprintf(head, sizeof head, "Retry-After: %s\r\n", date);
    exchange_refuse(e, 429, head, "rate_limit_exceeded", "too many requests");
}

static void too_many_days(struct exchange *e)
{
    exchange_refuse(e, 429, "Retry-After: 864000\r\n", "rate_limit_exceeded", "come again next week");
}

static void broken_for_days(struct exchange *e)
{
    exchange_refuse(e, 500, "Retry-After: 864000\r\n", "server_error", "we are rebuilding");
}

static void no_credit(struct exchange *e)
{
    exchange_refuse(e, 429, "", "insufficient_quota", "You exceeded your current quota");
}

static void broken(struct exchange *e)
{
    exchange_refuse(e, 500, "", "server_error", "it broke");
}

static void overloaded(struct exchange *e)
{
    send_text(e, 503, "Retry-After: 0\r\n", "overloaded\n");
}

static void bad_request(struct exchange *e)
{
    exchange_refuse(e, 400, "", "context_length_exceeded", "the prompt is longer than 4 tokens");
}

static void wrong_key(struct exchange *e)
{
    exchange_refuse(e, 401, "", "invalid_api_key", "Incorrect API key provided");
}

static void no_model(struct exchange *e)
{
    exchange_refuse(e, 404, "", "model_not_found", "The model does not exist");
}

static void redirect(struct exchange *e)
{
    send_text(e, 307, "Location: /elsewhere/v1/chat/completions\r\n", "");
}

static void withheld(struct exchange *e)
{
    send_text(e, 200, "",
              "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":null},"
              "\"finish_reason\":\"content_filter\"}]}");
}

/* What was sent as Authorization, in an error and in an answer. */
static void echo_error(struct exchange *e)
{
    char *text = mem_printf("you sent '%s', %s", e->authorization, e->authorization);
    exchange_refuse(e, 500, "", "server_error", text);
    free(text);
}

/* The same in escapes, where a message of 300 bytes ends within it. */
static void echo_escaped(struct exchange *e)
{
    struct strbuf body = {0};
    strbuf_printf(&body, "{\"error\":{\"message\":\"%0276d", 0);
    for (const char *p = e->authorization; *p; p++)
        strbuf_printf(&body, "\\u%04x", (unsigned)(unsigned char)*p);
    strbuf_puts(&body, "\"}}");
    send_text(e, 500, "", body.data);
    strbuf_free(&body);
}

static void echo_answer(struct exchange *e)
{
    strbuf_printf(&e->answer.text, " %s.", e->authorization);
    ok(e);
}

static const struct fault faults[] = {
    {"ok", ok, false}, /* not counted among the faults */
    {"slow", slow, true},
    {"drip", drip, true},
    {"parts", parts, true},
    {"thoughts", thoughts, true},
    {"reasoning", reasoning, true},
    {"cut_off", cut_off, true},
    {"empty", empty, true},
    {"usage_missing", usage_missing, true},
    {"usage_lies", usage_lies, true},
    {"stream", stream, true},
    {"stream_half", stream_half, true},
    {"stall", stall, false}, /* as long as the client's time-out */
    {"cut", cut, true},
    {"half", half, true},
    {"malformed", malformed, true},
    {"html", html, true},
    {"huge", huge, true},
    {"hostile", hostile, true},
    {"429", too_many, true},
    {"429_seconds", too_many_seconds, false}, /* a whole second */
    {"429_date", too_many_date, false},
    {"429_days", too_many_days, false},
    {"quota", no_credit, false},
    {"500", broken, true},
    {"500_days", broken_for_days, false},
    {"503", overloaded, true},
    {"400", bad_request, false},
    {"401", wrong_key, false},
    {"404", no_model, false},
    {"redirect", redirect, false},
    {"withheld", withheld, false},
    {"echo_error", echo_error, true},
    {"echo_escaped", echo_escaped, false},
    {"echo_answer", echo_answer, true},
};

const struct fault *fault_find(const char *name, size_t len)
{
    for (size_t i = 0; i < COUNT(faults); i++)
        if (strlen(faults[i].name) == len && memcmp(faults[i].name, name, len) == 0)
            return &faults[i];
    return NULL;
}

const struct fault *fault_number(size_t i)
{
    return i < COUNT(faults) ? &faults[i] : NULL;
}
