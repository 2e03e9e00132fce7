#include "collect/synth/tally.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double LINE_SECONDS = 60; /* between lines where there is no live one */

void tally_free(struct tally *tally)
{
    for (size_t i = 0; i < tally->n_reasons; i++)
        free(tally->reasons[i].name);
    free(tally->reasons);
    *tally = (struct tally){0};
}

/* ---- counting ---- */

static void count(struct tally_rows *rows, bool is_now)
{
    rows->all++;
    rows->now += is_now;
}

static struct tally_reason *find_reason(struct tally *tally, const char *name)
{
    for (size_t i = 0; i < tally->n_reasons; i++)
        if (strcmp(tally->reasons[i].name, name) == 0)
            return &tally->reasons[i];
    tally->reasons = mem_grow(tally->reasons, &tally->reasons_capacity, tally->n_reasons + 1, sizeof *tally->reasons);
    struct tally_reason *reason = &tally->reasons[tally->n_reasons++];
    *reason = (struct tally_reason){.name = mem_strdup(name)};
    return reason;
}

void tally_row(struct tally *tally, const char *reason, bool is_now)
{
    count(reason ? &tally->rejected : &tally->kept, is_now);
    if (reason)
        count(&find_reason(tally, reason)->rows, is_now);
}

uint64_t tally_done(const struct tally *tally)
{
    return tally->kept.all + tally->rejected.all - tally->beyond;
}

uint64_t tally_open(const struct tally *tally)
{
    const uint64_t done = tally_done(tally);
    return done < tally->count ? tally->count - done : 0;
}

static uint64_t done_now(const struct tally *tally)
{
    return tally->kept.now + tally->rejected.now;
}

static double rows_a_minute(const struct tally *tally, double seconds)
{
    return seconds > 0 ? 60 * (double)done_now(tally) / seconds : 0;
}

static bool has_prices(const struct tally *tally)
{
    return tally->budget.options.price_prompt > 0 || tally->budget.options.price_completion > 0;
}

/* ---- while it works ---- */

/* "; 12 rows a minute, 3m10s left" once there is something to go by. */
static void add_rate(struct strbuf *out, const struct tally *tally)
{
    const double rate = rows_a_minute(tally, clock_seconds() - tally->began);
    char left[32];
    if (rate > 0)
        strbuf_printf(out, " | %.*f rows/min | %s left", rate < 10, rate,
                      log_duration(left, 60 * (double)tally_open(tally) / rate));
}

void tally_progress(struct tally *tally, const struct sft_err *why, double wait_s)
{
    const uint64_t done = tally_done(tally);
    const double now = clock_seconds();
    struct strbuf text = {0};
    char tokens[16], wait[32];
    strbuf_printf(&text, "row %" PRIu64 "/%" PRIu64, done, tally->count);
    if (done)
        strbuf_printf(&text, " | kept %.0f%%", 100 * (double)tally->kept.all / (double)(done + tally->beyond));
    strbuf_printf(&text, " | %s tokens", log_count(tokens, budget_tokens(&tally->budget)));
    if (has_prices(tally))
        strbuf_printf(&text, " | cost %.4g", budget_cost(&tally->budget));
    add_rate(&text, tally);
    if (tally->failed)
        strbuf_printf(&text, " | %" PRIu64 " failed", tally->failed);
    if (why && wait_s >= 1)
        strbuf_printf(&text, " | waits %s: %s", log_duration(wait, wait_s), SFT_ERR_TEXT(why));
    if (log_has_live_line()) {
        log_progress("%s", text.data);
    } else if (now - tally->said >= LINE_SECONDS) {
        tally->said = now;
        log_info("%s", text.data);
    }
    strbuf_free(&text);
}

/* ---- at its end ---- */

static void add_line(struct strbuf *out, size_t indent, const char *name, const char *now, const char *all)
{
    strbuf_printf(out, "%*s%-*s %12s %12s\n", (int)indent, "", (int)(22 - indent), name, now, all);
}

static void add_rows(struct strbuf *out, size_t indent, const char *name, const struct tally_rows *rows)
{
    char now[24], all[24];
    snprintf(now, sizeof now, "%" PRIu64, rows->now);
    snprintf(all, sizeof all, "%" PRIu64, rows->all);
    add_line(out, indent, name, now, all);
}

static void add_spent(struct strbuf *out, const struct tally *tally)
{
    char now[24], all[24];
    const double before = budget_tokens(&tally->before), spent = budget_tokens(&tally->budget);
    add_rows(out, 0, "requests",
             &(struct tally_rows){tally->budget.requests, tally->budget.requests - tally->before.requests});
    add_line(out, 0, "tokens", log_count(now, spent - before), log_count(all, spent));
    if (!has_prices(tally))
        return;
    snprintf(now, sizeof now, "%.4g", budget_cost(&tally->budget) - budget_cost(&tally->before));
    snprintf(all, sizeof all, "%.4g", budget_cost(&tally->budget));
    add_line(out, 0, "cost", now, all);
}

void tally_table(const struct tally *tally, struct strbuf *out)
{
    char rate[24];
    add_line(out, 0, "", "this run", "all runs");
    add_rows(out, 0, "rows", &(struct tally_rows){tally->kept.all + tally->rejected.all, done_now(tally)});
    add_rows(out, 2, "kept", &tally->kept);
    add_rows(out, 2, "rejected", &tally->rejected);
    for (size_t i = 0; i < tally->n_reasons; i++)
        add_rows(out, 4, tally->reasons[i].name, &tally->reasons[i].rows);
    add_spent(out, tally);
    snprintf(rate, sizeof rate, "%.1f", rows_a_minute(tally, tally->seconds));
    add_line(out, 0, "rows a minute", rate, "");
    while (out->len > 1 && out->data[out->len - 2] == ' ') /* of the last, empty column */
        out->data[--out->len - 1] = '\n';
    out->data[out->len] = '\0';
}

static void add_number(struct strbuf *out, const char *name, double x)
{
    strbuf_printf(out, ",\"%s\":", name);
    strbuf_json_number(out, x);
}

static void add_counts(struct strbuf *out, const struct tally *tally, bool is_now)
{
    const struct budget *b = &tally->budget, *from = &tally->before;
    strbuf_printf(out, "\"kept\":%" PRIu64 ",\"rejected\":%" PRIu64 ",\"rejected_by_reason\":{",
                  is_now ? tally->kept.now : tally->kept.all, is_now ? tally->rejected.now : tally->rejected.all);
    for (size_t i = 0; i < tally->n_reasons; i++) {
        const struct tally_reason *reason = &tally->reasons[i];
        strbuf_puts(out, i ? "," : "");
        strbuf_json_string(out, reason->name, strlen(reason->name));
        strbuf_printf(out, ":%" PRIu64, is_now ? reason->rows.now : reason->rows.all);
    }
    strbuf_printf(out, "},\"requests\":%" PRIu64 ",\"answers\":%" PRIu64 ",\"lost\":%" PRIu64,
                  b->requests - (is_now ? from->requests : 0), b->answers - (is_now ? from->answers : 0),
                  b->lost - (is_now ? from->lost : 0));
    strbuf_printf(out, ",\"prompt_tokens\":%" PRIu64 ",\"completion_tokens\":%" PRIu64,
                  b->prompt_tokens - (is_now ? from->prompt_tokens : 0),
                  b->completion_tokens - (is_now ? from->completion_tokens : 0));
    add_number(out, "tokens", budget_tokens(b) - (is_now ? budget_tokens(from) : 0));
    if (has_prices(tally))
        add_number(out, "cost", budget_cost(b) - (is_now ? budget_cost(from) : 0));
}

void tally_json(const struct tally *tally, struct strbuf *out)
{
    strbuf_printf(out, "{\"count\":%" PRIu64 ",", tally->count);
    add_counts(out, tally, false);
    strbuf_printf(out, ",\"failed\":%" PRIu64 ",\"open\":%" PRIu64, tally->failed, tally_open(tally));
    if (tally->ended)
        strbuf_printf(out, ",\"stopped_by\":\"%s\"", budget_limit_name(tally->ended));
    else
        strbuf_printf(out, ",\"stopped_by\":%s", tally->was_stopped ? "\"signal\"" : "null");
    strbuf_puts(out, ",\"this_run\":{");
    add_counts(out, tally, true);
    strbuf_printf(out, ",\"retries\":%" PRIu64, tally->retries);
    add_number(out, "seconds", tally->seconds);
    add_number(out, "rows_per_minute", rows_a_minute(tally, tally->seconds));
    strbuf_puts(out, "}}\n");
}
