# Data: the token cache, what is packed or piped, mixing, and rows that are left out.

# many_rows N: conversations, some 110 bytes each.
many_rows() {
    awk -v n="$1" 'BEGIN { for (i = 1; i <= n; i++)
        printf "{\"messages\":[{\"role\":\"user\",\"content\":\"What comes after %d?\"},{\"role\":\"assistant\",\"content\":\"It is %d.\"}]}\n", i, i + 1 }'
}

# cached: how many stores are in the cache.
cached() {
    find "$SFT_CACHE_DIR" -name '*.tokens' | wc -l | tr -d ' '
}

# With a cache of its own, a file that is large enough to be kept.
with_cache() {
    SFT_CACHE_DIR=$PWD/cache
    export SFT_CACHE_DIR
    tiny_base base
    many_rows 12000 >rows.jsonl
}

test_cache_is_used_and_changes_nothing() {
    with_cache
    expect 0 "$SFT" inspect --base base --json rows.jsonl
    mv stdout first
    is "$(cached)" 1
    is "$(wc -l <first | tr -d ' ')" 12000
    store=$(ls cache/*.tokens) before=$(stat -c '%i %s' cache/*.tokens)
    expect 0 "$SFT" inspect --base base --json rows.jsonl
    same first stdout
    is "$(stat -c '%i %s' "$store")" "$before"
    is "$(cached)" 1
    expect 0 env SFT_CACHE_DIR=/proc/nowhere "$SFT" inspect --base base --json rows.jsonl # no cache: the same
    same first stdout
    expect 0 env OMP_NUM_THREADS=1 SFT_CACHE_DIR="$PWD/other" "$SFT" inspect --base base --json rows.jsonl
    same first stdout
}

test_cache_of_a_small_file_is_not_kept() {
    SFT_CACHE_DIR=$PWD/cache
    tiny_base base
    expect 0 "$SFT" inspect --base base "$DATA/chat.jsonl"
    [ ! -e cache ] || is "$(cached)" 0
}

test_cache_is_made_anew_when_what_matters_changes() {
    with_cache
    n=1
    expect 0 "$SFT" inspect --base base --report rows.jsonl
    for change in data.max_length=20 data.overlong=drop data.train_on=all data.template=chatml data.system=Hi \
        data.system_policy=drop data.columns=messages:conversations data.roles=user:system; do
        n=$((n + 1))
        expect 0 "$SFT" inspect --base base --report rows.jsonl --set $change
        is "$(cached)" $n
        expect 0 "$SFT" inspect --base base --report rows.jsonl --set $change
        is "$(cached)" $n
    done
    for same in data.dedupe=exact data.shuffle=false data.on_bad_row=skip train.seed=7; do # what does not
        expect 0 "$SFT" inspect --base base --report rows.jsonl --set $same
        is "$(cached)" $n
    done
    expect 0 "$SFT" inspect --base base --report rows.jsonl:messages
    is "$(cached)" $((n + 1))
    sed -i 's/It is 500\./It is 5OO./' rows.jsonl # the same size
    expect 0 "$SFT" inspect --base base --report rows.jsonl
    is "$(cached)" $((n + 2))
    cp -r base other # another tokenizer: without its last merge
    sed -i '$d' other/merges.txt
    expect 0 "$SFT" inspect --base other --report rows.jsonl
    is "$(cached)" $((n + 3))
}

test_cache_by_content_not_by_name() {
    with_cache
    expect 0 "$SFT" inspect --base base --json rows.jsonl
    cp rows.jsonl copy.jsonl
    expect 0 "$SFT" inspect --base base --json copy.jsonl
    is "$(cached)" 1
    has stdout '"source":"copy.jsonl:1"'
}

test_a_look_at_the_first_rows_reads_no_more() {
    with_cache
    { head -n 5000 rows.jsonl; echo '{'; } >late.jsonl
    many_rows 8000 >>late.jsonl
    expect 1 "$SFT" inspect --base base late.jsonl
    has stderr 'error: late.jsonl:5001: '
    rm -r cache
    for option in '--limit 3' '--row 3' '--limit 5000'; do
        # shellcheck disable=SC2086
        expect 0 "$SFT" inspect --base base --json late.jsonl $option
        is "$(cached)" 0
        has stdout '"source":"late.jsonl:3"'
    done
    is "$(wc -l <stdout | tr -d ' ')" 5000
    expect 1 "$SFT" inspect --base base late.jsonl --limit 5001
    expect 1 "$SFT" inspect --base base "late.jsonl*0.5" --limit 3 # a sample is of the whole
    expect 2 "$SFT" inspect --base base rows.jsonl --row 12001
    has stderr '--row 12001: there are only 12000 conversations'
}

test_cache_that_is_damaged_is_not_used() {
    with_cache
    expect 0 "$SFT" inspect --base base --json rows.jsonl
    mv stdout first
    store=$(ls cache/*.tokens) size=$(stat -c %s cache/*.tokens)
    for cut in 0 7 100 $((size / 2)) $((size - 1)); do
        head -c "$cut" "$store" >half
        cp half "$store"
        expect 0 "$SFT" inspect --base base --json rows.jsonl
        same first stdout
        is "$(stat -c %s "$store")" "$size"
    done
    for at in $((size - 1)) $((size - 300)) $((size - 100000)); do # trailer, records
        flip_byte "$store" "$at"
        expect 0 "$SFT" inspect --base base --json rows.jsonl
        same first stdout
    done
}

being_written() { # or written already
    [ -n "$(find cache -name '*.tokens*')" ]
}

# stopped_while_reading SIGNAL ROWS: false where the machine was so fast that the run had begun.
stopped_while_reading() {
    many_rows "$2" >rows.jsonl
    rm -rf log cache run
    "$SFT" train config.ini --set data.train=rows.jsonl 2>log &
    pid=$!
    wait_until being_written
    kill -"$1" $pid
    finish 130
    [ "$(tail -n 1 log)" = 'rows.jsonl: stopped while it was read' ]
}

test_a_signal_while_data_are_read() {
    with_cache
    write_config
    for signal in INT TERM; do
        stopped_while_reading $signal 400000 || stopped_while_reading $signal 4000000 || die "$(cat log)"
        is "$(ls cache)" ''
        [ ! -e run ] || die 'it made run'
    done
}

test_an_eval_file_that_is_missing_is_told_first() {
    with_cache
    write_config
    expect 1 "$SFT" train config.ini --set data.train=rows.jsonl --set data.eval=missing.jsonl
    has stderr 'missing.jsonl: No such file or directory'
    [ ! -e cache ] || is "$(cached)" 0
}

test_cache_writer_that_is_killed_leaves_nothing_to_use() {
    with_cache
    many_rows 60000 >rows.jsonl
    expect 0 env SFT_CACHE_DIR="$PWD/whole" "$SFT" inspect --base base --report --json rows.jsonl
    mv stdout first
    for delay in 0.01 0.03 0.06 0.1; do
        rm -rf cache
        "$SFT" inspect --base base --report --json rows.jsonl >/dev/null 2>&1 &
        pid=$!
        sleep $delay
        kill -9 "$pid" 2>/dev/null || :
        wait "$pid" || :
        pid=
        expect 0 "$SFT" inspect --base base --report --json rows.jsonl
        same first stdout
    done
}

test_two_at_once_share_the_cache() {
    with_cache
    "$SFT" inspect --base base --json rows.jsonl >a 2>log &
    pid=$!
    "$SFT" inspect --base base --json rows.jsonl >b
    finish 0
    same a b
    is "$(cached)" 1
    is "$(find cache -name '*.tmp')" ''
}

test_cache_forgets_what_is_not_used() {
    with_cache
    expect 0 "$SFT" inspect --base base --report rows.jsonl
    store=$(ls cache/*.tokens) left=cache/0123456789abcdef0123456789abcdef.tokens.123.tmp
    touch -d '40 days ago' "$store"
    printf x >$left # by a writer that was interrupted
    touch -d '2 days ago' $left
    for other in 0123.tokens 0123456789abcdef.tokens.old a.tmp mine.tokens mine.txt; do # not of our making
        printf x >cache/$other
        touch -d '1 year ago' cache/$other
    done
    expect 0 "$SFT" inspect --base base --report rows.jsonl # used: young again
    [ -e "$store" ] || die 'it is gone'
    touch -d '40 days ago' "$store"
    expect 0 "$SFT" inspect --base base --report rows.jsonl --set data.max_length=20
    [ ! -e "$store" ] || die 'it is still there'
    [ ! -e $left ] || die 'the left-over is still there'
    for other in 0123.tokens 0123456789abcdef.tokens.old a.tmp mine.tokens mine.txt; do
        [ -e cache/$other ] || die "it removed $other"
    done
}

test_gzip_and_standard_input_are_the_same_rows() {
    tiny_base base
    expect 0 "$SFT" inspect --base base --json "$DATA/chat.jsonl"
    sed 's/"source":"[^:]*:/"source":"X:/' stdout >plain
    gzip -c "$DATA/chat.jsonl" >chat.jsonl.gz
    cp chat.jsonl.gz packed # known by its bytes, not by its name
    for file in chat.jsonl.gz packed; do
        expect 0 "$SFT" inspect --base base --json $file
        has stdout "\"source\":\"$file:1\""
        sed 's/"source":"[^:]*:/"source":"X:/' stdout | diff - plain
    done
    for input in "$DATA/chat.jsonl" chat.jsonl.gz; do
        "$SFT" inspect --base base --json - <"$input" >stdout
        has stdout '"source":"-:1"'
        sed 's/"source":"[^:]*:/"source":"X:/' stdout | diff - plain
    done
    head -c 200 chat.jsonl.gz >short.gz
    expect 1 "$SFT" inspect --base base --json short.gz
    has stderr 'error: short.gz: '
}

test_a_run_from_a_pipe_goes_on_from_a_pipe() {
    write_config
    sed 's/^train = .*/train = -/' config.ini >pipe.ini
    "$SFT" train config.ini --set train.output_dir=straight 2>log
    "$SFT" train pipe.ini --set train.num_train_epochs=1 --set train.lr_scheduler_type=constant <"$DATA/chat.jsonl" 2>log
    "$SFT" train pipe.ini --set train.lr_scheduler_type=constant <"$DATA/chat.jsonl" 2>log
    has log 'continues run/checkpoint-3'
    is "$(grep -c '"step":' run/metrics.jsonl)" 6
    code=0
    head -n 5 "$DATA/chat.jsonl" | "$SFT" train pipe.ini --set train.lr_scheduler_type=constant 2>log || code=$?
    is $code 2
    has log '[data] train: the content of - is not what this run was started with (-)'
}

test_csv_files_with_a_header() {
    tiny_base base
    printf 'id,prompt,completion\r\n1,"What, ""now""?","one\ntwo"\r\n2,b,c\r\n' >a.csv
    expect 0 "$SFT" inspect --base base a.csv
    has stdout 'What, "now"?'
    has stdout 'a.csv:4' # the second row: the first has two lines
    printf 'ask\treply\nb\tc\n' >a.tsv
    expect 1 "$SFT" inspect --base base a.tsv
    has stderr 'error: a.tsv:2: unknown structure: it has the keys ask, reply'
    expect 0 "$SFT" inspect --base base a.tsv --set data.prompt_column=ask --set data.completion_column=reply
    printf 'prompt,completion\na\n' >bad.csv
    expect 1 "$SFT" inspect --base base bad.csv
    has stderr 'error: bad.csv:2: expected 2 columns'
}

test_mixing() {
    write_config
    expect 0 "$SFT" train config.ini --dry-run --set "data.train=$DATA/chat.jsonl*2.5"
    has stdout '(8 an epoch)' # 30 of 12, by fours
    expect 0 "$SFT" inspect --base base --json "$DATA/chat.jsonl*0.25"
    is "$(grep -c '"dropped":"not in the sample"' stdout)" 9
    cat "$DATA/chat.jsonl" "$DATA/chat.jsonl" >twice.jsonl
    expect 0 "$SFT" inspect --base base --json twice.jsonl --set data.dedupe=exact
    is "$(grep -c '"dropped":"duplicate"' stdout)" "$(($(wc -l <twice.jsonl) - $(sort -u "$DATA/chat.jsonl" | wc -l)))"
}

test_rejected_rows_are_kept() {
    write_config
    { cat "$DATA/chat.jsonl"; printf '%s\n' '{"messages":[{"role":"x","content":"a"}]}' '{'; } >rows.jsonl
    expect 1 "$SFT" train config.ini --set data.train=rows.jsonl
    has stderr "error: rows.jsonl:13: messages[0].role: unknown role 'x' "
    has stderr 'rows.jsonl:14: '
    [ ! -e run ] || die 'it made run'
    expect 0 "$SFT" train config.ini --set data.train=rows.jsonl --set data.on_bad_row=skip
    is "$(wc -l <run/rejected.jsonl | tr -d ' ')" 2
    has run/rejected.jsonl '{"source":"rows.jsonl:13","reason":"messages[0].role: unknown role '"'x'"
    has run/rejected.jsonl '"row":"{"}'
    cp run/rejected.jsonl before
    cp "$DATA/chat.jsonl" other.jsonl
    expect 2 "$SFT" train config.ini --set data.train=other.jsonl --set data.on_bad_row=skip --set train.max_steps=9
    same before run/rejected.jsonl # a run that is refused touches nothing
    rm -r run
    expect 0 "$SFT" inspect --base base rows.jsonl --set data.on_bad_row=skip
    [ ! -e run ] || die 'inspect wrote'
}

test_the_rest_of_a_broken_file_is_kept() {
    write_config
    { printf 'prompt,completion\na,b\n"c,d\n'; seq -f "a,What comes after %g?" 100; } >a.csv
    expect 1 "$SFT" train config.ini --set data.train=a.csv
    has stderr "error: a.csv:3: a quoted field is never closed; the rest of the file, "
    expect 0 "$SFT" train config.ini --set data.train=a.csv --set data.on_bad_row=skip --set train.max_steps=1
    has stderr 'warning: a.csv:3: the file is broken here, and '
    has run/rejected.jsonl '"source":"a.csv:3"'
    has run/rejected.jsonl 'What comes after 99?'
}

test_a_parquet_file() {
    tiny_base base
    printf 'PAR1\1\2\3PAR1' >a.parquet
    expect_error 1 'a.parquet: is a parquet file (python3 scripts/from_hub.py FILE --out FILE.jsonl makes JSON Lines of it)' \
        "$SFT" inspect --base base a.parquet
}

test_system_prompts() {
    tiny_base base
    printf '%s\n' '{"prompt":"a","completion":"b"}' >a.jsonl
    expect 0 "$SFT" inspect --base base a.jsonl --set 'data.system=Be kind.'
    has stdout 'Be kind.'
    expect_error 2 '[data] system: not set; system_policy = replace needs it' "$SFT" inspect --base base a.jsonl \
        --set data.system_policy=replace
    expect_error 2 '--set data.system: not used with system_policy = drop' "$SFT" inspect --base base a.jsonl \
        --set data.system_policy=drop --set data.system=x
    printf '%s\n' '{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}' >a.jsonl
    expect_error 1 'a.jsonl:1: message 2: the gemma template wants user and assistant in turn, a user first; found user' \
        "$SFT" inspect --base base a.jsonl --set data.template=gemma --set data.system=x # which is no message of the row
}
