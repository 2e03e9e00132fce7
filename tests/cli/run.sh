#!/bin/sh
# The command line's tests. Each function test_* in tests/cli/test_*.sh is one test; it runs in a shell of its own
# (sh -e: the first command that fails ends it), in an empty directory, with the helpers of tests/cli/lib.sh. Several run at once: what one prints
# is shown when it has ended.
#
# usage: [SFT=./sft] [JOBS=N] sh tests/cli/run.sh [PATTERN]     only tests whose FILE.NAME holds PATTERN
set -u

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../skips.sh"
. "$here/../side_by_side.sh"

# verdict NAME CODE LOG: what is to be said of a test that has ended.
verdict() {
    if [ "$2" -ne 0 ]; then
        echo "FAIL  $1 (exit code $2)"
        sed 's/^/      /' "$3"
    elif unexpected_skips "$SCRATCH/expected" "$3" >"$3.unexpected"; then
        echo "FAIL  $1"
        sed 's/^/      /' "$3.unexpected"
    else
        echo "ok    $1"
    fi
    grep '^SKIP:' "$3" | sed 's/^/      /'
}

# run_in DIR COMMAND...: as every test runs, with the helpers and its own file's functions.
run_in() {
    (cd "$1" && shift && exec sh -e -c '. "$1"; . "$2"; shift 2; "$@"' - "$here/lib.sh" "$TEST_FILE" "$@") </dev/null 2>&1
}

run_one() { # FILE.NAME
    export TEST_FILE="$here/test_${1%%.*}.sh" SFT_CACHE_DIR="$SCRATCH/$1/cache"
    log=$SCRATCH/$1/log place=$SCRATCH/$1/place
    mkdir -p "$place"
    started=$(milliseconds)
    run_in "$place" "test_${1#*.}" >"$log"
    verdict "$1" $? "$log" >"$SCRATCH/$1/verdict"
    echo "$(($(milliseconds) - started)) $1" >"$SCRATCH/times/$1"
    mv "$SCRATCH/$1/verdict" "$SCRATCH/results/$1"
    rm -rf "${SCRATCH:?}/$1"
    print_whole "$SCRATCH/results/$1"
}

make_shared() { # NAME FUNCTION: made_once has the lock
    made=$SHARED/$1
    [ ! -d "$made" ] && [ ! -f "$made.failed" ] || return 0
    rm -rf "$made.tmp"
    mkdir "$made.tmp"
    if run_in "$made.tmp" "$2" >"$made.log"; then
        mv "$made.tmp" "$made"
    else
        mv "$made.log" "$made.failed"
    fi
}

case ${1:-} in
--one) run_one "$2"; exit ;;
--make) make_shared "$2" "$3"; exit ;;
esac

SFT=${SFT:-./sft}
[ -x "$SFT" ] || { echo "error: no program $SFT (run make, or set SFT)" >&2; exit 1; }
SFT=$(cd "$(dirname "$SFT")" && pwd)/${SFT##*/}
scratch_directory sft-cli
DATA=$here/data GOLDEN=$here/../golden
SHARED=$SCRATCH/shared       # what tests share: models that one of them trains (made_once)
HF_HOME=$SCRATCH/huggingface # no test depends on what this machine has fetched
export SFT DATA GOLDEN SHARED HF_HOME
unset SFT_ISA OMP_NUM_THREADS HF_HUB_CACHE HUGGINGFACE_HUB_CACHE
export OMP_WAIT_POLICY=passive # tests share the machine: threads that spin while others work cost minutes
mkdir "$SHARED" "$SCRATCH/results" "$SCRATCH/times"
expect_skips "$here/../skips" "$SCRATCH/expected"

for file in "$here"/test_*.sh; do
    group_name=${file##*/test_}
    sed -n "s/^test_\([a-z0-9_]*\)().*/${group_name%.sh}.\1/p" "$file"
done | grep -F -e "${1:-}" >"$SCRATCH/list"
side_by_side "$SCRATCH/list" sh "$here/run.sh" --one

# A test without a result has not been run to its end: it counts as failed.
passed=0 failed=0 skipped=0
while IFS= read -r name; do
    result=$SCRATCH/results/$name
    [ -f "$result" ] || echo "FAIL  $name (not run to its end)" | tee "$result"
    grep -q '^ok ' "$result" && passed=$((passed + 1)) || failed=$((failed + 1))
    ! grep -q '^ *SKIP:' "$result" || skipped=$((skipped + 1))
done <"$SCRATCH/list"
print_slowest "$SCRATCH/times"
summary="$passed passed, $failed failed"
[ $skipped -eq 0 ] || summary="$summary, $skipped skipped"
echo "$summary"
[ $failed -eq 0 ]
