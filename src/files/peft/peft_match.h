/* Which modules an adapter's config means: its names and patterns against one module's path, as PEFT holds them. */
#ifndef SFT_FILES_PEFT_PEFT_MATCH_H
#define SFT_FILES_PEFT_PEFT_MATCH_H

#include "files/peft/peft_config.h"
#include "text/name_regex.h"

struct peft_regexes {
    struct name_regex **items;
    size_t n;
};

struct peft_matcher {
    const struct peft_config *config;
    struct peft_regexes targets, excluded; /* one, or none where they are names */
    struct peft_regexes ranks, alphas, layers;
};

/* Compile a config's patterns, which must outlive it. SFT_EDATA, with the key, for one that is no regular expression.
 * Free in any case. */
enum sft_status peft_matcher_init(struct peft_matcher *m, const struct peft_config *config, struct sft_err *err);
void peft_matcher_free(struct peft_matcher *m);

/* Whether a path is a name, or ends in a dot and that name. */
bool peft_names_module(const char *name, const char *path);

/* Whether a module, or one that it stands in, is one of modules_to_save: path ends in a name, dot or not. */
bool peft_saves(const struct peft_matcher *m, const char *path);
bool peft_name_saves(const char *name, const char *path);

/* Whether a linear layer of that path gets an adapter. */
bool peft_targets(struct peft_matcher *m, const char *path);

/* Whether modules_to_save keep it from getting one: a name between dots. */
bool peft_is_shadowed(const struct peft_matcher *m, const char *path);

size_t peft_rank(struct peft_matcher *m, const char *path);
double peft_alpha(struct peft_matcher *m, const char *path);

/* SFT_EDATA, with the key, where a pattern took so long that it gave up: nothing that was answered counts. */
enum sft_status peft_matcher_check(const struct peft_matcher *m, struct sft_err *err);

#endif
