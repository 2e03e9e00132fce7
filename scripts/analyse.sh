#!/bin/sh
# What compilers do not look for: clang-tidy (.clang-tidy says which checks) over src/, kernels/ and tests/fuzz/, cppcheck
# over the first two. Where one is not installed that is said, and with CI set it is a failure.
#
# usage: sh scripts/analyse.sh
set -eu
words=none
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
jobs=$(nproc 2>/dev/null || echo 2)
failed=0

is_there() { # PROGRAM
    command -v "$1" >/dev/null && return
    echo "SKIP: no $1"
    [ -z "${CI:-}" ] || failed=1
    return 1
}

# A file at a time, since that is how they are compiled: with the flags of its instruction set (the Makefile's).
tidy() { # FILE...
    printf '%s\n' "$@" | xargs -P "$jobs" -n 1 sh -c '
        case $0 in
        kernels/avx2/*) flags="-mavx2 -mfma" ;;
        kernels/avx512/*) flags="-mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512bf16" ;;
        kernels/amx/*) flags="-mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512bf16 -mamx-tile -mamx-bf16 -mamx-int8" ;;
        *) flags= ;;
        esac
        said=$(clang-tidy --quiet "$0" -- $flags 2>&1) || { printf "%s\n" "$said" | grep -vE "^[0-9]+ warnings?"; exit 1; }'
}

if is_there clang-tidy; then
    dirs=src
    [ "$(uname -m)" = x86_64 ] && dirs="$dirs kernels" || dirs="$dirs kernels/ref kernels/blas kernels/generic"
    # shellcheck disable=SC2046,SC2086
    tidy $(find $dirs tests/fuzz -name '*.c' | sort) || failed=1
fi
# Suppressed: log(0) and a float in a block of bytes are meant, and it does not see that SFT_BUG ends the program.
if is_there cppcheck; then
    cppcheck --quiet -j "$jobs" --std=c11 --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
        --suppress=invalidFunctionArg --suppress=invalidPointerCast --suppress=nullPointerRedundantCheck \
        -Isrc -Ikernels -D_GNU_SOURCE src kernels || failed=1
fi

[ "$failed" -eq 0 ] && echo "analyse: no objections"
exit "$failed"
