/* The model that a command is about: --model DIR, or else the first word; and an adapter that is put on it. */
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

/* Its row of a table of options, into a list of which one is taken. */
#define ADAPTER_OPTION(list)                                                                                           \
    {"adapter", OPTION_LIST, &(list), "DIR",                                                                           \
     "a LoRA adapter that is put on the model: its directory, a run's, or its name in the Hugging Face cache (the "   \
     "model may also be named by its adapter alone, which says what it is for)"}

/* What somebody names, and what that is. */
struct named_dir {
    const char *path; /* as given */
    const char *link; /* path is a run's directory: "best" or "last"; else NULL */
    char *dir;        /* the directory that is meant (files/model_dir.h, files/peft/peft_base.h); NULL: none is */
    char *snapshot;   /* one in the hub's cache: "ORG/NAME@COMMIT"; else NULL */
};
struct model_argument {
    struct named_dir model;   /* path: what the adapter's config names, where that was given alone */
    struct named_dir adapter; /* dir NULL: there is none */
    char *base;               /* that path */
};

/* Take the first word off *words where `option` is NULL (and it can be a model, or there is no adapter), and find the
 * directory that is meant. `adapters`: those of the command line, of which there may be one; NULL: the command takes
 * none, nor an adapter in place of a model. SFT_EUSAGE with the synopsis where nothing is named. Warns of an adapter
 * that says that it is for another model. Free with model_argument_free, which accepts a zeroed struct. */
enum sft_status model_argument(struct model_argument *argument, const char *option, const struct string_list *adapters,
                               struct string_list *words, const char *synopsis, struct sft_err *err);
void model_argument_free(struct model_argument *argument);

/* An adapter for the model that has been found, in place of the one that it has: `path`, which is borrowed. */
enum sft_status model_argument_adapter(const struct model_argument *argument, const char *path,
                                       struct named_dir *adapter, struct sft_err *err);
void named_dir_free(struct named_dir *named);

/* What of the two somebody would call the model: the adapter where there is one. model_argument_name: its snapshot's
 * name, or its directory. */
const struct named_dir *model_argument_main(const struct model_argument *argument);
const char *model_argument_name(const struct model_argument *argument);

/* Load it to generate with, by the overrides of --set; without a template it only continues text. `base`: the bundle of
 * its model without the adapter, whose memory it takes part in; NULL: none is open. Close the bundle in any case. */
enum sft_status model_argument_open(const struct model_argument *argument, const struct bundle_options *options,
                                    const struct string_list *overrides, const struct bundle *base, bool has_template,
                                    struct bundle *bundle, struct sft_err *err);

/* Say on stderr which checkpoint of a run it is, or which snapshot of the hub, and which tensors are not used (NULL or
 * empty: none); for output that a program reads, model_argument_json says the same as members of an object:
 * ,"model":"...","unused_tensors":"...". */
void model_argument_tell(const struct model_argument *argument, const struct strbuf *unused);

/* The same of a model that is to answer, with a warning where it knows nothing of turns. */
void model_argument_tell_bundle(const struct model_argument *argument, const struct bundle *bundle);
void model_argument_tell_template(const struct model_argument *argument, const struct bundle *bundle); /* that alone */
void model_argument_json(const struct model_argument *argument, const struct strbuf *unused, struct strbuf *out);

#endif
