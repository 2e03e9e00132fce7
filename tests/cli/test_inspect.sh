# sft inspect: what is trained on, as JSON and as text.

# ids TEXT: its tokens, separated by commas.
ids() {
    printf '%s' "$1" | "$SFT" tokenizer encode --model base | tr ' ' ','
}

# repeated N TEXT
repeated() {
    awk -v n="$1" -v text="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%s%s", i ? "," : "", text }'
}

count() {
    echo "$1" | tr ',' '\n' | wc -l
}

write_rows() {
    tiny_base base
    cat >rows.jsonl <<'END'
{"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi there."}]}
{"messages":[{"role":"user","content":"Hello"}]}

{"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi there.","weight":0}]}
{"messages":[{"role":"usr","content":"Hello"},{"role":"assistant","content":"Hi there."}]}
{"messages":[{"role":"user","content":"a <|im_end|> b"},{"role":"assistant","content":"c","weight":0.5}]}
END
}

# The base has 401 ids: the control tokens are added behind them, in the order start, sep, end.
test_im_sep_as_json() {
    tiny_base base
    head -n 1 "$DATA/chat.jsonl" >one.jsonl
    before="401,$(ids user),402,$(ids 'What is 2+2?'),403,401,$(ids assistant),402"
    reply="$(ids '2+2 is 4.'),403"
    expect 0 "$SFT" inspect --base base one.jsonl --json
    is "$(cat stdout)" "{\"source\":\"one.jsonl:1\",\"tokens\":[$before,$reply],\"weights\":[$(repeated "$(count "$before")" 0),$(repeated "$(count "$reply")" 1)],\"truncated\":false}"
    [ ! -s stderr ] || die "$(cat stderr)"
}

test_chatml_as_json() {
    tiny_base base
    head -n 1 "$DATA/chat.jsonl" >one.jsonl
    newline=$(ids '
')
    before="401,$(ids 'user
What is 2+2?'),402,$newline,401,$(ids 'assistant
')" # the newline before the reply is a token of its own
    reply="$(ids '2+2 is 4.'),402"
    expect 0 "$SFT" inspect --base base one.jsonl --json --set data.template=chatml
    is "$(cat stdout)" "{\"source\":\"one.jsonl:1\",\"tokens\":[$before,$reply,$newline],\"weights\":[$(repeated "$(count "$before")" 0),$(repeated "$(count "$reply")" 1),0],\"truncated\":false}"
}

test_rows_left_out_say_why() {
    write_rows
    expect 0 "$SFT" inspect --base base rows.jsonl --json --set data.on_bad_row=skip
    is "$(field source <stdout | tr '\n' ' ')" 'rows.jsonl:1 rows.jsonl:2 rows.jsonl:4 rows.jsonl:5 rows.jsonl:6 '
    sed -n 's/^.*"truncated":false//p' stdout >ends
    diff - ends <<'END'
}
,"dropped":"no assistant turn"}
,"dropped":"nothing left to train"}
,"dropped":"messages[0].role: unknown role 'usr' (system, user or assistant)"}
}
END
}

test_a_bad_row_is_an_error_by_default() {
    write_rows
    expect_error 1 "rows.jsonl:5: messages[0].role: unknown role 'usr' (system, user or assistant)" \
        "$SFT" inspect --base base rows.jsonl --json
}

# Control tokens that somebody types are text; a message's weight is its tokens' weight.
test_typed_control_tokens_and_weights() {
    write_rows
    sed -n 6p rows.jsonl >one.jsonl
    expect 0 "$SFT" inspect --base base one.jsonl --json
    has stdout "402,$(ids 'a <|im_end|> b'),403,401"
    has stdout ',0,0.5,0.5],"truncated"'
}

test_truncation() {
    tiny_base base
    head -n 1 "$DATA/chat.jsonl" >one.jsonl
    expect 0 "$SFT" inspect --base base one.jsonl --json --set data.max_length=25
    has stdout '"truncated":true}'
    is "$(sed 's/.*"weights":\[\([^]]*\)\].*/\1/' stdout | tr ',' '\n' | wc -l)" 25
    expect 0 "$SFT" inspect --base base one.jsonl --json --set data.max_length=25 --set data.overlong=drop
    has stdout '"dropped":"longer than max_length"'
    expect_error 1 'one.jsonl:1: 28 tokens, more than max_length 25' \
        "$SFT" inspect --base base one.jsonl --set data.max_length=25 --set data.overlong=error
}

test_as_text() {
    write_rows
    expect 0 "$SFT" inspect --base base rows.jsonl --set data.on_bad_row=skip
    diff - stdout <<'END'
rows.jsonl:1  21 tokens, 6 trained
<|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|>[[Hi there.<|im_end|>]]

rows.jsonl:2  9 tokens, 0 trained; left out: no assistant turn
<|im_start|>user<|im_sep|>Hello<|im_end|>

rows.jsonl:4  21 tokens, 0 trained; left out: nothing left to train
<|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|>Hi there.<|im_end|>

rows.jsonl:5  0 tokens, 0 trained; left out: messages[0].role: unknown role 'usr' (system, user or assistant)

rows.jsonl:6  25 tokens, 2 trained
<|im_start|>user<|im_sep|>a <|im_end|> b<|im_end|><|im_start|>assistant<|im_sep|>[[c<|im_end|>]]

END
}

test_token_by_token() {
    tiny_base base
    expect 0 "$SFT" inspect --base base "$DATA/chat.jsonl" --tokens --limit 1
    is "$(sed -n 2p stdout)" 'position       id  weight  text'
    is "$(sed -n 3p stdout)" '       0      401       0  <|im_start|>'
    is "$(sed -n 30p stdout)" '      27      403       1  <|im_end|>'
    is "$(wc -l <stdout | tr -d ' ')" 31
}

# What a config trains on: its files as it names them, --set heeded.
test_of_a_config_file() {
    write_config
    cp "$DATA/chat.jsonl" mine.jsonl
    sed -i 's/^train = .*/train = mine.jsonl/' config.ini
    expect 0 "$SFT" inspect config.ini --json
    is "$(wc -l <stdout | tr -d ' ')" 12
    is "$(field source <stdout | head -n 2 | tr '\n' ' ')" 'mine.jsonl:1 mine.jsonl:2 '
    mv stdout assistant
    expect 0 "$SFT" inspect config.ini --json --set data.train_on=all
    has stdout '"weights":[0,1,1,1'
    expect 0 "$SFT" inspect config.ini --json --set data.train_on=last_assistant
    is "$(diff stdout assistant | grep -c '^<')" 1 # one conversation has two replies
}

test_files_come_in_the_order_given() {
    tiny_base base
    expect 0 "$SFT" inspect --base base "$DATA/eval.jsonl" "$DATA/chat.jsonl" --json
    is "$(field source <stdout | sed -n '3p;4p' | tr '\n' ' ')" "$DATA/eval.jsonl:3 $DATA/chat.jsonl:1 "
}

# A base that is only a tokenizer is enough.
test_without_a_model() {
    tiny_base base
    rm base/config.json
    expect 0 "$SFT" inspect --base base "$DATA/chat.jsonl"
}

test_output_that_cannot_be_written() {
    tiny_base base
    [ -w /dev/full ] || { echo 'SKIP: no /dev/full'; return 0; }
    code=0
    "$SFT" inspect --base base "$DATA/chat.jsonl" --json >/dev/full 2>stderr || code=$?
    is $code 1
    is "$(cat stderr)" 'error: standard output: No space left on device'
}
