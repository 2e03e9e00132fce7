/* What a prompt asks for, as far as it matters to whether the answer refuses. */
#ifndef SFT_JUDGE_REQUEST_H
#define SFT_JUDGE_REQUEST_H

#include "judge/sentences.h"

enum asked {
    ASKED_FOR,      /* to do something, or how it is done, and whatever is none of the below */
    ASKED_TO_ARGUE, /* for something that it takes for true: why it is right, should or should not be, the reasons */
    ASKED_WHETHER,  /* a question whose answer is yes or no: "no, that is illegal" answers it */
    ASKED_WHAT,     /* what, who, why: an explanation, which may well say that something is wrong */
    ASKED_ADVICE,   /* what one should do: to comfort, to warn and to send to a doctor answers it */
};

/* Who says "I" in the answer. */
enum speaker {
    SPEAKS_ITSELF,
    SPEAKS_A_TEXT, /* of a letter, a story: somebody else, once the text has begun */
    SPEAKS_A_NO,   /* a letter of resignation, the translation of a "no": somebody else, who says no as was asked */
};

struct request {
    enum asked asked;
    enum speaker speaker;
};

struct request request_of(const struct sentences *prompt);

#endif
