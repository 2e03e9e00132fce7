/* The Jinja interpreter, held to what Jinja2 makes of the same templates: golden values of scripts/golden_jinja.py, and
 * with SFT_JINJA_CASES=FILE those of that file too (tests/peers). Then what Python cannot say: the bounds. */
#include "text/jinja/jinja.h"

#include "base/io.h"
#include "base/json.h"
#include "support/err_text.h"
#include "support/run_suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct jinja_date july = {2024, 7, 26};
static struct arena arena;
static struct jinja_output out;

/* ---- JSON as values ---- */

static struct jinja_value value_of(const json *node);

static struct jinja_value list_of(const json *node)
{
    struct jinja_value list = jinja_list_new(&arena, json_size(node));
    size_t i = 0;
    for (const json *item = json_first(node); item; item = json_next(item))
        list.list->items[i++] = value_of(item);
    return list;
}

static struct jinja_value dict_of(const json *node)
{
    struct jinja_value dict = jinja_dict_new(&arena, json_size(node));
    for (const json *item = json_first(node); item; item = json_next(item))
        jinja_dict_set(&arena, dict.dict, jinja_text(json_key(item)), value_of(item));
    return dict;
}

static struct jinja_value value_of(const json *node)
{
    if (json_is_array(node))
        return list_of(node);
    if (json_is_object(node))
        return dict_of(node);
    if (json_is_string(node))
        return jinja_text(json_string(node));
    if (json_is_number(node))
        return jinja_int((int64_t)json_number(node));
    return json_is_bool(node) ? jinja_bool(json_is_true(node)) : jinja_none();
}

/* ---- golden values ---- */

static enum jinja_result render(const char *template, const struct jinja_value *variables)
{
    struct jinja *jinja;
    const enum jinja_result parsed = jinja_parse(&jinja, template, strlen(template), out.message);
    if (parsed)
        return parsed;
    const enum jinja_result result = jinja_render(jinja, variables, july, &out);
    jinja_free(jinja);
    return result;
}

static bool same_spans(const json *spans)
{
    size_t i = 0;
    if (json_size(spans) != out.n_spans)
        return false;
    for (const json *span = json_first(spans); span; span = json_next(span), i++)
        if ((size_t)json_number(json_first(span)) != out.spans[i].begin ||
            (size_t)json_number(json_next(json_first(span))) != out.spans[i].end)
            return false;
    return true;
}

/* What is wrong with this case; NULL: nothing. What Jinja2 raises may be unknown here, but never rendered. */
static const char *mistake(const json *row, enum jinja_result result)
{
    const char *text = json_string(json_get(row, "text"));
    if (result == JINJA_UNKNOWN && (!text || json_is_true(json_get(row, "may_be_unknown"))))
        return NULL;
    if (result != (text ? JINJA_DONE : JINJA_RAISED))
        return text ? out.message : "it should have raised";
    if (text && strcmp(out.text.data, text) != 0)
        return "another text";
    return !text || same_spans(json_get(row, "spans")) ? NULL : "other spans of generation";
}

/* Whether it was known. */
static bool check_case(const json *row, const json *common, size_t *n_wrong)
{
    const char *template = json_string(json_get(row, "template"));
    const json *own = json_get(row, "variables");
    const struct jinja_value variables = value_of(own ? own : common);
    const enum jinja_result result = render(template, &variables);
    const char *wrong = mistake(row, result);
    if (wrong && ++*n_wrong <= 10) {
        struct strbuf line = {0};
        json_print_line(row, &line);
        printf("%s: %.3000s\n  gave: %s\n", wrong, line.data, result ? "" : out.text.data);
        strbuf_free(&line);
    }
    return result != JINJA_UNKNOWN;
}

static void check_file(const char *path)
{
    struct sft_err err;
    json *root;
    size_t n = 0, known = 0, n_wrong = 0;
    ck_assert_msg(json_parse_file(path, &root, &err) == SFT_OK, "%s", err_text(&err));
    for (const json *row = json_first(json_get(root, "cases")); row; row = json_next(row), n++) {
        known += check_case(row, json_get(root, "variables"), &n_wrong);
        arena_reset(&arena);
    }
    json_free(root);
    printf("%s: %zu cases, %zu of them known\n", path, n, known);
    ck_assert_uint_gt(known, 0);
    ck_assert_uint_eq(n_wrong, 0);
}

START_TEST(as_jinja2_has_it)
{
    check_file("tests/golden/jinja.json");
    if (getenv("SFT_JINJA_CASES"))
        check_file(getenv("SFT_JINJA_CASES"));
}
END_TEST

/* ---- what is not known, and the bounds ---- */

static void expect_unknown(const char *template, const char *message)
{
    const struct jinja_value none = jinja_dict_new(&arena, 0);
    ck_assert_int_eq(render(template, &none), JINJA_UNKNOWN);
    ck_assert_msg(strcmp(out.message, message) == 0, "%.200s: %s", template, out.message);
}

START_TEST(what_is_not_known_is_said)
{
    expect_unknown("{% include 'x' %}", "a statement other than if, for, set, macro, generation, break and continue");
    expect_unknown("{{ 'x' | urlize }}", "the filter 'urlize'");
    expect_unknown("{{ 'x'.zfill(3) }}", "a string's method 'zfill'");
    expect_unknown("{{ lipsum() }}", "the function 'lipsum'");
    expect_unknown("{{ 1.5 }}", "a number that is no plain integer");
    expect_unknown("{{ [1] }}", "a list, a mapping or a function as text");
    expect_unknown("{{ '\xC3\xA9' | upper }}", "the case of letters beyond ASCII");
    expect_unknown("{{ x", "a tag that is not closed");
    expect_unknown("{% if x %}", "a block that is not closed");
    expect_unknown("{# x", "a comment that is not closed");
}
END_TEST

START_TEST(steps_memory_and_depth_are_bounded)
{
    struct strbuf deep = {0};
    strbuf_puts(&deep, "{{ ");
    for (int i = 0; i < 100000; i++)
        strbuf_puts(&deep, "(");
    expect_unknown("{% for a in range(50000) %}{{ 1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1 }}{% endfor %}",
                   "a program that long");
    expect_unknown("{% set ns = namespace(s='xx') %}{% for a in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
                   "a program that needs that much memory");
    expect_unknown("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "nesting that deep");
    expect_unknown("{% set ns = namespace(x=[], y=[]) %}{% for a in range(40000) %}{% set ns.x = [ns.x] %}"
                   "{% set ns.y = [ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
                   "a comparison of values nested that deep");
    expect_unknown("{% set ns = namespace(x=[], y=[]) %}{% for a in range(49) %}{% set ns.x = [ns.x, ns.x] %}"
                   "{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
                   "a program that long");
    expect_unknown("{% set l = range(90000) | list %}{% for a in l %}{{ -1 in l }}{% endfor %}", "a program that long");
    expect_unknown("{% set ns = namespace(s='xxxxxxxx') %}{% for a in range(20) %}{% set ns.s = ns.s + ns.s %}"
                   "{% endfor %}{% for a in range(90000) %}{{ ns.s | length }}{% endfor %}",
                   "a program that long");
    expect_unknown("{{ {[1]: 2} }}", "a mapping's key of this kind");
    for (int i = 0; i < 100000; i++)
        strbuf_putc(&deep, ')');
    strbuf_puts(&deep, " }}");
    expect_unknown(deep.data, "nesting that deep");
    strbuf_clear(&deep);
    for (int i = 0; i < 100000; i++)
        strbuf_puts(&deep, "{% if x %}");
    expect_unknown(deep.data, "nesting that deep");
    strbuf_free(&deep);
}
END_TEST

START_TEST(what_is_raised_is_one_line)
{
    const struct jinja_value none = jinja_dict_new(&arena, 0);
    ck_assert_int_eq(render("a{{ raise_exception('no\\nsystem\\x1b role') }}", &none), JINJA_RAISED);
    ck_assert_str_eq(out.message, "no system\\x1b role");
    static const char *const silent[] = {"{{ raise_exception() }}", "{{ raise_exception('') }}"};
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
        ck_assert_int_eq(render(silent[i], &none), JINJA_RAISED);
        ck_assert_str_eq(out.message, "an exception");
    }
}
END_TEST

START_TEST(literals_once_each)
{
    struct jinja_string found[8];
    static const char source[] = "{% if 'a' in x or \"b\" in x or 'a' == x %}'c'{% endif %}";
    struct jinja *jinja;
    ck_assert_int_eq(jinja_parse(&jinja, source, strlen(source), out.message), JINJA_DONE);
    ck_assert_uint_eq(jinja_literals(jinja, found, 8), 2);
    ck_assert(jinja_string_is(found[0], "a") && jinja_string_is(found[1], "b"));
    ck_assert_uint_eq(jinja_literals(jinja, found, 1), 1);
    jinja_free(jinja);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jinja");
    TCase *tcase = tcase_create("jinja");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, as_jinja2_has_it);
    tcase_add_test(tcase, what_is_not_known_is_said);
    tcase_add_test(tcase, steps_memory_and_depth_are_bounded);
    tcase_add_test(tcase, what_is_raised_is_one_line);
    tcase_add_test(tcase, literals_once_each);
    suite_add_tcase(suite, tcase);
    const int failed = run_suite(suite);
    jinja_output_free(&out);
    arena_free(&arena);
    return failed;
}
