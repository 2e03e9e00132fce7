#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/sampling_options.h"
#include "cmd/serve_models.h"
#include "serve/runner.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct serve {
    struct bundle_options loading;
    const char *host, *key_name, *name;
    uint64_t port, parallel, max_queue, max_connections, max_body;
    double request_seconds, drain_seconds;
    struct serve_models models;
    struct decode decode;
    struct server_options options;
    struct server server;
};

/* ---- signals: the first lets the server end, the second ends it ---- */

static volatile sig_atomic_t stop;
static const struct job_queue *woken;

static void on_signal(int signal_number)
{
    (void)signal_number;
    if (stop)
        _exit(130);
    stop = 1;
    job_queue_wake(woken);
}

/* ---- options ---- */

/* The bearer token, from the environment: on the command line every user of the machine could read it. NULL: none is
 * asked for. */
static enum sft_status find_key(const struct serve *s, const char **key, struct sft_err *err)
{
    *key = s->key_name ? getenv(s->key_name) : NULL;
    if (s->key_name && (!*key || !**key))
        return sft_fail(err, SFT_EUSAGE, "--api-key-env: the variable %s is %s (export it before)", s->key_name,
                        *key ? "empty" : "not set");
    return SFT_OK;
}

enum { MOST_BODY = 1 << 14 }; /* megabytes */

static enum sft_status check_is_some(const char *option, uint64_t found, struct sft_err *err)
{
    return found > 0 ? SFT_OK : sft_fail(err, SFT_EUSAGE, "%s: expected 1 or more, found 0", option);
}

static enum sft_status check_usage(const struct serve *s, const struct string_list *words, const char *synopsis,
                                   struct sft_err *err)
{
    if (words->count)
        return sft_fail(err, SFT_EUSAGE, "no place for '%s' (usage: %s)", words->items[0], synopsis);
    if (s->port > 65535)
        return sft_fail(err, SFT_EUSAGE, "--port: expected 0 to 65535, found %" PRIu64, s->port);
    if (check_is_some("--parallel", s->parallel, err) || check_is_some("--max-queue", s->max_queue, err) ||
        check_is_some("--max-connections", s->max_connections, err))
        return err->status;
    if (s->max_body < 1 || s->max_body > MOST_BODY)
        return sft_fail(err, SFT_EUSAGE, "--max-body: expected 1 to %d megabytes, found %" PRIu64, MOST_BODY,
                        s->max_body);
    if (!(s->request_seconds > 0))
        return sft_fail(err, SFT_EUSAGE, "--request-timeout: expected seconds above 0, found %g", s->request_seconds);
    if (!(s->drain_seconds >= 0))
        return sft_fail(err, SFT_EUSAGE, "--drain: expected seconds from 0 on, found %g", s->drain_seconds);
    return SFT_OK;
}

static enum sft_status load(struct serve *s, const struct string_list *overrides, struct sft_err *err)
{
    const struct decode_options options = {.max_streams = (size_t)s->parallel, .adapts_threads = true};
    struct serve_models *m = &s->models;
    if (serve_models_load(m, &s->loading, overrides, err))
        return err->status;
    struct decode_model *models = mem_calloc(m->n, sizeof *models);
    for (size_t i = 0; i < m->n; i++)
        models[i] = bundle_decode_model(&m->items[i].bundle);
    const enum sft_status status = decode_init_several(&s->decode, models, m->n, &options, err);
    free(models);
    return status;
}

/* All that can be refused before the model is read, which may take minutes: an address, a port in use, a key. */
static enum sft_status prepare(struct serve *s, struct sft_err *err)
{
    s->options.host = s->host;
    s->options.port = (unsigned)s->port;
    s->options.max_waiting = (size_t)s->max_queue;
    s->options.max_connections = (size_t)s->max_connections;
    s->options.max_body = (size_t)s->max_body << 20;
    s->options.request_seconds = s->request_seconds;
    if (find_key(s, &s->options.api_key, err) || mhd_load(err))
        return err->status;
    return server_bind(&s->options, err);
}

static struct server_model server_model_of(const struct serve *s, const struct serve_model *item)
{
    static const struct sampling_options none_given = SAMPLING_OPTIONS_NONE;
    struct server_model model = {
        .about = {.id = item->id, .created = (int64_t)time(NULL), .n_positions = s->decode.max_positions},
        .limits = REQUEST_LIMITS_DEFAULT,
        .bundle = &item->bundle};
    model.limits.vocab_size = item->bundle.model.config.vocab_size;
    model.limits.sampling = sampling_resolve(&none_given, &item->bundle.files.generation, &model.limits.sampling);
    return model;
}

static enum sft_status start(struct serve *s, struct sft_err *err)
{
    const size_t n = s->models.n;
    struct server_model *models = mem_calloc(n, sizeof *models);
    for (size_t i = 0; i < n; i++)
        models[i] = server_model_of(s, &s->models.items[i]);
    const struct server_options options = s->options;
    s->options.socket = -1; /* the server's from here on */
    const enum sft_status status = server_start(&s->server, &options, models, n, err);
    free(models);
    return status;
}

static void run(struct serve *s)
{
    const size_t n = s->models.n;
    struct runner_model *models = mem_calloc(n, sizeof *models);
    for (size_t i = 0; i < n; i++)
        models[i] = (struct runner_model){s->models.items[i].bundle.files.tokenizer, s->models.items[i].fingerprint};
    const struct runner_options options = {
        .decode = &s->decode, .models = models, .stop = &stop, .drain_seconds = s->drain_seconds, .look_seconds = 1};
    woken = &s->server.http.queue;
    catch_signals(on_signal);
    log_info("serving %s at http://%s", s->models.items[0].id, s->server.address);
    runner_run(&s->server, &options);
    server_stop(&s->server);
    free(models);
}

int cmd_serve(int argc, char **argv)
{
    struct serve s = {.loading = {.precision = "auto", .for_generation = true}, .options = SERVER_OPTIONS_DEFAULT,
                      .host = "127.0.0.1", .port = 8080, .parallel = 32, .max_queue = 256,
                      .max_connections = 512, .max_body = 4, .request_seconds = 30, .drain_seconds = 30};
    const char *model = NULL;
    struct string_list words, overrides = {0}, adapters = {0};
    const struct option table[] = {
        {"model", OPTION_STRING, &model, "DIR", MODEL_OPTION_HELP},
        {"adapter", OPTION_LIST, &adapters, "NAME=DIR",
         "a LoRA adapter of the model, which is a model of its own under this name; may be repeated"},
        {"host", OPTION_STRING, &s.host, "ADDRESS",
         "listen there (127.0.0.1: this machine alone; 0.0.0.0: all networks)"},
        {"port", OPTION_SIZE, &s.port, "N", "8080; 0: a free one, which is said when it is ready"},
        {"api-key-env", OPTION_STRING, &s.key_name, "NAME",
         "ask clients of /v1 for the bearer token that is in this environment variable"},
        {"served-model-name", OPTION_STRING, &s.name, "NAME", "what the model is called (its directory's name)"},
        {"parallel", OPTION_SIZE, &s.parallel, "N", "answers that are made at once (32); others wait"},
        {"max-queue", OPTION_SIZE, &s.max_queue, "N",
         "requests that may wait (256); more are told to come again (429)"},
        {"max-connections", OPTION_SIZE, &s.max_connections, "N", "connections at once (512)"},
        {"max-body", OPTION_SIZE, &s.max_body, "MB", "the largest request (4)"},
        {"request-timeout", OPTION_DOUBLE, &s.request_seconds, "S", "seconds for a request to arrive whole (30)"},
        {"drain", OPTION_DOUBLE, &s.drain_seconds, "S", "seconds that answers have left after SIGTERM or Ctrl-C (30)"},
        {"precision", OPTION_STRING, &s.loading.precision, "P", "auto (default), fp32 or bf16"},
        {"weights", OPTION_STRING, &s.loading.weights, "W", WEIGHTS_OPTION_HELP},
        {"set", OPTION_LIST, &overrides, "SECTION.KEY=VALUE",
         "override a setting, such as data.template; may be repeated"},
    };
    const struct usage usage = {
        "sft serve DIR [options]",
        "Serves a model, or a model and adapters of it, over HTTP: OpenAI's API (/v1/chat/completions, "
        "/v1/completions, /v1/models), a page to chat in "
        "a browser (/), /health, and /metrics for Prometheus. SIGTERM or Ctrl-C lets what was asked be answered first; "
        "a second one ends at once.",
        table, sizeof table / sizeof *table, TEMPLATE_SETTINGS};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct sft_err err = {0};
    enum sft_status status = serve_models_find(&s.models, model, &adapters, s.name, &words, usage.synopsis, &err);
    if (!status)
        status = check_usage(&s, &words, usage.synopsis, &err);
    if (!status)
        status = prepare(&s, &err);
    if (!status)
        status = load(&s, &overrides, &err);
    if (!status)
        status = start(&s, &err);
    code = status ? report_error(&err) : 0;
    if (!status)
        run(&s);
    if (s.options.socket >= 0)
        close(s.options.socket);
    decode_free(&s.decode);
    serve_models_free(&s.models);
    words_free(&words);
    words_free(&overrides);
    words_free(&adapters);
    return code;
}
