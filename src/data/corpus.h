/* The texts of files, without any template: what a tokenizer is trained on.
 *
 *   FILE.txt         line by line, each with its line end, as Hugging Face's Tokenizer.train reads a file
 *   any other FILE   rows of a reader's format, JSON or CSV: each message's content, or the document,
 *                    is a text of its own, as they would be given to Tokenizer.train_from_iterator
 *
 * Each may be packed by gzip, or be "-" for standard input. */
#ifndef SFT_DATA_CORPUS_H
#define SFT_DATA_CORPUS_H

#include "base/err.h"
#include "text/bpe_train/bpe_train.h"

#include <stddef.h>

/* Called with the texts in order, many at once; they are valid during the call only. */
typedef void corpus_fn(void *context, const struct text_span *texts, size_t n);

/* Read a file, named as in a config: FILE*2 gives its texts twice, FILE*0.25 those of every fourth line or
 * row, FILE:format forces a reader ("txt": lines). SFT_EDATA where there is nothing in it, or "FILE:LINE:
 * what" at the first bad row. */
enum sft_status corpus_read(const char *spec, corpus_fn *each, void *context, struct sft_err *err);

#endif
