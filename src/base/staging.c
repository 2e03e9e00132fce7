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

/* From here on there is nothing to remove. */
static void unlock(struct staging *s)
{
    close(s->lock);
    s->lock = -1;
}

/* Make it, or take it over, and lock it. */
static enum sft_status take(struct staging *s, const char *dir, struct sft_err *err)
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
    return SFT_OK;
}

enum sft_status staging_open(struct staging *s, const char *dir, struct sft_err *err)
{
    const enum sft_status status = take(s, dir, err);
    return status ? status : io_empty_dir(s->path, err); /* what a killed process left */
}

/* ---- of one's own ---- */

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

/* ---- among other people's ---- */

static enum sft_status check_ours(const struct staging *s, struct sft_err *err)
{
    char **names;
    size_t count;
    if (path_holds_name(s->path, STAGING_MARK))
        return SFT_OK;
    const enum sft_status status = io_list(s->path, &names, &count, err);
    io_list_free(names, count);
    return status || !count ? status
                            : sft_fail(err, SFT_EUSAGE, "%s is written as %s, which exists already, and not by sft "
                                                        "(choose another name)", s->dir, s->path);
}

/* At once, unlike io_write_file: it is there before anything else. */
static enum sft_status mark(const struct staging *s, struct sft_err *err)
{
    const int fd = openat(s->lock, STAGING_MARK, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return sft_fail_errno(err, "%s: cannot write", s->path);
    close(fd);
    return SFT_OK;
}

enum sft_status staging_open_new(struct staging *s, const char *path, struct sft_err *err)
{
    enum sft_status status = take(s, path, err);
    if (!status && (status = check_ours(s, err)))
        unlock(s); /* it is not ours to remove */
    if (!status)
        status = io_empty_dir(s->path, err);
    return status ? status : mark(s, err);
}

/* One of them on its way: where it is, where it goes, and where what it replaces is meanwhile. */
struct move {
    char *from, *to, *old;
    bool is_there, has_old;
};

static struct move move_of(const struct staging *s, const char *to, const char *name)
{
    return (struct move){.from = path_join(s->path, name),
                         .to = path_join(to, name),
                         .old = mem_printf("%s/.replaced-%s", s->path, name)};
}

static void undo(struct move *m)
{
    if (m->is_there)
        io_rename(m->to, m->from, NULL);
    if (m->has_old)
        io_rename_new(m->old, m->to, NULL);
}

/* What is replaced is looked at twice: where it is, and once nobody else can put another in its place. */
static enum sft_status put(struct move *m, const struct staged *staged, struct sft_err *err)
{
    if (!path_has_name(m->from))
        return SFT_OK;
    if (staged->may_replace && staged->may_replace(m->to)) {
        if (io_rename(m->to, m->old, err))
            return err->status;
        m->has_old = true;
        if (!staged->may_replace(m->old))
            return sft_fail(err, SFT_EUSAGE, "%s exists already, and not by sft", m->to);
    }
    const enum sft_status status = io_rename_new(m->from, m->to, err);
    m->is_there = !status;
    return status;
}

enum sft_status staging_commit_new(struct staging *s, const struct staged *staged, size_t count, struct sft_err *err)
{
    struct move *moves = mem_calloc(count + 1, sizeof *moves);
    char *to = path_dirname(s->dir);
    enum sft_status status = sync_tree(s->path, err);
    for (size_t i = 0; i < count; i++) {
        moves[i] = move_of(s, to, staged[i].name);
        if (!status)
            status = put(&moves[i], &staged[i], err);
    }
    if (!status)
        status = io_sync_dir(to, err);
    for (size_t i = count; i-- > 0;) {
        if (status)
            undo(&moves[i]);
        free(moves[i].from);
        free(moves[i].to);
        free(moves[i].old);
    }
    free(moves);
    free(to);
    return status;
}

/* ---- closed ---- */

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
