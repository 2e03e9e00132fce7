#include "cmd/synth_report.h"

#include "base/log.h"
#include "cmd/cmd.h"
#include "collect/synth/variety_read.h"

#include <stdio.h>
#include <unistd.h>

int synth_report(const char *file, bool as_json)
{
    struct variety v = {0};
    struct sft_err err = {0};
    struct strbuf out = {0};
    const enum sft_status status = variety_read(&v, file, stop_on_signals(), &err);
    int code = 0;
    if (status) {
        code = report_error(&err);
    } else {
        if (as_json)
            variety_json(&v, &out);
        else
            variety_text(&v, log_columns(STDOUT_FILENO), &out);
        fputs(out.data, stdout);
        code = finish_output();
    }
    strbuf_free(&out);
    variety_free(&v);
    return code;
}
