# Checkpoints that are damaged, half written or in use.

# Checkpoints 4, 5 and 6 of six steps; the run wants two more.
three_checkpoints() {
    write_config
    expect 0 "$SFT" train config.ini --set train.save_steps=1 --set train.save_total_limit=3
}

go_on() {
    expect 0 "$SFT" train config.ini --set train.max_steps=8
}

# damaged COMMAND...: after it, checkpoint-6 is skipped with a warning, and the run goes on from 5.
damaged() {
    three_checkpoints
    "$@"
    go_on
    is "$(grep -c '^warning: ' stderr)" 1
    has stderr "warning: run/checkpoint-6$warning; skipped"
    has stderr 'continues run/checkpoint-5'
    is "$(field step <run/metrics.jsonl | tr '\n' ' ')" '1 2 3 4 5 6 7 8 '
    is "$(readlink run/last)" checkpoint-8
    expect 0 "$SFT" info run/last
}

test_flipped_byte_in_the_weights() {
    warning='/model.safetensors: its checksum is not the one in trainer/checksums.xxh64: the file is damaged or was changed'
    damaged flip_byte run/checkpoint-6/model.safetensors 5000
}

test_flipped_byte_in_the_moments() {
    warning='/trainer/optimizer.safetensors: its checksum is not the one in trainer/checksums.xxh64: the file is damaged or was changed'
    damaged flip_byte run/checkpoint-6/trainer/optimizer.safetensors 5000
}

test_truncated_moments() {
    warning='/trainer/optimizer.safetensors: its checksum is not the one in trainer/checksums.xxh64: the file is damaged or was changed'
    damaged truncate -s 3000 run/checkpoint-6/trainer/optimizer.safetensors
}

# What the run began with is not taken from it either.
test_changed_state() {
    warning='/trainer/state.json: its checksum is not the one in trainer/checksums.xxh64: the file is damaged or was changed'
    damaged sed -i 's/"train.seed": "42"/"train.seed": "43"/' run/checkpoint-6/trainer/state.json
}

test_missing_file() {
    warning='/tokenizer.json: is missing, but trainer/checksums.xxh64 lists it'
    damaged rm run/checkpoint-6/tokenizer.json
}

test_missing_checksums() {
    warning=': trainer/checksums.xxh64 is missing'
    damaged rm run/checkpoint-6/trainer/checksums.xxh64
}

test_all_damaged() {
    three_checkpoints
    for dir in run/checkpoint-*; do
        flip_byte "$dir/model.safetensors" 5000
    done
    ls -lR --time-style=full-iso run >before
    expect 1 "$SFT" train config.ini --set train.max_steps=8
    is "$(grep -c '^warning: ' stderr)" 3
    is "$(tail -n 1 stderr)" 'error: run: none of its 3 checkpoints is whole (start again with --fresh)'
    ls -lR --time-style=full-iso run >after
    same before after
}

test_half_written_checkpoint_is_removed() {
    three_checkpoints
    mkdir run/checkpoint-9.tmp
    echo half >run/checkpoint-9.tmp/model.safetensors
    go_on
    [ ! -e run/checkpoint-9.tmp ] || die 'checkpoint-9.tmp is still there'
}

test_links_that_a_save_did_not_come_to_are_made() {
    three_checkpoints
    ln -sfn checkpoint-4 run/last
    ln -s checkpoint-6 run/last.tmp
    expect 0 "$SFT" train config.ini
    is "$(readlink run/last)" checkpoint-6
    is "$(ls run | grep tmp)" ''
}

test_other_files_in_the_output_directory_stay() {
    three_checkpoints
    mkdir run/checkpoint-best run/mine.tmp
    echo keep | tee run/notes.txt run/checkpoint-best/x >run/mine.tmp/x
    go_on
    is "$(cat run/notes.txt run/checkpoint-best/x run/mine.tmp/x | uniq)" keep
}

test_half_written_metrics_line_is_cut() {
    three_checkpoints
    printf '{"step":7,"epoch":2.33' >>run/metrics.jsonl
    go_on
    is "$(field step <run/metrics.jsonl | tr '\n' ' ')" '1 2 3 4 5 6 7 8 '
}

test_output_directory_held_by_another_run() {
    write_config
    "$SFT" train config.ini --set train.max_steps=1000000 --set train.save_steps=0 --set train.save_interval_s=0 2>log &
    pid=$!
    wait_until grep -q '^step *1/' log
    expect_error 2 '[train] output_dir: run is held by another run (wait for it, or choose another)' "$SFT" train config.ini
    kill -TERM $pid
    finish 130
    expect 0 "$SFT" info run/last
}

# A model that sft made is a base like any other.
test_a_checkpoint_is_a_base() {
    three_checkpoints
    expect 0 "$SFT" train config.ini --set model.base=run/last --set train.output_dir=next
    has_not stderr 'control tokens added'
    expect 0 "$SFT" info next/last
}
