# The page, in a headless Chromium, of a server that runs: tests/browser/page_test.c does it.

started() {
    grep -q '^serving ' log || { kill -0 "$pid" || die "it has ended: $(cat log)"; false; }
}

test_in_a_browser() {
    browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
        { echo "SKIP: no chromium to open the page in"; exit 0; }
    page_test=$(dirname "$SFT")/browser/page_test
    [ -x "$page_test" ] || die "$page_test is not built (make cli does)"
    "$SFT" serve "$(trained_model)" --precision fp32 --port 0 2>log &
    pid=$!
    wait_until started
    expect 0 "$page_test" "$browser" "$(sed -n 's/^serving .* at //p' log)/"
    kill "$pid"
    wait "$pid"
}
