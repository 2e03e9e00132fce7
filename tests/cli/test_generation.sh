# What ends an answer, what is never chosen, and text that is continued as it stands: against transformers' generate.

# golden_model: the model of tests/golden/generation in ./m.
golden_model() {
    mkdir -p m
    cp "$GOLDEN"/tiny_tokenizer/*.json "$GOLDEN"/generation/*config.json "$GOLDEN"/generation/model.safetensors m
}

# As transformers' greedy generate: tokens, where they end, text; with and without repetition_penalty; padded rows, which
# are the likeliest, are never chosen.
test_raw_continues_as_transformers_does() {
    golden_model
    for penalty in 1.0 1.3; do
        grep "^{\"penalty\":$penalty," "$GOLDEN/generation/golden.jsonl" | sed 's/^{"penalty":[0-9.]*,"want"://; s/}$//' >want
        sed 's/,"completion":.*/}/' want >rows
        is "$(wc -l <rows | tr -d ' ')" 5
        expect 0 "$SFT" generate m --raw --json --max-new-tokens 24 --repetition-penalty $penalty <rows
        diff want stdout || die "penalty $penalty"
        [ ! -s stderr ] || die "$(cat stderr)"
    done
}

test_raw_takes_a_prompt_as_text_too() {
    golden_model
    expect 0 "$SFT" generate m --raw the the the the the
    is "$(cat stdout)" "$(sed -n 's/^{"penalty":1.0.*"prompt":"the the.*"completion":"\([^"]*\)".*/\1/p' "$GOLDEN/generation/golden.jsonl")"
    cat >rows <<'END'
{"id": 7, "prompt": "the the the the the", "completion": "old", "tags": ["a"]}
{"prompt": 3}
{"messages": [{"role": "user", "content": "Hello"}]}
{"prompt": ""}
END
    expect 1 "$SFT" generate m --raw --json <rows
    sed -n 1p stdout | grep -q '^{"id":7,"prompt":"the the the the the","tags":\["a"\],"completion":"[^"]*","tokens":\[246,' || die "$(cat stdout)"
    is "$(sed -n 2,4p stdout)" '{"error":"prompt: expected a string, found a number"}
{"error":"prompt: expected a string, found missing"}
{"error":"the prompt is empty, and there is nothing to continue"}'
    expect_error 2 '--system has no place in text that is continued as it stands (--raw)' "$SFT" generate m --raw --system x y
}

# A model that was trained on documents ends where they did.
test_documents_end_by_themselves() {
    tiny_base base
    for i in 1 2 3 4; do
        echo '{"text": "one two three four five"}'
        echo '{"text": "red green blue"}'
    done >docs.jsonl
    cat >config.ini <<END
[model]
base = base/config.json
[data]
train = docs.jsonl
[train]
output_dir = run
max_steps = 150
batch_size = 8
learning_rate = 1e-2
precision = fp32
logging_steps = 50
END
    expect 0 "$SFT" train config.ini
    expect 0 "$SFT" generate run --raw one two
    is "$(cat stdout)" ' three four five'
    is "$(cat stderr)" 'model  run/checkpoint-150 (last of run)'
    echo '{"prompt":"red green"}' >rows
    expect 0 "$SFT" generate run --raw --json <rows
    has stdout '"completion":" blue","tokens":['
    has stdout ',400],"finish_reason":"stop"}'
}

# Every end token of generation_config.json, and the template's, ends an answer; config.json's where that names none.
test_what_ends_an_answer() {
    model=$(trained_model)
    cp -r "$model/" m
    echo '{"messages":[{"role":"user","content":"Name a tree."}]}' >rows
    expect 0 "$SFT" generate m --json <rows
    has stdout '"content":"The oak."}'
    end=$(sed 's/.*"tokens":\[[^]]*,\([0-9]*\),[0-9]*\].*/\1/' stdout) # the full stop
    for where in 'generation_config.json [999999,END]' 'generation_config.json END' 'config.json [403,END]'; do
        cp "$model"/*.json m
        [ "${where%% *}" = generation_config.json ] || sed -i '/eos_token_id/d' m/generation_config.json
        sed -i "s/\"eos_token_id\": [0-9]*/\"eos_token_id\": $(echo "${where#* }" | sed "s/END/$end/")/" "m/${where%% *}"
        expect 0 "$SFT" generate m --json <rows
        has stdout '"content":"The oak"}'
        has stdout "$end],\"finish_reason\":\"stop\"}"
    done
}

test_a_conversation_that_has_its_answer() {
    model=$(trained_model)
    cat >rows <<'END'
{"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi there."}]}
{"prompt":"Hello","completion":"Hi there."}
{"text":"Hello"}
END
    expect 1 "$SFT" generate "$model" --json <rows
    is "$(grep -c '"error":"messages\[1\]: the conversation ends with the assistant.s answer already' stdout)" 2
    has stdout '{"error":"a document has no turns to answer (sft generate --raw continues text)"}'
}

# A model's output, and names from its files, reach a terminal as text. `script` makes one.
test_nothing_disturbs_a_terminal() {
    has_terminals || return 0
    tiny_base base
    printf '{"messages":[{"role":"user","content":"Go"},{"role":"assistant","content":"a\\u001b[2Jb\\u009bc"}]}\n' >rows
    cat >config.ini <<END
[model]
base = base/config.json
[data]
train = rows
[train]
output_dir = run
max_steps = 60
batch_size = 1
learning_rate = 1e-2
precision = fp32
logging_steps = 60
END
    expect 0 "$SFT" train config.ini
    expect 0 "$SFT" generate run Go # a pipe or a file gets the bytes
    is "$(cat stdout)" "$(printf 'a\033[2Jb\302\233c')"
    script -qec "\"$SFT\" generate run Go" typescript >screen </dev/null
    has screen 'a\x1b[2Jb\x9bc'
    printf 'Go\n' | "$SFT" chat run --temperature 0 >piped 2>log
    is "$(cat piped)" "$(printf 'a\033[2Jb\302\233c')"
    script -qec "printf 'Go\\n' | \"$SFT\" chat run --temperature 0" typescript >screen </dev/null
    has screen 'a\x1b[2Jb\x9bc'
}

# BOS stands before the text only where the tokenizer itself puts it; what is typed as a token is that token.
test_raw_begins_as_the_tokenizer_does() {
    golden_model
    echo '{"prompt":"the the"}' >bare
    echo '{"prompt":"<|endoftext|>the the"}' >with_bos
    for rows in bare with_bos; do
        expect 0 "$SFT" generate m --raw --json --max-new-tokens 8 <$rows
        sed 's/.*"tokens"/"tokens"/' stdout >$rows.without
    done
    cmp -s bare.without with_bos.without && die 'BOS changes nothing, so the test is worth nothing'
    bos='{"SpecialToken":{"id":"<|endoftext|>","type_id":0}}' text='{"Sequence":{"id":"A","type_id":0}}'
    sed -i "s/\"post_processor\": null/\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[$bos,$text],\"pair\":[$bos,$text],\"special_tokens\":{\"<|endoftext|>\":{\"id\":\"<|endoftext|>\",\"ids\":[400],\"tokens\":[\"<|endoftext|>\"]}}}/" m/tokenizer.json
    expect 0 "$SFT" generate m --raw --json --max-new-tokens 8 <bare
    is "$(sed 's/.*"tokens"/"tokens"/' stdout)" "$(cat with_bos.without)"
}

# Weights that are finite and give infinities: an error, not the first token for ever.
test_a_diverged_model_is_named() {
    command -v python3 >/dev/null || { echo 'SKIP: no python3'; return 0; }
    golden_model
    python3 - m/model.safetensors <<'END'
import json, struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
size = struct.unpack("<Q", data[:8])[0]
begin, end = json.loads(data[8:8 + size])["transformer.ln_f.weight"]["data_offsets"]
data[8 + size + begin:8 + size + end] = b"\x7f\x7f" * ((end - begin) // 2)  # 3.4e38 in bfloat16
open(sys.argv[1], "wb").write(data)
END
    echo '{"prompt":"the"}' >rows
    expect 1 "$SFT" generate m --raw --json <rows
    is "$(cat stdout)" "{\"error\":\"the model's output is not finite: its weights have diverged, or its config.json is not theirs\"}"
}

# Who starts it without a prompt on a terminal is told what it waits for.
test_a_prompt_is_asked_for_on_a_terminal() {
    has_terminals || return 0
    { sleep 1; printf 'Hello\n\004'; sleep 1; } | script -qec "$SFT generate $(trained_model)" /dev/null >raw
    has raw 'type the prompt; Ctrl-D on a line of its own ends it'
    has raw 'Hi there.'
}
