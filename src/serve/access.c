#include "serve/access.h"

#include <string.h>
#include <strings.h>

bool access_is_key(const char *given, const char *key)
{
    const size_t n_given = strlen(given), n_key = strlen(key);
    volatile unsigned char differs = n_given != n_key;
    for (size_t i = 0; n_key && i < n_given; i++)
        differs |= (unsigned char)(given[i] ^ key[i % n_key]);
    return n_key && !differs;
}

bool access_has_key(const char *authorization, const char *key)
{
    static const char scheme[] = "Bearer ";
    return authorization && strncasecmp(authorization, scheme, sizeof scheme - 1) == 0 &&
           access_is_key(authorization + sizeof scheme - 1, key);
}

/* The length of the host in HOST:PORT or [HOST]:PORT, and where it begins. */
static size_t host_part(const char **host)
{
    if (**host == '[') {
        ++*host;
        return strcspn(*host, "]");
    }
    return strcspn(*host, ":");
}

static bool is_word(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && strncasecmp(text, word, len) == 0;
}

bool access_host_is_local(const char *host, const char *bound)
{
    const size_t len = host_part(&host);
    const bool is_127 = len > 4 && strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len;
    return is_127 || is_word(host, len, "localhost") || is_word(host, len, "::1") || is_word(host, len, bound);
}

bool access_origin_is_host(const char *origin, const char *host)
{
    const char *behind_scheme = strstr(origin, "://");
    return behind_scheme && host && strcasecmp(behind_scheme + 3, host) == 0;
}
