# What a file calls things, and what it says about itself: [data] columns and roles, flags, keys that nobody reads.

# rows FILE: each argument after it a line, with ' for "
rows() {
    file=$1
    shift
    printf '%s\n' "$@" | tr "'" '"' >"$file"
}

shows() {
    expect 0 "$SFT" inspect --base base "$@"
}

test_columns_of_json_and_csv() {
    tiny_base base
    rows a.jsonl "{'ask me':'Why?','reply':'So.','id':1}"
    printf 'ask me,reply\nWhy?,So.\n' >a.csv
    for file in a.jsonl a.csv; do
        shows $file --set 'data.columns="ask me:prompt" reply:completion'
        has stdout 'user<|im_sep|>Why?<|im_end|>'
        has stdout '[[So.<|im_end|>]]'
        shows $file --set 'data.prompt_column=ask me' --set data.completion_column=reply
        has stdout '[[So.<|im_end|>]]'
    done
    printf '[model]\nbase = base\n[data]\ntrain = a.jsonl a.csv\ncolumns = "ask me":prompt reply:completion id:ignore\n' >c.ini
    expect 0 "$SFT" inspect c.ini
    is "$(grep -c '\[\[So' stdout)" 2
    expect 0 "$SFT" inspect c.ini --report --json
    has_not stdout '"id"'
}

test_turns_of_other_names() {
    tiny_base base
    rows a.json "[{'dialog':[{'speaker':'Ann','says':'Hi'},{'speaker':'Dr. No','says':'Yes?'}]}]"
    expect 1 "$SFT" inspect --base base a.json
    has stderr 'error: a.json:1: unknown structure: it has the key dialog; '
    has stderr '[data] columns = dialog:messages speaker:role says:content'
    expect 1 "$SFT" inspect --base base a.json --set data.columns='dialog:messages speaker:role says:content'
    has stderr '[data] roles = NAME:user maps other names'
    shows a.json --set data.columns='dialog:messages speaker:role says:content' --set 'data.roles=Ann:user "Dr. No:assistant"'
    has stdout '[[Yes?<|im_end|>]]'
}

test_names_that_nothing_has() {
    tiny_base base
    rows a.jsonl "{'prompt':'Why?','completion':'So.'}"
    rows b.jsonl "{'q':'Why?','completion':'So.'}"
    expect_error 2 "[data] columns: no row has 'q' (a.jsonl has prompt, completion)" \
        "$SFT" inspect --base base a.jsonl --set data.columns=q:prompt
    expect_error 2 "[data] roles: no turn is of 'Ann'" "$SFT" inspect --base base a.jsonl --set data.roles=Ann:user
    shows a.jsonl b.jsonl --set data.columns=q:prompt # one file has it
    expect 2 "$SFT" inspect --base base a.jsonl --set data.columns=prompt
    has stderr "expected names as THEIRS:OURS, found 'prompt'"
    rows c.jsonl "{'q':'Why?','a':7}"
    expect_error 1 "c.jsonl:1: completion: expected a string or an array, found a number (completion is 'a' in the file)" \
        "$SFT" inspect --base base c.jsonl --set data.columns='q:prompt a:completion'
}

test_one_error_about_an_unknown_structure() {
    tiny_base base
    for i in 1 2 3 4; do rows row "{'ask':'Why?','reply':'So.'}"; cat row; done >a.jsonl
    expect 1 "$SFT" inspect --base base a.jsonl
    is "$(wc -l <stderr | tr -d ' ')" 1
    has stderr 'a.jsonl:1: unknown structure: it has the keys ask, reply; '
    has stderr '[data] columns = ask:prompt reply:completion'
    expect 1 "$SFT" inspect --base base a.jsonl --set data.columns=asks:prompt
    has stderr "(it has no 'asks', which is to be prompt)"
}

test_flags_of_turns() {
    tiny_base base
    rows a.jsonl "{'messages':[{'role':'user','content':'a','train':false},{'role':'assistant','content':'Bad','train':false},{'role':'assistant','content':'Good','train':true}]}"
    shows a.jsonl
    has stdout '[[Good<|im_end|>]]'
    has_not stdout '[[Bad'
    rows a.jsonl "{'messages':[{'role':'user','content':'a','train':true},{'role':'assistant','content':'b'}]}"
    expect 0 "$SFT" inspect --base base a.jsonl --report
    has stdout "warning: turns that are not the assistant's are marked to be trained, and are not: messages[].train (1 row), first a.jsonl:1 (train_on = all trains every turn)"
    expect 0 "$SFT" inspect --base base a.jsonl --report --set data.train_on=all
    has_not stdout warning
}

test_a_flag_that_is_not_known_stops() {
    write_config
    rows a.jsonl "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b','loss_mask':[1]}]}" \
        "{'text_weights':1,'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b','loss_mask':0}]}"
    for command in 'inspect --base base a.jsonl' 'train config.ini --set data.train=a.jsonl' \
        'train config.ini --set data.train=a.jsonl --set data.on_bad_row=skip'; do
        expect 1 "$SFT" $command
        is "$(grep -c 'error: a.jsonl:1: messages\[\].loss_mask: speaks of training' stderr)" 1
        has stderr '(2 rows have it; weight, train, trainable, loss and masked are; [data] columns = messages[].loss_mask:train or messages[].loss_mask:masked says what it means, messages[].loss_mask:ignore passes it over)'
        has stderr 'a.jsonl:2: text_weights: speaks of training'
    done
    [ ! -e run ] || die 'it made run'
    expect 0 "$SFT" inspect --base base a.jsonl --report
    has stdout 'warning: training will stop at keys that speak of training, but not in words that are known: messages[].loss_mask (2 rows), text_weights (1 row)'
    shows a.jsonl --set data.columns='messages[].loss_mask:ignore text_weights:ignore'
    rows b.jsonl "{'label':'joy','prompt':'Why?','completion':'So.'}" # a class is no mask
    shows b.jsonl
}

test_keys_that_nobody_reads() {
    tiny_base base
    rows a.jsonl "{'id':1,'persona':'a pirate','messages':[{'role':'user','content':'a','name':'x'},{'role':'assistant','content':'b','reasoning_content':'r'}]}" \
        "{'id':2,'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'c','thinking':'t'}]}"
    expect 0 "$SFT" inspect --base base a.jsonl --report
    has stdout '       keys that are not used: id (2 rows), persona (1 row),'
    has stdout '       messages[].name (1 row), messages[].reasoning_content (1 row),'
    has stdout '       messages[].thinking (1 row)'
    has stdout 'warning: reasoning that is not shown to the model: messages[].reasoning_content (1 row), messages[].thinking (1 row), first a.jsonl:1'
    has stdout 'warning: keys that nobody reads: persona (1 row), first a.jsonl:1 ([data] columns = KEY:OURS says what one is, KEY:ignore that it is not needed)'
    rows c.jsonl "{'checked':true,'stars':4,'notes':'','prompt':'p','completion':'c'}" # nothing that a model could be told
    expect 0 "$SFT" inspect --base base c.jsonl --report
    has stdout 'keys that are not used: checked (1 row), stars (1 row), notes (1 row)'
    has_not stdout warning
    expect 0 "$SFT" inspect --base base a.jsonl --report
    has_not stdout 'nobody reads: id'
    rows d.jsonl "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b','skip':true}]}"
    expect 0 "$SFT" inspect --base base d.jsonl --report
    has stdout 'warning: keys that nobody reads: messages[].skip (1 row)'
    expect 0 "$SFT" inspect --base base a.jsonl --report --json
    has stdout '"unused_keys":[{"key":"id","rows":2},{"key":"persona","rows":1},{"key":"messages[].name","rows":1},'
    expect 0 "$SFT" inspect --base base a.jsonl --report --json --set data.columns=persona:system
    has_not stdout persona
    rows b.jsonl "{'prompt':'p','chosen':'c','rejected':'r'}"
    expect 0 "$SFT" inspect --base base b.jsonl --report
    has stdout '       preferences: 1; `chosen` is trained on, `rejected` is not used'
}

# A flag of another name is one as soon as it is said which.
test_a_flag_of_another_name() {
    tiny_base base
    rows a.jsonl "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b','mask':true},{'role':'assistant','content':'c'}]}"
    expect 1 "$SFT" inspect --base base a.jsonl
    expect 0 "$SFT" inspect --base base a.jsonl --set data.columns=mask:masked
    has stdout 'assistant<|im_sep|>b<|im_end|>'
    has stdout '[[c<|im_end|>]]'
}

# What the rows told is kept in the cache with them.
test_the_cache_keeps_the_counts() {
    tiny_base base
    export SFT_CACHE_DIR=$PWD/cache
    rows row "{'persona':'a pirate','messages':[{'role':'user','content':'What is it that you say here?'},{'role':'assistant','content':'b'}]}"
    for i in $(seq 10); do cat row; done >ten
    for i in $(seq 1000); do cat ten; done >a.jsonl
    expect 0 "$SFT" inspect --base base a.jsonl --report --json
    mv stdout first
    [ -n "$(ls cache/*.tokens)" ] || die 'it is not kept'
    expect 0 "$SFT" inspect --base base a.jsonl --report --json
    has stdout '"unused_keys":[{"key":"persona","rows":10000}]'
    for part in unused_keys warnings; do
        is "$(sed "s/.*\"$part\"//; s/].*//" stdout)" "$(sed "s/.*\"$part\"//; s/].*//" first)"
    done
}

test_one_thread_or_many_count_the_same() {
    tiny_base base
    for i in $(seq 500); do rows row "{'k$i':1,'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'$i'}]}"; cat row; done >a.jsonl
    OMP_NUM_THREADS=1 "$SFT" inspect --base base a.jsonl --report --json >one
    OMP_NUM_THREADS=4 "$SFT" inspect --base base a.jsonl --report --json >four
    is "$(sed 's/.*"unused_keys"//; s/"memory".*//' one)" "$(sed 's/.*"unused_keys"//; s/"memory".*//' four)"
    has one '"unused_keys":[{"key":"k1","rows":1},{"key":"k2","rows":1}'
}
