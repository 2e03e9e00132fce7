# sft bench: what it counts and what it prints (never how fast it was).

test_bench_as_json() {
    tiny_base base
    expect 0 "$SFT" bench --base base/config.json --data "$DATA/chat.jsonl" --steps 3 --precision fp32 --json
    is "$(sed 's/\[[^]]*\]/[]/; s/:[^,}]*//g' stdout)" \
        '{"tokens_per_second","step_seconds","flops_per_token","matmul_peak_flops","mfu","peak_rss_bytes","precision","isa","threads"}'
    is "$(sed 's/.*"step_seconds":\[\([^]]*\)\].*/\1/' stdout | tr ',' '\n' | wc -l)" 3
    is "$(field precision <stdout)" fp32
    holds "$(field mfu <stdout) > 0 && $(field mfu <stdout) < 1"
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

test_bench_as_text() {
    tiny_base base
    expect 0 "$SFT" bench --base base/config.json --data "$DATA/chat.jsonl" --steps 2
    has stdout 'tokens/s over 2 steps'
    has stdout 'MFU'
    has stdout 'linear, backward'
    has stdout 'everything else'
    expect 2 "$SFT" bench --base base/config.json
    has stderr 'error: expected --base, --data and at least one step'
}
