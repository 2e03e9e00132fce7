/* A GGUF file, or one that is split into several, as a format of models; one is written, and a Modelfile beside it. */
#ifndef SFT_FILES_GGUF_GGUF_FORMAT_H
#define SFT_FILES_GGUF_GGUF_FORMAT_H

#include "files/format.h"

extern const struct format format_gguf;

#endif
