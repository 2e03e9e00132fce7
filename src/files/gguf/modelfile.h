/* A Modelfile: what ollama makes a model of, beside the file in GGUF (github.com/ollama/ollama, docs/modelfile.md). */
#ifndef SFT_FILES_GGUF_MODELFILE_H
#define SFT_FILES_GGUF_MODELFILE_H

#include "base/strbuf.h"
#include "files/generation.h"
#include "text/template.h"

extern const char modelfile_name[]; /* "Modelfile" */
#define MODELFILE_FROM "FROM ./"    /* what stands before the name of the file that it is of */

/* Append it: FROM ./gguf_name, how a conversation is written (TEMPLATE, SYSTEM; where the chat template is known), what
 * ends an answer, the settings of sampling where the model samples, and how much of a text is kept. */
struct modelfile {
    const char *gguf_name;
    const struct tokenizer *tok;
    const struct chat_template *template;     /* NULL: there is none, or none that is known */
    const struct generation_config *generation;
    size_t context_length;
};
void modelfile_print(const struct modelfile *m, struct strbuf *out);

#endif
