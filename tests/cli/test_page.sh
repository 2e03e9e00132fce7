# The page, in a headless Chromium, of a server that runs: tests/browser/page_test.c does it.

test_in_a_browser() {
    browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
        { echo "SKIP: no chromium to open the page in"; exit 0; }
    page_test=$(dirname "$SFT")/browser/page_test
    [ -x "$page_test" ] || die "$page_test is not built (make cli does)"
    start_server "$(trained_model)" --precision fp32
    expect 0 "$page_test" "$browser" "$url/"
    stop_server
}
