/* Errors: what failed, told once, where it is known.
 *
 * Every function that can fail returns an enum sft_status and takes a struct sft_err * as its last
 * argument. Where the failure is found, it says what is wrong and how to mend it:
 *
 *     return sft_fail(err, SFT_EDATA, "unknown role '%s' (system, user or assistant)", role);
 *
 * A caller that knows a place adds the place in front, not prose:
 *
 *     if (read_role(...))
 *         return sft_context(err, "%s:%zu: messages[%zu].role", path, line, i);
 *     // train.jsonl:17: messages[2].role: unknown role 'assistent' (system, user or assistant)
 *
 * What a message quotes, a tensor's name or a path, cannot disturb a terminal: control characters but \n and \t become
 * escapes. Messages are lower case, without a full stop. Libraries never print and never exit; src/cmd does. */
#ifndef SFT_BASE_ERR_H
#define SFT_BASE_ERR_H

enum sft_status {
    SFT_OK = 0,
    SFT_EIO,          /* the system said no: files, disks, memory maps */
    SFT_EDATA,        /* a file's content is wrong: JSON, tensors, rows, tokenizers */
    SFT_EUSAGE,       /* the user's words are wrong: arguments, configuration */
    SFT_ENOMEM,       /* not enough memory */
    SFT_ENONFINITE,   /* a loss or a gradient is not finite */
    SFT_EINTERRUPTED, /* a signal asked us to stop; what was to be saved is saved */
};

enum { SFT_ERR_MAX = 2048 };

struct sft_err {
    enum sft_status status;
    char message[SFT_ERR_MAX];
};

#define SFT_PRINTF(fmt_index, first_arg) __attribute__((format(printf, fmt_index, first_arg)))

/* Fill *err with a formatted message and return status, so that it can stand in a return statement.
 * err may be NULL: then only the status is told. */
enum sft_status sft_fail(struct sft_err *err, enum sft_status status, const char *fmt, ...) SFT_PRINTF(3, 4);

/* Like sft_fail(SFT_EIO), with ": " and errno's text appended. */
enum sft_status sft_fail_errno(struct sft_err *err, const char *fmt, ...) SFT_PRINTF(2, 3);

/* Put a place and ": " in front of the message already in *err; returns its status. */
enum sft_status sft_context(struct sft_err *err, const char *fmt, ...) SFT_PRINTF(2, 3);

/* The exit code that goes with a status: 0 done, 1 failed, 2 usage, 3 not finite, 130 interrupted. */
int sft_exit_code(enum sft_status status);

/* Stop at once: for our own mistakes only, never for bad input. */
#define SFT_BUG(what) sft_bug(__FILE__, __LINE__, what)
_Noreturn void sft_bug(const char *file, int line, const char *what);

#endif
