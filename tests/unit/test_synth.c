/* `sft synth` against an endpoint that is slow, wrong and hostile, while it is killed, interrupted, and given small
 * budgets: in the end every row is there once, as if nothing had happened, and nothing was asked twice that was had. */
#include "disk_calls.h"
#include "fake_fixture.h"

#include "base/json.h"
#include "base/rng.h"
#include "collect/synth/row_files.h"
#include "collect/synth/synth.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

#define KEY "sk-Xy7-never-to-be-seen"
enum { ROWS = 30, CONCURRENCY = 3, ROUNDS = 40, MORE_ROUNDS = 40, LEAST_DEATHS = 5 };

static struct rng rng;
static char *recipe_text;

/* ---- one run, in a process of its own ---- */

static volatile int stop_requested;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    stop_requested = 1;
}

static int run_recipe(const char *out, uint64_t max_requests)
{
    struct recipe recipe;
    struct tally tally = {0};
    char *budget = mem_printf("budget.max_requests=%" PRIu64, max_requests);
    recipe_init(&recipe);
    check_ok(recipe_read_text(&recipe, recipe_text, strlen(recipe_text), "recipe.ini", NULL, &err));
    check_ok(recipe_override(&recipe, budget, &err));
    check_ok(recipe_check(&recipe, &err));
    check_ok(recipe_load(&recipe, NULL, &err));
    const struct synth_options options = {&recipe, out, KEY, &stop_requested};
    const enum sft_status status = synth_run(&options, &tally, &err);
    fprintf(stderr, "%s\n", status ? err_text(&err) : "done");
    const int code = status ? sft_exit_code(status) : tally_open(&tally) ? 1 : 0;
    tally_free(&tally);
    recipe_free(&recipe);
    free(budget);
    return code;
}

/* The process, with what it says behind what others have said. kill_at: the call to the disk that it dies in. */
static pid_t begin_run(const char *name, uint64_t max_requests, unsigned long kill_at, bool is_torn)
{
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupt, NULL); /* Check's own handler would end the test */
    const pid_t pid = fork();
    if (pid == 0)
        signal(SIGINT, on_interrupt);
    sigprocmask(SIG_UNBLOCK, &interrupt, NULL);
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char *said = path_join(dir, "said"), *out = path_join(dir, name);
    const int fd = open(said, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    ck_assert(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    if (kill_at)
        disk_kill(kill_at);
    disk.is_short = is_torn;
    _exit(run_recipe(out, max_requests));
}

static int end_run(pid_t pid)
{
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(!WIFSIGNALED(status) || WTERMSIG(status) == SIGKILL);
    return WIFSIGNALED(status) ? -1 : WEXITSTATUS(status);
}

static void sleep_ms(uint64_t ms)
{
    const struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* ---- what was asked ---- */

struct request {
    uint64_t hash;
    size_t had; /* answers in order that the client has taken */
};

static struct request *find_request(struct request *requests, size_t *n, uint64_t hash)
{
    for (size_t i = 0; i < *n; i++)
        if (requests[i].hash == hash)
            return &requests[i];
    requests[*n] = (struct request){.hash = hash};
    return &requests[(*n)++];
}

/* Good answers that were taken and asked for again. */
static size_t asked_twice(void)
{
    struct strbuf log = {0};
    struct request *requests = mem_calloc(1 << 14, sizeof *requests);
    bool *is_good = mem_calloc(1 << 14, sizeof *is_good);
    size_t n = 0, twice = 0;
    check_ok(io_read_file(endpoint_log, &log, &err));
    for (const char *line = log.data; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        unsigned long number;
        uint64_t hash;
        unsigned status;
        char fault[32];
        if (sscanf(line, "answer %lu %" SCNx64 " %u %31s", &number, &hash, &status, fault) == 4)
            is_good[number % (1 << 14)] = status == 200 && (strcmp(fault, "ok") == 0 || strcmp(fault, "slow") == 0);
        else if (sscanf(line, "taken %lu %" SCNx64, &number, &hash) == 2 && is_good[number % (1 << 14)])
            twice += find_request(requests, &n, hash)->had++ > 0;
    }
    strbuf_free(&log);
    free(requests);
    free(is_good);
    return twice;
}

static size_t lines_with(const char *name, const char *text)
{
    struct strbuf all = {0};
    size_t n = 0;
    char *path = path_join(dir, name);
    check_ok(io_read(path, &all, &err));
    for (const char *p = all.data; p && (p = strstr(p, text)); p++)
        n++;
    strbuf_free(&all);
    free(path);
    return n;
}

/* ---- what was made ---- */

/* Lines by their rows' numbers, without the time; each row is there once. */
static void read_rows(char *rows[ROWS], const char *name)
{
    struct strbuf text = {0};
    char *path = path_join(dir, name);
    check_ok(io_read(path, &text, &err));
    for (char *line = text.data, *end; line && (end = strchr(line, '\n')); line = end + 1) {
        json *row;
        *end = '\0';
        check_ok(json_parse(line, strlen(line), &row, &err));
        const double number = json_number(json_get(json_get(row, "meta"), "row"));
        ck_assert(number >= 0 && number < ROWS);
        char **place = &rows[(size_t)number];
        ck_assert_msg(!*place, "row %g is there twice:\n%s\n%s", number, *place, line);
        *place = mem_strdup(line);
        *strstr(*place, "\"time\":") = '\0';
        json_free(row);
    }
    strbuf_free(&text);
    free(path);
}

static void read_all_rows(char *rows[ROWS], const char *name)
{
    char *rejected = row_files_rejected_path(name);
    read_rows(rows, name);
    read_rows(rows, rejected);
    for (size_t i = 0; i < ROWS; i++)
        ck_assert_msg(rows[i] != NULL, "row %zu is lost", i);
    free(rejected);
}

static void expect_same_rows(void)
{
    char *rows[ROWS] = {NULL}, *wanted[ROWS] = {NULL};
    read_all_rows(rows, "rows.jsonl");
    read_all_rows(wanted, "wanted.jsonl");
    for (size_t i = 0; i < ROWS; i++) {
        ck_assert_str_eq(rows[i], wanted[i]);
        free(rows[i]);
        free(wanted[i]);
    }
}

/* A step's answer is in the journal once. */
static void expect_answers_once(void)
{
    struct strbuf text = {0};
    char *path = path_join(dir, "rows.jsonl.journal");
    check_ok(io_read(path, &text, &err));
    for (const char *p = text.data; (p = strstr(p, "{\"answer\":["));) {
        const size_t len = (size_t)(strchr(p, ']') + 1 - p);
        char *step = mem_strndup(p, len);
        ck_assert_msg(!strstr(p + len, step), "twice in the journal: %s", step);
        free(step);
        p += len;
    }
    strbuf_free(&text);
    free(path);
}

static void expect_no_key(void)
{
    char **names;
    size_t n;
    check_ok(io_list(dir, &names, &n, &err));
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(lines_with(names[i], KEY) == 0, "the key is in %s", names[i]);
    io_list_free(names, n);
}

/* ---- the test ---- */

static void write_recipe(const char *mode)
{
    free(recipe_text);
    recipe_text = mem_printf(
        "[endpoint]\nurl = %s\nmodel = fake\nconcurrency = %d\nbackoff_s = 0.002\nmax_retries = 3\n"
        "timeout_s = 1\n[filter]\nnear_duplicate = 0\n[recipe]\ncount = %d\nrefusals = 0.15\n"
        "topics = lamps, gardens, letters\n%s",
        endpoint_address, CONCURRENCY, ROWS, mode);
}

static const char *const modes[] = {"turns = 1-2\n", "mode = structured\nturns = 2\ncritique = true\n",
                                    "pairs = true\nlook_alikes_per_refusal = 2\n"};

/* A run that something happens to; whether something was lost with it: one that is killed. */
static bool one_round(int *code)
{
    const uint64_t requests = logged("request"), kind = rng_below(&rng, 5);
    const uint64_t allowed_requests = kind == 3
                                          ? lines_with("rows.jsonl.journal", "{\"sent\":") + 1 + rng_below(&rng, 12)
                                          : 0;
    const bool is_torn = kind == 1;
    const unsigned long kill_at = kind == 0 ? 1 + rng_below(&rng, 30) : is_torn ? 1 + rng_below(&rng, 4000) : 0;
    const pid_t pid = begin_run("rows.jsonl", allowed_requests, kill_at, is_torn);
    if (kind == 2 || kind == 4) {
        sleep_ms(rng_below(&rng, 60));
        kill(pid, kind == 2 ? SIGKILL : SIGINT);
    }
    *code = end_run(pid);
    if (allowed_requests)
        ck_assert_uint_le(logged("request"), allowed_requests);
    ck_assert_uint_le(logged("request"), lines_with("rows.jsonl.journal", "{\"sent\":"));
    return *code < 0 && logged("request") > requests;
}

START_TEST(nothing_is_lost_and_nothing_is_twice)
{
    size_t n_killed = 0;
    int code = 1;
    char seed[16];
    snprintf(seed, sizeof seed, "%d", _i);
    rng_seed(&rng, (uint64_t)_i, 17);
    const char *mode = modes[(size_t)_i % 3];
    start_endpoint("--seed", "7", "--key", KEY);
    write_recipe(mode);
    ck_assert_int_eq(end_run(begin_run("wanted.jsonl", 0, 0, false)), 0);
    ck_assert_uint_eq(asked_twice(), 0);
    stop_endpoint();
    start_endpoint(
        "--seed", "7", "--key", KEY, "--latency", "3", "--at-most", "2", "--faults",
        "slow=0.05,drip=0.05,cut=0.08,half=0.08,malformed=0.08,html=0.03,hostile=0.08,huge=0.01,stall=0.01,"
        "429=0.08,500=0.06,echo_error=0.03,503=0.04,stream=0.03,stream_half=0.03,thoughts=0.03,usage_lies=0.05,"
        "usage_missing=0.05");
    write_recipe(mode);
    put("rows.jsonl.journal", "");
    for (size_t n = 0; n < ROUNDS && code != 0; n++)
        n_killed += one_round(&code);
    for (size_t n = 0; n < MORE_ROUNDS && code != 0; n++)
        code = end_run(begin_run("rows.jsonl", 0, 0, false));
    ck_assert_int_eq(code, 0);
    ck_assert_uint_ge(n_killed, LEAST_DEATHS);
    ck_assert_uint_le(asked_twice(), n_killed * CONCURRENCY);
    expect_answers_once();
    expect_same_rows();
    expect_no_key();
    stop_endpoint();
}
END_TEST

/* The run dies in each of the calls that change what is on the disk, one after another. */
START_TEST(a_run_that_dies_in_any_call_goes_on)
{
    size_t n = 1;
    int code;
    start_endpoint("--seed", "7");
    write_recipe(modes[0]);
    ck_assert_int_eq(end_run(begin_run("wanted.jsonl", 0, 0, false)), 0);
    stop_endpoint();
    start_endpoint("--seed", "7");
    write_recipe(modes[0]);
    while ((code = end_run(begin_run("rows.jsonl", 0, 1 + n % 29, false))) < 0)
        ck_assert_uint_lt(n++, 1000);
    ck_assert_int_eq(code, 0);
    expect_answers_once();
    expect_same_rows();
    ck_assert_uint_le(asked_twice(), n * CONCURRENCY);
    stop_endpoint();
}
END_TEST

static void stop_all(void)
{
    stop_endpoint();
    free(recipe_text);
    recipe_text = NULL;
    remove_dir();
}

int main(void)
{
    const char *seeds = getenv("SFT_SYNTH_SEEDS");
    Suite *s = suite_create("synth");
    TCase *t = tcase_create("synth");
    tcase_add_checked_fixture(t, make_dir, stop_all);
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, nothing_is_lost_and_nothing_is_twice, 0, seeds ? atoi(seeds) : 3);
    tcase_add_test(t, a_run_that_dies_in_any_call_goes_on);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
