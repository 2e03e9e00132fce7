#include "base/log.h"
#include "base/path.h"
#include "base/version.h"
#include "base/xxh64.h"
#include "cmd/cmd.h"
#include "cmd/model_argument.h"
#include "cmd/sampling_options.h"
#include "serve/runner.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct serve {
    struct bundle_options loading;
    const char *host, *key_name, *name;
    uint64_t port, parallel, max_queue, max_connections, max_body;
    double request_seconds, drain_seconds;
    struct model_argument model;
    struct bundle bundle;
    struct decode decode;
    struct server_options options;
    struct server server;
    char *id;
    char fingerprint[32];
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

/* ---- what is said of the model ---- */

/* What the model is called in requests and answers: its name on the hub, else the last of its path; a checkpoint has
 * its run's name before it. */
static char *model_id(const struct serve *s)
{
    if (s->name)
        return mem_strdup(s->name);
    const struct named_dir *named = model_argument_main(&s->model);
    if (named->snapshot)
        return mem_strndup(named->snapshot, strcspn(named->snapshot, "@"));
    char *path = realpath(named->path, NULL);
    const char *name = path_basename(path ? path : named->path);
    char *parent = path_dirname(path ? path : named->path);
    const size_t len = strlen(name) - (path_has_ending(name, ".gguf") ? strlen(".gguf") : 0);
    char *id = strncmp(name, "checkpoint-", 11) == 0 ? mem_printf("%s/%s", path_basename(parent), name)
                                                     : mem_strndup(name, len);
    free(parent);
    free(path);
    return id;
}

/* What answers to a seed depend on, beside the request: equal fingerprints, equal answers. Weights are told by where
 * they are and since when, settings by their words. */
static void set_fingerprint(struct serve *s, const struct string_list *overrides)
{
    struct strbuf text = {0};
    struct stat file = {0};
    (void)!stat(s->model.model.dir, &file);
    strbuf_printf(&text, "%s %s %s %s %lld.%09ld", SFT_VERSION, s->bundle.kernels->isa,
                  s->loading.weights ? s->loading.weights : "", s->model.model.dir, (long long)file.st_mtim.tv_sec,
                  file.st_mtim.tv_nsec);
    for (size_t i = 0; i < overrides->count; i++) /* the template, whatever it is called and however it is made */
        strbuf_printf(&text, "\n%s", overrides->items[i]);
    snprintf(s->fingerprint, sizeof s->fingerprint, "fp_%016llx", (unsigned long long)xxh64(text.data, text.len, 0));
    strbuf_free(&text);
}

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
    if (model_argument_open(&s->model, &s->loading, overrides, true, &s->bundle, err))
        return err->status;
    model_argument_tell_bundle(&s->model, &s->bundle);
    const struct decode_model model = bundle_decode_model(&s->bundle);
    const struct decode_options options = {.max_streams = (size_t)s->parallel, .adapts_threads = true};
    s->id = model_id(s);
    set_fingerprint(s, overrides);
    return decode_init(&s->decode, &model, &options, err);
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

static enum sft_status start(struct serve *s, struct sft_err *err)
{
    static const struct sampling_options none_given = SAMPLING_OPTIONS_NONE;
    const struct served_model about = {
        .id = s->id, .created = (int64_t)time(NULL), .n_positions = s->decode.max_positions};
    struct server_model model = {.about = about, .limits = REQUEST_LIMITS_DEFAULT, .bundle = &s->bundle};
    model.limits.vocab_size = s->bundle.model.config.vocab_size;
    model.limits.sampling = sampling_resolve(&none_given, &s->bundle.files.generation, &model.limits.sampling);
    const struct server_options options = s->options;
    s->options.socket = -1; /* the server's from here on */
    return server_start(&s->server, &options, &model, err);
}

static void run(struct serve *s)
{
    const struct runner_options options = {.decode = &s->decode,
                                           .tokenizer = s->bundle.files.tokenizer,
                                           .fingerprint = s->fingerprint,
                                           .stop = &stop,
                                           .drain_seconds = s->drain_seconds,
                                           .look_seconds = 1};
    woken = &s->server.http.queue;
    catch_signals(on_signal);
    log_info("serving %s at http://%s", s->id, s->server.address);
    runner_run(&s->server, &options);
    server_stop(&s->server);
}

int cmd_serve(int argc, char **argv)
{
    struct serve s = {.loading = {.precision = "auto", .for_generation = true}, .options = SERVER_OPTIONS_DEFAULT,
                      .host = "127.0.0.1", .port = 8080, .parallel = 32, .max_queue = 256,
                      .max_connections = 512, .max_body = 4, .request_seconds = 30, .drain_seconds = 30};
    static const struct string_list no_adapters;
    const char *model = NULL;
    struct string_list words, overrides = {0};
    const struct option table[] = {
        {"model", OPTION_STRING, &model, "DIR", MODEL_OPTION_HELP},
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
        "Serves a model over HTTP: OpenAI's API (/v1/chat/completions, /v1/completions, /v1/models), a page to chat in "
        "a browser (/), /health, and /metrics for Prometheus. SIGTERM or Ctrl-C lets what was asked be answered first; "
        "a second one ends at once.",
        table, sizeof table / sizeof *table, TEMPLATE_SETTINGS};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct sft_err err = {0};
    enum sft_status status = model_argument(&s.model, model, &no_adapters, &words, usage.synopsis, &err);
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
    bundle_close(&s.bundle);
    model_argument_free(&s.model);
    free(s.id);
    words_free(&words);
    words_free(&overrides);
    return code;
}
