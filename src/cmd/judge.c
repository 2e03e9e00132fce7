#include "cmd/cmd.h"
#include "judge/rates.h"
#include "judge/refusal.h"
#include "judge/sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROMPT, COMPLETION, N_COLUMNS };
static const struct sheet_column columns[N_COLUMNS] = {{"prompt", true}, {"completion", true}};

/* Bad rows that are told one by one; behind them only their number. */
enum { BAD_ROWS_TOLD = 10 };

/* What is shown of a label: the first rows that have it. */
enum { EXAMPLES = 3 };
struct example {
    size_t row;
    char *prompt, *completion;
};

struct verdicts {
    uint8_t *labels; /* (n) enum refusal_label */
    size_t n, capacity, n_bad;
    size_t counts[N_JUDGED];
    struct example examples[N_JUDGED][EXAMPLES];
};

/* ---- reading ---- */

static void judge_row(struct verdicts *v, const struct sheet_row *row)
{
    const char *prompt = row->values[PROMPT], *completion = row->values[COMPLETION];
    const enum refusal_label label = refusal_judge(prompt, strlen(prompt), completion, strlen(completion));
    const size_t before = v->counts[label]++;
    if (before < EXAMPLES)
        v->examples[label][before] = (struct example){row->number, mem_strdup(prompt), mem_strdup(completion)};
    v->labels = mem_grow(v->labels, &v->capacity, v->n + 1, sizeof *v->labels);
    v->labels[v->n++] = (uint8_t)label;
}

/* Every row, or an error: a label that silently lacks would shift whatever is laid beside them. Of bad rows, all but
 * the last of those that are told are printed, and that one is left in *err. */
static enum sft_status judge_rows(struct verdicts *v, struct sheet *sheet, const volatile int *stop,
                                  struct sft_err *err)
{
    struct sheet_row row;
    while (!*stop) {
        struct sft_err bad = {0};
        if (sheet_next(sheet, &row, &bad) == SFT_OK) {
            if (!row.values)
                break;
            judge_row(v, &row);
            continue;
        }
        if (bad.status != SFT_EDATA)
            return (*err = bad).status;
        if (v->n_bad > 0 && v->n_bad < BAD_ROWS_TOLD)
            report_error(err);
        if (v->n_bad++ < BAD_ROWS_TOLD)
            *err = bad;
    }
    if (*stop)
        return sft_fail(err, SFT_EINTERRUPTED, "stopped");
    if (v->n_bad > BAD_ROWS_TOLD) {
        report_error(err);
        return sft_fail(err, SFT_EDATA, "and %zu more bad rows: nothing is judged", v->n_bad - BAD_ROWS_TOLD);
    }
    return v->n_bad ? SFT_EDATA : SFT_OK;
}

static enum sft_status judge_file(struct verdicts *v, const char *file, struct sft_err *err)
{
    struct sheet sheet = {0};
    const volatile int *stop = stop_on_signals();
    enum sft_status status = sheet_open(&sheet, file, columns, N_COLUMNS, stop, err);
    if (!status)
        status = judge_rows(v, &sheet, stop, err);
    if (!status && v->n == 0)
        status = (sft_fail(err, SFT_EDATA, "there is no answer in it"), sft_in_file(err, file, 0));
    sheet_close(&sheet);
    return status;
}

static void verdicts_free(struct verdicts *v)
{
    for (size_t label = 0; label < N_JUDGED; label++)
        for (size_t i = 0; i < EXAMPLES; i++) {
            free(v->examples[label][i].prompt);
            free(v->examples[label][i].completion);
        }
    free(v->labels);
}

/* ---- printing ---- */

static void print_json(const struct verdicts *v)
{
    for (size_t i = 0; i < v->n; i++)
        printf("{\"row\":%zu,\"label\":\"%s\"}\n", i + 1, refusal_label_name(v->labels[i]));
}

static void print_counts(const struct verdicts *v)
{
    const size_t refused = v->counts[JUDGED_PARTIAL_REFUSAL] + v->counts[JUDGED_FULL_REFUSAL];
    struct strbuf rate = {0};
    printf("%zu answer%s\n", v->n, v->n == 1 ? "" : "s");
    for (enum refusal_label label = 0; label < N_JUDGED; label++)
        printf("  %-15s  %7zu  %5.1f%%\n", refusal_label_name(label), v->counts[label],
               100 * rate_of(v->counts[label], v->n));
    rate_add_text(&rate, refused, v->n);
    printf("refused, in full or in part [95%% interval]%s\n", rate.data);
    strbuf_free(&rate);
}

/* `text` on one line of at most 80 columns, behind `before`. */
static void print_line(const char *before, const char *text)
{
    static const char mark[] = " [...]";
    struct strbuf line = {0};
    strbuf_puts(&line, before);
    strbuf_add_excerpt(&line, text, strlen(text), 80 - strlen(before) - strlen(mark), false);
    printf("%s\n", line.data);
    strbuf_free(&line);
}

static void print_examples(const struct verdicts *v)
{
    for (enum refusal_label label = 0; label < N_JUDGED; label++) {
        if (v->counts[label] == 0)
            continue;
        printf("\n%s%s\n", refusal_label_name(label), v->counts[label] > EXAMPLES ? ", the first of them" : "");
        for (size_t i = 0; i < EXAMPLES && i < v->counts[label]; i++) {
            const struct example *example = &v->examples[label][i];
            char before[32];
            snprintf(before, sizeof before, "%6zu  ", example->row);
            print_line(before, example->prompt);
            print_line("        > ", example->completion);
        }
    }
}

int cmd_judge(int argc, char **argv)
{
    struct string_list files;
    bool as_json = false;
    const struct option table[] = {
        {"json", OPTION_FLAG, &as_json, NULL, "print an object a row: {\"row\":N,\"label\":\"...\"}"},
    };
    const struct usage usage = {
        "sft judge FILE [--json]",
        "Judges answers that are already there: whether each is a compliance, a partial_refusal, a full_refusal, or "
        "incoherent. FILE is CSV or JSON lines with the columns prompt and completion; - is standard input (-:csv "
        "if that is CSV). The rules are for English (docs/judging.md).",
        table, sizeof table / sizeof *table, NULL};
    int code = options_parse(argc, argv, &usage, &files);
    if (code >= 0)
        return code;
    struct verdicts verdicts = {0};
    struct sft_err err = {0};
    enum sft_status status = SFT_OK;
    if (files.count != 1)
        status = sft_fail(&err, SFT_EUSAGE, "expected one file of answers, found %zu (usage: %s)", files.count,
                          usage.synopsis);
    if (!status)
        status = judge_file(&verdicts, files.items[0], &err);
    if (!status && as_json) {
        print_json(&verdicts);
    } else if (!status) {
        print_counts(&verdicts);
        print_examples(&verdicts);
    }
    code = status ? report_error(&err) : finish_output();
    verdicts_free(&verdicts);
    words_free(&files);
    return code;
}
