/* The Go templates of all formats: what Go makes of conversations with them (tests/golden/go_templates.json, made by
 * scripts/golden_go_templates.py) is what we make of these; and that generation markers leave nothing behind. */
#include "base/json.h"
#include "support/run_suite.h"
#include "text/chat_text.h"
#include "text/template_go.h"
#include "text/template_table.h"
#include "text/template_unmark.h"

#include <string.h>

#define GOLDEN "tests/golden/"
enum { MESSAGES_MAX = 8 };

static const char bos[] = "<s>";

/* A conversation of the file; strings are its own. */
static struct conversation read_conversation(const json *node, struct message messages[MESSAGES_MAX])
{
    struct conversation conv = {.messages = messages};
    for (const json *m = json_first(node); m; m = json_next(m)) {
        const char *role = json_string(json_get(m, "role")), *content = json_string(json_get(m, "content"));
        struct message *message = &messages[conv.count++];
        ck_assert_uint_le(conv.count, MESSAGES_MAX);
        *message = (struct message){.content = content, .len = strlen(content), .weight = 1};
        while (strcmp(role, role_name[message->role]) != 0)
            message->role++;
    }
    return conv;
}

/* Ours without what the runner puts before a text. */
static const char *without_bos(const struct chat_text *text)
{
    return text->text.data + (strncmp(text->text.data, bos, strlen(bos)) == 0 ? strlen(bos) : 0);
}

static void check_rendering(const struct chat_format *format, const char *word, const struct conversation *conv,
                            const char *of_go)
{
    struct chat_text ours = {0};
    struct sft_err refused;
    const bool is_asked = conv->messages[conv->count - 1].role != ROLE_ASSISTANT;
    if (chat_check(format, word, conv, &refused) || (!is_asked && format->think == THINK_LAST))
        return; /* the latter adds a block that an answer to be gone on with has not got yet */
    chat_text(format, conv, is_asked, &ours);
    if (is_asked)
        ck_assert_msg(strcmp(without_bos(&ours), of_go) == 0, "%s:\n%s\nGo:\n%s", word, without_bos(&ours), of_go);
    else
        ck_assert_msg(strncmp(without_bos(&ours), of_go, strlen(of_go)) == 0, "%s:\n%s\nGo:\n%s", word,
                      without_bos(&ours), of_go);
    chat_text_free(&ours);
}

START_TEST(go_renders_what_we_do)
{
    json *golden;
    struct sft_err err;
    const struct template_row *row;
    ck_assert(!json_parse_file(GOLDEN "go_templates.json", &golden, &err));
    const json *of_row = json_first(json_get(golden, "rows"));
    for (size_t i = 0; (row = template_row_at(i)); i++, of_row = json_next(of_row)) {
        struct arena arena = {0};
        struct chat_format format;
        struct strbuf text = {0};
        ck_assert_ptr_nonnull(of_row);
        ck_assert(template_row_format(row, bos, "</s>", &arena, &format));
        template_go_write(&format, bos, &text);
        ck_assert_str_eq(text.data, json_string(json_get(of_row, "template")));
        const json *conv = json_first(json_get(golden, "conversations")),
                   *of_go = json_first(json_get(of_row, "texts"));
        for (; conv && !row->only_from_base; conv = json_next(conv), of_go = json_next(of_go)) {
            struct message messages[MESSAGES_MAX];
            const struct conversation c = read_conversation(conv, messages);
            check_rendering(&format, template_choice_name(row->choice), &c, json_string(of_go));
        }
        strbuf_free(&text);
        arena_free(&arena);
    }
    ck_assert_ptr_null(of_row);
    json_free(golden);
}
END_TEST

START_TEST(braces_open_no_tag)
{
    struct strbuf text = {0};
    const struct chat_format format = {
        .prefix[ROLE_USER] = {.text = "{{{a} {"}, .suffix[ROLE_USER] = {.text = "}} {b\n"}};
    template_go_write(&format, NULL, &text);
    ck_assert_str_eq(text.data, "{{- range $i, $_ := .Messages }}\n"
                                "{{- $last := eq (len (slice $.Messages $i)) 1 }}\n"
                                "{{- if eq .Role \"user\" }}{{ \"{\" }}{{ \"{\" }}{a} {{ \"{\" }}{{ .Content }}}} {b\n"
                                "{{ end }}\n"
                                "{{- end }}");
    strbuf_free(&text);
}
END_TEST

static void expect_unmarked(const char *jinja, const char *expected)
{
    struct strbuf out = {0};
    template_unmark(jinja, &out);
    ck_assert_str_eq(out.data ? out.data : "", expected);
    strbuf_free(&out);
}

START_TEST(markers_leave_nothing)
{
    expect_unmarked("", "");
    expect_unmarked("{%- if a -%}\n{%- generation -%}\n{{- b -}}\n{%- endgeneration -%}\n{%- endif -%}",
                    "{%- if a -%}\n{{- b -}}\n{%- endif -%}");
    /* Where it trims what is text, or is text's neighbour, its place is kept. */
    expect_unmarked("a {%- generation %}b{%endgeneration-%} c", "a {#- #}b{# -#} c");
    expect_unmarked("{{ a }} {%- generation -%} {{ b }}", "{{ a }} {#- -#} {{ b }}");
    expect_unmarked("{%+ generation +%}x{% generations %}{% set generation = 1 %}",
                    "{# #}x{% generations %}{% set generation = 1 %}");
    expect_unmarked("{% generation", "{% generation");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("template_go");
    TCase *tcase = tcase_create("template_go");
    tcase_add_test(tcase, go_renders_what_we_do);
    tcase_add_test(tcase, braces_open_no_tag);
    tcase_add_test(tcase, markers_leave_nothing);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
