/* Formats without openers, formats that begin with BOS, and added tokens of the base in a conversation's
 * text. */
#include "text/template_render.h"

#include "byte_tokenizer.h"
#include "support/run_suite.h"

#include <string.h>

#define DIALOGPT "{% for message in messages %}{{ message.content }}{{ eos_token }}{% endfor %}"
#define ADDED(id, content, flags) "\"" #id "\": {\"content\": \"" content "\"" flags "}"

#define CHOICES                                                                                                        \
    "im_sep, chatml, smollm2, smollm3, qwen2, qwen3, llama3, zephyr, mistral, gemma, granite, olmo2, dialogpt or custom"

static struct sft_err err;
static struct tokenizer *tok;
static struct chat_template tpl;
static struct encoder *enc;
static struct rendered out;
static struct strbuf shown;

static void start(const char *members, const struct template_options *options)
{
    tok = byte_tokenizer_with(members);
    ck_assert_msg(template_init(&tpl, options, tok, &err) == SFT_OK, "%s", err_text(&err));
    enc = encoder_new(tok);
}

static void stop(void)
{
    encoder_free(enc);
    template_free(&tpl);
    tokenizer_free(tok);
    rendered_free(&out);
    strbuf_free(&shown);
    out = (struct rendered){0};
    shown = (struct strbuf){0};
}

/* Tokens between bars, special ones after '@', trained ones after '*'. */
static const char *show(void)
{
    strbuf_clear(&shown);
    strbuf_puts(&shown, "");
    for (size_t i = 0; i < out.tokens.count; i++) {
        size_t len;
        const char *bytes = tokenizer_token_bytes(tok, out.tokens.ids[i], &len);
        strbuf_puts(&shown, i ? "|" : "");
        strbuf_puts(&shown, out.weights[i] > 0 ? "*" : "");
        strbuf_puts(&shown, tokenizer_is_special(tok, out.tokens.ids[i]) ? "@" : "");
        strbuf_add(&shown, bytes, len);
    }
    return shown.data;
}

#define M(r, text)                                                                                           \
    {                                                                                                        \
        .role = (r), .content = (text), .len = sizeof(text) - 1, .weight = 1.0F                              \
    }
#define CONVERSATION(...)                                                                                    \
    struct message messages[] = {__VA_ARGS__};                                                               \
    const struct conversation conv = {.messages = messages, .count = sizeof messages / sizeof *messages}

static const char *render(const struct conversation *conv, enum train_on train_on)
{
    template_render(&tpl, enc, conv, train_on, &out);
    return show();
}

static const struct template_options by_auto = {.choice = TEMPLATE_AUTO},
                                     by_im_sep = {.choice = TEMPLATE_IM_SEP},
                                     by_chatml = {.choice = TEMPLATE_CHATML},
                                     by_dialogpt = {.choice = TEMPLATE_DIALOGPT};

/* ---- no openers ---- */

static void check_dialogpt(const char *members, const struct template_options *options)
{
    CONVERSATION(M(ROLE_USER, "hi"), M(ROLE_ASSISTANT, "yo"), M(ROLE_USER, ""),
                 M(ROLE_ASSISTANT, "<|endoftext|>"));
    start(members, options);
    ck_assert_str_eq(tpl.name, "dialogpt");
    ck_assert_uint_eq(tpl.tokens_added, 0);
    ck_assert_int_eq(tpl.end_of_turn, BYTE_TOKENIZER_EOS);
    ck_assert_str_eq(render(&conv, TRAIN_ON_ASSISTANT),
                     "hi|@<|endoftext|>|*y|*o|*@<|endoftext|>|@<|endoftext|>|"
                     "*<|*||*e|*n|*d|*o|*f|*t|*e|*x|*t|*||*>|*@<|endoftext|>");
    const struct conversation question = {.messages = messages, .count = 1};
    template_render_prompt(&tpl, enc, &question, &out);
    ck_assert_str_eq(show(), "hi|@<|endoftext|>"); /* the answer begins at once */
    stop();
}

START_TEST(content_and_end_token)
{
    check_dialogpt("", &by_dialogpt);
    check_dialogpt(", \"chat_template\": \"" DIALOGPT "\"", &by_auto);
    check_dialogpt(
        ", \"chat_template\": \"{%- for m in messages -%}\\n{{ m['content'] + eos_token }}{%- endfor %}\"",
        &by_auto);
    check_dialogpt(
        ", \"chat_template\": \"{% for m in messages %}{{m['content']}}{{eos_token}}{% endfor %}\\n\"",
        &by_auto);
}
END_TEST

static enum sft_status take(const char *chat_template)
{
    tok = byte_tokenizer(NULL);
    tokenizer_set_chat_template(tok, chat_template);
    return template_init(&tpl, &by_auto, tok, &err);
}

/* What resembles it is taken for what it does: a blank before each of the user's turns (blenderbot's), contents without
 * white space around them, texts before and behind. */
START_TEST(what_only_resembles_it)
{
    static const char *const others[][2] = {
        {"{% for message in messages %}{% if message.role == 'user' %}{{ ' ' }}{% endif %}{{ message.content }}"
         "{{ eos_token }}{% endfor %}",
         " | |hi| |@<|endoftext|>|* |*y|*o|* |*@<|endoftext|>"},
        {"{% for message in messages %}{{ message.content | trim }}{{ eos_token }}{% endfor %}",
         "hi|@<|endoftext|>|*y|*o|*@<|endoftext|>"},
        {"{% for message in messages %}{{ message.content }} {{ eos_token }}{% endfor %}",
         " |hi| | |@<|endoftext|>|* |*y|*o|* |* |*@<|endoftext|>"},
        {"{% for message in messages %}{{ '}}{{' }}{{ message.content }}{{ eos_token }}{% endfor %}",
         "}|}|{|{| |hi| |@<|endoftext|>|}|}|{|{|* |*y|*o|* |*@<|endoftext|>"},
        {"{% for message in messages %}{{ message.content + '+' }}{{ eos_token }}{% endfor %}",
         " |hi| |+|@<|endoftext|>|* |*y|*o|* |*+|*@<|endoftext|>"},
        {"{{ '' if messages else '' }}{% for message in messages %}{{ message.content }}{{ eos_token }}{% endfor %}",
         " |hi| |@<|endoftext|>|* |*y|*o|* |*@<|endoftext|>"},
    };
    CONVERSATION(M(ROLE_USER, " hi "), M(ROLE_ASSISTANT, " yo "));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ck_assert_msg(take(others[i][0]) == SFT_OK, "%s: %s", others[i][0], err_text(&err));
        enc = encoder_new(tok);
        ck_assert_str_eq(render(&conv, TRAIN_ON_ASSISTANT), others[i][1]);
        stop();
    }
}
END_TEST

START_TEST(what_no_control_token_closes)
{
    static const char *const others[] = {
        "{% for message in messages %}{{ message.content }}{% endfor %}{{ eos_token }}",
        "{% for message in messages %}{{ message.role + ': ' + message.content + '\n' }}{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ck_assert_msg(take(others[i]) == SFT_EUSAGE, "%s", others[i]);
        tokenizer_free(tok);
    }
    ck_assert_str_eq(err_text(&err), "template = auto: the base's own chat template closes an assistant's turn with no "
                                     "control token (choose template = " CHOICES ")");
}
END_TEST

START_TEST(it_needs_an_end_token)
{
    tok = byte_tokenizer(NULL);
    tokenizer_set_eos(tok, TOKEN_NONE);
    ck_assert_int_eq(template_init(&tpl, &by_dialogpt, tok, &err), SFT_EUSAGE);
    ck_assert_str_eq(
        err_text(&err),
        "template = dialogpt: a turn ends with the base's eos_token, and its tokenizer names none");
    tokenizer_free(tok);
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
    start("", &by_dialogpt);
    char *jinja = mem_strdup(tpl.jinja);
    template_free(&tpl);
    ck_assert_int_eq(template_init(&tpl, &by_auto, tok, &err), SFT_OK);
    ck_assert_str_eq(tpl.name, "dialogpt");
    ck_assert_str_eq(tpl.jinja, jinja);
    free(jinja);
    stop();
}
END_TEST

/* What stands behind a turn's end and the next turn's content are one run of text. */
START_TEST(custom_without_openers)
{
    CONVERSATION(M(ROLE_SYSTEM, "s"), M(ROLE_USER, "\nhi"), M(ROLE_ASSISTANT, "yo"), M(ROLE_USER, "a"),
                 M(ROLE_ASSISTANT, "\n\nb"));
    const struct template_options options = {.choice = TEMPLATE_CUSTOM,
                                             .suffix = {[ROLE_SYSTEM] = "<|sep|>",
                                                        [ROLE_USER] = "<|endoftext|>\n",
                                                        [ROLE_ASSISTANT] = "<|endoftext|>\n"}};
    start("", &options);
    ck_assert_str_eq(tpl.name, "custom");
    ck_assert_str_eq(render(&conv, TRAIN_ON_ASSISTANT),
                     "s|@<|sep|>|\n|hi|@<|endoftext|>|\n|*y|*o|*@<|endoftext|>|\n|a|@<|endoftext|>|"
                     "*\n\n|*\n|*b|*@<|endoftext|>|\n");
    messages[2].weight = 0.5F;
    render(&conv, TRAIN_ON_ALL);
    ck_assert_float_eq(out.weights[5], 1.0F); /* the line break behind the user's turn */
    ck_assert_float_eq(out.weights[6], 0.5F);
    ck_assert_float_eq(out.weights[9], 0.5F); /* and that behind the assistant's */
    ck_assert_float_eq(out.weights[10], 1.0F);
    stop();
}
END_TEST

/* ---- BOS ---- */

#define WITH_BOS ", \"bos_token\": \"<s>\", \"add_bos_token\": true"

static void check_start(const struct template_options *options, const char *members, const char *want)
{
    CONVERSATION(M(ROLE_USER, "hi"), M(ROLE_ASSISTANT, "yo"));
    start(members, options);
    ck_assert_str_eq(render(&conv, TRAIN_ON_ASSISTANT), want);
    char *jinja = mem_strdup(tpl.jinja), *first = mem_strdup(show());
    template_free(&tpl); /* what is exported begins with it, too */
    ck_assert_int_eq(template_init(&tpl, &by_auto, tok, &err), SFT_OK);
    ck_assert_str_eq(tpl.jinja, jinja);
    ck_assert_str_eq(render(&conv, TRAIN_ON_ASSISTANT), first);
    free(jinja);
    free(first);
    stop();
}

START_TEST(formats_of_ours_begin_as_the_bases_texts)
{
    static const char im_sep[] =
        "@<|im_start|>|u|s|e|r|@<|im_sep|>|hi|@<|im_end|>|@<|im_start|>|a|s|s|i|s|t|a|n|t|"
        "@<|im_sep|>|*y|*o|*@<|im_end|>";
    char *with_bos = mem_printf("@<s>|%s", im_sep);
    check_start(&by_im_sep, WITH_BOS, with_bos);
    check_start(&by_auto, WITH_BOS, with_bos);
    check_start(&by_im_sep, ", \"bos_token\": \"<s>\"", im_sep);
    check_start(&by_im_sep, ", \"bos_token\": \"<s>\", \"add_bos_token\": false", im_sep);
    check_start(&by_dialogpt, WITH_BOS, "hi|@<|endoftext|>|*y|*o|*@<|endoftext|>");
    free(with_bos);
}
END_TEST

START_TEST(the_bases_own_format_says_itself)
{
#define CHATML                                                                                               \
    "{% for m in messages %}<|im_start|>{{ m.role }}\\n{{ m.content }}<|im_end|>\\n{% endfor %}"             \
    "{% if add_generation_prompt %}<|im_start|>assistant\\n{% endif %}"
    static const char chatml[] = "@<|im_start|>|u|s|e|r|\n|hi|@<|im_end|>|\n|@<|im_start|>|a|s|s|i|s|t|a|n|t|"
                                 "\n|*y|*o|*@<|im_end|>|\n";
    char *with_bos = mem_printf("@<s>|%s", chatml);
    check_start(&by_auto, WITH_BOS ", \"chat_template\": \"{{ bos_token }}" CHATML "\"", with_bos);
    check_start(&by_auto, WITH_BOS ", \"chat_template\": \"" CHATML "\"", chatml);
    free(with_bos);
}
END_TEST

START_TEST(documents_begin_as_the_bases_texts)
{
    struct message message = M(ROLE_USER, "hi");
    const struct conversation document = {.messages = &message, .count = 1, .is_document = true};
    start(WITH_BOS, &by_im_sep);
    ck_assert_str_eq(render(&document, TRAIN_ON_ASSISTANT), "@<s>|*hi|*@<|endoftext|>");
    stop();
}
END_TEST

/* ---- added tokens ---- */

START_TEST(an_added_token_over_the_border_is_trained)
{
    CONVERSATION(M(ROLE_ASSISTANT, " <x>b"), M(ROLE_ASSISTANT, "\tb<x> "));
    start(", \"added_tokens_decoder\": {" ADDED(258, "<|endoftext|>", ", \"special\": true") ", " ADDED(
              259, "<x>", ", \"lstrip\": true") ", " ADDED(260, "\\n\\t", "") "}",
          &by_chatml);
    ck_assert_str_eq(render(&conv, TRAIN_ON_ASSISTANT),
                     "@<|im_start|>|a|s|s|i|s|t|a|n|t|*<x>|*b|*@<|im_end|>|\n|"
                     "@<|im_start|>|a|s|s|i|s|t|a|n|t|*\n\t|*b|*<x>|* |*@<|im_end|>|\n");
    stop();
}
END_TEST

START_TEST(control_tokens_strip)
{
    CONVERSATION(M(ROLE_USER, " hi \n"), M(ROLE_ASSISTANT, " yo"));
    start(", \"added_tokens_decoder\": {" ADDED(258, "<|endoftext|>", ", \"special\": true") ", " ADDED(
              259, "<|im_end|>", ", \"special\": true, \"lstrip\": true, \"rstrip\": true") "}",
          &by_chatml);
    ck_assert_str_eq(
        render(&conv, TRAIN_ON_ASSISTANT),
        "@<|im_start|>|u|s|e|r|\n| |hi|@<|im_end|>|@<|im_start|>|a|s|s|i|s|t|a|n|t|\n|* |*y|*o|*@<|im_end|>");
    stop();
}
END_TEST

/* Somebody's add_tokens(["<|im_start|>", "[BOT]"]), which are not special: as control tokens they become
 * so. */
START_TEST(a_control_token_that_is_not_special_becomes_it)
{
    CONVERSATION(M(ROLE_USER, "[BOT]"), M(ROLE_ASSISTANT, "<x>"));
    const struct template_options options = {.choice = TEMPLATE_CUSTOM,
                                             .prefix = {[ROLE_USER] = "<|im_start|>", [ROLE_ASSISTANT] = "[BOT]"},
                                             .suffix = {[ROLE_USER] = " [BOT]",
                                                        [ROLE_ASSISTANT] = "<|endoftext|>"}};
    start(", \"added_tokens_decoder\": {" ADDED(258, "<|endoftext|>", ", \"special\": true") ", " ADDED(
              259, "<|im_start|>", "") ", " ADDED(260, "[BOT]",
                                                  "") ", " ADDED(261, "<x>", "") ", " ADDED(262, " ", "") "}",
          &options);
    ck_assert_uint_eq(tpl.tokens_added, 0);
    ck_assert_str_eq(render(&conv, TRAIN_ON_ASSISTANT),
                     "@<|im_start|>|[|B|O|T|]| |@[BOT]|@[BOT]|*<x>|*@<|endoftext|>");
    stop();
}
END_TEST

START_TEST(a_token_that_hides_a_control_token)
{
    tok = byte_tokenizer_with(", \"added_tokens_decoder\": {" ADDED(
        258, "<|endoftext|>", ", \"special\": true") ", " ADDED(259, "<|im_end|>\\n", "") "}");
    ck_assert_int_eq(template_init(&tpl, &by_chatml, tok, &err), SFT_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "holds the control token '<|im_end|>'"));
    tokenizer_free(tok);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("template_formats");
    TCase *tcase = tcase_create("formats");
    tcase_add_test(tcase, content_and_end_token);
    tcase_add_test(tcase, what_only_resembles_it);
    tcase_add_test(tcase, what_no_control_token_closes);
    tcase_add_test(tcase, it_needs_an_end_token);
    tcase_add_test(tcase, what_is_written_is_read_back);
    tcase_add_test(tcase, custom_without_openers);
    tcase_add_test(tcase, formats_of_ours_begin_as_the_bases_texts);
    tcase_add_test(tcase, the_bases_own_format_says_itself);
    tcase_add_test(tcase, documents_begin_as_the_bases_texts);
    tcase_add_test(tcase, an_added_token_over_the_border_is_trained);
    tcase_add_test(tcase, control_tokens_strip);
    tcase_add_test(tcase, a_control_token_that_is_not_special_becomes_it);
    tcase_add_test(tcase, a_token_that_hides_a_control_token);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
