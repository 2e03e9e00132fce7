/* A base's chat template as a program that can be asked: rendered by text/jinja, with the tokenizer's special tokens as
 * transformers passes them. For template_recognise.c. */
#ifndef SFT_TEXT_TEMPLATE_PROBE_H
#define SFT_TEXT_TEMPLATE_PROBE_H

#include "text/conversation.h"
#include "text/jinja/jinja.h"
#include "text/tokenizer/tokenizer.h"

enum { PROBE_MAX_STEPS = 20000000 }; /* ten times what known templates need */

struct template_probe {
    struct jinja *jinja;
    struct jinja_value variables;
    struct jinja_date date;  /* what strftime_now says; year 0: there is no such function */
    struct jinja_output out; /* of the last rendering */
    struct arena arena, messages;
    size_t steps; /* of all renderings; beyond PROBE_MAX_STEPS there is no other */
    char why[JINJA_MESSAGE_MAX]; /* of a template that is not known: the first cause */
};

/* source is borrowed. False, with the reason in why, where it cannot be parsed. Free it in either case. */
bool template_probe_open(struct template_probe *p, const char *source, const struct tokenizer *tok);
void template_probe_free(struct template_probe *p);

/* Render; what it gave is in p->out. JINJA_UNKNOWN leaves its reason in why. */
enum jinja_result template_probe_render(struct template_probe *p, const struct conversation *conv, bool prompts);

/* A conversation of these roles ("sua": system, user, assistant; t: tool), contents[i] being the i-th's; in the
 * arena. */
struct conversation template_probe_conversation(struct arena *arena, const char *roles, const char *const *contents);

/* Whether `holds` for every conversation of a set that shows what templates do: roles in every order, contents with
 * white space at their ends, without anything, with marks that templates look for, and with each string that this
 * template names itself. It ends at the first for which it does not. */
bool template_probe_all(struct template_probe *p,
                        bool (*holds)(void *with, const struct conversation *conv, bool prompts), void *with);

/* Such a conversation in words, in the arena: "a conversation of user, assistant would come out otherwise (message 2 is
 * '<think>')", the message being the first that says what no other probe says. */
const char *template_probe_misfit(struct arena *arena, const struct conversation *conv, bool prompts);

#endif
