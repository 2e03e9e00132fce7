#include "train/intervals.h"

static bool at_epoch_end(const struct intervals *i, const struct train_state *state)
{
    return state->step % i->steps_per_epoch == 0;
}

static bool has_patience(const struct intervals *i, const struct train_state *state)
{
    return i->early_stopping_patience == 0 || state->evals_without_improvement < i->early_stopping_patience;
}

bool intervals_stop_early(const struct intervals *i, const struct train_state *state)
{
    return state->step < i->total_steps && !has_patience(i, state);
}

bool intervals_at_end(const struct intervals *i, const struct train_state *state)
{
    return state->step >= i->total_steps || !has_patience(i, state);
}

double intervals_epoch(const struct intervals *i, const struct train_state *state)
{
    return (double)state->step / (double)i->steps_per_epoch;
}

bool intervals_log_due(const struct intervals *i, const struct train_state *state)
{
    return state->step % i->logging_steps == 0 || intervals_at_end(i, state);
}

bool intervals_eval_due(const struct intervals *i, const struct train_state *state)
{
    if (!i->has_eval || state->last_eval_step == (int64_t)state->step)
        return false;
    if (state->step == 0 || intervals_at_end(i, state))
        return true;
    return i->eval_steps ? state->step % i->eval_steps == 0 : at_epoch_end(i, state);
}

bool intervals_save_due(const struct intervals *i, const struct train_state *state, double since_save)
{
    if (intervals_at_end(i, state))
        return true;
    if (i->save_steps)
        return state->step % i->save_steps == 0;
    return at_epoch_end(i, state) || (i->save_interval_s > 0 && since_save >= (double)i->save_interval_s);
}

bool intervals_is_done(const struct intervals *i, const struct train_state *state)
{
    return !has_patience(i, state) || (state->step >= i->total_steps && !intervals_eval_due(i, state));
}
