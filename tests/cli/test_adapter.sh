# Adapters in use: chat, generate, eval, export, info, tokenizer and serve, with one that has learnt another answer.

# adapter: $adapter, an adapter's run, has learnt another answer than its base, $base: it names a birch, no oak.
adapter() {
    base=$(trained_model)
    made_once adapter make_adapter
    birch=$SHARED/adapter/birch.jsonl
    adapter=$SHARED/adapter/run
}
make_adapter() {
    cat >birch.jsonl <<'END'
{"messages":[{"role":"user","content":"Name a tree."},{"role":"assistant","content":"The birch."}]}
{"messages":[{"role":"user","content":"What is 2+2?"},{"role":"assistant","content":"2+2 is 4."}]}
END
    cat >config.ini <<END
[model]
base = $(trained_model)
[data]
train = birch.jsonl
[train]
output_dir = run
max_steps = 60
batch_size = 2
learning_rate = 1e-2
precision = fp32
save_steps = 1000
[lora]
r = 4
END
    "$SFT" train config.ini
}

test_it_is_put_on_its_base() {
    adapter
    expect 0 "$SFT" generate "$base" Name a tree.
    is "$(cat stdout)" 'The oak.'
    for words in "$base --adapter $adapter" "--model $base --adapter $adapter/last" "$adapter" "$adapter/last"; do
        expect 0 "$SFT" generate $words Name a tree.
        is "$(cat stdout)" 'The birch.'
    done
    expect 0 sh -c "echo Name a tree. | \"\$SFT\" generate --adapter $adapter"
    is "$(cat stdout)" 'The birch.'
    expect 0 "$SFT" generate "$adapter" --weights int8 --precision fp32 Name a tree.
    is "$(cat stdout)" 'The birch.'
    echo 'Name a tree.' >typed
    expect 0 sh -c "\"\$SFT\" chat $base --adapter $adapter --temperature 0 <typed"
    has stdout 'The birch.'
}

# Which of a run's adapters, and on what.
test_what_is_told_of_it() {
    adapter
    expect 0 "$SFT" generate "$adapter" Name a tree.
    is "$(sed -n 1p stderr)" "model  $(readlink -f "$base")"
    has stderr " (last of $adapter)"
    is "$(grep -c . stderr)" 2
    cp -r "$(readlink -f "$adapter/last")" moved
    sed 's|"base_model_name_or_path": ".*"|"base_model_name_or_path": "org/other"|' moved/adapter_config.json >config
    mv config moved/adapter_config.json
    expect 0 "$SFT" generate "$base" --adapter moved Name a tree.
    is "$(cat stdout)" 'The birch.'
    has stderr "moved was trained on org/other, and is put on "
    expect_error_about 1 'org/other' "$SFT" generate moved Name a tree.
}

test_what_is_no_adapter_or_one_too_many() {
    adapter
    expect_error_about 1 'is put on a model' "$SFT" generate --adapter "$adapter" Hello
    expect_error_about 2 'takes one adapter here' "$SFT" generate "$base" --adapter a --adapter b Hello
    expect_error_about 2 'is an adapter itself' "$SFT" generate "$adapter" --adapter "$adapter" Hello
    expect_error_about 1 'not an adapter' "$SFT" generate "$base" --adapter "$base" Hello
    expect_error_about 1 'is a LoRA adapter' "$SFT" import "$adapter/last" --out out
    mkdir empty
    expect_error_about 1 'empty: no adapter' "$SFT" eval "$base" --adapter empty "$DATA/chat.jsonl"
}

test_eval_scores_it() {
    adapter
    expect 0 "$SFT" eval "$base" "$birch" --json
    of_base=$(field loss <stdout)
    expect 0 "$SFT" eval "$base" --adapter "$adapter" "$birch" --json
    of_adapter=$(field loss <stdout)
    holds "$of_adapter < 0.5 * $of_base"
    has stdout "\"adapter\":\"$(readlink -f "$adapter/last")\""
    printf 'prompt,label\nName a tree.,safe\n' >prompts.csv
    expect 0 "$SFT" eval "$adapter" --prompts prompts.csv --baseline "$base" --answers answers.jsonl --json
    has answers.jsonl 'The birch.'
    has answers.jsonl 'The oak.'
}

# Whole again, in every format: the same answer, and the logits of base and adapter.
test_export_merges_it() {
    adapter
    expect 0 "$SFT" export "$adapter" --out merged
    has stderr "check  its logits are "
    expect 0 "$SFT" generate merged Name a tree.
    is "$(cat stdout)" 'The birch.'
    is "$(cat stderr)" ''
    expect 0 "$SFT" info merged --json
    has stdout '"tie_word_embeddings":true'
    has merged/README.md 'as a LoRA adapter (r = 4) that is merged into it'
    expect 0 "$SFT" eval "$adapter" "$birch" --json
    beside=$(field loss <stdout)
    expect 0 "$SFT" eval merged "$birch" --json
    holds "sqrt(($(field loss <stdout) - $beside)^2) < 1e-5"
    expect 0 "$SFT" export "$base" --adapter "$adapter" --out merged.gguf --dtype q8_0
    expect 0 "$SFT" generate merged.gguf Name a tree.
    is "$(cat stdout)" 'The birch.'
}

test_info_of_one() {
    adapter
    expect 0 "$SFT" info "$adapter"
    has stdout 'adapter    LoRA, r 4, lora_alpha 32, on 8 matrices: c_attn c_proj c_fc'
    has stdout 'checksums  hold'
    has stdout "base       $(readlink -f "$base")"
    expect 0 "$SFT" info "$adapter" --json
    has stdout '{"complete":true,"peft_type":"LORA",'
    has stdout '"r":4,"lora_alpha":32,'
    cp -r "$(readlink -f "$adapter/last")" damaged
    printf x | dd of=damaged/adapter_model.safetensors bs=1 seek=4000 conv=notrunc 2>/dev/null
    expect 1 "$SFT" info damaged --json
    has stdout '{"complete":false,'
    has stdout 'its checksum is not the one'
    expect 0 "$SFT" info "$GOLDEN/peft/opt"
    has stdout 'saved      layer_norm'
    has stdout 'checksums  none'
}

test_its_tokenizer() {
    adapter
    for words in "--model $adapter/last" "--adapter $adapter" "--model $base --adapter $adapter"; do
        expect 0 sh -c "printf '<|im_end|>' | \"\$SFT\" tokenizer encode --special $words"
        is "$(cat stdout)" 403
    done
}

# ask MODEL: its answer to the question.
ask() {
    curl -s "$url/v1/chat/completions" -d \
        "{\"model\":\"$1\",\"temperature\":0,\"messages\":[{\"role\":\"user\",\"content\":\"Name a tree.\"}]}" >answer
}

test_serve_has_several_models() {
    adapter
    "$SFT" serve "$base" --served-model-name oak --adapter "birch=$adapter" --port 0 2>log &
    pid=$!
    wait_until grep -q '^serving oak at ' log
    url=$(sed -n 's/^serving .* at //p' log)
    curl -s "$url/v1/models" >models
    is "$(tr ',{' '\n\n' <models | grep -c '"object":"model"')" 2
    ask oak
    has answer '"content":"The oak."'
    ask birch
    has answer '"content":"The birch."'
    has answer '"model":"birch"'
    ask oak
    has answer '"content":"The oak."'
    ask elm
    has answer '"code":"model_not_found"'
    curl -s "$url/v1/models/birch" >answer
    has answer '"id":"birch"'
    kill "$pid"
    wait "$pid"
    pid=
    expect_error_about 2 "two models would be called 'oak'" "$SFT" serve "$base" --served-model-name oak \
        --adapter "oak=$adapter" --port 0
    expect_error_about 2 'takes no other' "$SFT" serve "$adapter" --adapter "birch=$adapter" --port 0
}

# A prompt of several words, or a file of conversations, is no model: the adapter names its base.
test_an_adapter_alone_as_an_option() {
    adapter
    expect 0 "$SFT" generate --adapter "$adapter" 'Name a tree.'
    is "$(cat stdout)" 'The birch.'
    expect 0 "$SFT" eval --adapter "$adapter" "$birch" --json
    cp stdout alone
    expect 0 "$SFT" eval "$base" --adapter "$adapter" "$birch" --json
    is "$(field loss <alone)" "$(field loss <stdout)"
    expect_error_about 1 'BASE --adapter' "$SFT" generate --adapter "$adapter" Hello
    expect_error_about 2 'expected files of conversations' "$SFT" eval --adapter "$adapter" "$base"
}
