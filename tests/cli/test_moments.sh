# [train] optim = adamw_8bit: moments of 8 bits, in memory and in checkpoints. [train] gradient_checkpointing: activations computed again.

# A width that no group of 32 elements divides.
small_moments() {
    write_config 44
    printf 'optim = adamw_8bit\nlogging_steps = 1\nsave_steps = 1\n' >>config.ini
}

moments_bytes() {
    wc -c <"$1/last/trainer/optimizer.safetensors"
}

# learnt DIR: the loss of its last step.
learnt() {
    field loss <"$1/metrics.jsonl" | tail -n 1
}

test_it_learns_as_with_floats_from_a_quarter_of_the_bytes() {
    small_moments
    set -- --set train.max_steps=60 --set train.learning_rate=5e-3 --set train.save_steps=60
    expect 0 "$SFT" train config.ini "$@"
    has stderr 'moments in 8 bits'
    expect 0 "$SFT" train config.ini "$@" --set train.optim=adamw --set train.output_dir=floats
    has_not stderr '8 bits'
    holds "$(moments_bytes run) < 0.36 * $(moments_bytes floats)" # headers, and tensors that are too small for it
    first=$(field loss <run/metrics.jsonl | head -n 1)
    is "$first" "$(field loss <floats/metrics.jsonl | head -n 1)"
    holds "$(learnt floats) < 0.3 * $first && $(learnt run) < 1.3 * $(learnt floats)"
    dtypes=$(head -c 8000 run/last/trainer/optimizer.safetensors | tr ',{' '\n\n' | sed -n 's/^"dtype":"\(.*\)"/\1/p' | sort -u)
    is "$(echo $dtypes)" 'BF16 F32 I8 U8'
}

test_resumed_it_is_the_run_that_was_not_cut() {
    small_moments
    expect 0 "$SFT" train config.ini --set train.output_dir=straight --set train.lr_scheduler_type=constant
    expect 0 "$SFT" train config.ini --set train.lr_scheduler_type=constant --set train.max_steps=2
    expect 0 "$SFT" train config.ini --set train.lr_scheduler_type=constant
    has stderr 'continues run/checkpoint-2'
    is "$(readlink run/last)" checkpoint-6
    same_run straight run
}

test_any_number_of_threads_gives_the_same_bits() {
    small_moments
    expect 0 env OMP_NUM_THREADS=1 "$SFT" train config.ini --set train.output_dir=one
    expect 0 env OMP_NUM_THREADS=3 "$SFT" train config.ini
    same_run one run
}

test_optim_stays_what_it_was() {
    small_moments
    expect 0 "$SFT" train config.ini --set train.max_steps=2
    expect_error_about 2 '[train] optim = adamw, but this run was started with adamw_8bit' "$SFT" train config.ini --set train.optim=adamw
    sed -i '/^optim/d' config.ini # left out it is adamw
    expect_error_about 2 '[train] optim = adamw, but' "$SFT" train config.ini
}

test_the_plan_has_less_for_moments() {
    small_moments
    expect 0 "$SFT" train config.ini --dry-run
    has stdout 'moments in 8 bits'
    expect 0 "$SFT" inspect config.ini --report --json
    small=$(sed 's/.*"moments":\([0-9]*\).*/\1/' stdout) small_disk=$(sed 's/.*"checkpoint_bytes":\([0-9]*\).*/\1/' stdout)
    expect 0 "$SFT" inspect config.ini --report --json --set train.optim=adamw
    large=$(sed 's/.*"moments":\([0-9]*\).*/\1/' stdout) large_disk=$(sed 's/.*"checkpoint_bytes":\([0-9]*\).*/\1/' stdout)
    holds "$small < 0.33 * $large"
    is $((large_disk - small_disk)) $((large - small))
}

test_other_trainers_words_are_told() {
    small_moments
    for word in adamw_bnb_8bit paged_adamw_8bit; do
        expect_error_about 2 'did you mean adamw_8bit?' "$SFT" train config.ini --set train.optim=$word
    done
    for word in adamw_torch adamw_torch_fused adamw_hf; do
        expect_error_about 2 'did you mean adamw?' "$SFT" train config.ini --set train.optim=$word
    done
}

# ---- activations computed again ----

# recomputed OPTION...: a run that keeps all, one that computes again, and one that changes its mind: three times the same.
recomputed() {
    write_config
    expect 0 "$SFT" train config.ini "$@" --set train.output_dir=kept
    expect 0 "$SFT" train config.ini "$@" --set train.gradient_checkpointing=true
    same_run kept run
    expect 0 "$SFT" train config.ini "$@" --set train.output_dir=both --set train.max_steps=2
    expect 0 "$SFT" train config.ini "$@" --set train.output_dir=both --set train.gradient_checkpointing=true --set train.max_steps=4
    expect 0 "$SFT" train config.ini "$@" --set train.output_dir=both
    same_run kept both
}

test_computed_again_it_is_the_same_run() {
    recomputed --set train.lr_scheduler_type=constant --set train.micro_batch_tokens=64
}

test_computed_again_in_every_precision() {
    recomputed --set train.lr_scheduler_type=constant --set train.precision=auto
}

test_the_plan_has_less_for_activations() {
    write_config
    sed -i 's/"n_layer": 2/"n_layer": 12/' base/config.json
    expect 0 "$SFT" inspect config.ini --report --json
    kept=$(sed 's/.*"activations":\([0-9]*\).*/\1/' stdout)
    expect 0 "$SFT" train config.ini --dry-run --set train.gradient_checkpointing=true
    expect 0 "$SFT" inspect config.ini --report --json --set train.gradient_checkpointing=true
    again=$(sed 's/.*"activations":\([0-9]*\).*/\1/' stdout)
    holds "$again < 0.7 * $kept"
}

test_what_is_computed_again_counts_for_no_speed() {
    write_config
    set -- bench --base base/config.json --data "$DATA/chat.jsonl" --precision fp32 --steps 1 --json
    expect 0 "$SFT" "$@"
    flops=$(field flops_per_token <stdout)
    expect 0 "$SFT" "$@" --set train.gradient_checkpointing=true
    is "$(field flops_per_token <stdout)" "$flops"
}
