/* Where adapters are, and the models that they are for. */
#ifndef SFT_FILES_PEFT_PEFT_BASE_H
#define SFT_FILES_PEFT_PEFT_BASE_H

#include "base/err.h"
#include "files/peft/peft_config.h"

/* Whether `dir` is an adapter's directory: it has an adapter_config.json. */
bool peft_is_adapter(const char *dir);

/* The adapter's directory that a user means, into *dir (malloc'd, the caller's): one that is an adapter's, a run's with
 * an adapter in its `best`, else `last` (*link is that name then, and NULL otherwise), or a name on the hub
 * (hub_cache.h). Otherwise an error that says what is there instead. */
enum sft_status peft_dir_find(const char *given, char **dir, const char **link, struct sft_err *err);

/* The path of the base that the config of an adapter in `dir` names, into *path (malloc'd, the caller's): a directory,
 * absolute or from the adapter's own on, else from here on, or a snapshot in the hub's cache. SFT_EIO where it is not
 * there, SFT_EDATA where none is named; `remedy` says how to name another one ("--model DIR"). */
enum sft_status peft_find_base(const struct peft_config *config, const char *dir, const char *remedy, char **path,
                               struct sft_err *err);

#endif
