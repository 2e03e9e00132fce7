# What the reference says of pairs, and where it is kept.

write_reference_config() {
    write_config
    for i in 1 2 3 4 5 6; do
        echo "{\"prompt\":\"Number $i\",\"chosen\":\"It is $i.\",\"rejected\":\"No $i here.\"}"
    done >pairs.jsonl
    sed -i "s|^train = .*|train = pairs.jsonl|; s|^\[train\]|[train]\nobjective = dpo|; s|^num_train_epochs.*|max_steps = 1|" config.ini
    export SFT_CACHE_DIR="$PWD/cache"
}

# asks N OPTIONS...: a run of its own asks the reference of N pairs of six; 0: it finds all of them.
asks() {
    wanted_pairs=$1
    shift
    rm -rf run
    expect 0 "$SFT" train config.ini "$@"
    [ "$wanted_pairs" -gt 0 ] || { has stderr 'what the reference says of 6 is in the cache'; return 0; }
    has stderr "the reference was asked of $wanted_pairs of 6"
}

# All that its numbers depend on is in the key, and nothing else.
test_what_is_kept_is_found_by_what_made_it() {
    write_reference_config
    asks 6
    asks 0
    asks 0 --set dpo.beta=0.5 --set train.batch_size=2 --set train.micro_batch_tokens=64 --set data.shared_prefix=off
    asks 6 --set data.max_length=24
    asks 6 --set train.seed=7
    asks 6 --set train.precision=bf16
    asks 6 --set 'data.system=Be kind.'
    asks 0 --set 'data.train=pairs.jsonl*3'
    rm -r cache
    asks 6 --set 'data.train=pairs.jsonl*3' --set data.eval_fraction=0.5
    asks 0
}

# Under an adapter integers stand for the matrices, but for those that are trained beside it.
test_how_the_base_is_kept_counts() {
    write_reference_config
    asks 6
    mv run base-run
    sed -i 's|^base = .*|base = base-run/last\nweights = int8|' config.ini
    printf '[lora]\nr = 4\n' >>config.ini
    asks 6
    asks 0 --set lora.r=2 --set train.seed=7
    asks 6 --set lora.modules_to_save=wte
    asks 6 --set lora.target_modules=c_attn
    asks 0
    cp -RL run/last adapter
    asks 0 --set model.adapter=adapter
    sed -i '/^\[lora\]/,$d; /^weights/d' config.ini
    asks 6
    asks 6 --set model.adapter=adapter
}
