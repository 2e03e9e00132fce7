/* Words that stand in the prompts of a step and in no other's, which a fake endpoint may know them by. */
#ifndef SFT_COLLECT_SYNTH_PROMPT_MARKS_H
#define SFT_COLLECT_SYNTH_PROMPT_MARKS_H

#define PROMPT_MARK_USER         "You write what people type to an assistant"
#define PROMPT_MARK_ANSWER       "Answer the question"
#define PROMPT_MARK_REFUSAL      "Refuse this message"
#define PROMPT_MARK_CONVERSATION "as one JSON object"
#define PROMPT_MARK_CRITIC       "Write the last answer again"
#define PROMPT_MARK_JUDGE        "Which answer is better"
#define PROMPT_MARK_TOPICS       "List topics"

/* What --dry-run has for a refusal's question, which nobody has written yet. */
#define PROMPT_STAND_IN "[what the refusal's user asks]"

#endif
