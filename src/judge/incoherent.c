#include "judge/incoherent.h"

#include <string.h>

static bool is_blank(const char *answer, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!strchr(" \t\r\n\v\f", answer[i]) || !answer[i])
            return false;
    return true;
}

bool incoherent(const char *answer, size_t len)
{
    return is_blank(answer, len);
}
