/* sft synth --report FILE: how varied a file of conversations is (collect/synth/variety_read.h). */
#ifndef SFT_CMD_SYNTH_REPORT_H
#define SFT_CMD_SYNTH_REPORT_H

#include <stdbool.h>

/* Print it on stdout, or what is wrong; returns the exit code. */
int synth_report(const char *file, bool as_json);

#endif
