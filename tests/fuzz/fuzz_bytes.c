/* Any bytes as the beginning of a file: no crash, also where they end; and what is found to be UTF-16 or UTF-32 becomes
 * UTF-8, or is damaged, which is said. Built with clang -fsanitize=fuzzer, or with replay.c to run a corpus. */
#include "base/magic.h"
#include "data/source/encoding.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_encoding(const char *text, size_t size)
{
    const enum encoding encoding = encoding_of(text, size);
    struct io_map from = {.data = text, .size = size}, to = {0};
    struct sft_err err = {0};
    if (encoding == ENCODING_UTF8)
        return;
    if (encoding_convert(encoding, &from, &to, &err)) {
        require(err.status == SFT_EDATA && strncmp(err.message, "UTF-", 4) == 0);
        return;
    }
    require(to.size <= size / 2 * 3);
    for (size_t i = 0, bad; i < to.size;) { /* UTF-8, or a surrogate's three bytes */
        const size_t n = utf8_decode(to.data + i, to.size - i, NULL, &bad);
        require(n > 0 || ((unsigned char)to.data[i] == 0xED && to.size - i >= 3));
        i += n > 0 ? n : 3;
    }
    io_unmap(&to);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size ? size : 1); /* a copy of its exact size, so that reading past it is caught */
    struct sft_err err = {0};
    require(text != NULL);
    if (size > 0)
        memcpy(text, bytes, size);
    const char *what = magic_foreign(text, size);
    require(!what || (strncmp(what, "is ", 3) == 0 && !strchr(what, '\n')));
    require((magic_refuse("file", text, size, &err) == SFT_OK) == (what == NULL));
    check_encoding(text, size);
    size_t line = 0;
    require(!encoding_is_single_byte(text, size, &line) || (line >= 1 && line <= size));
    free(text);
    return 0;
}
