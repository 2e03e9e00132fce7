#include "cdp.h"

#include "base/io.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS = 60000, POLLS = 1000, POLL_MS = 10 };

void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    exit(1);
}

static void add_word(struct string_list *list, const char *word)
{
    list->items = mem_realloc(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = mem_strdup(word);
}

/* ---- the process ---- */

/* In the child: the pipes are descriptors 3 and 4, as the browser expects them. */
_Noreturn static void become(const char *program, const char *profile, int in, int out)
{
    char *user_data = mem_printf("--user-data-dir=%s", profile);
    const int quiet = open("/dev/null", O_RDWR);
    const int in_high = fcntl(in, F_DUPFD, 10), out_high = fcntl(out, F_DUPFD, 10); /* 3 may be one of them */
    dup2(in_high, 3);
    dup2(out_high, 4);
    dup2(quiet, STDIN_FILENO);
    dup2(quiet, STDOUT_FILENO);
    dup2(quiet, STDERR_FILENO);
    execlp(program, program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
           "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update",
           "--disable-sync", "--hide-scrollbars", "--force-color-profile=srgb", user_data, "about:blank", (char *)NULL);
    _exit(127);
}

/* A new tab; what it says is listened to. */
static void open_tab(struct browser *b)
{
    json *target = browser_call(b, "Target.createTarget", "{\"url\":\"about:blank\"}");
    json *attached = browser_call(b, "Target.attachToTarget", "{\"targetId\":\"%s\",\"flatten\":true}",
                                  json_string(json_get(target, "targetId")));
    b->session = mem_strdup(json_string(json_get(attached, "sessionId")));
    json_free(target);
    json_free(attached);
    static const char *const domains[] = {"Page.enable", "Network.enable", "Runtime.enable", "Log.enable"};
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        browser_do(b, domains[i], "{}");
}

char *browser_tab(struct browser *b)
{
    char *before = b->session;
    b->session = NULL; /* the browser itself is asked */
    open_tab(b);
    browser_do(b, "Page.bringToFront", "{}");
    return before;
}

char *browser_turn(struct browser *b, char *session)
{
    char *before = b->session;
    b->session = session;
    browser_do(b, "Page.bringToFront", "{}");
    return before;
}

void browser_start(struct browser *b, const char *program)
{
    char directory[] = "/tmp/sft-browser-XXXXXX";
    int there[2], back[2];
    *b = (struct browser){0};
    if (!mkdtemp(directory) || pipe2(there, O_CLOEXEC) || pipe2(back, O_CLOEXEC))
        die("no pipes or no directory for the browser");
    b->profile = mem_strdup(directory);
    b->pid = fork();
    if (b->pid == 0)
        become(program, b->profile, there[0], back[1]);
    close(there[0]);
    close(back[1]);
    b->to = there[1];
    b->from = back[0];
    open_tab(b);
}

void browser_end(struct browser *b)
{
    int status;
    close(b->to);
    close(b->from);
    kill(b->pid, SIGKILL);
    waitpid(b->pid, &status, 0);
    for (int i = 0; i < POLLS && io_remove_tree(b->profile, NULL); i++) /* its other processes end by themselves */
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    strbuf_free(&b->received);
    free(b->session);
    free(b->profile);
}

/* ---- messages ---- */

static void write_message(struct browser *b, const char *text)
{
    for (size_t n = strlen(text) + 1; n > 0;) {
        const ssize_t written = write(b->to, text, n);
        if (written <= 0)
            die("the browser has ended");
        text += written;
        n -= (size_t)written;
    }
}

static json *read_message(struct browser *b)
{
    char bytes[65536], *end;
    while (!(end = b->received.len ? memchr(b->received.data, '\0', b->received.len) : NULL)) {
        struct pollfd fd = {.fd = b->from, .events = POLLIN};
        if (poll(&fd, 1, WAIT_MS) <= 0)
            die("the browser says nothing");
        const ssize_t n = read(b->from, bytes, sizeof bytes);
        if (n <= 0)
            die("the browser has ended");
        strbuf_add(&b->received, bytes, (size_t)n);
    }
    struct sft_err err;
    json *message;
    const size_t len = (size_t)(end - b->received.data);
    if (json_parse(b->received.data, len, &message, &err))
        die("the browser's message: %s", SFT_ERR_TEXT(&err));
    memmove(b->received.data, end + 1, b->received.len - len - 1);
    b->received.len -= len + 1;
    return message;
}

/* What the page asks for, and what there is to complain of. */
static void note_event(struct browser *b, const json *event)
{
    const char *method = json_string(json_get(event, "method"));
    const json *params = json_get(event, "params");
    if (!method)
        return;
    if (strcmp(method, "Network.requestWillBeSent") == 0)
        add_word(&b->requests, json_string(json_get(json_get(params, "request"), "url")));
    const json *entry = json_get(params, "entry");
    const char *level = json_string(json_get(entry, "level"));
    if (level && (strcmp(level, "error") == 0 || strcmp(level, "warning") == 0))
        add_word(&b->problems, json_string(json_get(entry, "text")));
    if (strcmp(method, "Runtime.exceptionThrown") == 0)
        add_word(&b->problems, json_string(json_get(json_get(params, "exceptionDetails"), "text")));
}

static json *call(struct browser *b, const char *method, const char *params)
{
    const int id = ++b->last_id;
    char *session = b->session ? mem_printf(",\"sessionId\":\"%s\"", b->session) : mem_strdup("");
    char *message = mem_printf("{\"id\":%d,\"method\":\"%s\",\"params\":%s%s}", id, method, params, session);
    write_message(b, message);
    free(message);
    free(session);
    for (;;) {
        json *answer = read_message(b);
        const json *answered = json_get(answer, "id"), *error = json_get(answer, "error");
        if (answered && (int)json_number(answered) == id) {
            if (error && !b->is_waiting)
                die("%s: %s", method, json_string(json_get(error, "message")));
            json *result = json_copy(json_get(answer, "result")); /* NULL where the page went away meanwhile */
            json_free(answer);
            return result;
        }
        note_event(b, answer);
        json_free(answer);
    }
}

json *browser_call(struct browser *b, const char *method, const char *fmt, ...)
{
    char *params;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&params, fmt, ap) < 0)
        die("no memory");
    va_end(ap);
    json *result = call(b, method, params);
    free(params);
    return result;
}

void browser_do(struct browser *b, const char *method, const char *fmt, ...)
{
    char *params;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&params, fmt, ap) < 0)
        die("no memory");
    va_end(ap);
    json_free(call(b, method, params));
    free(params);
}

/* ---- the page ---- */

char *browser_evaluate(struct browser *b, const char *expression)
{
    struct strbuf params = {0}, text = {0};
    strbuf_puts(&params, "{\"awaitPromise\":true,\"returnByValue\":true,\"userGesture\":true,\"expression\":");
    strbuf_json_string(&params, expression, strlen(expression));
    strbuf_puts(&params, "}");
    json *answer = call(b, "Runtime.evaluate", params.data);
    const json *thrown = json_get(answer, "exceptionDetails");
    if (thrown) {
        json_print_line(thrown, &text);
        die("%s: %s", expression, text.data);
    }
    const json *value = json_get(json_get(answer, "result"), "value");
    if (json_is_string(value))
        strbuf_puts(&text, json_string(value));
    else if (value)
        json_print_line(value, &text);
    else
        strbuf_puts(&text, "undefined");
    json_free(answer);
    strbuf_free(&params);
    return text.data;
}

void browser_run(struct browser *b, const char *expression)
{
    free(browser_evaluate(b, expression));
}

void browser_wait(struct browser *b, const char *expression)
{
    for (int i = 0; i < POLLS; i++) {
        b->is_waiting = true;
        char *value = browser_evaluate(b, expression);
        b->is_waiting = false;
        const bool is_true = strcmp(value, "true") == 0;
        free(value);
        if (is_true)
            return;
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    char *page = browser_evaluate(b, "document.body.innerText");
    die("it never became true: %s\nthe page:\n%s", expression, page);
}

void browser_type(struct browser *b, const char *text)
{
    struct strbuf params = {0};
    strbuf_puts(&params, "{\"text\":");
    strbuf_json_string(&params, text, strlen(text));
    strbuf_puts(&params, "}");
    browser_do(b, "Input.insertText", "%s", params.data);
    strbuf_free(&params);
}

void browser_key(struct browser *b, const char *key, int code, bool shift)
{
    const char *text = code == 13 ? ",\"text\":\"\\r\"" : "";
    static const char *const types[] = {"keyDown", "keyUp"};
    for (int i = 0; i < 2; i++)
        browser_do(b, "Input.dispatchKeyEvent",
                   "{\"type\":\"%s\",\"key\":\"%s\",\"code\":\"%s\",\"windowsVirtualKeyCode\":%d,\"modifiers\":%d%s}",
                   types[i], key, key, code, shift ? 8 : 0, i == 0 ? text : "");
}

void browser_press(struct browser *b, const char *key)
{
    struct strbuf quoted = {0};
    strbuf_json_string(&quoted, key, strlen(key));
    browser_do(b, "Input.dispatchKeyEvent", "{\"type\":\"keyDown\",\"key\":%s,\"text\":%s}", quoted.data, quoted.data);
    browser_do(b, "Input.dispatchKeyEvent", "{\"type\":\"keyUp\",\"key\":%s}", quoted.data);
    strbuf_free(&quoted);
}

void browser_save_key(struct browser *b)
{
    static const char *const types[] = {"keyDown", "keyUp"};
    for (int i = 0; i < 2; i++)
        browser_do(
            b, "Input.dispatchKeyEvent",
            "{\"type\":\"%s\",\"key\":\"Enter\",\"code\":\"Enter\",\"windowsVirtualKeyCode\":13,\"modifiers\":2}",
            types[i]);
}

static void decode_base64(const char *s, struct strbuf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    int n = 0;
    for (const char *d; *s && (d = strchr(digits, *s)); s++) {
        bits = bits << 6 | (uint32_t)(d - digits);
        n += 6;
        if (n >= 8)
            strbuf_putc(out, (char)(bits >> (n -= 8)));
    }
}

void browser_shot(struct browser *b, const char *path)
{
    struct strbuf png = {0};
    json *answer = browser_call(b, "Page.captureScreenshot", "{}");
    decode_base64(json_string(json_get(answer, "data")), &png);
    if (io_write_file(path, png.data, png.len, NULL))
        die("%s cannot be written", path);
    json_free(answer);
    strbuf_free(&png);
}
