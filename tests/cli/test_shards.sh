# Weights in several files, wherever a model is read.

# sharded DIR: the trained model, in three files of weights.
sharded() {
    model=$(trained_model)
    expect 0 "$SFT" export "$model" --max-shard-size 80KB --out "$1"
    is "$(cd "$1" && echo model*)" 'model-00001-of-00003.safetensors model-00002-of-00003.safetensors model-00003-of-00003.safetensors model.safetensors.index.json'
}

# shards_config: config.ini for six steps that begin with base/.
shards_config() {
    sharded base
    cat >config.ini <<END2
[model]
base = base
[data]
train = $DATA/chat.jsonl
[train]
output_dir = run
num_train_epochs = 2
batch_size = 4
learning_rate = 1e-3
precision = fp32
END2
}

test_export_in_shards() {
    sharded base
    has stderr 'model-00002-of-00003.safetensors'
    for n in 1 2 3; do
        [ "$(wc -c <base/model-0000$n-of-00003.safetensors)" -lt 84000 ] || die "number $n is too large"
    done
    has base/model.safetensors.index.json '"total_size":'
    expect 0 "$SFT" info base
    expect 0 "$SFT" export base --out whole
    same whole/model.safetensors "$model/model.safetensors"
    for command in "eval base $DATA/chat.jsonl" "generate base Name a tree."; do
        expect 0 "$SFT" $command
        mv stdout sharded
        expect 0 "$SFT" $(echo "$command" | sed "s|base|$model|")
        same stdout sharded
    done
    for size in 0 5QB GB -1KB 99999999999999999999 99999999TB; do
        expect_error 2 "--max-shard-size: expected a size such as 5GB or 500MB, found '$size'" \
            "$SFT" export base --max-shard-size="$size" --out x
    done
    [ ! -e x ] || die 'it made x'
}

# A run that begins with shards is gone on from to the last bit after it was killed.
test_resume_from_a_base_of_shards() {
    shards_config
    sed -i "s,^train = .*,train = $DATA/chat.jsonl*40," config.ini
    echo 'max_steps = 40' >>config.ini
    expect 0 "$SFT" train config.ini --set train.output_dir=straight
    "$SFT" train config.ini --set train.save_steps=1 2>log &
    pid=$!
    wait_until [ -e run/last ]
    kill -9 $pid
    if wait $pid; then die 'it was over before it could be killed'; fi
    pid=
    expect 0 "$SFT" train config.ini --set train.save_steps=1
    has stderr 'continues run/checkpoint-'
    same run/last/model.safetensors straight/last/model.safetensors
    same run/last/trainer/optimizer.safetensors straight/last/trainer/optimizer.safetensors
}

# The base's fingerprint is of all its shards, and of nothing that stands beside them.
test_another_shard_is_another_base() {
    shards_config
    expect 0 "$SFT" train config.ini --set train.max_steps=2
    echo x >base/consolidated.safetensors
    echo x >base/README.md
    expect 0 "$SFT" train config.ini --set train.max_steps=3
    flip_byte base/model-00002-of-00003.safetensors 20000
    expect 2 "$SFT" train config.ini --set train.max_steps=4
    has stderr '[model] base: the content of base is not what this run was started with (base)'
}

# shard_error TEXT: what eval, info and train say of base/.
shard_error() {
    expect_error_about 1 "$1" "$SFT" eval base "$DATA/chat.jsonl"
    expect_error_about 1 "$1" "$SFT" train config.ini
    expect 1 "$SFT" info base
    has stdout "$1"
    rm -rf base
    cp -r good base
}

test_shards_that_are_missing_cut_short_or_mixed_up() {
    shards_config
    cp -r base good
    rm base/model-00002-of-00003.safetensors
    shard_error 'base: 1 of the 3 files that model.safetensors.index.json names is not there: model-00002-of-00003.safetensors (fetch the directory again)'
    truncate -s 20000 base/model-00003-of-00003.safetensors
    shard_error '(is the file cut short?); it is one of the 3 files that model.safetensors.index.json names: fetch it again'
    mv base/model-00001-of-00003.safetensors x
    mv base/model-00003-of-00003.safetensors base/model-00001-of-00003.safetensors
    mv x base/model-00003-of-00003.safetensors
    shard_error 'base/model-00001-of-00003.safetensors: holds tensors that model.safetensors.index.json puts into model-00003-of-00003.safetensors: '
    rm base/model.safetensors.index.json
    shard_error 'base: model-00001-of-00003.safetensors is there, but not model.safetensors.index.json, which says what is in it (fetch that too)'
    sed -i 's/"\(transformer.ln_f.bias\)": "model-0000[0-9]/"\1": "model-00003/' base/model.safetensors.index.json
    shard_error 'puts into model-00003-of-00003.safetensors: transformer.ln_f.bias (files have changed places'
    sed -i 's/"weight_map": {/&"no.such": "model-00003-of-00003.safetensors",/' base/model.safetensors.index.json
    shard_error 'base/model-00003-of-00003.safetensors: lacks tensors that model.safetensors.index.json puts there: no.such'
    sed -i 's/model-00003-of/model-00004-of/' base/model.safetensors.index.json
    shard_error 'names is not there: model-00004-of-00003.safetensors'
    ln -sf nowhere base/model-00001-of-00003.safetensors
    shard_error 'base/model-00001-of-00003.safetensors: No such file or directory'
    expect 0 "$SFT" info base
}
