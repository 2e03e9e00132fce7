/* Who sits before the page of `sft review`: presses its keys, waits for its rows; and the server, started and killed.
 */
#ifndef SFT_TESTS_REVIEWER_H
#define SFT_TESTS_REVIEWER_H

#include "checks.h"

struct site {
    pid_t pid;
    char *url; /* http://127.0.0.1:PORT/?token=... */
    int said;  /* its stderr */
};

/* argv, ending in NULL, and --port; until it says where it is. It does not outlive this program. */
void site_start(struct site *server, char *const *argv, const char *port);
void site_kill(struct site *server); /* -9 */
char *site_port(const struct site *server);

/* Expressions of what is to be seen, and of what the page is about. */
#define TEXT(id) "document.getElementById('" id "').textContent"
#define COUNTS                                                                                                         \
    "[page.state.counts.accept, page.state.counts.edit, page.state.counts.reject, page.state.counts.skip].join()"
#define PILL    "(document.querySelector('#about .pill')?.textContent ?? '')"
#define NOTICE  "(document.querySelector('#notices .notice')?.textContent ?? '')"
#define TURN    "[...document.querySelectorAll('#talk .text, #talk textarea')]"
#define EDITING "page.fields !== null && document.activeElement.tagName === 'TEXTAREA'"
#define PICKING "document.getElementById('picker').open"

void reviewer_window(struct browser *b, int width, int height, bool is_phone);

/* The page, until its first row or its end is to be seen. */
void reviewer_open(struct browser *b, const char *url);

/* Until the row of this number is to be seen, and nothing is on its way. */
void reviewer_at(struct browser *b, int row);

/* A key, and what it led to: the row of this number. */
void reviewer_press(struct browser *b, const char *key, int row);

/* What the line below says begins with the text. */
void reviewer_said(struct browser *b, const char *text);

/* So many rows that are undecided, as a person would: answers that are short or say a line twice are rejected with a
 * reason, of each tenth an unfinished end is cut off, all others are accepted. Prints what was done. */
void reviewer_review(struct browser *b, int n);

#endif
