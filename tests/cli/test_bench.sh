# sft bench: what it counts and what it prints (never how fast it was).

# Not known where other work had the machine.
is_share() {
    [ "$1" = null ] || holds "$1 > 0 && $1 <= 1"
}

test_bench_as_json() {
    tiny_base base
    expect 0 "$SFT" bench --base base/config.json --data "$DATA/chat.jsonl" --steps 3 --precision fp32 --json
    is "$(sed 's/\[[^]]*\]/[]/; s/:[^,}]*//g' stdout)" \
        '{"tokens_per_second","step_seconds","flops_per_token","matmul_peak_flops","mfu","peak_rss_bytes","precision","isa","threads"}'
    is "$(sed 's/.*"step_seconds":\[\([^]]*\)\].*/\1/' stdout | tr ',' '\n' | wc -l)" 3
    is "$(field precision <stdout)" fp32
    is_share "$(field mfu <stdout)"
    is "$(ls)" "$(printf 'base\nstderr\nstdout')" # nothing is written
}

# One conversation of one batch: the products can be counted by hand.
test_bench_counts_the_products_that_are_needed() {
    tiny_base base
    printf '{"prompt":"ab","completion":"cd"}\n' >one.jsonl
    "$SFT" inspect --base base one.jsonl --json >inspected
    n=$(sed 's/.*"tokens":\[\([^]]*\)\].*/\1/' inspected | tr ',' '\n' | wc -l) # tokens; all but the last are run
    m=$(sed 's/.*"weights":\[\([^]]*\)\].*/\1/' inspected | tr ',' '\n' | grep -c '^1$')
    expect 0 "$SFT" bench --base base/config.json --data one.jsonl --steps 1 --json
    # 2 layers: 12 C^2 weights, 6 flops each a position (of the last layer, 9 C^2 only at targets); attention 6
    # products of 2 C a pair; head 6 M V C
    holds "$(field flops_per_token <stdout) * $n == \
        6 * 32 * 32 * (15 * ($n - 1) + 9 * $m) + 2 * 6 * 2 * 32 * ($n - 1) * $n / 2 + 6 * $m * 404 * 32"
}

# The peak is that of the CPU, whatever multiplies: OpenBLAS is faster than portable C.
test_bench_of_the_slow_table() {
    expect 0 env SFT_ISA=ref "$SFT" bench --base "$GOLDEN/../../checkpoints/base" --data "$DATA/chat.jsonl" --steps 2 --json
    is "$(field isa <stdout)" ref
    is_share "$(field mfu <stdout)"
}

# More threads than cores cannot all have their time.
test_bench_on_a_busy_machine() {
    grep -qs ' [1-9][0-9]*$' /proc/thread-self/schedstat || { echo 'SKIP: this Linux does not account for delays'; return 0; }
    expect 0 env OMP_NUM_THREADS=$((3 * $(nproc))) OMP_WAIT_POLICY=active GOMP_SPINCOUNT=100000 "$SFT" bench \
        --base "$GOLDEN/../../checkpoints/base" --data "$DATA/chat.jsonl" --steps 5
    has stdout 'machine busy: no MFU'
    expect 0 env OMP_NUM_THREADS=$((3 * $(nproc))) OMP_WAIT_POLICY=active GOMP_SPINCOUNT=100000 "$SFT" bench \
        --base "$GOLDEN/../../checkpoints/base" --data "$DATA/chat.jsonl" --steps 5 --json
    is "$(field mfu <stdout)" null
}

test_bench_as_text() {
    tiny_base base
    expect 0 "$SFT" bench --base base/config.json --data "$DATA/chat.jsonl" --steps 2
    has stdout 'tokens/s over 2 steps'
    grep -qE ': MFU [0-9.]+%; peak|machine busy: no MFU; peak' stdout || die "$(cat stdout)"
    has stdout 'linear, backward'
    has stdout 'everything else'
    expect 2 "$SFT" bench --base base/config.json
    has stderr 'error: expected --base, --data and at least one step'
}
