# Training on pairs that is cut short, at any moment, or that finds its cache damaged or gone: it goes on, or says why not.

# write_pairs N: so many rows, all different.
write_pairs() {
    awk -v n="$1" 'BEGIN { for (i = 1; i <= n; i++) printf "{\"prompt\":\"Please say in words what the number %d is\",\"chosen\":\"It is %d.\",\"rejected\":\"No, %d%d!\"}\n", i, i, i, 9 * i }' >pairs.jsonl
}

# write_dpo_config N: N pairs, of which nothing is set aside.
write_dpo_config() {
    tiny_base base
    write_pairs "$1"
    cat >config.ini <<'END'
[model]
base = base/config.json
[data]
train = pairs.jsonl
[train]
objective = dpo
output_dir = run
max_steps = 2
batch_size = 4
learning_rate = 1e-3
precision = fp32
logging_steps = 1
END
    SFT_CACHE_DIR=$PWD/cache
    export SFT_CACHE_DIR
}

# In the background, until the reference is being asked, which is what comes behind the plan.
start_asking() {
    rm -f log # the shell may be slower to empty it than we are to read it
    "$SFT" train config.ini "$@" 2>log &
    pid=$!
    wait_until grep -q '^output ' log
}

# The only store of a reference.
logps() {
    ls cache/*.logps
}

without_times() {
    sed 's/,"tokens_per_second.*//' "$1/metrics.jsonl"
}

# ---- the reference ----

test_interrupted_while_the_reference_is_asked() {
    write_dpo_config 1500
    expect 0 "$SFT" train config.ini --set train.output_dir=straight
    has stderr 'pairs  the reference was asked of 1500 of 1500, in '
    cp "$(logps)" whole
    rm -r cache
    start_asking
    kill -INT $pid
    finish 130
    has log 'stopping before the first step; Ctrl-C again stops at once'
    has log 'pairs  what the reference said of '
    has log ' is kept: a later start asks for '
    is "$(ls run | grep -c checkpoint)" 0
    expect 0 "$SFT" train config.ini
    asked=$(sed -n 's/^pairs  the reference was asked of \([0-9]*\) of 1500, in .*/\1/p' stderr)
    [ "$asked" -lt 1500 ] || die "what had been said was not kept: $(cat stderr)"
    same_run straight run
    same "$(logps)" whole
}

test_killed_while_the_reference_is_asked() {
    write_dpo_config 1500
    expect 0 "$SFT" train config.ini --set train.output_dir=straight
    cp "$(logps)" whole
    rm -r cache
    for again in 1 2; do
        start_asking
        kill -9 $pid
        wait $pid && die 'it was over before it could be killed'
    done
    expect 0 "$SFT" train config.ini
    has stderr ' of 1500, in '
    same_run straight run
    same "$(logps)" whole
    is "$(ls cache)" "$(basename "$(logps)")" # nothing of those that were killed
}

# Damaged, cut short or of another size it is as good as none, and mended.
test_a_damaged_store_is_asked_for_again() {
    write_dpo_config 12
    expect 0 "$SFT" train config.ini --set train.output_dir=straight
    store=$(logps)
    cp "$store" whole
    size=$(wc -c <whole)
    for damage in flip_first flip_last cut empty longer; do
        case $damage in
        flip_first) flip_byte "$store" 0 ;;
        flip_last) flip_byte "$store" $((size - 1)) ;;
        cut) head -c $((size - 8)) whole >"$store" ;;
        empty) : >"$store" ;;
        longer) echo >>"$store" ;;
        esac
        rm -rf run
        expect 0 "$SFT" train config.ini
        has stderr 'pairs  the reference was asked of 12 of 12'
        has_not stderr warning
        same_run straight run
        same "$store" whole
    done
}

# What another run keeps is not ours: of another base, of other rows.
test_a_store_is_of_its_model_and_rows() {
    write_dpo_config 12
    expect 0 "$SFT" train config.ini
    expect 0 "$SFT" train config.ini --set train.output_dir=other --set train.seed=7 # weights are drawn by it
    has stderr 'pairs  the reference was asked of 12 of 12'
    write_pairs 13
    expect 0 "$SFT" train config.ini --set train.output_dir=more
    has stderr 'pairs  the reference was asked of 13 of 13'
    is "$(logps | wc -l)" 3
    expect 0 "$SFT" train config.ini --set train.output_dir=softer --set dpo.beta=0.5 --set dpo.loss_type=ipo
    has stderr 'pairs  what the reference says of 13 is in the cache'
}

# A cache that cannot be written, or is none, costs no run; that is said.
test_a_cache_that_cannot_be_written() {
    write_dpo_config 12
    expect 0 "$SFT" train config.ini --set train.output_dir=straight
    store=$(logps)
    rm "$store"
    mkdir "$store" # nobody can write it there, root neither
    expect 0 "$SFT" train config.ini
    has stderr "warning: the token cache (SFT_CACHE_DIR): $PWD/$store: cannot write: Is a directory; what the reference says is not kept"
    same_run straight run
    rm -r cache run
    echo mine >cache
    expect 0 "$SFT" train config.ini
    has stderr 'warning: '
    has stderr "$PWD/cache: exists and is not a directory"
    has stderr 'pairs  the reference was asked of 12 of 12'
    same_run straight run
    is "$(cat cache)" mine
}

# It is not read either, as of token stores.
test_a_cache_that_may_only_be_read() {
    [ "$(id -u)" -ne 0 ] || { echo 'SKIP: root may write everywhere'; return; }
    write_dpo_config 12
    expect 0 "$SFT" train config.ini --set train.output_dir=straight
    cp "$(logps)" whole
    chmod 500 cache
    expect 0 "$SFT" train config.ini
    chmod 700 cache
    has stderr "warning: $PWD/cache: cannot write: Permission denied"
    has stderr 'pairs  the reference was asked of 12 of 12'
    same_run straight run
    same "$(logps)" whole
}

# ---- steps ----

last_is_not() {
    [ "$(readlink run/last || :)" != "$1" ] || ! kill -0 "$pid"
}

# Killed again and again after it has brought something; the cache is lost each other time. Rows of both kinds.
test_kill_9_within_steps() {
    write_dpo_config 40
    sed -i 's/^max_steps = .*/max_steps = 25/; s/^logging_steps = .*/logging_steps = 2/' config.ini
    for i in 1 2 3 4 5 6 7 8; do echo "{\"prompt\":\"Count to $i\",\"completion\":\"One, two.\"}"; done >>pairs.jsonl
    printf 'save_steps = 1\neval_steps = 5\nmetric_for_best_model = eval_rewards/margins\n[dpo]\nsft_weight = 0.5\n' >>config.ini
    sed -i 's/^train = .*/&\neval_fraction = 0.2/' config.ini
    expect 0 "$SFT" train config.ini --set train.output_dir=straight
    for kills in 1 2 3 4 5 6; do
        before=$(readlink run/last || :)
        [ $((kills % 2)) -eq 0 ] || rm -rf cache
        rm -f log
        "$SFT" train config.ini 2>log &
        pid=$!
        wait_until last_is_not "$before"
        sleep 0.0"$(od -An -tu1 -N 1 /dev/urandom | tr -d ' ')"
        kill -9 $pid 2>/dev/null || :
        wait $pid && break
    done
    [ "$kills" -gt 1 ] || die 'it was over before it could be killed'
    expect 0 "$SFT" train config.ini
    same_run straight run
}

# ---- settings and rows ----

test_other_settings_are_another_run() {
    write_dpo_config 12
    expect 0 "$SFT" train config.ini
    for key in 'beta 0.2 0.1' 'loss_type ipo sigmoid' 'reference_free true false' 'sft_weight 1 0' 'label_smoothing 0.1 0'; do
        set -- $key
        expect_error 2 "cannot continue run/checkpoint-2: [dpo] $1 = $2, but this run was started with $3 (use the old value, another output_dir, or --fresh)" \
            "$SFT" train config.ini --set train.max_steps=3 --set "dpo.$1=$2"
    done
    expect_error_about 2 'cannot continue run/checkpoint-2: [train] objective = sft, but this run was started with dpo' \
        "$SFT" train config.ini --set train.objective=sft
}

test_a_row_without_a_rejected_answer() {
    write_dpo_config 12
    echo '{"prompt":"Count","completion":"One."}' >>pairs.jsonl
    for weight in 0 ''; do
        expect_error 1 'pairs.jsonl:13: there is no rejected answer; objective = dpo learns from such rows where dpo.sft_weight is above 0' \
            "$SFT" train config.ini ${weight:+--set dpo.sft_weight=$weight}
    done
    [ ! -e run/metrics.jsonl ] || die 'a run was begun'
}

# The first step's loss is ln 2 of the pairs, and sft_weight of what the same rows have as conversations.
test_the_loss_of_mixed_rows_is_the_sum_of_both() {
    write_dpo_config 12
    for i in 1 2 3; do echo "{\"prompt\":\"Count to $i\",\"completion\":\"One, two.\"}"; done >single.jsonl
    sed -i 's/^train = .*/& single.jsonl/' config.ini
    set -- --set train.max_steps=1 --set train.batch_size=15 --set train.save_steps=1
    expect 0 "$SFT" train config.ini "$@" --set train.objective=sft --set train.output_dir=single
    for weight in 0.5 3; do
        expect 0 "$SFT" train config.ini "$@" --set dpo.sft_weight=$weight --set train.output_dir=mixed-$weight
        holds "($(field loss <mixed-$weight/metrics.jsonl) - 0.69314718 - $weight * $(field loss <single/metrics.jsonl)) ^ 2 < 1e-10"
        is "$(field mean_token_accuracy <mixed-$weight/metrics.jsonl)" "$(field mean_token_accuracy <single/metrics.jsonl)"
    done
}
