/* Addresses of endpoints, what they take, and what the end of an attempt means. */
#include "collect/synth/verdict.h"

#include "support/err_text.h"
#include "support/run_suite.h"

#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

static struct sft_err err;

/* ---- addresses ---- */

static const struct {
    const char *text, *base, *requests, *host;
    unsigned port;
    bool is_tls, is_local;
} urls[] = {
    {"http://127.0.0.1:8080", "http://127.0.0.1:8080/v1", "/chat/completions", "127.0.0.1", 8080, false, true},
    {"http://127.0.0.1:8080/", "http://127.0.0.1:8080/v1", "/chat/completions", "127.0.0.1", 8080, false, true},
    {"http://localhost/v1", "http://localhost/v1", "/chat/completions", "localhost", 80, false, true},
    {"http://a.LocalHost/v1//", "http://a.LocalHost/v1", "/chat/completions", "a.LocalHost", 80, false, true},
    {"https://host/openai/v1", "https://host/openai/v1", "/chat/completions", "host", 443, true, false},
    {"HTTPS://host/v1/chat/completions", "HTTPS://host/v1", "/chat/completions", "host", 443, true, false},
    {"https://host/chat/completions", "https://host", "/chat/completions", "host", 443, true, false},
    {"https://host:99/d/chat/completions/?v=1/2", "https://host:99/d", "/chat/completions?v=1/2", "host", 99, true,
     false},
    {"https://host?v=1", "https://host/v1", "/chat/completions?v=1", "host", 443, true, false},
    {"http://[::1]:8080/v1", "http://[::1]:8080/v1", "/chat/completions", "::1", 8080, false, true},
    {"http://[::2]/v1", "http://[::2]/v1", "/chat/completions", "::2", 80, false, false},
    {"http://127.evil.example/v1", "http://127.evil.example/v1", "/chat/completions", "127.evil.example", 80, false,
     false},
    {"http://notlocalhost/v1", "http://notlocalhost/v1", "/chat/completions", "notlocalhost", 80, false, false},
};

START_TEST(an_address_is_taken_as_people_give_it)
{
    struct endpoint_url url;
    ck_assert_msg(endpoint_url_read(&url, urls[_i].text, &err) == SFT_OK, "%s", err_text(&err));
    ck_assert_str_eq(url.base, urls[_i].base);
    ck_assert(strncmp(url.requests, url.base, strlen(url.base)) == 0);
    ck_assert_str_eq(url.requests + strlen(url.base), urls[_i].requests);
    ck_assert_str_eq(url.host, urls[_i].host);
    ck_assert_uint_eq(url.port, urls[_i].port);
    ck_assert(url.is_tls == urls[_i].is_tls && url.is_local == urls[_i].is_local);
    endpoint_url_free(&url);
}
END_TEST

static const struct {
    const char *text, *message;
} no_urls[] = {
    {"127.0.0.1:8080", "url: '127.0.0.1:8080' begins with neither http:// nor https:// (http://127.0.0.1:8080/v1)"},
    {"ftp://host/v1", "url: 'ftp://host/v1' begins with"},
    {"file:///etc/passwd", "url: 'file:///etc/passwd' begins with"},
    {"", "url: '' begins with"},
    {"http://", "url: 'http://' names no host"},
    {"http:///v1", "url: 'http:///v1' names no host"},
    {"http://:80/v1", "url: 'http://:80/v1' names no host"},
    {"http://host:0/v1", "url: 'http://host:0/v1' has a port that is none"},
    {"http://host:65536", "url: 'http://host:65536' has a port that is none"},
    {"http://host:8o/v1", "url: 'http://host:8o/v1' has a port that is none"},
    {"https://me:secret@host/v1", "url: a name or a password is in it"},
    {"https://secret@host", "url: a name or a password is in it"},
    {"http://host/v1#top", "url: it has a fragment"},
    {"http://host /v1", "url: a blank, a quote or a control character is in it"},
    {"http://host/v1\r\nX: y", "url: a blank, a quote or a control character is in it"},
};

START_TEST(what_is_no_address_is_refused)
{
    struct endpoint_url url;
    ck_assert_int_eq(endpoint_url_read(&url, no_urls[_i].text, &err), SFT_EUSAGE);
    ck_assert_msg(strncmp(err_text(&err), no_urls[_i].message, strlen(no_urls[_i].message)) == 0, "%s", err_text(&err));
    ck_assert_ptr_null(strstr(err_text(&err), "secret"));
    endpoint_url_free(&url);
}
END_TEST

/* ---- dialects ---- */

static const struct completion_request plain = {.temperature = 1, .top_p = 0.9, .max_tokens = 10};
static const struct completion_request structured = {
    .temperature = 1, .max_tokens = 10, .schema = "{}", .schema_name = "x"};

static const struct {
    const char *body;
    bool has_schema, may_guess, changes;
    struct dialect before, after;
} dialects[] = {
    {"no 'seed' here", false, false, true, {0}, {.no_seed = true}},
    {"no 'seed' here", false, false, false, {.no_seed = true}, {.no_seed = true}},
    {"{\"loc\":[\"body\",\"seed\"]}", false, false, true, {0}, {.no_seed = true}},
    {"random_seed, seeds", false, false, false, {0}, {0}},
    {"temperature must be 1", false, false, true, {0}, {.no_temperature = true}},
    {"temperature and top_p cannot both be given", false, false, true, {0}, {.no_top_p = true}},
    {"top_p and temperature", false, false, true, {.no_top_p = true}, {.no_top_p = true, .no_temperature = true}},
    {"'max_tokens' is not known. Use 'max_completion_tokens'.", false, false, true, {0}, {.long_name = true}},
    {"max_tokens is too large", false, false, false, {0}, {0}},
    {"response_format", false, true, false, {0}, {0}},
    {"response_format", true, false, true, {0}, {.form = SCHEMA_TOOL}},
    {"tool_choice", true, false, true, {.form = SCHEMA_TOOL}, {.form = JSON_FORMAT}},
    {"json_object", true, false, true, {.form = JSON_FORMAT}, {.form = SCHEMA_IN_WORDS}},
    {"response_format", true, true, false, {.form = SCHEMA_IN_WORDS}, {.form = SCHEMA_IN_WORDS}},
    {"bad", true, false, false, {0}, {0}},
    {"bad", true, true, true, {0}, {.form = SCHEMA_TOOL}},
    {"", true, true, true, {0}, {.form = SCHEMA_TOOL}},
};

START_TEST(a_dialect_is_learned_from_what_is_refused)
{
    struct dialect d = dialects[_i].before;
    const struct dialect *after = &dialects[_i].after;
    const char *body = dialects[_i].body;
    ck_assert(dialect_change(&d, dialects[_i].has_schema ? &structured : &plain, body, strlen(body),
                             dialects[_i].may_guess) == dialects[_i].changes);
    ck_assert_int_eq(d.form, after->form);
    ck_assert(d.long_name == after->long_name && d.no_seed == after->no_seed);
    ck_assert(d.no_temperature == after->no_temperature && d.no_top_p == after->no_top_p);
}
END_TEST

START_TEST(two_dialects_are_joined)
{
    const struct dialect a = {.form = JSON_FORMAT, .no_seed = true},
                         b = {.form = SCHEMA_TOOL, .long_name = true, .no_top_p = true};
    const struct dialect ab = dialect_join(&a, &b), ba = dialect_join(&b, &a);
    ck_assert_int_eq(ab.form, JSON_FORMAT);
    ck_assert_int_eq(ba.form, JSON_FORMAT);
    ck_assert(ab.no_seed && ab.long_name && ab.no_top_p && !ab.no_temperature);
    ck_assert(ba.no_seed && ba.long_name && ba.no_top_p && !ba.no_temperature);
}
END_TEST

/* ---- verdicts ---- */

#define ERROR(code) "{\"error\":{\"message\":\"said\",\"code\":" code "}}"
#define OK          "{\"choices\":[{\"message\":{\"content\":\"x\"}}]}"
#define BASE        "http://127.0.0.1:99/v1: "

static const struct row {
    struct attempt_end end;
    bool has_heard, has_key;
    struct attempt_verdict verdict;
    const char *message; /* its beginning */
} rows[] = {
    {{.status = 200, .body = OK}, true, false, {.verdict = ANSWERED}, NULL},
    {{.status = 201, .body = OK}, true, false, {.verdict = ANSWERED}, NULL},
    {{.status = 200, .body = "answer"},
     true,
     false,
     {.verdict = ASK_AGAIN, .is_lost = true},
     BASE "an answer that is none: column 1: "},
    {{.status = 200, .body = "<html>"},
     true,
     false,
     {.verdict = ASK_AGAIN, .is_lost = true},
     BASE "that is a web page, no API: is url right?"},
    {{.status = 200, .body = ERROR("\"x\"")},
     true,
     false,
     {.verdict = ASK_AGAIN, .is_lost = true},
     BASE "an answer that is none: the endpoint says: said"},
    {{.status = 200, .body = ERROR("429")},
     true,
     false,
     {.verdict = ASK_AGAIN, .holds_all = true},
     BASE "status 429: said"},
    {{.status = 200, .body = ERROR("401")},
     true,
     true,
     {.verdict = HOPELESS},
     BASE "status 401, the key is refused: said"},
    {{.status = 200, .body = ERROR("\"insufficient_quota\"")},
     true,
     false,
     {.verdict = HOPELESS},
     BASE "status 200: said"},
    {{.status = 200, .body = "{\"choices\":[{\"message\":{},\"finish_reason\":\"content_filter\"}]}"},
     true,
     false,
     {.verdict = REFUSED, .is_lost = true},
     BASE "an answer that is none: the endpoint's content filter"},
    {{.status = 307, .redirect = "http://other/v1?x", .body = ""},
     true,
     false,
     {.verdict = HOPELESS},
     BASE "status 307, redirects to http://other/v1, which is not followed: give that as url"},
    {{.status = 304, .body = ""}, true, false, {.verdict = HOPELESS}, BASE "status 304, which is no answer"},
    {{.status = 400, .body = ERROR("null")}, true, false, {.verdict = REFUSED}, BASE "status 400: said"},
    {{.status = 400, .body = "the 'seed'"}, true, false, {.verdict = ASK_OTHERWISE}, BASE "status 400: the 'seed'"},
    {{.status = 422, .body = "the 'seed'"}, true, false, {.verdict = ASK_OTHERWISE}, BASE "status 422: the 'seed'"},
    {{.status = 404, .body = "the 'seed'"}, true, false, {.verdict = ASK_OTHERWISE}, BASE "status 404: the 'seed'"},
    {{.status = 500, .body = "the 'seed'"}, true, false, {.verdict = ASK_AGAIN}, BASE "status 500: the 'seed'"},
    {{.status = 400, .body = "API key not valid"},
     true,
     true,
     {.verdict = HOPELESS},
     BASE "status 400, the key is refused"},
    {{.status = 401, .body = ERROR("null")},
     true,
     false,
     {.verdict = HOPELESS},
     BASE "status 401, a key is wanted (api_key_env names the environment variable that holds it): said"},
    {{.status = 402, .body = ""}, true, false, {.verdict = HOPELESS}, BASE "status 402: (nothing)"},
    {{.status = 403, .body = ""}, true, false, {.verdict = HOPELESS}, BASE "status 403: "},
    {{.status = 403, .body = "Your input was flagged"},
     true,
     false,
     {.verdict = REFUSED},
     BASE "status 403: Your input"},
    {{.status = 404, .body = ERROR("null")},
     true,
     false,
     {.verdict = HOPELESS},
     BASE "status 404: said (is the model's name right, and the url?)"},
    {{.status = 405, .body = ""}, true, false, {.verdict = HOPELESS}, BASE "status 405: "},
    {{.status = 408, .body = ""}, true, false, {.verdict = ASK_AGAIN}, BASE "status 408: "},
    {{.status = 409, .body = ""}, true, false, {.verdict = ASK_AGAIN}, BASE "status 409: "},
    {{.status = 413, .body = ""}, true, false, {.verdict = REFUSED}, BASE "status 413: "},
    {{.status = 425, .body = ""}, true, false, {.verdict = ASK_AGAIN}, BASE "status 425: "},
    {{.status = 429, .body = ""}, true, false, {.verdict = ASK_AGAIN, .holds_all = true}, BASE "status 429: "},
    {{.status = 429, .body = ERROR("\"insufficient_quota\"")},
     true,
     false,
     {.verdict = HOPELESS},
     BASE "status 429: said"},
    {{.status = 500, .body = ""}, true, false, {.verdict = ASK_AGAIN}, BASE "status 500: "},
    {{.status = 503, .body = ""}, true, false, {.verdict = ASK_AGAIN}, BASE "status 503: "},
    {{.status = 503, .says_when = true, .body = ""},
     true,
     false,
     {.verdict = ASK_AGAIN, .holds_all = true},
     BASE "status 503: "},
    {{.status = 599, .body = ""}, true, false, {.verdict = ASK_AGAIN}, BASE "status 599: "},
    {{.status = 600, .body = ""}, true, false, {.verdict = REFUSED}, BASE "status 600: "},
    {{.result = CURLE_COULDNT_CONNECT},
     false,
     false,
     {.verdict = HOPELESS},
     BASE "nobody listens there (is the server running? sft serve DIR --port 99)"},
    {{.result = CURLE_COULDNT_CONNECT}, true, false, {.verdict = ASK_AGAIN}, BASE "nobody listens there any more"},
    {{.result = CURLE_COULDNT_RESOLVE_HOST}, false, false, {.verdict = HOPELESS}, BASE "words"},
    {{.result = CURLE_COULDNT_RESOLVE_HOST}, true, false, {.verdict = ASK_AGAIN}, BASE "words"},
    {{.result = CURLE_SSL_CONNECT_ERROR},
     false,
     false,
     {.verdict = HOPELESS},
     BASE "TLS fails (is it http:// there?): words"},
    {{.result = CURLE_SSL_CONNECT_ERROR}, true, false, {.verdict = ASK_AGAIN}, BASE "TLS fails"},
    {{.result = CURLE_PEER_FAILED_VERIFICATION},
     true,
     true,
     {.verdict = HOPELESS},
     BASE "its certificate is not trusted, so nothing was sent: words"},
    {{.result = CURLE_OPERATION_TIMEDOUT},
     true,
     false,
     {.verdict = ASK_AGAIN},
     BASE "no answer within 1.5 s (timeout_s)"},
    {{.result = CURLE_OPERATION_TIMEDOUT, .was_sent = true},
     true,
     false,
     {.verdict = ASK_AGAIN, .is_lost = true},
     BASE "no answer"},
    {{.result = CURLE_WRITE_ERROR, .was_sent = true, .is_too_long = true},
     true,
     false,
     {.verdict = ASK_AGAIN, .is_lost = true},
     BASE "the answer is longer than 16 MB"},
    {{.result = CURLE_GOT_NOTHING, .was_sent = true},
     false,
     false,
     {.verdict = ASK_AGAIN, .is_lost = true},
     BASE "words"},
};

START_TEST(every_end_has_its_meaning)
{
    const struct row *row = &rows[_i];
    struct endpoint_url url;
    struct attempt_end end = row->end;
    struct completion completion = {0};
    struct dialect dialect = {0};
    ck_assert_int_eq(endpoint_url_read(&url, "http://127.0.0.1:99/v1", &err), SFT_OK);
    const struct verdict_context context = {
        .url = &url, .timeout_s = 1.5, .has_key = row->has_key, .has_heard = row->has_heard, .request = &plain};
    end.complaint = "words";
    end.len = end.body ? strlen(end.body) : 0;
    const struct attempt_verdict v = verdict_of(&end, &context, &dialect, &completion, &err);
    ck_assert_int_eq(v.verdict, row->verdict.verdict);
    ck_assert(v.is_lost == row->verdict.is_lost && v.holds_all == row->verdict.holds_all);
    ck_assert(dialect.no_seed == (v.verdict == ASK_OTHERWISE));
    if (row->message)
        ck_assert_msg(strncmp(err_text(&err), row->message, strlen(row->message)) == 0, "%s", err_text(&err));
    else
        ck_assert_str_eq(completion.text, "x");
    completion_free(&completion);
    endpoint_url_free(&url);
}
END_TEST

START_TEST(a_schema_is_given_up_for_a_guess_only_before_one_was_answered)
{
    struct endpoint_url url;
    struct completion completion = {0};
    struct dialect dialect = {0};
    const struct attempt_end bad = {.status = 400, .body = "no", .len = 2};
    ck_assert_int_eq(endpoint_url_read(&url, "http://127.0.0.1:99/v1", &err), SFT_OK);
    struct verdict_context context = {.url = &url, .request = &structured, .may_guess = true};
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(verdict_of(&bad, &context, &dialect, &completion, &err).verdict, ASK_OTHERWISE);
    ck_assert_int_eq(dialect.form, SCHEMA_IN_WORDS);
    ck_assert_int_eq(verdict_of(&bad, &context, &dialect, &completion, &err).verdict, REFUSED);
    dialect.form = SCHEMA_FORMAT;
    context.may_guess = false;
    ck_assert_int_eq(verdict_of(&bad, &context, &dialect, &completion, &err).verdict, REFUSED);
    endpoint_url_free(&url);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("endpoint");
    TCase *tc = tcase_create("endpoint");
    tcase_add_loop_test(tc, an_address_is_taken_as_people_give_it, 0, COUNT(urls));
    tcase_add_loop_test(tc, what_is_no_address_is_refused, 0, COUNT(no_urls));
    tcase_add_loop_test(tc, a_dialect_is_learned_from_what_is_refused, 0, COUNT(dialects));
    tcase_add_test(tc, two_dialects_are_joined);
    tcase_add_loop_test(tc, every_end_has_its_meaning, 0, COUNT(rows));
    tcase_add_test(tc, a_schema_is_given_up_for_a_guess_only_before_one_was_answered);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
