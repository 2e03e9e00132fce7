/* What is wrong with the modules that somebody names who is about to train, in words for that person. */
#ifndef SFT_FILES_PEFT_PEFT_COMPLAIN_H
#define SFT_FILES_PEFT_PEFT_COMPLAIN_H

#include "files/peft/peft_match.h"
#include "model/tensor_table.h"

/* SFT_EUSAGE, in the key, where a name matches nothing, or no linear layer, or only modules of modules_to_save. */
enum sft_status peft_complain(const struct peft_config *config, const struct peft_matcher *matcher,
                              const struct tensor_table *table, struct sft_err *err);

/* That no linear layer gets an adapter, by a pattern or (NULL) by names. */
enum sft_status peft_fail_no_target(enum sft_status status, const struct tensor_table *table, const char *pattern,
                                    struct sft_err *err);

#endif
