# Precisions: what bf16 may change and what not, which one a run gets, and that it keeps it.

top=$GOLDEN/../..

# False, with a line that says so, where this CPU has no bf16 kernels.
bf16_runs() {
    write_config
    code=0
    "$SFT" train config.ini --dry-run --set train.precision=bf16 >stdout 2>stderr || code=$?
    [ $code -ne 0 ] || return 0
    is $code 2
    has stderr 'error: [train] precision: precision bf16: this CPU ('
    echo "SKIP: $(sed 's/^error: //' stderr)"
    return 1
}

test_a_precision_that_is_none() {
    write_config
    for command in "generate hi --model base" "eval $DATA/chat.jsonl --model base" "chat base"; do
        # shellcheck disable=SC2086
        expect 2 "$SFT" $command --precision fp8 </dev/null
        has stderr 'error: precision fp8: there are no such kernels here (auto, '
        has stderr 'fp32)'
    done
}

# The steps to compare, and the conversations to evaluate on: few under sanitizers, which are slow and take terabytes of
# addresses.
choose_sizes() {
    steps=200 conversations=243
    (ulimit -v 3000000 && "$SFT" --version >/dev/null 2>&1) || { steps=20 conversations=20; }
    head -n $conversations "$top/data/eval.jsonl" >eval.jsonl
}

# train_on_real_data PRECISION: into run PRECISION, with metrics.
train_on_real_data() {
    expect 0 "$SFT" train config.ini --set "train.precision=$1" --set "train.output_dir=$1" \
        --set "model.base=$top/checkpoints/base" --set "data.train=$top/data/train.jsonl" \
        --set data.eval=eval.jsonl --set data.max_length=128 --set train.learning_rate=5e-4 \
        --set train.max_steps="$steps" --set train.eval_steps="$steps"
    has stderr ", precision $1"
    grep '"loss":' "$1/metrics.jsonl" | field loss >"$1.losses"
    is "$(wc -l <"$1.losses")" "$steps"
}

# differ_by_at_most BOUND WINDOW FILE FILE: the means of each WINDOW numbers, relatively.
differ_by_at_most() {
    paste "$3" "$4" | awk -v bound="$1" -v window="$2" '
        { a += $1; b += $2 }
        NR % window == 0 {
            error = b / a - 1
            if (error < 0) error = -error
            if (!(error <= bound)) { print "up to step " NR ": " a / window " and " b / window; failed = 1 }
            a = b = 0
        }
        END { exit failed }' || die "$3 and $4 differ by more than $1 in a mean of $2"
}

# Measured: steps within 0.2%, means of ten within 0.06%, the evaluation within 0.003%.
test_bf16_learns_as_fp32_does() {
    bf16_runs || return 0
    choose_sizes
    train_on_real_data fp32
    train_on_real_data bf16
    differ_by_at_most 0.01 1 fp32.losses bf16.losses
    differ_by_at_most 0.0025 10 fp32.losses bf16.losses
    for precision in fp32 bf16; do
        field eval_loss <$precision/metrics.jsonl >$precision.evaluations
        is "$(wc -l <$precision.evaluations)" 2
    done
    differ_by_at_most 0.001 1 fp32.evaluations bf16.evaluations
    cmp -s fp32.losses bf16.losses && die 'both precisions computed the same'
    holds "$(tail -n 1 bf16.evaluations) < $(head -n 1 bf16.evaluations)"
}

test_bf16_is_refused_where_no_kernel_has_it() {
    write_config
    for isa in ref avx2 avx512; do
        expect 2 env SFT_ISA=$isa "$SFT" train config.ini --set train.precision=bf16
        has stderr "error: [train] precision: SFT_ISA=$isa: no bf16 kernels of that name (there are "
        is "$(wc -l <stderr)" 1
        expect 2 env SFT_ISA=$isa "$SFT" eval --model "$top/checkpoints/base" --precision bf16 "$DATA/chat.jsonl"
        has stderr "SFT_ISA=$isa: no bf16 kernels of that name (there are "
    done
    [ ! -e run ] || die 'it made run'
}

test_auto_says_what_it_picked() {
    write_config
    expect 0 env SFT_ISA=ref "$SFT" train config.ini --dry-run --set train.precision=auto
    has stdout ', precision fp32'
    has stdout ' ref kernels (forced by SFT_ISA), products by '
    bf16_runs || return 0
    expect 0 "$SFT" train config.ini --dry-run --set train.precision=auto
    has stdout ', precision bf16'
    has stdout ' products by '
    grep -qE ' (amx|avx512_bf16) kernels \(the fastest that this CPU runs\)' stdout || die "$(cat stdout)"
}

# auto is what it was when the run began, even where it would be something else now.
test_a_run_keeps_its_precision() {
    bf16_runs || return 0
    set -- --set train.precision=auto --set train.max_steps=2 --set train.output_dir
    expect 0 env SFT_ISA=ref "$SFT" train config.ini "$@=fp32"
    expect 0 "$SFT" train config.ini "$@=bf16"
    for precision in fp32 bf16; do
        expect 0 "$SFT" train config.ini "$@=$precision" --set train.max_steps=4
        has stderr "continues $precision/checkpoint-2"
        has stderr ", precision $precision"
        has $precision/last/trainer/state.json "\"precision\": \"$precision\""
    done
    expect 2 env SFT_ISA=ref "$SFT" train config.ini "$@=bf16" --set train.max_steps=6
    has stderr 'error: this run was started in bf16: SFT_ISA=ref: no bf16 kernels of that name (there are '
    expect_error_about 2 'cannot continue bf16/checkpoint-4: [train] precision = fp32' \
        "$SFT" train config.ini "$@=bf16" --set train.max_steps=6 --set train.precision=fp32
}

test_eval_computes_in_fp32_unless_told() {
    bf16_runs || return 0
    choose_sizes
    set -- eval --model "$top/checkpoints/base" --json eval.jsonl
    expect 0 "$SFT" "$@"
    mv stdout default
    for precision in fp32 bf16; do
        expect 0 "$SFT" "$@" --precision $precision
        mv stdout $precision
        field loss <$precision >$precision.loss
    done
    same default fp32
    cmp -s fp32 bf16 && die 'both precisions computed the same'
    differ_by_at_most 0.001 1 fp32.loss bf16.loss
}

test_bf16_gives_the_same_bits_for_any_number_of_threads() {
    bf16_runs || return 0
    write_config 96
    for threads in 1 2 3 5; do
        OMP_NUM_THREADS=$threads expect 0 "$SFT" train config.ini --set train.output_dir=run$threads --set train.batch_size=12 \
            --set train.precision=bf16 --set "data.train=$DATA/chat.jsonl*2" --set "data.eval=$DATA/eval.jsonl"
        same_run run1 run$threads
    done
}

# Killed wherever it is after a few of its many checkpoints.
test_bf16_kill_9_and_resume_is_exact() {
    bf16_runs || return 0
    write_config 64
    set -- --set train.precision=bf16 --set train.save_steps=1 --set "data.train=$DATA/chat.jsonl*40" \
        --set train.batch_size=48 --set train.max_steps=30
    expect 0 "$SFT" train config.ini "$@" --set train.output_dir=straight
    "$SFT" train config.ini "$@" 2>log &
    pid=$!
    wait_until grep -q '"step":5,' run/metrics.jsonl
    kill -9 $pid
    wait $pid && die 'it was over before it could be killed'
    pid=
    expect 0 "$SFT" train config.ini "$@"
    has stderr 'continues run/checkpoint-'
    has stderr ', precision bf16'
    same_run straight run
}
