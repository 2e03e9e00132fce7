# How weights are kept in memory (--weights): what each kind answers, and what it does not change.

top=$GOLDEN/../..

test_kinds_that_there_are_none_of() {
    model=$top/checkpoints/base
    expect_error 2 "--weights: unknown kind 'q4' (f32, bf16 or int8)" "$SFT" eval --model "$model" "$DATA/chat.jsonl" --weights q4
    expect_error_about 2 "unknown kind 'F32'" "$SFT" generate --model "$model" Hello --weights F32
    expect_error_about 2 "unknown kind ''" "$SFT" chat "$model" --weights ''
    expect_error_about 2 'the ref kernels read floats alone' \
        env SFT_ISA=ref "$SFT" generate --model "$model" Hello --weights int8
}

# Losses are those of the floats in the files, to what was rounded away; of floats the same bits.
test_what_eval_says_of_each() {
    head -n 20 "$top/data/eval.jsonl" >eval.jsonl
    set -- eval --model "$top/checkpoints/base" --json eval.jsonl
    expect 0 "$SFT" "$@"
    mv stdout default
    for kind in f32 bf16 int8; do
        expect 0 "$SFT" "$@" --weights $kind
        mv stdout $kind
    done
    same default f32
    floats=$(field loss <f32)
    for kind in bf16 int8; do
        cmp -s f32 $kind && die "$kind computed the same"
        loss=$(field loss <$kind)
        holds "$loss < 1.005 * $floats && $loss > 0.995 * $floats"
    done
}

# In fp32 the default is what the files have. In bf16, where weights are rounded at the latest in a product, it is bf16.
test_what_generate_says_of_each() {
    set -- generate --model "$top/checkpoints/base" --json --temperature 0 --max-new-tokens 10
    printf '{"messages":[{"role":"user","content":"Hello"}]}\n' >rows
    expect 0 "$SFT" "$@" <rows
    mv stdout default
    for kind in f32 bf16 int8; do
        expect 0 "$SFT" "$@" --weights $kind <rows
        has stdout '"finish_reason":"length"'
        mv stdout $kind
    done
    same default f32
    "$SFT" eval --model "$top/checkpoints/base" --precision bf16 "$DATA/chat.jsonl" >stdout 2>stderr || return 0 # no such kernels
    expect 0 "$SFT" "$@" --precision bf16 <rows
    mv stdout default
    expect 0 "$SFT" "$@" --precision bf16 --weights bf16 <rows
    same default stdout
}
