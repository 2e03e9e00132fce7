/* The families' formats: texts that their own templates render (tests/golden/templates.json), tokens and masks written
 * out by hand, and templates like theirs that are recognised. */
#include "text/chat_text.h"
#include "text/template_render.h"
#include "text/template_table.h"

#include "base/json.h"
#include "byte_tokenizer.h"
#include "support/run_suite.h"

#include <string.h>

static struct sft_err err;
static struct arena arena;

/* ---- texts ---- */

static const struct template_row *row_of(const char *word, size_t which)
{
    const struct template_row *row;
    for (size_t i = 0; (row = template_row_at(i)); i++)
        if (strcmp(template_choice_name(row->choice), word) == 0 && which-- == 0)
            return row;
    ck_abort_msg("no such row");
}

static struct conversation conversation_of(const json *messages)
{
    struct conversation conv = {.messages = arena_calloc(&arena, json_size(messages) + 1, sizeof *conv.messages)};
    for (const json *m = json_first(messages); m; m = json_next(m)) {
        struct message *to = &conv.messages[conv.count++];
        to->content = json_string(json_get(m, "content"));
        to->len = strlen(to->content);
        to->weight = 1.0F;
        while (strcmp(role_name[to->role], json_string(json_get(m, "role"))) != 0)
            to->role++;
    }
    return conv;
}

/* Whether it was rendered. What the template refuses has to be refused. */
static bool check_text(const struct chat_format *f, const char *name, const struct conversation *conv, bool prompts,
                       const char *text)
{
    struct chat_text ours = {0};
    if (chat_check(f, name, conv, &err))
        return false;
    chat_text(f, conv, prompts, &ours);
    ck_assert_msg(text && strcmp(ours.text.data, text) == 0, "%s gives %s\nnot %s", name, ours.text.data, text);
    chat_text_free(&ours);
    return true;
}

START_TEST(texts_are_the_templates_own)
{
    json *root;
    size_t rendered = 0, refused = 0;
    ck_assert_msg(json_parse_file("tests/golden/templates.json", &root, &err) == SFT_OK, "%s", err_text(&err));
    for (const json *t = json_first(json_get(root, "templates")); t; t = json_next(t)) {
        struct chat_format f;
        const struct template_row *row =
            row_of(json_string(json_get(t, "word")), (size_t)json_number(json_get(t, "row")));
        ck_assert(template_row_format(row, "<s>", "</s>", &arena, &f));
        const json *texts = json_first(json_get(t, "texts"));
        const json *c = json_first(json_get(root, "conversations"));
        for (; c; c = json_next(c), texts = json_next(texts)) {
            const struct conversation conv = conversation_of(c);
            const json *whole = json_first(texts), *prompt = json_next(whole);
            for (int prompts = 0; prompts < 2; prompts++) {
                const char *text = json_string(prompts ? prompt : whole);
                if (check_text(&f, json_string(json_get(t, "name")), &conv, prompts, text))
                    rendered++;
                else
                    refused++;
            }
        }
    }
    json_free(root);
    arena_free(&arena);
    ck_assert_uint_eq(rendered, 122);
    ck_assert_uint_eq(refused, 10);
}
END_TEST

/* ---- tokens and masks ---- */

static struct tokenizer *tok;
static struct chat_template tpl;
static struct rendered out;

#define M(r, text)                                                                                                     \
    {                                                                                                                  \
        .role = (r), .content = (text), .len = sizeof(text) - 1, .weight = 1.0F                                        \
    }
#define CONVERSATION(...)                                                                                              \
    struct message messages[] = {__VA_ARGS__};                                                                         \
    const struct conversation conv = {.messages = messages, .count = sizeof messages / sizeof *messages}
#define WITH_BOS ", \"bos_token\": \"<s>\""

/* By a word, or (auto) by the base's own template. */
static void start(enum template_choice choice, const char *jinja)
{
    const struct template_options options = {.choice = choice};
    tok = byte_tokenizer_with(WITH_BOS);
    if (jinja)
        tokenizer_set_chat_template(tok, jinja);
    ck_assert_msg(template_init(&tpl, &options, tok, &err) == SFT_OK, "%s", err_text(&err));
}

static void stop(void)
{
    template_free(&tpl);
    tokenizer_free(tok);
}

/* What is rendered: special tokens after '@', what is trained in {}. */
static void expect(const struct conversation *conv, const char *want)
{
    struct strbuf shown = {0};
    struct encoder *enc = encoder_new(tok);
    bool trained = false;
    ck_assert_msg(template_check(&tpl, conv, &err) == SFT_OK, "%s", err_text(&err));
    template_render(&tpl, enc, conv, TRAIN_ON_ASSISTANT, &out);
    for (size_t i = 0; i < out.tokens.count; i++) {
        size_t len;
        const char *bytes = tokenizer_token_bytes(tok, out.tokens.ids[i], &len);
        if ((out.weights[i] > 0) != trained)
            strbuf_putc(&shown, trained ? '}' : '{');
        trained = out.weights[i] > 0;
        strbuf_puts(&shown, tokenizer_is_special(tok, out.tokens.ids[i]) ? "@" : "");
        strbuf_add(&shown, bytes, len);
    }
    strbuf_puts(&shown, trained ? "}" : "");
    ck_assert_str_eq(shown.data, want);
    strbuf_free(&shown);
    rendered_free(&out);
    encoder_free(enc);
}

static void expect_refused(const struct conversation *conv, const char *message)
{
    ck_assert_int_eq(template_check(&tpl, conv, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), message);
}

START_TEST(gemma_folds_and_trims)
{
    CONVERSATION(M(ROLE_SYSTEM, " Be. "), M(ROLE_USER, " a\n"), M(ROLE_ASSISTANT, "\tb "),
                 M(ROLE_USER, "<end_of_turn>"), M(ROLE_ASSISTANT, ""));
    start(TEMPLATE_GEMMA, NULL);
    expect(&conv, "@<s>@<start_of_turn>user\n Be. \n\na@<end_of_turn>\n@<start_of_turn>model\n{b@<end_of_turn>}\n"
                  "@<start_of_turn>user\n<end_of_turn>@<end_of_turn>\n@<start_of_turn>model\n{@<end_of_turn>}\n");
    ck_assert_int_eq(tpl.end_of_turn, tokenizer_token_id(tok, "<end_of_turn>"));
    messages[2].role = ROLE_USER;
    expect_refused(&conv, "message 3: the gemma template wants user and assistant in turn, a user first; found user");
    messages[2].role = ROLE_TOOL;
    expect_refused(&conv, "message 3: the gemma template has no tool turn");
    messages[2].role = ROLE_SYSTEM;
    expect_refused(&conv, "message 3: the gemma template has a system message only as a conversation's first");
    const struct conversation alone = {.messages = messages, .count = 1};
    expect_refused(&alone, "the gemma template puts the system message into a user's turn, and there is none");
    stop();
}
END_TEST

START_TEST(llama3_and_its_trimmed_white_space)
{
    CONVERSATION(M(ROLE_USER, "\xC2\xA0 hi\xE3\x80\x80"), M(ROLE_ASSISTANT, "\n\nyo\x1C"));
    start(TEMPLATE_LLAMA3, NULL);
    expect(&conv, "@<s>@<|start_header_id|>user@<|end_header_id|>\n\nhi@<|eot_id|>"
                  "@<|start_header_id|>assistant@<|end_header_id|>\n\n{yo@<|eot_id|>}");
    stop();
}
END_TEST

/* Openers are text where the models have them as text; a user's closing token is the format's, the typed one is not. */
START_TEST(openers_that_are_text)
{
    CONVERSATION(M(ROLE_SYSTEM, "s"), M(ROLE_USER, "<|assistant|>"), M(ROLE_ASSISTANT, "yo"), M(ROLE_USER, "b"),
                 M(ROLE_ASSISTANT, "c"));
    start(TEMPLATE_ZEPHYR, NULL);
    ck_assert_uint_eq(tpl.tokens_added, 0);
    expect(&conv, "<|system|>\ns@<|endoftext|>\n<|user|>\n<|assistant|>@<|endoftext|>\n<|assistant|>\n"
                  "{yo@<|endoftext|>}\n<|user|>\nb@<|endoftext|>\n<|assistant|>\n{c@<|endoftext|>}\n");
    stop();
    start(TEMPLATE_OLMO2, NULL); /* only answers close with a token, the last without a line break */
    expect(&conv, "@<s><|system|>\ns\n<|user|>\n<|assistant|>\n<|assistant|>\n{yo@<|endoftext|>}\n<|user|>\nb\n"
                  "<|assistant|>\n{c@<|endoftext|>}");
    stop();
    start(TEMPLATE_MISTRAL, NULL);
    expect(&conv, "@<s> [INST] s\n\n<|assistant|> [/INST] {yo@<|endoftext|>} [INST] b [/INST] {c@<|endoftext|>}");
    stop();
}
END_TEST

START_TEST(default_system_prompts)
{
    CONVERSATION(M(ROLE_USER, "a"), M(ROLE_ASSISTANT, "b"), M(ROLE_TOOL, "1"), M(ROLE_TOOL, "2"),
                 M(ROLE_ASSISTANT, "c"));
    start(TEMPLATE_QWEN2, NULL);
    expect(&conv,
           "@<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.@<|im_end|>\n"
           "@<|im_start|>user\na@<|im_end|>\n@<|im_start|>assistant\n{b@<|im_end|>}\n"
           "@<|im_start|>user\n<tool_response>\n1\n</tool_response>\n<tool_response>\n2\n</tool_response>@<|im_end|>\n"
           "@<|im_start|>assistant\n{c@<|im_end|>}\n");
    messages[0].role = ROLE_SYSTEM;
    messages[2].role = messages[3].role = ROLE_USER;
    expect(&conv, "@<|im_start|>system\na@<|im_end|>\n@<|im_start|>assistant\n{b@<|im_end|>}\n"
                  "@<|im_start|>user\n1@<|im_end|>\n@<|im_start|>user\n2@<|im_end|>\n"
                  "@<|im_start|>assistant\n{c@<|im_end|>}\n");
    stop();
}
END_TEST

START_TEST(qwen3_trains_the_block_that_it_shows)
{
    CONVERSATION(M(ROLE_USER, "a"), M(ROLE_ASSISTANT, "<think>\nx\n</think>\n\nb"), M(ROLE_USER, "c"),
                 M(ROLE_ASSISTANT, "d"));
    start(TEMPLATE_QWEN3, NULL);
    expect(&conv, "@<|im_start|>user\na@<|im_end|>\n@<|im_start|>assistant\n{b@<|im_end|>}\n"
                  "@<|im_start|>user\nc@<|im_end|>\n"
                  "@<|im_start|>assistant\n{<think>\n\n</think>\n\nd@<|im_end|>}\n");
    stop();
}
END_TEST

/* ---- recognised ---- */

/* As the base's template has it: its own marks, a date, a word that decides. */
START_TEST(marks_of_the_template_are_the_mask)
{
    static const char jinja[] =
        "{%- for m in messages %}{%- if m.role == 'assistant' %}{{- '<|im_start|>assistant' }}{%- generation %}"
        "{{- '\\n' + m.content + '<|im_end|>\\n' }}{%- endgeneration %}{%- else %}"
        "{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endif %}{%- endfor %}"
        "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";
    CONVERSATION(M(ROLE_USER, "a"), M(ROLE_ASSISTANT, "b"));
    start(TEMPLATE_AUTO, jinja);
    ck_assert_str_eq(tpl.name, "chatml");
    ck_assert_str_eq(tpl.jinja, jinja); /* kept, as its marks are what is trained */
    expect(&conv, "@<|im_start|>user\na@<|im_end|>\n@<|im_start|>assistant{\nb@<|im_end|>\n}");
    stop();
}
END_TEST

/* An eos that closes no turn is another one in what is exported: a template that writes it cannot be kept. */
START_TEST(a_marked_template_that_writes_another_eos)
{
    static const char jinja[] =
        "{%- for m in messages %}{%- if m.role == 'assistant' %}{{- '<|a|>' }}{%- generation %}"
        "{{- m.content + '<|e|>' }}{%- endgeneration %}{%- else %}{{- '<|u|>' + m.content + '<|e|>' }}"
        "{%- endif %}{%- endfor %}"
        "{%- if add_generation_prompt %}{{- '<|a|>' }}{%- else %}{{- eos_token }}{%- endif %}";
    CONVERSATION(M(ROLE_USER, "a"), M(ROLE_ASSISTANT, "b"));
    static const char want[] = "@<|u|>a@<|e|>@<|a|>{b@<|e|>}@<|endoftext|>";
    start(TEMPLATE_AUTO, jinja);
    expect(&conv, want);
    template_free(&tpl);
    const struct template_options options = {.choice = TEMPLATE_AUTO};
    ck_assert_int_eq(template_init(&tpl, &options, tok, &err), SFT_OK); /* by what was exported */
    expect(&conv, want);
    stop();
}
END_TEST

START_TEST(a_date_is_always_the_same)
{
#define DATED(clock)                                                                                                   \
    "{{- bos_token }}" clock "{%- if messages[0].role == 'system' %}{% set s = messages[0].content | trim %}" \
    "{% set messages = messages[1:] %}{% else %}{% set s = '' %}{% endif %}" \
    "{{- '<|start_header_id|>system<|end_header_id|>\\n\\nToday: ' + day + '\\n\\n' + s + '<|eot_id|>' }}" \
    "{%- for m in messages %}{{- '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content | trim + " \
    "'<|eot_id|>' }}{%- endfor %}{%- if add_generation_prompt %}" \
    "{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}"
    CONVERSATION(M(ROLE_USER, "a"), M(ROLE_ASSISTANT, "b"));
    start(TEMPLATE_AUTO, DATED("{% set day = strftime_now('%d %b %Y') if strftime_now is defined else '26 Jul 2024' "
                               "%}"));
    ck_assert_str_eq(tpl.name, "llama3");
    ck_assert(tpl.writes_date);
    expect(&conv, "@<s>@<|start_header_id|>system@<|end_header_id|>\n\nToday: 26 Jul 2024\n\n@<|eot_id|>"
                  "@<|start_header_id|>user@<|end_header_id|>\n\na@<|eot_id|>"
                  "@<|start_header_id|>assistant@<|end_header_id|>\n\n{b@<|eot_id|>}");
    char *exported = mem_strdup(tpl.jinja);
    stop();
    start(TEMPLATE_AUTO, exported);
    ck_assert(!tpl.writes_date); /* what is exported has that date */
    ck_assert_str_eq(tpl.jinja, exported);
    stop();
    free(exported);
    start(TEMPLATE_AUTO, DATED("{% set day = strftime_now('%d %b %Y') %}"));
    ck_assert(tpl.writes_date);
    ck_assert_str_eq(tpl.format.default_system, "");
    stop();
}
END_TEST

/* SmolLM3's two modes, in short. */
START_TEST(words_that_decide_about_reasoning)
{
    static const char jinja[] =
        "{%- set mode = '/think' %}{%- set own = '' %}{%- if messages[0].role == 'system' %}{%- set s = "
        "messages[0].content"
        " %}{%- if '/no_think' in s %}{%- set mode = '/no_think' %}{%- endif %}{%- set own = s.replace('/no_think', '')"
        ".replace('/think', '').rstrip() %}{%- endif %}{{- '<|im_start|>system\\nMode: ' + mode + '\\n' }}"
        "{{- own or ('Think.' if mode == '/think' else 'Answer.') }}{{- '\\n<|im_end|>\\n' }}{%- for m in messages %}"
        "{%- if m.role == 'user' or m.role == 'tool' %}{{- '<|im_start|>user\\n' + m.content + '<|im_end|>\\n' }}"
        "{%- elif m.role == 'assistant' %}{%- generation %}{{- '<|im_start|>assistant\\n' }}{%- if mode == "
        "'/no_think' %}"
        "{{- '<think>\\n\\n</think>\\n' }}{%- endif %}{{- m.content.lstrip('\\n') + '<|im_end|>\\n' }}"
        "{%- endgeneration %}{%- endif %}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
        "{%- if mode == '/no_think' %}{{- '<think>\\n\\n</think>\\n' }}{%- endif %}{%- endif %}";
    CONVERSATION(M(ROLE_SYSTEM, "/no_think"), M(ROLE_USER, "a"), M(ROLE_ASSISTANT, "\nb"));
    const struct conversation question = {.messages = messages + 1, .count = 2};
    start(TEMPLATE_AUTO, jinja);
    ck_assert_str_eq(tpl.name, "smollm3");
    expect(&conv, "@<|im_start|>system\nMode: /no_think\nAnswer.\n@<|im_end|>\n@<|im_start|>user\na@<|im_end|>\n"
                  "{@<|im_start|>assistant\n<think>\n\n</think>\nb@<|im_end|>\n}");
    expect(&question, "@<|im_start|>system\nMode: /think\nThink.\n@<|im_end|>\n@<|im_start|>user\na@<|im_end|>\n"
                      "{@<|im_start|>assistant\nb@<|im_end|>\n}");
    messages[0].content = "/system_override x";
    messages[0].len = strlen(messages[0].content);
    expect_refused(&conv, "a system message with '/system_override', which the smollm3 template obeys and sft "
    "does not");
    stop();
    tok = byte_tokenizer(NULL);
    const struct template_options by_word = {.choice = TEMPLATE_SMOLLM3};
    ck_assert_int_eq(template_init(&tpl, &by_word, tok, &err), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), "template = smollm3: parts of it are written in the base's own chat template, and "
                                     "the base has none of this kind");
    tokenizer_free(tok);
}
END_TEST

/* A word means the base's own form of it. */
START_TEST(a_word_takes_the_bases_own_form)
{
    static const char jinja[] =
        "{{ bos_token }}{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('take turns') }}{% endif %}{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' "
        "[/INST]' }}"
        "{% elif m.role == 'assistant' %}{{ m.content + eos_token }}{% else %}{{ raise_exception('who?') }}{% endif %}"
        "{% endfor %}";
    CONVERSATION(M(ROLE_USER, "a"), M(ROLE_ASSISTANT, "b"));
    start(TEMPLATE_MISTRAL, jinja);
    expect(&conv, "@<s>[INST] a [/INST]{b@<|endoftext|>}");
    messages[0].role = ROLE_SYSTEM;
    expect_refused(&conv, "message 1: the mistral template has no system turn");
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("template_rows");
    TCase *tcase = tcase_create("rows");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, texts_are_the_templates_own);
    tcase_add_test(tcase, gemma_folds_and_trims);
    tcase_add_test(tcase, llama3_and_its_trimmed_white_space);
    tcase_add_test(tcase, openers_that_are_text);
    tcase_add_test(tcase, default_system_prompts);
    tcase_add_test(tcase, qwen3_trains_the_block_that_it_shows);
    tcase_add_test(tcase, marks_of_the_template_are_the_mask);
    tcase_add_test(tcase, a_marked_template_that_writes_another_eos);
    tcase_add_test(tcase, a_date_is_always_the_same);
    tcase_add_test(tcase, words_that_decide_about_reasoning);
    tcase_add_test(tcase, a_word_takes_the_bases_own_form);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
