/* Which directory a user means by a model. */
#ifndef SFT_FILES_MODEL_DIR_H
#define SFT_FILES_MODEL_DIR_H

#include "base/json.h"
#include "model/config.h"

/* The model directory that `path` names, into *dir (malloc'd, the caller's):
 *     a directory with a config.json   itself; where it is a symbolic link, such as out/last, what it points to now,
 *                                      so that a run that moves the link on does not mix two checkpoints
 *     a run's directory                its `best` if there is one, else `last`, resolved; *link is that name then,
 *                                      and NULL otherwise
 * Otherwise an error that says what is there instead, and what a model's directory has. */
enum sft_status model_dir_find(const char *path, char **dir, const char **link, struct sft_err *err);

/* An error: that `path` is a file, or a directory without config.json, what it is instead, and what a model's directory
 * has. */
enum sft_status model_dir_fail(const char *path, struct sft_err *err);

/* Read a config.json (or the one in a directory). Errors are those of
 * model_config_read, with the file. *raw, if wanted, gets the parsed JSON,
 * whose keys that are not ours go into what is exported; free it with json_free. */
enum sft_status model_config_load(struct model_config *config, const char *path, json **raw,
                                  struct sft_err *err);

#endif
