/* Any bytes as the answer of an endpoint, of status 200 and of others: no crash; a text that is UTF-8 without white
 * space around it, or a message of one line. What is read does not depend on what a schema or an earlier refusal made
 * of the request, and an error's text never is long. The same bytes as an address, and as what is said in a request: an
 * address is refused or has all its parts, a request is JSON. */
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "collect/synth/verdict.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_line(const char *text)
{
    require(text[0] && !strpbrk(text, "\n\r\x1b"));
}

static void check_completion(const char *body, size_t len)
{
    struct completion c;
    struct sft_err err;
    if (completion_read(&c, body, len, &err)) {
        require(err.status == SFT_EDATA && !c.text && !c.model);
        check_line(SFT_ERR_TEXT(&err));
        completion_free(&c);
        return;
    }
    require(strlen(c.text) == c.len && !c.is_withheld);
    require(c.len == 0 || !(strchr(" \t\r\n", c.text[0]) || strchr(" \t\r\n", c.text[c.len - 1])));
    for (size_t i = 0, n; i < c.len; i += n)
        require((n = utf8_decode(c.text + i, c.len - i, NULL, NULL)) > 0);
    require(!c.model || strlen(c.model) <= 200);
    require(c.has_usage || (c.prompt_tokens == 0 && c.completion_tokens == 0));
    completion_free(&c);
}

static void check_error(const char *body, size_t len)
{
    struct endpoint_error error;
    endpoint_error_read(&error, body, len);
    check_line(error.text.data);
    require(error.text.len <= 320 && (error.status == 0 || error.status >= 400));
    require(error.is_there || (error.status == 0 && !error.is_final));
    endpoint_error_free(&error);
}

/* Refused in one dialect after another it comes to an end, where no other is left. */
static void check_verdicts(const char *body, size_t len)
{
    static const struct completion_request request = {.max_tokens = 1, .schema = "{}", .schema_name = "x"};
    static const long statuses[] = {200, 400, 404, 422, 429, 501, 503};
    struct endpoint_url url;
    require(endpoint_url_read(&url, "http://localhost", NULL) == SFT_OK);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        const struct attempt_end end = {.status = statuses[i], .body = body, .len = len};
        const struct verdict_context context = {.url = &url, .request = &request, .may_guess = true};
        struct completion c = {0};
        struct dialect dialect = {0};
        struct sft_err err;
        size_t n = 0;
        while (verdict_of(&end, &context, &dialect, &c, &err).verdict == ASK_OTHERWISE)
            require(n++ < 6);
        completion_free(&c);
    }
    endpoint_url_free(&url);
}

static void check_url(const char *body, size_t len)
{
    char *text = mem_strndup(body, len < 3000 ? len : 3000), *address = mem_printf("http://%s", text);
    const char *const texts[] = {text, address};
    for (size_t i = 0; i < 2; i++) {
        struct endpoint_url url;
        struct sft_err err;
        if (endpoint_url_read(&url, texts[i], &err)) {
            require(err.status == SFT_EUSAGE && sft_err_is_in(&err, "url"));
            check_line(SFT_ERR_TEXT(&err));
        } else {
            require(strncmp(url.requests, url.base, strlen(url.base)) == 0 && *url.host && url.port > 0);
            require(!strpbrk(url.requests, " \r\n") && !strchr(url.host, '@'));
        }
        endpoint_url_free(&url);
    }
    free(address);
    free(text);
}

static void check_request(const char *body, size_t len)
{
    const struct chat_message message = {"user", body, len};
    const struct completion_request request = {
        .messages = &message, .n_messages = 1, .schema = "{}", .schema_name = "x"};
    for (int form = SCHEMA_FORMAT; form <= SCHEMA_IN_WORDS; form++) {
        struct strbuf out = {0};
        json *root = NULL;
        completion_request_print(&request, &(struct dialect){.form = (enum schema_form)form}, &out);
        if (json_parse(out.data, out.len, &root, NULL))
            require(memchr(body, 0, len) != NULL); /* \u0000, which our own reader of JSON does not take */
        json_free(root);
        strbuf_free(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *body = mem_alloc(size ? size : 1); /* a copy of its exact size, so that reading past it is caught */
    memcpy(body, bytes, size);
    check_completion(body, size);
    check_error(body, size);
    check_verdicts(body, size);
    check_url(body, size);
    check_request(body, size);
    free(body);
    return 0;
}
