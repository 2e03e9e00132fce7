#include "reviewer.h"

#include "base/mem.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the server ---- */

_Noreturn static void become(char *const *argv, const char *port, int said)
{
    size_t n = 0;
    while (argv[n])
        n++;
    char **words = mem_calloc(n + 3, sizeof *words);
    memcpy(words, argv, n * sizeof *words);
    words[n] = mem_strdup("--port");
    words[n + 1] = mem_strdup(port);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(said, STDERR_FILENO);
    execvp(words[0], words);
    _exit(127);
}

void site_start(struct site *server, char *const *argv, const char *port)
{
    static const char mark[] = " at http://";
    struct strbuf said = {0};
    int ends[2];
    char byte, *address = NULL;
    if (pipe2(ends, O_CLOEXEC))
        die("no pipe for the server");
    server->pid = fork();
    if (server->pid == 0)
        become(argv, port, ends[1]);
    close(ends[1]);
    while (!address || byte != '\n') {
        if (read(ends[0], &byte, 1) != 1)
            die("the server has ended: %s", said.data ? said.data : "");
        strbuf_putc(&said, byte);
        address = strstr(said.data, mark);
    }
    said.data[said.len - 1] = '\0';
    server->url = mem_strdup(address + strlen(" at "));
    server->said = ends[0];
    strbuf_free(&said);
}

void site_kill(struct site *server)
{
    int status;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, &status, 0);
    close(server->said);
    free(server->url);
}

char *site_port(const struct site *server)
{
    char *port = mem_strdup(strrchr(server->url, ':') + 1);
    port[strspn(port, "0123456789")] = '\0';
    return port;
}

/* ---- the page ---- */

#define THERE "typeof page === 'object' && (page.row !== null || !document.getElementById('empty').hidden)"

void reviewer_window(struct browser *b, int width, int height, bool is_phone)
{
    browser_do(b, "Emulation.setDeviceMetricsOverride",
               "{\"width\":%d,\"height\":%d,\"deviceScaleFactor\":%d,\"mobile\":%s}", width, height, is_phone ? 2 : 1,
               is_phone ? "true" : "false");
}

void reviewer_open(struct browser *b, const char *url)
{
    browser_open(b, "about:blank", "true"); /* where only what is behind the # differs nothing would be loaded */
    browser_open(b, url, THERE);
}

void reviewer_at(struct browser *b, int row)
{
    char *there = mem_printf("page.row?.row === %d && !page.isBusy && page.fields === null", row);
    browser_wait(b, there);
    free(there);
}

void reviewer_press(struct browser *b, const char *key, int row)
{
    browser_press(b, key);
    reviewer_at(b, row);
}

void reviewer_said(struct browser *b, const char *text)
{
    char *says = mem_printf("document.getElementById('said').textContent.startsWith('%s')", text);
    browser_wait(b, says);
    free(says);
}

/* ---- many rows ---- */

/* The answer that is trained on; where its last sentence ends; whether a line comes twice. */
static const char judge[] =
    "(() => { if (page.row.error) return 'skip';"
    "const text = (page.text.chosen ?? page.text.messages).at(-1).content;"
    "const lines = text.split('\\n').map(line => line.trim()).filter(line => line);"
    "if (text.trim().length < 20) return 'short';"
    "if (new Set(lines).size < lines.length) return 'twice';"
    "const whole = /^[^]*[.!?:)\"`*]/.exec(text)?.[0] ?? '';"
    "return whole.length >= 20 && whole.length < text.length ? String(whole.length) : 'good'; })()";

/* The end of the answer, from its last whole sentence on, is cut off. */
static void cut_end(struct browser *b, const char *end)
{
    char *select = mem_printf("document.activeElement.setSelectionRange(%s, document.activeElement.value.length)", end);
    browser_press(b, "e");
    browser_wait(b, "page.fields !== null && document.activeElement.tagName === 'TEXTAREA'");
    browser_run(b, select);
    browser_key(b, "Delete", 46, false);
    browser_save_key(b);
    free(select);
}

static void reject(struct browser *b, const char *reason)
{
    browser_press(b, "r");
    browser_wait(b, "document.getElementById('picker').open");
    browser_run(b, "document.getElementById('picked').focus()");
    browser_type(b, reason);
    browser_key(b, "Enter", 13, false);
}

void reviewer_review(struct browser *b, int n)
{
    int accepted = 0, edited = 0, rejected = 0, skipped = 0;
    bool is_edit_due = false;
    for (int i = 1; i <= n; i++) {
        browser_wait(b, THERE " && !page.isBusy && page.fields === null");
        char *row = browser_evaluate(b, "page.row?.row ?? 0");
        if (atoi(row) == 0) {
            printf("no row is undecided any more after %d\n", i - 1);
            free(row);
            break;
        }
        char *verdict = browser_evaluate(b, judge);
        is_edit_due = is_edit_due || i % 10 == 0;
        if (strcmp(verdict, "skip") == 0) {
            browser_press(b, "s");
            skipped++;
        } else if (strcmp(verdict, "short") == 0 || strcmp(verdict, "twice") == 0) {
            reject(b, verdict[0] == 's' ? "too short" : "says a line twice");
            rejected++;
        } else if (is_edit_due && strcmp(verdict, "good") != 0) {
            cut_end(b, verdict);
            edited++;
            is_edit_due = false;
        } else {
            browser_press(b, "a");
            accepted++;
        }
        char *gone = mem_printf("!page.isBusy && (page.row !== null && page.row.row !== %s || "
                                "page.row === null && !document.getElementById('empty').hidden)",
                                row);
        browser_wait(b, gone);
        free(gone);
        free(row);
        free(verdict);
    }
    printf("%d accepted, %d edited, %d rejected, %d skipped\n", accepted, edited, rejected, skipped);
}
