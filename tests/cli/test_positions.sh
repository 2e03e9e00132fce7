# Models that could see far more than anybody says: memory follows what is used.

# far_base: a Llama of 100 million positions, in base/; a table of any of them, or slots for all, would be gigabytes.
far_base() {
    tiny_base base
    cat >base/config.json <<END2
{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "num_hidden_layers": 2, "num_attention_heads": 4,
 "num_key_value_heads": 2, "hidden_size": 32, "intermediate_size": 64, "max_position_embeddings": 100000000,
 "vocab_size": 401, "bos_token_id": 400, "eos_token_id": [400, 7]}
END2
    cat >config.ini <<END2
[model]
base = base/config.json
[data]
train = $DATA/chat.jsonl
[train]
output_dir = run
max_steps = 3
batch_size = 4
learning_rate = 1e-3
precision = fp32
END2
}

test_a_hundred_million_positions() {
    (ulimit -v 3000000 && "$SFT" --version >/dev/null 2>&1) || { echo 'SKIP: a build with sanitizers'; return 0; }
    far_base
    ulimit -v 3000000
    expect 0 "$SFT" train config.ini --dry-run
    holds "$(cat stdout stderr | sed -n 's/^memory about \([0-9.]*\) MB.*/\1/p') < 100"
    expect 0 "$SFT" train config.ini
    expect 0 "$SFT" eval run "$DATA/chat.jsonl"
    expect 0 "$SFT" export run --out model
    expect 0 "$SFT" info model
    expect 0 "$SFT" generate model --max-new-tokens 5 Name a tree.
    for i in 1 2 3; do
        echo 'Why is the sky blue?'
    done | "$SFT" chat model --max-new-tokens 300 >answers 2>notices || die "$(cat notices)"
    [ ! -s notices ] || die "$(cat notices)"
    is "$(tr -d ' \n' <model/generation_config.json | sed 's/.*"eos_token_id":\(\[[^]]*\]\).*/\1/')" '[403,400,7]'
}

# An answer may be asked to be as long as it likes: what is missing is said when it is missing.
test_no_memory_for_a_long_answer() {
    (ulimit -v 3000000 && "$SFT" --version >/dev/null 2>&1) || { echo 'SKIP: a build with sanitizers'; return 0; }
    far_base
    sed -i 's/"hidden_size"/"head_dim": 256, &/' base/config.json # 16 KB a position
    expect 0 "$SFT" train config.ini --set train.max_steps=1
    yes 'the the the the the the the the the the' | head -n 10000 >text
    code=0
    (ulimit -v 1000000 && OMP_NUM_THREADS=1 "$SFT" generate run --raw --max-new-tokens 5) <text >stdout 2>stderr || code=$?
    is "$code" 1
    grep -q '^error: the prompt has [0-9]* tokens, and there is memory for the keys and values of [0-9]* positions' stderr || die "$(cat stderr)"
}
