/* A scratch directory for each test: a fixture (make_dir, remove_dir) and what is done with it. */
#ifndef SFT_TESTS_SCRATCH_H
#define SFT_TESTS_SCRATCH_H

#include "base/io.h"
#include "base/mem.h"

#include "support/err_text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sft_err err;
static char *dir;

static inline void make_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    dir = mem_printf("%s/sft-test-%d", tmp ? tmp : "/tmp", (int)getpid());
    ck_assert_int_eq(io_mkdirs(dir, &err), SFT_OK);
}

static inline void remove_dir(void)
{
    io_remove_tree(dir, &err);
    free(dir);
}

/* Write a file in it. */
static inline void put(const char *name, const char *text)
{
    char *path = path_join(dir, name);
    ck_assert_int_eq(io_write_file(path, text, strlen(text), &err), SFT_OK);
    free(path);
}

static inline void check_ok(enum sft_status status)
{
    ck_assert_msg(status == SFT_OK, "%s", err_text(&err));
}

/* The message without the directory's name in front. */
static inline void expect_message(enum sft_status status, const char *message)
{
    const size_t len = strlen(dir);
    ck_assert_int_eq(status, SFT_EDATA);
    ck_assert_msg(strncmp(err_text(&err), dir, len) == 0, "%s", err_text(&err));
    ck_assert_str_eq(err_text(&err) + len, message);
}

#endif
