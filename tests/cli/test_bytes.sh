# What a file is, from its first bytes: read whatever its encoding and shape, or named in one line.

# tokens ARGUMENTS...: of the conversations that inspect shows, a line each, without the files' names.
tokens() {
    "$SFT" inspect --base base --json "$@" | sed 's/.*"tokens":/"tokens":/'
}

pair() { # QUESTION ANSWER
    printf '{"prompt":"%s","completion":"%s"}\n' "$1" "$2"
}

test_utf16_is_read_wherever_it_comes_from() {
    tiny_base base
    { pair 'Grüße 😀' 'Guten Tag'; pair 'a' 'b'; } >a.jsonl
    tokens a.jsonl >wanted
    is "$(wc -l <wanted | tr -d ' ')" 2
    for encoding in UTF-16 UTF-16LE UTF-16BE UTF-32; do # the first and the last with a mark
        iconv -f UTF-8 -t $encoding <a.jsonl >b.jsonl
        tokens b.jsonl >found
        same found wanted
    done
    iconv -f UTF-8 -t UTF-16 <a.jsonl | gzip >c
    tokens c >found
    same found wanted
    tokens - <c >found
    same found wanted
    printf 'prompt\tcompletion\r\nGrüße 😀\tGuten Tag\r\na\tb\r\n' | iconv -f UTF-8 -t UTF-16 >d.csv # Excel's
    tokens d.csv >found
    same found wanted
    printf 'Grüße' >a.txt
    tokens a.txt >wanted
    iconv -f UTF-8 -t UTF-16 <a.txt >b.txt
    tokens b.txt >found
    same found wanted
}

test_a_pointer_is_named_by_every_command() {
    write_config
    printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0a\nsize 99\n' >a.jsonl
    gzip -c a.jsonl >b.gz
    what='is a Git LFS pointer, not the file itself (fetch that with git lfs pull)'
    expect_error 1 "a.jsonl: $what" "$SFT" inspect --base base a.jsonl
    expect_error 1 "b.gz: $what" "$SFT" inspect --base base --report b.gz
    expect_error 1 "a.jsonl: $what" "$SFT" inspect --base base --set data.on_bad_row=skip a.jsonl
    expect_error 1 "-: $what" "$SFT" inspect --base base - <a.jsonl
    for arguments in --dry-run --set=data.on_bad_row=skip; do
        expect 1 "$SFT" train config.ini --set data.train=a.jsonl $arguments
        has stderr "error: a.jsonl: $what"
        is "$(grep -c a.jsonl: stderr)" 1
    done
    expect_error 1 "a.jsonl: $what" "$SFT" eval --model "$(trained_model)" a.jsonl
    expect_error 1 "a.jsonl: $what" "$SFT" tokenizer train a.jsonl --vocab-size 300 --out t
    cp a.jsonl base/config.json
    expect 1 "$SFT" train config.ini --dry-run
    has stderr "error: base/config.json: $what"
}

test_what_a_download_leaves_is_named() {
    tiny_base base
    printf '<!DOCTYPE html>\n<html><head><title>data.jsonl at main</title></head></html>\n' >a.jsonl
    expect 1 "$SFT" inspect --base base a.jsonl
    has stderr 'error: a.jsonl: is an HTML page, saved in place of the file'
    is "$(wc -l <stderr | tr -d ' ')" 1
    printf 'PK\3\4\24\0\0\0\10\0chat.jsonl' >a.zip
    expect_error 1 'a.zip: is a zip archive (unpack it with unzip, and name a file of it)' "$SFT" inspect --base base a.zip
    printf '\050\265\057\375\044\0' >a.jsonl.zst
    expect_error 1 'a.jsonl.zst: is compressed with zstd (unpack it with zstd -d)' "$SFT" inspect --base base a.jsonl.zst
}

test_shapes_give_the_same_tokens() {
    tiny_base base
    { pair a b; pair 'c, d' 'e'; } >a.jsonl
    tokens a.jsonl >wanted
    printf '{\n  "prompt": "a",\n  "completion": "b"\n}\n{\n  "prompt": "c, d",\n  "completion": "e"\n}\n' >b.jsonl
    { printf '{"data": ['; pair a b; printf ','; pair 'c, d' 'e'; printf ']}'; } >c.json
    printf 'Prompt;Completion\na;b\nc, d;e\n' >d.csv
    tr -d '\n' <a.jsonl >e.jsonl
    { printf '['; head -n 1 a.jsonl; printf '][\n'; tail -n 1 a.jsonl; printf ']'; } >f.json
    for file in b.jsonl c.json d.csv e.jsonl f.json; do
        tokens $file >found
        same found wanted
    done
    "$SFT" inspect --base base --json b.jsonl | grep -o '"source":"[^"]*"' >places
    printf '"source":"b.jsonl:1"\n"source":"b.jsonl:5"\n' | diff - places || die 'an object is where it starts'
}

# What is wrong is told once, with the lines where it is.
test_one_cause_is_told_once() {
    tiny_base base
    for i in 1 2 3 4 5 6; do printf '{"prompt":"a","completion":%d}\n' $i; done >a.jsonl
    expect_error 1 'a.jsonl:1: completion: expected a string or an array, found a number (the same in lines 2, 3, 4 and 2 more)' \
        "$SFT" inspect --base base a.jsonl
    printf -- '- prompt: a\n  completion: b\n- prompt: c\n  completion: d\n' >a.yaml
    expect_error 1 'a.yaml: is YAML, not JSON (write its rows as JSON Lines: json.dumps of each, a line each)' \
        "$SFT" inspect --base base a.yaml
}

# A text has no rows that could be left out: it is read, and what is odd about it is said.
test_a_text_that_is_not_utf8() {
    tiny_base base
    printf 'A caf\351 by the sea.\nAnd a caf\351 in town.\n' >a.txt
    expect 0 "$SFT" inspect --base base a.txt
    has stderr "warning: a.txt:1: not UTF-8, its bytes are learned as they are (a file of Windows' is made UTF-8 by iconv"
    is "$(wc -l <stderr | tr -d ' ')" 1
    printf 'A caf\303\251 by the sea, and one slip: \351.\n' >b.txt
    expect 0 "$SFT" inspect --base base b.txt
    is "$(cat stderr)" ''
}
