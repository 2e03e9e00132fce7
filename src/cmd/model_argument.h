/* The model that a command is about: --model DIR, or else the first word. */
#ifndef SFT_CMD_MODEL_ARGUMENT_H
#define SFT_CMD_MODEL_ARGUMENT_H

#include "base/strbuf.h"
#include "cmd/cmd.h"
#include "infer/bundle.h"

/* What --help says of it. */
#define MODEL_OPTION_HELP "where it is not the first word: a run's directory, a checkpoint, another Hugging " \
                          "Face directory, a file in GGUF, or the name of one in the Hugging Face cache"

/* And of --weights, whose word goes into bundle_options as it is. */
#define WEIGHTS_OPTION_HELP "how matrices are kept in memory: f32, bf16 or int8 (default: bf16 where the precision " \
                            "is, else as the files have them)"

struct model_argument {
    const char *path; /* as given */
    const char *link; /* path is a run's directory: "best" or "last"; else NULL */
    char *dir;        /* the model's directory (files/model_dir.h) */
    char *snapshot;   /* one in the hub's cache: "ORG/NAME@COMMIT"; else NULL */
};

/* Take the first word off *words where `option` is NULL, and find the directory that is meant. SFT_EUSAGE with the
 * synopsis where there is neither. Free with model_argument_free, which accepts a zeroed struct. */
enum sft_status model_argument(struct model_argument *argument, const char *option, struct string_list *words,
                               const char *synopsis, struct sft_err *err);
void model_argument_free(struct model_argument *argument);

/* Load it to generate with, by the overrides of --set; without a template it only continues text. Close the bundle in
 * any case. */
enum sft_status model_argument_open(const struct model_argument *argument, const struct bundle_options *options,
                                    const struct string_list *overrides, bool has_template, struct bundle *bundle,
                                    struct sft_err *err);

/* Say on stderr which checkpoint of a run it is, or which snapshot of the hub, and which tensors are not used (NULL or
 * empty: none); for output that a program reads, model_argument_json says the same as members of an object:
 * ,"model":"...","unused_tensors":"...". */
void model_argument_tell(const struct model_argument *argument, const struct strbuf *unused);

/* The same of a model that is to answer, with a warning where it knows nothing of turns. */
void model_argument_tell_bundle(const struct model_argument *argument, const struct bundle *bundle);
void model_argument_json(const struct model_argument *argument, const struct strbuf *unused, struct strbuf *out);

#endif
