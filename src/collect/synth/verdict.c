#include "collect/synth/verdict.h"

#include <stdio.h>
#include <string.h>

static struct attempt_verdict is(enum verdict verdict)
{
    return (struct attempt_verdict){.verdict = verdict};
}

/* ---- no answer ---- */

static struct attempt_verdict nobody_listens(const struct verdict_context *context, struct sft_err *err)
{
    const struct endpoint_url *url = context->url;
    if (context->has_heard)
        sft_fail(err, SFT_EIO, "%s: nobody listens there any more", url->base);
    else if (url->is_local)
        sft_fail(err, SFT_EIO, "%s: nobody listens there (is the server running? sft serve DIR --port %u)", url->base,
                 url->port);
    else
        sft_fail(err, SFT_EIO, "%s: nobody listens there (is the server running, and is this its address?)", url->base);
    return is(context->has_heard ? ASK_AGAIN : HOPELESS);
}

static bool is_about_certificates(CURLcode result)
{
    return result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE ||
           result == CURLE_SSL_CERTPROBLEM || result == CURLE_SSL_ISSUER_ERROR;
}

/* What makes no sense to try again unless it has gone well before. */
static bool is_about_the_way(CURLcode result)
{
    return result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_COULDNT_RESOLVE_PROXY ||
           result == CURLE_SSL_CONNECT_ERROR || result == CURLE_UNSUPPORTED_PROTOCOL || result == CURLE_URL_MALFORMAT;
}

static struct attempt_verdict no_answer(const struct attempt_end *end, const struct verdict_context *context,
                                        struct sft_err *err)
{
    const char *base = context->url->base;
    if (end->result == CURLE_COULDNT_CONNECT)
        return nobody_listens(context, err);
    if (is_about_certificates(end->result)) {
        sft_fail(err, SFT_EIO, "%s: its certificate is not trusted, so nothing was sent: %s", base, end->complaint);
        return is(HOPELESS);
    }
    if (end->is_too_long)
        sft_fail(err, SFT_EIO, "%s: the answer is longer than 16 MB", base);
    else if (end->result == CURLE_OPERATION_TIMEDOUT)
        sft_fail(err, SFT_EIO, "%s: no answer within %g s (timeout_s)", base, context->timeout_s);
    else if (end->result == CURLE_SSL_CONNECT_ERROR)
        sft_fail(err, SFT_EIO, "%s: TLS fails (is it http:// there?): %s", base, end->complaint);
    else
        sft_fail(err, SFT_EIO, "%s: %s", base, end->complaint);
    const bool is_hopeless = is_about_the_way(end->result) && !context->has_heard;
    return (struct attempt_verdict){.verdict = is_hopeless ? HOPELESS : ASK_AGAIN, .is_lost = end->was_sent};
}

/* ---- an error of the endpoint ---- */

static bool is_passing(unsigned status)
{
    return status == 408 || status == 409 || status == 425 || status == 429 || (status >= 500 && status <= 599);
}

/* Google's endpoint refuses a key with 400. */
static bool is_about_the_key(unsigned status, const char *text)
{
    return status == 401 || (status == 400 && strcasestr(text, "api key"));
}

/* OpenRouter's moderation of a prompt; of the key or the account, 403 is of all requests. */
static bool is_about_the_prompt(unsigned status, const char *text)
{
    return status == 403 && (strcasestr(text, "flagged") || strcasestr(text, "moderation"));
}

static bool is_hopeless(unsigned status)
{
    return status == 402 || status == 403 || status == 404 || status == 405;
}

static void tell_error(const struct verdict_context *context, unsigned status, const char *text, struct sft_err *err)
{
    const char *base = context->url->base;
    if (is_about_the_key(status, text) && context->has_key)
        sft_fail(err, SFT_EIO, "%s: status %u, the key is refused: %s", base, status, text);
    else if (is_about_the_key(status, text))
        sft_fail(err, SFT_EIO,
                 "%s: status %u, a key is wanted (api_key_env names the environment variable that holds it): %s", base,
                 status, text);
    else if (status == 404 || status == 405)
        sft_fail(err, SFT_EIO, "%s: status %u: %s (is the model's name right, and the url?)", base, status, text);
    else
        sft_fail(err, SFT_EIO, "%s: status %u: %s", base, status, text);
}

/* Whether another dialect may do. */
static bool may_do_otherwise(const struct attempt_end *end, const struct verdict_context *context, unsigned status,
                             struct dialect *dialect)
{
    const bool may_guess = context->may_guess && (status == 400 || status == 422);
    return (status == 400 || status == 404 || status == 422 || status == 501) &&
           dialect_change(dialect, context->request, end->body, end->len, may_guess);
}

static bool is_web_page(const char *body, size_t len)
{
    static const char *const begins[] = {"<!doctype html", "<html"};
    const size_t blank = strspn(body, " \t\r\n");
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (blank < len && strncasecmp(body + blank, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

static struct attempt_verdict error_answer(const struct attempt_end *end, const struct verdict_context *context,
                                           unsigned status, const struct endpoint_error *error, struct dialect *dialect,
                                           struct sft_err *err)
{
    if (is_web_page(end->body, end->len) && is_hopeless(status))
        sft_fail(err, SFT_EIO, "%s: status %u and a web page, no API: is url right? (it ends in /v1 mostly)",
                 context->url->base, status);
    else
        tell_error(context, status, error->text.data, err);
    if (error->is_final || is_about_the_key(status, error->text.data))
        return is(HOPELESS);
    if (may_do_otherwise(end, context, status, dialect))
        return is(ASK_OTHERWISE);
    if (is_passing(status))
        return (struct attempt_verdict){.verdict = ASK_AGAIN,
                                        .holds_all = status == 429 || (status == 503 && end->says_when)};
    return is(is_hopeless(status) && !is_about_the_prompt(status, error->text.data) ? HOPELESS : REFUSED);
}

static struct attempt_verdict redirected(const struct attempt_end *end, const struct verdict_context *context,
                                         struct sft_err *err)
{
    if (end->redirect)
        sft_fail(err, SFT_EIO, "%s: status %ld, redirects to %.*s, which is not followed: give that as url",
                 context->url->base, end->status, (int)strcspn(end->redirect, "?#"), end->redirect);
    else
        sft_fail(err, SFT_EIO, "%s: status %ld, which is no answer", context->url->base, end->status);
    return is(HOPELESS);
}

/* A proxy's may pass; where three come before any answer, it is the site that is asked and not its API. */
static struct attempt_verdict web_page(const struct verdict_context *context, struct sft_err *err)
{
    const bool is_hopeless = !context->has_answered && context->n_failed > 1;
    sft_fail(err, SFT_EIO, "%s: that is a web page, no API: is url right? (it ends in /v1 mostly)", context->url->base);
    return (struct attempt_verdict){.verdict = is_hopeless ? HOPELESS : ASK_AGAIN, .is_lost = true};
}

/* A status that means well. */
static struct attempt_verdict answer(const struct attempt_end *end, const struct verdict_context *context,
                                     const struct endpoint_error *error, struct dialect *dialect,
                                     struct completion *completion, struct sft_err *err)
{
    if (!completion_read(completion, end->body, end->len, err))
        return is(ANSWERED);
    const bool is_withheld = completion->is_withheld;
    completion_free(completion);
    if (error->is_there && (error->status || error->is_final))
        return error_answer(end, context, error->status ? error->status : (unsigned)end->status, error, dialect, err);
    if (is_web_page(end->body, end->len))
        return web_page(context, err);
    sft_context(err, "%s: an answer that is none", context->url->base);
    return (struct attempt_verdict){.verdict = is_withheld ? REFUSED : ASK_AGAIN, .is_lost = true};
}

struct attempt_verdict verdict_of(const struct attempt_end *end, const struct verdict_context *context,
                                  struct dialect *dialect, struct completion *completion, struct sft_err *err)
{
    struct endpoint_error error;
    struct attempt_verdict v;
    if (end->result != CURLE_OK)
        return no_answer(end, context, err);
    endpoint_error_read(&error, end->body, end->len);
    if (end->status >= 300 && end->status <= 399)
        v = redirected(end, context, err);
    else if (end->status >= 200 && end->status <= 299)
        v = answer(end, context, &error, dialect, completion, err);
    else
        v = error_answer(end, context, (unsigned)end->status, &error, dialect, err);
    endpoint_error_free(&error);
    return v;
}
