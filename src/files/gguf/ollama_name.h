/* What ollama calls a model (github.com/ollama/ollama, types/model/name.go: letters, digits, "-", "_" and ".", of which
 * the first is no mark; 80 at most). */
#ifndef SFT_FILES_GGUF_OLLAMA_NAME_H
#define SFT_FILES_GGUF_OLLAMA_NAME_H

#include "base/strbuf.h"

/* Append such a name, in small letters, of a model that is called `name`; "model" where nothing of it is left. */
void ollama_name_add(struct strbuf *out, const char *name);

#endif
