# The runners of tests themselves: what a test leaves out is shown, and a failure in CI where nobody expects it.

# program LINE: a test program `p` that passes and prints the line.
program() {
    printf '#!/bin/sh\necho "%s"\n' "$1" >p
    chmod +x p
}

run_unit() {
    (cd "$DATA/../../.." && sh tests/run_unit.sh "$OLDPWD/p")
}

test_a_skip_is_shown() {
    unset CI
    program 'SKIP: the moon is not full'
    expect 0 run_unit
    has stdout '      SKIP: the moon is not full'
    has stdout '1 passed, 0 failed, 1 skipped'
}

test_in_ci_a_skip_must_be_expected() {
    export CI=1
    program 'SKIP: the moon is not full'
    expect 1 run_unit
    has stdout '      not expected in CI (tests/skips): the moon is not full'
    has stdout '0 passed, 1 failed'
    program 'nothing is left out'
    expect 0 run_unit
}

# The same text is expected on one machine and not on another.
test_in_ci_a_skip_is_expected_under_its_condition() {
    export CI=1
    program 'SKIP: some_test: no assets/data/file'
    mkdir assets
    SFT_ASSETS=$PWD/assets expect 1 run_unit
    SFT_ASSETS=$PWD/none expect 0 run_unit
}

# Of the command line's tests, by a copy of their runner.
test_in_ci_the_command_lines_tests_too() {
    mkdir -p tests/cli
    cp "$DATA/../lib.sh" "$DATA/../run.sh" tests/cli
    cp "$DATA/../../skips.sh" "$DATA/../../skips" "$DATA/../../side_by_side.sh" tests
    printf "test_it() {\n    echo 'SKIP: the moon is not full'\n}\n" >tests/cli/test_moon.sh
    CI=1 expect 1 sh tests/cli/run.sh
    has stdout 'FAIL  moon.it'
    CI= expect 0 sh tests/cli/run.sh
}
