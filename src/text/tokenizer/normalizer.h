/* What is done to text before it is split: tokenizer.json's normalizer, a row of
 *     NFC                  Unicode's form C (nfc.h)
 *     Prepend              a string, before text that is not empty
 *     Replace              what a string or a pattern finds, by a string
 * as Hugging Face tokenizers' normalizers do it. */
#ifndef SFT_TEXT_TOKENIZER_NORMALIZER_H
#define SFT_TEXT_TOKENIZER_NORMALIZER_H

#include "text/tokenizer/pattern.h"
#include "text/tokenizer/text_map.h"

enum { NORMALIZER_MAX_STEPS = 16 };

struct normalizer_step {
    enum { NORMALIZE_NFC, NORMALIZE_PREPEND, NORMALIZE_REPLACE } kind;
    struct pattern *find; /* Replace */
    char *put;            /* Prepend and Replace */
};

struct normalizer { /* zero-initialised leaves text as it is */
    struct normalizer_step steps[NORMALIZER_MAX_STEPS];
    size_t count;
};
void normalizer_free(struct normalizer *normalizer);

enum sft_status normalizer_add_nfc(struct normalizer *normalizer, struct sft_err *err);
enum sft_status normalizer_add_prepend(struct normalizer *normalizer, const char *put, struct sft_err *err);
enum sft_status normalizer_add_replace(struct normalizer *normalizer, const char *find, bool is_regex, const char *put,
                                       struct sft_err *err);

/* Working memory; zero-initialised is empty. */
struct normalizer_scratch {
    struct text_map maps[2];
};
void normalizer_scratch_free(struct normalizer_scratch *scratch);

/* Well-formed text[0..len) normalized, the scratch's or the text itself. *origins, where it is not NULL, becomes the
 * offsets that its bytes come from; NULL: the text is as it was. */
const char *normalize(const struct normalizer *normalizer, struct matcher *matcher, struct normalizer_scratch *scratch,
                      const char *text, size_t *len, const size_t **origins);

#endif
