/* Any bytes as a configuration: no crash; every error names a line; what reads prints to something that
 * reads and prints the same. Built with clang -fsanitize=fuzzer, or with replay.c to run a corpus. */
#include "config/settings.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size ? size : 1); /* a copy of its exact size, so that reading past it is caught */
    struct settings settings, again;
    struct sft_err err = {0};
    struct strbuf once = {0}, twice = {0};
    require(text != NULL);
    if (size > 0)
        memcpy(text, bytes, size);
    settings_init(&settings);
    settings_init(&again);
    if (settings_read_text(&settings, text, size, "fuzz.ini", NULL, &err)) {
        require(err.status == SFT_EUSAGE && strcmp(err.file, "fuzz.ini") == 0);
    } else {
        settings_check(&settings, true, &err);
        settings_print(&settings, &once);
        require(settings_read_text(&again, once.data, once.len, "printed.ini", NULL, &err) == SFT_OK);
        settings_print(&again, &twice);
        require(strcmp(once.data, twice.data) == 0);
    }
    settings_free(&settings);
    settings_free(&again);
    strbuf_free(&once);
    strbuf_free(&twice);
    free(text);
    return 0;
}
