#include "report/card_facts.h"

#include "base/io.h"
#include "train/checkpoint.h"
#include "train/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Lines are parsed only where they are of an evaluation: a long run has millions. */
static void find_eval(struct card_record *record, const char *path, double step)
{
    static const char key[] = "\"eval_loss\"";
    struct strbuf all = {0};
    if (io_read_file(path, &all, NULL))
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

enum sft_status card_record_read(struct card_record *record, const char *dir, struct sft_err *err)
{
    char *target = realpath(dir, NULL); /* best and last are links */
    *record = (struct card_record){0};
    if (!target)
        return SFT_OK;
    char *state = path_join(target, CHECKPOINT_STATE), *run = path_dirname(target),
         *metrics = path_join(run, METRICS_FILE);
    enum sft_status status = SFT_OK;
    if (path_exists(state))
        status = json_parse_file(state, &record->state, err);
    if (!status && record->state && !json_is_object(record->state))
        status = sft_fail(err, SFT_EDATA, "%s: expected an object", state);
    if (status) {
        card_record_free(record);
        record->is_damaged = true;
    }
    if (record->state && path_exists(metrics))
        find_eval(record, metrics, json_number(json_get(record->state, "step")));
    free(target);
    free(state);
    free(run);
    free(metrics);
    return status;
}

void card_record_free(struct card_record *record)
{
    json_free(record->state);
    json_free(record->eval);
    *record = (struct card_record){0};
}

bool card_is_count(const json *x)
{
    const double count = json_number(x);
    return json_is_number(x) && count >= 0 && count < 1e15 && count == floor(count);
}

bool card_is_share(const json *x)
{
    return json_is_number(x) && json_number(x) >= 0 && json_number(x) <= 1;
}
