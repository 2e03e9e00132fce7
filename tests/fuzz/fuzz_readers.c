/* Any bytes as one row: each reader forced, the one that is found, and, of two answers, as a pair. No crash; a row is refused with a
 * message, or becomes conversations that hold what they promise. Built with clang -fsanitize=fuzzer, or with
 * replay.c to run a corpus. */
#include "data/readers/reader.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_conversation(const struct conversation *conv)
{
    require(conv->count > 0 && (!conv->is_document || conv->count == 1));
    for (size_t i = 0; i < conv->count; i++) {
        const struct message *m = &conv->messages[i];
        require(m->role < ROLE_COUNT && isfinite(m->weight) && m->weight >= 0.0F);
        require(strlen(m->content) == m->len); /* JSON lets no NUL in */
    }
}

static void check_reader(const struct reader *reader, const json *root, struct arena *arena)
{
    struct sft_err err = {0};
    struct conversations list;
    if (reader_read(reader, root, NULL, arena, &list, &err)) {
        require(err.status == SFT_EDATA && err.message[0]);
        return;
    }
    require(reader->matches(root) && list.count > 0);
    require(list.count == 1 || strcmp(reader->name, "oasst-all") == 0);
    for (size_t i = 0; i < list.count; i++)
        check_conversation(&list.items[i]);
}

static void check_pair(const json *root, struct arena *arena)
{
    struct sft_err err = {0};
    struct conversations list;
    if (reader_read_pair(root, NULL, arena, &list, &err)) {
        require(err.status == SFT_EDATA && err.message[0]);
        return;
    }
    require(list.count == 2);
    for (size_t i = 0; i < 2; i++)
        check_conversation(&list.items[i]);
}

static void check_row(const json *root)
{
    struct sft_err err = {0};
    struct arena arena = {0};
    struct conversation conv;
    if (reader_is_pair(root))
        check_pair(root, &arena);
    for (size_t i = 0; i < readers_count; i++) {
        check_reader(readers[i], root, &arena);
        arena_reset(&arena);
    }
    const struct reader *reader = reader_detect(root, &err);
    require(reader ? reader->matches(root) : err.status == SFT_EDATA && err.message[0]);
    if (reader_read_any(root, &arena, &conv, &err) == SFT_OK)
        check_conversation(&conv);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size ? size : 1); /* a copy of its exact size, so that reading past it is caught */
    json *root = NULL;
    require(text != NULL);
    if (size > 0)
        memcpy(text, bytes, size);
    if (json_parse(text, size, &root, NULL) == SFT_OK)
        check_row(root);
    json_free(root);
    free(text);
    return 0;
}
