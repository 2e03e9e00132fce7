# The token cache and the files it is made from, when something happens to them.

# many_rows N: conversations, some 110 bytes each.
many_rows() {
    awk -v n="$1" 'BEGIN { for (i = 1; i <= n; i++) printf "{\"messages\":[{\"role\":\"user\",\"content\":" \
        "\"What comes after %d?\"},{\"role\":\"assistant\",\"content\":\"It is %d.\"}]}\n", i, i + 1 }'
}

# With a cache of its own, a file that is large enough to be kept, and a configuration that trains on it.
with_cache() {
    SFT_CACHE_DIR=$PWD/cache
    export SFT_CACHE_DIR
    write_config
    many_rows 12000 >rows.jsonl
    sed -i 's/^train = .*/train = rows.jsonl/' config.ini
    printf 'max_steps = %d\nlogging_steps = 10\n' "${1:-3}" >>config.ini
}

cached() {
    find cache -name '*.tokens' | wc -l | tr -d ' '
}

# ---- damage ----

test_damaged_tokens_are_made_again() {
    with_cache
    damaged='rows.jsonl: its tokens in the cache are damaged; they are made again'
    expect 0 "$SFT" train config.ini --set data.shuffle=false
    mv run straight
    flip_byte cache/*.tokens 20 # the first conversation's tokens: records and trailer are whole
    expect 0 "$SFT" train config.ini --set data.shuffle=false
    has stderr "$damaged"
    same_run straight run
    expect 0 "$SFT" inspect --base base --json rows.jsonl --limit 2
    has_not stderr "$damaged" # for good
    mv stdout first
    flip_byte cache/*.tokens 20
    expect 0 "$SFT" inspect --base base --json rows.jsonl --limit 2
    has stderr "$damaged"
    same first stdout
    expect 0 "$SFT" eval --model straight/last rows.jsonl --json # its tokenizer is another: another store
    mv stdout first
    for store in cache/*.tokens; do flip_byte "$store" 20; done
    expect 0 "$SFT" eval --model straight/last rows.jsonl --json
    has stderr "$damaged"
    same first stdout
}

# damaged_while_training: train in the background until its first step is told, stop it, run "$@", go on.
damaged_while_training() {
    rm -f log # the shell may be slower to empty it than we are to read it
    "$SFT" train config.ini >stdout 2>log &
    pid=$!
    wait_until grep -q '^step' log
    kill -STOP $pid
    "$@"
    kill -CONT $pid
}

empty_the_store() {
    for store in cache/*.tokens; do : >"$store"; done
}

empty_the_store_and_change_the_file() {
    sed -i 's/It is 500\./It is 5OO./' rows.jsonl
    empty_the_store
}

test_a_store_cut_short_while_it_is_trained_on() {
    with_cache 400
    expect 0 "$SFT" train config.ini
    mv run straight
    damaged_while_training empty_the_store
    finish 0
    has log 'warning: rows.jsonl: its tokens in the cache are damaged; they are made again'
    same_run straight run
    rm -r run
    damaged_while_training rm -r cache # what is mapped is still there
    finish 0
    same_run straight run
    rm -r run
    damaged_while_training empty_the_store_and_change_the_file
    finish 1
    has log 'error: rows.jsonl: is not what it was when this began (run again)'
    [ "$(cached)" -eq 0 ] || die 'the damaged store is still there'
}

test_documents_are_made_again_too() {
    with_cache 400
    many_rows 12000 >rows.txt
    sed -i 's|^train = .*|train = rows.txt:txt|' config.ini
    expect 0 "$SFT" train config.ini
    mv run straight
    damaged_while_training empty_the_store
    finish 0
    has log 'made again'
    same_run straight run
}

# ---- files that change ----

# while_open COMMAND...: train on rows.jsonl and on a pipe, and run the command once rows.jsonl was opened: files are
# opened in order before any is read, and a pipe is read when it is opened.
while_open() {
    mkfifo pipe
    "$SFT" train config.ini --set "data.train=rows.jsonl pipe" >stdout 2>log &
    pid=$!
    exec 3>pipe # waits for who reads
    "$@"
    many_rows 10 >&3
    exec 3>&-
    rm pipe
}

append_a_row() { many_rows 1 >>rows.jsonl; }
change_a_row() { # in place, the size stays
    at=$(grep -b -o 'It is 500\.' rows.jsonl | head -n 1 | cut -d: -f1)
    printf 'It is 5OO.' | dd of=rows.jsonl bs=1 seek="$at" conv=notrunc 2>dd.log
}
append_zeros() { printf "\\0\\0" >>rows.jsonl; } # which unpacking passes over
cut_short() { : >rows.jsonl; }

test_a_file_that_changes_while_it_is_read() {
    with_cache
    for change in append_a_row change_a_row; do
        while_open $change
        finish 1
        has log 'error: rows.jsonl: changed while it was read (run again when nothing writes to it)'
        is "$(cached)" 0
        [ ! -e run ] || die 'it made run'
    done
    mv rows.jsonl rows.plain
    many_rows 90000 | gzip -c >rows.jsonl # packed it is large enough to be kept
    while_open append_zeros
    finish 1
    has log 'error: rows.jsonl: changed while it was read'
    is "$(cached)" 0
    mv rows.plain rows.jsonl
    expect 0 "$SFT" train config.ini
    is "$(cached)" 1
}

# A stamp of a file's state says what its bytes hash to; a change that its times don't show makes it a lie.
test_a_change_that_the_times_do_not_show() {
    with_cache
    touch -d '1 hour ago' rows.jsonl
    sleep 2.1 # a file of just now gets no stamp: its change time cannot be set
    expect 0 "$SFT" inspect --base base --report rows.jsonl
    rm cache/*.tokens
    sed -i 's/[0-9a-f]\{16\}$/0123456789abcdef/' cache/*.stamp
    chmod 600 cache/*.stamp
    expect 1 "$SFT" inspect --base base --report rows.jsonl
    has stderr 'error: rows.jsonl: changed while it was read'
    is "$(cached)" 0
    expect 0 "$SFT" inspect --base base --report rows.jsonl # and the stamp is gone
    is "$(cached)" 1
}

test_a_file_that_is_cut_short_is_named() {
    with_cache
    while_open cut_short
    finish 1
    has log 'error: rows.jsonl: cut short, or not readable any more, while it was in use'
    is "$(cached)" 0
}

# ---- signals, and no room ----

# The program in the background has begun with a disposition for SIGINT; before that it is ignored, as of whatever a shell starts there.
heeds_interrupts() {
    grep -q '^SigCgt:.*[2367abef]$' "/proc/$pid/status"
}

# stopped_at_once COMMAND...: it reads a pipe to which nothing comes, and ends at the first signal.
stopped_at_once() {
    mkfifo pipe
    "$@" >stdout 2>log &
    pid=$!
    exec 3>pipe
    sleep 0.1
    kill -INT $pid
    finish 130
    exec 3>&-
    rm pipe
    has log 'pipe: stopped while it was read'
}

test_a_signal_while_a_pipe_is_waited_for() {
    write_config
    model=$(trained_model)
    stopped_at_once "$SFT" train config.ini --set data.train=pipe
    [ ! -e run ] || die 'it made run'
    stopped_at_once "$SFT" inspect --base base pipe
    stopped_at_once "$SFT" inspect --base base --report pipe
    stopped_at_once "$SFT" eval --model "$model" pipe
    stopped_at_once "$SFT" bench --base base/config.json --data pipe
    mkfifo pipe # nobody opens it for writing
    "$SFT" inspect --base base pipe >stdout 2>log &
    pid=$!
    wait_until heeds_interrupts
    sleep 0.1
    kill -INT $pid
    finish 130
}

test_standard_input_without_end() {
    tiny_base base
    mkdir tmp
    for input in cat 'gzip -1'; do
        code=0
        # what would fill a disk meets the limit of a file's size, at 2 MB
        yes '{"prompt": "a", "completion": "b"}' | $input | sh -c "trap '' XFSZ; ulimit -f 4000
            TMPDIR=\$PWD/tmp exec \"\$SFT\" inspect --base base -" >stdout 2>stderr || code=$?
        is $code 1
        has stderr 'error: -: needs room in $TMPDIR, else /tmp: a temporary file in '
        is "$(ls tmp)" ''
    done
}

# ---- whose the cache is ----

test_the_cache_is_for_its_user_alone() {
    with_cache
    umask 0
    SFT_CACHE_DIR=$PWD/a/cache
    expect 0 "$SFT" inspect --base base --report rows.jsonl
    is "$(stat -c %a a a/cache a/cache/*.tokens | tr '\n' ' ')" '700 700 600 '
}

test_a_cache_of_others_is_not_used() {
    with_cache
    expect 0 "$SFT" inspect --base base --json rows.jsonl
    mv stdout first
    chmod 1777 cache
    cp cache/*.tokens store
    for store in cache/*.tokens; do : >"$store"; done
    expect 0 "$SFT" inspect --base base --json rows.jsonl
    same first stdout
    has stderr "warning: $PWD/cache: not used as a cache: everybody may write in it"
    is "$(stat -c %s cache/*.tokens)" 0
    chmod 755 cache
    expect 0 "$SFT" inspect --base base --json rows.jsonl
    has_not stderr warning
    [ "$(id -u)" -eq 0 ] || { echo 'SKIP: another user: only root can make one'; return; }
    chown 12345 cache
    expect 0 "$SFT" inspect --base base --json rows.jsonl
    same first stdout
    has stderr "warning: $PWD/cache: not used as a cache: it belongs to another user"
}

# A place where there can be no cache is said once, whatever the number of files; the data are read all the same.
test_a_cache_that_cannot_be_made() {
    with_cache
    cp rows.jsonl more.jsonl
    expect 0 "$SFT" inspect --base base --json rows.jsonl more.jsonl
    mv stdout first
    echo mine >file
    for place in file:'exists and is not a directory' file/below:'cannot make the directory: Not a directory' \
        /proc/nowhere:'cannot make the directory: No such file or directory'; do
        expect 0 env SFT_CACHE_DIR="${place%%:*}" "$SFT" inspect --base base --json rows.jsonl more.jsonl
        same first stdout
        is "$(cat stderr)" "warning: ${place%%:*}: ${place#*:}: large files are tokenized every time, without a cache (SFT_CACHE_DIR names another place)"
    done
    is "$(cat file)" mine
}

# ---- what is left behind ----

being_written() {
    [ -n "$(find cache -name '*.tmp')" ]
}

test_what_a_killed_writer_left_is_removed_at_once() {
    with_cache
    many_rows 400000 >many.jsonl
    "$SFT" inspect --base base --report many.jsonl >stdout 2>log &
    pid=$!
    wait_until being_written
    kill -STOP $pid
    expect 0 "$SFT" inspect --base base --report rows.jsonl
    being_written || die 'it removed what is being written'
    kill -9 $pid
    wait $pid || :
    pid=
    expect 0 "$SFT" inspect --base base --report rows.jsonl # from the cache
    ! being_written || die "left: $(ls cache)"
}

# A store that was made of rows as text, by the user's word, is not what the same file is without that word.
test_text_by_force_is_another_store() {
    with_cache
    mv rows.jsonl rows.txt
    expect 0 "$SFT" inspect --base base --report rows.txt:txt
    is "$(cached)" 1
    expect 1 "$SFT" inspect --base base --report rows.txt
    has stderr 'rows.txt: holds JSON, not text'
}
