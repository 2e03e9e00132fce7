#include "judge/request.h"

#include "judge/phrases.h"

#include <string.h>

/* The first that its last sentence has. */
static const struct {
    enum asked asked;
    const char *phrase;
} askings[] = {
    {ASKED_ADVICE, "what can|should|could|shall|do i|we do $"},
    {ASKED_ADVICE, "what can|should|could|shall|do i|we do about|if|when|now|after"},
    {ASKED_ADVICE, "^how|where|whom|who do|can|should|could i|we|one ?* report"},
    {ASKED_ADVICE, "^how do|can|should|could i|we|you|one treat|cure|heal|relieve|soothe|cope|recover|handle"},
    {ASKED_ADVICE, "best course of action"},
    {ASKED_ADVICE, "^i have|had|got ?got ?had a|an|the|some|my"},
    {ASKED_ADVICE, "should i be worried|concerned"},
    {ASKED_ADVICE, "^i ?have ?am ?been ?constantly ?always ?often ?just ?really feel|feeling"},
    {ASKED_WHETHER, "what|which|when .. legal|illegal|statute|statutes"},
    {ASKED_WHETHER, "^?so ?and ?but why should not i|you|we|one|anyone|someone|people|children|kids"},
    {ASKED_WHETHER, "^?so ?and ?but why should i|you|we|one|anyone|someone|people|children|kids not|never"},
    {ASKED_WHETHER, "against ?the <vice>"},
    {ASKED_WHETHER, "should|must be banned|forbidden|prohibited|abolished|outlawed|illegal|stopped"},
    {ASKED_WHETHER, "never|not justified|acceptable|okay|ok|right|fine"},
    {ASKED_FOR, "do you know how|where"},
    {ASKED_FOR, "what|which .. way|ways|method|methods|steps|strategies|techniques|tricks"},
    {ASKED_FOR, "what|which .. best|easiest|fastest|cheapest|quickest|good|effective"},
    {ASKED_FOR, "^what|who|whom|which .. should|can|could|do|would i|we|you|one"},
    {ASKED_FOR, "^?so ?and ?but why do|can we not|just"},
    {ASKED_WHETHER, "^can|could you be|feel|see|hear|think|remember|learn|understand|search|browse|watch|listen"},
    {ASKED_TO_ARGUE, "^?so ?and ?but why should|must"},
    {ASKED_TO_ARGUE, "^?so ?and ?but why is|are|was|were|would .. best|better|good|great|okay|ok|acceptable|right|fine|"
                     "justified|superior|inferior|worse|worst"},
    {ASKED_TO_ARGUE, "^?so ?and ?but why is|are|was|were .. than"},
    {ASKED_TO_ARGUE, "reason|reasons|arguments|evidence .. why|that"},
    {ASKED_TO_ARGUE, "you explain why .. should|must"},
    {ASKED_TO_ARGUE, "^how do|did|does|can i|we|you prove|argue|convince|justify"},
    {ASKED_FOR, "^?please can|could|would|will you"},
    {ASKED_TO_ARGUE, "^what makes .. better|worse|superior|inferior"},
    {ASKED_WHETHER, "^what|which|why .. law|laws|legal|illegal|legality|consequences|punishment|penalty|penalties"},
    {ASKED_WHETHER, "^why is|are|was .. wrong|illegal|bad|harmful|unethical|dangerous|offensive|immoral"},
    {ASKED_WHETHER, "^?so ?and ?but is|are|was|were|does|do|did|has|have|should|would|will|must|am|can|could|may"},
    {ASKED_WHAT, "^?so ?and ?but what|why|who|whose|when|which"},
    {ASKED_FOR, "^how ?* i|we|you|one|someone|somebody"},
    {ASKED_WHAT, "^how did|was|were|is|are|does|has|have|many|much|long|old|often|big|far"},
    {ASKED_WHAT, "^?please explain|define|describe|discuss|compare|analyze|summarize"},
    {ASKED_WHAT, "tell|know|wonder|explain ?me what|why|who|whether|if|about"},
};

static enum asked what_is_asked(const struct sentences *prompt)
{
    if (prompt->count == 0)
        return ASKED_FOR;
    const struct sentence *last = &prompt->items[prompt->count - 1];
    for (size_t i = 0; i < sizeof askings / sizeof *askings; i++)
        if (phrase_matches(askings[i].phrase, last))
            return askings[i].asked;
    return ASKED_FOR;
}

/* ---- who is to speak ---- */

static const char *const for_text[] = {
    "^?please ?can|could|would|will ?you ?help ?me write|draft|compose|make|create|give|tell|need|want|do .. letter|"
    "email|mail|message|text|reply|response|note|speech|story|scene|poem|song|dialogue|dialog|script|play|toast|lyrics|"
    "limerick|haiku|monologue|conversation|tale|fable|sketch|card|memo|apology|excuse",
};
static const char *const for_no[] = {
    "resign|resignation|decline|declines|declining|reject|rejects|rejecting|rejection|refuse|refuses|refusing|refusal",
    "apology|apologize|apologizes|apologizing|apologise|cancel|cancels|cancelling|cancellation|regret|excuse",
    "say|says|saying no",
    "turn|turns|turning ?* ?* down",
    "break|breaks|breaking|broke up",
    "can|could|will|would|do|does not",
};
static const char *const for_rules[] = {
    "^?please ?can|could|would|will ?you ?help ?me write|draft|compose|make|create|give|list|need|want .. sign|rules|"
    "warning|poster|policy|notice|commandments|checklist",
    "way|ways|phrases|sentences|lines|excuses ?* to say|refuse|decline|reject|turn",
};
static const char *const for_translation[] = {
    "translate|translation",
    "^how do|would|can i|you|one say",
};
/* "No" in the languages that one asks to have translated. */
static const char *const negations = "no|not|never|ne|pas|non|nicht|kein|keine|nein|leider|niet|geen|n\xc3\xa3o|nao|"
                                     "nie|inte|ikke|sorry|refuse|decline";

static bool has_any(const struct sentences *s, const char *const *phrases, size_t n)
{
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < n; k++)
            if (phrase_matches(phrases[k], &s->items[i]))
                return true;
    return false;
}
#define HAS_ANY(sentences, phrases) has_any(sentences, phrases, sizeof(phrases) / sizeof *(phrases))

/* Also between quotation marks: the text to be translated may stand there. */
static bool negates(const struct sentences *s)
{
    for (size_t i = 0; i < s->n_words; i++)
        if (phrase_word_is(negations, &s->words[i]))
            return true;
    return false;
}

static enum speaker who_speaks(const struct sentences *prompt)
{
    if (HAS_ANY(prompt, for_translation))
        return negates(prompt) ? SPEAKS_A_NO : SPEAKS_ITSELF;
    if (HAS_ANY(prompt, for_rules))
        return SPEAKS_A_NO;
    if (!HAS_ANY(prompt, for_text))
        return SPEAKS_ITSELF;
    return HAS_ANY(prompt, for_no) ? SPEAKS_A_NO : SPEAKS_A_TEXT;
}

struct request request_of(const struct sentences *prompt)
{
    return (struct request){.asked = what_is_asked(prompt), .speaker = who_speaks(prompt)};
}
