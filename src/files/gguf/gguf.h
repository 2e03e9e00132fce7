/* GGUF (github.com/ggml-org/ggml/blob/master/docs/gguf.md), versions 2 and 3, little-endian: the container. What its
 * keys and tensors mean is told elsewhere in this folder.
 *
 * A file is believed in nothing: every count, length, type and offset is checked against the file's size, and tensors
 * against one another, before anything is made of them. Nothing is copied but names. */
#ifndef SFT_FILES_GGUF_GGUF_H
#define SFT_FILES_GGUF_GGUF_H

#include "base/io.h"
#include "files/stored.h"

enum gguf_type { /* by their numbers in files */
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64
};

/* One of the metadata: a value, or an array of such (arrays of arrays are refused). */
struct gguf_value {
    char *key;                 /* no control character in it */
    bool is_array;
    enum gguf_type type;       /* of an array: its elements' */
    size_t count;              /* elements; 1 of what is no array */
    const unsigned char *data; /* the first, in the map, at any alignment; of a string its length, 8 bytes */
};

struct gguf {
    char **paths;        /* (n_files) of the file, and of those that it is split into; NULL: it was in memory */
    struct io_map *maps; /* (n_files) */
    size_t n_files;
    struct gguf_value *values; /* of the first file, sorted by key */
    size_t n_values;
    struct stored_tensor *tensors; /* of all, sorted by name: as the file calls them, shapes as PyTorch counts them */
    size_t n_tensors;
};

/* Whether a file of these first bytes is one. */
bool gguf_is_magic(const void *bytes, size_t len);

/* Whether what `path` names is one, or is meant to be: a file that is named so or begins so. */
bool gguf_is_file(const char *path);

/* The first file of a directory, by name, that is in GGUF: its path, malloc'd. NULL: there is none. */
char *gguf_first_file(const char *dir);

/* A file in memory that outlives *g. SFT_EDATA; messages do not name it. Close in any case. */
enum sft_status gguf_parse(struct gguf *g, const void *bytes, size_t size, struct sft_err *err);

/* Map a file and, where it is NAME-00001-of-0000N.gguf and its keys split.* say so, its siblings. Errors name the file.
 * Close in any case. */
enum sft_status gguf_open(struct gguf *g, const char *path, struct sft_err *err);

/* Give *g the tensors and the files of *part too, which is closed. SFT_EDATA where both have one of a name. */
enum sft_status gguf_join(struct gguf *g, struct gguf *part, struct sft_err *err);
void gguf_close(struct gguf *g); /* accepts a zeroed struct */

/* NULL: there is none. */
const struct gguf_value *gguf_find(const struct gguf *g, const char *key);
const struct stored_tensor *gguf_tensor(const struct gguf *g, const char *name);

/* ---- metadata by type: SFT_EDATA "KEY: expected ..., found ..." where it has another one ----
 *
 * *out is `fallback` where there is no such key. Where there must be one, ask gguf_require first. */
enum sft_status gguf_require(const struct gguf *g, const char *key, struct sft_err *err);

/* text is in the map, without a NUL at its end, UTF-8 without a NUL in it. */
struct gguf_text {
    const char *text; /* NULL: there is none */
    size_t len;
};
bool gguf_text_is(struct gguf_text text, const char *word); /* false of none */
enum sft_status gguf_get_string(const struct gguf *g, const char *key, struct gguf_text *out, struct sft_err *err);

/* Any whole number's type. */
enum sft_status gguf_get_size(const struct gguf *g, const char *key, size_t fallback, size_t *out,
                              struct sft_err *err);
/* A finite one, or a whole number. An F32 is the double of the fewest digits that gives it: 1e-5, not 9.99999975e-6. */
enum sft_status gguf_get_real(const struct gguf *g, const char *key, double fallback, double *out,
                              struct sft_err *err);
enum sft_status gguf_get_flag(const struct gguf *g, const char *key, bool fallback, bool *out, struct sft_err *err);

/* An array of this type of elements (GGUF_STRING, GGUF_I32, GGUF_F32, ...; GGUF_I32: GGUF_U32 too). *out NULL: there is
 * no such key. */
enum sft_status gguf_get_array(const struct gguf *g, const char *key, enum gguf_type type,
                               const struct gguf_value **out, struct sft_err *err);
float gguf_f32_at(const struct gguf_value *array, size_t i);
int32_t gguf_i32_at(const struct gguf_value *array, size_t i);

/* Its strings one after another: any bytes.
 *
 *     const unsigned char *at = array->data;
 *     for (size_t i = 0; i < array->count; i++) {
 *         const struct gguf_text token = gguf_next_string(&at);     */
struct gguf_text gguf_next_string(const unsigned char **at);

#endif
