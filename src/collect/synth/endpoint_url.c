#include "collect/synth/endpoint_url.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static enum sft_status refuse(struct sft_err *err, const char *what)
{
    return sft_fail_in(err, SFT_EUSAGE, "url", "%s", what);
}

static enum sft_status check_characters(const char *text, struct sft_err *err)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("\\\"<>", *p))
            return refuse(err, "a blank, a quote or a control character is in it, which no address has");
    return strchr(text, '#') ? refuse(err, "it has a fragment (#...), which is never sent: leave it out") : SFT_OK;
}

/* Past "http://" or "https://"; NULL where it begins with neither. */
static const char *skip_scheme(const char *text, bool *is_tls)
{
    static const char plain[] = "http://", tls[] = "https://";
    *is_tls = strncasecmp(text, tls, sizeof tls - 1) == 0;
    if (*is_tls)
        return text + sizeof tls - 1;
    return strncasecmp(text, plain, sizeof plain - 1) == 0 ? text + sizeof plain - 1 : NULL;
}

/* The host of authority[0..len): before the port, without brackets. */
static char *copy_host(const char *authority, size_t len)
{
    const char *bracket = len && *authority == '[' ? memchr(authority, ']', len) : NULL;
    if (bracket)
        return mem_strndup(authority + 1, (size_t)(bracket - authority - 1));
    const char *colon = memchr(authority, ':', len);
    return mem_strndup(authority, colon ? (size_t)(colon - authority) : len);
}

/* The port that the authority ends in, or fallback; 0: what stands there is none. */
static unsigned read_port(const char *authority, size_t len, unsigned fallback)
{
    const char *end = authority + len, *p = end;
    unsigned port = 0;
    while (p > authority && p[-1] != ':' && p[-1] != ']')
        p--;
    if (p == authority || p[-1] == ']' || p == end)
        return fallback;
    for (; p < end && *p >= '0' && *p <= '9' && port < 65536; p++)
        port = 10 * port + (unsigned)(*p - '0');
    return p == end && port < 65536 ? port : 0;
}

static bool is_ipv4(const char *host)
{
    return host[strspn(host, "0123456789.")] == '\0';
}

static bool is_local(const char *host)
{
    static const char name[] = "localhost";
    const size_t len = strlen(host), tail = sizeof name - 1;
    const bool ends = len >= tail && strcasecmp(host + len - tail, name) == 0;
    return (ends && (len == tail || host[len - tail - 1] == '.')) || strcmp(host, "::1") == 0 ||
           (strncmp(host, "127.", 4) == 0 && is_ipv4(host));
}

/* The path path[0..len), which may be empty, and what follows it ("?..."). */
static void set_addresses(struct endpoint_url *url, const char *text, const char *path, size_t len)
{
    static const char end[] = "/chat/completions";
    const size_t end_len = sizeof end - 1;
    const int before = (int)(path - text);
    const char *query = path + len;
    while (len > 0 && path[len - 1] == '/')
        len--;
    const bool is_whole = len >= end_len && memcmp(path + len - end_len, end, end_len) == 0;
    if (is_whole)
        len -= end_len;
    const char *version = len == 0 && !is_whole ? "/v1" : "";
    url->base = mem_printf("%.*s%.*s%s", before, text, (int)len, path, version);
    url->requests = mem_printf("%s%s%s", url->base, end, query);
}

enum sft_status endpoint_url_read(struct endpoint_url *url, const char *text, struct sft_err *err)
{
    enum { URL_MAX = 2000 };
    *url = (struct endpoint_url){0};
    if (strlen(text) > URL_MAX)
        return refuse(err, "it has more than 2000 characters");
    if (check_characters(text, err))
        return err ? err->status : SFT_EUSAGE;
    const char *authority = skip_scheme(text, &url->is_tls);
    if (!authority)
        return sft_fail_in(err, SFT_EUSAGE, "url",
                           "'%.200s' begins with neither http:// nor https:// "
                           "(http://127.0.0.1:8080/v1)",
                           text);
    const size_t len = strcspn(authority, "/?");
    if (memchr(authority, '@', len))
        return refuse(err, "a name or a password is in it; a key's place is an environment variable, which api_key_env "
                           "names");
    url->host = copy_host(authority, len);
    if (!*url->host)
        return sft_fail_in(err, SFT_EUSAGE, "url", "'%.200s' names no host", text);
    url->port = read_port(authority, len, url->is_tls ? 443 : 80);
    if (!url->port)
        return sft_fail_in(err, SFT_EUSAGE, "url", "'%.200s' has a port that is none (1 to 65535)", text);
    url->is_local = is_local(url->host);
    set_addresses(url, text, authority + len, strcspn(authority + len, "?"));
    return SFT_OK;
}

void endpoint_url_free(struct endpoint_url *url)
{
    free(url->requests);
    free(url->base);
    free(url->host);
    *url = (struct endpoint_url){0};
}
