# sft synth, against an endpoint that a test program plays (tests/support/fake_endpoint.c).

endpoint=
trap 'for p in $pid $endpoint; do kill -9 "$p" 2>/dev/null || :; done' EXIT

# start_endpoint ARGUMENT...: $url; what comes and goes is in `requests`.
start_endpoint() {
    fake=$(dirname "$SFT")/tests/fake_endpoint
    [ -x "$fake" ] || die "$fake is not built (make cli does)"
    : >requests
    : >endpoint.out # of one before, which must not be taken for this one
    "$fake" --log requests "$@" >endpoint.out 2>&1 &
    endpoint=$!
    wait_until grep -q '^listening at ' endpoint.out
    url=$(sed -n 's/^listening at //p' endpoint.out)
}

# write_recipe [LINE...]: recipe.ini; the lines go to [recipe].
write_recipe() {
    cat >recipe.ini <<END
[endpoint]
url = ${url:-http://127.0.0.1:9/v1}
model = fake
concurrency = 3
backoff_s = 0.01

[filter]
near_duplicate = 0

[recipe]
topics = rivers, lamps, gardens, letters, engines
count = 12
refusals = 0.2
END
    for line in "$@"; do
        echo "$line" >>recipe.ini
    done
}

n_requests() {
    grep -c '^request' requests || :
}

# rows: the numbers of all rows, kept or rejected, one a line, sorted.
rows() {
    cat rows.jsonl rows.jsonl.rejected.jsonl | field row | sort -n
}

# each_row_once COUNT
each_row_once() {
    is "$(rows | tr '\n' ' ')" "$(seq 0 $(($1 - 1)) | tr '\n' ' ')"
}

test_rows_are_made_and_written() {
    start_endpoint
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    each_row_once 12
    has stdout 'this run     all runs'
    is "$(awk '$1 == "rows" && $2 != "a" { print $2, $3 }' stdout)" '12 12'
    is "$(awk '$1 == "requests" { print $2 }' stdout)" "$(n_requests)"
    is "$(field kind <rows.jsonl | sort -u | tr '\n' ' ')" 'answer look_alike refusal '
    is "$(field model <rows.jsonl | sort -u)" fake
    is "$(field recipe <rows.jsonl | sort -u | grep -cE '^[0-9a-f]{16}$')" 1
    is "$(field time <rows.jsonl | grep -cvE '^20[0-9-]*T[0-9:]*Z$')" 0
    is "$(grep -c '^{"messages":\[{"role":"user","content":"' rows.jsonl)" "$(grep -c . rows.jsonl)"
    has rows.jsonl '"topic":"gardens"'
}

test_a_finished_run_asks_nothing() {
    start_endpoint
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    before=$(n_requests)
    cp rows.jsonl old.jsonl
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --json
    same rows.jsonl old.jsonl
    is "$(n_requests)" "$before"
    has stderr 'goes on: 12 of 12 rows are done'
    has stdout '"open":0,"stopped_by":null,"this_run":{"kept":0,"rejected":0,'
}

# Nor does one whose rows are more than are asked for now.
test_nothing_to_do() {
    start_endpoint
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    for count in 12 5; do
        expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.count=$count
        has stderr "nothing to do: all $count rows are done (raise recipe.count for more)"
        [ ! -s stdout ] || die 'a table of zeros'
    done
    sed -i '/"done":0,/d' rows.jsonl.journal
    sed -i '/"row":0,/d' rows.jsonl
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.count=5
    is "$(awk '$1 == "rows" && $2 != "a" { print $2, $3 }' stdout)" '1 12'
    has stderr 'goes on: 4 of 5 rows are done'
    has stderr 'nobody was asked: these rows are made of the answers in rows.jsonl.journal'
    has_not stderr asking
}

# What is begun is finished before more is begun: of two requests a row none is left half done.
test_a_tiny_budget_finishes_rows() {
    start_endpoint --latency 20
    write_recipe
    for most in 4 10; do
        expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.refusals=0 --set budget.max_requests=$most
        is "$(n_requests)" $most
        is "$(rows | wc -l)" $((most / 2))
    done
}

test_a_web_page_is_no_api() {
    start_endpoint --script html,html,html,html,html,html,html,html
    write_recipe
    expect 1 "$SFT" synth recipe.ini --out rows.jsonl --set endpoint.concurrency=1
    has stderr "error: $url: that is a web page, no API: is url right? (it ends in /v1 mostly)"
    is "$(n_requests)" 3
}

test_a_dry_run_says_where_a_budget_ends() {
    write_recipe
    expect 0 "$SFT" synth recipe.ini --dry-run --set budget.max_requests=12
    has stdout '[budget] max_requests = 12 will stop it after about 6 of the 12 rows'
    expect 0 "$SFT" synth recipe.ini --dry-run --set budget.max_requests=24
    has_not stdout 'will stop'
}

test_more_rows_are_added() {
    start_endpoint
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.count=5
    cp rows.jsonl old.jsonl
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    each_row_once 12
    head -n "$(grep -c . old.jsonl)" rows.jsonl | cmp - old.jsonl
}

# Without rows in common two runs over the same recipe have the same texts.
test_equal_recipes_ask_the_same() {
    start_endpoint
    write_recipe 'turns = 1-3'
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    expect 0 "$SFT" synth recipe.ini --out again.jsonl --set endpoint.concurrency=1
    for file in rows again; do
        sed 's/"time":"[^"]*"//' $file.jsonl | sort >$file.sorted
    done
    same rows.sorted again.sorted
}

test_train_reads_what_was_made() {
    start_endpoint
    write_recipe 'turns = 2' 'system = You are kind.'
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    tiny_base base
    expect 0 "$SFT" inspect --base base rows.jsonl
    has_not stderr warning
    has stdout 'You are kind.'
    write_config
    expect 0 "$SFT" train config.ini --set data.train=rows.jsonl --dry-run
    has stdout "keys that are not used: meta ($(grep -c . rows.jsonl) rows)"
    has_not stdout 'warning'
}

test_pairs() {
    start_endpoint
    write_recipe 'pairs = true'
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    each_row_once 12
    is "$(grep -c '^{"prompt":\[{"role":"user",.*"chosen":\[{"role":"assistant",.*"rejected":\[{"role":"assistant",' rows.jsonl)" \
        "$(grep -c . rows.jsonl)"
    tiny_base base
    expect 0 "$SFT" inspect --base base rows.jsonl
}

test_whole_conversations_and_a_critic() {
    start_endpoint
    write_recipe 'mode = structured' 'turns = 2' 'critique = true'
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    each_row_once 12
    is "$(n_requests)" 24
    is "$(grep -c '"revised":true' rows.jsonl)" "$(grep -c . rows.jsonl)"
}

test_topics_are_asked_for() {
    start_endpoint
    write_recipe
    sed -i '/^topics/d' recipe.ini
    printf 'subject = life in a small town\ntopic_tree = 3x2\n' >>recipe.ini
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    each_row_once 12
    before=$(n_requests)
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.count=13
    each_row_once 13
    holds "$(n_requests) - $before <= 4" # the topics are known
}

# The answer is paid for and in the journal: who wants another one is told how.
test_topics_that_are_none() {
    start_endpoint --script empty
    write_recipe
    sed -i '/^topics/d' recipe.ini
    printf 'subject = life in a small town\ntopic_tree = 3\n' >>recipe.ini
    expect 1 "$SFT" synth recipe.ini --out rows.jsonl
    has stderr 'error: topics: '
    has stderr 'or remove rows.jsonl.journal, which has what it said, to ask again'
    rm rows.jsonl.journal
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    each_row_once 12
}

test_what_is_cut_off_is_rejected() {
    start_endpoint
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.max_tokens=16
    is "$(grep -c '^{"reason":"cut_off"' rows.jsonl.rejected.jsonl)" 12
}

test_what_filters_take_out_is_kept_aside() {
    start_endpoint
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set filter.min_chars=100000 --set filter.max_chars=200000
    is "$(grep -c . rows.jsonl)" 0
    is "$(grep -c '^{"reason":"too_short","detail":"' rows.jsonl.rejected.jsonl)" 12
    is "$(awk '$1 == "too_short" { print $2, $3 }' stdout)" '12 12'
}

# ---- budgets ----

test_a_budget_of_requests_is_never_passed() {
    start_endpoint --faults 500=0.4 --seed 5
    write_recipe
    for most in 3 7 12; do
        expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set budget.max_requests=$most
        has stderr "stopped by [budget] max_requests = $most: "
        is "$(n_requests)" $most
    done
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    each_row_once 12
}

test_a_budget_of_tokens_and_cost() {
    start_endpoint
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set budget.max_tokens_total=3000 --set endpoint.concurrency=1 --json
    has stderr 'stopped by [budget] max_tokens_total = 3000: '
    has stdout '"stopped_by":"max_tokens_total"'
    spent=$(awk '$1 == "answer" { n += $6; if ($6 > most) most = $6 } END { print n, most }' requests)
    holds "${spent% *} >= 3000 && ${spent% *} < 3000 + ${spent#* }"
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set budget.max_cost=0.05 --set budget.price_prompt=10 \
        --set budget.price_completion=20
    has stderr 'stopped by [budget] max_cost = 0.05: '
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    each_row_once 12
}

# An attempt that was cut may have been billed: the next one is not sent where that was all that may be spent.
test_lost_attempts_count_before_they_are_made_again() {
    start_endpoint --faults cut=1
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set budget.max_tokens_total=100 --set endpoint.concurrency=1
    has stderr 'stopped by [budget] max_tokens_total = 100: '
    is "$(n_requests)" 1
}

# ---- what stops a run, and how it goes on ----

test_interrupted_and_gone_on_with() {
    start_endpoint --latency 50
    write_recipe 'turns = 2'
    "$SFT" synth recipe.ini --out rows.jsonl >out 2>log &
    pid=$!
    wait_until grep -q '^taken 3 ' requests
    kill -INT "$pid"
    finish 130
    has log 'run it again to go on'
    answers=$(grep -c '^answer' requests)
    is "$(grep -c '"answer":' rows.jsonl.journal)" "$answers" # what was in flight was waited for
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    each_row_once 12
    is "$(awk '$1 == "request" { print $3 }' requests | sort | uniq -d | wc -l)" 0
}

test_killed_and_gone_on_with() {
    start_endpoint --latency 30
    write_recipe 'turns = 2'
    for n in 5 15 25; do
        "$SFT" synth recipe.ini --out rows.jsonl >out 2>log &
        pid=$!
        wait_until grep -q "^taken $n " requests
        kill -KILL "$pid"
        finish 137
    done
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    each_row_once 12
    holds "$(awk '$1 == "request" { print $3 }' requests | sort | uniq -d | wc -l) <= 3 * 3"
}

test_what_a_person_took_out_stays_out() {
    start_endpoint
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.count=8
    gone=$(head -n 1 rows.jsonl | field row)
    sed -i 1d rows.jsonl
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    is "$(rows | grep -cx "$gone")" 0
    is "$(rows | wc -l)" 11
}

test_a_file_that_was_removed_is_made_again() {
    start_endpoint
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    before=$(n_requests)
    rm rows.jsonl
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set filter.min_chars=0
    has stderr 'rows.jsonl is gone: its rows are made again'
    each_row_once 12
    is "$(n_requests)" "$before"
}

test_rows_that_were_all_rejected_are_made_again() {
    start_endpoint
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set filter.max_chars=2
    is "$(grep -c . rows.jsonl.rejected.jsonl)" 12
    before=$(n_requests)
    rm rows.jsonl
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    each_row_once 12
    holds "$(grep -c . rows.jsonl) > 0"
    is "$(n_requests)" "$before"
}

test_a_long_wait_is_told() {
    start_endpoint --script ok,500,500,500,500_days
    write_recipe
    "$SFT" synth recipe.ini --out rows.jsonl --set endpoint.concurrency=1 >out 2>log &
    pid=$!
    wait_until grep -q 'we are rebuilding' log
    kill -INT "$pid"
    finish 130
    grep 'we are rebuilding' log | grep -qE '^warning: row 0: .*; again in (1h00m|60m00s)' || die "$(cat log)"
}

# ---- what is refused ----

test_another_recipe_needs_another_file() {
    start_endpoint
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.count=2
    expect_error 2 'rows.jsonl.journal: begun with another recipe: recipe.temperature was 0.8, is 0.5 (put it back, or give another --out)' \
        "$SFT" synth recipe.ini --out rows.jsonl --set recipe.temperature=0.5
}

test_a_file_of_others_is_left_alone() {
    write_recipe
    echo '{"messages":[]}' >rows.jsonl
    cp rows.jsonl old.jsonl
    expect_error 2 'rows.jsonl: is there already, but no journal of a run that could go on (give another --out, or move it away)' \
        "$SFT" synth recipe.ini --out rows.jsonl
    same rows.jsonl old.jsonl
    [ ! -e rows.jsonl.journal ] || die 'a journal was begun'
    mkfifo pipe.jsonl
    expect_error 2 'pipe.jsonl: no file, which a run could go on with' "$SFT" synth recipe.ini --out pipe.jsonl
    [ ! -e pipe.jsonl.journal ] || die 'a journal was begun'
}

test_one_run_at_a_time() {
    start_endpoint --latency 100
    write_recipe
    "$SFT" synth recipe.ini --out rows.jsonl >out 2>log &
    pid=$!
    wait_until grep -q '^request' requests
    expect_error_about 2 'another sft synth is at work on it' "$SFT" synth recipe.ini --out rows.jsonl
    finish 0
    each_row_once 12
}

test_words_that_are_wrong() {
    write_recipe
    expect_error_about 2 'no recipe is given' "$SFT" synth --out rows.jsonl
    expect_error_about 2 '--out is missing' "$SFT" synth recipe.ini
    expect_error_about 2 "no place for 'more'" "$SFT" synth recipe.ini more --out rows.jsonl
    expect_error_about 2 'recipe.cuont' "$SFT" synth recipe.ini --out rows.jsonl --set recipe.cuont=3
    expect_error_about 2 'absent.ini' "$SFT" synth absent.ini --out rows.jsonl
    expect_error 2 '--out absent/rows.jsonl: there is no directory absent (mkdir -p absent)' \
        "$SFT" synth recipe.ini --out absent/rows.jsonl
    mkdir out
    expect_error 2 '--out out: is a directory (name a file, such as out/rows.jsonl)' "$SFT" synth recipe.ini --out out
    printf '# A document\n\nIt says something: more.\nAnd more.\n' >doc.md
    expect_error 2 'doc.md: is no recipe: it has no [section] (sft synth --keys lists what a recipe holds)' \
        "$SFT" synth doc.md --out rows.jsonl
}

# ---- the endpoint ----

test_nobody_listens() {
    write_recipe
    expect 1 "$SFT" synth recipe.ini --out rows.jsonl
    has stderr 'error: http://127.0.0.1:9/v1: '
    [ ! -s stdout ] || die 'there is nothing to tell'
    expect 1 "$SFT" synth recipe.ini --out rows.jsonl --json
    has stdout '"open":12,'
    is "$(echo rows.jsonl*)" 'rows.jsonl*' # as nothing is worth going on with
}

# What never had an answer binds nobody to its recipe, nor does an older program's that left its files there.
test_a_recipe_without_an_answer_is_free() {
    write_recipe
    "$SFT" synth recipe.ini --out rows.jsonl >out 2>&1 || :
    head='{"sft_synth":1,"recipe":"0123456789abcdef","keys":{"recipe.temperature":"0.1"}}'
    printf '%s\n{"sent":[0,0,0]}\n' "$head" >rows.jsonl.journal
    : >rows.jsonl
    start_endpoint
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    each_row_once 12
    is "$(awk '$1 == "requests" { print $2, $3 }' stdout)" "$(n_requests) $(n_requests)"
    has_not rows.jsonl.journal 0123456789abcdef
}

test_files_that_are_wrong() {
    write_recipe
    : >empty.md
    mkdir a_directory
    head -c 100 /dev/zero >binary.md
    printf -- '---\nnmae: x\n---\nBe kind.\n' >persona.md
    for file in absent.jsonl empty.md a_directory binary.md; do
        for key in recipe.examples recipe.facts recipe.personas filter.eval; do
            [ $key$file = filter.evalempty.md ] && continue
            expect 2 "$SFT" synth recipe.ini --out rows.jsonl --set $key=$file --set filter.near_duplicate=0.7
            has stderr "error: --set $key: "
            has stderr "$file"
        done
    done
    expect 2 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.topics=empty.md
    has stderr 'error: --set recipe.topics: '
    expect 2 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.personas=persona.md
    has stderr "error: --set recipe.personas: persona.md:2: unknown key 'nmae'"
    is "$(echo rows.jsonl*)" 'rows.jsonl*'
}

test_a_damaged_journal() {
    start_endpoint
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    sed -i '3s/^.//' rows.jsonl.journal
    expect_error_about 1 'rows.jsonl.journal:3: ' "$SFT" synth recipe.ini --out rows.jsonl
    has stderr '(take this line out, and what it said is asked for again; or give another --out)'
    sed -i 3d rows.jsonl.journal
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    each_row_once 12
}

test_files_that_have_changed() {
    start_endpoint
    write_recipe
    echo 'The lamp is red.' >facts.md
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.facts=facts.md --set recipe.count=2
    echo 'The lamp is blue.' >facts.md
    expect_error 2 'rows.jsonl.journal: begun with another recipe: the content of recipe.facts has changed; recipe.system was (empty), is "Be kind." (put it back, or give another --out)' \
        "$SFT" synth recipe.ini --out rows.jsonl --set recipe.facts=facts.md --set 'recipe.system=Be kind.'
}

test_a_key_is_in_no_file() {
    start_endpoint --key sk-tests-0123456789 --faults echo_answer=0.2,echo_error=0.2 --at-most 1
    write_recipe
    expect_error_about 2 'THE_KEY' "$SFT" synth recipe.ini --out rows.jsonl --set endpoint.api_key_env=THE_KEY
    expect_error_about 2 'the variable that it names is not set' "$SFT" synth recipe.ini --out rows.jsonl \
        --set endpoint.api_key_env=gsk_tests0123456789
    has_not stderr gsk_
    expect 1 env THE_KEY=sk-wrong-9876543210 "$SFT" synth recipe.ini --out rows.jsonl --set endpoint.api_key_env=THE_KEY
    cat stdout stderr >said
    expect 0 env THE_KEY=sk-tests-0123456789 "$SFT" synth recipe.ini --out rows.jsonl --set endpoint.api_key_env=THE_KEY
    each_row_once 12
    for file in said stdout stderr rows.jsonl rows.jsonl.*; do
        has_not "$file" sk-
    done
}

# Every row that fails is asked for by the next run.
test_rows_that_fail_are_asked_for_again() {
    start_endpoint --script ok,ok,500
    write_recipe
    expect 1 "$SFT" synth recipe.ini --out rows.jsonl --set endpoint.max_retries=0
    has stderr 'warning: row '
    has stderr 'failed: run it again to ask for '
    holds "$(rows | wc -l) >= 9"
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl
    each_row_once 12
}

# An endpoint that refuses single rows is none that fails, however many of them come one after another.
test_rows_that_are_refused_hold_up_no_others() {
    bad=400,400,400,400
    start_endpoint --script ok,ok,$bad,$bad,$bad
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.count=40 --set recipe.refusals=0 \
        --set endpoint.concurrency=1
    has_not stderr 'one after another'
    each_row_once 40
    is "$(grep -c '^{"reason":"endpoint_refuses","detail":"' rows.jsonl.rejected.jsonl)" 12
}

# What is refused, or answered and withheld, is paid for once. Row 2 is a refusal, which row 3 waits for.
test_rows_that_are_refused_are_not_asked_again() {
    start_endpoint --script ok,ok,ok,ok,withheld,ok,ok,400
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.count=6 --set endpoint.concurrency=1 --json
    has stdout '"endpoint_refuses":2'
    has rows.jsonl.rejected.jsonl 'content filter withholds the answer","answers":[]'
    has rows.jsonl.rejected.jsonl 'status 400: the prompt is longer than 4 tokens","answers":[]'
    grep -q '"kind":"refusal"' rows.jsonl.rejected.jsonl || die 'no refusal was refused'
    each_row_once 6
    before=$(n_requests)
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.count=6
    is "$(n_requests)" "$before"
    sed -i '/^{"done":3,/d' rows.jsonl.journal # its look-alike is made again, without it
    sed -i '/"row":3,/d' rows.jsonl rows.jsonl.rejected.jsonl
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.count=6
    each_row_once 6
    is "$(n_requests)" "$before"
}

# One that answered an earlier run may be another now: not all rows are rejected.
test_an_endpoint_that_refuses_all_that_is_left() {
    start_endpoint --script ok,ok
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.count=1 --set recipe.refusals=0
    kill "$endpoint"
    start_endpoint --faults 400=1
    expect 1 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.count=100 --set recipe.refusals=0 --set "endpoint.url=$url"
    has stderr 'requests have failed one after another'
    holds "$(grep -c endpoint_refuses rows.jsonl.rejected.jsonl) <= 7 + 3"
}

test_an_endpoint_that_refuses_all_is_left() {
    start_endpoint --faults 400=1
    write_recipe
    expect 1 "$SFT" synth recipe.ini --out rows.jsonl --set recipe.count=200
    has stderr 'requests have failed one after another'
    holds "$(n_requests) <= 20"
}

test_an_endpoint_that_only_fails_is_left() {
    start_endpoint --faults 500=1
    write_recipe
    expect 1 "$SFT" synth recipe.ini --out rows.jsonl --set endpoint.max_retries=1 --set recipe.count=200
    has stderr 'requests have failed one after another'
    holds "$(n_requests) <= 40"
}

test_usage_that_cannot_be_is_estimated() {
    start_endpoint --faults usage_lies=1
    write_recipe
    expect 0 "$SFT" synth recipe.ini --out rows.jsonl --json
    each_row_once 12
    is "$(grep -c 'are estimated, one for 4 bytes' stderr)" 1
    holds "$(field tokens <stdout) > 500 && $(field tokens <stdout) < 200000"
}

# ---- --dry-run ----

test_a_dry_run_asks_nobody() {
    write_recipe 'refusals = 0.2' 'pairs = true'
    sed -i '0,/^refusals/{/^refusals/d}' recipe.ini
    echo 'api_key_env = NO_SUCH_KEY' | sed -i '/^model/r /dev/stdin' recipe.ini
    expect 0 "$SFT" synth recipe.ini --dry-run
    for kind in answer refusal look_alike; do
        grep -q "^row [0-9]*: $kind, persona " stdout || die "no $kind"
    done
    has stdout "[the user's message 1]"
    has stdout "with these words: [words of the refusal's question]"
    has stdout 'estimate for 12 rows: '
    [ ! -e rows.jsonl ] || die 'a file was written'
    expect 0 "$SFT" synth recipe.ini --dry-run --json
    has stdout '"asks_for":"'
    has stdout '"request":{"model":"fake"'
    tail -n 1 stdout | grep -q '^{"estimate":{"requests":[0-9]' || die 'no estimate'
}

test_a_dry_run_is_interrupted_at_once() {
    write_recipe # with a refusal that it looks for in vain, for minutes
    "$SFT" synth recipe.ini --dry-run --set recipe.count=1000000000 --set recipe.refusals=1e-12 >out 2>log &
    pid=$!
    wait_until grep -q '^SigCgt:.*[2367abef]$' "/proc/$pid/status" # it catches SIGINT
    kill -INT "$pid"
    finish 130
    [ ! -s out ] || die 'it went on'
}

test_a_directory_is_no_persona() {
    write_recipe 'personas = support'
    mkdir support
    expect 0 "$SFT" synth recipe.ini --dry-run
    has stdout 'persona support, '
}

# Facts without headings are about the subject, and where there is none about what their file is called.
test_facts_without_headings() {
    write_recipe 'facts = notes.txt' 'subject = the lamp'
    sed -i '/^topics/d' recipe.ini
    echo 'It has two cells.' >notes.txt
    expect 0 "$SFT" synth recipe.ini --dry-run
    has stdout 'topic "the lamp"'
    expect 0 "$SFT" synth recipe.ini --dry-run --set recipe.subject=
    has stdout 'topic "notes.txt"'
}

test_keys_are_listed() {
    expect 0 "$SFT" synth --keys
    has stdout 'max_requests'
    has stdout 'look_alikes_per_refusal'
}
