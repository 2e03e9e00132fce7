# Models in GGUF: sft import, and a file in place of a directory (tests/golden/gguf, made by scripts/golden_gguf.py).

chat=$GOLDEN/gguf/chat.gguf

ask() { # MODEL: what it answers, and continues
    echo '{"messages":[{"role":"user","content":"the dog"}]}' |
        "$SFT" generate --model "$1" --json --temperature 0 --max-new-tokens 12
    echo '{"prompt":"the dog"}' | "$SFT" generate --model "$1" --raw --json --temperature 0 --max-new-tokens 12
}

test_import_writes_the_same_model() {
    expect 0 "$SFT" import "$chat" --out model
    has stderr 'wrote  model: 23.5K parameters in f32, '
    is "$(echo $(ls model))" 'config.json generation_config.json merges.txt model.safetensors special_tokens_map.json tokenizer.json tokenizer_config.json vocab.json'
    [ ! -s stdout ] || die 'import prints on stdout'
    expect 0 "$SFT" info model --json
    is "$(cat stdout)" '{"complete":true,"model_type":"llama","n_layer":2,"n_head":4,"n_embd":32,"n_inner":32,"n_positions":512,"vocab_size":344,"tie_word_embeddings":true,"num_parameters":23456,"num_key_value_heads":2,"head_dim":8,"dtype":"F32","tokenizer_vocab_size":344,"template":"chatml","step":null,"checksums":false,"problems":[]}'
    expect 0 "$SFT" info "$chat"
    has stdout '23.5K parameters in BF16, F32, Q5_0, Q8_0, Q4_1, Q4_0, F16'
    ask "$chat" >of_file
    ask model >of_directory
    [ -s of_file ] || die 'no answer'
    same of_file of_directory
}

test_a_run_from_a_file_is_that_from_its_import() {
    expect 0 "$SFT" import "$chat" --out model
    printf '{"messages":[{"role":"user","content":"the dog"},{"role":"assistant","content":"%s"}]}\n' a b c d e f >train.jsonl
    cp "$chat" base.gguf
    for base in base.gguf model; do
        printf '[model]\nbase = %s\n[data]\ntrain = train.jsonl\n[train]\noutput_dir = of-%s\nmax_steps = 3\nbatch_size = 2\nprecision = fp32\n' \
            $base $base >$base.ini
        expect 0 "$SFT" train $base.ini
    done
    same of-base.gguf/last/model.safetensors of-model/last/model.safetensors
    same of-base.gguf/last/config.json of-model/last/config.json
    same of-base.gguf/last/tokenizer.json of-model/last/tokenizer.json
    # It goes on where the file is what it was, under whatever name, and from no other.
    mv base.gguf moved
    expect 0 "$SFT" train base.gguf.ini --set train.max_steps=4 --set model.base=moved
    has stderr 'done   4 steps, 1 of them now'
    LC_ALL=C sed 's/tiny/TINY/' "$chat" >moved
    expect 2 "$SFT" train base.gguf.ini --set train.max_steps=5 --set model.base=moved
    has stderr 'the content of moved is not what this run was started with (moved)'
}

test_import_in_another_precision_and_in_shards() {
    expect 0 "$SFT" import "$chat" --out half --dtype bf16
    expect 0 "$SFT" info half
    has stdout 'parameters in BF16'
    expect 0 "$SFT" import "$chat" --out shards --max-shard-size 40KB
    [ -e shards/model.safetensors.index.json ] || die 'one file'
    ask "$chat" >of_file
    ask shards >of_shards
    same of_file of_shards
}

test_what_import_refuses() {
    usage='(usage: sft import FILE.gguf --out DIR [options])'
    expect_error 2 "expected --out $usage" "$SFT" import "$chat"
    expect_error 2 "expected a model $usage" "$SFT" import --out x
    expect_error 2 "no place for 'more' $usage" "$SFT" import "$chat" more --out x
    expect_error 1 'none.gguf: No such file or directory' "$SFT" import none.gguf --out x
    expect_error 2 "--dtype: q8_0 is for gguf: sft export --out NAME.gguf (hf takes f32, f16 or bf16)" "$SFT" import "$chat" --out x --dtype q8_0
    mkdir there
    expect_error 2 '--out: there exists already (choose another name)' "$SFT" import "$chat" --out there
    mkdir -p new.tmp/sub && echo mine >new.tmp/sub/notes
    expect_error 2 '--out: new is written as new.tmp, which exists already, and not by sft (choose another name)' \
        "$SFT" import "$chat" --out new/
    is "$(cat new.tmp/sub/notes)" mine
    cp "$chat" there/a.gguf
    expect_error 1 'there: no config.json, but models in GGUF: name a file, there/a.gguf' "$SFT" import there --out x
    expect_error 1 'there: no tokenizer, but models in GGUF: name a file, there/a.gguf' "$SFT" tokenizer encode --model there
    expect_error_about 1 'there: no tokenizer, but models in GGUF: name a file, there/a.gguf' "$SFT" inspect --base there "$DATA/chat.jsonl"
    expect 0 "$SFT" import there/a.gguf --out model
    expect_error 2 'model: is a Hugging Face directory already (sft export writes it in another precision)' "$SFT" import model --out x
    head -c 20000 "$chat" >cut.gguf
    expect_error_about 1 'cut.gguf: tensor ' "$SFT" import cut.gguf --out x
    has stderr 'ends past the end of the file (is it cut short?)'
    echo '<html>' >page.gguf
    expect_error_about 1 'page.gguf: is an HTML page' "$SFT" import page.gguf --out x
    mkfifo pipe.gguf
    expect_error_about 1 'pipe.gguf: is a file, expected a directory' "$SFT" import pipe.gguf --out x
    [ ! -e x ] || die 'something was written'
}

test_a_split_model_is_named_by_its_first_file() {
    cp "$GOLDEN"/gguf/split-*.gguf .
    expect_error 2 'split-00002-of-00003.gguf: is part 2 of a model in 3 files (name the first, split-00001-of-00003.gguf)' \
        "$SFT" import split-00002-of-00003.gguf --out x
    rm split-00003-of-00003.gguf
    expect_error_about 1 'split-00003-of-00003.gguf: No such file or directory; it is one of the 3 files that' \
        "$SFT" import split-00001-of-00003.gguf --out x
}

# What a damaged header still says of itself is believed no more than the rest: each of these is one name changed.
test_tensors_that_do_not_fit_the_metadata() {
    LC_ALL=C sed 's/blk\.1\.attn_k\.weight/blk.7.attn_k.weight/' "$chat" >layer.gguf
    expect_error 1 "layer.gguf: more layers than the metadata's block_count 2: blk.*.attn_k.weight" \
        "$SFT" import layer.gguf --out x
    LC_ALL=C sed 's/blk\.1\.attn_k\.weight/blk.1.attn_x.weight/' "$chat" >place.gguf
    expect_error 1 'place.gguf: tensors of an unknown place: blk.*.attn_x.weight (no LlamaForCausalLM has them)' \
        "$SFT" import place.gguf --out x
    LC_ALL=C sed 's/output_norm\.weight/output_morn.weight/' "$chat" >missing.gguf
    expect_error 1 'missing.gguf: missing tensor: output_norm.weight' "$SFT" import missing.gguf --out x
    LC_ALL=C sed 's/\(head_count_kv\x04\x00\x00\x00\)\x02/\1\x04/' "$chat" >shape.gguf
    expect_error 1 "shape.gguf: tensor 'blk.0.attn_k.weight' is (16, 32), but the metadata makes it (32, 32)" \
        "$SFT" import shape.gguf --out x
    LC_ALL=C sed 's/\(blk\.1\.attn_v\.weight\x02\x00\x00\x00\x20.......\x10.......\)\x03/\1\x14/' "$chat" >type.gguf
    expect_error_about 1 "type.gguf: tensor 'blk.1.attn_v.weight' is IQ4_NL; F32, F16, BF16, Q8_0, " "$SFT" import type.gguf --out x
    LC_ALL=C sed 's/blk\.1\.attn_k\.weight/blk.1.attn_q.weight/' "$chat" >twice.gguf
    expect_error 1 "twice.gguf: tensor 'blk.1.attn_q.weight' is there twice" "$SFT" import twice.gguf --out x
}

# What is not done is told with the file, the key and what is done; nothing is guessed.
test_tokenizers_that_are_not_done() {
    smollm=$GOLDEN/gguf/tokenizer-smollm.gguf
    pres='gpt-2, smollm, llama-bpe, llama3, llama-v3, qwen2, tekken, olmo, dbrx, smaug-bpe, refact and starcoder are'
    echo '"a  12"' | expect 0 "$SFT" tokenizer encode --model "$smollm" --json-lines
    LC_ALL=C sed 's/smollm/viking/' "$smollm" >viking.gguf
    expect_error 1 "viking.gguf: tokenizer.ggml.pre 'viking' is not supported ($pres)" "$SFT" tokenizer encode --model viking.gguf
    LC_ALL=C sed 's/tokenizer.ggml.merges/tokenizer.ggml.MERGES/' "$smollm" >merges.gguf
    expect_error 1 'merges.gguf: tokenizer.ggml.merges: is missing' "$SFT" tokenizer encode --model merges.gguf
    LC_ALL=C sed 's/llama/bloom/' "$chat" >bloom.gguf
    expect_error 1 "bloom.gguf: general.architecture: 'bloom' is not supported (gpt2, llama, qwen2, qwen3, gemma2, gemma3, smollm3, granite, olmo2, gptneox are)" "$SFT" import bloom.gguf --out x
    expect_error_about 1 'viking.gguf: llama.block_count: is missing' "$SFT" import viking.gguf --out x
}

# A name on the hub may be of a repository of such files alone: nothing is missing there.
test_a_hub_repository_of_files_in_gguf() {
    export HF_HOME="$PWD/hf"
    commit=0123456789012345678901234567890123456789
    repository=hf/hub/models--acme--tiny-GGUF
    mkdir -p $repository/refs $repository/blobs $repository/snapshots/$commit
    printf $commit >$repository/refs/main
    cp "$chat" $repository/blobs/abc
    ln -s ../../blobs/abc $repository/snapshots/$commit/tiny.gguf
    expect_error 1 "$PWD/$repository/snapshots/$commit: no config.json, but models in GGUF: name a file, $PWD/$repository/snapshots/$commit/tiny.gguf" \
        "$SFT" import acme/tiny-GGUF --out x
    # So it is where the commit's list has small files that were not fetched, and where they were.
    mkdir -p $repository/trees
    echo '{"format_version": 1, "files": {"config.json": {}, "tiny.gguf": {}}}' >$repository/trees/$commit.json
    expect_error_about 1 'no config.json, but models in GGUF: name a file, ' "$SFT" chat acme/tiny-GGUF
    expect 0 "$SFT" import $repository/snapshots/$commit/tiny.gguf --out of_link
    cp of_link/config.json $repository/snapshots/$commit
    expect_error 1 "$PWD/$repository/snapshots/$commit: no tokenizer, but models in GGUF: name a file, $PWD/$repository/snapshots/$commit/tiny.gguf" \
        "$SFT" chat acme/tiny-GGUF
    cp of_link/tokenizer*.json $repository/snapshots/$commit
    expect_error 1 "$PWD/$repository/snapshots/$commit: no model.safetensors, but models in GGUF: name a file, $PWD/$repository/snapshots/$commit/tiny.gguf" \
        "$SFT" chat acme/tiny-GGUF
    expect 0 "$SFT" import $repository/blobs/abc --out of_blob # without an ending it is known by how it begins
    same of_link/model.safetensors of_blob/model.safetensors
}
