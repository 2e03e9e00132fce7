/* Writing a model as a GGUF file, and the Modelfile beside it. */
#ifndef SFT_FILES_GGUF_GGUF_SAVE_H
#define SFT_FILES_GGUF_GGUF_SAVE_H

#include "files/model_out.h"

/* struct format's. SFT_EDATA where llama.cpp would make another model of it, or other ids of a text. */
enum sft_status gguf_save(const struct model_out *model, const char *path, struct sft_err *err);

#endif
