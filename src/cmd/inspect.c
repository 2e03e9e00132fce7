#include "base/log.h"
#include "cmd/cmd.h"
#include "train/run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct inspect {
    bool json, tokens, colour;
    uint64_t limit, shown;
    const struct tokenizer *tok;
};

/* A row as it is shown: kept ones and left-out ones alike. */
struct row {
    const char *path;
    size_t line;
    const int32_t *tokens;
    const float *weights;
    size_t n_tokens;
    bool truncated;
    const char *dropped; /* the reason, or NULL */
};

/* ---- as JSON ---- */

static void print_json(const struct row *row)
{
    struct strbuf out = {0}, source = {0};
    strbuf_printf(&source, "%s:%zu", row->path, row->line);
    strbuf_puts(&out, "{\"source\":");
    strbuf_json_string(&out, source.data, source.len);
    strbuf_puts(&out, ",\"tokens\":[");
    for (size_t i = 0; i < row->n_tokens; i++)
        strbuf_printf(&out, "%s%d", i ? "," : "", row->tokens[i]);
    strbuf_puts(&out, "],\"weights\":[");
    for (size_t i = 0; i < row->n_tokens; i++)
        strbuf_printf(&out, "%s%.9g", i ? "," : "", (double)row->weights[i]);
    strbuf_printf(&out, "],\"truncated\":%s", row->truncated ? "true" : "false");
    if (row->dropped) {
        strbuf_puts(&out, ",\"dropped\":");
        strbuf_json_string(&out, row->dropped, strlen(row->dropped));
    }
    strbuf_puts(&out, "}\n");
    fwrite(out.data, 1, out.len, stdout);
    strbuf_free(&out);
    strbuf_free(&source);
}

/* ---- as text ---- */

/* The bytes of tokens first .. end, as text that cannot disturb a terminal. */
static void print_token_text(const struct inspect *in, const struct row *row, size_t first, size_t end,
                             bool one_line)
{
    struct strbuf bytes = {0}, text = {0};
    tokenizer_decode(in->tok, row->tokens + first, end - first, false, &bytes);
    strbuf_add_utf8_lossy(&text, bytes.data ? bytes.data : "", bytes.len);
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        if (c == '\n' && !one_line)
            putchar('\n');
        else if (c == '\n' || c == '\t' || c == '\r')
            fputs(c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r", stdout);
        else if (c < 0x20 || c == 0x7F)
            printf("\\x%02x", c);
        else
            putchar(c);
    }
    strbuf_free(&bytes);
    strbuf_free(&text);
}

/* Tokens that end inside a character are shown together with those that complete it. */
static size_t whole_characters(const struct inspect *in, const struct row *row, size_t first)
{
    size_t end = first + 1;
    struct strbuf bytes = {0};
    tokenizer_decode(in->tok, row->tokens + first, 1, false, &bytes);
    while (end < row->n_tokens && bytes.len && utf8_incomplete_tail(bytes.data, bytes.len) &&
           row->weights[end] == row->weights[first]) {
        tokenizer_decode(in->tok, row->tokens + end, 1, false, &bytes);
        end++;
    }
    strbuf_free(&bytes);
    return end;
}

/* Trained tokens on green, each in a shade other than its neighbour's; the others plain and dim. */
static void print_coloured(const struct inspect *in, const struct row *row)
{
    static const char *const trained[2] = {"\033[30;42m", "\033[30;102m"}, *const plain[2] = {"\033[2m",
                                                                                              "\033[22m"};
    for (size_t i = 0, n = 0; i < row->n_tokens; n++) {
        const size_t end = whole_characters(in, row, i);
        fputs(row->weights[i] > 0 ? trained[n % 2] : plain[n % 2], stdout);
        print_token_text(in, row, i, end, false);
        fputs("\033[0m", stdout);
        i = end;
    }
}

/* Without colour: trained runs between [[ and ]]. */
static void print_marked(const struct inspect *in, const struct row *row)
{
    for (size_t i = 0; i < row->n_tokens;) {
        size_t end = i + 1;
        while (end < row->n_tokens && (row->weights[end] > 0) == (row->weights[i] > 0))
            end++;
        fputs(row->weights[i] > 0 ? "[[" : "", stdout);
        print_token_text(in, row, i, end, false);
        fputs(row->weights[i] > 0 ? "]]" : "", stdout);
        i = end;
    }
}

static void print_table(const struct inspect *in, const struct row *row)
{
    printf("%8s %8s %7s  %s\n", "position", "id", "weight", "text");
    for (size_t i = 0; i < row->n_tokens; i++) {
        const bool mark = in->colour && row->weights[i] > 0;
        printf("%8zu %8d %7g  %s", i, row->tokens[i], (double)row->weights[i], mark ? "\033[30;42m" : "");
        print_token_text(in, row, i, i + 1, true);
        printf("%s\n", mark ? "\033[0m" : "");
    }
}

static void print_text(const struct inspect *in, const struct row *row)
{
    size_t targets = 0;
    for (size_t i = 0; i < row->n_tokens; i++)
        targets += row->weights[i] > 0;
    printf("%s%s:%zu%s  %zu tokens, %zu trained%s%s%s\n", in->colour ? "\033[1m" : "", row->path, row->line,
           in->colour ? "\033[0m" : "", row->n_tokens, targets,
           row->truncated ? ", cut to the length limit" : "", row->dropped ? "; left out: " : "",
           row->dropped ? row->dropped : "");
    if (in->tokens && row->n_tokens) /* a bad row has none */
        print_table(in, row);
    else if (in->colour)
        print_coloured(in, row);
    else
        print_marked(in, row);
    fputs(in->tokens || !row->n_tokens ? "\n" : "\n\n", stdout);
}

/* ---- in file order ---- */

static void print_row(struct inspect *in, const struct row *row)
{
    if (in->limit && in->shown >= in->limit)
        return;
    in->shown++;
    if (in->json)
        print_json(row);
    else
        print_text(in, row);
}

static void print_dropped(struct inspect *in, const struct dataset *ds, const struct dropped_row *d)
{
    const struct row row = {.path = ds->files[d->file].path,
                            .line = d->line,
                            .tokens = d->tokens,
                            .weights = d->weights,
                            .n_tokens = d->n_tokens,
                            .truncated = d->truncated,
                            .dropped = d->message ? d->message : drop_reason[d->why]};
    print_row(in, &row);
}

static void print_dataset(struct inspect *in, const struct dataset *ds)
{
    size_t next_dropped = 0;
    for (size_t i = 0; i <= ds->n_examples; i++) {
        while (next_dropped < ds->n_dropped && ds->dropped[next_dropped].position <= i)
            print_dropped(in, ds, &ds->dropped[next_dropped++]);
        if (i == ds->n_examples)
            break;
        const struct example *e = &ds->examples[i];
        const struct row row = {.path = ds->files[e->file].path,
                                .line = e->line,
                                .tokens = e->tokens,
                                .weights = e->weights,
                                .n_tokens = e->n_tokens,
                                .truncated = e->truncated};
        print_row(in, &row);
    }
}

static enum sft_status gather_settings(struct settings *settings, const char *base,
                                       const struct string_list *words, const struct string_list *overrides,
                                       struct sft_err *err)
{
    settings_init(settings);
    if (!base && words->count == 1) {
        if (settings_read_file(settings, words->items[0], err))
            return err->status;
    } else if (base && words->count) {
        settings->model.base = base;
        settings->data.train = *words;
    } else {
        return sft_fail(err, SFT_EUSAGE,
                        "expected a configuration file, or --base DIR and files of conversations "
                        "(sft inspect --help)");
    }
    if (apply_overrides(settings, overrides, err) || settings_check(settings, false, err))
        return err->status;
    if (!settings->model.base || !settings->data.train.count)
        return sft_fail(err, SFT_EUSAGE, "%s: [model] base and [data] train are needed to inspect",
                        words->items[0]);
    return SFT_OK;
}

int cmd_inspect(int argc, char **argv)
{
    struct inspect in = {.colour = log_is_terminal(STDOUT_FILENO)};
    const char *base = NULL;
    struct string_list words, overrides = {0};
    const struct option table[] = {
        {"base", OPTION_STRING, &base, "DIR", "the base whose tokenizer and template are used"},
        {"json", OPTION_FLAG, &in.json, NULL, "a JSON object a conversation: source, tokens, weights"},
        {"tokens", OPTION_FLAG, &in.tokens, NULL, "a line a token: position, id, weight, text"},
        {"limit", OPTION_SIZE, &in.limit, "N", "the first N conversations only"},
        {"set", OPTION_LIST, &overrides, "SECTION.KEY=VALUE",
         "override a setting, such as data.train_on; may be repeated"},
    };
    const struct usage usage = {
        "sft inspect CONFIG.ini | sft inspect --base DIR FILE... [options]",
        "Shows each conversation as the model will see it, and which tokens are trained on: green on a\n"
        "terminal, [[between brackets]] elsewhere.",
        table, sizeof table / sizeof *table};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct settings settings = {0};
    struct run run = {.lock = -1};
    struct sft_err err = {0};
    enum sft_status status = gather_settings(&settings, base, &words, &overrides, &err);
    if (!status)
        status = run_open_data(&run, &settings, &err);
    if (status) {
        code = report_error(&err);
    } else {
        in.tok = run.tokenizer;
        print_dataset(&in, &run.train);
        print_dataset(&in, &run.eval);
        code = finish_output();
    }
    run_free(&run);
    settings_free(&settings);
    words_free(&words);
    words_free(&overrides);
    return code;
}
