/* Models in GGUF, as llama.cpp's converter writes them: one file, or those that it is split into. */
#ifndef SFT_FILES_GGUF_GGUF_FORMAT_H
#define SFT_FILES_GGUF_GGUF_FORMAT_H

#include "files/format.h"

extern const struct format format_gguf; /* in */

#endif
