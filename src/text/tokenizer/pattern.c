#include "text/tokenizer/pattern.h"

#include "base/mem.h"
#include "base/strbuf.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* White_Space and what it is not, as members of a class: PCRE2's own \s has U+180E, which left it with
 * Unicode 6.3. Oniguruma's word characters, which below U+0100 are those of its older tables. */
#define SPACE                                                                                                \
    "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{" \
    "3000}"
#define NOT_SPACE                                                                                            \
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{84}\\x{86}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}"          \
    "\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{10ffff}"
#define WORD "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}"

/* ---- from Oniguruma's language to PCRE2's ---- */

struct translation {
    const char *p; /* what is left */
    struct strbuf out;
    bool in_class;
};

static void put_class(struct translation *t, const char *members)
{
    strbuf_printf(&t->out, t->in_class ? "%s" : "[%s]", members);
}

/* \p{NAME}, \p{^NAME}, \P{NAME}: general categories have one or two letters and one meaning; other names
 * are scripts, by which PCRE2 would understand their extensions. */
static enum sft_status translate_property(struct translation *t, struct sft_err *err)
{
    const char *open = t->p + 2;
    const char *close = *open == '{' ? strchr(open, '}') : NULL;
    if (!close)
        return sft_fail(err, SFT_EDATA, "\\%c without {name}", t->p[1]);
    const char *name = open + 1;
    bool negated = (t->p[1] == 'P') != (*name == '^');
    name += *name == '^';
    int len = (int)(close - name);
    strbuf_printf(&t->out, "\\%c{%s%.*s}", negated ? 'P' : 'p', len > 2 ? "sc:" : "", len, name);
    t->p = close + 1;
    return SFT_OK;
}

static enum sft_status translate_escape(struct translation *t, struct sft_err *err)
{
    char c = t->p[1];
    if (c == 'p' || c == 'P')
        return translate_property(t, err);
    if (c == 's')
        put_class(t, SPACE);
    else if (c == 'S')
        put_class(t, NOT_SPACE);
    else if (c == 'w')
        put_class(t, WORD);
    else if (c == 'W' && !t->in_class)
        strbuf_puts(&t->out, "[^" WORD "]");
    else if (c == '\0')
        return sft_fail(err, SFT_EDATA, "ends in a backslash");
    else if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z' && c != 'D') ||
             (c >= 'a' && c <= 'z' && !strchr("adefnrtx", c)))
        return sft_fail(err, SFT_EDATA, "\\%c%s is not supported", c, t->in_class ? " in a class" : "");
    else
        strbuf_add(&t->out, t->p, 2);
    t->p += 2;
    return SFT_OK;
}

/* Groups whose meaning is the same in both languages; an option that is set for the rest of its group is
 * not, unless that is the whole pattern. */
static enum sft_status translate_group(struct translation *t, struct sft_err *err)
{
    static const char *const known[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?-i:"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strncmp(t->p, known[i], strlen(known[i])) == 0) {
            strbuf_puts(&t->out, known[i]);
            t->p += strlen(known[i]);
            return SFT_OK;
        }
    if (strncmp(t->p, "(?i)", 4) == 0 && t->out.len == 0) {
        strbuf_puts(&t->out, "(?i)");
        t->p += 4;
        return SFT_OK;
    }
    if (t->p[1] == '?' || t->p[1] == '*')
        return sft_fail(err, SFT_EDATA, "the group %.4s is not supported", t->p);
    strbuf_putc(&t->out, *t->p++);
    return SFT_OK;
}

/* {n,m}: Oniguruma reads a + behind it as one more repetition, and {n}? as an option; PCRE2 does not. */
static enum sft_status translate_interval(struct translation *t, struct sft_err *err)
{
    size_t digits = strspn(t->p + 1, "0123456789,");
    const char *close = t->p + 1 + digits;
    if (digits == 0 || *close != '}' || t->p[1] == ',')
        return sft_fail(err, SFT_EDATA, "a { that is neither escaped nor {n}, {n,} or {n,m}");
    bool is_exact = !memchr(t->p, ',', digits + 1);
    if (close[1] == '+' || (close[1] == '?' && is_exact))
        return sft_fail(err, SFT_EDATA, "}%c is not supported", close[1]);
    strbuf_add(&t->out, t->p, digits + 2);
    t->p = close + 1;
    return SFT_OK;
}

static enum sft_status translate_in_class(struct translation *t, struct sft_err *err)
{
    if (*t->p == '[' || strncmp(t->p, "&&", 2) == 0)
        return sft_fail(err, SFT_EDATA, "a class within a class is not supported");
    if (*t->p == ']')
        t->in_class = false;
    strbuf_putc(&t->out, *t->p++);
    return SFT_OK;
}

static enum sft_status translate_next(struct translation *t, struct sft_err *err)
{
    if (*t->p == '\\')
        return translate_escape(t, err);
    if (t->in_class)
        return translate_in_class(t, err);
    if (*t->p == '(')
        return translate_group(t, err);
    if (*t->p == '{')
        return translate_interval(t, err);
    if (*t->p == '[') {
        t->in_class = true;
        size_t opening = t->p[1] == '^' ? 2 : 1;
        if (t->p[opening] == ']')
            return sft_fail(err, SFT_EDATA, "an empty class");
        strbuf_add(&t->out, t->p, opening);
        t->p += opening;
        return SFT_OK;
    }
    strbuf_putc(&t->out, *t->p++);
    return SFT_OK;
}

static enum sft_status translate(const char *regex, struct strbuf *out, struct sft_err *err)
{
    struct translation t = {.p = regex};
    enum sft_status status = SFT_OK;
    while (*t.p && !status)
        status = translate_next(&t, err);
    *out = t.out;
    return status;
}

/* ---- compiling and matching ---- */

struct pattern {
    pcre2_code *code;
    bool has_jit;
    char *source;
    bool is_regex;
};

struct matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    bool gave_up;
};

enum { JIT_STACK_MIN = 32 << 10, JIT_STACK_MAX = 64 << 20, HEAP_MAX_KIB = 1 << 20 };

static enum sft_status compile(struct pattern **out, const char *text, size_t len, uint32_t options,
                               struct sft_err *err)
{
    int code;
    PCRE2_SIZE at;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pcre2_code *compiled = NULL;
    if (context) {
        pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        compiled = pcre2_compile((PCRE2_SPTR)text, len, options | PCRE2_UTF, &code, &at, context);
        pcre2_compile_context_free(context);
    }
    if (!compiled) {
        unsigned char why[128] = "out of memory";
        if (context)
            pcre2_get_error_message(code, why, sizeof why);
        return sft_fail(err, SFT_EDATA, "%s", (const char *)why);
    }
    struct pattern *pattern = mem_alloc(sizeof *pattern);
    pattern->code = compiled;
    pattern->has_jit = pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE) == 0;
    *out = pattern;
    return SFT_OK;
}

enum sft_status pattern_compile(struct pattern **out, const char *text, bool is_regex, struct sft_err *err)
{
    *out = NULL;
    struct strbuf translated = {0};
    enum sft_status status = is_regex ? translate(text, &translated, err) : SFT_OK;
    if (!is_regex)
        status = compile(out, text, strlen(text), PCRE2_LITERAL, err);
    else if (!status) /* in Ruby's syntax ^ and $ are those of lines */
        status = compile(out, translated.len ? translated.data : "", translated.len,
                         PCRE2_UCP | PCRE2_MULTILINE, err);
    strbuf_free(&translated);
    if (*out) {
        (*out)->source = mem_strdup(text);
        (*out)->is_regex = is_regex;
    }
    return status;
}

void pattern_free(struct pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_code_free(pattern->code);
    free(pattern->source);
    free(pattern);
}

const char *pattern_source(const struct pattern *pattern)
{
    return pattern->source;
}

bool pattern_is_regex(const struct pattern *pattern)
{
    return pattern->is_regex;
}

struct matcher *matcher_new(void)
{
    struct matcher *m = mem_calloc(1, sizeof *m);
    m->data = pcre2_match_data_create(1, NULL);
    m->context = pcre2_match_context_create(NULL);
    m->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    if (!m->data || !m->context)
        SFT_BUG("out of memory");
    pcre2_jit_stack_assign(m->context, NULL, m->stack);
    pcre2_set_match_limit(m->context, PATTERN_MAX_STEPS);
    pcre2_set_depth_limit(m->context, PATTERN_MAX_STEPS);
    pcre2_set_heap_limit(m->context, HEAP_MAX_KIB);
    return m;
}

void matcher_free(struct matcher *matcher)
{
    if (!matcher)
        return;
    pcre2_match_data_free(matcher->data);
    pcre2_match_context_free(matcher->context);
    pcre2_jit_stack_free(matcher->stack);
    free(matcher);
}

bool matcher_gave_up(struct matcher *matcher)
{
    const bool gave_up = matcher->gave_up;
    matcher->gave_up = false;
    return gave_up;
}

bool pattern_find(const struct pattern *pattern, struct matcher *matcher, const char *text, size_t len,
                  size_t from, size_t *start, size_t *end)
{
    PCRE2_SPTR subject = (PCRE2_SPTR)text;
    int rc = PCRE2_ERROR_JIT_STACKLIMIT;
    if (pattern->has_jit)
        rc = pcre2_jit_match(pattern->code, subject, len, from, 0, matcher->data, matcher->context);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT ||
        rc == PCRE2_ERROR_JIT_BADOPTION) /* the interpreter's stack is the heap */
        rc = pcre2_match(pattern->code, subject, len, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, matcher->data,
                         matcher->context);
    if (rc == PCRE2_ERROR_NOMATCH)
        return false;
    if (rc < 0) {
        matcher->gave_up = true;
        return false;
    }
    const PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(matcher->data);
    *start = ovector[0];
    *end = ovector[1];
    return true;
}
