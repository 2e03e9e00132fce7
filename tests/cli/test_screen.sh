# What a training run shows: on a terminal, elsewhere, when it is stopped, and at its end.

escape=$(printf '\033')

# on_terminal TERM COMMAND: what the command writes on a terminal, in the file `raw`; false (and said so) where none can be made.
on_terminal() {
    has_terminals || return 1
    env -u NO_COLOR TERM="$1" script -qec "$2" /dev/null >raw || die "$(cat raw)"
}

test_a_live_line_on_a_terminal() {
    write_config
    sed -i "s,^train = .*,train = $DATA/chat.jsonl\neval = $DATA/eval.jsonl," config.ini
    on_terminal xterm "$SFT train config.ini" || return 0
    has raw "$escape[J"
    grep -q '\[#*-*\] .*step [1-6] of 6' raw || die "$(cat raw)"
    has raw 'evaluating: 0 of 3 conversations'
    # nothing of it is left: what comes after it is cleared or overwritten, and lines stand alone
    tr '\r' '\n' <raw | sed "s/$escape\[J//g" >lines
    is "$(grep -c '^step [1-6]/6  loss .*  lr .* tok/s$' lines)" 6
    rm -r run
    on_terminal dumb "$SFT train config.ini"
    has raw 'step 6/6'
    has_not raw "$escape"
    has_not raw 'step 6 of 6'
}

test_no_escape_code_in_a_file() {
    write_config
    TERM=xterm expect 0 "$SFT" train config.ini --set "data.eval=$DATA/eval.jsonl"
    has_not stderr "$escape"
    has_not stderr "$(printf '\r')"
    is "$(grep -v '^warning: ' stderr | awk 'length > 80' | grep -v "$DATA")" ''
}

# A run whose first step takes minutes: copies are computed one by one.
start_long_step() {
    write_config
    "$SFT" train config.ini --set data.shared_prefix=off --set "data.train=$DATA/chat.jsonl*20000" --set "data.eval=$DATA/eval.jsonl" \
        --set train.batch_size=240000 2>log &
    pid=$!
    wait_until grep -q '^eval at step 0' log
    sleep 1 # for the step to begin
}

test_the_first_signal_says_what_will_happen_and_a_second_one_ends_it() {
    start_long_step
    kill -INT $pid
    wait_until grep -q '^stopping after this step, then saving; Ctrl-C again stops without saving$' log
    sleep 1
    kill -INT $pid
    finish 130
    is "$(tail -n 1 log)" 'stopped without saving'
    is "$(ls run)" metrics.jsonl
}

test_a_signal_before_the_first_step_has_nothing_to_save() {
    write_config
    "$SFT" train config.ini --set data.shared_prefix=off --set "data.eval=$DATA/eval.jsonl*1000000" 2>log & # an evaluation that takes minutes
    pid=$!
    wait_until grep -q '^output ' log
    sleep 1
    kill -INT $pid
    finish 130
    is "$(sed '1,/^output /d; /^warning: /d' log)" 'stopping before the first step; Ctrl-C again stops at once
stopped before the first step; nothing is saved'
    expect 0 "$SFT" train config.ini
}

# As timeout does: to its command, then to the command's group.
test_a_signal_sent_twice_at_once_is_one() {
    write_config
    "$SFT" train config.ini --set train.max_steps=1000000 --set train.save_steps=1000000 2>log &
    pid=$!
    wait_until grep -q '^step *2/' log
    kill -TERM $pid
    kill -TERM $pid
    finish 130
    step=$(sed -n 's/^stopped at step \([0-9]*\) of 1000000; to continue, run the same command again$/\1/p' log)
    is "$(readlink run/last)" "checkpoint-$step"
    is "$(grep -c '^stopping after this step, then saving; a second signal stops without saving$' log)" 1
}

test_an_interrupted_fresh_run_says_how_to_continue() {
    write_config
    expect 0 "$SFT" train config.ini
    "$SFT" train config.ini --fresh --set train.max_steps=1000000 --set train.save_steps=1000000 2>log &
    pid=$!
    wait_until grep -q '^step *2/' log
    kill -INT $pid
    finish 130
    grep -q '; to continue, run the same command with --set train.output_dir=run-2 instead of --fresh$' log || die "$(tail -n 1 log)"
}

# ends_with TEXT: the last lines of stderr, but for how long it took.
ends_with() {
    sed '/^done/,$!d; s/in [0-9hms]*$/in TIME/' stderr >found
    printf '%s\n' "$@" | diff - found || die 'the end of stderr'
}

test_a_run_ends_with_where_its_model_is() {
    write_config
    expect 0 "$SFT" train config.ini
    ends_with 'done   6 steps in TIME' 'model  run/last' "next   $SFT chat run"
    expect 0 "$SFT" train config.ini --set train.max_steps=7
    ends_with 'done   7 steps, 1 of them now, in TIME' 'model  run/last' "next   $SFT chat run"
    set -- --set "train.output_dir=it's mine" --set "data.eval=$DATA/eval.jsonl"
    expect 0 "$SFT" train config.ini "$@" --set train.max_steps=1
    loss=$(grep '"eval_loss"' "it's mine/metrics.jsonl" | tail -n 1 | field eval_loss)
    ends_with 'done   1 step in TIME' "best   step 1, eval loss $(printf %.4f "$loss")" "model  it's mine/best" \
        "next   $SFT chat 'it'\\''s mine'"
    printf 'It rained all day.\n' >story.txt
    expect 0 "$SFT" train config.ini --set data.train=story.txt --set train.output_dir=story --set train.max_steps=2
    ends_with 'done   2 steps in TIME' 'model  story/last' "next   $SFT generate --raw story"
}

test_a_loss_that_diverges_is_told() {
    write_config
    set -- --set train.max_steps=40 --set train.lr_scheduler_type=constant --set train.save_steps=1000 \
        --set train.logging_steps=7 --set "data.eval=$DATA/eval.jsonl"
    expect 0 "$SFT" train config.ini "$@"
    is "$(grep -c 'diverge' stderr)" 0
    expect 0 "$SFT" train config.ini "$@" --set train.learning_rate=2 --set train.output_dir=astray
    is "$(grep -c '^warning: step [0-9]*: the loss is .* over the last steps and was .* at the start: training diverges (start again with --fresh and a learning_rate below 2)$' stderr)" 1
    is "$(grep -c '^warning: the loss ended at .*: training diverged' stderr)" 1
    expect 0 "$SFT" train config.ini "$@" --set train.learning_rate=2 --set train.output_dir=each --set train.logging_steps=1
    is "$(grep -B 1 '^warning: step ' stderr | sed 's/^warning: //; s,^step *\([0-9]*\).*,\1,' | uniq | wc -l)" 1 # below its step
    # a process that goes on with it knows how it began
    expect 0 "$SFT" train config.ini "$@" --set train.learning_rate=2 --set train.output_dir=astray --set train.max_steps=41
    is "$(grep -c '^warning: the loss ended at .*: training diverged' stderr)" 1
}

# What a kill between the last save and the end left behind.
test_a_finished_run_clears_up() {
    write_config
    expect 0 "$SFT" train config.ini --set train.save_steps=1 --set train.save_total_limit=0
    mkdir run/checkpoint-9.tmp
    echo half >run/checkpoint-9.tmp/model.safetensors
    expect 0 "$SFT" train config.ini --set train.save_total_limit=2
    is "$(ls run | tr '\n' ' ')" 'checkpoint-5 checkpoint-6 last metrics.jsonl '
    is "$(wc -l <stderr | tr -d ' ')" 2
}
