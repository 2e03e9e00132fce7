/* Stamps: the hash of a file's bytes, kept together with what the system says of the file, so that a file
 * that has not changed is not read again.
 *
 * A stamp is one line of text in a directory of stamps, under the XXH64 of the file's absolute path:
 *
 *     1 SIZE MTIME CTIME INODE DEVICE HASH
 *
 * with times in ns and the hash in hex. It holds while all but the hash are as they were, the change time
 * too, which nobody can set. */
#ifndef SFT_DATA_SOURCE_STAMP_H
#define SFT_DATA_SOURCE_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* What changes when a file's content does. */
struct file_state {
    uint64_t size, inode, device;
    int64_t mtime_ns, ctime_ns;
};
struct file_state file_state_of(const struct stat *st);
bool file_state_is(const struct file_state *state, const struct stat *st);

/* Whether a change at `now_ns` or later would show: two seconds or more have passed since the last one, which
 * is more than any file system's clock is coarse. */
bool file_state_is_settled(const struct file_state *state, int64_t now_ns);

/* The system's clock, which files' times are of. */
int64_t stamp_clock_ns(void);

/* The hash that was kept for the file `path` in this state; false where there is none. */
bool stamp_read(const char *dir, const char *path, const struct file_state *state, uint64_t *hash);

/* Keep it. `dir` is made if it is absent; where that or the writing fails, nothing is kept. */
void stamp_write(const char *dir, const char *path, const struct file_state *state, uint64_t hash);

/* Forget what was kept for `path`. */
void stamp_remove(const char *dir, const char *path);

#endif
