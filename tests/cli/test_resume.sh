# A run that is cut short and goes on is the run that was never cut, to the last bit.

# A run long enough to be interrupted: two epochs and a half of ten shuffled steps each.
write_long_config() {
    write_config 64
    cat >>config.ini <<END
max_steps = 25
logging_steps = 2
END
    sed -i "s,^train = .*,train = $DATA/chat.jsonl*40\neval = $DATA/eval.jsonl,; s/^batch_size = .*/batch_size = 48/" config.ini
}

last_of() {
    readlink run/last || :
}

last_is_not() {
    [ "$(last_of)" != "$1" ] || ! kill -0 "$pid"
}

# killed_and_resumed OPTION...: killed again and again, at any moment after it has brought something: mostly inside a step or a save.
killed_and_resumed() {
    expect 0 "$SFT" train config.ini "$@" --set train.output_dir=straight
    kills=0
    while :; do
        before=$(last_of)
        rm -f log # the shell may be slower to empty it than we are to read it
        "$SFT" train config.ini "$@" 2>log &
        pid=$!
        if [ $kills -ge 8 ]; then
            finish 0
            break
        fi
        wait_until last_is_not "$before"
        sleep 0.0"$(od -An -tu1 -N 1 /dev/urandom | tr -d ' ')"
        kill -9 $pid 2>/dev/null || :
        wait $pid && break
        kills=$((kills + 1))
    done
    [ $kills -gt 0 ] || die 'it was over before it could be killed'
    is "$(ls run | grep tmp)" ''
    same_run straight run
}

test_kill_9_with_a_checkpoint_a_step() {
    write_long_config
    killed_and_resumed --set train.save_steps=1
}

test_kill_9_with_a_checkpoint_every_three_steps() {
    write_long_config
    killed_and_resumed --set train.save_steps=3
}

test_kill_9_with_evaluations() {
    write_long_config
    killed_and_resumed --set train.save_steps=2 --set train.eval_steps=1 --set train.learning_rate=1e-2
}

# stopped_by SIGNAL: after a few steps, also where these tests are run under nohup.
stopped_by() {
    rm -f log # the shell may be slower to empty it than we are to read it
    env --default-signal=HUP "$SFT" train config.ini 2>log &
    pid=$!
    wait_until grep -q '^step ' log
    kill -"$1" $pid
    finish 130
    tail -n 1 log | grep -q '^stopped at step [0-9]* of 25; to continue, run the same command again$' || die "$(cat log)"
    step=$(tail -n 1 log | sed 's/stopped at step \([0-9]*\) .*/\1/')
    is "$(readlink run/last)" "checkpoint-$step"
}

test_signals_save_and_stop() {
    write_long_config
    expect 0 "$SFT" train config.ini --set train.output_dir=straight
    stopped_by INT
    stopped_by TERM
    stopped_by HUP
    expect 0 "$SFT" train config.ini
    same_run straight run
}

# The run in the background has told of a step, or is over: nothing but an evaluation may have been left.
stepped_or_over() {
    grep -q '^step' log || ! kill -0 "$pid"
}

# An evaluation that a signal cuts short is run when the run goes on.
test_signals_during_evaluation() {
    write_long_config
    set -- --set "data.eval=$DATA/eval.jsonl*600" --set train.eval_steps=2 --set train.max_steps=8
    expect 0 "$SFT" train config.ini "$@" --set train.output_dir=straight
    for stop in 1 2 3 4; do
        rm -f log # the shell may be slower to empty it than we are to read it
        "$SFT" train config.ini "$@" 2>log &
        pid=$!
        wait_until stepped_or_over
        sleep 0.0"$(od -An -tu1 -N 1 /dev/urandom | tr -d ' ')"
        kill -INT $pid 2>/dev/null || :
        code=0
        wait $pid || code=$?
        [ $code -eq 130 ] || [ $code -eq 0 ] || die "exit code $code: $(cat log)"
    done
    expect 0 "$SFT" train config.ini "$@"
    same_run straight run
}

test_nohup_is_heeded() {
    write_long_config
    (
        trap '' HUP
        exec "$SFT" train config.ini
    ) 2>log &
    pid=$!
    wait_until grep -q '^step *2/' log
    kill -HUP $pid 2>/dev/null || :
    finish 0
    has log 'step 25/25'
}

test_raised_max_steps_is_the_longer_run() {
    write_config
    set -- --set train.lr_scheduler_type=constant
    expect 0 "$SFT" train config.ini "$@" --set train.max_steps=9 --set train.output_dir=straight
    expect 0 "$SFT" train config.ini "$@" --set train.max_steps=4
    expect 0 "$SFT" train config.ini "$@" --set train.max_steps=9
    same_run straight run
}
