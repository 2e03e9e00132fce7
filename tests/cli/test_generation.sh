# What ends an answer, what is never chosen, and text that is continued as it stands: against transformers' generate.

# golden_model: the model of tests/golden/generation in ./m.
golden_model() {
    mkdir -p m
    cp "$GOLDEN"/tiny_tokenizer/*.json "$GOLDEN"/generation/*config.json "$GOLDEN"/generation/model.safetensors m
}

# As transformers' greedy generate: tokens, where they end, text; with and without repetition_penalty; padded rows, which
# are the likeliest, are never chosen.
test_raw_continues_as_transformers_does() {
    golden_model
    for penalty in 1.0 1.3; do
        grep "^{\"penalty\":$penalty," "$GOLDEN/generation/golden.jsonl" | sed 's/^{"penalty":[0-9.]*,"want"://; s/}$//' >want
        sed 's/,"completion":.*/}/' want >rows
        is "$(wc -l <rows | tr -d ' ')" 5
        expect 0 "$SFT" generate m --raw --json --max-new-tokens 24 --repetition-penalty $penalty <rows
        diff want stdout || die "penalty $penalty"
        [ ! -s stderr ] || die "$(cat stderr)"
    done
}
