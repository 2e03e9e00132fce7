/* A row as JSON, written with ' for ". */
#ifndef SFT_TESTS_QUOTED_ROW_H
#define SFT_TESTS_QUOTED_ROW_H

#include "base/json.h"
#include "base/mem.h"

#include "support/err_text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static json *parse(const char *row)
{
    struct sft_err why;
    char *copy = mem_strdup(row);
    json *root;
    for (char *c = copy; (c = strchr(c, '\''));)
        *c = '"';
    ck_assert_msg(json_parse(copy, strlen(copy), &root, &why) == SFT_OK, "%s: %s", row, err_text(&why));
    free(copy);
    return root;
}

#endif
