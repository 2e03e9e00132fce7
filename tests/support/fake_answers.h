/* What the fake endpoint says: plausible English, another text for every request, the same for the same one. */
#ifndef SFT_TESTS_FAKE_ANSWERS_H
#define SFT_TESTS_FAKE_ANSWERS_H

#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

struct fake_answer {
    struct strbuf text;
    bool is_call; /* the text is the arguments of a tool call */
};

/* The answer to a request of OpenAI's API. What is wanted is told by words that the prompts of `sft synth` hold, and by
 * the schema that is asked for, which the answer obeys. */
void fake_answer(struct fake_answer *answer, const json *request, uint64_t hash);

/* The bytes of all its messages' texts. */
size_t fake_prompt_bytes(const json *request);

#endif
