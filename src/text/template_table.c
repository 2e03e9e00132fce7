#include "text/template_table.h"

#include <string.h>

/* ---- what rows share ---- */

/* An affix; its pieces are found later. */
#define TEXT(string)              {.text = string}
#define SAME_FOR_EVERY_ROLE(string) {TEXT(string), TEXT(string), TEXT(string), TEXT(string)}

#define CHATML_PREFIXES                                                                                                \
    [ROLE_SYSTEM] = TEXT("<|im_start|>system\n"), [ROLE_USER] = TEXT("<|im_start|>user\n"),                            \
    [ROLE_ASSISTANT] = TEXT("<|im_start|>assistant\n")
#define CHATML_SUFFIXES                                                                                                \
    [ROLE_SYSTEM] = TEXT("<|im_end|>\n"), [ROLE_USER] = TEXT("<|im_end|>\n"), [ROLE_ASSISTANT] = TEXT("<|im_end|>\n")

/* ChatML in which tools answer within a user's turn. */
#define QWEN                                                                                                           \
    .prefix = {CHATML_PREFIXES, [ROLE_TOOL] = TEXT("<|im_start|>user\n<tool_response>\n")},                            \
    .suffix = {CHATML_SUFFIXES, [ROLE_TOOL] = TEXT("\n</tool_response><|im_end|>\n")},                                 \
    .tool_join = TEXT("\n</tool_response>\n<tool_response>\n")
#define QWEN_THINK .think_open = TEXT("<think>\n"), .think_close = TEXT("\n</think>\n\n")

#define HEADER(role) TEXT("<|start_header_id|>" role "<|end_header_id|>\n\n")
#define GRANITE(role) TEXT("<|start_of_role|>" role "<|end_of_role|>")

/* ---- the rows ---- */

static const struct template_row rows[] = {
    {.choice = TEMPLATE_IM_SEP,
     .starts_as_text = true,
     .format = {.prefix = {[ROLE_SYSTEM] = TEXT("<|im_start|>system<|im_sep|>"),
                           [ROLE_USER] = TEXT("<|im_start|>user<|im_sep|>"),
                           [ROLE_ASSISTANT] = TEXT("<|im_start|>assistant<|im_sep|>"),
                           [ROLE_TOOL] = TEXT("<|im_start|>tool<|im_sep|>")},
                .suffix = SAME_FOR_EVERY_ROLE("<|im_end|>")}},
    {.choice = TEMPLATE_SMOLLM2,
     .format = {.prefix = {CHATML_PREFIXES, [ROLE_TOOL] = TEXT("<|im_start|>tool\n")},
                .suffix = {CHATML_SUFFIXES, [ROLE_TOOL] = TEXT("<|im_end|>\n")},
                .default_system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"}},
    {.choice = TEMPLATE_CHATML,
     .starts_as_text = true,
     .any_default = true,
     .format = {.prefix = {CHATML_PREFIXES, [ROLE_TOOL] = TEXT("<|im_start|>tool\n")},
                .suffix = {CHATML_SUFFIXES, [ROLE_TOOL] = TEXT("<|im_end|>\n")}}},
    {.choice = TEMPLATE_SMOLLM3,
     .any_default = true,
     .only_from_base = true,
     .format = {.prefix = {CHATML_PREFIXES, [ROLE_TOOL] = TEXT("<|im_start|>user\n")},
                .suffix = {CHATML_SUFFIXES, [ROLE_TOOL] = TEXT("<|im_end|>\n")},
                .trim = {[ROLE_ASSISTANT] = TRIM_BREAKS},
                .system_first_only = true,
                .modes = {{.word = "/think"}, {.word = "/no_think", .opened = TEXT("<think>\n\n</think>\n")}},
                .refused_word = "/system_override"}},
    {.choice = TEMPLATE_QWEN2,
     .format = {QWEN, .default_system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."}},
    {.choice = TEMPLATE_QWEN3, .format = {QWEN, QWEN_THINK, .think = THINK_LAST}},
    {.choice = TEMPLATE_QWEN3, .format = {QWEN, QWEN_THINK, .think = THINK_ALL}}, /* TRL's, for training */
    {.choice = TEMPLATE_QWEN3, .format = {QWEN}},                                 /* Instruct-2507: it does not think */
    {.choice = TEMPLATE_QWEN2, .any_default = true, .format = {QWEN}},
    {.choice = TEMPLATE_LLAMA3,
     .any_default = true,
     .format = {.start = TEXT(BOS_TOKEN),
                .prefix = {HEADER("system"), HEADER("user"), HEADER("assistant"), HEADER("tool")},
                .suffix = SAME_FOR_EVERY_ROLE("<|eot_id|>"),
                .trim = {TRIM_WHITE, TRIM_WHITE, TRIM_WHITE, TRIM_WHITE}}},
    {.choice = TEMPLATE_ZEPHYR,
     .openers_are_text = true,
     .format = {.prefix = {[ROLE_SYSTEM] = TEXT("<|system|>\n"),
                           [ROLE_USER] = TEXT("<|user|>\n"),
                           [ROLE_ASSISTANT] = TEXT("<|assistant|>\n")},
                .suffix = {[ROLE_SYSTEM] = TEXT(EOS_TOKEN "\n"),
                           [ROLE_USER] = TEXT(EOS_TOKEN "\n"),
                           [ROLE_ASSISTANT] = TEXT(EOS_TOKEN "\n")}}},
    /* Mistral's, four times: with a system message and blanks around; 0.3's, which shows it to the last question only;
     * the two of 2023. */
    {.choice = TEMPLATE_MISTRAL,
     .format = {.start = TEXT(BOS_TOKEN),
                .prefix = {[ROLE_USER] = TEXT(" [INST] "), [ROLE_ASSISTANT] = TEXT(" ")},
                .suffix = {[ROLE_USER] = TEXT(" [/INST]"), [ROLE_ASSISTANT] = TEXT(EOS_TOKEN)},
                .system_place = SYSTEM_IN_FIRST_USER,
                .fold_after = TEXT("\n\n"),
                .alternates = true}},
    {.choice = TEMPLATE_MISTRAL,
     .format = {.start = TEXT(BOS_TOKEN),
                .prefix = {[ROLE_USER] = TEXT("[INST] "), [ROLE_ASSISTANT] = TEXT(" ")},
                .suffix = {[ROLE_USER] = TEXT("[/INST]"), [ROLE_ASSISTANT] = TEXT(EOS_TOKEN)},
                .system_place = SYSTEM_IN_LAST_USER,
                .fold_after = TEXT("\n\n"),
                .alternates = true}},
    {.choice = TEMPLATE_MISTRAL,
     .format = {.start = TEXT(BOS_TOKEN),
                .prefix = {[ROLE_USER] = TEXT("[INST] "), [ROLE_ASSISTANT] = TEXT("")},
                .suffix = {[ROLE_USER] = TEXT(" [/INST]"), [ROLE_ASSISTANT] = TEXT(EOS_TOKEN)},
                .alternates = true}},
    {.choice = TEMPLATE_MISTRAL,
     .format = {.start = TEXT(BOS_TOKEN),
                .prefix = {[ROLE_USER] = TEXT("[INST] "), [ROLE_ASSISTANT] = TEXT("")},
                .suffix = {[ROLE_USER] = TEXT(" [/INST]"), [ROLE_ASSISTANT] = TEXT(EOS_TOKEN " ")},
                .alternates = true}},
    {.choice = TEMPLATE_GEMMA,
     .tokens = {"<start_of_turn>", "<end_of_turn>"},
     .format = {.start = TEXT(BOS_TOKEN),
                .prefix = {[ROLE_USER] = TEXT("<start_of_turn>user\n"),
                           [ROLE_ASSISTANT] = TEXT("<start_of_turn>model\n")},
                .suffix = {[ROLE_USER] = TEXT("<end_of_turn>\n"), [ROLE_ASSISTANT] = TEXT("<end_of_turn>\n")},
                .trim = {[ROLE_USER] = TRIM_WHITE, [ROLE_ASSISTANT] = TRIM_WHITE},
                .system_place = SYSTEM_IN_FIRST_USER,
                .fold_after = TEXT("\n\n"),
                .alternates = true}},
    {.choice = TEMPLATE_GRANITE,
     .any_default = true,
     .format = {.prefix = {GRANITE("system"), GRANITE("user"), GRANITE("assistant"), GRANITE("tool")},
                .suffix = SAME_FOR_EVERY_ROLE("<|end_of_text|>\n")}},
    {.choice = TEMPLATE_OLMO2,
     .openers_are_text = true,
     .format = {.start = TEXT(BOS_TOKEN),
                .prefix = {[ROLE_SYSTEM] = TEXT("<|system|>\n"),
                           [ROLE_USER] = TEXT("<|user|>\n"),
                           [ROLE_ASSISTANT] = TEXT("<|assistant|>\n")},
                .suffix = {[ROLE_SYSTEM] = TEXT("\n"), [ROLE_USER] = TEXT("\n"), [ROLE_ASSISTANT] = TEXT(EOS_TOKEN)},
                .after = TEXT("\n"),
                .after_last = TEXT("")}},
    /* microsoft/DialoGPT's, and transformers' default for GPT-2 until 4.43: roles cannot be seen. */
    {.choice = TEMPLATE_DIALOGPT,
     .format = {.prefix = SAME_FOR_EVERY_ROLE(""), .suffix = SAME_FOR_EVERY_ROLE(EOS_TOKEN)}},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

/* ---- names ---- */

const char *template_choice_name(enum template_choice choice)
{
    static const char *const names[] = {TEMPLATE_CHOICES(CHOICE_WORD)};
    return names[choice];
}

void template_names(struct strbuf *out)
{
    for (enum template_choice choice = TEMPLATE_AUTO + 1; choice <= TEMPLATE_CUSTOM; choice++)
        strbuf_printf(out, "%s%s", choice == TEMPLATE_AUTO + 1 ? "" : choice < TEMPLATE_CUSTOM ? ", " : " or ",
                      template_choice_name(choice));
}

/* ---- rows ---- */

const struct template_row *template_row_at(size_t i)
{
    return i < N_ROWS ? &rows[i] : NULL;
}

const struct template_row *template_row_of(enum template_choice choice)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (rows[i].choice == choice)
            return &rows[i];
    SFT_BUG("a template without a row");
}

/* The text with `token`, if there is one, where `mark` stands. */
static const char *with_token(const char *text, const char *mark, const char *token, struct arena *arena)
{
    const char *at = token ? strstr(text, mark) : NULL;
    return at ? arena_printf(arena, "%.*s%s%s", (int)(at - text), text, token, at + strlen(mark)) : text;
}

bool template_row_format(const struct template_row *row, const char *bos, const char *eos, struct arena *arena,
                         struct chat_format *format)
{
    struct affix *affixes[CHAT_AFFIXES];
    *format = row->format;
    chat_format_affixes(format, affixes);
    for (size_t i = 0; i < CHAT_AFFIXES; i++) {
        const char *text = affixes[i]->text;
        if (!text)
            continue;
        if (!eos && strstr(text, EOS_TOKEN))
            return false;
        affixes[i]->text = with_token(with_token(text, BOS_TOKEN, bos ? bos : "", arena), EOS_TOKEN, eos, arena);
    }
    return true;
}
