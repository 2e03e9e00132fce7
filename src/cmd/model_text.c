#include "cmd/model_text.h"

#include "base/strbuf.h"

#include <stdio.h>
#include <unistd.h>

void print_model_text(const char *text, size_t len)
{
    struct strbuf clean = {0};
    if (isatty(STDOUT_FILENO))
        strbuf_add_printable(&clean, text, len);
    else
        strbuf_add_utf8_lossy(&clean, text, len);
    if (clean.len)
        fwrite(clean.data, 1, clean.len, stdout);
    strbuf_free(&clean);
}
