# [data] shared_prefix: what conversations begin with in common is computed once, and nothing but that changes.

# A run whose conversations all have one system prompt.
write_shared_config() {
    write_config
    cat >prompt.ini <<'INI'
[data]
system = You answer in as few words as you can, and never in verse.
INI
    sed -i "s/^\[train\]/$(sed 1d prompt.ini)\n[train]/" config.ini
}

# close FILE FILE KEY BOUND: the values of the key are as many, and the same up to a share of themselves.
close() {
    field "$3" <"$1" >a
    field "$3" <"$2" >b
    [ -s a ] || die "no $3 in $1"
    is "$(wc -l <a)" "$(wc -l <b)"
    paste a b | awk -v bound="$4" '{ d = $1 - $2; if (d < 0) d = -d; if (d > bound * $1) { print; exit 1 } }' ||
        die "$3 of $1 and $2 differ by more than $4"
}

test_training_is_the_same_but_for_rounding() {
    write_shared_config
    expect 0 "$SFT" train config.ini --set data.eval="$DATA/eval.jsonl" --set train.output_dir=auto
    has stderr 'begin with in common is computed'
    expect 0 "$SFT" train config.ini --set data.eval="$DATA/eval.jsonl" --set train.output_dir=off --set data.shared_prefix=off
    has_not stderr 'begin with in common'
    for key in loss grad_norm eval_loss; do
        close auto/metrics.jsonl off/metrics.jsonl $key 1e-4
    done
    for key in step num_tokens num_target_tokens learning_rate; do
        close auto/metrics.jsonl off/metrics.jsonl $key 0
    done
}

# A few tokens that a chat format begins all conversations with are not worth their while.
test_nothing_to_share_changes_no_bit() {
    write_config
    sed -n '5,$p' "$DATA/chat.jsonl" >few.jsonl
    for how in auto off; do
        expect 0 "$SFT" train config.ini --set data.train=few.jsonl --set train.output_dir=few-$how --set data.shared_prefix=$how
        has_not stderr 'begin with in common'
    done
    same few-auto/last/model.safetensors few-off/last/model.safetensors
}

test_a_run_that_shares_is_resumed_to_the_last_bit() {
    write_shared_config
    echo 'lr_scheduler_type = constant' >>config.ini
    expect 0 "$SFT" train config.ini --set train.output_dir=straight
    expect 0 "$SFT" train config.ini --set train.max_steps=2
    expect 0 "$SFT" train config.ini --set train.max_steps=6
    same straight/last/model.safetensors run/last/model.safetensors
    expect_error_about 2 '[data] shared_prefix = off, but this run was started with auto' \
        "$SFT" train config.ini --set train.max_steps=6 --set data.shared_prefix=off
}

test_how_it_is_cut_changes_nothing_but_rounding() {
    write_shared_config
    expect 0 "$SFT" train config.ini --set train.output_dir=whole
    for tokens in 1 40 100; do
        expect 0 "$SFT" train config.ini --set train.output_dir=cut-$tokens --set train.micro_batch_tokens=$tokens
        close whole/metrics.jsonl cut-$tokens/metrics.jsonl loss 1e-4
        close whole/metrics.jsonl cut-$tokens/metrics.jsonl grad_norm 1e-4
    done
}

# The losses of conversations are told in the files' order, whatever they were computed beside.
test_losses_of_rows() {
    model=$(trained_model)
    for how in auto off; do
        expect 0 "$SFT" eval "$model" "$DATA/chat.jsonl*2" --per-row $how.jsonl --json \
            --set data.shared_prefix=$how --set data.system='You answer in as few words as you can.'
        mv stdout $how.json
    done
    is "$(sed 's/"loss.*//' auto.jsonl)" "$(sed 's/"loss.*//' off.jsonl)"
    close auto.jsonl off.jsonl loss 1e-4
    close auto.json off.json loss 1e-4
    close auto.json off.json mean_token_accuracy 0
}

# Twelve conversations of which the prompt is half: what is run is counted, and the report says how much.
test_the_report_says_what_is_saved() {
    write_shared_config
    expect 0 "$SFT" inspect config.ini --report --json
    positions=$(field positions <stdout)
    run=$(field positions_run <stdout)
    holds "$run < 0.8 * $positions"
    expect 0 "$SFT" inspect config.ini --report
    is "$(tr -s '\n ' ' ' <stdout | grep -o 'computed once: [0-9]* positions in place of [0-9]* in 3 steps')" \
        "computed once: $run positions in place of $positions in 3 steps"
    expect 0 "$SFT" inspect config.ini --report --json --set data.shared_prefix=off
    has_not stdout first_epoch
}
