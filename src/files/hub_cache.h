/* Models by the names that they have on the Hugging Face hub, as far as they are in its cache on this machine. Nothing
 * is fetched. The cache is huggingface_hub's (docs: "Understand caching"):
 *
 *     models--ORG--NAME/refs/main               the commit that this revision was when it was last fetched
 *     models--ORG--NAME/snapshots/COMMIT/       its files: links into blobs/
 *     models--ORG--NAME/blobs/HASH.incomplete   what a download that was cut short left
 *     models--ORG--NAME/trees/COMMIT.json       the names of all its files (since huggingface_hub 2; may be absent)
 *
 * below $HF_HUB_CACHE, else $HUGGINGFACE_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub or
 * ~/.cache/huggingface/hub. */
#ifndef SFT_FILES_HUB_CACHE_H
#define SFT_FILES_HUB_CACHE_H

#include "base/err.h"
#include "base/strbuf.h"

/* Whether `text` can be a name: ORG/NAME, or NAME of an old model, each maybe with @REVISION behind it, a branch, a tag
 * or a commit. A relative path of one or two parts can be one, too. */
bool hub_name_is(const char *text);

/* Where the cache is, malloc'd; NULL where there is no home directory to look in. */
char *hub_cache_dir(void);

/* Whether anything of that model is there. */
bool hub_cache_has(const char *name);

/* The snapshot's directory, into *dir (malloc'd, the caller's). Without a revision it is that of `main`. SFT_EIO where
 * it is not there, or small files of it are not, with the command that fetches them. */
enum sft_status hub_cache_find(const char *name, char **dir, struct sft_err *err);

/* What a user names a model by, as a path, into *path (malloc'd, the caller's): what is there as a file or directory,
 * and what can be no name, as it stands; anything else by hub_cache_find. */
enum sft_status hub_cache_resolve(const char *path_or_name, char **path, struct sft_err *err);

/* "ORG/NAME@COMMIT" of a snapshot's directory, malloc'd: a name that will mean the same when the cache has a newer one;
 * NULL of any other path. */
char *hub_snapshot_name(const char *dir);

/* The command that fetches what a name means: "hf download ORG/NAME", with --revision where there is one. */
void hub_add_download(struct strbuf *out, const char *name);

/* Where `dir` is a snapshot that is not whole, tell so behind an error that was met in it. Returns err's status. */
enum sft_status hub_remark_incomplete(const char *dir, struct sft_err *err);

#endif
