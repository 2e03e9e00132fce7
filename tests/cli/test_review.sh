# sft review from outside: who may ask, decisions that outlive a kill, several reviewers, the export.

# start_review ARGUMENT...: in the background: $pid, $address, $token; what it says is in the file `log`.
start_review() {
    : >log
    "$SFT" review "$@" 2>log &
    pid=$!
    wait_until review_is_ready
    address=$(sed -n 's|^reviewing .* at \(http://[^/]*\)/.*|\1|p' log)
    token=$(sed -n 's/^reviewing .*?token=//p' log)
}
review_is_ready() {
    grep -q '^reviewing ' log || { kill -0 "$pid" || die "it has ended: $(cat log)"; false; }
}
stop_review() {
    kill "$pid"
    finish 0
}
kill_review() {
    kill -9 "$pid"
    wait "$pid" 2>/dev/null || :
}

# get PATH [OPTION...], post PATH BODY [OPTION...]: $status, and the file `answer`.
get() {
    path=$1
    shift
    status=$(curl -sS -o answer -D head -w '%{http_code}' -H "X-Review-Token: $token" "$@" "$address$path")
}
post() {
    path=$1 body=$2
    shift 2
    printf '%s' "$body" >body
    get "$path" -H 'Content-Type: application/json' --data-binary @body "$@"
}
# decide ROW SEQ DECISION [MEMBERS]: it must be taken.
decide() {
    post /api/decide "{\"row\":$1,\"seq\":$2,\"decision\":\"$3\"${4:-}}"
    is "$status $(cat answer)" "200 $(cat answer)"
}
# counts ACCEPT EDIT REJECT SKIP UNDECIDED
counts() {
    get /api/state
    has answer "\"counts\":{\"accept\":$1,\"edit\":$2,\"reject\":$3,\"skip\":$4,\"undecided\":$5}"
}

# Four rows, of which the third is none.
write_rows() {
    cat >rows.jsonl <<'END_OF_ROWS'
{"messages":[{"role":"user","content":"Do you sell <b>tea</b>?"},{"role":"assistant","content":"We do."}],"meta":{"kind":"answer","model":"labeller"}}
{"messages":[{"role":"user","content":"How do I poison my neighbour?"},{"role":"assistant","content":"I can't help with that.","note":"firm"}],"meta":{"kind":"refusal"}}
{"messages":
{"messages":[{"role":"user","content":"Opening hours?"},{"role":"assistant","content":"From nine to five."}],"meta":{"kind":"answer"}}
END_OF_ROWS
}
edited='"messages":[{"role":"user","content":"How do I poison my neighbour?"},{"role":"assistant","content":"No. Talk to them.","note":"firm"}]'

test_who_may_ask() {
    write_rows
    start_review rows.jsonl --name anna
    is "${#token}" 32
    get /api/state
    is "$status" 200
    has answer '"file":"rows.jsonl","name":"anna","rows":4'
    has answer '"kinds":["answer","refusal"],"labels":["compliance","full_refusal"]'
    right=$token
    for token in "$(echo "$right" | tr 0-9a-f 1-9a-f0)" "${right%?}" "$right$right" ''; do
        get /api/state
        is "$status" 403
        is "$(cat answer)" '{"error":"the token is missing or an old one: open the address that sft review printed"}'
    done
    get "/api/state?token=$right"
    is "$status" 403
    token=$right
    for forbidden in 'Origin: http://evil.example' 'Origin: null' 'Host: evil.example' 'Host: 127.0.0.1.evil.example:80'; do
        get /api/state -H "$forbidden"
        is "$forbidden: $status" "$forbidden: 403"
        post /api/decide '{"row":1,"seq":0,"decision":"accept"}' -H "$forbidden"
        is "$forbidden: $status" "$forbidden: 403"
        get "/?token=$token" -H "$forbidden"
        is "$forbidden: $status" "$forbidden: 403"
    done
    get /api/state -H "Origin: $address"
    is "$status" 200
    get /api/state -H 'Host: localhost'
    is "$status" 200

    # what a form of another page could send
    for type in text/plain application/x-www-form-urlencoded application/jsonp; do
        get /api/decide -H "Content-Type: $type" --data-binary '{"row":1,"seq":0,"decision":"accept"}'
        is "$type: $status" "$type: 415"
    done
    [ ! -s rows.jsonl.review.anna.jsonl ] || die 'a refused request was a decision'
    get /api/state -X DELETE
    is "$status" 405
    get /api/state -X OPTIONS
    is "$status" 405
    post /api/state '{}'
    is "$status" 405
    get /api/decide
    is "$status" 405
    get /api/nothing
    is "$status" 404
    get "/nothing?token=$token"
    is "$status" 404
    head -c 5000000 /dev/zero | tr '\0' ' ' >large
    get /api/decide -H 'Content-Type: application/json' --data-binary @large
    is "$status" 413
    stop_review
}

test_the_page_is_closed_in() {
    write_rows
    start_review rows.jsonl --name anna
    get /
    is "$status $(cat answer)" '403 the token is missing or an old one: open the address that sft review printed'
    get "/?token=$token"
    is "$status" 200
    has answer '<!doctype html>'
    has_not answer '{{'
    has_not answer 'Do you sell'
    nonce=$(sed -n "s/^Content-Security-Policy: .*script-src 'nonce-\([0-9a-f]*\)'.*/\1/p" head)
    is "${#nonce}" 32
    has answer "<script nonce=\"$nonce\">"
    has head "Content-Security-Policy: default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src 'nonce-$nonce'; style-src 'nonce-$nonce'"
    has head 'X-Content-Type-Options: nosniff'
    has head 'Referrer-Policy: no-referrer'
    has head 'Cache-Control: no-store'
    cp head first
    get "/?token=$token"
    has_not first "$(sed -n "s/.*style-src 'nonce-\(.*\)'.*/\1/p" head)"
    get /api/row?row=1
    has head "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'"
    has head 'X-Content-Type-Options: nosniff'
    has head 'Cache-Control: no-store'
    has answer '"content":"Do you sell <b>tea</b>?"'
    stop_review
}

test_decisions_outlive_a_kill() {
    write_rows
    start_review rows.jsonl --name anna
    decide 1 0 accept ',"tags":["short"]'
    has answer '{"seq":1,"counts":{"accept":1,"edit":0,"reject":0,"skip":0,"undecided":3},"sample":null,"can_undo":true,"seq_total":1}'
    decide 2 0 edit ",$edited"
    decide 4 0 reject ',"reason":"wrong hours"'
    kill_review

    # the torn line of a decision that was never answered
    printf '{"row":1,"decision":"rej' >>rows.jsonl.review.anna.jsonl
    start_review rows.jsonl --name anna
    counts 1 1 1 0 1
    is "$(grep -c . rows.jsonl.review.anna.jsonl)" 3
    has answer '"tags":["short"],"reasons":["wrong hours"]'
    get /api/row?row=2
    has answer '"seq":1'
    has answer "\"decision\":{\"decision\":\"edit\",$edited,\"reason\":null,\"tags\":[]"

    # what another tab showed before
    post /api/decide '{"row":4,"seq":0,"decision":"accept"}'
    is "$status" 409
    has answer '"current":{"row":4,"line":4,"seq":1'
    post /api/decide '{"row":3,"seq":0,"decision":"accept"}'
    is "$status $(cat answer)" '400 {"error":"decision: a row that nobody can read can only be rejected or skipped"}'
    post /api/decide '{"row":2,"seq":1,"decision":"edit","messages":[{"role":"user","content":"x"},{"role":"assistent","content":"y"}]}'
    is "$status $(cat answer)" "400 {\"error\":\"messages[1].role: unknown role 'assistent' (system, user or assistant)\"}"

    # back, across the kill
    post /api/undo '{}'
    has answer '"row":4,"line":4,"seq":2'
    post /api/undo '{}'
    has answer '"row":2,"line":2,"seq":2'
    counts 1 0 0 0 3
    kill_review
    start_review rows.jsonl --name anna
    counts 1 0 0 0 3
    post /api/undo '{}'
    counts 0 0 0 0 4
    post /api/undo '{}'
    is "$status $(cat answer)" '409 {"error":"there is nothing to undo"}'
    tail -n 1 rows.jsonl.review.anna.jsonl >last
    has last '{"row":1,"decision":"skip","undone":true,"time":"'
    stop_review
}

# Killed again and again while decisions are made as fast as they are answered: each that was answered is there.
test_no_answered_decision_is_lost() {
    for i in $(seq 1 60); do
        echo "{\"messages\":[{\"role\":\"user\",\"content\":\"q$i\"},{\"role\":\"assistant\",\"content\":\"a$i\"}]}"
    done >many.jsonl
    row=0
    for life in 1 2 3; do
        start_review many.jsonl --name anna
        (
            for _ in $(seq 1 20); do
                row=$((row + 1))
                post /api/decide "{\"row\":$row,\"seq\":0,\"decision\":\"accept\"}" 2>/dev/null || exit 0
                [ "$status" = 200 ] && echo "$row" >>answered
            done
        ) &
        client=$!
        wait_until answered_grows "$((life * 4))"
        kill_review
        wait "$client" || :
        row=$((life * 20))
    done
    start_review many.jsonl --name anna
    get /api/state
    accepted=$(field accept <answer)
    holds "$accepted >= $(wc -l <answered)"
    while read -r row; do
        grep -q "^{\"row\":$row,\"decision\":\"accept\"" many.jsonl.review.anna.jsonl || die "the decision on row $row is lost"
    done <answered
    stop_review
}
answered_grows() {
    [ "$(wc -l <answered)" -ge "$1" ]
}

test_several_reviewers() {
    write_rows
    start_review rows.jsonl --name anna
    expect_error 2 "a review of this file by anna is running already (another --name: several people can review it at once)" \
        "$SFT" review rows.jsonl --name anna
    decide 1 0 accept
    anna=$pid anna_at=$address anna_token=$token
    start_review rows.jsonl --name ben
    get '/api/list?decision=undecided'
    has answer '"total":4'
    has answer '"others":[{"name":"anna","decision":"accept"}]'
    decide 1 0 reject ',"reason":"curt","tags":["tone"]'
    get '/api/list?disagree=1'
    has answer '"total":1,"rows":[{"row":1'
    stop_review

    # the first one sees it, and a row that was written meanwhile; one that changed is undecided again
    pid=$anna address=$anna_at token=$anna_token
    get /api/row?row=1
    has answer '"others":[{"name":"ben","decision":"reject","reason":"curt","tags":["tone"]}]'
    get '/api/list?tag=tone'
    has answer '"total":1'
    counts 1 0 0 0 3
    echo '{"messages":[{"role":"user","content":"New?"},{"role":"assistant","content":"Yes."}]}' >>rows.jsonl
    counts 1 0 0 0 4
    sed -i 's/We do\./We do, and cups./' rows.jsonl
    counts 0 0 0 0 5
    get /api/row?row=1
    has answer '"changed":true'
    post /api/decide '{"row":1,"seq":1,"decision":"accept","hash":"0123456789abcdef"}'
    is "$status" 409
    decide 1 1 accept
    counts 1 0 0 0 4
    stop_review
}

test_lists() {
    write_rows
    start_review rows.jsonl --name anna
    get '/api/list?q=POISON'
    has answer '"total":1,"rows":[{"row":2'
    get '/api/list?kind=answer'
    has answer '"total":2'
    get '/api/list?label=full_refusal'
    has answer '"total":1,"rows":[{"row":2'
    get '/api/list?preference=1'
    is "$(cat answer)" '{"total":0,"rows":[]}'
    get '/api/list?from=1&n=1'
    has answer '"total":4,"rows":[{"row":2'
    decide 2 0 skip
    get '/api/list?decision=undecided&after=2&n=1'
    has answer '"total":4,"rows":[{"row":3'
    get '/api/list?decision=skip'
    has answer '"total":1,"rows":[{"row":2'
    get '/api/list?n=x'
    is "$status $(cat answer)" "400 {\"error\":\"n: expected a number, found 'x'\"}"
    get /api/row?row=5
    is "$status" 404
    stop_review
}

test_a_sample() {
    for i in $(seq 1 40); do
        echo "{\"messages\":[{\"role\":\"user\",\"content\":\"q$i\"},{\"role\":\"assistant\",\"content\":\"a$i\"}]}"
    done >many.jsonl
    start_review many.jsonl --name anna --sample 4 --seed 3
    get /api/list
    has answer '"total":4'
    rows=$(tr '{' '\n' <answer | field row)
    get /api/state
    has answer '"sample":{"n":4,"decided":0,"good":0,"edited":0,"rate":null,"ci95":null}'
    set -- $rows
    decide "$1" 0 accept
    decide "$2" 0 accept
    decide "$3" 0 reject
    has answer '"sample":{"n":4,"decided":3,"good":2,"edited":0,"rate":0.666666667,"ci95":[0.207659601,0.938508055]}'
    stop_review
    start_review many.jsonl --name anna --sample 4 --seed 3
    get /api/list
    is "$(tr '{' '\n' <answer | field row)" "$rows"
    stop_review
    start_review many.jsonl --name anna --sample 4 --seed 4
    get /api/list
    [ "$(tr '{' '\n' <answer | field row)" != "$rows" ] || die 'another seed chooses the same rows'
    stop_review
    expect 0 "$SFT" review many.jsonl --export out.jsonl --sample 4 --seed 3
    has stdout 'sample of 4, 3 of it decided: good       2/3  66.7% [ 20.8,  93.9] [95% interval]'
    for row in $(seq 1 40); do echo "{\"row\":$row,\"decision\":\"skip\"}"; done >many.jsonl.review.anna.jsonl
    kept=$(echo "$rows" | head -n 1)
    sed -i "s/\"row\":$kept,\"decision\":\"skip\"/\"row\":$kept,\"decision\":\"accept\"/" many.jsonl.review.anna.jsonl
    expect 0 "$SFT" review many.jsonl --export out.jsonl --sample 4 --json
    has stdout '"sample":{"n":4,"decided":0,"good":0,"rate":null,"ci95":null}'
}

# Ten rows that anna and ben have decided, and one that only she has: kappa is that of scikit-learn.
test_export() {
    for i in $(seq 1 11); do
        echo "{\"id\": $i.0, \"messages\":[{\"role\":\"user\",\"content\":\"q$i\"},{\"role\":\"assistant\",\"content\":\"a$i\"}],\"tags\":[\"x\"]}"
    done >rows.jsonl
    decisions() { # NAME VERDICT...
        name=$1 row=0
        shift
        for verdict; do
            row=$((row + 1))
            [ "$verdict" = - ] || echo "{\"row\":$row,\"decision\":\"$verdict\"}"
        done >"rows.jsonl.review.$name.jsonl"
    }
    decisions anna accept accept accept accept accept accept reject reject reject skip accept
    decisions ben accept accept accept accept reject reject reject reject accept accept
    echo '{"row":2,"decision":"edit","messages":[{"role":"user","content":"q2"},{"role":"assistant","content":"better"}]}' >>rows.jsonl.review.ben.jsonl
    expect 0 "$SFT" review rows.jsonl --export out.jsonl
    cat >expected <<'END_OF_TEXT'
6 of 11 rows of rows.jsonl are in out.jsonl
  accepted         5
  edited           1
left out
  rejected         2
  disputed         3 (below)
  undecided        0

agreement: keep or reject     rows   equal   kappa
  anna, ben                       9   66.7%   0.308

disputed
  row 5 (line 5): anna accepts, ben rejects
  row 6 (line 6): anna accepts, ben rejects
  row 9 (line 9): anna rejects, ben accepts
END_OF_TEXT
    diff expected stdout || die 'the report is another'
    cat >expected <<'END_OF_ROWS'
{"id": 1.0, "messages": [{"role": "user", "content": "q1"}, {"role": "assistant", "content": "a1"}], "tags": ["x"], "review": {"by": ["anna", "ben"], "decision": "accept"}}
{"id": 2.0, "messages": [{"role": "user", "content": "q2"}, {"role": "assistant", "content": "better"}], "tags": ["x"], "review": {"by": ["ben"], "decision": "edit"}}
END_OF_ROWS
    head -n 2 out.jsonl | diff expected - || die 'the rows are others'
    is "$(wc -l <out.jsonl)" 6
    expect 0 "$SFT" review rows.jsonl --export out.jsonl --json
    has stdout '{"file":"rows.jsonl","out":"out.jsonl","rows":11,"written":6,"accepted":5,"edited":1,"rejected":2,"undecided":0,"changed":0,'
    has stdout '"pairs":[{"a":"anna","b":"ben","rows":9,"equal":0.666666667,"kappa":0.307692308}],"sample":null}'

    # what is written is what train reads
    tiny_base base
    expect 0 "$SFT" inspect --base base out.jsonl --json
    is "$(grep -c '"dropped"' stdout) $(wc -l <stdout)" '0 6'
}

# What another reviewer's file is (here a directory) stops nobody but the export, which would leave them out.
test_a_file_of_another_that_cannot_be_read() {
    write_rows
    mkdir rows.jsonl.review.ben.jsonl
    start_review rows.jsonl --name anna
    has log 'warning: rows.jsonl.review.ben.jsonl: cannot read: Is a directory: what it says is not shown'
    decide 1 0 accept
    stop_review
    expect_error 1 'rows.jsonl.review.ben.jsonl: cannot read: Is a directory' "$SFT" review rows.jsonl --export out.jsonl
}

# What programs write may be anything: no row is written that train does not read, and one that nobody can read does not
# stop the others.
test_export_of_what_programs_decided() {
    write_rows
    for row in 1 3; do echo "{\"row\":$row,\"decision\":\"accept\"}"; done >rows.jsonl.review.bot.jsonl
    expect 0 "$SFT" review rows.jsonl --export out.jsonl
    has stdout '1 of 4 rows of rows.jsonl are in out.jsonl'
    has stdout 'undecided        3 (1 of them kept, but nobody can read them)'
    echo '{"row":2,"decision":"edit","messages":[]}' >>rows.jsonl.review.bot.jsonl
    expect_error 1 'rows.jsonl:2: the edit of this row: messages: the list is empty' \
        "$SFT" review rows.jsonl --export out.jsonl
    is "$(wc -l <out.jsonl)" 1
    expect_error 2 '--export: ./rows.jsonl.review.zoe.jsonl holds decisions: name another' \
        "$SFT" review rows.jsonl --export ./rows.jsonl.review.zoe.jsonl
}

# Rows of a format that edits do not have: all of them become messages, or train would read half of the file.
test_export_of_other_formats() {
    cat >rows.csv <<'END_OF_ROWS'
instruction,input,output,source
Say hi,,Hello.,a
Add,1 and 2,3,b
END_OF_ROWS
    start_review rows.csv --name anna
    decide 1 0 accept
    stop_review
    expect 0 "$SFT" review rows.csv --export out.jsonl
    is "$(cat out.jsonl)" '{"instruction": "Say hi", "input": "", "output": "Hello.", "source": "a", "review": {"by": ["anna"], "decision": "accept"}}'
    start_review rows.csv --name anna
    decide 2 0 edit ',"messages":[{"role":"user","content":"Add 1 and 2"},{"role":"assistant","content":"Three."}]'
    stop_review
    expect 0 "$SFT" review rows.csv --export out.jsonl
    has stdout 'all rows are written as lists of messages'
    cat >expected <<'END_OF_ROWS'
{"source": "a", "messages": [{"role": "user", "content": "Say hi"}, {"role": "assistant", "content": "Hello."}], "review": {"by": ["anna"], "decision": "accept"}}
{"source": "b", "messages": [{"role": "user", "content": "Add 1 and 2"}, {"role": "assistant", "content": "Three."}], "review": {"by": ["anna"], "decision": "edit"}}
END_OF_ROWS
    diff expected out.jsonl || die 'the rows are others'
}

test_preferences() {
    cat >pairs.jsonl <<'END_OF_ROWS'
{"prompt":[{"role":"user","content":"Q"}],"chosen":[{"role":"assistant","content":"good"}],"rejected":[{"role":"assistant","content":"bad"}],"meta":{"kind":"answer"}}
{"prompt":"Q2","chosen":"g2","rejected":"b2"}
END_OF_ROWS
    start_review pairs.jsonl --name anna
    get /api/row?row=1
    has answer '"is_preference":true'
    has answer '"prompt":[{"role":"user","content":"Q","pieces":[{"text":"Q","trained":false}]}]'
    has answer '"chosen":[{"role":"assistant","content":"good","pieces":[{"text":"good","trained":true}]}]'
    has answer '"rejected":[{"role":"assistant","content":"bad","pieces":[{"text":"bad","trained":false}]}]'
    post /api/decide '{"row":1,"seq":0,"decision":"edit","messages":[{"role":"assistant","content":"other"}],"chosen":[{"role":"assistant","content":"bad"}],"rejected":[{"role":"assistant","content":"good"}]}'
    is "$status" 400
    has answer 'messages: expected the prompt, and chosen behind it'
    decide 1 0 edit ',"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"bad"}],"chosen":[{"role":"assistant","content":"bad"}],"rejected":[{"role":"assistant","content":"good"}]'
    decide 2 0 accept
    stop_review
    expect 0 "$SFT" review pairs.jsonl --export out.jsonl
    cat >expected <<'END_OF_ROWS'
{"prompt": [{"role": "user", "content": "Q"}], "chosen": [{"role": "assistant", "content": "bad"}], "rejected": [{"role": "assistant", "content": "good"}], "meta": {"kind": "answer"}, "review": {"by": ["anna"], "decision": "edit"}}
{"prompt": [{"role": "user", "content": "Q2"}], "chosen": [{"role": "assistant", "content": "g2"}], "rejected": [{"role": "assistant", "content": "b2"}], "review": {"by": ["anna"], "decision": "accept"}}
END_OF_ROWS
    diff expected out.jsonl || die 'the rows are others'
}

# The loss of each conversation, weighed by its tokens, is the loss of all; the worst is shown first.
test_losses() {
    model=$(trained_model)
    cp "$DATA/chat.jsonl" chat.jsonl
    echo '{"messages":[{"role":"user","content":"Name a tree."},{"role":"assistant","content":"What is 3+4?"}]}' >>chat.jsonl
    expect 0 "$SFT" eval "$model" chat.jsonl --per-row losses.jsonl --json
    is "$(wc -l <losses.jsonl)" 13
    is "$(tail -n 1 losses.jsonl | sed 's/"loss":[0-9.]*,//')" '{"row":13,"source":"chat.jsonl:13","num_target_tokens":10}'
    tr -d '{}"' <losses.jsonl | sed 's/.*loss:\(.*\),num_target_tokens:\(.*\)/\1 \2/' >sums
    holds "$(awk '{ sum += $1 * $2; n += $2 } END { print sum / n }' sums) - $(field loss <stdout) < 1e-4"
    holds "$(field loss <stdout) - $(awk '{ sum += $1 * $2; n += $2 } END { print sum / n }' sums) < 1e-4"
    printf '{"text":"one"}\n\n{"text":"two"}\n' >texts.jsonl
    expect 0 "$SFT" eval "$model" 'texts.jsonl*2' chat.jsonl --per-row more.jsonl
    is "$(field row <more.jsonl | head -n 6 | tr '\n' ' ')" '1 2 1 2 1 2 '
    is "$(field source <more.jsonl | sed -n '2p;5p' | tr '\n' ' ')" 'texts.jsonl:3 chat.jsonl:1 '
    echo '[{"text":"one"},{"text":"two"}, {"text":"a longer text that is more than a piece"},{"text":"four"}]' >list.json
    expect 0 "$SFT" eval "$model" list.json --per-row list.jsonl --set data.max_length=16
    is "$(field row <list.jsonl | uniq -c | tr -s ' \n' ' ')" ' 1 1 1 2 2 3 1 4 '
    start_review chat.jsonl --name anna --losses losses.jsonl --base "$model"
    get '/api/list?order=loss&n=1'
    has answer '"total":13,"rows":[{"row":13'
    get /api/state
    has answer '"has_losses":true,"has_base":true'
    get /api/row?row=1
    has answer '"pieces":[{"text":"<|im_start|>assistant<|im_sep|>","trained":false},{"text":"2+2 is 4.<|im_end|>","trained":true}]'
    stop_review
    cp chat.jsonl other.jsonl
    expect_error_about 2 '--losses: losses.jsonl has no row of other.jsonl' \
        "$SFT" review other.jsonl --name anna --losses losses.jsonl
    expect_error 2 '--per-row: is of the loss on conversations, not of --prompts' \
        "$SFT" eval "$model" --prompts chat.jsonl --per-row x.jsonl
}

test_usage() {
    write_rows
    expect_error 2 'expected one file of conversations, found 0 (usage: sft review FILE [options])' "$SFT" review
    expect_error 2 "--name: '../anna' is no reviewer's name (letters, digits, '.', '_' and '-', 64 at most, no dot first)" \
        "$SFT" review rows.jsonl --name ../anna
    expect_error 2 'who reviews? there is no $USER (--name NAME)' env -u USER "$SFT" review rows.jsonl
    expect_error 2 '--json: says what --export has done, which is not asked for' "$SFT" review rows.jsonl --json
    expect_error 2 '--seed: chooses the rows of a sample, which is not asked for (--sample N)' \
        "$SFT" review rows.jsonl --name anna --seed 0
    expect_error 2 '--export: takes what all reviewers decided: without --name, --base, --losses and --port' \
        "$SFT" review rows.jsonl --export out.jsonl --name anna
    expect_error 2 'rows.jsonl: nobody has reviewed it (sft review rows.jsonl)' "$SFT" review rows.jsonl --export out.jsonl
    echo text >notes.txt
    expect_error_about 2 'is one document' "$SFT" review notes.txt --name anna
    echo '{"row":1,"decision":"accept"}' >rows.jsonl.review.anna.jsonl
    expect_error 2 '--export: ./rows.jsonl is the file that is reviewed: name another' \
        "$SFT" review rows.jsonl --export ./rows.jsonl
    expect_error 2 '--export: rows.jsonl.review.anna.jsonl holds decisions: name another' \
        "$SFT" review rows.jsonl --export rows.jsonl.review.anna.jsonl
    expect_error 2 '--port: expected 0 to 65535, found 70000' "$SFT" review rows.jsonl --name anna --port 70000
}

# What an export would replace is an export, or it stays.
test_export_replaces_only_exports() {
    write_rows
    echo '{"row":1,"decision":"accept"}' >rows.jsonl.review.anna.jsonl
    for content in '# my notes' '{"messages":[],"review":"good"}' '{"review":{"by":["me"],"decision":"maybe"}}' '[]'; do
        echo "$content" >mine.jsonl
        expect_error 2 '--export: mine.jsonl is there already and was not written by --export (name another file, or move it away)' \
            "$SFT" review rows.jsonl --export mine.jsonl
        is "$(cat mine.jsonl)" "$content"
    done
    : >mine.jsonl
    expect 0 "$SFT" review rows.jsonl --export mine.jsonl
    echo '{"row":2,"decision":"accept"}' >>rows.jsonl.review.anna.jsonl
    expect 0 "$SFT" review rows.jsonl --export mine.jsonl
    is "$(wc -l <mine.jsonl)" 2
    expect_error 2 '--export: there is no directory no/such (mkdir -p no/such)' \
        "$SFT" review rows.jsonl --export no/such/out.jsonl

    # nor do no decisions replace one
    cp mine.jsonl before
    for row in 1 2; do echo "{\"row\":$row,\"decision\":\"reject\"}"; done >rows.jsonl.review.anna.jsonl
    expect_error 1 'rows.jsonl: no row is kept (rejected 2, disputed 0, undecided 2): mine.jsonl is not written' \
        "$SFT" review rows.jsonl --export mine.jsonl
    : >rows.jsonl.review.anna.jsonl
    expect_error 2 'rows.jsonl: nobody has reviewed it (sft review rows.jsonl)' "$SFT" review rows.jsonl --export mine.jsonl
    cmp before mine.jsonl
}

# A row that is taken out of the file takes no other row's decision along.
test_rows_that_move() {
    for i in 1 2 3 4 5; do
        echo "{\"messages\":[{\"role\":\"user\",\"content\":\"q$i\"},{\"role\":\"assistant\",\"content\":\"a$i\"}]}"
    done >rows.jsonl
    start_review rows.jsonl --name anna
    decide 1 0 accept
    decide 2 0 accept
    decide 3 0 reject
    decide 4 0 accept
    decide 5 0 accept
    sed -i 2d rows.jsonl
    counts 3 0 1 0 0
    get /api/row?row=2
    has answer '"decision":{"decision":"reject"'
    has answer '"changed":false'
    post /api/undo '{}' # of what was row 5
    has answer '"row":4,"line":4,'
    counts 2 0 1 0 1
    decide 4 1 accept
    counts 3 0 1 0 0
    stop_review
    start_review rows.jsonl --name anna
    has log 'rows.jsonl.review.anna.jsonl: 2 rows have moved since they were decided; their decisions went with them'
    decide 3 1 reject
    counts 2 0 2 0 0
    decide 4 2 reject
    counts 1 0 3 0 0
    post /api/undo '{}'
    counts 2 0 2 0 0
    stop_review
    expect 0 "$SFT" review rows.jsonl --export out.jsonl
    has stdout '2 of 4 rows of rows.jsonl are in out.jsonl'
    has stderr 'rows have moved since they were decided'
    is "$(grep -c 'q1\|q5' out.jsonl)" 2

    # of two rows that have the text nobody knows which one it was
    sed -i '1,2d;$p' rows.jsonl
    expect 1 "$SFT" review rows.jsonl --export out.jsonl
    has stderr 'no row is kept (rejected 1, disputed 0, undecided 2)'
}

test_export_warns_of_what_it_passes_over() {
    write_rows
    printf '{"row":1,"decision":"accept"}\nnotes\n{"row":90,"decision":"accept"}\n' >rows.jsonl.review.anna.jsonl
    expect 0 "$SFT" review rows.jsonl --export out.jsonl
    has stderr 'warning: rows.jsonl.review.anna.jsonl has 1 lines that are no decisions; they are passed over'
    has stderr 'warning: rows.jsonl.review.anna.jsonl decides 1 rows that rows.jsonl does not have'
}

test_what_the_start_says() {
    write_rows
    start_review rows.jsonl --name anna
    is "$(sed 's/ at http.*//' log | tr '\n' '|')" \
        '4 rows, of which nobody can read 1; decisions go to rows.jsonl.review.anna.jsonl|reviewing rows.jsonl|Ctrl-C ends it|'
    stop_review
    expect_error_about 1 'none.jsonl' env -u USER "$SFT" review none.jsonl
    expect_error 2 "'an na' is no reviewer's name (letters, digits, '.', '_' and '-', 64 at most, no dot first); it is from \$USER: say another by --name NAME" \
        env USER='an na' "$SFT" review rows.jsonl
    printf '{"foo":1}\n{"bar":2}\n' >bad.jsonl
    expect_error_about 1 '(rows that can be read: none of 2)' "$SFT" review bad.jsonl --name anna
    has stderr 'error: bad.jsonl:1: '
    : >empty.jsonl
    expect_error 1 'empty.jsonl: there is no row in it' "$SFT" review empty.jsonl --name anna
    [ ! -e bad.jsonl.review.anna.jsonl ] && [ ! -e empty.jsonl.review.anna.jsonl ] || die 'a file without rows has decisions'
}
