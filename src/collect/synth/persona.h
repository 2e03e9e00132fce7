/* Personas: who the labeller model is asked to be, a text that becomes its system prompt. A persona is a file of plain
 * text or Markdown; in front it may say what else is to be known of it, between two lines of dashes:
 *
 *     ---
 *     name: support
 *     writes: answers             (answers, refusals, look_alikes or critique)
 *     may_say_it_is_ai: false
 *     ---
 *     You are an expert human labeller ...
 *
 * Without that a file writes answers, is named for the file, and may not. Five are shipped: teacher, support, safety,
 * contrast and critic, the files of configs/personas, which are in the program. */
#ifndef SFT_COLLECT_SYNTH_PERSONA_H
#define SFT_COLLECT_SYNTH_PERSONA_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>

enum persona_writes { WRITES_ANSWERS, WRITES_REFUSALS, WRITES_LOOK_ALIKES, WRITES_CRITIQUE, N_PERSONA_WRITES };
extern const char *const persona_writes_name[N_PERSONA_WRITES];

struct persona {
    const char *name, *text; /* strings of the arena, or the program's own; text without white space around it */
    enum persona_writes writes;
    bool may_say_it_is_ai;
};

/* The names of the shipped ones, in the order of what they write. */
extern const char *const persona_shipped_names[];
extern const size_t n_persona_shipped;

/* Read text[0..len), called `name` if it does not say so itself. SFT_EDATA, with the line, for a key or a value that is
 * not known, front matter without an end, no text behind it, or no UTF-8. */
enum sft_status persona_parse(struct persona *persona, const char *text, size_t len, const char *name,
                              struct arena *arena, struct sft_err *err);

/* A file, or one of the shipped names where there is no such file. SFT_EUSAGE names those that there are. */
enum sft_status persona_read(struct persona *persona, const char *file, struct arena *arena, struct sft_err *err);

#endif
