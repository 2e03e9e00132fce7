#include "collect/synth/run_state.h"

void run_end(struct run *run, enum run_end end)
{
    if (run->end == RUN_GOES_ON)
        run->end = end;
}

void run_fail(struct run *run, const struct sft_err *err)
{
    if (run->end != RUN_FAILED)
        run->err = *err;
    run->end = RUN_FAILED;
}
