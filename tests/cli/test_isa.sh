# SFT_ISA: which kernels compute, and those that are there to check the others by.

# losses NAME: of a run of three steps in NAME; what SFT_ISA is stands before.
losses() {
    expect 0 "$SFT" train config.ini --set "train.output_dir=$1" --set train.max_steps=3
    field loss <"$1/metrics.jsonl" >"$1.losses"
    is "$(wc -l <"$1.losses")" 3
}

# close_to FILE FILE: numbers of fp32 that were summed in different orders.
close_to() {
    paste "$1" "$2" | awk '{ d = $1 - $2; if (d < 0) d = -d; if (!(d < 1e-5 * $1)) exit 1 }' ||
        die "$(paste "$1" "$2")"
}

# Whether the fast kernels are at fault can be asked: the definition of each op trains too.
test_the_plain_kernels_train_as_the_others_do() {
    write_config
    losses fast
    SFT_ISA=plain losses plain
    has stderr ' plain kernels (forced by SFT_ISA, to check the others by),'
    has stderr ' products by plain loops'
    close_to fast.losses plain.losses
    SFT_ISA=ref losses ref
    has stderr ' ref kernels (forced by SFT_ISA), products by OpenBLAS'
    close_to fast.losses ref.losses
    cmp -s plain/last/model.safetensors ref/last/model.safetensors && die 'ref is plain'
    expect 0 env SFT_ISA=plain "$SFT" bench --base base/config.json --data "$DATA/chat.jsonl" --steps 1 --json
    is "$(field isa <stdout)" plain
    is "$(field precision <stdout)" fp32
}

test_the_plain_kernels_are_not_picked() {
    write_config
    for precision in auto fp32; do
        expect 0 "$SFT" train config.ini --dry-run --set train.precision=$precision
        has_not stdout ' plain kernels'
    done
}

test_an_unknown_name_is_told_the_names() {
    write_config
    expect 2 env SFT_ISA=fast "$SFT" train config.ini
    has stderr 'error: [train] precision: SFT_ISA=fast: no fp32 kernels of that name (there are '
    has stderr ' ref fp32 by OpenBLAS, plain fp32 to check the others by)'
    is "$(wc -l <stderr)" 1
    expect 2 env SFT_ISA=plain "$SFT" train config.ini --set train.precision=bf16
    has stderr 'error: [train] precision: SFT_ISA=plain: no bf16 kernels of that name (there are '
}
