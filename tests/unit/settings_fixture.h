/* Settings that a test reads, and the last error. */
#ifndef SFT_TESTS_SETTINGS_FIXTURE_H
#define SFT_TESTS_SETTINGS_FIXTURE_H

#include "config/settings.h"

#include "support/err_text.h"

#include <check.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define TEXT(s)  s, sizeof(s) - 1

static struct settings settings;
static struct sft_err err;

static void setup(void)
{
    settings_init(&settings);
    err = (struct sft_err){0};
}

static void teardown(void)
{
    settings_free(&settings);
}

static void read_text(const char *text)
{
    const enum sft_status status = settings_read_text(&settings, text, strlen(text), "config.ini", NULL, &err);
    ck_assert_msg(status == SFT_OK, "%s", err_text(&err));
}

#endif
