/* A main for a fuzz target where there is no libFuzzer: runs it on every file of the directories (or on the
 * files) named as arguments. A failure aborts; the last line printed names the file. */
#include "base/io.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static size_t n_failed, n_replayed;

static void replay_file(const char *path)
{
    struct io_map map = {0};
    struct sft_err err;
    printf("%s\n", path);
    fflush(stdout);
    if (io_map(&map, path, &err)) {
        fprintf(stderr, "%s\n", SFT_ERR_TEXT(&err));
        n_failed++;
        return;
    }
    LLVMFuzzerTestOneInput((const uint8_t *)map.data, map.size);
    io_unmap(&map);
    n_replayed++;
}

static void replay_dir(const char *dir)
{
    char **names = NULL;
    size_t count = 0;
    struct sft_err err;
    if (io_list(dir, &names, &count, &err)) {
        fprintf(stderr, "%s\n", SFT_ERR_TEXT(&err));
        n_failed++;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char *path = path_join(dir, names[i]);
        replay_file(path);
        free(path);
    }
    io_list_free(names, count);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (path_is_dir(argv[i]))
            replay_dir(argv[i]);
        else
            replay_file(argv[i]);
    }
    printf("%zu files replayed\n", n_replayed);
    return n_failed == 0 && n_replayed > 0 ? 0 : 1;
}
