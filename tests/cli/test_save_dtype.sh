# [train] save_dtype = bf16: a checkpoint's own weights are rounded, and training knows nothing of it.

# The header of a file of tensors, which says their dtypes.
dtypes() {
    head -c 2000 "$1" | tr ',{' '\n\n' | sed -n 's/^"dtype":"\(.*\)"/\1/p' | sort -u
}

with_evaluation() {
    write_config
    printf 'eval_steps = 2\nlogging_steps = 1\nsave_steps = 1\n' >>config.ini
    sed -i "s,^train = .*,&\neval = $DATA/eval.jsonl," config.ini
}

# same_training DIR DIR: the weights that are trained, the moments, the metrics and which is best.
same_training() {
    same "$1/last/model.safetensors" "$2/last/trainer/model.safetensors"
    cp "$2/last/model.safetensors" rounded
    cp "$1/last/model.safetensors" "$2/last/model.safetensors"
    same_run "$1" "$2"
    cp rounded "$2/last/model.safetensors"
}

test_the_run_is_the_same_but_for_what_is_saved() {
    with_evaluation
    expect 0 "$SFT" train config.ini --set train.output_dir=plain
    expect 0 "$SFT" train config.ini --set train.save_dtype=bf16
    is "$(dtypes plain/last/model.safetensors) $(dtypes run/last/model.safetensors)" 'F32 BF16'
    [ ! -e plain/last/trainer/model.safetensors ] || die 'a second copy of what is there whole'
    same_training plain run
    has run/last/config.json '"dtype": "bfloat16"'
    has run/last/config.json '"torch_dtype": "bfloat16"'
    is "$(ls run | tr '\n' ' ')" "$(ls plain | tr '\n' ' ')"
    expect 0 "$SFT" info run
    has stdout 'weights    42.5K parameters in BF16'
    expect 0 "$SFT" export run/last --dtype bf16 --out from_rounded
    expect 0 "$SFT" export plain/last --dtype bf16 --out from_whole
    same from_rounded/model.safetensors from_whole/model.safetensors
    [ ! -e from_rounded/trainer ] || die 'an export has no training state'
    same from_rounded/model.safetensors run/last/model.safetensors
    expect 0 "$SFT" eval run "$DATA/eval.jsonl" --json
}

test_killed_and_resumed_it_is_the_run_that_was_not() {
    with_evaluation
    sed -i "s,^train = .*,train = $DATA/chat.jsonl*40,; s/^batch_size = .*/batch_size = 48/" config.ini
    printf 'max_steps = 25\nsave_dtype = bf16\n' >>config.ini
    expect 0 "$SFT" train config.ini --set train.output_dir=straight
    "$SFT" train config.ini 2>log &
    pid=$!
    wait_until test -e run/checkpoint-3
    kill -9 $pid
    ! wait $pid || die 'it was over before it could be killed'
    pid=
    expect 0 "$SFT" train config.ini
    has stderr 'continues run/checkpoint-'
    same straight/last/trainer/model.safetensors run/last/trainer/model.safetensors
    same_run straight run
}

test_it_may_change_in_a_run_that_goes_on() {
    with_evaluation
    echo 'lr_scheduler_type = constant' >>config.ini
    expect 0 "$SFT" train config.ini --set train.output_dir=plain
    expect 0 "$SFT" train config.ini --set train.max_steps=2 --set train.save_dtype=bf16
    has run/last/trainer/state.json '"format": 2,'
    expect 0 "$SFT" train config.ini --set train.max_steps=4
    is "$(dtypes run/last/model.safetensors)" F32
    has run/last/trainer/state.json '"format": 1,'
    expect 0 "$SFT" train config.ini --set train.save_dtype=bf16
    same_training plain run
}

test_damaged_masters_are_a_damaged_checkpoint() {
    with_evaluation
    echo 'save_dtype = bf16' >>config.ini
    expect 0 "$SFT" train config.ini
    rm run/checkpoint-6/trainer/model.safetensors
    expect 0 "$SFT" train config.ini --set train.max_steps=8
    has stderr 'warning: run/checkpoint-6/trainer/model.safetensors: is missing, but trainer/checksums.xxh64 lists it; skipped'
    has stderr 'continues run/checkpoint-5'
}

test_words_for_it() {
    write_config
    expect_error_about 2 'save_dtype: expected f32 or bf16, found '\''bfloat16'\'' (did you mean bf16?)' \
        "$SFT" train config.ini --set train.save_dtype=bfloat16
    expect_error_about 2 'sft export --dtype f16' "$SFT" train config.ini --set train.save_dtype=fp16
}
