#include "text/tokenizer/text_map.h"

#include "base/mem.h"

#include <stdlib.h>

void text_map_free(struct text_map *map)
{
    strbuf_free(&map->text);
    free(map->origins);
    *map = (struct text_map){0};
}

void text_map_begin(struct text_map *map, bool has_origins)
{
    strbuf_clear(&map->text);
    map->has_origins = has_origins;
}

static void add(struct text_map *map, const char *bytes, size_t len, size_t origin, size_t step)
{
    const size_t before = map->text.len;
    strbuf_add(&map->text, bytes, len);
    if (!map->has_origins)
        return;
    map->origins = mem_grow(map->origins, &map->capacity, before + len + 1, sizeof *map->origins);
    for (size_t i = 0; i < len; i++)
        map->origins[before + i] = origin + i * step;
}

void text_map_put(struct text_map *map, const char *bytes, size_t len, size_t origin)
{
    add(map, bytes, len, origin, 0);
}

void text_map_copy(struct text_map *map, const char *bytes, size_t len, size_t origin)
{
    add(map, bytes, len, origin, 1);
}

void text_map_compose(struct text_map *map, const size_t *origins)
{
    for (size_t i = 0; origins && map->has_origins && i < map->text.len; i++)
        map->origins[i] = origins[map->origins[i]];
}
