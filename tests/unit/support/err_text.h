/* An error as it is told, for assertions: valid until the next call. */
#ifndef SFT_TESTS_ERR_TEXT_H
#define SFT_TESTS_ERR_TEXT_H

#include "base/err.h"

static inline const char *err_text(const struct sft_err *err)
{
    static char text[SFT_ERR_MAX];
    return sft_err_text(err, text, sizeof text);
}

#endif
