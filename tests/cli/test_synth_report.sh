# sft synth --report: how varied a file of conversations is.

rows() {
    i=0
    while [ $i -lt "$1" ]; do
        i=$((i + 1))
        printf '{"messages":[{"role":"user","content":"%s"},{"role":"assistant","content":"%s %s"}],"meta":{"kind":"answer","topic":"t%s"}}\n' \
            "Question $i: where does road $((i * 7)) go?" "Great question!" "It goes on for $((i * i)) miles to town $((i + 3))." $((i % 9))
    done
}

test_for_people() {
    rows 30 >rows.jsonl
    echo '{"reason":"near_duplicate","detail":"0.9 like row 1"}' >rows.jsonl.rejected.jsonl
    expect 0 "$SFT" synth --report rows.jsonl
    [ ! -s stderr ] || die "$(cat stderr)"
    has stdout 'rows.jsonl: 30 rows, 30 exchanges'
    has stdout 'kinds       answer 30 (100%)'
    has stdout 'topics      9; most often: '
    has stdout 'rejected    1 of 31: near_duplicate 1'
    has stdout '      30 100.0%  great question it ...'
    has stdout 'refused     answer 0/30, by the judge; incoherent: 0'
    has stdout 'warning: 30 of 30 answers (100%) begin with "great question it"; above 20% is'
    if grep -q '.\{81\}' stdout; then die "a line is longer than a terminal"; fi
}

test_as_json() {
    rows 3 | gzip >rows.jsonl.gz
    expect 0 "$SFT" synth --report rows.jsonl.gz --json
    [ ! -s stderr ] || die "$(cat stderr)"
    [ "$(wc -l <stdout)" = 1 ] || die "$(cat stdout)"
    has stdout '"rows":3,"exchanges":3,"bad":0,"first_bad":null'
    has stdout '"warnings":[]}'
}

test_any_file_that_train_reads() {
    printf 'prompt,completion\nWhere is Oslo?,In Norway.\n' >rows.csv
    expect 0 "$SFT" synth --report rows.csv
    has stdout 'rows.csv: 1 row, 1 exchange'
    has stdout 'Fewer than 20 rows: too few to tell whether they are varied.'
}

test_what_is_no_such_file() {
    expect 1 "$SFT" synth --report none.jsonl
    has stderr 'none.jsonl'
    echo '{"promt":"a"}' >bad.jsonl
    expect 1 "$SFT" synth --report bad.jsonl
    has stderr 'error: bad.jsonl:1: unknown structure: it has the key promt'
}
