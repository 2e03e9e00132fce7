/* Files: reading whole ones, mapping, writing so that a crash leaves the old or the new and never half,
 * and the little that is needed of directories. Errors name the path. */
#ifndef SFT_BASE_IO_H
#define SFT_BASE_IO_H

#include "base/err.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/xxh64.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- reading ---- */

/* Read a whole file, pipe or device into sb, which is cleared first. */
enum sft_status io_read(const char *path, struct strbuf *sb, struct sft_err *err);

/* The same for what can only be a file, as those of a model are: a directory, a device, a named pipe (which would be
 * waited for) is SFT_EIO. io_map and io_hash_file ask the same. */
enum sft_status io_read_file(const char *path, struct strbuf *sb, struct sft_err *err);

/* A file mapped read-only. An empty file has data "" and size 0. Zero-initialised is empty. */
struct io_map {
    const char *data;
    size_t size;
};
enum sft_status io_map(struct io_map *map, const char *path, struct sft_err *err);
/* The same for a file that we wrote for ourselves: no link, this user's, and nobody else may write it. */
enum sft_status io_map_own(struct io_map *map, const char *path, struct sft_err *err);
void io_unmap(struct io_map *map);

/* Let the system take the pages of a part of a map, which has been read: they are read again where they are touched. A
 * process would hold them, beside what it has made of them, until it unmaps the file. */
void io_map_release(const void *part, size_t len);

/* ---- writing ----
 *
 *     struct io_writer *w = io_writer_open(path, err);   // writes path.tmp beside it
 *     io_write(w, bytes, n); ...                          // errors are remembered
 *     return io_writer_commit(w, err);                    // flush, sync, rename; frees w either way
 *
 * Until the commit, path is what it was. io_writer_abort removes the temporary file. The writer keeps a
 * running XXH64 of what was written. */
struct io_writer;
struct io_writer *io_writer_open(const char *path, struct sft_err *err);
void io_write(struct io_writer *w, const void *bytes, size_t len);
uint64_t io_writer_hash(const struct io_writer *w);
enum sft_status io_writer_commit(struct io_writer *w, struct sft_err *err);
void io_writer_abort(struct io_writer *w);

/* The same under a temporary name that no other process uses (base/writer_id.h): for files that several may write at
 * once, the last one staying. For its user's eyes only: mode 0600. */
struct io_writer *io_writer_open_shared(const char *path, struct sft_err *err);

/* Into a temporary file, in $TMPDIR, else /tmp, that has no name and goes with its last mapping:
 * io_writer_commit_map is its only use. */
struct io_writer *io_writer_open_temporary(struct sft_err *err);

/* Commit, and map what was written. */
enum sft_status io_writer_commit_map(struct io_writer *w, struct io_map *map, struct sft_err *err);

/* How many bytes were written so far. */
size_t io_writer_size(const struct io_writer *w);

/* Whether a write has failed: the commit will say how, and what is written from now on is lost. */
bool io_writer_has_failed(const struct io_writer *w);

/* The same for content that is already in memory. */
enum sft_status io_write_file(const char *path, const void *bytes, size_t len, struct sft_err *err);

/* The XXH64 (base/xxh64.h) of a file's bytes. */
enum sft_status io_hash_file(const char *path, uint64_t *hash, struct sft_err *err);

/* ---- directories ---- */
enum sft_status io_mkdirs(const char *path, struct sft_err *err); /* like mkdir -p; their names are synced */
enum sft_status io_mkdirs_private(const char *path, struct sft_err *err); /* what it makes is the user's alone: 0700 */
enum sft_status io_sync_dir(const char *path, struct sft_err *err);
enum sft_status io_rename(const char *from, const char *to, struct sft_err *err);

/* The same for a name that nothing has: SFT_EUSAGE where something has it at that moment, which stays as it is. (Where
 * the file system cannot tell, a directory may take the place of an empty one.) */
enum sft_status io_rename_new(const char *from, const char *to, struct sft_err *err);

/* Give directory `from` the name `to`; where there is a `to`, the two change places in one step and the old one is
 * removed, so that at any moment one of them is whole under that name. (Where the file system cannot do that, the old
 * one is `to` with IO_REPLACED for a moment; who finds it so, and no `to`, may give it its name back.) */
#define IO_REPLACED ".old.tmp"
enum sft_status io_replace_dir(const char *from, const char *to, struct sft_err *err);
enum sft_status io_remove_tree(const char *path, struct sft_err *err); /* like rm -rf; absent is fine */

/* All that is in it, from the last name to the first: a name that begins with a dot outlives the others. */
enum sft_status io_empty_dir(const char *path, struct sft_err *err);

/* Make `path` a symbolic link to `target`, replacing what is there by rename. */
enum sft_status io_symlink(const char *target, const char *path, struct sft_err *err);

/* Names in a directory except "." and "..", sorted; *names is malloc'd, each name too. */
enum sft_status io_list(const char *path, char ***names, size_t *count, struct sft_err *err);
void io_list_free(char **names, size_t count);

/* Take an exclusive lock on a file (made if absent) for this process's life. Returns the descriptor in
 * *fd; SFT_EUSAGE where another process holds it. The lock goes with the process, however that ends. */
enum sft_status io_lock(const char *path, int *fd, struct sft_err *err);

#endif
