#include "collect/synth/prompts.h"

#include "collect/synth/choice.h"
#include "collect/synth/prompt_text.h"
#include "collect/synth/structured.h"

#include <math.h>
#include <string.h>
#include <strings.h>

const char *const prompt_step_name[] = {
    "the user's message",
    "the assistant's answer",
    "the whole conversation",
    "the critic's version",
    "the second answer",
    "the verdict",
    "topics",
};

/* Seeds are sent in 31 bits; steps of a row have seeds of their own. */
static uint64_t step_seed(uint64_t seed, size_t step)
{
    return (seed + step) & 0x7fffffff;
}

/* ---- what a walk over the answers has come to ---- */

struct walk {
    struct scene scene;
    const struct prompt_answer *answers;
    size_t n, at; /* answers that there are, and that were used */
    struct arena *arena;
    struct prompt_next *next;
};

/* The next answer, or NULL where it is still to be asked for. */
static const struct prompt_answer *take(struct walk *w)
{
    return w->at < w->n ? &w->answers[w->at++] : NULL;
}

static enum next_how ask(struct walk *w, enum prompt_step step, const struct prompt *prompt, double temperature)
{
    const struct recipe *recipe = w->scene.plan->recipe;
    w->next->step = step;
    w->next->request = (struct completion_request){
        .model = *recipe->endpoint.model ? recipe->endpoint.model : NULL,
        .messages = prompt->messages,
        .n_messages = prompt->n,
        .temperature = temperature,
        .top_p = recipe->recipe.top_p,
        .max_tokens = (size_t)recipe->recipe.max_tokens,
        .seed = step_seed(w->scene.row->seed, w->at),
        .schema = step == PROMPT_CONVERSATION ? structured_schema : NULL,
        .schema_name = step == PROMPT_CONVERSATION ? "conversation" : NULL,
    };
    return w->next->how = NEXT_REQUEST;
}

static enum next_how malformed(struct walk *w, const char *why)
{
    sft_fail(&w->next->why, SFT_EDATA, "%s", why);
    return w->next->how = NEXT_MALFORMED;
}

static struct message plain(const struct prompt_answer *answer, enum role role)
{
    size_t start, n;
    structured_plain(answer->text, answer->len, &start, &n);
    return (struct message){.role = role, .content = answer->text + start, .len = n, .weight = 1};
}

static void say(struct walk *w, struct message message)
{
    w->scene.said.messages[w->scene.said.count++] = message;
}

/* The row, whose last message is an assistant's. */
static enum next_how complete(struct walk *w)
{
    const struct conversation *said = &w->scene.said;
    const char *system = w->scene.plan->recipe->recipe.system;
    const size_t first = *system ? 1 : 0;
    struct message *messages = arena_alloc(w->arena, (said->count + first) * sizeof *messages);
    if (first)
        messages[0] = (struct message){.role = ROLE_SYSTEM, .content = system, .len = strlen(system), .weight = 1};
    memcpy(messages + first, said->messages, said->count * sizeof *messages);
    w->next->conv = (struct conversation){.messages = messages, .count = said->count + first};
    return w->next->how = NEXT_COMPLETE;
}

/* ---- the conversation: true where it is there, with the last answer; false where *next says what comes ---- */

static bool walk_turns(struct walk *w)
{
    const double temperature = w->scene.plan->recipe->recipe.temperature;
    for (size_t k = 0; k < 2 * w->scene.row->exchanges; k++) {
        const bool is_user = k % 2 == 0;
        const struct prompt_answer *answer = take(w);
        struct prompt prompt = {.arena = w->arena};
        if (!answer && is_user)
            prompt_user(&prompt, &w->scene);
        else if (!answer)
            prompt_assistant(&prompt, &w->scene);
        if (!answer) {
            ask(w, is_user ? PROMPT_USER : PROMPT_ASSISTANT, &prompt, temperature);
            return false;
        }
        const struct message message = plain(answer, is_user ? ROLE_USER : ROLE_ASSISTANT);
        if (is_user && (answer->is_cut || message.len == 0)) {
            malformed(w,
                      answer->is_cut ? "the user's message was cut off at max_tokens" : "the user's message is empty");
            return false;
        }
        say(w, message);
        if (answer->is_cut) {
            w->next->is_cut = true;
            complete(w);
            return false;
        }
    }
    return true;
}

static bool walk_structured(struct walk *w)
{
    struct prompt prompt = {.arena = w->arena};
    const struct prompt_answer *answer = take(w);
    struct conversation conv = {0};
    if (!answer) {
        prompt_conversation(&prompt, &w->scene);
        ask(w, PROMPT_CONVERSATION, &prompt, w->scene.plan->recipe->recipe.temperature);
        return false;
    }
    if (structured_parse(answer->text, answer->len, w->arena, &conv, &w->next->why)) {
        if (answer->is_cut)
            malformed(w, "the answer was cut off at max_tokens within its JSON");
        w->next->how = NEXT_MALFORMED;
        return false;
    }
    if (conv.count > 2 * w->scene.row->exchanges) /* more than was asked for */
        conv.count = 2 * w->scene.row->exchanges;
    for (size_t i = 0; i < conv.count; i++)
        say(w, conv.messages[i]);
    w->next->is_cut = answer->is_cut;
    if (answer->is_cut)
        complete(w);
    return !answer->is_cut;
}

/* ---- what follows it ---- */

/* The last answer, taken off what was said. */
static struct message pop_answer(struct walk *w)
{
    return w->scene.said.messages[--w->scene.said.count];
}

/* false: *next says what comes. */
static bool walk_critic(struct walk *w, struct message *last)
{
    struct prompt prompt = {.arena = w->arena};
    const struct prompt_answer *answer = take(w);
    if (!answer) {
        enum { CALM = 3 }; /* tenths: an editor invents nothing */
        prompt_critic(&prompt, &w->scene, last);
        ask(w, PROMPT_CRITIC, &prompt, fmin(w->scene.plan->recipe->recipe.temperature, CALM / 10.0));
        return false;
    }
    *last = plain(answer, ROLE_ASSISTANT);
    w->next->is_revised = true;
    w->next->is_cut |= answer->is_cut;
    return true;
}

/* Two answers and which is better; they stand in an order that chance chose, since judges have a liking for the
 * first. */
static bool walk_pair(struct walk *w, struct message *last)
{
    const double hotter = fmin(w->scene.plan->recipe->recipe.temperature + 0.3, 1.5);
    struct prompt prompt = {.arena = w->arena};
    const struct prompt_answer *answer = take(w);
    if (!answer) {
        prompt_assistant(&prompt, &w->scene);
        ask(w, PROMPT_SECOND, &prompt, hotter);
        return false;
    }
    const struct message second = plain(answer, ROLE_ASSISTANT);
    const bool is_swapped = w->scene.row->seed & 1;
    if (second.len == 0) {
        malformed(w, "the second answer is empty");
        return false;
    }
    w->next->is_cut |= answer->is_cut;
    if (w->next->is_cut) { /* what will be rejected needs no judge */
        w->next->rejected = second.content;
        w->next->rejected_len = second.len;
        return true;
    }
    answer = take(w);
    if (!answer) {
        prompt_judge(&prompt, &w->scene, is_swapped ? &second : last, is_swapped ? last : &second);
        ask(w, PROMPT_JUDGE, &prompt, 0);
        return false;
    }
    const struct message said = plain(answer, ROLE_ASSISTANT);
    const char better = choice_read(said.content, said.len);
    if (!better) {
        malformed(w, "the judge does not say which answer is better, A or B");
        return false;
    }
    const bool is_second = (better == 'B') != is_swapped;
    const struct message worse = is_second ? *last : second;
    *last = is_second ? second : *last;
    w->next->rejected = worse.content;
    w->next->rejected_len = worse.len;
    return true;
}

enum next_how row_next(const struct plan *plan, const struct plan_row *row, const struct message *shared,
                       const struct prompt_answer *answers, size_t n, struct arena *arena, struct prompt_next *next)
{
    struct walk w = {.answers = answers, .n = n, .arena = arena, .next = next};
    *next = (struct prompt_next){.how = NEXT_REQUEST};
    w.scene = (struct scene){.plan = plan, .row = row, .shared = shared};
    w.scene.said.messages = arena_alloc(arena, 2 * EXCHANGES_MAX * sizeof *w.scene.said.messages);
    if (!(plan->recipe->recipe.mode == MODE_TURNS ? walk_turns(&w) : walk_structured(&w)))
        return next->how;
    struct message last = pop_answer(&w);
    if (row->critic && !walk_critic(&w, &last))
        return next->how;
    if (plan->recipe->recipe.pairs && !walk_pair(&w, &last))
        return next->how;
    say(&w, last);
    return complete(&w);
}

const struct message *row_shared(const struct prompt_next *next)
{
    for (size_t i = next->conv.count; i > 0; i--)
        if (next->conv.messages[i - 1].role == ROLE_USER)
            return &next->conv.messages[i - 1];
    return NULL;
}
