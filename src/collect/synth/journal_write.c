#include "collect/synth/append.h"
#include "collect/synth/journal_parts.h"

#include <inttypes.h>
#include <string.h>

enum sft_status journal_append(struct journal *journal, const struct strbuf *line, bool is_synced, struct sft_err *err)
{
    if (journal->is_broken)
        return sft_fail(err, SFT_EIO, "%s: an earlier line could not be written", journal->path);
    const enum sft_status status = append_line(journal->fd, journal->path, line->data, line->len, is_synced, err);
    journal->is_broken = status != SFT_OK;
    return status;
}

static enum sft_status append(struct journal *journal, struct strbuf *line, bool is_synced, struct sft_err *err)
{
    const enum sft_status status = journal_append(journal, line, is_synced, err);
    strbuf_free(line);
    return status;
}

/* Not synced: a process that is killed leaves it to the system. */
enum sft_status journal_sent(struct journal *journal, int64_t row, uint32_t step, size_t attempt, struct sft_err *err)
{
    struct strbuf line = {0};
    strbuf_printf(&line, "{\"sent\":[%" PRId64 ",%" PRIu32 ",%zu]}\n", row, step, attempt);
    return append(journal, &line, false, err);
}

enum sft_status journal_answered(struct journal *journal, int64_t row, uint32_t step,
                                 const struct journal_answer *answer, uint64_t lost, struct sft_err *err)
{
    struct strbuf line = {0};
    strbuf_printf(&line, "{\"answer\":[%" PRId64 ",%" PRIu32 "],\"text\":", row, step);
    strbuf_json_string(&line, answer->text, strnlen(answer->text, answer->len)); /* json.h reads no \u0000 back */
    strbuf_printf(&line, ",\"cut\":%s,\"model\":", answer->is_cut ? "true" : "false");
    if (answer->model)
        strbuf_json_string(&line, answer->model, strlen(answer->model));
    else
        strbuf_puts(&line, "null");
    strbuf_printf(&line, ",\"prompt_tokens\":%" PRIu64 ",\"completion_tokens\":%" PRIu64 ",\"lost\":%" PRIu64 "}\n",
                  answer->prompt_tokens, answer->completion_tokens, lost);
    return append(journal, &line, true, err);
}

enum sft_status journal_ended(struct journal *journal, int64_t row, uint32_t step, uint64_t lost, struct sft_err *err)
{
    struct strbuf line = {0};
    strbuf_printf(&line, "{\"ended\":[%" PRId64 ",%" PRIu32 "],\"lost\":%" PRIu64 "}\n", row, step, lost);
    return append(journal, &line, false, err);
}

enum sft_status journal_done(struct journal *journal, uint64_t row, const char *reason, struct sft_err *err)
{
    struct strbuf line = {0};
    strbuf_printf(&line, "{\"done\":%" PRIu64 ",\"as\":\"%s\"", row, reason ? "rejected" : "kept");
    if (reason) {
        strbuf_puts(&line, ",\"reason\":");
        strbuf_json_string(&line, reason, strlen(reason));
    }
    strbuf_puts(&line, "}\n");
    return append(journal, &line, false, err);
}

enum sft_status journal_again(struct journal *journal, struct sft_err *err)
{
    struct strbuf line = {0};
    strbuf_puts(&line, "{\"again\":true}\n");
    journal->n_rows = 0;
    return append(journal, &line, true, err);
}
