/* Any bytes as JSON: no crash; what parses prints to something that parses and prints the same; and the
 * scanner comes to an end. Built with clang -fsanitize=fuzzer, or with replay.c to run a corpus. */
#include "base/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_document(const char *text, size_t len)
{
    json *root = NULL, *again = NULL;
    struct sft_err err = {0};
    struct strbuf once = {0}, twice = {0};
    if (json_parse(text, len, &root, &err)) {
        require(!root && err.message[0]);
        require(!strstr(err.message, "cJSON cannot read")); /* json_check accepts nothing that cJSON does not */
        return;
    }
    json_print(root, &once);
    require(json_parse(once.data, once.len, &again, &err) == SFT_OK);
    json_print(again, &twice);
    require(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    json_free(root);
    json_free(again);
    strbuf_free(&once);
    strbuf_free(&twice);
}

static void check_scanner(const char *text, size_t len)
{
    struct json_scanner scanner;
    struct json_element element;
    struct sft_err err = {0};
    size_t end = 0;
    bool found;
    json_scanner_init(&scanner, text, len);
    for (;;) {
        if (json_scanner_next(&scanner, &element, &found, &err) && !scanner.done)
            continue; /* a missing comma: the next call gives the object behind it */
        if (!found)
            break;
        const size_t start = (size_t)(element.text - text);
        require(element.len > 0 && start >= end && start + element.len <= len && element.line >= 1);
        end = start + element.len;
    }
    require(json_scanner_next(&scanner, &element, &found, &err) == SFT_OK && !found);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size ? size : 1); /* a copy of its exact size, so that reading past it is caught */
    require(text != NULL);
    if (size > 0)
        memcpy(text, bytes, size);
    check_document(text, size);
    check_scanner(text, size);
    free(text);
    return 0;
}
