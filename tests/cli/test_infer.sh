# generate, chat and eval with a model that knows chat.jsonl by heart; tokenizer.

test_generate_one_prompt() {
    model=$(trained_model)
    expect 0 "$SFT" generate --model "$model" What is '2+2?'
    is "$(cat stdout)" '2+2 is 4.'
    expect 0 sh -c "echo 'Name a tree.' | \"\$SFT\" generate --model $model"
    is "$(cat stdout)" 'The oak.'
    expect 0 "$SFT" generate --model "$model" --system 'Be short.' 'Why is the sky blue?'
    is "$(cat stdout)" 'Air scatters blue light.'
}

test_a_base_that_knows_no_turns_is_warned_about() {
    warning='has not been trained with template = im_sep: 3 of its control tokens are new'
    expect 0 "$SFT" generate --model "$GOLDEN/../../checkpoints/base" --max-new-tokens 1 Hello
    has stderr "$warning"
    expect 0 "$SFT" generate --model "$GOLDEN/../../checkpoints/base" --raw --max-new-tokens 1 Hello
    is "$(cat stderr)" ''
    expect 0 "$SFT" generate --model "$(trained_model)" Hello
    is "$(cat stderr)" ''
}

generate_json() {
    "$SFT" generate --model "$model" --json "$@" <rows.jsonl
}

test_generate_json_fields() {
    model=$(trained_model)
    echo '{"messages":[{"role":"user","content":"What is 2+2?"}]}' >rows.jsonl
    expect 0 generate_json
    tokens=$(printf '2+2 is 4.' | "$SFT" tokenizer encode --model "$model" | tr ' ' ',')
    is "$(cat stdout)" "{\"messages\":[{\"role\":\"user\",\"content\":\"What is 2+2?\"},{\"role\":\"assistant\",\"content\":\"2+2 is 4.\"}],\"tokens\":[$tokens,403],\"finish_reason\":\"stop\"}"
    expect 0 generate_json --max-new-tokens 3
    has stdout '"finish_reason":"length"}'
    is "$(sed 's/.*"tokens":\[\([^]]*\)\].*/\1/' stdout | tr ',' '\n' | wc -l | tr -d ' ')" 3
    expect 0 generate_json --max-new-tokens 0
    has stdout '"tokens":[],"finish_reason":"length"}'
}

test_generate_json_goes_past_bad_rows() {
    model=$(trained_model)
    cat >rows.jsonl <<'END'
{"messages":[{"role":"user","content":"Hello"}]}
{"messages":[{"role":"usr","content":"Hello"}]}
not JSON

{"messages":[]}
{"messages":[{"role":"user","content":"Name a tree."}]}
END
    expect 1 generate_json
    is "$(cat stderr)" '3 of 5 rows had errors'
    is "$(sed -n 2p stdout)" "{\"error\":\"messages[0].role: unknown role 'usr' (system, user or assistant)\",\"row\":2}"
    is "$(grep -c '^{"error":' stdout)" 3
    is "$(wc -l <stdout | tr -d ' ')" 5
    has stdout '"content":"Hi there."}'
    tail -n 1 stdout | grep -q 'The oak.' || die "$(cat stdout)"
}

test_a_prompt_that_is_too_long() {
    model=$(trained_model)
    awk 'BEGIN { printf "{\"messages\":[{\"role\":\"user\",\"content\":\""; for (i = 0; i < 200; i++) printf " word"; print "\"}]}" }' >rows.jsonl
    expect 1 generate_json
    grep -q '^{"error":"the prompt has [0-9]* tokens, and the model sees 128 at most: shorten it","row":1}$' stdout || die "$(cat stdout)"
}

test_generation_ends_where_the_positions_do() {
    model=$(trained_model)
    echo '{"messages":[{"role":"user","content":"Hello"}]}' >rows.jsonl
    expect 0 generate_json --temperature 50 --max-new-tokens 100000
    is "$(sed 's/.*"tokens":\[\([^]]*\)\].*/\1/' stdout | tr ',' '\n' | wc -l | awk '{ print $1 <= 114 }')" 1
}

test_sampling_follows_the_seed() {
    model=$(trained_model)
    for i in 1 2 3; do echo '{"messages":[{"role":"user","content":"Hello"}]}'; done >rows.jsonl
    for seed in 1 1 2; do
        expect 0 generate_json --temperature 2 --seed $seed --max-new-tokens 12
        cat stdout >>all
    done
    is "$(sed -n 1,3p all)" "$(sed -n 4,6p all)"
    [ "$(sed -n 1,3p all)" != "$(sed -n 7,9p all)" ] || die 'two seeds, one text'
    [ "$(sed -n 1p all)" != "$(sed -n 2p all)" ] || die 'equal rows get equal random numbers'
    expect 0 generate_json --temperature 2 --top-k 1
    mv stdout greedy
    expect 0 generate_json
    same stdout greedy
}

test_chat_through_a_pipe() {
    model=$(trained_model)
    printf 'Name a tree.\n\n/reset\nHello\r\n/quit\nHello\n' >lines
    expect 0 sh -c "\"\$SFT\" chat --model $model --temperature 0 <lines"
    is "$(cat stdout)" 'The oak.
Hi there.'
    [ ! -s stderr ] || die "$(cat stderr)"
}

test_chat_remembers_until_reset() {
    model=$(trained_model)
    printf 'What is 2+2?\nAnd with * in place of +?' >lines # the last line has no end
    expect 0 sh -c "\"\$SFT\" chat --model $model --temperature 0 <lines"
    is "$(cat stdout)" '2+2 is 4.
2*2 is 4 too.'
}

test_chat_survives_a_line_that_is_too_long() {
    model=$(trained_model)
    awk 'BEGIN { for (i = 0; i < 200; i++) printf " word"; print ""; print "/reset"; print "Hello" }' >lines
    expect 1 sh -c "\"\$SFT\" chat --model $model --temperature 0 <lines" # which is for the message that had no answer
    is "$(cat stdout)" 'Hi there.'
    grep -q '^error: the prompt has [0-9]* tokens, and the model sees 128 at most: shorten the message$' stderr ||
        die "$(cat stderr)"
}

test_eval_json_fields() {
    model=$(trained_model)
    expect 0 "$SFT" eval --model "$model" "$DATA/chat.jsonl" --json
    is "$(sed 's/:[^,}]*//g' stdout)" '{"loss","perplexity","mean_token_accuracy","num_target_tokens","num_conversations"}'
    is "$(field mean_token_accuracy <stdout)" 1
    is "$(field num_conversations <stdout)" 12
    loss=$(field loss <stdout) perplexity=$(field perplexity <stdout)
    holds "$perplexity - exp($loss) < 1e-6 && exp($loss) - $perplexity < 1e-6"
    targets=$("$SFT" inspect --base "$model" "$DATA/chat.jsonl" --json | sed 's/.*"weights"//' | tr -c '1\n' ' ' | tr -d ' \n' | wc -c)
    is "$(field num_target_tokens <stdout)" "$(echo $targets)"
}

test_eval_agrees_with_training() {
    write_config
    expect 0 "$SFT" train config.ini --set "data.eval=$DATA/eval.jsonl"
    expect 0 "$SFT" eval --model run/last "$DATA/eval.jsonl" --json
    is "$(field loss <stdout)" "$(tail -n 1 run/metrics.jsonl | field eval_loss)"
}

test_eval_of_several_files() {
    model=$(trained_model)
    expect 0 "$SFT" eval --model "$model" "$DATA/chat.jsonl" "$DATA/eval.jsonl"
    has stdout ' of 15 conversations'
    echo '{"messages":[{"role":"user","content":"Hello"}]}' >none.jsonl
    expect_error 1 'no conversation is left to score; left out: 1 (no assistant turn) (look at the files with sft inspect)' "$SFT" eval --model "$model" none.jsonl
}

test_tokenizer_round_trip() {
    model=$(trained_model)
    printf 'Köln: <|im_end|>\n\ttab ☃' >text
    expect 0 sh -c "\"\$SFT\" tokenizer encode --model $model <text"
    mv stdout ids
    expect 0 sh -c "\"\$SFT\" tokenizer decode --model $model <ids"
    same stdout text
    expect 0 sh -c "echo '<|im_end|>' | \"\$SFT\" tokenizer encode --special --model $model"
    is "$(cut -d ' ' -f 1 stdout)" 403
    expect_error 1 "standard input: expected ids below 404, found '404'" sh -c "echo 17 404 | \"\$SFT\" tokenizer decode --model $model"
}

test_generate_gives_back_what_else_a_row_holds() {
    model=$(trained_model)
    echo '{"id": 7, "messages": [{"role": "user", "content": "hi", "name": "Ann"}], "tags": ["a", {"b": null}], "tokens": [1]}' >rows
    expect 0 "$SFT" generate --model "$model" --json --max-new-tokens 3 <rows
    has stdout '{"messages":[{"role":"user","content":"hi","name":"Ann"},{"role":"assistant","content":"'
    has stdout ',"id":7,"tags":["a",{"b":null}]}'
    is "$(grep -o '"tokens"' stdout | wc -l)" 1
}
