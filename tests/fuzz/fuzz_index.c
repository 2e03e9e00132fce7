/* Any bytes as an index of shards, a line, and as one of the shards, what follows it: the index is refused, or each of
 * its tensors has one of its files, in order, and it can be held against the shard. */
#include "base/mem.h"
#include "files/hf_index.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_index(const struct hf_index *index)
{
    require(index->n_entries > 0 && index->n_shards > 0 && index->n_shards <= index->n_entries);
    for (size_t i = 0; i < index->n_entries; i++) {
        const struct hf_index_entry *e = &index->entries[i];
        require(e->shard < index->n_shards && e->file == index->shards[e->shard]);
        require(i == 0 || strcmp(index->entries[i - 1].tensor, e->tensor) < 0);
    }
    for (size_t i = 0; i < index->n_shards; i++) {
        require(index->shards[i][0] && !strchr(index->shards[i], '/'));
        require(i == 0 || strcmp(index->shards[i - 1], index->shards[i]) < 0);
    }
}

/* In as many of its places as the shard fits, it has all that the index puts there. */
static void check_shard(const struct hf_index *index, const char *bytes, size_t size)
{
    struct st_file file;
    if (st_parse(&file, bytes, size, NULL))
        return;
    file.path = mem_strdup("shard");
    for (size_t i = 0; i < index->n_shards; i++) {
        if (hf_index_check_shard(index, i, &file, NULL))
            continue;
        for (size_t k = 0; k < index->n_entries; k++)
            require(index->entries[k].shard != i || st_find(&file, index->entries[k].tensor));
    }
    st_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const uint8_t *end = size ? memchr(bytes, '\n', size) : NULL;
    const size_t len = end ? (size_t)(end - bytes) : size;
    struct hf_index index;
    json *root;
    if (json_parse((const char *)bytes, len, &root, NULL))
        return 0;
    if (hf_index_read(&index, root, NULL) == SFT_OK) {
        check_index(&index);
        if (end)
            check_shard(&index, (const char *)end + 1, size - len - 1);
    }
    hf_index_free(&index);
    json_free(root);
    return 0;
}
