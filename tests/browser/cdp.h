/* A headless Chromium that is told what to do over two pipes (--remote-debugging-pipe): the DevTools protocol, one JSON
 * object and a NUL each way. Whatever fails ends the program with a message: it is a test. */
#ifndef SFT_TESTS_CDP_H
#define SFT_TESTS_CDP_H

#include "base/json.h"

#include <sys/types.h>

struct browser {
    pid_t pid;
    int to, from;
    int last_id;
    bool is_waiting;        /* for another page, it may be, and then what is asked of the old one fails */
    char *session;          /* of the page that is spoken to */
    char *profile;          /* its directory, removed at the end */
    struct strbuf received; /* what is not a whole message yet */
    struct string_list requests, problems; /* addresses that the page asked for; what the browser complained of */
};

_Noreturn void die(const char *fmt, ...) SFT_PRINTF(1, 2);

void browser_start(struct browser *b, const char *program);
void browser_end(struct browser *b);

/* A tab more, which is spoken to from now on and stands in front; the session of the tab before, for browser_turn. */
char *browser_tab(struct browser *b);
/* Back to another tab; the session of the one that is left. */
char *browser_turn(struct browser *b, char *session);

/* One command to the page, its parameters as JSON (printf's); its result is the caller's. */
json *browser_call(struct browser *b, const char *method, const char *fmt, ...) SFT_PRINTF(3, 4);
void browser_do(struct browser *b, const char *method, const char *fmt, ...) SFT_PRINTF(3, 4);

/* What an expression of the page's script gives, as text: a string as it is, all else as JSON; the caller's.
 * Promises are waited for. */
char *browser_evaluate(struct browser *b, const char *expression);
void browser_run(struct browser *b, const char *expression);

/* Until the expression is true, for ten seconds at most. */
void browser_wait(struct browser *b, const char *expression);

void browser_type(struct browser *b, const char *text);
void browser_key(struct browser *b, const char *key, int code, bool shift); /* "Enter", 13 */
void browser_press(struct browser *b, const char *key);                     /* a letter, digit or sign, as typed */
void browser_save_key(struct browser *b);                                   /* Ctrl Enter */
void browser_shot(struct browser *b, const char *path);                     /* a PNG of what is to be seen */

#endif
