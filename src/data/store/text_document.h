/* A text file: one document, cut into pieces of max_length tokens.
 *
 * It is read a block at a time and encoded by all threads, a part each; parts end where the tokens do not depend on it
 * (text_cut.h), so that ids and pieces are those of the whole encoded in one go, for any number of threads. Where
 * a text has no such place for long, its part is as long. */
#ifndef SFT_DATA_STORE_TEXT_DOCUMENT_H
#define SFT_DATA_STORE_TEXT_DOCUMENT_H

#include "data/source/source.h"
#include "data/store/render.h"

/* Append the document that an opened source holds, its bytes asked for. CR LF become LF, a byte-order mark is left out.
 * SFT_EDATA where there is no text, SFT_EINTERRUPTED where the source's stop flag was set. */
enum sft_status text_document_read(const struct source *source, const struct chat_template *tpl,
                                   const struct tokenizer *tok, const struct render_options *options,
                                   struct token_store_writer *store, struct sft_err *err);

#endif
