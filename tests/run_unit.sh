#!/bin/sh
# Run test programs one after another: a line each, what one printed only where it failed or skipped something.
# A program that prints lines beginning with "SKIP:" left a part out; the lines are shown, each once (and see skips.sh).
#
# usage: sh tests/run_unit.sh PROGRAM...
set -u
here=$(dirname "$0")
. "$here/skips.sh"

output=$(mktemp) expected=$(mktemp)
SFT_CACHE_DIR=$(mktemp -d)
export SFT_CACHE_DIR
trap 'rm -rf "$output" "$output.unexpected" "$expected" "$SFT_CACHE_DIR"' EXIT
trap 'exit 130' INT TERM HUP
passed=0 failed=0 skipped=0
expect_skips "$here/skips" "$expected"

for program in "$@"; do
    started=$(date +%s)
    "$program" >"$output" 2>&1
    code=$?
    name=${program##*/} seconds=$(($(date +%s) - started))
    if [ $code -ne 0 ]; then
        failed=$((failed + 1))
        echo "FAIL  $name ($seconds s, exit code $code)"
        cat "$output"
    elif unexpected_skips "$expected" "$output" >"$output.unexpected"; then
        failed=$((failed + 1))
        echo "FAIL  $name ($seconds s)"
        sed 's/^/      /' "$output.unexpected"
    elif grep -q '^SKIP:' "$output"; then
        passed=$((passed + 1)) skipped=$((skipped + 1))
        echo "ok    $name ($seconds s), without a part:"
        grep '^SKIP:' "$output" | awk '!seen[$0]++' | sed 's/^/      /'
    else
        passed=$((passed + 1))
        echo "ok    $name ($seconds s)"
    fi
done

summary="$passed passed, $failed failed"
[ $skipped -eq 0 ] || summary="$summary, $skipped skipped"
echo "$summary"
[ $failed -eq 0 ]
