/* A text that was made of another: its bytes and, where they are asked for, the offsets in the other that they come
 * from. Zero-initialised is empty. */
#ifndef SFT_TEXT_TOKENIZER_TEXT_MAP_H
#define SFT_TEXT_TOKENIZER_TEXT_MAP_H

#include "base/strbuf.h"

struct text_map {
    struct strbuf text;
    size_t *origins; /* (text.len), none unless has_origins */
    size_t capacity;
    bool has_origins;
};
void text_map_free(struct text_map *map);
void text_map_begin(struct text_map *map, bool has_origins); /* empties it */

/* Append bytes that all come from `origin`, or that are the other text's from `origin` on. */
void text_map_put(struct text_map *map, const char *bytes, size_t len, size_t origin);
void text_map_copy(struct text_map *map, const char *bytes, size_t len, size_t origin);

/* The other text was itself made of a third one, from whose offsets its bytes come: NULL says that it is that one. */
void text_map_compose(struct text_map *map, const size_t *origins);

#endif
