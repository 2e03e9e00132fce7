#include "data/row_kinds.h"

#include "base/strbuf.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* The index after the number that begins at text[i], with a 0x in front or not; i itself where none does, as
 * at the 8 of UTF-8 and the 1F of U+001F. */
static size_t skip_number(const char *text, size_t len, size_t i)
{
    if (!isdigit((unsigned char)text[i]) ||
        (i > 0 && (isalnum((unsigned char)text[i - 1]) || strchr("-+.\\", text[i - 1]))))
        return i;
    const bool is_hex = i + 1 < len && text[i] == '0' && text[i + 1] == 'x';
    i += is_hex ? 2 : 1;
    while (i < len && (is_hex ? isxdigit : isdigit)((unsigned char)text[i]))
        i++;
    return i;
}

/* The index after the quoted value that begins at text[i]; i itself where none does. */
static size_t skip_quoted(const char *text, size_t len, size_t i)
{
    const char quote = text[i];
    if ((quote != '\'' && quote != '"') || (i > 0 && isalnum((unsigned char)text[i - 1]))) /* don't */
        return i;
    const char *end = memchr(text + i + 1, quote, len - i - 1);
    return end ? (size_t)(end - text) + 1 : i;
}

char *message_kind(const char *message, size_t len)
{
    struct strbuf kind = {0};
    strbuf_puts(&kind, "");
    for (size_t i = 0; i < len;) {
        const size_t quoted = skip_quoted(message, len, i), number = skip_number(message, len, i);
        if (quoted > i)
            strbuf_printf(&kind, "%c...%c", message[i], message[i]);
        else if (number > i)
            strbuf_putc(&kind, 'N');
        else
            strbuf_putc(&kind, message[i]);
        i = quoted > i ? quoted : number > i ? number : i + 1;
    }
    return kind.data;
}
