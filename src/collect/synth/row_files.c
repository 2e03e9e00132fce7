#include "collect/synth/row_files.h"

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/synth/append.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *row_files_rejected_path(const char *out)
{
    return mem_printf("%s.rejected.jsonl", out);
}

char *row_files_journal_path(const char *out)
{
    return mem_printf("%s.journal", out);
}

/* ---- writing ---- */

static enum sft_status open_file(struct row_file *file, struct sft_err *err)
{
    struct stat st;
    file->fd = open(file->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file->fd < 0 || fstat(file->fd, &st) != 0)
        return sft_fail_errno(err, "%s: cannot write", file->path);
    if (!S_ISREG(st.st_mode))
        return sft_fail(err, SFT_EUSAGE, "%s: no file, which a run could go on with", file->path);
    char *dir = path_dirname(file->path);
    const enum sft_status status = io_sync_dir(dir, err);
    free(dir);
    return status;
}

/* An editor that saves gives the name to another file: rows go to that one. */
static enum sft_status follow_name(struct row_file *file, struct sft_err *err)
{
    struct stat ours, named;
    if (fstat(file->fd, &ours) == 0 && stat(file->path, &named) == 0 && ours.st_dev == named.st_dev &&
        ours.st_ino == named.st_ino)
        return SFT_OK;
    close(file->fd);
    return open_file(file, err);
}

/* What a person saves meanwhile may end without a line break. */
static bool has_open_end(const struct row_file *file)
{
    struct stat st;
    char last;
    return fstat(file->fd, &st) == 0 && st.st_size > 0 && pread(file->fd, &last, 1, st.st_size - 1) == 1 &&
           last != '\n';
}

enum sft_status row_files_add(struct row_files *files, int file, const char *line, size_t len, struct sft_err *err)
{
    struct row_file *f = &files->files[file];
    if (follow_name(f, err) || (has_open_end(f) && append_line(f->fd, f->path, "\n", 1, false, err)))
        return err->status;
    return append_line(f->fd, f->path, line, len, true, err);
}

/* ---- what is there ---- */

static enum sft_status show(const char *text, size_t len, int file, size_t line, row_files_visit *visit, void *user,
                            struct sft_err *err)
{
    json *row = NULL;
    if (strspn(text, " \t\r") >= len)
        return SFT_OK;
    if (json_parse(text, len, &row, NULL))
        row = NULL;
    const enum sft_status status = visit(user, file, line, row, err);
    json_free(row);
    return status;
}

/* The last line, where it has no end. */
static enum sft_status mend_end(struct row_file *file, const char *text, size_t len, size_t offset, bool *is_whole,
                                struct sft_err *err)
{
    json *row = NULL;
    *is_whole = !json_parse(text, len, &row, NULL) && json_is_object(row);
    json_free(row);
    if (*is_whole)
        return append_line(file->fd, file->path, "\n", 1, false, err);
    if (ftruncate(file->fd, (off_t)offset) != 0)
        return sft_fail_errno(err, "%s: cannot write", file->path);
    log_info("%s: its last line was half written, and is cut off", file->path);
    return SFT_OK;
}

static enum sft_status visit_rows(struct row_file *file, int number, row_files_visit *visit, void *user,
                                  struct sft_err *err)
{
    struct strbuf text = {0};
    enum sft_status status = io_read_file(file->path, &text, err);
    bool is_whole = true;
    size_t line = 1;
    for (size_t offset = 0, len; !status && offset < text.len; offset += len + 1, line++) {
        const char *start = text.data + offset, *end = memchr(start, '\n', text.len - offset);
        len = end ? (size_t)(end - start) : text.len - offset;
        if (!end)
            status = mend_end(file, start, len, offset, &is_whole, err);
        if (!status && is_whole)
            status = show(start, len, number, line, visit, user, err);
    }
    strbuf_free(&text);
    return status;
}

enum sft_status row_files_open(struct row_files *files, const char *out, row_files_visit *visit, void *user,
                               struct sft_err *err)
{
    files->files[KEPT_FILE] = (struct row_file){.path = mem_strdup(out), .fd = -1};
    files->files[REJECTED_FILE] = (struct row_file){.path = row_files_rejected_path(out), .fd = -1};
    for (int i = 0; i < N_ROW_FILES; i++)
        files->files[i].is_new = !path_exists(files->files[i].path);
    for (int i = 0; i < N_ROW_FILES; i++)
        if (open_file(&files->files[i], err) || visit_rows(&files->files[i], i, visit, user, err))
            return err->status;
    return SFT_OK;
}

void row_files_remove_new(const struct row_files *files)
{
    struct stat st;
    for (int i = 0; i < N_ROW_FILES; i++) {
        const struct row_file *f = &files->files[i];
        if (f->is_new && stat(f->path, &st) == 0 && st.st_size == 0)
            unlink(f->path);
    }
}

void row_files_close(struct row_files *files)
{
    for (int i = 0; i < N_ROW_FILES; i++) {
        if (files->files[i].path && files->files[i].fd >= 0)
            close(files->files[i].fd);
        free(files->files[i].path);
        files->files[i] = (struct row_file){.fd = -1};
    }
}
