#!/bin/sh
# Run test programs, as many at once as there are cores: a line each, what one printed only where it failed or skipped
# something. A program that prints lines beginning with "SKIP:" left a part out; the lines are shown, each once (and see
# skips.sh).
#
# usage: sh tests/run_unit.sh PROGRAM...
set -u
here=$(dirname "$0")
. "$here/skips.sh"

# run_one PROGRAM: writes what it printed and what is to be said of it, at once: others run beside it.
run_one() {
    name=${1##*/}
    output=$SCRATCH/$name.output unexpected=$SCRATCH/$name.unexpected
    started=$(date +%s)
    "$1" >"$output" 2>&1
    code=$?
    took="$(($(date +%s) - started)) s"
    if [ $code -ne 0 ]; then
        echo "FAIL  $name ($took, exit code $code)"
        cat "$output"
    elif unexpected_skips "$SCRATCH/expected" "$output" >"$unexpected"; then
        echo "FAIL  $name ($took)"
        sed 's/^/      /' "$unexpected"
    elif grep -q '^SKIP:' "$output"; then
        echo "ok    $name ($took), without a part:"
        grep '^SKIP:' "$output" | awk '!seen[$0]++' | sed 's/^/      /'
    else
        echo "ok    $name ($took)"
    fi >"$SCRATCH/$name.result"
    cat "$SCRATCH/$name.result"
}

if [ "${1:-}" = --one ]; then
    run_one "$2"
    exit
fi

SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
trap 'exit 130' INT TERM HUP
SFT_CACHE_DIR=$SCRATCH/cache
OMP_WAIT_POLICY=passive # programs share the machine: threads that spin while others work cost minutes
export SCRATCH SFT_CACHE_DIR OMP_WAIT_POLICY
mkdir "$SFT_CACHE_DIR"
expect_skips "$here/skips" "$SCRATCH/expected"
printf '%s\n' "$@" | xargs -n 1 -P "$(nproc 2>/dev/null || echo 2)" sh "$0" --one

# A program without a result has not been run to its end: it counts as failed.
passed=$(cat "$SCRATCH"/*.result | grep -c '^ok  ')
skipped=$(cat "$SCRATCH"/*.result | grep -c '^ok .*without a part')
failed=$(($# - passed))
summary="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || summary="$summary, $skipped skipped"
echo "$summary"
[ "$failed" -eq 0 ]
