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
    is "$(sed -n 2,4p stdout)" '{"error":"prompt: expected a string, found a number","row":2,"prompt":3}
{"error":"prompt: missing","row":3}
{"error":"the prompt is empty, and there is nothing to continue","row":4,"prompt":""}'
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
    has stdout '{"error":"a document has no turns to answer (sft generate --raw continues text)","row":3,"text":"Hello"}'
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
    is "$(cat stdout)" "{\"error\":\"the model's output is not finite: its weights have diverged, or its config.json is not theirs\",\"row\":1,\"prompt\":\"the\"}"
}

# Who starts it without a prompt on a terminal is told what it waits for.
test_a_prompt_is_asked_for_on_a_terminal() {
    has_terminals || return 0
    { sleep 1; printf 'Hello\n\004'; sleep 1; } | script -qec "$SFT generate $(trained_model)" /dev/null >raw
    has raw 'type the prompt; Ctrl-D on a line of its own ends it'
    has raw 'Hi there.'
}

# ---- many at once ----

# many_rows: 41 conversations in the file `rows`, one of them bad, whose answers differ in length; some ask for what is known by heart.
many_rows() {
    awk 'BEGIN {
        split("Hello|Name a tree.|What is 2+2?|Why is the sky blue?|tree tree|a|Name", texts, "|")
        for (i = 0; i < 41; i++)
            printf "{\"id\": %d, \"messages\": [{\"role\": \"%s\", \"content\": \"%s\"}]}\n", i, i == 17 ? "usr" : "user", texts[i % 7 + 1]
    }' >rows
}

# Answers are those of each row alone, and come in the order of the rows.
test_many_rows_at_once() {
    model=$(trained_model)
    many_rows
    for options in '--temperature 0' '--temperature 1.5 --min-p 0.05 --seed 3 --repetition-penalty 1.1'; do
        expect 1 "$SFT" generate "$model" --json --max-new-tokens 30 --parallel 1 $options <rows
        mv stdout alone
        for parallel in 3 16 100; do
            expect 1 "$SFT" generate "$model" --json --max-new-tokens 30 --parallel $parallel $options <rows
            diff alone stdout || die "--parallel $parallel $options"
        done
        is "$(grep -v '^{"error"' alone | field id | tr '\n' ' ')" "$(seq 0 40 | grep -vx 17 | tr '\n' ' ')"
        sed -n 18p alone | grep -q '^{"error":"messages\[0\].role: ' || die "$(sed -n 18p alone)"
        while IFS= read -r row; do
            echo "$row" | "$SFT" generate "$model" --json --max-new-tokens 30 --temperature 0
        done <rows >each || :
        [ "$options" != '--temperature 0' ] || sed 's/"row":18,/"row":1,/' alone | diff - each || die 'a row alone'
    done
}

# A program that waits for each answer gets it at once, though another row might come.
test_a_pipe_that_waits() {
    mkfifo in out
    "$SFT" generate "$(trained_model)" --json <in >out 2>log &
    pid=$!
    exec 8>in 9<out
    for pair in 'Hello:Hi there.' 'Name a tree.:The oak.' 'What is 2+2?:2+2 is 4.'; do
        printf '{"messages":[{"role":"user","content":"%s"}]}\n' "${pair%%:*}" >&8
        read -r answer <&9
        is "$(echo "$answer" | grep -cF "\"content\":\"${pair#*:}\"}]")" 1
    done
    printf '{"messages":[{"role":"user",' >&8 # half a line is none
    printf '"content":"Hello"}]}' >&8
    exec 8>&-
    read -r answer <&9
    is "$(echo "$answer" | grep -c 'Hi there')" 1
    exec 9<&-
    finish 0
}

test_several_samples() {
    model=$(trained_model)
    for text in Hello 'Name a tree.'; do
        echo "{\"messages\":[{\"role\":\"user\",\"content\":\"$text\"}],\"sample\":\"mine\"}"
    done >rows
    set -- --json --temperature 4 --max-new-tokens 12 --seed 5
    expect 0 "$SFT" generate "$model" "$@" <rows
    is "$(field sample <stdout | tr '\n' ' ')" 'mine mine '
    mv stdout one
    expect 0 "$SFT" generate "$model" "$@" --num-samples 4 <rows
    is "$(field sample <stdout | tr '\n' ' ')" '0 1 2 3 0 1 2 3 '
    is "$(sed 's/,"sample.*//' stdout | sort -u | wc -l | tr -d ' ')" 8
    is "$(sed -n '1p;5p' stdout | sed 's/,"sample".*//')" "$(sed 's/,"sample".*//' one)"
    expect 0 "$SFT" generate "$model" --num-samples 2 Hello
    is "$(cat stdout)" 'Hi there.
---
Hi there.'
    has stderr 'with temperature 0 the 2 answers to a prompt are the same'
    expect_error 2 '--num-samples: expected 1 to 1024, found 0' "$SFT" generate "$model" --num-samples 0 Hello
    expect_error 2 '--parallel: expected 1 to 256, found 1000' "$SFT" generate "$model" --parallel 1000 Hello
}

# The text ends before the first stop string; the tokens are all that were made.
test_stop_strings() {
    model=$(trained_model)
    expect 0 "$SFT" generate "$model" --system 'Be short.' --stop light --stop 'rs b' 'Why is the sky blue?'
    is "$(cat stdout)" 'Air scatte'
    expect 0 "$SFT" generate "$model" --system 'Be short.' --stop 'light!' 'Why is the sky blue?'
    is "$(cat stdout)" 'Air scatters blue light.'
    echo '{"messages":[{"role":"user","content":"Name a tree."}]}' >rows
    expect 0 "$SFT" generate "$model" --json --stop oak <rows
    has stdout '"content":"The "}],"tokens":['
    has stdout '"finish_reason":"stop"}'
    has_not stdout ',403]' # nothing was made behind it
    echo '{"prompt":"the the"}' >rows
    golden_model
    expect 0 "$SFT" generate m --raw --json --max-new-tokens 24 <rows
    whole=$(field completion <stdout)
    middle=$(printf '%s' "$whole" | cut -c 4-6)
    expect 0 "$SFT" generate m --raw --json --max-new-tokens 24 --stop "$middle" <rows
    is "$(field completion <stdout)" "${whole%%"$middle"*}"
    expect_error 2 '--stop: an empty text ends nothing' "$SFT" generate m --stop '' x
}

# min_p is of the likeliest token's probability: 1 leaves nothing else, at any temperature.
test_min_p() {
    model=$(trained_model)
    expect 0 "$SFT" generate "$model" --temperature 50 --min-p 1 Hello
    is "$(cat stdout)" 'Hi there.'
    expect 0 "$SFT" generate "$model" --temperature 50 --max-new-tokens 5 Hello
    [ "$(cat stdout)" != 'Hi there.' ] || die 'temperature 50 changes nothing'
    expect_error 2 '--min-p: expected a number from 0 to 1, found 1.5' "$SFT" generate "$model" --min-p 1.5 Hello
    cp -r "$model/" m
    echo '{"do_sample": true, "temperature": 50, "min_p": 1, "top_k": 0, "top_p": 1}' >m/generation_config.json
    is "$(echo Hello | "$SFT" chat m)" 'Hi there.'
}

test_timings() {
    expect 0 "$SFT" generate "$(trained_model)" --timings Hello
    grep -q '^[0-9]* prompt tokens, 0 of them known from before, and [0-9]* new ones in [0-9.]* s: [0-9.]* new tokens/s$' stderr || die "$(cat stderr)"
}

# Where a row is told by its id, so is the error; the end says how many there were.
test_a_bad_row_is_told_by_its_keys() {
    cat >rows <<'END'
{"id":3,"messages":[],"error":"old","tags":["a"]}

{"id":4,"messages":[{"role":"user","content":"Hello"}]}
[1]
{"row":"mine","instruction":"Hello"}
END
    expect 1 "$SFT" generate "$(trained_model)" --json <rows
    is "$(wc -l <stdout | tr -d ' ')" 4 # a blank line is no row
    is "$(sed -n '1s/:.*"row/ row/p' stdout)" '{"error" row":1,"id":3,"tags":["a"]}'
    is "$(sed -n 3p stdout | sed 's/.*,//')" '"row":3}'
    is "$(sed -n 4p stdout | sed 's/.*","row/","row/')" '","row":"mine","instruction":"Hello"}'
    has_not stdout '[data]' # which generate does not obey
    is "$(tail -n 1 stderr)" '3 of 4 rows had errors'
}

# A hint is to something that the command heeds.
test_hints_are_to_what_is_read() {
    model=$(trained_model)
    expect_error 2 "unknown option '--max-tokens' (did you mean --max-new-tokens?)" "$SFT" generate "$model" --max-tokens 4
    expect_error 2 "unknown option '--system_prompt=x' (did you mean --system?)" "$SFT" generate "$model" --system_prompt=x
    expect_error 2 "unknown option '--system' (usage: sft serve DIR [options])" "$SFT" serve "$model" --system x
    expect_error 2 "unknown option '--template' (did you mean --set data.template=...?)" "$SFT" generate "$model" --template chatml
    expect_error 2 "unknown option '--max-length' (did you mean --set data.max_length=...?)" "$SFT" train c.ini --max-length 4
    for command in generate chat "serve --port 0"; do
        expect_error_about 2 '--set data.system: is not read by this command (but data.template, data.system_prefix, ' \
            "$SFT" $command "$model" --set data.system=x
    done
    expect_error_about 2 '--set train.batch_size: is not read by this command (but ' "$SFT" eval "$model" "$DATA/chat.jsonl" --set train.batch_size=2
    expect 0 "$SFT" eval "$model" "$DATA/chat.jsonl" --set train.micro_batch_tokens=512 --set data.train_on=all
}

test_prompts_that_are_no_text() {
    model=$(trained_model)
    expect_error_about 1 'the prompt is empty' "$SFT" generate "$model" ''
    printf '\n\n' >empty
    expect_error_about 1 'the prompt is empty' "$SFT" generate "$model" <empty
    expect_error_about 1 'the prompt is empty, and there is nothing to continue' "$SFT" generate "$model" --raw ''
    bad=$(printf 'a\377b')
    printf 'a\377b' >bytes
    for option in '' --raw; do
        expect_error_about 1 'prompt: not UTF-8 (byte 0xFF)' "$SFT" generate "$model" $option "$bad"
        expect_error_about 1 'prompt: not UTF-8 (byte 0xFF)' "$SFT" generate "$model" $option <bytes
    done
    expect_error_about 1 '--system: not UTF-8 (byte 0xFF)' "$SFT" generate "$model" --system "$bad" Hello
    expect_error 1 "the model's name is empty" "$SFT" generate '' Hello
}

test_rows_that_cannot_be_read() {
    expect 1 "$SFT" generate "$(trained_model)" --json <.
    is "$(cat stderr)" 'error: standard input: Is a directory'
    echo '{"prompt":"Hello"}' >rows
    expect 1 "$SFT" generate "$(trained_model)" --json <rows
    is "$(cat stdout)" '{"error":"prompt: alone it is text to be continued, with --raw (a conversation that is to be answered is {\"messages\": [...]})","row":1,"prompt":"Hello"}'
    echo '{"messages":[{"role":"user","content":"Hello"}]}' >rows
    expect_error 2 'with --json a conversation brings its own system message, not --system' "$SFT" generate "$(trained_model)" --json --system x <rows
}
