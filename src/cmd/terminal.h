/* The terminal of a chat: its modes, which are those that were found again whenever we are not there, and the signals
 * that matter to who talks. */
#ifndef SFT_CMD_TERMINAL_H
#define SFT_CMD_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- signals ---- */

/* From here on SIGINT, SIGTERM and SIGHUP (unless nohup had it ignored) are news. */
void terminal_catch_signals(void);

enum terminal_news {
    TERMINAL_INTERRUPTED = 1, /* SIGINT */
    TERMINAL_OVER = 2,        /* SIGTERM or SIGHUP: we are to end */
    TERMINAL_CHANGED = 4      /* the window's size; or we were suspended: what was drawn is not there */
};

/* Becomes readable with news, so that a wait for input ends. (A signal may come to any thread: the one that waits need
 * not see it otherwise.) */
int terminal_wake_fd(void);

/* What has come since this was asked last. An end is news for ever. */
unsigned terminal_news(void);

/* Set by SIGINT, SIGTERM and SIGHUP, cleared by terminal_begin_line unless we are to end. */
const volatile sig_atomic_t *terminal_stop(void);
void terminal_begin_line(void);
bool terminal_is_over(void);

/* ---- modes ---- */

/* Take the terminal on standard input: from here on what is pasted comes between marks (ESC[200~, ESC[201~), and a
 * window's new size is news. False where it cannot be had. */
bool terminal_take(void);

/* Until the next line is read: what is typed is not shown, nor cut into lines, but kept; Ctrl-C is a signal. */
void terminal_be_quiet(void);

/* All as it was found. Happens by itself at exit, and while we are suspended. */
void terminal_give_back(void);

/* The keys that interrupt and suspend, whatever the user's are (stty intr ^X): those become these. */
enum { TERMINAL_INTERRUPT_KEY = 3, TERMINAL_SUSPEND_KEY = 26 };
uint32_t terminal_key(uint32_t character);

#endif
