/* A head that is the token embedding, in files that hold one, the other or both. */
#ifndef SFT_FILES_TIE_H
#define SFT_FILES_TIE_H

#include "files/place.h"

/* A tied model's files may hold the shared tensor under the head's name alone: it is taken for the embedding, as
 * transformers does; and each of the two is taken for the other where they are parted (head_from_embedding). Once all
 * tensors are placed, before they are checked. */
void tie_take_head(struct placement *p);

/* A head beside a tied embedding is the same tensor, saved twice, or config.json is wrong: SFT_EDATA where it does not
 * equal the embedding, to the bit; transformers does not tie those. Reads both. */
enum sft_status tie_check_head(const struct placement *p, struct sft_err *err);

#endif
