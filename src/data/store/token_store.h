/* A token store: what the conversations of one file became, as one file that is mapped and never read whole.
 *
 *     data      of each record in turn: n_tokens int32 ids, n_tokens float weights; of a bad row, its text
 *     records   one for each conversation (or piece of a document), kept or left out, in the file's order
 *     notes     bytes of whoever wrote it: what else the file's rows told (data/readers/keys.h)
 *     trailer   counts, where the records are, the key that it was made under, a hash of all that but the data
 *
 * It is written from front to back with nothing held in memory, to be put in place whole (base/io.h's
 * writer). The machine's own byte order and layout: it is a cache, not a format of exchange; a store of
 * another version, of another key, or whose hash is wrong is not opened. Nor is one whose records say what cannot be,
 * whatever its hash: they lie within the data, and the counts are their sums. Tokens are checked where they are used
 * (token_store_check). */
#ifndef SFT_DATA_STORE_TOKEN_STORE_H
#define SFT_DATA_STORE_TOKEN_STORE_H

#include "base/err.h"
#include "base/io.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why a row is not trained on. */
enum drop {
    DROP_NO,           /* it is */
    DROP_NO_ASSISTANT, /* no assistant turn */
    DROP_NOTHING_LEFT, /* nothing trained is left (all weights 0, or cut away) */
    DROP_OVERLONG,     /* over max_length, and overlong = drop or error */
    DROP_BAD_ROW,      /* not readable */
    DROP_SAME_ANSWERS, /* a pair whose answers are the same tokens, as they are cut */
    DROP_COUNT
};
extern const char *const drop_reason[DROP_COUNT]; /* as --json and the report say it */

/* What is worth a remark; bits of record.flags. */
enum record_flag {
    RECORD_DOCUMENT = 1,
    RECORD_TRUNCATED = 2,
    RECORD_REPLY_CUT = 4, /* cut inside what is trained on, a reply: its end token is lost */
    RECORD_EMPTY_CONTENT = 8,
    RECORD_EMPTY_SYSTEM = 16,
    RECORD_SAME_ROLE = 32, /* two turns of one role in a row */
    RECORD_TOOLS = 64,     /* the row defines tools, which are not shown */
    RECORD_UNREAD = 128,   /* a bad row that is the rest of a file */
    RECORD_EMPTY_ANSWER = 256, /* nothing but its end is trained of an answer */
    RECORD_SAME_ROW = 512, /* of the same row as the record before it: another path of a tree, the next piece */
    /* A pair is two records, one behind the other, kept or left out together: the prompt with the answer that was
     * chosen, and with the one that was rejected, which has RECORD_SAME_ROW too. Only answers have weights. */
    RECORD_PAIR = 1024,
    RECORD_REJECTED = 2048,
};
enum { RECORD_FLAGS = 7, RECORD_FLAGS_END = 4096 }; /* how many a store counts, over what is kept; their bound */

struct record {
    uint64_t offset;       /* of its data; multiple of 8 */
    uint64_t line;         /* where the row begins in the file, 1-based */
    uint64_t content_hash; /* XXH64 of its data: tokens, then weights */
    uint64_t prompt_hash;  /* of the turns before the last assistant's; 0: there is none */
    double target_weight;  /* sum of weights */
    uint64_t
        uncut; /* tokens before any cut; of a piece of a document, the document's up to the piece's end */
    uint64_t row_len; /* bytes of a bad row's own text, which lies behind the message */
    uint64_t kind;    /* of the error that the message tells (base/err_kind.h); 0 where there is none */
    uint32_t n_tokens, n_targets;
    uint32_t n_positions; /* tokens up to the last trained one, without it: what a model has to run */
    uint32_t n_turns;
    uint16_t why;   /* enum drop */
    uint16_t flags; /* enum record_flag */
    /* of a row that is bad, or too long: its message, in bytes; it lies at `offset` (a bad row has no tokens), or after
     * the weights. */
    uint32_t message_len;
};

enum {
    HISTOGRAM_BINS = 24
}; /* bin i: conversations of at most 2^i tokens before any cut; the last: all longer */

/* Sums over a store's records. */
struct store_counts {
    uint64_t rows; /* in the file: a row may be several records (a tree's paths, a document's pieces) */
    uint64_t conversations; /* that are kept, a pair counted once; the sums down to flags are over these */
    uint64_t pairs;         /* of them */
    uint64_t turns, tokens, targets; /* of a pair those of both records */
    uint64_t flags[RECORD_FLAGS]; /* by bit */
    uint64_t dropped[DROP_COUNT];
    uint64_t longest; /* tokens before any cut, over all that were rendered */
    uint64_t histogram[HISTOGRAM_BINS];
};

struct token_store {
    struct io_map map;
    const struct record *records; /* (n_records), in the map */
    size_t n_records;
    struct store_counts counts;
    char format[24];   /* its reader's name */
    const char *notes; /* (notes_len), in the map */
    size_t notes_len;
};

/* ---- writing ---- */

struct token_store_writer;

/* Into `path`, put in place by the commit; NULL: into a temporary file that goes with the store. */
struct token_store_writer *token_store_create(const char *path, struct sft_err *err);

/* Append a record and its data (of a pair the two one behind the other, with one `why`; either must train on something
 * if they are kept): n_tokens ids and weights, then message_len and row_len bytes; offset,
 * content_hash, target_weight, n_targets and n_positions are filled in here. */
void token_store_add(struct token_store_writer *w, const struct record *record, const int32_t *tokens,
                     const float *weights, const char *message, const char *row);

/* Bytes that are to be kept with it; once, before the commit. */
void token_store_note(struct token_store_writer *w, const char *bytes, size_t len);

/* Close it under a key (any text that names what it was made from) and open it for reading. SFT_EIO where it
 * could not be written. The writer is freed either way. */
enum sft_status token_store_commit(struct token_store_writer *w, const char *key, const char *format,
                                   uint64_t rows, struct token_store *store, struct sft_err *err);
void token_store_abort(struct token_store_writer *w); /* NULL is fine */

/* ---- reading ---- */

/* Open a store that was made under `key`: false where there is none, or it is not whole, or not of this key.
 */
bool token_store_open(struct token_store *store, const char *path, const char *key);
void token_store_close(struct token_store *store);

/* A record's data, in the map. */
const int32_t *record_tokens(const struct token_store *store, const struct record *record);
const float *record_weights(const struct token_store *store, const struct record *record);
const char *record_message(const struct token_store *store,
                           const struct record *record);                              /* message_len bytes */
const char *record_row(const struct token_store *store, const struct record *record); /* row_len bytes */

/* The hash of what a record stands for: its content's, of a pair's first that of both, each in its place. */
uint64_t record_item_hash(const struct record *record);

/* Whether a record's tokens and weights are still what was written, ids are below `vocab_size`, and the weights are
 * what the record says of them. Fails too where the file was cut short since (base/map.h). */
bool token_store_check(const struct token_store *store, const struct record *record, size_t vocab_size);

#endif
