#include "report/card_facts.h"

#include "base/io.h"

#include <stdlib.h>
#include <string.h>

/* Lines are parsed only where they are of an evaluation: a long run has millions. */
static void find_eval(struct card_record *record, const char *path, double step)
{
    static const char key[] = "\"eval_loss\"";
    struct strbuf all = {0};
    if (io_read(path, &all, NULL))
        strbuf_clear(&all);
    for (size_t pos = 0; pos < all.len;) {
        const char *line = all.data + pos, *end = memchr(line, '\n', all.len - pos);
        const size_t len = end ? (size_t)(end - line) : all.len - pos;
        json *row = NULL;
        pos += len + 1;
        if (!memmem(line, len, key, sizeof key - 1) || json_parse(line, len, &row, NULL))
            continue;
        if (json_number(json_get(row, "step")) == step) { /* the last of that step */
            json_free(record->eval);
            record->eval = row;
        } else {
            json_free(row);
        }
    }
    strbuf_free(&all);
}

void card_record_read(struct card_record *record, const char *dir)
{
    char *real = realpath(dir, NULL); /* best and last are links */
    *record = (struct card_record){0};
    if (!real)
        return;
    char *state = path_join(real, "trainer/state.json"), *run = path_dirname(real);
    char *metrics = path_join(run, "metrics.jsonl");
    if (path_exists(state) && json_parse_file(state, &record->state, NULL))
        record->state = NULL;
    if (record->state && path_exists(metrics))
        find_eval(record, metrics, json_number(json_get(record->state, "step")));
    free(real);
    free(state);
    free(run);
    free(metrics);
}

void card_record_free(struct card_record *record)
{
    json_free(record->state);
    json_free(record->eval);
    *record = (struct card_record){0};
}
