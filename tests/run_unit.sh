#!/bin/sh
# Run test programs, several at once (side_by_side.sh): a line each, what one printed only where it failed or skipped
# something. A program that prints lines beginning with "SKIP:" left a part out; the lines are shown, each once (and see
# skips.sh).
#
# usage: [JOBS=N] sh tests/run_unit.sh PROGRAM...
set -u
here=$(dirname "$0")
. "$here/skips.sh"
. "$here/side_by_side.sh"

# run_one PROGRAM: writes what it printed, and what is to be said of it.
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
    print_whole "$SCRATCH/$name.result"
}

if [ "${1:-}" = --one ]; then
    run_one "$2"
    exit
fi

scratch_directory sft-unit
SFT_CACHE_DIR=$SCRATCH/cache
OMP_WAIT_POLICY=passive # programs share the machine: threads that spin while others work cost minutes
export SFT_CACHE_DIR OMP_WAIT_POLICY
mkdir "$SFT_CACHE_DIR"
expect_skips "$here/skips" "$SCRATCH/expected"
printf '%s\n' "$@" >"$SCRATCH/list"
side_by_side "$SCRATCH/list" sh "$0" --one

# A program without a result has not been run to its end: it counts as failed.
passed=$(cat "$SCRATCH"/*.result | grep -c '^ok  ')
skipped=$(cat "$SCRATCH"/*.result | grep -c '^ok .*without a part')
failed=$(($# - passed))
summary="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || summary="$summary, $skipped skipped"
echo "$summary"
[ "$failed" -eq 0 ]
