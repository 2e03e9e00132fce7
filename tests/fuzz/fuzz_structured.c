/* Any bytes as a labeller's answer: no crash; what is read is a conversation that alternates, of texts that are not
 * blank; what one speaker said lies in the text; and what is mended is an object or a list, as
 * it was. */
#include "base/json.h"
#include "base/utf8.h"
#include "collect/synth/json_mend.h"
#include "collect/synth/structured.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* A copy of its exact size, so that reading past it is caught. */
static char *copy_of(const uint8_t *bytes, size_t size)
{
    char *copy = malloc(size ? size : 1);
    require(copy != NULL);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

static void try_conversation(const char *text, size_t size)
{
    struct arena arena = {0};
    struct conversation conv;
    struct sft_err err = {0};
    const enum sft_status status = structured_parse(text, size, &arena, &conv, &err);
    require(status ? status == SFT_EDATA && err.message[0] && conv.count == 0 : conv.count >= 2 && conv.count % 2 == 0);
    for (size_t i = 0; i < conv.count; i++) {
        require(conv.messages[i].role == (i % 2 ? ROLE_ASSISTANT : ROLE_USER));
        require(!utf8_is_blank(conv.messages[i].content, conv.messages[i].len));
    }
    arena_free(&arena);
}

/* What json_parse takes of it is of the kind that was begun. */
static void try_mending(const char *text, size_t size)
{
    struct strbuf strict = {0};
    size_t used;
    json *root = NULL;
    const char *wrong = json_mend(text, size, &strict, &used);
    require(used <= size);
    if (!wrong && json_parse(strict.data, strict.len, &root, NULL) == SFT_OK)
        require(*text == '{' ? json_is_object(root) : json_is_array(root));
    json_free(root);
    strbuf_free(&strict);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = copy_of(bytes, size);
    size_t start, n;
    structured_plain(text, size, &start, &n);
    require(start <= size && n <= size - start);
    require(structured_behind_thoughts(text, size) <= size);
    try_conversation(text, size);
    try_mending(text, size);
    free(text);
    return 0;
}
