/* What sft info says of any directory that a model, or an adapter, may be in: a part that fails leaves its message. */
#ifndef SFT_CMD_INFO_PARTS_H
#define SFT_CMD_INFO_PARTS_H

#include "base/json.h"
#include "base/strbuf.h"
#include "files/model_files.h"
#include "model/tensor_table.h"

/* What a directory holds, part by part. */
struct info {
    const char *dir;
    struct model_files files;
    struct tensor_table table;
    size_t vocab; /* of the tokenizer */
    bool has_weights, has_checksums, checksums_hold;
    struct strbuf unused;     /* tensors that are no part of the model */
    struct strbuf dtypes;     /* "F32" */
    char template[32];        /* name, "none", or that it cannot be used */
    char *template_refused;   /* then why, or NULL */
    const char *hint;         /* where there is none: whose control tokens the vocabulary has; or NULL */
    double step, total_steps; /* of a checkpoint; NaN for other directories */
    json *state;              /* its trainer/state.json; or NULL */
    char **problems;
    size_t n_problems;
};

void info_free(struct info *info); /* accepts a zeroed struct */

/* Note what is wrong, once; a function for model_files_survey, whose context is a struct info. */
void info_add_problem(void *context, const struct sft_err *err);

/* Of a tokenizer that has been read, its size and its chat template; of a checkpoint, checksums and state. */
void info_look_at_template(struct info *info);
void info_look_at_checkpoint(struct info *info);

/* As lines, and as members of an object, each with a comma behind, or in front. */
void info_print_tokenizer(const struct info *info);
void info_print_checkpoint(const struct info *info);
void info_json_tokenizer(const struct info *info, struct strbuf *out);
void info_json_checkpoint(const struct info *info, struct strbuf *out);

#endif
