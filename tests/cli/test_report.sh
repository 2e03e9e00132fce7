# sft inspect --report, and the same lines before the first step of sft train.

# rows.jsonl: ten rows, each remarkable. In tokens of im_sep: "Hello" to "Hi there." is 9 + 12.
write_rows() {
    tiny_base base
    cat >rows.jsonl <<'END'
{"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi there."}]}
{"messages":[{"role":"user","content":"Hello"}]}
{"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi there.","weight":0}]}
{"messages":[{"role":"usr","content":"Hello"},{"role":"assistant","content":"Hi there."}]}

{"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi there."}]}
{"messages":[{"role":"system","content":""},{"role":"user","content":"Hello"},{"role":"user","content":"x"},{"role":"assistant","content":""}]}
{"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi there. Hi there. Hi there. Hi there. Hi there."}],"tools":[{}]}
{"messages":[{"role":"user","content":"Hello"},{"role":"asistant","content":"Hi there."}]}
{"messages":
END
}

report() {
    "$SFT" inspect --base base rows.jsonl --report --set data.max_length=40 "$@"
}

# one_file JSON: what is said of the only file, a "key":value a line.
one_file() {
    sed 's/^{"files":\[{\(.*\)}\],"examples".*/\1/' "$1"
}

warnings() {
    sed -n 's/^warning: //p' "$1"
}

# Kept are rows 1, 6, 7 and 8: 21 + 21 + 30 tokens, and 40 of the 45 of row 8, in 2 + 2 + 4 + 2 turns. Trained are 6 + 6
# + 1, and of row 8 what is left behind the 15 of its prompt.
test_every_number_as_json() {
    write_rows
    expect 0 report --json
    [ ! -s stderr ] || die "$(cat stderr)"
    is "$(wc -l <stdout | tr -d ' ')" 1
    one_file stdout | sed 's/,"/\n"/g' >found
    diff - found <<'END'
"source":"rows.jsonl"
"use":"train"
"format":"messages"
"rows":9
"conversations":4
"examples":4
"turns":10
"tokens":112
"target_tokens":38
"trained_share":0.339285714
"truncated":1
"dropped":{"no assistant turn":1
"nothing left to train":1
"bad row":3}
"bad_rows":[{"reason":"messages[0].role: unknown role 'usr' (system, user or assistant; [data] roles = NAME:user maps other names)"
"count":2
"first":"rows.jsonl:4"},{"reason":"column 13: expected a value, but the text ends here"
"count":1
"first":"rows.jsonl:10"}]
"duplicates":1
"longest":45
"empty_content":1
"empty_system":1
"same_role":1
"reply_cut":1
"tools":1
"empty_answers":1
"unused_keys":[{"key":"tools"
"rows":1}]
"refused_flags":[]
"histogram":[{"up_to":16
"count":1},{"up_to":32
"count":4},{"up_to":64
"count":1}]
END
    has stdout '],"examples":4,"eval_examples":0,"tokens_added":["<|im_start|>","<|im_sep|>","<|im_end|>"],"memory":{"parameters":'
    has stdout '},"steps":3,"steps_per_epoch":1,"warnings":["'
    has_not stdout '"disk"' # there is no output_dir
    parts=0
    for part in parameters gradients moments activations data; do parts="$parts + $(sed "s/.*\"memory\"//" stdout | field $part)"; done
    holds "$parts == $(field total <stdout)"
}

# What the report counts is what inspect shows.
test_the_report_counts_what_is_shown() {
    write_rows
    expect 0 report --json
    mv stdout report.json
    expect 0 "$SFT" inspect --base base rows.jsonl --json --set data.max_length=40 --set data.on_bad_row=skip
    is "$(grep -c '"dropped":"no assistant turn"' stdout)" "$(field 'no assistant turn' <report.json)"
    is "$(grep -c '"truncated":true' stdout)" "$(field truncated <report.json)"
    grep -v '"dropped"' stdout >kept
    is "$(wc -l <kept | tr -d ' ')" "$(field conversations <report.json)"
    is "$(sed 's/.*"tokens":\[\([^]]*\)\].*/\1/' kept | tr ',' '\n' | wc -l | tr -d ' ')" "$(field tokens <report.json)"
}

test_as_text() {
    write_rows
    expect 0 report
    [ ! -s stderr ] || die "$(cat stderr)"
    sed '/^plan/,$d' stdout >found
    diff - found <<'END'
model  base: 2 layers, 2 heads, 32 wide, vocabulary 404, 42.5K parameters
       3 control tokens added: <|im_start|>, <|im_sep|>, <|im_end|>
       3 new embedding rows start at the mean of the others
format template im_sep, training on assistant messages
train  rows.jsonl (messages): 4 conversations, 10 turns, 112 tokens,
       38 trained (33.9%)
       left out: 1 (no assistant turn)
       left out: 1 (nothing left to train)
       left out: 3 (bad row)
               2  messages[0].role: unknown role 'usr' (system, user or assistant; [data] roles = NAME:user maps other names), first line 4
               1  column 13: expected a value, but the text ends here, first line 10
       cut to the length limit: 1 (16.7%), 1 inside a reply
       duplicates: 1 (25.0%), kept
       with an empty turn: 1
       with an empty answer, which is trained on: 1, first line 7
       with definitions of tools, which are not shown: 1
       keys that are not used: tools (1 row)
       lengths in tokens, before any cut (longest: 45)
        9..16  ########## 1
       17..32  ######################################## 4
       33..64  ########## 1
END
    has stdout 'plan   3 steps of 4 conversations (1 an epoch)'
    has stdout 'memory about '
    has stdout 'cpu    '
    has_not stdout 'disk '
    has_not stdout 'output '
}

# Lines fit 80 columns; what is in a table, and a word that is longer than a line, stays in one piece.
test_lines_fit_80_columns() {
    write_rows
    long=a_directory_whose_name_is_long/and_one_in_it_with_a_name_that_is_as_long/so_that_it_does_not_fit
    mkdir -p "$long"
    cp rows.jsonl "$long/rows.jsonl"
    expect 0 "$SFT" inspect --base base "$long/rows.jsonl" --report --set data.max_length=40
    sed -i '/^warning: /d' stdout
    is "$(grep -v -e '^        ' -e "$long" stdout | awk 'length > 80')" ''
    is "$(grep -A 1 "$long" stdout)" "train  $long/rows.jsonl
       (messages): 4 conversations, 10 turns, 112 tokens, 38 trained (33.9%)"
    has stdout "messages[0].role: unknown role 'usr' ("
}

# Each in its words, with the first place and the remedy; the same in JSON.
test_warnings() {
    write_rows
    expect 0 report
    warnings stdout >found
    diff - found <<'END'
training will stop at bad rows: 3 of 9 rows (33.3%), first rows.jsonl:4 (mend them, or on_bad_row = skip)
cut to the length limit, 1 with a reply cut before its end token: 1 of 6 conversations (16.7%), first rows.jsonl:8 (raise max_length, or overlong = drop)
no assistant turn, left out: 1 of 6 conversations (16.7%), first rows.jsonl:2
nothing left to train, left out: 1 of 6 conversations (16.7%), first rows.jsonl:3
an empty system turn: 1 of 4 conversations (25.0%), first rows.jsonl:7 (system_policy = replace or drop)
two turns of one role in a row: 1 of 4 conversations (25.0%), first rows.jsonl:7 (sft inspect --source shows them)
duplicates: 1 of 4 conversations (25.0%), first rows.jsonl:6 (dedupe = exact leaves them out)
END
    expect 0 report --json
    sed 's/.*"warnings":\["\(.*\)"\]}$/\1/; s/","/\n/g' stdout | diff found -
}

# Unpaired preferences: whether an answer is one to learn stands in a key of its own.
test_answers_that_are_called_bad() {
    write_config
    printf '%s\n' '{"prompt": "a", "completion": "yes", "label": true}' '{"prompt": "a", "completion": "no", "label": false}' >rows.jsonl
    expect 0 report
    is "$(warnings stdout | grep 'called\|calls')" 'answers that their row calls bad, and that are trained on as all others: label (1 row), first rows.jsonl:2 ([data] columns = KEY:train leaves them out, KEY:ignore says that it means something else)'
    expect 0 report --set data.columns=label:train
    has_not stdout 'calls bad'
    has stdout 'left out: 1 (nothing left to train)'
    expect 0 report --set data.columns=label:ignore
    has_not stdout 'calls bad'
}

test_no_warning_without_a_cause() {
    write_config
    sed -n 2p "$DATA/eval.jsonl" >eval.jsonl
    expect 0 "$SFT" inspect config.ini --report --set data.eval=eval.jsonl
    has_not stdout warning
    expect 0 "$SFT" inspect config.ini --report --json --set data.eval=eval.jsonl
    has stdout '"eval_examples":1,'
    has stdout '"warnings":[]}'
}

# expect_warning TEXT COMMAND...: among the warnings of the report
expect_warning() {
    text=$1
    shift
    expect 0 "$@"
    has stdout "warning: $text"
}

test_nothing_trained() {
    write_rows
    sed -n '2,4p' rows.jsonl >none.jsonl
    expect_warning 'nothing in none.jsonl is trained on: all its rows are left out' \
        "$SFT" inspect --base base none.jsonl --report
    has_not stdout 'steps '
    expect 0 "$SFT" inspect --base base none.jsonl --report --json
    has stdout '"conversations":0,"examples":0,"turns":0,"tokens":0,"target_tokens":0,"trained_share":0,'
    expect_warning 'nothing in none.jsonl is evaluated: all its rows are left out' report --set data.eval=none.jsonl
    expect_warning 'nothing in rows.jsonl is trained on: its conversations are duplicates, or the sample is too small' \
        "$SFT" inspect --base base 'rows.jsonl*0.01' --report
}

test_lengths() {
    write_rows
    expect_warning 'over the length limit, left out: 1 of 6 conversations (16.7%), first rows.jsonl:8 (raise max_length, or overlong = truncate)' \
        report --set data.overlong=drop
    expect_warning 'training will stop at rows over the length limit: 1 of 6 conversations (16.7%), first rows.jsonl:8 (raise max_length, or overlong = drop)' \
        report --set data.overlong=error
    sed -i 's/"n_positions": 128/"n_positions": 40/' base/config.json
    expect_warning 'cut to the length limit, 1 with a reply cut before its end token: 1 of 6 conversations (16.7%), first rows.jsonl:8 (overlong = drop leaves them out)' \
        report --set data.max_length=1000
    for i in $(seq 24); do sed -n 1p rows.jsonl; done >many.jsonl # a cut reply stands out, however few they are
    sed -n 8p rows.jsonl >>many.jsonl
    sed -i 's/"n_positions": 40/"n_positions": 128/' base/config.json
    expect_warning 'a reply cut before its end token: 1 of 25 conversations (4.0%), first many.jsonl:25 (raise max_length, or overlong = drop)' \
        "$SFT" inspect --base base many.jsonl --report --set data.max_length=40
}

test_evaluated_and_trained_on() {
    write_rows
    sed -n 1p rows.jsonl >eval.jsonl
    cat >>eval.jsonl <<'END'
{"prompt":"Good evening","completion":"Hi there."}
{"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Good morning."}]}
END
    expect_warning 'evaluated and trained on: 1 of 2 eval conversations (50.0%), first eval.jsonl:1 (take them out of one of the two)' \
        report --set data.eval=eval.jsonl --set data.on_bad_row=skip
    sed -i 2d eval.jsonl
    expect_warning 'evaluated on a prompt that is trained on with another reply: 1 of 2 eval conversations (50.0%), first eval.jsonl:2 (take them out of one of the two)' \
        report --set data.eval=eval.jsonl
    expect 0 report --set data.eval=eval.jsonl --json
    has stdout '"source":"eval.jsonl","use":"eval","format":"messages","rows":2,"conversations":2,'
    has stdout '"examples":4,"eval_examples":2,'
}

test_repeats_samples_and_duplicates() {
    write_rows
    expect 0 "$SFT" inspect --base base 'rows.jsonl*2' "$DATA/chat.jsonl*0.25" --report --set data.dedupe=exact
    has stdout 'train  rows.jsonl*2 (messages): 4 conversations,'
    has stdout '       used: 6 examples'
    has stdout '       duplicates: 1 (25.0%), left out'
    has stdout '       used: a sample of 3'
    has_not stdout 'warning: duplicates'
    expect 0 "$SFT" inspect --base base 'rows.jsonl*2' "$DATA/chat.jsonl*0.25" --report --set data.dedupe=exact --json
    has stdout '"bad row":3,"duplicate":1}'
    has stdout '"dropped":{"duplicate":1,"not in the sample":8}'
    has stdout '"examples":9,'
}

test_documents() {
    tiny_base base
    for i in $(seq 60); do echo 'The sky is blue.'; done >sky.txt
    n=$(($("$SFT" tokenizer encode --model base <sky.txt | wc -w) + 1)) # and the end token
    pieces=$(((n + 127) / 128))
    expect 0 "$SFT" inspect --base base sky.txt --report
    has stdout 'format documents, training on all tokens but the first'
    has stdout "train  sky.txt (txt): 1 document in $pieces pieces, $n tokens, $((n - pieces)) trained"
    has_not stdout 'control tokens'
    has_not stdout warning
    expect 0 "$SFT" inspect --base base sky.txt --report --json
    has stdout '"tokens_added":[],'
}

# Weights and two moments, in fp32. Kept: save_total_limit, the best, and the one that is being written.
test_disk() {
    write_config
    bytes=$((4 * 3 * ($("$SFT" inspect config.ini --report --json | sed 's/.*"memory"//' | field parameters) / 4)))
    disk() {
        expect 0 "$SFT" inspect config.ini --report --json "$@"
        sed 's/.*"disk":{"checkpoint_bytes":[0-9]*,"checkpoints":\([0-9]*\),"needed":\([0-9]*\),.*/\1 \2/' stdout
    }
    each=$("$SFT" inspect config.ini --report --json | field checkpoint_bytes)
    holds "$each <= $bytes && $each > 0.99 * $bytes" # memory has gaps between tensors
    is "$(disk)" "2 $((2 * each))"                   # two epochs: no more are made
    is "$(disk --set train.save_steps=1)" "3 $((3 * each))"
    is "$(disk --set train.save_dtype=bf16)" "2 $((2 * (each / 6 * 7)))" # two bytes a weight, and the weights in trainer/
    is "$(disk --set train.save_steps=1 --set "data.eval=$DATA/eval.jsonl")" "4 $((4 * each))"
    is "$(disk --set train.save_steps=1 --set train.save_total_limit=0)" "6 $((6 * each))"
    is "$(disk --set train.save_steps=4 --set train.save_total_limit=0)" "2 $((2 * each))" # steps 4 and 6
    is "$(disk --set train.save_steps=4 --set train.save_total_limit=0 --set "data.eval=$DATA/eval.jsonl")" \
        "3 $((3 * each))" # and step 3, whose evaluation may be the best
    expect 0 "$SFT" inspect config.ini --report
    has stdout 'output run'
    [ ! -e run ] || die 'a report makes no output_dir'
    mkdir -p run/checkpoint-3
    is "$(disk)" "2 $each" # one of them is there already
    expect 0 "$SFT" inspect config.ini --report
    has stdout 'disk   about 0.5 MB for 1 checkpoint besides the 1 there; '
}

test_more_than_there_is() {
    write_config
    sed -i 's/"n_layer": 2, "n_head": 2, "n_embd": 32/"n_layer": 96, "n_head": 96, "n_embd": 12288/' base/config.json
    expect_warning 'the run needs ' "$SFT" inspect config.ini --report --set train.output_dir=run
    has stdout ' (lower micro_batch_tokens or max_length, or take a smaller model)'
    has stdout 'warning: the checkpoints need '
    has stdout ' (lower save_total_limit, or choose another output_dir)'
}

# A base that is only a tokenizer, and a configuration that says no more than which data.
test_without_a_model() {
    write_rows
    rm base/config.json
    printf '[model]\nbase = base\n[data]\ntrain = rows.jsonl\n' >data.ini
    expect 0 "$SFT" inspect data.ini --report
    has stdout 'base   base: a tokenizer of 401 tokens, no model'
    has stdout '       3 control tokens added: <|im_start|>, <|im_sep|>, <|im_end|>'
    has stdout 'train  rows.jsonl (messages): 4 conversations, '
    for absent in memory steps cpu disk output; do has_not stdout "$absent "; done
    expect 0 "$SFT" inspect data.ini --report --json
    for absent in memory steps disk; do has_not stdout "\"$absent\""; done
}

test_set_aside_for_evaluation() {
    write_config
    expect 0 "$SFT" inspect config.ini --report --json --set data.eval_fraction=0.4
    train=$(sed 's/.*\],"examples"/"examples"/' stdout | field examples) eval=$(field eval_examples <stdout)
    is "$((train + eval))" 12
    [ "$eval" -gt 0 ] || die 'none was set aside'
    expect 0 "$SFT" inspect config.ini --report --set data.eval_fraction=0.4
    has stdout "eval   $eval conversation"
    has stdout ' set aside (eval_fraction)'
}

test_only_the_most_frequent_reasons() {
    tiny_base base
    head -n 1 "$DATA/chat.jsonl" >bad.jsonl
    for key in a b c d e f g; do echo "{\"$key\":1}"; done >>bad.jsonl
    echo '{"g":2}' >>bad.jsonl
    expect 0 "$SFT" inspect --base base bad.jsonl --report
    grep -A 1 'left out: 8 (bad row)' stdout | tail -n 1 >most
    has most ' 2  '
    has most ', first line 8'
    has stdout ' and 2 other reasons'
    expect 0 "$SFT" inspect --base base bad.jsonl --report --json
    is "$(sed 's/.*"bad_rows":\[\(.*\)\],"duplicates".*/\1/' stdout | grep -o '"count":' | wc -l | tr -d ' ')" 7
}

# Kinds are told apart by what their messages have besides numbers and quoted values; the first one is shown.
test_bad_rows_in_the_words_of_the_first() {
    tiny_base base
    head -n 1 "$DATA/chat.jsonl" >bad.jsonl
    printf '{"text":"caf\351"}\n{"text":"na\357ve"}\n{"text":"a\001"}\n{"messages":[{"role":"narrator","content":""}]}\n' >>bad.jsonl
    printf '{"messages":[{"role":"chorus","content":""},{"role":"user","content":""}]}\n' >>bad.jsonl
    expect 0 "$SFT" inspect --base base bad.jsonl --report
    grep ', first line' stdout >found
    diff - found <<'END'
               2  column 13: not UTF-8 (byte 0xE9), first line 2
               2  messages[0].role: unknown role 'narrator' (system, user or assistant; [data] roles = NAME:user maps other names), first line 5
               1  column 11: control character 0x01 in a string (write \u0001), first line 4
END
    expect 0 "$SFT" inspect --base base bad.jsonl --report --json
    has stdout '"bad_rows":[{"reason":"column 13: not UTF-8 (byte 0xE9)","count":2,"first":"bad.jsonl:2"}'
}

# The first lines of train are the report; what was left out is where it says.
test_train_begins_with_the_report() {
    write_rows
    write_config
    sed -i 's/^train = .*/train = rows.jsonl\non_bad_row = skip/' config.ini
    expect 0 "$SFT" inspect config.ini --report
    sed 's/; [0-9.]* [A-Z]*B free$//' stdout >report # others write to the disk, too
    expect 0 "$SFT" train config.ini
    sed 's/; [0-9.]* [A-Z]*B free$//' stderr | head -n "$(wc -l <report)" | diff report -
    has report 'left out: 3 (bad row), kept in run/rejected.jsonl'
    has report 'warning: bad rows, left out: 3 of 9 rows (33.3%), first rows.jsonl:4'
    is "$(wc -l <run/rejected.jsonl | tr -d ' ')" 3
    expect 1 "$SFT" train config.ini --set data.on_bad_row=error # where the report only counts them
    is "$(grep -c '^error: rows.jsonl:4: ' stderr)" 1
}

test_options_that_make_no_sense_together() {
    write_rows
    for option in --tokens '--row 1' '--limit 1' '--source rows.jsonl:1'; do
        expect_error 2 '--report is of all conversations: it goes without --tokens, --row, --source, --limit' report $option
    done
}
