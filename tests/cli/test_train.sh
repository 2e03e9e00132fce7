# sft train: what it prints and writes, when it goes on and when it refuses to.

test_prints_the_plan_then_a_line_a_step() {
    write_config
    cp "$DATA/chat.jsonl" . # its path has a part in where the report folds its lines
    expect 0 "$SFT" train config.ini --set data.train=chat.jsonl
    [ ! -s stdout ] || die 'progress belongs on stderr'
    has stderr 'model  base/config.json: 2 layers, 2 heads, 32 wide, vocabulary 404'
    has stderr '3 control tokens added: <|im_start|>, <|im_sep|>, <|im_end|>'
    has stderr '3 new embedding rows start at the mean of the others'
    has stderr 'format template im_sep, training on assistant messages'
    has stderr 'train  chat.jsonl (messages): 12 conversations'
    has stderr 'the limit is 128 tokens'
    has stderr 'plan   6 steps of 4 conversations (3 an epoch)'
    has stderr 'memory about '
    has stderr ', precision fp32'
    is "$(grep -c '^step [1-6]/6  loss .* tok/s' stderr)" 6
    is "$(grep -c '^step [3-6]/6  loss .* tok/s  .* left$' stderr)" 4
    is "$(grep -c ' left$' stderr)" 4 # the first two steps say little about the others
    is "$(grep -c '^saved run/checkpoint-' stderr)" 2
}

test_metrics_have_the_promised_fields() {
    write_config
    expect 0 "$SFT" train config.ini --set "data.eval=$DATA/eval.jsonl"
    is "$(grep -v eval_loss run/metrics.jsonl | sed 's/:[^,}]*//g' | sort -u)" \
        '{"step","epoch","loss","learning_rate","grad_norm","num_tokens","num_target_tokens","mean_token_accuracy","tokens_per_second","peak_rss_bytes"}'
    is "$(grep eval_loss run/metrics.jsonl | sed 's/:[^,}]*//g' | sort -u)" \
        '{"step","epoch","eval_loss","eval_mean_token_accuracy"}'
    is "$(field step <run/metrics.jsonl | tr '\n' ' ')" '0 1 2 3 3 4 5 6 6 ' # evaluated at 0, 3 and 6
    is "$(grep -v eval_loss run/metrics.jsonl | field learning_rate | tr '\n' ' ')" \
        '0.001 0.000833333333 0.000666666667 0.0005 0.000333333333 0.000166666667 '
    first=$(grep '"step":3,' run/metrics.jsonl | field num_tokens) last=$(grep '"step":6,' run/metrics.jsonl | field num_tokens)
    is "$last" $((2 * first)) # an epoch's tokens, twice
}

test_checkpoint_holds_a_hugging_face_directory_and_the_training_state() {
    write_config
    expect 0 "$SFT" train config.ini --set "data.eval=$DATA/eval.jsonl"
    is "$(ls run | tr '\n' ' ')" 'best checkpoint-3 checkpoint-6 last metrics.jsonl '
    is "$(ls run/last/ | tr '\n' ' ')" \
        'config.json generation_config.json merges.txt model.safetensors special_tokens_map.json tokenizer.json tokenizer_config.json trainer vocab.json '
    is "$(ls run/last/trainer | tr '\n' ' ')" 'checksums.xxh64 optimizer.safetensors state.json '
    is "$(readlink run/last)" checkpoint-6
    is "$(readlink run/best)" checkpoint-6
    for dir in run/checkpoint-3 run/checkpoint-6; do
        expect 0 "$SFT" info $dir
    done
}

test_no_best_without_evaluation() {
    write_config
    expect 0 "$SFT" train config.ini
    is "$(ls run | tr '\n' ' ')" 'checkpoint-3 checkpoint-6 last metrics.jsonl '
}

test_save_total_limit_keeps_the_newest() {
    write_config
    expect 0 "$SFT" train config.ini --set train.save_steps=1 --set train.save_total_limit=3
    is "$(ls run | tr '\n' ' ')" 'checkpoint-4 checkpoint-5 checkpoint-6 last metrics.jsonl '
}

test_a_finished_run_says_so() {
    write_config
    expect 0 "$SFT" train config.ini
    cp run/metrics.jsonl before
    expect 0 "$SFT" train config.ini
    diff - stderr <<'END'
this run is finished (step 6 of 6); its model is run/last
to train further, raise num_train_epochs or max_steps; --fresh starts anew
END
    same run/metrics.jsonl before
}

test_more_epochs_go_on_and_fewer_do_not() {
    write_config
    expect 0 "$SFT" train config.ini
    expect 0 "$SFT" train config.ini --set train.num_train_epochs=3
    has stderr 'step 7/9 '
    is "$(field step <run/metrics.jsonl | tr '\n' ' ')" '1 2 3 4 5 6 7 8 9 '
    expect 0 "$SFT" train config.ini --set train.max_steps=10
    has stderr 'step 10/10 '
    expect_error_about 2 'cannot continue run/checkpoint-10: [train] num_train_epochs and max_steps make 6 steps' \
        "$SFT" train config.ini
}

test_a_changed_setting_is_refused_by_name() {
    write_config
    expect 0 "$SFT" train config.ini
    expect_error 2 'cannot continue run/checkpoint-6: [train] seed = 43, but this run was started with 42 (use the old value, another output_dir, or --fresh)' \
        "$SFT" train config.ini --set train.seed=43
    expect_error_about 2 'cannot continue run/checkpoint-6: [data] train_on = all' \
        "$SFT" train config.ini --set data.train_on=all
    expect 0 "$SFT" train config.ini --set train.logging_steps=5 --set train.save_steps=7 --set train.save_total_limit=1
}

test_paths_may_change_but_not_what_they_hold() {
    write_config
    cp "$DATA/chat.jsonl" mine.jsonl
    expect 0 "$SFT" train config.ini --set data.train=mine.jsonl
    mv mine.jsonl moved.jsonl
    mv base elsewhere
    expect 0 "$SFT" train config.ini --set data.train=moved.jsonl --set model.base=elsewhere/config.json
    has stderr 'this run is finished'
    echo '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}' >>moved.jsonl
    expect_error_about 2 'cannot continue run/checkpoint-6: [data] train: the content of moved.jsonl is not ' \
        "$SFT" train config.ini --set data.train=moved.jsonl --set model.base=elsewhere/config.json
    sed -i 's/"n_positions": 128/"n_positions": 120/' elsewhere/config.json
    mv run elsewhere/run # everything is relative to the config file
    mv config.ini elsewhere/config.ini
    expect_error_about 2 'cannot continue elsewhere/run/checkpoint-6: [model] base: the content of elsewhere/config.json is not ' \
        "$SFT" train elsewhere/config.ini --set "model.base=elsewhere/config.json" --set train.output_dir=elsewhere/run
}

test_fresh_writes_beside() {
    write_config
    expect 0 "$SFT" train config.ini
    expect 0 "$SFT" train config.ini --fresh
    expect 0 "$SFT" train config.ini --fresh
    is "$(ls -d run*)" 'run
run-2
run-3'
    same_run run run-2
    same_run run run-3
}

test_dry_run_touches_nothing() {
    write_config
    expect 0 "$SFT" train config.ini --dry-run
    has stdout 'plan   6 steps of 4 conversations (3 an epoch)'
    has stdout 'activations, for micro-batches of up to '
    [ ! -s stderr ] || die 'the plan is a result'
    [ ! -e run ] || die 'it made run'
    expect 0 "$SFT" train config.ini
    ls -lR --time-style=full-iso run >before
    expect 0 "$SFT" train config.ini --dry-run --set train.num_train_epochs=9
    ls -lR --time-style=full-iso run >after
    same before after
}

# Memory is planned for the longest micro-batch, which may be one of an evaluation.
test_the_plan_counts_evaluation() {
    write_config
    sed 's/"content": *"\([^"]*\)"/"content":"\1 \1"/g' "$DATA/chat.jsonl" >longer.jsonl
    expect 0 "$SFT" train config.ini --dry-run --set train.micro_batch_tokens=1 --set data.eval=longer.jsonl
    set -- $(sed -n 's/.*(longest: \([0-9]*\))/\1/p' stdout)
    holds "$1 < $2 && $2 < 128"
    has stdout "activations, for micro-batches of up to $(($2 - 1)) positions:" # the last token is only a label
}

test_printed_configuration_is_read_back() {
    write_config
    expect 0 "$SFT" train config.ini --print-config --set train.seed=7 --set 'data.train="a b.jsonl"*2 c.jsonl'
    mv stdout printed.ini
    expect 0 "$SFT" train printed.ini --print-config
    same stdout printed.ini
    has printed.ini 'train = "a b.jsonl*2" c.jsonl'
    has printed.ini 'seed = 7'
    [ ! -e run ] || die 'it made run'
}

test_keys_and_help_are_results() {
    expect 0 "$SFT" train --keys
    has stdout 'learning_rate = 5e-5'
    [ ! -s stderr ] || die 'something on stderr'
    for command in train inspect generate chat eval export info tokenizer; do
        expect 0 "$SFT" $command --help
        has stdout "usage: sft $command"
    done
    expect 0 "$SFT" --help
    has stdout 'usage: sft COMMAND'
    expect 0 "$SFT" --version
}

test_paths_are_relative_to_the_config_file() {
    mkdir sub
    cd sub
    write_config
    cp "$DATA/chat.jsonl" .
    sed -i 's/^train = .*/train = chat.jsonl/' config.ini
    cd ..
    expect 0 "$SFT" train sub/config.ini
    [ -d sub/run/last ] || die 'no sub/run/last'
}

test_learns_one_batch_by_heart() {
    model=$(trained_model)
    loss=$(tail -n 1 "$model/../metrics.jsonl" | field loss)
    holds "$loss < 0.05"
    expect 0 "$SFT" eval --model "$model" "$DATA/chat.jsonl" --json
    holds "$(field loss <stdout) < 0.05"
}

# How a step is cut into micro-batches changes nothing but rounding.
test_micro_batches_agree() {
    write_config
    set -- --set train.batch_size=12 --set train.max_steps=5
    expect 0 "$SFT" train config.ini "$@" --set train.output_dir=whole
    expect 0 "$SFT" train config.ini "$@" --set train.output_dir=cut --set train.micro_batch_tokens=1
    for key in loss grad_norm; do
        field $key <whole/metrics.jsonl >a
        field $key <cut/metrics.jsonl >b
        paste a b | awk '{ d = ($1 - $2) / $1; if (d > 1e-5 || d < -1e-5) exit 1 }' || die "$key: $(paste a b)"
    done
}

test_same_bits_for_any_number_of_threads() {
    write_config 96
    for threads in 1 2 4; do
        OMP_NUM_THREADS=$threads expect 0 "$SFT" train config.ini --set train.output_dir=run$threads --set train.batch_size=12 \
            --set train.max_steps=6 --set "data.train=$DATA/chat.jsonl*2" --set "data.eval=$DATA/eval.jsonl"
    done
    same_run run1 run2
    same_run run1 run4
}

# Equal rows fall on the same side of the split, and the split says how many rows it took.
test_eval_fraction() {
    write_config
    cp "$DATA/chat.jsonl" .
    expect 0 "$SFT" train config.ini --set data.train=chat.jsonl --set data.eval_fraction=0.4
    kept=$(sed -n 's/.*: \([0-9]*\) conversations,.*/\1/p' stderr) moved=$(sed -n 's/^eval   \([0-9]*\) conv.*/\1/p' stderr)
    is "$kept" 12
    holds "$moved > 0 && $moved < 12"
    has run/metrics.jsonl '"step":0,"epoch":0,"eval_loss":'
}

test_early_stopping_and_best() {
    write_config
    set -- --set "data.eval=$DATA/eval.jsonl" --set train.eval_steps=1 --set train.early_stopping_patience=2 \
        --set train.learning_rate=0.1 --set train.num_train_epochs=20 --set train.lr_scheduler_type=constant
    expect 0 "$SFT" train config.ini "$@"
    has stderr 'stops early: 2 evaluations without improvement'
    best=$(readlink run/best) last=$(readlink run/last)
    is $((${last#checkpoint-} - ${best#checkpoint-})) 2
    expect 0 "$SFT" info "run/$best"
    expect 0 "$SFT" train config.ini "$@"
    has stderr 'this run is finished'
}

test_not_finite_keeps_the_last_good_checkpoint() {
    write_config
    set -- --set train.learning_rate=1e30 --set train.max_grad_norm=0 --set data.shuffle=false --set train.warmup_steps=3 \
        --set train.save_steps=1
    expect 3 "$SFT" train config.ini "$@"
    is "$(grep -c '^error: ' stderr)" 1
    has_not stderr '-nan'
    step=$(sed -n 's/^error: step \([0-9]*\): .*/\1/p' stderr)
    first=$(((step - 1) * 4 % 12 + 1))
    has stderr "on the conversations $DATA/chat.jsonl:$first, $DATA/chat.jsonl:$((first + 1)), $DATA/chat.jsonl:$((first + 2)), $DATA/chat.jsonl:$((first + 3)) (nothing of this step is kept; look at these rows, or start again with a lower learning_rate and --fresh)"
    is "$(readlink run/last)" "checkpoint-$((step - 1))"
    expect 0 "$SFT" info run/last
    is "$(field step <run/metrics.jsonl | tail -n 1)" $((step - 1))
    cp run/last/model.safetensors before
    expect 3 "$SFT" train config.ini "$@"
    same run/last/model.safetensors before
}

# A loss may be finite where its gradient is not.
test_a_gradient_that_is_not_finite() {
    write_config
    set -- --set train.learning_rate=2e8 --set data.shuffle=false --set train.save_steps=1
    expect 3 "$SFT" train config.ini "$@"
    grep -qE "^error: step 2: the gradient's norm is (nan|inf) on the conversations $DATA/chat.jsonl:5, $DATA/chat.jsonl:6, .* \(nothing of this step is kept; look at these rows, or start again with a lower learning_rate and --fresh\)\$" stderr ||
        die "$(tail -n 3 stderr)"
    is "$(readlink run/last)" checkpoint-1
    is "$(field step <run/metrics.jsonl)" 1
    expect 0 "$SFT" info run/last
    cp -r run before
    expect 3 "$SFT" train config.ini "$@" # it goes on from there, and comes no further
    diff -r before run || die 'the run has changed'
    expect 0 "$SFT" train config.ini --fresh
    has stderr 'model  run-2/last'
}

test_not_enough_memory_is_told_before_the_first_step() {
    if ! (ulimit -v 3000000 && "$SFT" --version >/dev/null 2>&1); then
        echo 'SKIP: the program does not start in 3 GB of addresses (a sanitizer?)'
        return 0
    fi
    write_config
    sed -i 's/"n_embd": 32/"n_embd": 4096/; s/"n_layer": 2/"n_layer": 24/' base/config.json
    expect 1 sh -c 'ulimit -v 3000000 && exec "$SFT" train config.ini'
    grep -q '^error: the run needs [0-9]* MB more and [0-9]* MB are available (lower \[train\] micro_batch_tokens or \[data\] max_length, or take a smaller model; --dry-run shows the plan)$' stderr ||
        die "$(cat stderr)"
    is "$(ls run)" ''
}

test_documents_leave_the_vocabulary_alone() {
    write_config
    printf '%s\n' 'The cat sat on the mat and looked at the rain.' 'It rained all day.' >story.txt
    printf '{"text":"A document in a row."}\n' >rows.jsonl
    expect 0 "$SFT" train config.ini --set "data.train=story.txt rows.jsonl" --set train.max_steps=2
    has stderr 'vocabulary 401'
    has stderr 'format documents, training on all tokens but the first'
    has_not stderr 'control tokens'
    is "$(tr -d ' ' <run/last/config.json | field vocab_size)" 401
    cmp base/merges.txt run/last/merges.txt
    has_not run/last/tokenizer_config.json im_start
    expect 0 "$SFT" info run/last
    has stdout 'chat template: none'
}

test_weights_that_the_last_update_broke_are_not_saved() {
    write_config
    expect 0 "$SFT" train config.ini --set train.max_steps=2 --set train.save_steps=1
    sed -i 's/^learning_rate = .*/learning_rate = 1e39/' config.ini
    expect 3 "$SFT" train config.ini --set train.max_steps=1 --set train.output_dir=broken
    has stderr 'error: step 1: the weights are not finite after the update'
    [ ! -e broken/last ] || die 'broken weights were saved'
    expect 0 "$SFT" info run/last
}
