/* JSON as Python's json.dumps prints it. */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* float.__repr__: the fewest digits that read back as x, with an exponent below 1e-4 and from 1e16 on. */
static void print_float(double x, struct strbuf *out)
{
    char text[32], digits[20];
    int precision = 0, exponent = 0;
    do
        snprintf(text, sizeof text, "%.*e", precision, x);
    while (strtod(text, NULL) != x && precision++ < 16); /* d.ddde+NN */
    sscanf(strchr(text, 'e') + 1, "%d", &exponent);
    const char *first = text + (text[0] == '-');
    snprintf(digits, sizeof digits, "%c%.*s", first[0], precision, first + 2);
    const int n = precision + 1;
    strbuf_puts(out, signbit(x) ? "-" : "");
    if (exponent < -4 || exponent >= 16)
        strbuf_printf(out, "%c%s%se%c%02d", digits[0], n > 1 ? "." : "", digits + 1, exponent < 0 ? '-' : '+',
                      abs(exponent));
    else if (exponent < 0)
        strbuf_printf(out, "0.%.*s%s", -exponent - 1, "000", digits);
    else if (n > exponent + 1)
        strbuf_printf(out, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
    else
        strbuf_printf(out, "%s%.*s.0", digits, exponent + 1 - n, "000000000000000");
}

/* A whole number of Python's has any size and stays as it was written, but for -0. */
static void print_number(const json *node, struct strbuf *out)
{
    struct strbuf text = {0};
    json_print_line(node, &text); /* as it was written */
    if (strpbrk(text.data, ".eE"))
        print_float(json_number(node), out);
    else
        strbuf_puts(out, strcmp(text.data, "-0") == 0 ? "0" : text.data);
    strbuf_free(&text);
}

/* Only what JSON asks for is escaped, as with ensure_ascii=False; strbuf_json_string escapes what terminals obey,
 * too. */
static void print_string(const char *s, struct strbuf *out)
{
    static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    strbuf_putc(out, '"');
    for (; *s; s++) {
        const unsigned char c = (unsigned char)*s;
        const bool is_named = c < sizeof letters && letters[c];
        if (c < 0x20 && !is_named) {
            strbuf_printf(out, "\\u%04x", c);
            continue;
        }
        if (is_named || c == '"' || c == '\\')
            strbuf_putc(out, '\\');
        strbuf_putc(out, is_named ? letters[c] : *s);
    }
    strbuf_putc(out, '"');
}

void json_dumps(const json *node, struct strbuf *out)
{
    if (json_is_object(node) || json_is_array(node)) {
        strbuf_putc(out, json_is_object(node) ? '{' : '[');
        for (const json *child = json_first(node); child; child = json_next(child)) {
            if (json_is_object(node)) {
                print_string(json_key(child), out);
                strbuf_puts(out, ": ");
            }
            json_dumps(child, out);
            strbuf_puts(out, json_next(child) ? ", " : "");
        }
        strbuf_putc(out, json_is_object(node) ? '}' : ']');
    } else if (json_is_string(node)) {
        print_string(json_string(node), out);
    } else if (json_is_number(node)) {
        print_number(node, out);
    } else {
        json_print_line(node, out);
    }
}
