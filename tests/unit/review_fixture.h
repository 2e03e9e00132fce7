/* A file of rows that is reviewed, and one of its rows; for tests. */
#ifndef SFT_TESTS_REVIEW_FIXTURE_H
#define SFT_TESTS_REVIEW_FIXTURE_H

#include "collect/review/review_rows.h"
#include "support/run_suite.h"

#include "scratch.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static struct review_rows rows;
static struct review_content content;
static struct strbuf out;

static inline void begin(void)
{
    make_dir();
    rows = (struct review_rows){0};
    content = (struct review_content){0};
    out = (struct strbuf){0};
}

static inline void end(void)
{
    review_content_free(&content);
    review_rows_free(&rows);
    strbuf_free(&out);
    remove_dir();
}

/* Rows are written with ' for ". */
static inline char *quoted(const char *text)
{
    char *copy = mem_strdup(text);
    for (char *c = copy; (c = strchr(c, '\''));)
        *c = '"';
    return copy;
}

static inline void open_file(const char *name, const char *text)
{
    char *copy = quoted(text), *path = path_join(dir, name);
    put(name, copy);
    review_rows_free(&rows);
    check_ok(review_rows_open(&rows, path, &(struct review_rows_options){0}, &err));
    free(copy);
    free(path);
}

static inline void read_row(size_t i)
{
    review_content_free(&content);
    check_ok(review_rows_read(&rows, i, &content, &err));
}

static inline void expect_out(const char *expected)
{
    char *copy = quoted(expected);
    ck_assert_str_eq(out.data, copy);
    free(copy);
    strbuf_clear(&out);
}

#endif
