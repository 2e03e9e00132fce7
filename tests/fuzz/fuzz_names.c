/* Any bytes as columns and a row: a line of words, THEIRS:OURS, then JSON. What names make of the row is
 * still read by each reader without a crash, its keys can be counted, and the counts come back as they were
 * packed. Built with clang -fsanitize=fuzzer, or with replay.c to run a corpus. */
#include "data/readers/keys.h"
#include "data/readers/names.h"
#include "data/readers/reader.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { WORDS_MAX = 20 };

static void require(bool condition)
{
    if (!condition)
        abort();
}

static struct string_list split_words(char *line)
{
    static char *words[WORDS_MAX];
    struct string_list list = {.items = words};
    for (char *rest = NULL, *word = strtok_r(line, " ", &rest); word && list.count < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        words[list.count++] = word;
    return list;
}

static void check_counts(const json *root, const struct renamed *renamed)
{
    struct key_counts counts = {0}, back = {0};
    struct strbuf packed = {0};
    keys_count(root, renamed, 1, &counts);
    for (size_t i = 0; i < counts.count; i++)
        require(counts.items[i]->rows == 1);
    key_counts_pack(&counts, &packed);
    require(key_counts_unpack(&back, packed.data, packed.len) && back.count == counts.count);
    key_counts_free(&counts);
    key_counts_free(&back);
    strbuf_free(&packed);
}

static void check_row(const struct names *names, const char *text, size_t len)
{
    for (size_t i = 0; i < readers_count; i++) { /* each on a tree of its own, for the marks */
        struct arena arena = {0};
        struct conversations list;
        const struct renamed *renamed;
        uint64_t used;
        json *root;
        if (json_parse(text, len, &root, NULL))
            return;
        if (names_apply(names, root, &arena, &renamed, &used, NULL) == SFT_OK &&
            reader_read(readers[i], root, names, &arena, &list, NULL) == SFT_OK)
            check_counts(root, renamed);
        json_free(root);
        arena_free(&arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const uint8_t *end = size ? memchr(bytes, '\n', size) : NULL;
    if (!end)
        return 0;
    char *line = strndup((const char *)bytes, (size_t)(end - bytes));
    require(line != NULL);
    const struct string_list words = split_words(line);
    struct names names, speakers;
    const struct names_options columns = {.columns = words}, roles = {.roles = words};
    if (names_init(&names, &columns, NULL) == SFT_OK)
        check_row(&names, (const char *)end + 1, size - (size_t)(end - bytes) - 1);
    names_free(&names);
    if (names_init(&speakers, &roles, NULL) == SFT_OK)
        check_row(&speakers, (const char *)end + 1, size - (size_t)(end - bytes) - 1);
    names_free(&speakers);
    free(line);
    return 0;
}
