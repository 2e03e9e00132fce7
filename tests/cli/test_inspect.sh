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
,"dropped":"messages[0].role: unknown role 'usr' (system, user or assistant; [data] roles = NAME:user maps other names)"}
}
END
}

test_a_bad_row_is_an_error_by_default() {
    write_rows
    expect_error_about 1 "rows.jsonl:5: messages[0].role: unknown role 'usr' " \
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
rows.jsonl:1  21 tokens, 6 trained, 2 turns
<|im_start|>user<|im_sep|>Hello<|im_end|>
<|im_start|>assistant<|im_sep|>[[Hi there.<|im_end|>]]

rows.jsonl:2  9 tokens, 0 trained, 1 turn; left out: no assistant turn
<|im_start|>user<|im_sep|>Hello<|im_end|>

rows.jsonl:4  21 tokens, 0 trained, 2 turns; left out: nothing left to train
<|im_start|>user<|im_sep|>Hello<|im_end|>
<|im_start|>assistant<|im_sep|>Hi there.<|im_end|>

rows.jsonl:5  left out: messages[0].role: unknown role 'usr' (system, user or assistant; [data] roles = NAME:user maps other names)
{"messages":[{"role":"usr","content":"Hello"},{"role":"assistant","content":"Hi there."}]}

rows.jsonl:6  25 tokens, 2 trained, 2 turns
<|im_start|>user<|im_sep|>a <|im_end|> b<|im_end|>
<|im_start|>assistant<|im_sep|>[[c<|im_end|>]]

END
}

# A turn of chatml ends with a line break of its own; a cut one ends where it is cut.
test_turns_of_chatml() {
    tiny_base base
    sed -n 5p "$DATA/chat.jsonl" >one.jsonl
    expect 0 "$SFT" inspect --base base one.jsonl --set data.template=chatml --set data.max_length=18
    diff - stdout <<'END'
one.jsonl:1  18 tokens, 2 trained, 2 turns, cut to the length limit
<|im_start|>user
Hello<|im_end|>
<|im_start|>assistant
[[Hi]]

END
    expect 0 "$SFT" inspect --base base one.jsonl --set data.template=chatml --set data.train_on=all
    diff - stdout <<'END'
one.jsonl:1  23 tokens, 22 trained, 2 turns
<|im_start|>[[user
Hello<|im_end|>
]]
[[<|im_start|>assistant
Hi there.<|im_end|>
]]

END
}

# One control token for both ends of a turn: turns are told apart by counting.
test_turns_of_a_custom_template() {
    tiny_base base
    sed -n 5p "$DATA/chat.jsonl" >one.jsonl
    expect 0 "$SFT" inspect --base base one.jsonl --set data.template=custom --set 'data.user_prefix=<|bar|>Q: ' \
        --set 'data.user_suffix=<|bar|>' --set 'data.assistant_prefix=<|bar|>A: ' --set 'data.assistant_suffix=<|bar|>'
    sed 1d stdout >turns
    diff - turns <<'END'
<|bar|>Q: Hello<|bar|>
<|bar|>A: [[Hi there.<|bar|>]]

END
}

test_a_document() {
    tiny_base base
    printf '{"text":"The sky\\nis blue."}\n' >text.jsonl
    expect 0 "$SFT" inspect --base base text.jsonl
    n=$(printf 'The sky\nis blue.' | "$SFT" tokenizer encode --model base | wc -w)
    printf 'text.jsonl:1  %d tokens, %d trained, a document\nThe[[ sky\nis blue.<|endoftext|>]]\n\n' $((n + 1)) "$n" | diff - stdout
}

# What a terminal would obey is shown as an escape.
test_control_characters() {
    tiny_base base
    printf '{"prompt":"a\\u001b[2Jb\\u009bc\\td","completion":"e"}\n' >one.jsonl
    expect 0 "$SFT" inspect --base base one.jsonl
    has stdout 'a\x1b[2Jb\x9bc\td'
}

# Also in what is said of a bad row, and in the row itself.
test_control_characters_of_bad_rows() {
    tiny_base base
    head -n 1 "$DATA/chat.jsonl" >bad.jsonl
    printf '{"messages":[{"role":"\\u001b]0;x\\u0007\\n\\u009b\342\200\256","content":"\342\200\256\033"}]}\n' >>bad.jsonl
    printf '{"messages":[{"role":"\\u001b]0;x\\u0007\\n\\u009b\342\200\256","content":"\342\200\256"}]}\n' >>bad.jsonl
    told="messages[0].role: unknown role '\\x1b]0;x\\x07\\n\\x9b\\u202e' (system, user or assistant; [data] roles = NAME:user maps other names)"
    expect 0 "$SFT" inspect --base base bad.jsonl --set data.on_bad_row=skip
    has stdout "bad.jsonl:3  left out: $told"
    has stdout '"content":"\u202e\x1b"'
    is "$(tr -d '[:print:]\n' <stdout | wc -c | tr -d ' ')" 0
    sed -i 2d bad.jsonl
    expect_error 1 "bad.jsonl:2: $told" "$SFT" inspect --base base bad.jsonl
    expect 0 "$SFT" inspect --base base bad.jsonl --report
    has stdout "1  $told, first line 2"
    is "$(tr -d '[:print:]\n' <stdout | wc -c | tr -d ' ')" 0
}

test_one_conversation() {
    write_rows
    skip='--set data.on_bad_row=skip'
    expect 0 "$SFT" inspect --base base rows.jsonl $skip --row 3
    is "$(head -n 1 stdout)" 'rows.jsonl:4  21 tokens, 0 trained, 2 turns; left out: nothing left to train'
    is "$(wc -l <stdout | tr -d ' ')" 4
    expect 0 "$SFT" inspect --base base rows.jsonl "$DATA/chat.jsonl" $skip --row 6 --json
    is "$(field source <stdout)" "$DATA/chat.jsonl:1"
    expect 0 "$SFT" inspect --base base rows.jsonl $skip --source rows.jsonl:6
    is "$(head -n 1 stdout)" 'rows.jsonl:6  25 tokens, 2 trained, 2 turns'
    is "$(grep -c '^rows' stdout)" 1
    expect 0 "$SFT" inspect --base base "$PWD/rows.jsonl" "$DATA/chat.jsonl" $skip --source rows.jsonl:5 --json
    is "$(field source <stdout)" "$PWD/rows.jsonl:5"
    expect 0 "$SFT" inspect --base base rows.jsonl*2 $skip --source rows.jsonl:1 --json # twice, as it is trained on
    is "$(field source <stdout | tr '\n' ' ')" 'rows.jsonl:1 rows.jsonl:1 '
    expect 0 "$SFT" inspect --base base rows.jsonl*2 $skip --source rows.jsonl:1 --row 2 --json
    is "$(wc -l <stdout | tr -d ' ')" 1
}

test_a_conversation_that_is_not_there() {
    write_rows
    mkdir a b
    cp rows.jsonl a
    cp rows.jsonl b
    inspect() {
        "$SFT" inspect --base base a/rows.jsonl b/rows.jsonl --set data.on_bad_row=skip "$@"
    }
    expect_error 2 '--row 11: there are only 10 conversations' inspect --row 11
    expect_error 2 '--row: conversations are counted from 1' inspect --row 0
    expect_error 2 '--source: no row begins at a/rows.jsonl:3 (of its 5 rows the one before begins at line 2)' \
        inspect --source a/rows.jsonl:3
    expect_error 2 '--source: rows.jsonl may be a/rows.jsonl or b/rows.jsonl' inspect --source rows.jsonl:1
    expect_error 2 '--source: the data have no file ows.jsonl' inspect --source ows.jsonl:1
    for wrong in rows.jsonl rows.jsonl: rows.jsonl:x rows.jsonl:1x rows.jsonl:0 :1; do
        expect_error 2 "--source: expected FILE:LINE, found '$wrong'" inspect --source $wrong
    done
}

# on_terminal COMMAND: on a terminal; what it shows goes to the file `screen`, without carriage returns, stderr to `log`.
# False where there is nothing that makes a terminal.
on_terminal() {
    script -qec true /dev/null >/dev/null 2>&1 || { echo 'SKIP: no script (util-linux) to make a terminal'; return 1; }
    code=0
    TERM=xterm script -qec "$1 2>log" /dev/null >raw || code=$?
    tr -d '\r' <raw >screen
}

test_in_colour() {
    write_rows
    on_terminal "'$SFT' inspect --base base rows.jsonl --limit 1 --no-pager --set data.on_bad_row=skip" || return 0
    is $code 0
    sed "s/$(printf '\033')/E/g" screen >plain
    has plain 'E[30;42m trained on E[0m'
    has plain 'E[1mrows.jsonl:1  21 tokens, 6 trained, 2 turnsE[0m'
    has plain 'E[30;42mHE[0mE[30;46miE[0m'
    is "$(grep -c 'E\[.*;.*<|im_end|>' plain)" 1 # the reply's, not the question's
    NO_COLOR=1 on_terminal "'$SFT' inspect --base base rows.jsonl --limit 1 --no-pager --set data.on_bad_row=skip"
    "$SFT" inspect --base base rows.jsonl --limit 1 --set data.on_bad_row=skip | diff - screen
}

test_a_pager_on_a_terminal() {
    write_rows
    command="'$SFT' inspect --base base rows.jsonl --set data.on_bad_row=skip"
    SFT_PAGER='sed "s/^/> /"' on_terminal "$command" || return 0
    is $code 0
    is "$(grep -c '^> ' screen)" "$(wc -l <screen | tr -d ' ')"
    has screen 'rows.jsonl:6'
    PAGER='sed "s/^/> /"' on_terminal "$command --report"
    has screen '> train  rows.jsonl (messages)'
    PAGER='sed "s/^/> /"' on_terminal "$command --json" # for a program, not for a reader
    has_not screen '> '
    for none in 'SFT_PAGER=' 'SFT_PAGER=cat' 'TERM=dumb PAGER=false'; do
        on_terminal "env $none $command"
        is $code 0
        has screen 'rows.jsonl:6'
    done
    SFT_PAGER=false on_terminal "$command --no-pager"
    has screen 'rows.jsonl:6'
}

# A reader who has seen enough has not made it fail; a pager that is not there has.
test_a_pager_that_ends_early() {
    tiny_base base
    for i in $(seq 300); do cat "$DATA/chat.jsonl"; done >long.jsonl
    SFT_PAGER='head -n 3' on_terminal "'$SFT' inspect --base base long.jsonl" || return 0
    is $code 0
    is "$(wc -l <screen | tr -d ' ')" 3
    SFT_PAGER=there-is-none on_terminal "'$SFT' inspect --base base long.jsonl"
    is $code 1
    has log 'error: the pager could not be run (set SFT_PAGER, or --no-pager)'
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
