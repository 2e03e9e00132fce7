# The page of sft review, in a headless Chromium: tests/browser/review_test.c does it, and starts and kills the server.

# rows.jsonl: 500 rows, what ben said of two of them, losses; pairs.jsonl: two rows of two answers each.
make_rows() {
    cat >rows.jsonl <<'END'
{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "My clock has stopped."}, {"role": "assistant", "content": "Take the battery out, and put it back after a minute."}], "meta": {"kind": "answer", "topic": "<i>batteries</i>", "seed": 7}}
{"messages": [{"role": "user", "content": "<b>bold</b> <img src=x onerror=\"window.hacked = 1\"> &amp;"}, {"role": "assistant", "content": "</script><script>window.hacked = 2</script> \u202eturned \udb40\udc41\n<style>* { display: none }</style>"}]}
{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "May I sue the shop?"}, {"role": "assistant", "content": "I am sorry, but I cannot help with that."}], "meta": {"kind": "answer"}}
{"messages": [{"role": "user", "content": "Which battery does it take?"}, {"role": "assistant", "content": "One AA battery, alkaline."}]}
{"messages": [{"role": "nobody", "content": "?"}]}
{"messages": [{"role": "user", "content": "How long is the warranty?"}, {"role": "assistant", "content": "Two years."}, {"role": "user", "content": "And of the glass?"}, {"role": "assistant", "content": "One year, as of all that can break by itself."}]}
END
    cat >pairs.jsonl <<'END'
{"prompt": [{"role": "user", "content": "Which battery does it take?"}], "chosen": [{"role": "assistant", "content": "One AA battery, alkaline."}], "rejected": [{"role": "assistant", "content": "It takes a battery."}]}
{"prompt": [{"role": "user", "content": "Where is the switch?"}], "chosen": [{"role": "assistant", "content": "On the back."}], "rejected": [{"role": "assistant", "content": "Somewhere."}]}
END
    awk 'BEGIN {
        split("answer refusal look_alike", kinds, " ")
        for (n = 7; n <= 500; n++) {
            answer = n % 25 == 0 ? "Yes." : "Answer " n " is long enough to be one." (n % 7 == 0 ? " But then it ends in the" : "")
            printf "{\"messages\": [{\"role\": \"user\", \"content\": \"Question %d: why?\"}, {\"role\": \"assistant\", ", n
            printf "\"content\": \"%s\"}], \"meta\": {\"kind\": \"%s\"}}\n", answer, kinds[n % 3 + 1]
        }
    }' >>rows.jsonl
    awk 'BEGIN { for (n = 1; n <= 500; n++) printf "{\"row\": %d, \"source\": \"rows.jsonl:%d\", \"loss\": %g}\n", n, n, 1 + n / 1000 + (n == 500 ? 8 : 0) }' >losses.jsonl
    cat >rows.jsonl.review.ben.jsonl <<'END'
{"row": 1, "decision": "reject", "reason": "too short", "tags": []}
{"row": 3, "decision": "reject", "reason": "made up", "tags": ["facts"]}
END
}

# $browser and $review_test.
find_browser() {
    browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
        { echo "SKIP: no chromium to open the page in"; exit 0; }
    review_test=$(dirname "$SFT")/browser/review_test
    [ -x "$review_test" ] || die "$review_test is not built (make cli does)"
}

test_reviewing_in_a_browser() {
    find_browser
    make_rows
    expect 0 "$review_test" "$browser" "${SHOTS:--}" "$SFT" review rows.jsonl --name anna --losses losses.jsonl
}

# As a person would, row by row: what the tutorial and others may use.
test_reviewing_many() {
    find_browser
    make_rows
    "$SFT" review rows.jsonl --name carl 2>log &
    pid=$!
    wait_until grep -q ' at http' log
    expect 0 "$review_test" "$browser" "$(sed -n 's/.* at http/http/p' log)" --review 14
    is "$(cat stdout)" '12 accepted, 1 edited, 0 rejected, 1 skipped'
    is "$(grep -c . rows.jsonl.review.carl.jsonl)" 14
    is "$(field decision <rows.jsonl.review.carl.jsonl | sort | uniq -c | awk '{ printf "%s %d;", $2, $1 }')" 'accept 12;edit 1;skip 1;'
    has rows.jsonl.review.carl.jsonl '"Answer 14 is long enough to be one."'
    kill "$pid"
    wait "$pid" || :
    pid=
}
