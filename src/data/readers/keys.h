/* Keys: which keys of a file's rows were read, and which nobody read, each with the number of rows that have
 * it, so that nothing that data says about itself is passed over silently.
 *
 * A reader marks the nodes that it reads (base/json.h). Afterwards keys_count walks over the row: a key is a
 * path from the row on, as "id", "messages[].name", "meta.source"; what lies in a node that nobody read is
 * not looked at, and null is as good as absent. A row counts a key once, however many turns have it. */
#ifndef SFT_DATA_READERS_KEYS_H
#define SFT_DATA_READERS_KEYS_H

#include "base/json.h"
#include "data/readers/marks.h"
#include "data/readers/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_kind {
    KEY_USED,
    KEY_UNUSED,
    KEY_FLAG,    /* unused, and it speaks of training or masking */
    KEY_REFUSED, /* a flag that asks to train a turn that is not the assistant's */
    KEY_COLUMN,  /* not a key: [data] columns' i-th was found; its name is `from` */
    KEY_ROLE,    /* [data] roles' i-th was met */
    KEY_VERDICT, /* unused besides, and it calls the row's answer a bad one: TRL's label of false */
};

struct key_count {
    uint64_t rows, line;     /* rows that have it; where the first of them begins */
    uint64_t hash, last_row; /* of the whole name; the row that was counted last */
    enum key_kind kind;
    bool tells; /* in a row at least it is a text that is not blank, a list, an object, or true or false of a turn */
    char name[];
};

/* Kinds and names, in the order in which they were first met. Zero-initialised is empty. Of more than KEYS_MAX
 * unused keys (data whose keys are data) the later ones are only counted together. */
enum { KEYS_MAX = 256, KEY_NAME_MAX = 120 };
struct key_counts {
    struct key_count **items;
    size_t count, capacity;
    uint64_t row;    /* numbers the rows that were counted */
    uint64_t others; /* rows' keys that found no room */
};
void key_counts_clear(struct key_counts *counts); /* keeps the list's memory */
void key_counts_free(struct key_counts *counts);

/* Count the keys of a row that was read, which begins in that line. */
void keys_count(const json *row, const struct renamed *renamed, uint64_t line, struct key_counts *counts);

/* Count one name of that kind. */
void keys_count_name(enum key_kind kind, const char *name, uint64_t line, struct key_counts *counts);

/* Add what comes later in the file. */
void key_counts_add(struct key_counts *to, const struct key_counts *from);

/* As bytes that go with a token store, and back; key_counts_unpack accepts any bytes: false where they are
 * not a list. */
void key_counts_pack(const struct key_counts *counts, struct strbuf *out);
bool key_counts_unpack(struct key_counts *counts, const char *bytes, size_t len);

/* Whether a key, by the words of its name, says what is to be trained: train, trainable, loss, mask, weight
 * and their kin; `labels` only where a -100 is in it. */
bool key_speaks_of_training(const char *key, const json *value);

#endif
