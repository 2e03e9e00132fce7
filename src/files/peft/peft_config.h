/* adapter_config.json, as PEFT 0.21 reads and writes it (huggingface/peft: tuners/lora/config.py): which modules of a
 * model an adapter is on, and by how much it counts. The same struct says what somebody who trains one asks for. */
#ifndef SFT_FILES_PEFT_PEFT_CONFIG_H
#define SFT_FILES_PEFT_PEFT_CONFIG_H

#include "base/err.h"
#include "base/json.h"
#include "base/strbuf.h"

#include <stdint.h>

/* Modules: by their names, or the ends of their paths; or by a regular expression that is to match the whole path. */
struct peft_names {
    struct string_list names; /* what it owns */
    char *pattern;            /* NULL: there is none, the names count */
};

/* Modules whose number is another one: the expression is to match the end of a path, after a dot or from its start. The
 * first that does counts. */
struct peft_pattern {
    char *pattern;
    double value;
};
struct peft_patterns {
    struct peft_pattern *items;
    size_t n, capacity;
};

/* Rows of an embedding or a head, in the order in which the values are in the file. */
struct peft_tokens {
    char *module; /* the end of its path; NULL: the model's input embedding */
    int32_t *rows;
    size_t n;
};

/* Free with peft_config_free; peft_config_init gives what PEFT takes where nothing is said, without targets. */
struct peft_config {
    json *root;       /* what was read, of which keys that are not ours are kept; NULL: nothing was */
    char *base_model; /* base_model_name_or_path; NULL: not said */
    size_t r;
    double lora_alpha;
    bool use_rslora;
    bool all_linear; /* target_modules = "all-linear": all linear layers but the head */
    struct peft_names target_modules, exclude_modules;
    struct string_list modules_to_save;
    struct peft_tokens tokens[2]; /* trainable_token_indices */
    size_t n_tokens;
    struct peft_patterns rank_pattern, alpha_pattern;
    size_t *layers; /* layers_to_transform; NULL: all */
    size_t n_layers;
    struct string_list layers_pattern; /* what stands before a layer's number; none: anything may */
    double lora_dropout;               /* sft trains without */
    bool ensure_weight_tying;          /* an embedding of modules_to_save takes its tied head along */
    bool has_frozen_rows; /* the file has the rows, too, that trainable_token_indices does not name (peft_open) */
};
void peft_config_init(struct peft_config *config);
void peft_config_free(struct peft_config *config);

/* Read DIR/adapter_config.json. SFT_EDATA, with file and key, for what is of a wrong type, for other kinds of adapters,
 * and for keys that ask for arithmetic that is not done here (DoRA, biases, ...). */
enum sft_status peft_config_read(struct peft_config *config, const char *dir, struct sft_err *err);

/* The same of a text; errors have the key alone. */
enum sft_status peft_config_parse(struct peft_config *config, const char *text, size_t len, struct sft_err *err);

/* The same config once more, of one that was read. */
void peft_config_copy(struct peft_config *config, const struct peft_config *read);

/* Say which modules in words, as [lora] target_modules and modules_to_save have them; what was said before goes.
 * target_modules: the one word "all-linear", one regular expression, or names. Commas between names and other spellings
 * of that word are SFT_EUSAGE. */
enum sft_status peft_config_set_targets(struct peft_config *config, const struct string_list *words,
                                        struct sft_err *err);
enum sft_status peft_config_set_saved(struct peft_config *config, const struct string_list *words, struct sft_err *err);

/* Train rows (n, ascending, copied) of `module`, a path or the end of one; NULL: of the input embedding. */
void peft_config_add_tokens(struct peft_config *config, const char *module, const int32_t *rows, size_t n);

#endif
