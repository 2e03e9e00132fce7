#!/bin/sh
# Install what is missing, build, and run all tests that need no Python: first as released, then the unit tests as clang builds them, then all under the
# address and undefined-behaviour sanitizers.
#
# usage: sh scripts/test.sh
set -eu
words=none
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
. scripts/packages.sh
# shellcheck disable=SC2086
sh scripts/install.sh $BUILD_PACKAGES $TEST_PACKAGES

export CI=1 # what is left out without being expected to be (tests/skips) is a failure
jobs=$(nproc 2>/dev/null || echo 2)
make -s lint
make -s -j"$jobs" WERROR=-Werror sft test
make -s -j"$jobs" clang
make -s -j"$jobs" WERROR=-Werror asan
