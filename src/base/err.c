#include "base/err.h"

#include "base/err_kind.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text that fits ---- */

/* What was printed into raw[capacity] and is `wanted` bytes long, without the half of a character that a cut leaves. */
static size_t whole_length(const char *raw, int wanted, size_t capacity)
{
    const size_t len = wanted < 0 ? 0 : (size_t)wanted;
    return len < capacity ? len : capacity - 1 - utf8_incomplete_tail(raw, capacity - 1);
}

/* Printed, what a terminal obeys made visible, cut where it does not fit. */
static void vprint(char *out, size_t capacity, const char *fmt, va_list ap)
{
    char raw[SFT_ERR_MAX];
    const int wanted = vsnprintf(raw, sizeof raw, fmt, ap);
    utf8_copy_printable(raw, whole_length(raw, wanted, sizeof raw), "", out, capacity);
}

SFT_PRINTF(3, 4) static void print(char *out, size_t capacity, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vprint(out, capacity, fmt, ap);
    va_end(ap);
}

/* Put "FRONT" and what joins it in front of field[capacity]. */
static void put_in_front(char *field, size_t capacity, const char *front, const char *joint)
{
    char behind[SFT_ERR_MAX];
    snprintf(behind, sizeof behind, "%s", field);
    print(field, capacity, "%s%s%s", front, joint, behind);
}

/* ---- failing ---- */

enum sft_status sft_vfail(struct sft_err *err, enum sft_status status, const char *fmt, va_list ap)
{
    if (!err)
        return status;
    va_list again;
    va_copy(again, ap);
    err->kind = err_kind(0, fmt, again);
    va_end(again);
    vprint(err->message, sizeof err->message, fmt, ap);
    err->file[0] = err->key[0] = '\0';
    err->file_line = err->line = err->column = 0;
    err->status = status;
    return status;
}

enum sft_status sft_fail(struct sft_err *err, enum sft_status status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    sft_vfail(err, status, fmt, ap);
    va_end(ap);
    return status;
}

enum sft_status sft_fail_lines(struct sft_err *err, enum sft_status status, const char *lines)
{
    sft_fail(err, status, "%s", lines);
    if (err)
        utf8_copy_printable(lines, strlen(lines), "\n", err->message, sizeof err->message);
    return status;
}

enum sft_status sft_fail_in(struct sft_err *err, enum sft_status status, const char *key, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    sft_vfail(err, status, fmt, ap);
    va_end(ap);
    sft_in_key(err, "%s", key);
    return status;
}

enum sft_status sft_fail_errno(struct sft_err *err, const char *fmt, ...)
{
    const int saved_errno = errno;
    va_list ap;
    va_start(ap, fmt);
    sft_vfail(err, SFT_EIO, fmt, ap);
    va_end(ap);
    sft_remark(err, ": %s%s", strerror(saved_errno),
               saved_errno == EFBIG ? " (ulimit -f sets the limit)" : "");
    return SFT_EIO;
}

enum sft_status sft_remark(struct sft_err *err, const char *fmt, ...)
{
    if (!err)
        return SFT_EIO;
    va_list ap;
    va_start(ap, fmt);
    err->kind = err_kind(err->kind, fmt, ap);
    va_end(ap);
    const size_t used = strlen(err->message);
    va_start(ap, fmt);
    vprint(err->message + used, sizeof err->message - used, fmt, ap);
    va_end(ap);
    return err->status;
}

/* ---- placing ---- */

enum sft_status sft_at(struct sft_err *err, size_t line, size_t column)
{
    if (!err)
        return SFT_EIO;
    err->line = line;
    err->column = column;
    return err->status;
}

enum sft_status sft_in_key(struct sft_err *err, const char *fmt, ...)
{
    if (!err)
        return SFT_EIO;
    char front[SFT_ERR_KEY_MAX];
    va_list ap;
    va_start(ap, fmt);
    err->kind = err_kind(err->kind, fmt, ap);
    va_end(ap);
    va_start(ap, fmt);
    vprint(front, sizeof front, fmt, ap);
    va_end(ap);
    put_in_front(err->key, sizeof err->key, front, err->key[0] && err->key[0] != '[' ? "." : "");
    return err->status;
}

bool sft_err_is_in(const struct sft_err *err, const char *name)
{
    const size_t len = strlen(name);
    return err && len > 0 && strncmp(err->key, name, len) == 0 && (!err->key[len] || strchr(".[", err->key[len]));
}

/* What stands in front of what was parsed, as one. */
static void join_file(const struct sft_err *err, char out[SFT_ERR_MAX])
{
    if (err->file_line)
        print(out, SFT_ERR_MAX, "%s:%zu", err->file, err->file_line);
    else
        print(out, SFT_ERR_MAX, "%s", err->file);
}

enum sft_status sft_in_file(struct sft_err *err, const char *file, size_t line)
{
    if (!err)
        return SFT_EIO;
    const struct sft_err inner = *err;
    print(err->file, sizeof err->file, "%s", file);
    err->file_line = line;
    if (inner.file[0]) { /* a place of its own: "a.json" within "the directory's list:3" */
        char front[SFT_ERR_MAX];
        join_file(err, front);
        print(err->file, sizeof err->file, "%s: %s", front, inner.file);
        err->file_line = inner.file_line;
    }
    return err->status;
}

enum sft_status sft_in_dir(struct sft_err *err, const char *dir, const char *name)
{
    char path[SFT_ERR_MAX];
    print(path, sizeof path, "%s/%s", dir, name);
    return sft_in_file(err, path, 0);
}

enum sft_status sft_context(struct sft_err *err, const char *fmt, ...)
{
    if (!err)
        return SFT_EIO;
    char front[SFT_ERR_MAX];
    va_list ap;
    va_start(ap, fmt);
    vprint(front, sizeof front, fmt, ap);
    va_end(ap);
    if (err->file[0] || err->line || err->column) {
        put_in_front(err->file, sizeof err->file, front, err->file[0] ? ": " : "");
        return err->status;
    }
    va_start(ap, fmt);
    err->kind = err_kind(err->kind, fmt, ap);
    va_end(ap);
    put_in_front(err->key, sizeof err->key, front, err->key[0] ? ": " : "");
    return err->status;
}

/* ---- telling ---- */

char *sft_err_text(const struct sft_err *err, char *out, size_t capacity)
{
    char place[64] = "", file[SFT_ERR_MAX];
    join_file(err, file);
    if (err->line && err->column)
        snprintf(place, sizeof place, "line %zu, column %zu: ", err->line, err->column);
    else if (err->line || err->column)
        snprintf(place, sizeof place, "%s %zu: ", err->line ? "line" : "column", err->line + err->column);
    const int wanted = snprintf(out, capacity, "%s%s%s%s%s%s", file, file[0] ? ": " : "", place, err->key,
                                err->key[0] ? ": " : "", err->message);
    out[whole_length(out, wanted, capacity)] = '\0';
    return out;
}

int sft_exit_code(enum sft_status status)
{
    switch (status) {
    case SFT_OK:
        return 0;
    case SFT_EUSAGE:
        return 2;
    case SFT_ENONFINITE:
        return 3;
    case SFT_EINTERRUPTED:
        return 130;
    case SFT_EIO:
    case SFT_EDATA:
    case SFT_ENOMEM:
        return 1;
    }
    return 1;
}

void sft_bug(const char *file, int line, const char *what)
{
    fprintf(stderr, "BUG: %s:%d: %s\n", file, line, what);
    abort();
}
