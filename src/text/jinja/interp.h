/* A rendering under way: its bounds, its variables, and what it failed of. Within the room.
 *
 * After a failure every function returns at once, with an undefined value: who loops asks jinja_ok. */
#ifndef SFT_TEXT_JINJA_INTERP_H
#define SFT_TEXT_JINJA_INTERP_H

#include "text/jinja/ast.h"
#include "text/jinja/result.h"

enum { JINJA_MAX_STEPS = 2000000, JINJA_MAX_BYTES = 64 << 20, JINJA_MAX_CALLS = 150, JINJA_MAX_NESTING = 50 };

struct jinja_scope {
    struct jinja_dict *variables;
    struct jinja_scope *outer;
};
struct jinja_macro {
    const struct jinja_node *node;
    struct jinja_scope *scope; /* where it was defined */
};

struct jinja_interp {
    struct arena arena;
    enum jinja_result result;
    char *message; /* of JINJA_MESSAGE_MAX bytes */
    size_t steps, bytes;
    int depth;
    struct jinja_scope *scope;
    struct jinja_date date;
    struct strbuf *out;         /* what is printed goes here: the text, or what a macro or a set block gathers */
    struct jinja_output *whole; /* whose text it is in the end */
    /* What a macro of these arguments (values in order, keywords by name) prints. */
    struct jinja_value (*call_macro)(struct jinja_interp *in, const struct jinja_macro *macro,
                                     const struct jinja_list *args, const struct jinja_dict *keywords);
};

static inline bool jinja_ok(const struct jinja_interp *in)
{
    return in->result == JINJA_DONE;
}

/* Fail; the first failure counts. Return undefined, to stand in a return statement. */
struct jinja_value jinja_raise(struct jinja_interp *in, const char *fmt, ...) SFT_PRINTF(2, 3);
struct jinja_value jinja_unknown(struct jinja_interp *in, const char *fmt, ...) SFT_PRINTF(2, 3);

/* Count work that is no allocation; false, and a failure, beyond the bounds. */
bool jinja_work(struct jinja_interp *in, size_t amount);

/* Whether two values are equal, which is work, and fails where they are nested deeply. */
bool jinja_same(struct jinja_interp *in, const struct jinja_value *a, const struct jinja_value *b);

/* The work of looking through a string. */
bool jinja_look(struct jinja_interp *in, const struct jinja_value *v);

/* Count a step of work, and bytes that are about to be allocated; false, and a failure, beyond the bounds. */
bool jinja_step(struct jinja_interp *in, size_t bytes);

struct jinja_value jinja_copy_text(struct jinja_interp *in, const char *data, size_t len);
struct jinja_value jinja_new_list(struct jinja_interp *in, size_t count); /* of undefined values; empty on failure */

/* Append Python's str() of a value: "" of an undefined one. Of lists and mappings it is not known. */
void jinja_put_text(struct jinja_interp *in, const struct jinja_value *v, struct strbuf *out);
struct jinja_value jinja_to_text(struct jinja_interp *in, const struct jinja_value *v);

/* What a loop runs over, as a list: a sequence, a mapping's keys, a string's characters; nothing of an undefined
 * value. Anything else raises. */
struct jinja_value jinja_iterate(struct jinja_interp *in, const struct jinja_value *v);

/* The arguments of a filter, a test, a function or a method. */
struct jinja_args {
    const struct jinja_list *list;
    const struct jinja_dict *keywords;
};
/* The one at `index`, or of this name (NULL: it has none); NULL where it is not given. */
const struct jinja_value *jinja_arg(const struct jinja_args *args, size_t index, const char *name);

/* Whether there are at most so many arguments, and no keyword but these words; else what it is that is called is not
 * known in this form. */
bool jinja_takes(struct jinja_interp *in, const struct jinja_args *args, size_t most, const char *keywords,
                 struct jinja_string name);

#endif
