/* Errors: what failed, told once, where it is known.
 *
 * Every function that can fail returns an enum sft_status and takes a struct sft_err * as its last
 * argument. Where the failure is found, it says what is wrong and how to mend it:
 *
 *     return sft_fail(err, SFT_EDATA, "unknown role '%s' (system, user or assistant)", role);
 *
 * A caller that knows more of the place adds it, not prose:
 *
 *     if (read_role(...))
 *         return sft_in_key(err, "messages[%zu]", i);  // an outer one of the key "role"
 *     ...
 *         return sft_in_file(err, path, line);
 *     // train.jsonl:17: messages[2].role: unknown role 'assistent' (system, user or assistant)
 *
 * The place stays in fields; sft_err_text alone makes a line of them, for who prints, and nobody reads it back. What
 * errors have in common is their kind.
 *
 * What a field quotes, a tensor's name or a path, cannot disturb a terminal, nor begin a line: control characters
 * become escapes. Messages are lower case, without a full stop. Libraries never print and never exit; src/cmd does.
 *
 * In all functions err may be NULL: then only the status is told, SFT_EIO where nothing else is known. */
#ifndef SFT_BASE_ERR_H
#define SFT_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sft_status {
    SFT_OK = 0,
    SFT_EIO,          /* the system said no: files, disks, memory maps */
    SFT_EDATA,        /* a file's content is wrong: JSON, tensors, rows, tokenizers */
    SFT_EUSAGE,       /* the user's words are wrong: arguments, configuration */
    SFT_ENOMEM,       /* not enough memory */
    SFT_ENONFINITE,   /* a loss or a gradient is not finite */
    SFT_EINTERRUPTED, /* a signal asked us to stop; what was to be saved is saved */
};

/* Bytes, with the NUL. What is longer is cut after a whole character: of a place and of the text that sft_err_text
 * makes too, its end is lost. */
enum { SFT_ERR_MAX = 2048, SFT_ERR_KEY_MAX = 512 };

struct sft_err {
    enum sft_status status;
    uint64_t kind;               /* equal for errors of one cause (base/err_kind.h), whatever file and line */
    size_t file_line;            /* where in `file` the row begins, the entry, ...; from 1, 0: none */
    size_t line, column;         /* of the character in what was parsed; from 1, 0: none, or there is one line only */
    char file[SFT_ERR_MAX];      /* "train.jsonl", and what was being done with it; "": none */
    char key[SFT_ERR_KEY_MAX];   /* in the row or the document: "messages[2].role"; "": none */
    char message[SFT_ERR_MAX];
};

#define SFT_PRINTF(fmt_index, first_arg) __attribute__((format(printf, fmt_index, first_arg)))

/* ---- failing: *err is filled, without a place; all return the status, to stand in a return statement ---- */

enum sft_status sft_fail(struct sft_err *err, enum sft_status status, const char *fmt, ...) SFT_PRINTF(3, 4);
enum sft_status sft_vfail(struct sft_err *err, enum sft_status status, const char *fmt, va_list ap) SFT_PRINTF(3, 0);

/* The same with a key, as sft_in_key would add it. */
enum sft_status sft_fail_in(struct sft_err *err, enum sft_status status, const char *key, const char *fmt, ...)
    SFT_PRINTF(4, 5);

/* A message of several lines; what they quote must not hold any. */
enum sft_status sft_fail_lines(struct sft_err *err, enum sft_status status, const char *lines);

/* Like sft_fail(SFT_EIO), with ": " and errno's text appended. */
enum sft_status sft_fail_errno(struct sft_err *err, const char *fmt, ...) SFT_PRINTF(2, 3);

/* Append to the message: what only a caller knows of the remedy. */
enum sft_status sft_remark(struct sft_err *err, const char *fmt, ...) SFT_PRINTF(2, 3);

/* ---- placing; all return err's status ---- */

/* The character in what was parsed: line 0 where that is a single line, column 0 where it is not known. */
enum sft_status sft_at(struct sft_err *err, size_t line, size_t column);

/* A key that holds what failed: "messages[2]" before "role", or before "[0]", as one path. */
enum sft_status sft_in_key(struct sft_err *err, const char *fmt, ...) SFT_PRINTF(2, 3);

/* Whether what failed is the key `name` or within it: "messages[2].role" is in "messages". */
bool sft_err_is_in(const struct sft_err *err, const char *name);

/* The file, and where in it the row or the entry begins (0: nowhere). */
enum sft_status sft_in_file(struct sft_err *err, const char *file, size_t line);
enum sft_status sft_in_dir(struct sft_err *err, const char *dir, const char *name); /* the file DIR/NAME */

/* What was being done, or what holds the place: it stands with ": " in front of all that is known already. */
enum sft_status sft_context(struct sft_err *err, const char *fmt, ...) SFT_PRINTF(2, 3);

/* ---- telling ---- */

/* "FILE:LINE: line L, column C: KEY: MESSAGE", each where it is there, into out[0..capacity); returns out. */
char *sft_err_text(const struct sft_err *err, char *out, size_t capacity);

/* The same in a buffer that lives as long as the block it stands in: fprintf(stderr, "%s\n", SFT_ERR_TEXT(&err)). */
#define SFT_ERR_TEXT(err) sft_err_text(err, (char[SFT_ERR_MAX]){0}, SFT_ERR_MAX)

/* The exit code that goes with a status: 0 done, 1 failed, 2 usage, 3 not finite, 130 interrupted. */
int sft_exit_code(enum sft_status status);

/* Stop at once: for our own mistakes only, never for bad input. */
#define SFT_BUG(what) sft_bug(__FILE__, __LINE__, what)
_Noreturn void sft_bug(const char *file, int line, const char *what);

#endif
