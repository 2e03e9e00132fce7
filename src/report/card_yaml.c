#include "report/card_yaml.h"

#include "base/utf8.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A letter, then letters, digits and what is no mark of YAML's; and no word that some reader takes for another type. */
static bool is_plain(const char *s, size_t len)
{
    static const char *const types[] = {"y", "n", "yes", "no", "true", "false", "on", "off", "null"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (len == strlen(types[i]) && strncasecmp(s, types[i], len) == 0)
            return false;
    for (size_t i = 0; i < len; i++)
        if (!isascii((unsigned char)s[i]) || !(isalnum((unsigned char)s[i]) || (i && strchr("-_./", s[i]))))
            return false;
    return len > 0 && isalpha((unsigned char)s[0]);
}

/* YAML's set of what may stand in a file, without the breaks that it folds. */
static bool is_printable(uint32_t cp)
{
    return (cp >= 0x20 && cp < 0x7F) || (cp >= 0xA0 && cp != 0x2028 && cp != 0x2029 && cp != 0xFEFF && cp < 0xFFFE) ||
           cp >= 0x10000;
}

void yaml_add_string(struct strbuf *out, const char *s, size_t len)
{
    if (is_plain(s, len)) {
        strbuf_add(out, s, len);
        return;
    }
    strbuf_putc(out, '"');
    for (size_t i = 0, used; i < len; i += used) {
        uint32_t cp;
        size_t bad;
        used = utf8_decode(s + i, len - i, &cp, &bad);
        if (!used) {
            used = bad;
            strbuf_puts(out, "\xEF\xBF\xBD");
        } else if (cp == '"' || cp == '\\') {
            strbuf_printf(out, "\\%c", (char)cp);
        } else if (is_printable(cp)) {
            strbuf_add(out, s + i, used);
        } else {
            strbuf_printf(out, "\\u%04x", cp);
        }
    }
    strbuf_putc(out, '"');
}
