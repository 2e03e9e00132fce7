#include "files/gguf/ollama_name.h"

#include <ctype.h>
#include <string.h>

enum { NAME_MAX_BYTES = 80 };

static bool is_alnum(char c)
{
    return isascii((unsigned char)c) && isalnum((unsigned char)c);
}

void ollama_name_add(struct strbuf *out, const char *name)
{
    while (*name && !is_alnum(*name))
        name++;
    if (!*name)
        strbuf_puts(out, "model");
    for (size_t n = 0; n < NAME_MAX_BYTES && name[n]; n++) {
        const char c = name[n];
        strbuf_putc(out, is_alnum(c) ? (char)tolower((unsigned char)c) : strchr("_.", c) ? c : '-');
    }
}
