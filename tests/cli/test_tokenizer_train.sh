# sft tokenizer train. What it learns is compared with Hugging Face in tests/unit/test_bpe_train.c.
text=$GOLDEN/bpe_train/text.txt

test_writes_a_tokenizer() {
    expect 0 "$SFT" tokenizer train "$text" --vocab-size 400 --min-frequency 2 --out new/tokenizer
    [ ! -s stdout ] || die "stdout is not empty"
    has stderr "read    45 texts"
    has stderr "learnt  143 merges, a vocabulary of 400 tokens"
    has stderr "wrote   new/tokenizer"
    same new/tokenizer/merges.txt "$GOLDEN/bpe_train/text_400_from_2.merges.txt"
    same new/tokenizer/vocab.json "$GOLDEN/bpe_train/text_400_from_2.vocab.json"
    "$SFT" tokenizer encode --model new/tokenizer <"$text" >ids
    "$SFT" tokenizer decode --model new/tokenizer <ids >back
    same back "$text"
}

test_special_tokens() {
    expect 0 "$SFT" tokenizer train "$text" --vocab-size 450 --special '<|im_start|>' --special the --special a --out t
    same t/merges.txt "$GOLDEN/bpe_train/text_special.merges.txt"
    is "$(printf '<|im_start|><|endoftext|>' | "$SFT" tokenizer encode --model t --special)" "1 0"
}

test_messages() {
    expect 0 "$SFT" tokenizer train "$GOLDEN/bpe_train/messages.jsonl" --vocab-size 400 --out t
    has stderr "read    7 texts"
    same t/merges.txt "$GOLDEN/bpe_train/messages_400.merges.txt"
}

test_fewer_than_asked_for() {
    expect 0 "$SFT" tokenizer train "$text" --vocab-size 5000 --out t
    has stderr "warning: 5000 tokens were asked for, but in these texts no other pair occurs"
    same t/merges.txt "$GOLDEN/bpe_train/text_all.merges.txt"
}

test_never_overwrites() {
    mkdir t
    echo mine >t/vocab.json
    expect_error 2 "--out t: there is a tokenizer already (vocab.json); name another directory" \
        "$SFT" tokenizer train "$text" --vocab-size 300 --out t
    is "$(cat t/vocab.json)" mine
}

test_errors() {
    expect 2 "$SFT" tokenizer train --vocab-size 300 --out t
    has stderr "error: expected files, --vocab-size and --out"
    expect_error 2 "a vocabulary of 256 is too small: 1 special token and 256 bytes are in every one" \
        "$SFT" tokenizer train "$text" --vocab-size 256 --out t
    expect 1 "$SFT" tokenizer train "$text" missing.txt --vocab-size 300 --out t
    has stderr "error: missing.txt: "
    echo '{"text": 1}' >bad.jsonl
    expect_error 1 "bad.jsonl:1: text: expected a string, found a number" \
        "$SFT" tokenizer train "$text" bad.jsonl --vocab-size 300 --out t
    [ ! -e t ] || die "t was made"
}

# Beside other files each file of the tokenizer gets its name at the end; what a killed process left is done again.
test_into_a_directory_that_holds_other_files() {
    mkdir t
    echo '{}' >t/config.json
    expect 0 "$SFT" tokenizer train "$text" --vocab-size 300 --out t
    is "$(ls -A t | tr '\n' ' ')" 'config.json merges.txt special_tokens_map.json tokenizer.json tokenizer_config.json vocab.json '
    mkdir t/.tokenizer.tmp
    rm t/vocab.json
    expect 0 "$SFT" tokenizer train "$text" --vocab-size 300 --out t
    is "$(ls -A t | tr '\n' ' ')" 'config.json merges.txt special_tokens_map.json tokenizer.json tokenizer_config.json vocab.json '
    mkdir new.tmp
    echo half >new.tmp/vocab.json
    expect 0 "$SFT" tokenizer train "$text" --vocab-size 300 --out new
    same new/vocab.json t/vocab.json
    [ ! -e new.tmp ] || die "$(ls new.tmp)"
}
