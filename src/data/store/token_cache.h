/* Where token stores are kept between runs: $SFT_CACHE_DIR, else $XDG_CACHE_HOME/sft, else ~/.cache/sft.
 *
 * A store's name is a hash of its key, which names all that it was made from: the file's content, tokenizer,
 * template, settings, version. What nobody has used for 30 days is removed when the next store is written. The
 * directory can be deleted at any time. Stamps of sources (data/source/stamp.h) lie in it too, and what reference
 * models say of pairs (train/reference_store.h).
 *
 * It holds what people said, and what is trained on is taken from it: it is made for its user alone (0700, files
 * 0600), and one that belongs to another user, or that everybody may write in, is not used, with a warning. */
#ifndef SFT_DATA_STORE_TOKEN_CACHE_H
#define SFT_DATA_STORE_TOKEN_CACHE_H

#include "base/err.h"

/* The directory, made if it is not there; NULL where there can be none (no HOME, or, with a warning, it cannot be
 * written or is not to be trusted), which is no error: then nothing is kept. malloc'd. */
char *token_cache_dir(void);

/* The path in `dir` of the store made under `key`; malloc'd. */
char *token_cache_path(const char *dir, const char *key);
char *token_cache_logps_path(const char *dir, const char *key); /* the same of a reference's log-probabilities */

/* Note that a store is in use, so that it is kept. */
void token_cache_touch(const char *path);

/* Remove what writers left behind that were interrupted: at once where their process is gone, after a day where that
 * cannot be known (base/writer_id.h). Files whose names are not of our making stay. */
void token_cache_sweep(const char *dir);

/* The same, and stores and stamps that were not used for 30 days. */
void token_cache_prune(const char *dir);

#endif
