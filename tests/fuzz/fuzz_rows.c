/* Any bytes as a file of rows, JSON, CSV or TSV by the first one: no crash; rows lie one after another within
 * the text, each on a later line than the one before where lines end rows; what a CSV row says is the
 * columns' values as strings; and the file comes to an end. Built with clang -fsanitize=fuzzer, or with
 * replay.c to run a corpus. */
#include "data/rows/rows.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* The row at the front of *rest, which is then a later part of it. */
static void check_row(const struct rows *rows, struct json_element *rest)
{
    const struct json_element row = *rest;
    struct sft_err err = {0};
    json *root;
    if (rows_parse(rows, rest, &root, &err)) {
        require(!root && err.status == SFT_EDATA && err.message[0]);
        rest->len = 0;
        return;
    }
    require(rest->len < row.len && rest->text + rest->len == row.text + row.len);
    if (rows->kind != ROWS_JSON) {
        size_t n_named = 0;
        for (size_t i = 0; i < rows->n_names; i++) {
            n_named += rows->names[i] != NULL;
            require(!rows->names[i] || json_string(json_get(root, rows->names[i])));
        }
        require(json_size(root) == n_named && rest->len == 0);
    }
    json_free(root);
}

static void check_rows(struct rows *rows, const char *text, size_t len)
{
    struct json_element row;
    struct sft_err err = {0};
    const bool is_json = rows->kind == ROWS_JSON; /* whose rows may share a line */
    size_t end = rows_position(rows), line = is_json ? 0 : 1;
    bool found = false;
    for (;;) {
        const enum sft_status status = rows_next(rows, &row, &found, &err);
        require(!status || (status == SFT_EDATA && err.line > 0));
        if (status && !rows_are_done(rows))
            continue; /* a missing comma: the next call gives the row behind it */
        if (!found)
            break;
        const size_t start = (size_t)(row.text - text);
        require(row.len > 0 && start >= end && row.len <= len - start && row.line >= line + !is_json);
        end = start + row.len;
        line = row.line;
        require(rows_position(rows) >= end && rows_position(rows) <= len);
        do
            check_row(rows, &row);
        while (row.len > 0);
    }
    require(rows_next(rows, &row, &found, &err) == SFT_OK && !found);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const enum rows_kind kinds[] = {ROWS_CSV, ROWS_TSV, ROWS_JSON};
    if (size == 0)
        return 0;
    const size_t len = size - 1;
    char *text = malloc(len ? len : 1); /* a copy of its exact size, so that reading past it is caught */
    struct rows rows;
    struct sft_err err = {0};
    require(text != NULL);
    memcpy(text, bytes + 1, len);
    if (rows_init(&rows, kinds[(size_t)(bytes[0] - '0') % 3], text, len, &err)) /* '0' to '2' */
        require(err.status == SFT_EDATA && err.message[0]);
    else
        check_rows(&rows, text, len);
    rows_free(&rows);
    free(text);
    return 0;
}
