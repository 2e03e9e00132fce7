/* A model on disk, opened: all that is said of it but its weights, which weights.h reads. The one way in for whoever
 * trains, answers, exports or looks. */
#ifndef SFT_FILES_MODEL_FILES_H
#define SFT_FILES_MODEL_FILES_H

#include "files/generation.h"
#include "text/tokenizer/tokenizer.h"

struct model_files {
    char *path;                    /* as it was given */
    const struct format *format;   /* what it is (files/formats.h) */
    json *config_json;             /* parsed; keys that are not ours go into what is exported */
    struct model_config config;    /* family NULL: not read */
    struct generation_config generation;
    struct tokenizer *tokenizer;   /* the caller may add tokens to it, or take it and leave NULL */
    char *tokenizer_path;          /* of an adapter that has a tokenizer of its own; NULL: it is the model's */
};

/* Open the model at `path`: a Hugging Face directory (model_dir_find, for a run's), or a config.json with tokenizer
 * files beside it. Config, generation settings, tokenizer, and whether the tokenizer's vocabulary is the model's: the
 * first that is wrong is told, with its file. Close with model_files_close in any case. */
enum sft_status model_files_open(struct model_files *m, const char *path, struct sft_err *err);

/* Take what an adapter's directory `dir` has of its own in place of the model's: a tokenizer, its template with it, and
 * generation settings. config.vocab_size is what the two are together by then. */
enum sft_status model_files_adapt(struct model_files *m, const char *dir, struct sft_err *err);

/* Whether an adapter's directory has a tokenizer of its own. */
bool model_files_has_tokenizer(const char *dir);

/* The tokenizer alone, of a directory that may have nothing else. */
enum sft_status model_files_open_tokenizer(struct model_files *m, const char *path, struct sft_err *err);

/* Open as much as there is, and tell all that is wrong: what could not be read is left as in a zeroed struct. */
void model_files_survey(struct model_files *m, const char *path,
                        void (*on_problem)(void *context, const struct sft_err *err), void *context);

/* The tokenizer once more, as the files have it; the caller's. */
enum sft_status model_files_reload_tokenizer(const struct model_files *m, struct tokenizer **tok,
                                             struct sft_err *err);

void model_files_close(struct model_files *m); /* accepts a zeroed struct */

/* Of model_files_open, config.json alone. *raw, if wanted, gets the parsed JSON; free it with json_free. */
enum sft_status model_config_load(struct model_config *config, const char *path, json **raw, struct sft_err *err);

#endif
