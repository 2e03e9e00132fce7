#include "files/checksums.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char list_name[] = "trainer/checksums.xxh64";
enum { HASH_DIGITS = 16 };

/* ---- writing ---- */

/* Add a line for each file below dir/below ("" for dir itself). */
static enum sft_status hash_tree(struct strbuf *list, const char *dir, const char *below, struct sft_err *err)
{
    char **names, *path = *below ? path_join(dir, below) : mem_strdup(dir);
    size_t n_names;
    enum sft_status status = io_list(path, &names, &n_names, err);
    free(path);
    for (size_t i = 0; i < n_names && !status; i++) {
        char *name = *below ? path_join(below, names[i]) : mem_strdup(names[i]), *file = path_join(dir, name);
        uint64_t hash;
        if (path_is_dir(file))
            status = hash_tree(list, dir, name, err);
        else if (strcmp(name, list_name) != 0 && !(status = io_hash_file(file, &hash, err)))
            strbuf_printf(list, "%016" PRIx64 "  %s\n", hash, name);
        free(name);
        free(file);
    }
    io_list_free(names, n_names);
    return status;
}

enum sft_status checksums_write(const char *dir, struct sft_err *err)
{
    struct strbuf list = {0};
    char *path = path_join(dir, list_name), *list_dir = path_dirname(path);
    enum sft_status status = hash_tree(&list, dir, "", err);
    if (!status)
        status = io_mkdirs(list_dir, err);
    if (!status)
        status = io_write_file(path, list.data ? list.data : "", list.len, err);
    strbuf_free(&list);
    free(path);
    free(list_dir);
    return status;
}

/* ---- checking ---- */

/* "HASH  NAME"; the name is what is left of the line. */
static bool read_line(const char *line, uint64_t *hash, const char **name)
{
    if (strspn(line, "0123456789abcdefABCDEF") != HASH_DIGITS || strncmp(line + HASH_DIGITS, "  ", 2) != 0)
        return false;
    *hash = strtoull(line, NULL, 16);
    *name = line + HASH_DIGITS + 2;
    return **name != '\0';
}

static enum sft_status check_file(const char *dir, const char *name, uint64_t expected, struct sft_err *err)
{
    char *path = path_join(dir, name);
    uint64_t hash;
    enum sft_status status = SFT_OK;
    if (!path_exists(path))
        status = sft_fail(err, SFT_EDATA, "%s: is missing, but %s lists it", path, list_name);
    else if (!(status = io_hash_file(path, &hash, err)) && hash != expected)
        status = sft_fail(err, SFT_EDATA,
                          "%s: its checksum is not the one in %s: the file is damaged or was changed", path,
                          list_name);
    free(path);
    return status;
}

/* All files of the list, or where `only` is not NULL that one: *found is set where it was met. */
static enum sft_status check_list(const char *dir, const char *list_path, char *text, const char *only, bool *found,
                                  struct sft_err *err)
{
    size_t line_number = 1;
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, line_number++) {
        uint64_t expected;
        const char *name;
        *end = '\0';
        if (!read_line(line, &expected, &name))
            return sft_fail(err, SFT_EDATA, "%s:%zu: expected 'HASH  NAME'", list_path, line_number);
        if (only && strcmp(name, only) != 0)
            continue;
        *found = true;
        if (check_file(dir, name, expected, err))
            return err->status;
    }
    return SFT_OK;
}

/* A list is never empty (a checkpoint has files) and ends with a line break: otherwise it is itself damaged. */
static enum sft_status read_list(const char *path, struct strbuf *list, struct sft_err *err)
{
    if (io_read_file(path, list, err))
        return err->status;
    if (list->len == 0 || list->data[list->len - 1] != '\n')
        return sft_fail(err, SFT_EDATA, "%s: is cut short", path);
    if (memchr(list->data, '\0', list->len))
        return sft_fail(err, SFT_EDATA, "%s: is damaged: it has a byte 0", path);
    return SFT_OK;
}

static enum sft_status verify(const char *dir, const char *list_path, const char *only, bool *found,
                              struct sft_err *err)
{
    struct strbuf list = {0};
    enum sft_status status = read_list(list_path, &list, err);
    if (!status)
        status = check_list(dir, list_path, list.data, only, found, err);
    strbuf_free(&list);
    return status;
}

enum sft_status checksums_verify(const char *dir, bool *present, struct sft_err *err)
{
    char *path = path_join(dir, list_name);
    bool found = false;
    *present = path_exists(path);
    const enum sft_status status = *present ? verify(dir, path, NULL, &found, err) : SFT_OK;
    free(path);
    return status;
}

enum sft_status checksums_verify_file(const char *dir, const char *name, struct sft_err *err)
{
    char *path = path_join(dir, list_name);
    bool found = false;
    enum sft_status status = verify(dir, path, name, &found, err);
    if (!status && !found)
        status = sft_fail(err, SFT_EDATA, "%s: does not list %s", path, name);
    free(path);
    return status;
}
