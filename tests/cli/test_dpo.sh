# Training on pairs of answers: what is told, what is kept, and that it goes on as if it had never stopped.

write_dpo_config() {
    tiny_base base
    awk 'BEGIN { for (i = 1; i <= 12; i++) printf "{\"prompt\":\"Say %d\",\"chosen\":\"It is %d.\",\"rejected\":\"No, %d%d!\"}\n", i, i, i, 9 * i }' >pairs.jsonl
    cat >config.ini <<'END'
[model]
base = base/config.json
[data]
train = pairs.jsonl
eval_fraction = 0.25
[train]
objective = dpo
output_dir = run
max_steps = 6
batch_size = 4
learning_rate = 1e-3
precision = fp32
logging_steps = 3
save_steps = 2
save_total_limit = 0
eval_steps = 2
metric_for_best_model = eval_rewards/margins
END
    SFT_CACHE_DIR=$PWD/cache
    export SFT_CACHE_DIR
}

# Of metrics.jsonl the values of a key, a line each; nothing for lines without it.
values() {
    sed -n "s,.*\"$2\":\([^,}]*\).*,\1,p" "$1"
}

test_a_model_that_has_not_moved_is_its_own_reference() {
    write_dpo_config
    expect 0 "$SFT" train config.ini
    is "$(values run/metrics.jsonl eval_loss | head -n 1)" 0.693147181
    is "$(values run/metrics.jsonl eval_rewards/chosen | head -n 1)" 0
    is "$(values run/metrics.jsonl eval_rewards/margins | head -n 1)" 0
    is "$(values run/metrics.jsonl logps/rejected | wc -l | tr -d ' ')" 2
    is "$(values run/metrics.jsonl eval_logps/chosen | wc -l | tr -d ' ')" 4
    awk -v last="$(values run/metrics.jsonl rewards/margins | tail -n 1)" 'BEGIN { exit !(last > 0) }' || die 'nothing was learned'
    has stderr '  won '
    has stderr "rewards' margin"
    expect 0 "$SFT" info run
    has stdout 'objective  dpo, beta 0.1, loss_type sigmoid, label_smoothing 0, reference_free false, sft_weight 0'
}

test_the_reference_is_asked_once() {
    write_dpo_config
    expect 0 "$SFT" train config.ini
    has stderr 'pairs  the reference was asked of 12 of 12, in '
    sed 's/,"tokens_per_second.*//' run/metrics.jsonl >first
    expect 0 "$SFT" train config.ini --fresh
    has stderr 'pairs  what the reference says of 12 is in the cache'
    sed 's/,"tokens_per_second.*//' run-2/metrics.jsonl | diff first -
    same run/last/model.safetensors run-2/last/model.safetensors
}

# The cache lost as well, and in the middle of a window: the reference is the base, not where the run stands.
goes_on_as_if_never_stopped() {
    expect 0 "$SFT" train config.ini "$@" --set train.output_dir=straight
    cp -R straight run
    rm -rf run/checkpoint-6 run/last run/best cache
    ln -s checkpoint-4 run/last
    expect 0 "$SFT" train config.ini "$@"
    has stderr 'pairs  the reference was asked of 12 of 12'
}

test_resumed_without_the_cache() {
    write_dpo_config
    goes_on_as_if_never_stopped
    same_run straight run
}

test_an_adapter_resumed_without_the_cache() {
    write_dpo_config
    sed -i "s:^base = .*:base = $(trained_model):" config.ini
    printf "[lora]\nr = 4\n" >>config.ini
    goes_on_as_if_never_stopped
    for dir in straight run; do sed 's/,"tokens_per_second".*//' $dir/metrics.jsonl >$dir.metrics; done
    diff straight.metrics run.metrics
    same straight/last/adapter_model.safetensors run/last/adapter_model.safetensors
    same straight/last/trainer/optimizer.safetensors run/last/trainer/optimizer.safetensors
}

test_no_cache_at_all() {
    write_dpo_config
    expect 0 "$SFT" train config.ini --set train.output_dir=straight
    unset SFT_CACHE_DIR XDG_CACHE_HOME
    HOME= expect 0 "$SFT" train config.ini
    same_run straight run
}

test_without_a_reference() {
    write_dpo_config
    expect 0 "$SFT" train config.ini --set dpo.reference_free=true --set dpo.beta=0.5
    has_not stderr 'pairs  '
    reward=$(values run/metrics.jsonl rewards/chosen | head -n 1) logps=$(values run/metrics.jsonl logps/chosen | head -n 1)
    awk -v a="$reward" -v b="$logps" 'BEGIN { d = a - b / 2; exit !(d < 1e-6 && d > -1e-6) }' || die "$reward is not half of $logps"
}

test_answers_without_a_rejected_one() {
    write_dpo_config
    for i in 1 2 3 4; do echo "{\"prompt\":\"Count $i\",\"completion\":\"One, two.\"}"; done >>pairs.jsonl
    expect 0 "$SFT" train config.ini --set dpo.sft_weight=0.5 --set dpo.loss_type=ipo
    awk -v loss="$(values run/metrics.jsonl eval_loss | head -n 1)" 'BEGIN { exit !(loss > 25) }' || die 'their loss is missing'
}

test_metrics_of_rewards_need_pairs() {
    write_dpo_config
    sed -i 's/^objective = dpo/objective = sft/' config.ini
    expect_error 2 'config.ini:17: [train] metric_for_best_model: needs objective = dpo, which compares pairs of answers' \
        "$SFT" train config.ini
}
