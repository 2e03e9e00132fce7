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
    printf "test_it() {\n    echo 'SKIP: the moon is not full'\n}\n" | runner
    CI=1 expect 1 sh tests/cli/run.sh
    has stdout 'FAIL  moon.it'
    CI= expect 0 sh tests/cli/run.sh
}

# runner: a copy of it, for the test file on stdin, whose lines begin with | (here no tests are to be found in it).
runner() {
    mkdir -p tests/cli/data
    cp "$DATA/../lib.sh" "$DATA/../run.sh" tests/cli
    cp "$DATA/../../skips.sh" "$DATA/../../skips" "$DATA/../../side_by_side.sh" tests
    sed 's/^|//' >tests/cli/test_moon.sh
}

# What several tests share is made once; where it cannot be made, each of them says why.
test_what_is_shared_is_made_once() {
    runner <<'END'
|make_cheese() {
|    echo made >>../made
|    sleep 0.2
|    [ ! -e "$DATA/../mould" ] || { echo 'there is mould'; false; }
|    echo Brie >name
|}
|eat() {
|    made_once cheese make_cheese
|    has "$SHARED/cheese/name" Brie
|    is "$(cat "$SHARED/made")" made
|}
|test_a() { eat; }
|test_b() { eat; }
|test_c() { eat; }
END
    export JOBS=3
    expect 0 sh tests/cli/run.sh
    has stdout '3 passed, 0 failed'
    touch tests/cli/mould
    expect 1 sh tests/cli/run.sh
    has stdout '0 passed, 3 failed'
    is "$(grep -c 'cheese cannot be made: there is mould' stdout)" 3
}

# Who ends the runner ends the tests and what they have started, and nothing is left of them.
test_an_interrupted_runner_leaves_nothing() {
    runner <<'END'
|test_long() {
|    sleep 1000 &
|    echo $! >"$DATA/../started.tmp"
|    mv "$DATA/../started.tmp" "$DATA/../started"
|    wait
|}
END
    mkdir tmp
    TMPDIR=$PWD/tmp env --default-signal=INT sh tests/cli/run.sh >stdout 2>log &
    pid=$!
    wait_until test -s tests/cli/started
    kill -INT $pid
    finish 130
    wait_until gone "$(cat tests/cli/started)"
    is "$(ls tmp)" ''
}
gone() { # PID: it is not there, or nobody has buried it
    ! grep -qs '^State:[[:blank:]]*[^Z]' "/proc/$1/status"
}
