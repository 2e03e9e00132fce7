/* Which directory, or file, a user means by a model. */
#ifndef SFT_FILES_MODEL_DIR_H
#define SFT_FILES_MODEL_DIR_H

#include "base/err.h"

/* The model directory that `path_or_name` means, into *dir (malloc'd, the caller's):
 *     a directory with a config.json   itself; where it is a symbolic link, such as out/last, what it points to now,
 *                                      so that a run that moves the link on does not mix two checkpoints
 *     a GGUF file                      itself
 *     a run's directory                its `best` if there is one, else `last`, resolved; *link is that name then,
 *                                      and NULL otherwise
 *     a model's name on the hub        its snapshot in the Hugging Face cache (hub_cache.h)
 * Otherwise an error that says what is there instead, and what a model's directory has. */
enum sft_status model_dir_find(const char *path_or_name, char **dir, const char **link, struct sft_err *err);

/* An error: that `path` is a file, or a directory without config.json, what it is instead, and what a model's directory
 * has. */
enum sft_status model_dir_fail(const char *path, struct sft_err *err);

#endif
