/* Where token stores are kept between runs: $SFT_CACHE_DIR, else $XDG_CACHE_HOME/sft, else ~/.cache/sft.
 *
 * A store's name is a hash of its key, which names all that it was made from: the file's content, tokenizer,
 * template, settings, version. What nobody has used for 30 days is removed when the next store is written. The
 * directory can be deleted at any time; it is made for its user alone. Stamps of sources (data/stamp.h) lie in it
 * too. */
#ifndef SFT_DATA_TOKEN_CACHE_H
#define SFT_DATA_TOKEN_CACHE_H

#include "base/err.h"

/* The directory, made if it is not there; NULL where there can be none (no HOME, or it cannot be written),
 * which is no error: then nothing is kept. malloc'd. */
char *token_cache_dir(void);

/* The path in `dir` of the store made under `key`; malloc'd. */
char *token_cache_path(const char *dir, const char *key);

/* Note that a store is in use, so that it is kept. */
void token_cache_touch(const char *path);

/* Remove stores and stamps that were not used for 30 days, and what interrupted writers left behind a day ago.
 * Files whose names are not of our making stay. */
void token_cache_prune(const char *dir);

#endif
