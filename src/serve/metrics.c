#include "serve/metrics.h"

#include "base/version.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static const char *const path_name[METRIC_PATHS] = {"/v1/chat/completions", "/v1/completions", "/v1/models", "/health",
                                                    "/metrics",             "/",               "other"};

/* Every status that the server gives (serve/api_error.h, and 200); what is none of them would be counted as the
 * last. */
static const unsigned statuses[METRIC_STATUSES] = {200, 400, 401, 403, 404, 405, 413, 429, 500, 503};

static const double bounds[HISTOGRAM_BOUNDS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60};

void metrics_init(struct metrics *m)
{
    struct timeval now;
    gettimeofday(&now, NULL);
    memset(m, 0, sizeof *m);
    m->started = (double)now.tv_sec + 1e-6 * (double)now.tv_usec;
}

void metrics_count(struct metrics *m, enum metric_path path, unsigned status)
{
    size_t i = 0;
    while (i + 1 < METRIC_STATUSES && statuses[i + 1] && statuses[i] != status)
        i++;
    m->requests[path][i]++;
}

void histogram_add(struct histogram *h, double seconds)
{
    size_t i = 0;
    while (i < HISTOGRAM_BOUNDS && seconds > bounds[i])
        i++;
    h->buckets[i]++;
    h->sum_us += (uint64_t)(seconds * 1e6 + 0.5);
}

/* ---- the page of them ---- */

static void print_head(struct strbuf *out, const char *name, const char *type, const char *help)
{
    strbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_value(struct strbuf *out, const char *name, const char *type, const char *help, double value)
{
    print_head(out, name, type, help);
    strbuf_printf(out, "%s ", name);
    strbuf_double(out, value);
    strbuf_putc(out, '\n');
}

static void print_requests(struct strbuf *out, const struct metrics *m)
{
    print_head(out, "sft_requests_total", "counter", "Requests that were answered.");
    for (size_t path = 0; path < METRIC_PATHS; path++)
        for (size_t i = 0; i < METRIC_STATUSES && statuses[i]; i++)
            if (m->requests[path][i])
                strbuf_printf(out, "sft_requests_total{path=\"%s\",code=\"%u\"} %llu\n", path_name[path], statuses[i],
                              (unsigned long long)m->requests[path][i]);
}

static void print_pages(struct strbuf *out, const struct metrics *m)
{
    print_head(out, "sft_kv_pages", "gauge", "Pages of keys and values.");
    const char *format = "sft_kv_pages{state=\"%s\"} %llu\n";
    strbuf_printf(out, format, "used", (unsigned long long)m->pages_used);
    strbuf_printf(out, format, "cached", (unsigned long long)m->pages_cached);
    strbuf_printf(out, format, "free", (unsigned long long)m->pages_free);
}

static void print_histogram(struct strbuf *out, const char *name, const char *help, const struct histogram *h)
{
    uint64_t count = 0;
    print_head(out, name, "histogram", help);
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        count += h->buckets[i];
        strbuf_printf(out, "%s_bucket{le=\"%g\"} %llu\n", name, bounds[i], (unsigned long long)count);
    }
    count += h->buckets[HISTOGRAM_BOUNDS];
    strbuf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)count);
    strbuf_printf(out, "%s_sum %.6f\n", name, 1e-6 * (double)h->sum_us);
    strbuf_printf(out, "%s_count %llu\n", name, (unsigned long long)count);
}

/* Bytes in memory; 0 where /proc is not there. */
static double resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* Without those that looking opens. */
static double open_descriptors(void)
{
    double n = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 3; /* ".", ".." and the directory itself */
}

/* A label's value: backslash, quote and line feed are escaped. */
static void print_label(struct strbuf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\\' || *text == '"')
            strbuf_putc(out, '\\');
        if (*text == '\n')
            strbuf_puts(out, "\\n");
        else
            strbuf_putc(out, *text);
    }
}

void metrics_print(const struct metrics *m, const char *model, struct strbuf *out)
{
    print_requests(out, m);
    print_value(out, "sft_requests_running", "gauge", "Requests that are being answered.", (double)m->running);
    print_value(out, "sft_requests_behind", "gauge", "Of them those whose clients are slow to read.",
                (double)m->behind);
    print_value(out, "sft_requests_waiting", "gauge", "Requests that wait for their turn.", (double)m->waiting);
    print_value(out, "sft_prompt_tokens_total", "counter", "Tokens of prompts.", (double)m->prompt_tokens);
    print_value(out, "sft_prompt_tokens_cached_total", "counter", "Tokens of prompts that were not computed again.",
                (double)m->cached_tokens);
    print_value(out, "sft_generated_tokens_total", "counter", "Tokens of answers.", (double)m->made_tokens);
    print_histogram(out, "sft_time_to_first_token_seconds", "From a request to the first token of its answer.",
                    &m->first_token);
    print_histogram(out, "sft_request_duration_seconds", "From a request to the last token of its answer.",
                    &m->duration);
    print_histogram(out, "sft_time_per_output_token_seconds", "Of a token behind an answer's first, its answer's mean.",
                    &m->per_token);
    print_pages(out, m);
    print_value(out, "sft_connections", "gauge", "Open connections.", (double)m->connections);
    print_value(out, "sft_disconnects_total", "counter", "Clients that left before their answer was whole.",
                (double)m->disconnects);
    print_value(out, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
    print_value(out, "process_open_fds", "gauge", "Open descriptors.", open_descriptors());
    print_value(out, "process_start_time_seconds", "gauge", "When the server started, in seconds since 1970.",
                m->started);
    print_head(out, "sft_build_info", "gauge", "The version, and the model that is served.");
    strbuf_puts(out, "sft_build_info{version=\"" SFT_VERSION "\",model=\"");
    print_label(out, model);
    strbuf_puts(out, "\"} 1\n");
}
