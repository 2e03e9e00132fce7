#!/bin/sh
# The command line's tests. Each function test_* in tests/cli/test_*.sh is one test; it runs in a shell of its own
# (sh -e: the first command that fails ends it), in an empty directory, with the helpers of tests/cli/lib.sh.
#
# usage: [SFT=./sft] sh tests/cli/run.sh [PATTERN]     only tests whose FILE.NAME holds PATTERN
set -u

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../skips.sh"
SFT=${SFT:-./sft}
[ -x "$SFT" ] || { echo "error: no program $SFT (run make, or set SFT)" >&2; exit 1; }
SFT=$(cd "$(dirname "$SFT")" && pwd)/${SFT##*/}
DATA=$here/data GOLDEN=$here/../golden
scratch=$(mktemp -d "${TMPDIR:-/tmp}/sft-cli.XXXXXX")
SHARED=$scratch/shared # what tests share: a base and a trained model
SFT_CACHE_DIR=$scratch/cache
HF_HOME=$scratch/huggingface # no test depends on what this machine has fetched
export SFT DATA GOLDEN SHARED SFT_CACHE_DIR HF_HOME
unset SFT_ISA OMP_NUM_THREADS HF_HUB_CACHE HUGGINGFACE_HUB_CACHE
export OMP_WAIT_POLICY=passive # tests share the machine: threads that spin while others work cost minutes

trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
mkdir "$SHARED"
expect_skips "$here/../skips" "$scratch/skips"
passed=0 failed=0 skipped=0

for file in "$here"/test_*.sh; do
    group=${file##*/test_} group=${group%.sh}
    for test in $(sed -n 's/^test_\([a-z0-9_]*\)().*/\1/p' "$file"); do
        name=$group.$test
        case $name in *"${1:-}"*) ;; *) continue ;; esac
        mkdir "$scratch/$name"
        log=$scratch/$name.log
        (cd "$scratch/$name" && sh -e -c '. "$1"; . "$2"; test_$3' - "$here/lib.sh" "$file" "$test") >"$log" 2>&1 </dev/null
        code=$?
        if [ $code -eq 0 ] && unexpected_skips "$scratch/skips" "$log" >"$log.unexpected"; then
            failed=$((failed + 1))
            echo "FAIL  $name"
            sed 's/^/      /' "$log.unexpected"
        elif [ $code -eq 0 ]; then
            passed=$((passed + 1))
            echo "ok    $name"
        else
            failed=$((failed + 1))
            echo "FAIL  $name (exit code $code)"
            sed 's/^/      /' "$log"
        fi
        if grep -q '^SKIP:' "$log"; then
            skipped=$((skipped + 1))
            grep '^SKIP:' "$log" | sed 's/^/      /'
        fi
        rm -rf "${scratch:?}/$name"
    done
done

summary="$passed passed, $failed failed"
[ $skipped -eq 0 ] || summary="$summary, $skipped skipped"
echo "$summary"
[ $failed -eq 0 ]
