/* A format of models on disk, in and out: what it has in common with none. Which tensor is which, shapes, a tied head
 * and new rows are the same for all (weights.h). A new one is a file with such a struct, and a row in formats.c. */
#ifndef SFT_FILES_FORMAT_H
#define SFT_FILES_FORMAT_H

#include "files/generation.h"
#include "files/model_out.h"
#include "files/naming.h"
#include "files/stored.h"
#include "text/tokenizer/tokenizer.h"

/* A file that goes beside a model's. */
struct format_beside {
    const char *name;  /* "Modelfile" */
    const char *whose; /* what begins the line of it that says whose it is: "FROM ./" */
};

struct format {
    const char *name;
    const struct naming *naming; /* for messages */
    bool (*matches)(const char *path); /* whether what `path` names is a model of this format, or is meant to be */

    /* config.json, parsed (the caller's), and what messages call it (malloc'd, the caller's, also after an error). */
    enum sft_status (*read_config)(json **config, char **name, const char *path, struct sft_err *err);
    enum sft_status (*load_generation)(struct generation_config *g, const char *path, const json *config_json,
                                       const struct model_config *config, struct sft_err *err);
    enum sft_status (*load_tokenizer)(struct tokenizer **tok, const char *path, struct sft_err *err);

    /* The tensors, by their headers: no value is read. NULL: it has no weights, and a model of it starts at random.
     * Close in any case. */
    enum sft_status (*open_tensors)(struct stored_tensors *list, const char *path, struct sft_err *err);
    void (*close_tensors)(struct stored_tensors *list);

    /* The files that the model at `path` is made of, always in the same order: what its fingerprint is of. Free with
     * io_list_free. */
    enum sft_status (*list_files)(char ***paths, size_t *n_paths, const char *path, struct sft_err *err);

    /* Write a model, whole, to `path`: a directory's files into it, which exists; or the file of that name, and what
     * goes beside it into the same directory. NULL: it is not written, and has none of what follows. */
    enum sft_status (*save)(const struct model_out *model, const char *path, struct sft_err *err);
    const struct dtype *const *dtypes; /* that it is written in, up to NULL; the first where nobody chooses one */
    const char *ending;                /* of a file's name: ".gguf"; NULL: a model is a directory */
    const struct format_beside *beside; /* what goes beside one, up to a name of NULL: a Modelfile first */
};

#endif
