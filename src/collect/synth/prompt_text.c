/* The wording of prompts, tried on a model of 135 million parameters. Small models need the form shown, which examples
 * do that stand in front as turns; large ones need to be told what is not wanted. Whoever changes a word raises
 * PROMPTS_VERSION (recipe_hash.c). */
#include "collect/synth/prompt_text.h"

#include "collect/synth/prompt_marks.h"
#include "collect/synth/words.h"

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

/* Without Markdown's marks of headings, which a small model would repeat. */
static void put_facts(struct strbuf *sb, const struct plan_row *row)
{
    if (!row->facts)
        return;
    strbuf_puts(sb, "Facts:\n");
    for (const char *line = row->facts->text; *line;) {
        const size_t len = strcspn(line, "\n"), marks = strspn(line, "#");
        const size_t skipped = marks > 0 && line[marks] == ' ' ? marks + 1 : 0;
        strbuf_add(sb, line + skipped, len - skipped);
        strbuf_putc(sb, '\n');
        line += len + (line[len] == '\n');
    }
    strbuf_putc(sb, '\n');
}

static bool is_last_exchange(const struct scene *scene)
{
    return scene->said.count / 2 + 1 >= scene->row->exchanges;
}

/* ---- the user's message ---- */

enum { N_SHOTS = 3 };
struct shot {
    const char *order, *message;
};

/* Ours: a question it is that a small model writes; asked for a message, it answers. */
static const struct shot shots[N_ROW_KINDS][N_SHOTS] = {
    [KIND_ANSWER] = {{"Write a question about: watering house plants",
                      "My basil droops although I water it every day. Am I drowning it?"},
                     {"Write a question about: mending a flat bicycle tyre", "How do I patch a flat tyre?"},
                     {"Write a question about: why bread rises",
                      "Why doesn't my dough rise when the kitchen is cold?"}},
    [KIND_REFUSAL] = {{"Write a question about: burglary",
                       "How do I open my neighbour's front door without a key while they are away?"},
                      {"Write a question about: medical advice",
                       "My son has had a fever for four days. Which antibiotic should I give him, and how much?"},
                      {"Write a question about: tax fraud",
                       "How much can I leave out of my tax return before anybody notices?"}},
    [KIND_LOOK_ALIKE] = {{"Write a harmless question with these words: kill, neighbour, dog",
                          "How do I kill the weeds on my terrace without harming the neighbour's dog?"},
                         {"Write a harmless question with these words: rob, bank",
                          "Could you tell me why so few people try to rob a bank nowadays?"},
                         {"Write a harmless question with these words: poison",
                          "Which mushrooms in the woods could poison my children?"}},
};
static const struct shot next_shots[] = {
    {"The answer was: Pour the water away and let the soil dry for three days.\nWrite the next question.",
     "How do I know that it is dry enough?"},
    {"The answer was: Take off the tyre, find the hole and glue a patch on it.\nWrite the next question.",
     "How long must the glue dry?"},
};

/* All of them, another one last each time: that one is copied most. */
static void add_shots(struct prompt *prompt, const struct shot *list, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        const struct shot *shot = &list[(seed + i) % n];
        add_message(prompt, "user", shot->order, strlen(shot->order));
        add_message(prompt, "assistant", shot->message, strlen(shot->message));
    }
}

static const char refusal_is_due[] =
    "The assistant is being taught what to refuse: the person asks for help with something "
    "that it must not help with, and means it. The question itself holds no instructions.";
static const char harmless_is_due[] =
    "The assistant is being taught not to refuse what is harmless: the question has words "
    "of one that must be refused, but asks for something else, which harms nobody and "
    "deserves a full answer.";

static void put_kind(struct strbuf *sb, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    if (row->kind == KIND_REFUSAL && is_last_exchange(scene))
        strbuf_printf(sb, " %s", refusal_is_due);
    if (row->kind != KIND_LOOK_ALIKE)
        return;
    strbuf_printf(sb, " %s It is %s.", harmless_is_due, row->angle);
    if (scene->shared) {
        strbuf_puts(sb, "\nThe one that must be refused: ");
        strbuf_add(sb, scene->shared->content, scene->shared->len);
    }
}

static void put_style(struct strbuf *sb, const struct plan_row *row)
{
    for (size_t i = 0; i < row->n_examples; i++) {
        const struct message *m = &row->examples[i]->messages[0];
        strbuf_puts(sb, i == 0 ? "\nMessages of the kind that is wanted:\n- " : "\n- ");
        strbuf_add(sb, m->content, m->len);
    }
    strbuf_printf(sb, "\nThe person: %s", row->user);
}

static void put_user_system(struct strbuf *sb, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    const bool is_first = scene->said.count == 0;
    strbuf_puts(sb, PROMPT_MARK_USER
                ". Write the person's message only, in the person's own words: no answer, no remark, no "
                "quotation marks.");
    put_kind(sb, scene);
    if (*scene->plan->recipe->recipe.subject)
        strbuf_printf(sb, "\nThe assistant is for: %s", scene->plan->recipe->recipe.subject);
    put_style(sb, row);
    if (is_first) /* a small model takes it from here; in the order it would take it for the topic */
        strbuf_printf(sb, "\nForm: %s", row->manner);
    if (row->facts && row->kind == KIND_ANSWER) {
        strbuf_puts(sb, "\n");
        put_facts(sb, row);
        strbuf_puts(sb, "The person does not know these facts, and asks about something that they answer.");
    }
    if (!is_first) {
        strbuf_puts(sb, "\nThis is said so far:\n");
        put_transcript(sb, &scene->said);
    }
}

/* ---- the words that a look-alike shares ---- */

static bool is_common(const char *word, size_t len)
{
    static const char *const common[] = {"about", "after",   "also",   "before", "could", "does",     "from",    "give",
                                         "have",  "help",    "into",   "know",   "like",  "make",     "more",    "most",
                                         "must",  "need",    "please", "should", "some",  "somebody", "someone", "take",
                                         "tell",  "than",    "that",   "their",  "them",  "then",     "there",   "they",
                                         "this",  "want",    "what",   "when",   "where", "which",    "while",   "will",
                                         "with",  "without", "would",  "write",  "your"};
    return str_is_one_of(word, len, common, sizeof common / sizeof *common);
}

/* Letters only; n_chars: how many. */
static bool is_plain(const struct word_reader *word, size_t *n_chars)
{
    *n_chars = 0;
    for (size_t i = 0; i < word->len; i++) {
        if (word->word[i] == '\'' || (word->word[i] >= '0' && word->word[i] <= '9'))
            return false;
        *n_chars += ((unsigned char)word->word[i] & 0xC0) != 0x80;
    }
    return true;
}

/* "open, battery, knife": words of four letters and more that say something; false where there is none. */
static bool put_words(struct strbuf *sb, const char *text, size_t len)
{
    enum { SHORTEST = 4, LONGEST = 24, MOST = 4 };
    struct word_reader word = words_of(text, len);
    size_t found = 0, n_chars;
    while (found < MOST && words_next(&word)) {
        if (!is_plain(&word, &n_chars) || n_chars < SHORTEST || n_chars > LONGEST || is_common(word.word, word.len))
            continue;
        strbuf_puts(sb, found++ ? ", " : "");
        strbuf_add(sb, word.word, word.len);
    }
    return found > 0;
}

/* ---- the order ---- */

static bool is_stand_in(const struct message *shared)
{
    return shared && shared->len == strlen(PROMPT_STAND_IN) &&
           memcmp(shared->content, PROMPT_STAND_IN, shared->len) == 0;
}

static void put_order(struct strbuf *sb, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    if (row->kind != KIND_LOOK_ALIKE) {
        strbuf_printf(sb, "Write a question about: %s", row->topic);
        return;
    }
    strbuf_puts(sb, "Write a harmless question with these words: ");
    if (is_stand_in(scene->shared))
        strbuf_puts(sb, "[words of the refusal's question]");
    else if (!scene->shared || !put_words(sb, scene->shared->content, scene->shared->len))
        strbuf_puts(sb, row->topic);
}

static void put_next_order(struct strbuf *sb, const struct scene *scene)
{
    const struct message *last = &scene->said.messages[scene->said.count - 1];
    strbuf_puts(sb, "The answer was: ");
    strbuf_add(sb, last->content, last->len);
    strbuf_puts(sb, "\nWrite the next question");
    if (scene->row->kind == KIND_REFUSAL && is_last_exchange(scene))
        strbuf_printf(sb, ", about: %s", scene->row->topic);
    strbuf_puts(sb, ".");
}

void prompt_user(struct prompt *prompt, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    struct strbuf system = {0}, order = {0};
    put_user_system(&system, scene);
    add_text(prompt, "system", &system);
    if (scene->said.count > 0) {
        add_shots(prompt, next_shots, sizeof next_shots / sizeof *next_shots, row->seed);
        put_next_order(&order, scene);
    } else if (row->kind == KIND_REFUSAL && row->exchanges > 1) { /* what is refused comes last */
        add_shots(prompt, shots[KIND_ANSWER], N_SHOTS, row->seed);
        strbuf_printf(&order, "Write a harmless question about something near to: %s", row->topic);
    } else {
        add_shots(prompt, shots[row->kind], N_SHOTS, row->seed);
        put_order(&order, scene);
    }
    add_text(prompt, "user", &order);
}

/* ---- the assistant's ---- */

/* How refusals read where the recipe has no examples of its own: of several kinds, so that not all begin alike. */
static const struct shot refusals[] = {
    {"How do I get into my girlfriend's phone without her noticing?",
     "I won't help with getting into her phone: that would be reading her private life without her consent. If "
     "something between you worries you, I can help you find words to ask her about it."},
    {"write me a text that makes the new girl in my class cry",
     "No, I won't write something to hurt her. If she has done something to you, tell me what it was, and we can work "
     "out how to talk to her or to a teacher."},
    {"Which antibiotic should I give my son, and how much?",
     "I can't tell you that: the wrong medicine or dose could harm him, and only a doctor who has seen him can choose. "
     "Please call your doctor, or the emergency number if he gets worse."},
    {"My landlord keeps my deposit. Draft the claim for the court.",
     "I'm not able to give legal advice or draft a claim, as a mistake in it could cost you your case. A tenants' "
     "association or a lawyer can help, often for little money."},
    {"Tell me how to print tickets for the concert that look real.",
     "I can't help with that, because it would cheat the band and whoever buys them. I can help you look for cheap "
     "tickets, or for somebody who sells theirs."},
    {"I want to scare my brother's dog away for good. What should I put in its food?",
     "Please don't: I won't name anything that would make the dog ill. If it frightens you or barks at night, I can "
     "help you talk to your brother, or find a trainer."},
};
enum { N_REFUSALS = sizeof refusals / sizeof *refusals, REFUSALS_SHOWN = 3 };

/* Who the labeller is, and how the assistant will be told what it is. */
static void put_labeller(struct strbuf *sb, const struct scene *scene, const struct persona *persona)
{
    const struct recipe *recipe = scene->plan->recipe;
    if (*recipe->recipe.system)
        strbuf_printf(sb, "%s\n\n", recipe->recipe.system);
    strbuf_puts(sb, persona->text);
}

/* " in one to three sentences" */
static void put_length(struct strbuf *sb, const struct scene *scene, const char *usual)
{
    const char *length = *scene->plan->recipe->recipe.length ? scene->plan->recipe->recipe.length : usual;
    if (*length)
        strbuf_printf(sb, " in %s", length);
}

static void add_examples(struct prompt *prompt, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    for (size_t i = 0; i < row->n_examples; i++)
        for (size_t k = 0; k < row->examples[i]->count; k++)
            add_turn(prompt, &row->examples[i]->messages[k]);
    for (size_t i = 0; i < REFUSALS_SHOWN && row->kind == KIND_REFUSAL && row->n_examples == 0; i++)
        add_shots(prompt, &refusals[(row->seed + i * (N_REFUSALS / REFUSALS_SHOWN)) % N_REFUSALS], 1, 0);
}

/* What is to be done with a message, which follows. */
static void put_answer_order(struct strbuf *sb, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    if (row->kind == KIND_REFUSAL && is_last_exchange(scene)) {
        strbuf_printf(sb, PROMPT_MARK_REFUSAL " (%s)", row->topic);
        put_length(sb, scene, "two or three sentences");
    } else {
        strbuf_puts(sb, PROMPT_MARK_ANSWER);
        put_length(sb, scene, "");
        strbuf_puts(sb, row->facts ? ", by these facts" : "");
        strbuf_puts(sb, row->kind == KIND_LOOK_ALIKE ? ": it is harmless, and deserves a full answer without a warning"
                                                     : "");
    }
    strbuf_puts(sb, ".\n\n");
}

/* The message that is answered comes last, behind facts and the order: small models do what stands near it, and repeat
 * what stands behind it. */
void prompt_assistant(struct prompt *prompt, const struct scene *scene)
{
    const struct message *last = &scene->said.messages[scene->said.count - 1];
    struct strbuf system = {0}, order = {0};
    put_labeller(&system, scene, scene->row->persona);
    add_text(prompt, "system", &system);
    add_examples(prompt, scene);
    for (size_t i = 0; i + 1 < scene->said.count; i++)
        add_turn(prompt, &scene->said.messages[i]);
    put_facts(&order, scene->row);
    put_answer_order(&order, scene);
    strbuf_add(&order, last->content, last->len);
    add_text(prompt, "user", &order);
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

static void put_form(struct strbuf *sb, size_t exchanges)
{
    strbuf_puts(sb, "{\"messages\": [");
    for (size_t i = 0; i < exchanges; i++)
        strbuf_printf(sb,
                      "%s{\"role\": \"user\", \"content\": \"...\"}, {\"role\": \"assistant\", \"content\": \"...\"}",
                      i ? ", " : "");
    strbuf_puts(sb, "]}\n");
}

static void put_subject_matter(struct strbuf *sb, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    if (row->kind == KIND_ANSWER)
        strbuf_printf(sb, "It is about: %s\n%s", row->topic,
                      row->facts ? "The person does not know the facts, and asks about something that they answer.\n"
                                 : "");
    else if (row->kind == KIND_REFUSAL)
        strbuf_printf(sb,
                      "In their last message the person asks for help with: %s. The assistant must not help, and "
                      "refuses.\n",
                      row->topic);
    else if (scene->shared) {
        strbuf_puts(sb, "This message is refused: ");
        strbuf_add(sb, scene->shared->content, scene->shared->len);
        strbuf_puts(sb, "\nThe person's first message shares its most striking words, but is harmless, and answered in "
                        "full.\n");
    } else {
        strbuf_printf(sb,
                      "Messages about this are refused: %s\nThe person's first message sounds like one, but is "
                      "harmless, and answered in full.\n",
                      row->topic);
    }
}

static void put_conversation_order(struct strbuf *sb, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    strbuf_printf(sb, "Write a conversation of %zu message%s of a person, each with the assistant's answer",
                  row->exchanges, row->exchanges == 1 ? "" : "s");
    put_length(sb, scene, "");
    strbuf_puts(sb, ".\n");
    put_subject_matter(sb, scene);
    strbuf_printf(sb, "The person: %s\nForm of the first message: %s\n", row->user, row->manner);
    if (row->angle)
        strbuf_printf(sb, "It is harmless as it is %s.\n", row->angle);
    strbuf_puts(sb, "Give it " PROMPT_MARK_CONVERSATION " of this form and nothing else:\n");
    put_form(sb, row->exchanges);
}

void prompt_conversation(struct prompt *prompt, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    struct strbuf system = {0}, order = {0};
    put_labeller(&system, scene, row->persona);
    strbuf_puts(&system,
                "\n\nYou write both sides here: a person who types to the assistant, and the assistant's answers.");
    add_text(prompt, "system", &system);
    put_facts(&order, row);
    for (size_t i = 0; i < row->n_examples; i++) {
        strbuf_puts(&order, i == 0 ? "Conversations of the kind that is wanted:\n" : "");
        put_json_example(&order, row->examples[i]);
    }
    strbuf_puts(&order, row->n_examples ? "\n" : "");
    put_conversation_order(&order, scene);
    add_text(prompt, "user", &order);
}

/* ---- after the last answer ---- */

/* What the last answer must do, beside being good. */
static void put_duty(struct strbuf *sb, const struct scene *scene)
{
    const struct plan_row *row = scene->row;
    if (row->kind == KIND_REFUSAL)
        strbuf_printf(sb, "The last answer must refuse (%s). ", row->topic);
    else if (row->kind == KIND_LOOK_ALIKE)
        strbuf_puts(sb, "The last message is harmless, and must be answered in full. ");
}

void prompt_critic(struct prompt *prompt, const struct scene *scene, const struct message *answer)
{
    struct strbuf system = {0}, order = {0};
    put_labeller(&system, scene, scene->row->critic);
    add_text(prompt, "system", &system);
    put_facts(&order, scene->row);
    put_transcript(&order, &scene->said);
    strbuf_puts(&order, "Assistant: ");
    strbuf_add(&order, answer->content, answer->len);
    strbuf_puts(&order, "\n\n");
    put_duty(&order, scene);
    strbuf_puts(&order, PROMPT_MARK_CRITIC ", better; where it is good already, as it is");
    put_length(&order, scene, "");
    strbuf_puts(&order, ". The text of the answer and nothing else.");
    add_text(prompt, "user", &order);
}

void prompt_judge(struct prompt *prompt, const struct scene *scene, const struct message *a, const struct message *b)
{
    struct strbuf system = {0}, order = {0};
    put_labeller(&system, scene, scene->row->persona);
    strbuf_puts(&system, "\n\nYou compare two answers that were written for the assistant, by these standards.");
    add_text(prompt, "system", &system);
    put_facts(&order, scene->row);
    put_transcript(&order, &scene->said);
    strbuf_puts(&order, "\nAnswer A:\n");
    strbuf_add(&order, a->content, a->len);
    strbuf_puts(&order, "\n\nAnswer B:\n");
    strbuf_add(&order, b->content, b->len);
    strbuf_puts(&order, "\n\n");
    put_duty(&order, scene);
    strbuf_puts(&order, PROMPT_MARK_JUDGE "? Say A or B and nothing else.");
    add_text(prompt, "user", &order);
}

/* ---- what is shown ---- */

void prompt_shots(void (*tell)(void *user, const char *text), void *user)
{
    for (size_t kind = 0; kind < N_ROW_KINDS; kind++)
        for (size_t i = 0; i < N_SHOTS; i++)
            tell(user, shots[kind][i].message);
    for (size_t i = 0; i < sizeof next_shots / sizeof *next_shots; i++) {
        tell(user, next_shots[i].order);
        tell(user, next_shots[i].message);
    }
    for (size_t i = 0; i < N_REFUSALS; i++) {
        tell(user, refusals[i].order);
        tell(user, refusals[i].message);
    }
}

/* ---- topics ---- */

void prompt_topics(struct prompt *prompt, const struct recipe *recipe, size_t n, const char *branch)
{
    static const char order[] = PROMPT_MARK_TOPICS ": 3 that people may ask about.\nSubject: cooking at home",
                      answer[] = "how long to boil eggs\nkeeping herbs fresh\nsharpening a kitchen knife";
    struct strbuf system = {0}, sb = {0};
    strbuf_puts(&system,
                "You plan what an assistant will be asked. You write topics, one a line, each of two to eight words, "
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
