/* The chat template: tokens and masks written out by hand, and its Jinja form. */
#include "text/template_render.h"

#include "base/rng.h"
#include "byte_tokenizer.h"
#include "support/run_suite.h"

#include <string.h>

struct fixture {
    struct tokenizer *tok;
    struct template_options options;
    struct chat_template tpl;
    struct encoder *enc;
    struct rendered out;
    struct strbuf shown;
};

static struct fixture f;

static void start(enum template_choice choice)
{
    struct sft_err err;
    f.tok = byte_tokenizer(NULL);
    f.options.choice = choice;
    ck_assert_msg(template_init(&f.tpl, &f.options, f.tok, &err) == SFT_OK, "%s", err_text(&err));
    f.enc = encoder_new(f.tok);
}

static void start_custom(const char *user_prefix, const char *user_suffix, const char *assistant_prefix,
                         const char *assistant_suffix)
{
    f.options.prefix[ROLE_USER] = user_prefix;
    f.options.suffix[ROLE_USER] = user_suffix;
    f.options.prefix[ROLE_ASSISTANT] = assistant_prefix;
    f.options.suffix[ROLE_ASSISTANT] = assistant_suffix;
    start(TEMPLATE_CUSTOM);
}

static void stop(void)
{
    encoder_free(f.enc);
    template_free(&f.tpl);
    tokenizer_free(f.tok);
    rendered_free(&f.out);
    strbuf_free(&f.shown);
    f = (struct fixture){0};
}

/* What was rendered, readable: control tokens after '@', tokens of weight w after a change of weight in
 * {w:...}, weight 0 in none. */
static const char *show(void)
{
    float weight = 0.0F;
    strbuf_clear(&f.shown);
    strbuf_puts(&f.shown, "");
    for (size_t i = 0; i < f.out.tokens.count; i++) {
        size_t len;
        const int32_t id = f.out.tokens.ids[i];
        const char *bytes = tokenizer_token_bytes(f.tok, id, &len);
        if (f.out.weights[i] != weight) {
            if (weight != 0.0F)
                strbuf_putc(&f.shown, '}');
            weight = f.out.weights[i];
            if (weight != 0.0F)
                strbuf_printf(&f.shown, "{%g:", (double)weight);
        }
        strbuf_puts(&f.shown, tokenizer_is_special(f.tok, id) ? "@" : "");
        strbuf_add(&f.shown, bytes, len);
    }
    if (weight != 0.0F)
        strbuf_putc(&f.shown, '}');
    return f.shown.data;
}

#define M(r, text)                                                                                           \
    {                                                                                                        \
        .role = (r), .content = (text), .len = sizeof(text) - 1, .weight = 1.0F                              \
    }
#define WEIGHTED(r, text, w)                                                                                 \
    {                                                                                                        \
        .role = (r), .content = (text), .len = sizeof(text) - 1, .weight = (w)                               \
    }
#define CONVERSATION(...)                                                                                    \
    struct message messages[] = {__VA_ARGS__};                                                               \
    const struct conversation conv = {.messages = messages, .count = sizeof messages / sizeof *messages}

static const char *render(const struct conversation *conv, enum train_on train_on)
{
    template_render(&f.tpl, f.enc, conv, train_on, &f.out);
    return show();
}

START_TEST(im_sep_trains_the_reply_and_its_end)
{
    CONVERSATION(M(ROLE_SYSTEM, "Be."), M(ROLE_USER, "hi"), M(ROLE_ASSISTANT, "yo"));
    start(TEMPLATE_IM_SEP);
    ck_assert_str_eq(render(&conv, TRAIN_ON_ASSISTANT),
                     "@<|im_start|>system@<|im_sep|>Be.@<|im_end|>@<|im_start|>user@<|im_sep|>hi@<|im_end|>"
                     "@<|im_start|>assistant@<|im_sep|>{1:yo@<|im_end|>}");
    /* Appended in this order, and "hi" is one token: encoded in one go. */
    ck_assert_int_eq(f.out.tokens.ids[0], BYTE_TOKENIZER_SIZE);
    ck_assert_int_eq(f.out.tokens.ids[7], BYTE_TOKENIZER_SIZE + 1);
    ck_assert_int_eq(f.out.tokens.ids[11], BYTE_TOKENIZER_SIZE + 2);
    ck_assert_int_eq(f.out.tokens.ids[18], 257);
    ck_assert_uint_eq(f.tpl.tokens_added, 3);
    ck_assert_int_eq(f.tpl.end_of_turn, BYTE_TOKENIZER_SIZE + 2);
    ck_assert_int_eq(f.tpl.document_end, BYTE_TOKENIZER_EOS);
    ck_assert_int_eq(tokenizer_eos_id(f.tok), f.tpl.end_of_turn);
    ck_assert_int_eq(tokenizer_pad_id(f.tok), BYTE_TOKENIZER_EOS);
    stop();
}
END_TEST

START_TEST(chatml_leaves_the_newline_after_the_end_untrained)
{
    CONVERSATION(M(ROLE_USER, "hi"), M(ROLE_ASSISTANT, "yo"), M(ROLE_TOOL, "42"), M(ROLE_ASSISTANT, "ok"));
    start(TEMPLATE_CHATML);
    ck_assert_str_eq(render(&conv, TRAIN_ON_ASSISTANT),
                     "@<|im_start|>user\nhi@<|im_end|>\n@<|im_start|>assistant\n{1:yo@<|im_end|>}\n"
                     "@<|im_start|>tool\n42@<|im_end|>\n@<|im_start|>assistant\n{1:ok@<|im_end|>}\n");
    ck_assert_uint_eq(f.tpl.tokens_added, 2);
    stop();
}
END_TEST

START_TEST(a_token_that_holds_the_first_trained_character_is_trained)
{
    CONVERSATION(M(ROLE_ASSISTANT, "\n\nhi"));
    start(TEMPLATE_CHATML); /* the header's newline and the content's first are one token, 256 */
    ck_assert_str_eq(render(&conv, TRAIN_ON_ASSISTANT), "@<|im_start|>assistant{1:\n\n\nhi@<|im_end|>}\n");
    ck_assert_int_eq(f.out.tokens.ids[10], 256);
    stop();
}
END_TEST

START_TEST(typed_control_tokens_stay_text)
{
    CONVERSATION(M(ROLE_USER, "<|im_end|>"), M(ROLE_ASSISTANT, "<|endoftext|>"));
    start(TEMPLATE_IM_SEP);
    ck_assert_str_eq(render(&conv, TRAIN_ON_ASSISTANT),
                     "@<|im_start|>user@<|im_sep|><|im_end|>@<|im_end|>"
                     "@<|im_start|>assistant@<|im_sep|>{1:<|endoftext|>@<|im_end|>}");
    stop();
}
END_TEST

START_TEST(an_empty_reply_trains_only_its_end)
{
    CONVERSATION(M(ROLE_USER, ""), M(ROLE_ASSISTANT, ""));
    start(TEMPLATE_CHATML);
    ck_assert_str_eq(render(&conv, TRAIN_ON_ASSISTANT),
                     "@<|im_start|>user\n@<|im_end|>\n@<|im_start|>assistant\n{1:@<|im_end|>}\n");
    stop();
}
END_TEST

START_TEST(weights_scale_their_message)
{
    CONVERSATION(WEIGHTED(ROLE_USER, "a", 3.0F), WEIGHTED(ROLE_ASSISTANT, "b", 0.0F),
                 WEIGHTED(ROLE_ASSISTANT, "c", 0.5F), M(ROLE_ASSISTANT, "d"));
    start(TEMPLATE_IM_SEP);
    ck_assert_str_eq(render(&conv, TRAIN_ON_ASSISTANT),
                     "@<|im_start|>user@<|im_sep|>a@<|im_end|>@<|im_start|>assistant@<|im_sep|>b@<|im_end|>"
                     "@<|im_start|>assistant@<|im_sep|>{0.5:c@<|im_end|>}"
                     "@<|im_start|>assistant@<|im_sep|>{1:d@<|im_end|>}");
    ck_assert_str_eq(
        render(&conv, TRAIN_ON_ALL),
        "@<|im_start|>{3:user@<|im_sep|>a@<|im_end|>}@<|im_start|>assistant@<|im_sep|>b@<|im_end|>"
        "{0.5:@<|im_start|>assistant@<|im_sep|>c@<|im_end|>}"
        "{1:@<|im_start|>assistant@<|im_sep|>d@<|im_end|>}");
    stop();
}
END_TEST

START_TEST(last_assistant_and_all)
{
    CONVERSATION(M(ROLE_ASSISTANT, "a"), M(ROLE_USER, "b"), M(ROLE_ASSISTANT, "c"), M(ROLE_USER, "d"));
    start(TEMPLATE_CHATML);
    ck_assert_str_eq(render(&conv, TRAIN_ON_LAST_ASSISTANT),
                     "@<|im_start|>assistant\na@<|im_end|>\n@<|im_start|>user\nb@<|im_end|>\n"
                     "@<|im_start|>assistant\n{1:c@<|im_end|>}\n@<|im_start|>user\nd@<|im_end|>\n");
    ck_assert_str_eq(render(&conv, TRAIN_ON_ALL),
                     "@<|im_start|>{1:assistant\na@<|im_end|>\n@<|im_start|>user\nb@<|im_end|>\n"
                     "@<|im_start|>assistant\nc@<|im_end|>\n@<|im_start|>user\nd@<|im_end|>\n}");
    stop();
}
END_TEST

START_TEST(custom_templates)
{
    CONVERSATION(M(ROLE_USER, "hi"), M(ROLE_TOOL, "x"), M(ROLE_ASSISTANT, "yo"));
    start_custom("<|u|>\n", "<|endoftext|>", "<|a|>", "\t<|e|>\n<|x|>");
    ck_assert_str_eq(f.tpl.name, "custom");
    ck_assert_str_eq(render(&conv, TRAIN_ON_ASSISTANT),
                     "@<|u|>\nhi@<|endoftext|>@<|u|>\nx@<|endoftext|>@<|a|>{1:yo\t@<|e|>}\n@<|x|>");
    ck_assert_uint_eq(f.tpl.tokens_added, 4); /* <|endoftext|> is there */
    ck_assert_int_eq(tokenizer_token_id(f.tok, "<|u|>"), BYTE_TOKENIZER_SIZE);
    ck_assert_int_eq(tokenizer_token_id(f.tok, "<|a|>"), BYTE_TOKENIZER_SIZE + 1);
    stop();
}
END_TEST

START_TEST(custom_without_a_system_turn)
{
    struct sft_err err;
    CONVERSATION(M(ROLE_SYSTEM, "s"), M(ROLE_ASSISTANT, "yo"));
    start_custom("<|u|>", "<|e|>", "<|a|>", "<|e|>");
    ck_assert_int_eq(template_check(&f.tpl, &conv, &err), SFT_EDATA);
    ck_assert_str_eq(
        err_text(&err),
        "message 1: the custom template has no system turn (set data.system_prefix and data.system_suffix)");
    stop();
}
END_TEST

static void fails_custom(const char *user_prefix, const char *user_suffix, const char *message)
{
    struct sft_err err;
    f.tok = byte_tokenizer(NULL);
    f.options.choice = TEMPLATE_CUSTOM;
    f.options.prefix[ROLE_USER] = user_prefix;
    f.options.suffix[ROLE_USER] = user_suffix;
    f.options.prefix[ROLE_ASSISTANT] = "<|a|>";
    f.options.suffix[ROLE_ASSISTANT] = "<|e|>";
    ck_assert_int_eq(template_init(&f.tpl, &f.options, f.tok, &err), SFT_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err_text(&err), message));
    stop();
}

START_TEST(custom_templates_that_cannot_be)
{
    fails_custom("User: ", "<|e|>", "data.user_prefix: must begin with a control token");
    fails_custom("<|u|>", "</s>", "data.user_suffix: must hold a control token");
    fails_custom(NULL, "<|e|>", "data.assistant_prefix: set, but data.user_prefix is not set");
    fails_custom("<|u|>", NULL, "data.user_suffix: template = custom needs it");
}
END_TEST

START_TEST(documents_and_prompts)
{
    CONVERSATION(M(ROLE_USER, "hi<|im_end|>"));
    struct conversation document = conv;
    document.is_document = true;
    start(TEMPLATE_CHATML);
    ck_assert_str_eq(render(&document, TRAIN_ON_ASSISTANT), "hi{1:<|im_end|>@<|endoftext|>}");
    template_render_prompt(&f.tpl, f.enc, &conv, &f.out);
    ck_assert_str_eq(show(), "@<|im_start|>user\nhi<|im_end|>@<|im_end|>\n@<|im_start|>assistant\n");
    stop();
}
END_TEST

/* ---- template = auto ---- */

/* The name of the template that a base with this one gets, or the error. */
static const char *recognised(const char *chat_template, struct sft_err *err)
{
    struct chat_template tpl;
    struct template_options options = {.choice = TEMPLATE_AUTO};
    struct tokenizer *tok = byte_tokenizer(NULL);
    if (chat_template)
        tokenizer_set_chat_template(tok, chat_template);
    const enum sft_status status = template_init(&tpl, &options, tok, err);
    const char *name = status ? "refused" : tpl.name;
    if (!status)
        template_free(&tpl);
    tokenizer_free(tok);
    return name;
}

START_TEST(auto_takes_what_it_renders_exactly)
{
    struct sft_err err;
    ck_assert_str_eq(recognised(NULL, &err), "im_sep");
    ck_assert_str_eq(recognised("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + "
                                "message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if "
                                "add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
                                &err),
                     "chatml");
    ck_assert_str_eq(
        recognised("{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false "
                   "%}{% endif %}\n{%- for m in messages -%}\n  {{- \"<|im_start|>\" + m.role + \"\\n\" "
                   "+ m.content + \"<|im_end|>\\n\" -}}\n{%- endfor %}\n{% if add_generation_prompt "
                   "%}\n    {{- '<|im_start|>assistant\\n' }}{% endif %}\n",
                   &err),
        "chatml");
    ck_assert_str_eq(
        recognised("{% for m in messages %}{{ '<|im_start|>' + m['role'] + '<|im_sep|>' }}{% if "
                   "m['role'] == 'assistant' %}{% generation %}{{ m['content'] + '<|im_end|>' }}"
                   "{% endgeneration %}{% else %}{{ m['content'] + '<|im_end|>' }}{% endif %}"
                   "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant<|im_sep|>' }}"
                   "{% endif %}",
                   &err),
        "im_sep");
}
END_TEST

#define CHATML(before, content, after)                                                                                 \
    "{% for message in messages %}" before "{{'<|im_start|>' + message['role'] + '\\n' + " content                     \
    " + '<|im_end|>' + '\\n'}}" after "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"     \
    "{% endif %}"

START_TEST(auto_takes_what_is_near_for_what_it_is)
{
    struct sft_err err;
    /* A line break after }} is rendered; white space is taken off; a default system prompt. */
    ck_assert_str_eq(recognised(CHATML("", "message['content']", "\n"), &err), "base's own");
    ck_assert_str_eq(recognised(CHATML("", "message['content'] | trim", ""), &err), "chatml");
    ck_assert_str_eq(recognised(CHATML("{% if loop.first and messages[0]['role'] != 'system' %}"
                                       "{{ '<|im_start|>system\\nYou help<|im_end|>\\n' }}{% endif %}",
                                       "message['content']", ""),
                                &err),
                     "chatml");
}
END_TEST

START_TEST(auto_refuses_what_it_cannot_render)
{
    struct sft_err err;
    static const char start[] = "template = auto: the base's own chat template is not one that sft renders exactly: ";
    /* Contents that decide, only some of them trained, turns that are counted. */
    static const char *const others[] = {
        CHATML("", "message['content'] | upper", ""),
        CHATML("", "message['content'].replace('!', '')", ""),
        CHATML("{% if message.content == 'secret' %}{% continue %}{% endif %}", "message['content']", ""),
        CHATML("{{ loop.index }}", "message['content']", ""),
        CHATML("{% if loop.index == 4 %}{% generation %}x{% endgeneration %}{% endif %}", "message['content']", ""),
        CHATML("{% if loop.last %}{{ '!' }}{% endif %}", "message['content']", ""),
        CHATML("{% if loop.index == 9 %}{{ '!' }}{% endif %}", "message['content']", ""),
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ck_assert_msg(strcmp(recognised(others[i], &err), "refused") == 0, "%s", others[i]);
        ck_assert_msg(strncmp(err_text(&err), start, strlen(start)) == 0, "%s", err_text(&err));
    }
    recognised(others[1], &err);
    static const char which[] = "as chatml, a conversation of user, assistant, user, assistant would come out "
                                "otherwise (message 1 is '!') (";
    ck_assert_msg(strncmp(err_text(&err) + strlen(start), which, strlen(which)) == 0, "%s", err_text(&err));
    struct strbuf long_one = {0}; /* not all that it could look for is tried */
    strbuf_puts(&long_one, CHATML("", "message['content']", ""));
    for (int i = 0; i < 200; i++)
        strbuf_printf(&long_one, "{%% set x = 'text %d' %%}", i);
    ck_assert_str_eq(recognised(long_one.data, &err), "refused");
    static const char many[] = "template = auto: the base's own chat template has what sft does not know: 200 strings";
    ck_assert_msg(strncmp(err_text(&err), many, strlen(many)) == 0, "%s", err_text(&err));
    strbuf_free(&long_one);
    ck_assert_str_eq(recognised("{{ messages", &err), "refused");
    ck_assert_str_eq(err_text(&err),
                     "template = auto: the base's own chat template has what sft does not know: a tag that is not "
                     "closed (choose template = im_sep, chatml, smollm2, smollm3, qwen2, qwen3, llama3, zephyr, "
                     "mistral, gemma, granite, olmo2, dialogpt or custom)");
    /* The end of an answer must be learnt. */
    static const char open_end[] = "template = auto: the base's own chat template does not close the answer that ends "
                                   "a conversation, so that a model would not learn to end one (";
    ck_assert_str_eq(recognised("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + "
                                "message['content'] }}{% if not (loop.last and message['role'] == 'assistant') %}"
                                "{{ '<|im_end|>\n' }}{% endif %}{% endfor %}"
                                "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}", &err),
                     "refused");
    ck_assert_msg(strncmp(err_text(&err), open_end, strlen(open_end)) == 0, "%s", err_text(&err));
    /* All its renderings together have a bound. */
    static const char why[] = "template = auto: the base's own chat template has what sft does not know: a program "
                              "that long (";
    ck_assert_str_eq(recognised("{% for i in range(99999) %}{% endfor %}" CHATML("", "message['content']", ""), &err),
                     "refused");
    ck_assert_msg(strncmp(err_text(&err), why, strlen(why)) == 0, "%s", err_text(&err));
}
END_TEST

/* A base without a template has been made for the format whose tokens it has. */
START_TEST(control_tokens_speak_for_a_format)
{
    static const struct {
        const char *tokens[4], *hint;
    } bases[] = {
        {{"<start_of_turn>", "<end_of_turn>"}, "gemma"},
        {{"<start_of_turn>"}, NULL},
        {{"<|im_start|>", "<|im_end|>"}, "chatml"},
        {{"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}, "llama3"},
        {{"[INST]", "[/INST]"}, "mistral"},
        {{"<|user|>", "<|assistant|>"}, NULL}, /* whose? */
        {{NULL}, NULL},
    };
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        struct chat_template tpl;
        struct sft_err err;
        struct tokenizer *tok = byte_tokenizer(NULL);
        for (size_t k = 0; k < 4 && bases[i].tokens[k]; k++)
            tokenizer_add_special(tok, bases[i].tokens[k]);
        ck_assert_int_eq(template_init(&tpl, &(struct template_options){.choice = TEMPLATE_AUTO}, tok, &err), SFT_OK);
        ck_assert_str_eq(tpl.name, "im_sep");
        ck_assert_pstr_eq(tpl.hint, bases[i].hint);
        template_free(&tpl);
        tokenizer_free(tok);
    }
}
END_TEST

START_TEST(auto_knows_its_own)
{
    struct sft_err err;
    static const char *const words[] = {TEMPLATE_CHOICES(CHOICE_WORD)};
    for (enum template_choice choice = TEMPLATE_AUTO + 1; choice < TEMPLATE_CUSTOM; choice++) {
        if (choice == TEMPLATE_SMOLLM3) /* the base's own alone */
            continue;
        start(choice);
        ck_assert_str_eq(f.tpl.name, words[choice]);
        ck_assert_str_eq(recognised(f.tpl.jinja, &err), words[choice]);
        stop();
    }
    start_custom("<|u|>'\\\n", "<|e|>", "<|a|> ", " <|e|>\n<|x|>\t");
    ck_assert_str_eq(recognised(f.tpl.jinja, &err), "base's own");
    char *edited = mem_printf("%s{{ messages | length }}", f.tpl.jinja);
    ck_assert_str_eq(recognised(edited, &err), "refused");
    free(edited);

    /* It means the same, too: what it exports again is equal. */
    struct chat_template again;
    struct template_options options = {.choice = TEMPLATE_AUTO};
    ck_assert_int_eq(template_init(&again, &options, f.tok, &err), SFT_OK);
    ck_assert_str_eq(again.jinja, f.tpl.jinja);
    ck_assert_int_eq(again.end_of_turn, f.tpl.end_of_turn);
    ck_assert_uint_eq(again.tokens_added, 0);
    template_free(&again);
    stop();
}
END_TEST

START_TEST(jinja_equals_the_golden_files)
{
    static const struct {
        enum template_choice choice;
        const char *path;
    } golden[] = {{TEMPLATE_IM_SEP, "tests/golden/template_im_sep.jinja"},
                  {TEMPLATE_CHATML, "tests/golden/template_chatml.jinja"}};
    struct sft_err err;
    for (size_t i = 0; i < 2; i++) {
        struct strbuf text = {0};
        ck_assert_msg(io_read(golden[i].path, &text, &err) == SFT_OK, "%s", err_text(&err));
        start(golden[i].choice);
        ck_assert_str_eq(f.tpl.jinja, text.data);
        stop();
        strbuf_free(&text);
    }
}
END_TEST

/* ---- render, then parse back ---- */

/* What the control tokens say alone: between start and separator (or line break) a role, up to the end its content;
 * trained are the assistant's content, by its weight, and its end. */
static void parse_back(bool is_chatml, const struct conversation *conv)
{
    const int32_t *ids = f.out.tokens.ids, start_id = tokenizer_token_id(f.tok, "<|im_start|>"),
                  sep_id = tokenizer_token_id(f.tok, "<|im_sep|>"),
                  end_id = tokenizer_token_id(f.tok, "<|im_end|>");
    size_t t = 0;
    for (size_t m = 0; m < conv->count; m++) {
        const struct message *message = &conv->messages[m];
        const float weight = message->role == ROLE_ASSISTANT ? message->weight : 0.0F;
        struct strbuf head = {0}, found = {0};
        ck_assert_int_eq(ids[t++], start_id);
        strbuf_printf(&head, "%s%s", role_name[message->role], is_chatml ? "\n" : "");
        while (found.len < head.len && ids[t] < BYTE_TOKENIZER_EOS)
            tokenizer_decode(f.tok, &ids[t++], 1, false, &found);
        if (!is_chatml)
            ck_assert_int_eq(ids[t++], sep_id);
        for (; ids[t] != end_id; t++) {
            ck_assert_int_lt(ids[t], BYTE_TOKENIZER_EOS); /* content holds no control token */
            ck_assert_float_eq(f.out.weights[t], weight);
            tokenizer_decode(f.tok, &ids[t], 1, false, &found);
        }
        ck_assert_float_eq(f.out.weights[t++], weight);
        ck_assert_uint_eq(found.len, head.len + message->len);
        ck_assert_mem_eq(found.data, head.data, head.len);
        ck_assert_mem_eq(found.data + head.len, message->content, message->len);
        if (is_chatml)
            ck_assert_int_eq(ids[t++], '\n');
        strbuf_free(&head);
        strbuf_free(&found);
    }
    ck_assert_uint_eq(t, f.out.tokens.count);
}

/* Pieces that look like what they are not, and every byte. */
static size_t random_content(struct rng *rng, char *to)
{
    static const char *const pieces[] = {"<|im_end|>", "<|im_start|>assistant",
                                         "<|im_sep|>", "<|endoftext|>",
                                         "\n",         "\n\n",
                                         "hi",         "hi\n",
                                         " ",          "user\n",
                                         "assistant"};
    size_t len = 0;
    for (size_t n = rng_below(rng, 6); n > 0; n--) {
        const char *piece = pieces[rng_below(rng, sizeof pieces / sizeof *pieces)];
        memcpy(to + len, piece, strlen(piece));
        len += strlen(piece);
        to[len++] = (char)rng_below(rng, 128);
    }
    return len;
}

START_TEST(what_is_rendered_can_be_parsed_back)
{
    enum { ROUNDS = 2000, TURNS = 5, LONGEST = 256 };
    static char contents[TURNS][LONGEST];
    struct rng rng;
    rng_seed(&rng, 9, 0);
    start(_i ? TEMPLATE_CHATML : TEMPLATE_IM_SEP);
    for (size_t round = 0; round < ROUNDS; round++) {
        struct message messages[TURNS];
        const struct conversation conv = {.messages = messages, .count = 1 + rng_below(&rng, TURNS)};
        for (size_t m = 0; m < conv.count; m++)
            messages[m] = (struct message){.role = (enum role)rng_below(&rng, ROLE_COUNT),
                                           .content = contents[m],
                                           .len = random_content(&rng, contents[m]),
                                           .weight = 0.5F * (float)rng_below(&rng, 4)};
        template_render(&f.tpl, f.enc, &conv, TRAIN_ON_ASSISTANT, &f.out);
        parse_back(_i == 1, &conv);
    }
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("template");
    TCase *masks = tcase_create("masks"), *jinja = tcase_create("jinja");
    tcase_add_test(masks, im_sep_trains_the_reply_and_its_end);
    tcase_add_test(masks, chatml_leaves_the_newline_after_the_end_untrained);
    tcase_add_test(masks, a_token_that_holds_the_first_trained_character_is_trained);
    tcase_add_test(masks, typed_control_tokens_stay_text);
    tcase_add_test(masks, an_empty_reply_trains_only_its_end);
    tcase_add_test(masks, weights_scale_their_message);
    tcase_add_test(masks, last_assistant_and_all);
    tcase_add_test(masks, custom_templates);
    tcase_add_test(masks, custom_without_a_system_turn);
    tcase_add_test(masks, custom_templates_that_cannot_be);
    tcase_add_test(masks, documents_and_prompts);
    tcase_add_test(jinja, auto_takes_what_it_renders_exactly);
    tcase_add_test(jinja, auto_takes_what_is_near_for_what_it_is);
    tcase_add_test(jinja, auto_refuses_what_it_cannot_render);
    tcase_add_test(jinja, control_tokens_speak_for_a_format);
    tcase_add_test(jinja, auto_knows_its_own);
    tcase_add_test(jinja, jinja_equals_the_golden_files);
    tcase_add_loop_test(masks, what_is_rendered_can_be_parsed_back, 0, 2);
    suite_add_tcase(suite, masks);
    suite_add_tcase(suite, jinja);
    return run_suite(suite);
}
