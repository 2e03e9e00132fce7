/* What the tests of both pages look at: expressions, pictures, colours, policy, requests. Whatever is not as it should
 * be ends the program with a message. */
#ifndef SFT_TESTS_CHECKS_H
#define SFT_TESTS_CHECKS_H

#include "cdp.h"

/* The address, until it is there and `ready` is true; what the page's policy refuses is noted from its first script on.
 */
void browser_open(struct browser *b, const char *url, const char *ready);

void browser_expect(struct browser *b, const char *expression, const char *wanted);

/* A picture DIRECTORY/NAME.png; nothing without a directory. */
void browser_shoot(struct browser *b, const char *directory, const char *name);

void browser_scheme(struct browser *b, const char *scheme); /* "light", "dark" */

/* Every element that is to be seen among those of the selector has WCAG's contrast for text, 4.5. */
void browser_check_contrast(struct browser *b, const char *selector);

/* The policy that the server sends was not broken, and is in force: no other script, no style, no other address. */
void browser_check_policy(struct browser *b);

/* All that was asked for begins with one of the addresses, or is data. */
void browser_check_requests(const struct browser *b, const char *const *urls);

/* Whatever the browser complains of holds one of the texts. */
void browser_check_problems(const struct browser *b, const char *const *expected);

#endif
