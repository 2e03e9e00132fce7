# sft export and sft import run what they have written before it gets its name (tests/unit/test_model_check.c has what they find).

test_what_was_written_is_run() {
    model=$(trained_model)
    expect 0 "$SFT" export "$model" --out f32
    has stderr "check  its logits are the original's; it says the same: "
    expect 0 "$SFT" export "$model" --out bf16 --dtype bf16
    has stderr 'check  its logits differ by 0.'
    expect 0 "$SFT" import "$GOLDEN/gguf/chat.gguf" --out imported
    has stderr "check  its logits are the original's; it says"
}

test_every_dtype_of_gguf_is_run() {
    model=$(trained_model)
    for dtype in f32 f16 bf16 q8_0 q4_0; do
        expect 0 "$SFT" export "$model" --out $dtype.gguf --dtype $dtype
        has stderr 'check  its logits '
        [ $dtype = f32 ] || has stderr '% from the original'
    done
}

# set_value FILE OFFSET BYTES: write bytes, in octal escapes of printf, at an offset from the file's end.
set_value() {
    size=$(wc -c <"$1")
    printf "$3" | dd of="$1" bs=1 seek=$((size - $2)) conv=notrunc 2>dd.log
}

# The last value of the last tensor becomes a million: a float, and a bfloat16, but no half.
test_values_that_f16_cannot_hold() {
    expect 0 "$SFT" export "$(trained_model)" --out model
    set_value model/model.safetensors 4 '\000\044\164\111'
    expect 1 "$SFT" export model --out half --dtype f16
    is "$(grep -c . stderr)" 1
    has stderr "error: tensor 'transformer."
    has stderr "': 1 of its values, which reach 1e+06, are beyond what f16 can hold (choose --dtype bf16)"
    is "$(ls)" "$(printf 'dd.log\nmodel\nstderr\nstdout')"
    expect 0 "$SFT" export model --out half --dtype bf16
    expect 0 "$SFT" info half
}

# The least limit with which it writes at all is too low to run what it wrote.
test_where_there_is_no_memory_to_run_it() {
    case $SFT in */asan/*) echo 'SKIP: a build with sanitizers'; return 0 ;; esac
    model=$(trained_model)
    kb=40000
    until (ulimit -v $kb; OMP_NUM_THREADS=2 "$SFT" export "$model" --out out) >log 2>&1; do
        [ ! -e out ] || die "$(ls . out)"
        kb=$((kb + 8000))
        [ $kb -lt 1000000 ] || die "$(cat log)"
    done
    has log 'warning: what was written was not run: that takes '
    has_not log 'check  '
    expect 0 "$SFT" info out
}
