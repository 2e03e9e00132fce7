#include "base/staging.h"

#include "base/io.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const struct staging closed = {.lock = -1};

enum sft_status staging_open(struct staging *s, const char *dir, struct sft_err *err)
{
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/')
        len--;
    *s = closed;
    s->dir = mem_strndup(dir, len);
    s->path = mem_printf("%s.tmp", s->dir);
    if (io_mkdirs(s->path, err))
        return err->status;
    s->lock = open(s->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (s->lock < 0)
        return sft_fail_errno(err, "%s", s->path);
    if (flock(s->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        close(s->lock);
        s->lock = -1;
        return sft_fail(err, SFT_EUSAGE, "%s: is being written by another process", s->dir);
    }
    return io_empty_dir(s->path, err); /* what a killed process left */
}

/* The files were synced as they were written; here the directories' entries are. */
static enum sft_status sync_tree(const char *path, struct sft_err *err)
{
    char **names;
    size_t count;
    enum sft_status status = io_list(path, &names, &count, err);
    for (size_t i = 0; i < count && !status; i++) {
        char *child = path_join(path, names[i]);
        if (path_is_dir(child))
            status = sync_tree(child, err);
        free(child);
    }
    io_list_free(names, count);
    return status ? status : io_sync_dir(path, err);
}

static enum sft_status sync_parent(const char *dir, struct sft_err *err)
{
    char *parent = path_dirname(dir);
    const enum sft_status status = io_sync_dir(parent, err);
    free(parent);
    return status;
}

/* From here on there is nothing to remove. */
static void unlock(struct staging *s)
{
    close(s->lock);
    s->lock = -1;
}

enum sft_status staging_commit(struct staging *s, struct sft_err *err)
{
    if (sync_tree(s->path, err) || io_replace_dir(s->path, s->dir, err))
        return err->status;
    unlock(s);
    return sync_parent(s->dir, err);
}

enum sft_status staging_commit_files(struct staging *s, const char *to, const char *const *names, size_t count,
                                     struct sft_err *err)
{
    enum sft_status status = sync_tree(s->path, err);
    for (size_t i = 0; i < count && !status; i++) {
        char *from = path_join(s->path, names[i]), *final = path_join(to, names[i]);
        if (path_exists(from))
            status = io_rename(from, final, err);
        free(from);
        free(final);
    }
    if (!status)
        status = io_sync_dir(to, err);
    return status;
}

void staging_close(struct staging *s)
{
    if (s->lock >= 0) {
        io_remove_tree(s->path, NULL);
        unlock(s);
    }
    free(s->dir);
    free(s->path);
    *s = closed;
}
