/* Any bytes as the journal of `sft synth`, behind a head that is in order: refused, or read so that what is found of it
 * is found again when it is read once more, whatever was appended. */
#include "base/io.h"
#include "base/mem.h"
#include "collect/synth/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct journal_head head = {"0123456789abcdef", "{\"recipe.seed\":\"42\"}"};
static char path[256];

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void clean_up(void)
{
    unlink(path);
}

static void begin(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/sft-fuzz-journal-%ld", tmp ? tmp : "/tmp", (long)getpid());
    atexit(clean_up);
}

static void put(const uint8_t *bytes, size_t size)
{
    static const char first[] = "{\"sft_synth\":1,\"recipe\":\"0123456789abcdef\",\"keys\":{\"recipe.seed\":\"42\"}}\n";
    FILE *file = fopen(path, "w");
    require(file != NULL);
    if (size == 0 || bytes[0] != '!') /* else the head is the bytes' own */
        require(fwrite(first, 1, sizeof first - 1, file) == sizeof first - 1);
    else
        bytes++, size--;
    require(fwrite(bytes, 1, size, file) == size);
    fclose(file);
}

static void count(void *user, uint64_t row, const char *reason)
{
    *(size_t *)user += 1 + (size_t)(row & 1) + (reason ? strlen(reason) : 0);
}

/* A sum over what is found. */
static size_t look(struct journal *journal)
{
    const struct journal_totals totals = journal_totals(journal);
    size_t sum = (size_t)(totals.sent + totals.answers + totals.lost);
    journal_each_done(journal, count, &sum);
    for (int64_t row = TOPICS_ROW; row < 3; row++)
        for (uint32_t step = 0; step < 3; step++) {
            struct journal_answer answer;
            struct sft_err err;
            bool found;
            require(!journal_find(journal, row, step, &answer, &found, &err));
            sum += found ? answer.len + answer.is_cut : 0;
            journal_answer_free(&answer);
        }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct journal *journal;
    struct sft_err err;
    bool is_new;
    if (!path[0])
        begin();
    put(bytes, size);
    if (!journal_open(&journal, path, &head, &is_new, &err)) {
        const size_t sum = look(journal);
        require(!journal_ended(journal, 1000, 0, 0, &err)); /* of a step that was not sent */
        journal_close(journal);
        require(!journal_open(&journal, path, &head, &is_new, &err) && !is_new);
        require(look(journal) == sum);
    }
    journal_close(journal);
    return 0;
}
