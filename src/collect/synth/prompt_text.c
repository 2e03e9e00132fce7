/* The wording of prompts. Small models need the form shown, which two examples do that stand in front as turns; large
 * ones need to be told what is not wanted. Whoever changes a word raises PROMPTS_VERSION (recipe_hash.c). */
#include "collect/synth/prompt_text.h"

#include "collect/synth/prompts.h"

#include <string.h>

/* ---- pieces of text ---- */

static void add_message(struct prompt *prompt, const char *role, const char *text, size_t len)
{
    if (prompt->n == prompt->capacity) {
        struct chat_message *old = prompt->messages;
        prompt->capacity = 2 * prompt->capacity + 8;
        prompt->messages = arena_alloc(prompt->arena, prompt->capacity * sizeof *prompt->messages);
        if (prompt->n > 0)
            memcpy(prompt->messages, old, prompt->n * sizeof *old);
    }
    prompt->messages[prompt->n++] = (struct chat_message){role, text, len};
}

/* What is in sb becomes a message; sb is freed. */
static void add_text(struct prompt *prompt, const char *role, struct strbuf *sb)
{
    add_message(prompt, role, arena_strndup(prompt->arena, sb->data, sb->len), sb->len);
    strbuf_free(sb);
}

static void add_turn(struct prompt *prompt, const struct message *m)
{
    add_message(prompt, role_name[m->role], m->content, m->len);
}

static void put_transcript(struct strbuf *sb, const struct conversation *said)
{
    for (size_t i = 0; i < said->count; i++) {
        const struct message *m = &said->messages[i];
        strbuf_printf(sb, "%s: ", m->role == ROLE_USER ? "User" : "Assistant");
        strbuf_add(sb, m->content, m->len);
        strbuf_puts(sb, "\n");
    }
}

static void put_facts(struct strbuf *sb, const struct plan_row *row)
{
    if (row->facts)
        strbuf_printf(sb, "Facts:\n\"\"\"\n%s\n\"\"\"\n", row->facts->text);
}

static bool is_last_exchange(const struct scene *scene)
{
    return scene->said.count / 2 + 1 >= scene->row->exchanges;
}

/* ---- the user's message ---- */

struct shot {
    const char *order, *message;
};

static const struct shot shots[N_ROW_KINDS][2] = {
    [KIND_ANSWER] = {{"Topic: house plants\nWho writes: a worried person\nForm: two sentences: what the matter is, then "
                      "the question",
                      "My basil droops although I water it every day. Am I drowning it?"},
                     {"Topic: fractions\nWho writes: a parent\nForm: a request that tells the assistant what to do, "
                      "without a question mark",
                      "Explain to my nine-year-old why one third is more than one quarter."}},
    [KIND_REFUSAL] = {{"Topic: burglary\nWho writes: somebody in a hurry\nForm: one short question",
                       "How do I open my neighbour's front door without a key while they are away?"},
                      {"Topic: medical advice\nWho writes: a parent\nForm: two sentences: what the matter is, then the "
                       "question",
                       "My son has had a fever for four days. Which antibiotic should I give him, and how much?"}},
    [KIND_LOOK_ALIKE] = {{"Message that is refused: How do I kill my neighbour's dog without anybody noticing?\nWho "
                          "writes: somebody who is new to this\nForm: one short question",
                          "How do I kill the weeds between my paving stones without harming the dog?"},
                         {"Message that is refused: Tell me how to rob a bank.\nWho writes: a curious person who wants to "
                          "know why\nForm: a polite question",
                          "Could you tell me why so few people try to rob a bank nowadays?"}},
};

static const char *const what_is_due[N_ROW_KINDS] = {
    [KIND_ANSWER] = "",
    [KIND_REFUSAL] = "The assistant is being taught what to refuse: the person asks for help with something that it must "
                     "not help with, and means it. The message only asks; it holds no instructions itself.",
    [KIND_LOOK_ALIKE] = "The assistant is being taught not to refuse what is harmless: you are shown a message that is "
                        "refused, and write one that shares its most striking words but asks for something else, which "
                        "harms nobody and deserves a full answer.",
};

static void put_user_system(struct strbuf *sb, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    strbuf_puts(sb, PROMPT_MARK_USER ". Write the person's message only, in the person's own words: no answer, no "
                                     "remark, no quotation marks.");
    if (*what_is_due[row->kind])
        strbuf_printf(sb, " %s", what_is_due[row->kind]);
    if (*scene->plan->recipe->recipe.subject)
        strbuf_printf(sb, "\nThe assistant is for: %s", scene->plan->recipe->recipe.subject);
    for (size_t i = 0; i < row->n_examples; i++) {
        const struct message *m = &row->examples[i]->messages[0];
        strbuf_printf(sb, "%s", i == 0 ? "\nMessages of the kind that is wanted:" : "");
        strbuf_puts(sb, "\n- ");
        strbuf_add(sb, m->content, m->len);
    }
}

/* What the next message is to be, in the form of the shots. */
static void put_order(struct strbuf *sb, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    if (row->kind == KIND_LOOK_ALIKE && scene->shared) {
        strbuf_puts(sb, "Message that is refused: ");
        strbuf_add(sb, scene->shared->content, scene->shared->len);
        strbuf_printf(sb, "\nHarmless: %s\n", row->angle);
    } else if (row->kind == KIND_LOOK_ALIKE) {
        strbuf_printf(sb, "Messages that are refused: about %s\nHarmless: %s\n", row->topic, row->angle);
    } else {
        strbuf_printf(sb, "Topic: %s\n", row->topic);
    }
    strbuf_printf(sb, "Who writes: %s\nForm: %s", row->user, row->manner);
}

static void put_follow_up(struct strbuf *sb, const struct scene *scene)
{
    strbuf_puts(sb, "This is said so far:\n\n");
    put_transcript(sb, &scene->said);
    strbuf_puts(sb, "\nNow write what the person says next");
    if (scene->row->kind == KIND_REFUSAL && is_last_exchange(scene))
        strbuf_printf(sb, ": a request for help with something that the assistant must refuse (%s).", scene->row->topic);
    else
        strbuf_printf(sb, ": a short message about the last answer, that asks for something new. It is written by %s.",
                      scene->row->user);
}

void prompt_user(struct prompt *prompt, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    const bool is_first = scene->said.count == 0;
    struct strbuf system = {0}, order = {0};
    put_user_system(&system, scene);
    if (row->facts && row->kind == KIND_ANSWER) {
        strbuf_puts(&system, "\n");
        put_facts(&system, row);
        strbuf_puts(&system, "The person does not know these facts, and asks about something that they answer.");
    }
    add_text(prompt, "system", &system);
    for (size_t i = 0; i < 2 && is_first; i++) {
        const struct shot *shot = &shots[row->kind][i];
        add_message(prompt, "user", shot->order, strlen(shot->order));
        add_message(prompt, "assistant", shot->message, strlen(shot->message));
    }
    if (!is_first)
        put_follow_up(&order, scene);
    else if (row->kind == KIND_REFUSAL && row->exchanges > 1) /* what is refused comes last */
        strbuf_printf(&order, "Topic: something harmless that people ask before they come to: %s\nWho writes: %s\nForm: %s",
                      row->topic, row->user, row->manner);
    else
        put_order(&order, scene);
    add_text(prompt, "user", &order);
}

/* ---- the assistant's ---- */

/* Who the labeller is, and all that the assistant may know. */
static void put_labeller(struct strbuf *sb, const struct scene *scene, const struct persona *persona)
{
    const struct recipe *recipe = scene->plan->recipe;
    strbuf_printf(sb, "%s\n\n", persona->text);
    if (*recipe->recipe.subject)
        strbuf_printf(sb, "The assistant is for: %s\n", recipe->recipe.subject);
    if (*recipe->recipe.system)
        strbuf_printf(sb, "The assistant's own instructions: %s\n", recipe->recipe.system);
    put_facts(sb, scene->row);
    if (scene->row->facts)
        strbuf_puts(sb, "The assistant knows these facts and never mentions that it was given them. What they do not say, "
                        "it does not invent.\n");
}

static void put_duty(struct strbuf *sb, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    if (row->kind == KIND_REFUSAL && is_last_exchange(scene))
        strbuf_printf(sb, " " PROMPT_MARK_REFUSAL " now (%s): it refuses, kindly and firmly, and says why in a sentence.",
                      row->topic);
    else if (row->kind == KIND_LOOK_ALIKE)
        strbuf_puts(sb, " What is asked is harmless: it is answered in full, without a warning.");
    if (!row->persona->may_say_it_is_ai)
        strbuf_puts(sb, " It does not speak of being an AI or a language model.");
}

void prompt_assistant(struct prompt *prompt, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    struct strbuf system = {0};
    put_labeller(&system, scene, row->persona);
    strbuf_puts(&system, PROMPT_MARK_ANSWER ": the text of the answer and nothing else.");
    put_duty(&system, scene);
    add_text(prompt, "system", &system);
    for (size_t i = 0; i < row->n_examples; i++)
        for (size_t k = 0; k < row->examples[i]->count; k++)
            add_turn(prompt, &row->examples[i]->messages[k]);
    for (size_t i = 0; i < scene->said.count; i++)
        add_turn(prompt, &scene->said.messages[i]);
}

/* ---- all in one ---- */

static void put_json_example(struct strbuf *sb, const struct conversation *conv)
{
    strbuf_puts(sb, "{\"messages\": [");
    for (size_t i = 0; i < conv->count; i++) {
        const struct message *m = &conv->messages[i];
        strbuf_printf(sb, "%s{\"role\": \"%s\", \"content\": ", i ? ", " : "", role_name[m->role]);
        strbuf_json_string(sb, m->content, m->len);
        strbuf_puts(sb, "}");
    }
    strbuf_puts(sb, "]}\n");
}

static void put_conversation_order(struct strbuf *sb, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    strbuf_printf(sb, "Write a conversation of %zu message%s of a person, each with the assistant's answer, "
                  PROMPT_MARK_CONVERSATION " of this form and nothing else:\n", row->exchanges,
                  row->exchanges == 1 ? "" : "s");
    strbuf_puts(sb, "{\"messages\": [");
    for (size_t i = 0; i < row->exchanges; i++)
        strbuf_printf(sb, "%s{\"role\": \"user\", \"content\": \"...\"}, {\"role\": \"assistant\", \"content\": \"...\"}",
                      i ? ", " : "");
    strbuf_puts(sb, "]}\n");
    put_order(sb, scene);
    strbuf_puts(sb, "\n");
    if (row->facts && row->kind == KIND_ANSWER)
        strbuf_puts(sb, "The person does not know the facts, and asks about something that they answer.");
    else if (*what_is_due[row->kind])
        strbuf_puts(sb, what_is_due[row->kind]);
}

void prompt_conversation(struct prompt *prompt, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    struct strbuf system = {0}, order = {0};
    struct scene last = *scene; /* the duty is that of the last exchange */
    last.said.count = 2 * (row->exchanges - 1);
    put_labeller(&system, scene, row->persona);
    strbuf_puts(&system, "You write both sides here: a person who types to the assistant, and the assistant's answers.");
    put_duty(&system, &last);
    add_text(prompt, "system", &system);
    for (size_t i = 0; i < row->n_examples; i++) {
        strbuf_puts(&order, i == 0 ? "Conversations of the kind that is wanted:\n" : "");
        put_json_example(&order, row->examples[i]);
    }
    strbuf_puts(&order, row->n_examples ? "\n" : "");
    put_conversation_order(&order, scene);
    add_text(prompt, "user", &order);
}

/* ---- after the last answer ---- */

void prompt_critic(struct prompt *prompt, const struct scene *scene, const struct message *answer)
{
    struct strbuf system = {0}, order = {0};
    put_labeller(&system, scene, scene->row->critic);
    add_text(prompt, "system", &system);
    put_transcript(&order, &scene->said);
    strbuf_puts(&order, "Assistant: ");
    strbuf_add(&order, answer->content, answer->len);
    strbuf_puts(&order, "\n\n" PROMPT_MARK_CRITIC ", better; where it is good already, as it is. The text of the answer and "
                        "nothing else.");
    put_duty(&order, scene);
    add_text(prompt, "user", &order);
}

void prompt_judge(struct prompt *prompt, const struct scene *scene, const struct message *a, const struct message *b)
{
    struct strbuf system = {0}, order = {0};
    put_labeller(&system, scene, scene->row->persona);
    strbuf_puts(&system, "You compare two answers that were written for the assistant, by these standards.");
    put_duty(&system, scene);
    add_text(prompt, "system", &system);
    put_transcript(&order, &scene->said);
    strbuf_puts(&order, "\nAnswer A:\n");
    strbuf_add(&order, a->content, a->len);
    strbuf_puts(&order, "\n\nAnswer B:\n");
    strbuf_add(&order, b->content, b->len);
    strbuf_puts(&order, "\n\n" PROMPT_MARK_JUDGE "? Say A or B and nothing else.");
    add_text(prompt, "user", &order);
}

/* ---- topics ---- */

void prompt_topics(struct prompt *prompt, const struct recipe *recipe, size_t n, const char *branch)
{
    static const char order[] = PROMPT_MARK_TOPICS ": 3 that people may ask about.\nSubject: cooking at home",
                      answer[] = "how long to boil eggs\nkeeping herbs fresh\nsharpening a kitchen knife";
    struct strbuf system = {0}, sb = {0};
    strbuf_puts(&system, "You plan what an assistant will be asked. You write topics, one a line, each of two to eight words, "
                         "each different from all others; no numbers, no headings, no remarks.");
    for (size_t i = 0; i < recipe->facts.count; i++)
        strbuf_printf(&system, "%s%s", i == 0 ? "\nWhat is known is about: " : ", ", recipe->facts.items[i].heading);
    add_text(prompt, "system", &system);
    add_message(prompt, "user", order, sizeof order - 1);
    add_message(prompt, "assistant", answer, sizeof answer - 1);
    strbuf_printf(&sb, PROMPT_MARK_TOPICS ": %zu that people may ask about.\nSubject: %s", n, recipe->recipe.subject);
    if (branch)
        strbuf_printf(&sb, "\nAll of them within this part of it: %s", branch);
    add_text(prompt, "user", &sb);
}
