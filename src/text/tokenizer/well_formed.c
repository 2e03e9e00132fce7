#include "text/tokenizer/well_formed.h"

#include <string.h>

static bool is_well_formed(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len) {
        uint64_t eight;
        if (len - i >= sizeof eight) {
            memcpy(&eight, text + i, sizeof eight);
            if (!(eight & UINT64_C(0x8080808080808080))) {
                i += sizeof eight;
                continue;
            }
        }
        size_t width = utf8_decode(text + i, len - i, NULL, NULL);
        if (width == 0)
            return false;
        i += width;
    }
    return true;
}

const char *well_formed(struct text_map *repaired, bool has_origins, const char *text, size_t *len)
{
    static const char replacement[] = "\xef\xbf\xbd";
    if (is_well_formed(text, *len))
        return text;
    text_map_begin(repaired, has_origins);
    size_t done = 0; /* up to where it is copied */
    for (size_t i = 0, bad; i < *len;) {
        const size_t width = utf8_decode(text + i, *len - i, NULL, &bad);
        if (width == 0) {
            text_map_copy(repaired, text + done, i - done, done);
            text_map_put(repaired, replacement, sizeof replacement - 1, i);
            done = i + bad;
        }
        i += width ? width : bad;
    }
    text_map_copy(repaired, text + done, *len - done, done);
    *len = repaired->text.len;
    return repaired->text.data;
}
