# sft info and sft export.

test_info_of_a_good_directory() {
    model=$(trained_model)
    expect 0 "$SFT" info "$model"
    diff - stdout <<'END'
model      gpt2: 2 layers, 2 heads, 32 wide (128 inside), 128 positions, vocabulary 404, tied head
weights    42.5K parameters
tokenizer  404 ids, chat template: im_sep
checkpoint step 300 of 300
checksums  hold
END
    expect 0 "$SFT" info "$model" --json
    is "$(cat stdout)" '{"complete":true,"model_type":"gpt2","n_layer":2,"n_head":2,"n_embd":32,"n_inner":128,"n_positions":128,"vocab_size":404,"tie_word_embeddings":true,"num_parameters":42496,"tokenizer_vocab_size":404,"template":"im_sep","step":300,"checksums":true,"problems":[]}'
}

# broken PROBLEM COMMAND...: after the command in a copy of the model, info names the problem.
broken() {
    problem=$1
    shift
    rm -rf copy
    cp -r "$(trained_model)/" copy
    "$@"
    expect 1 "$SFT" info copy
    has stdout "problem    copy$problem"
    expect 1 "$SFT" info copy --json
    has stdout '{"complete":false,'
}

test_info_of_a_damaged_directory() {
    differs=': its checksum is not the one in trainer/checksums.xxh64: the file is damaged or was changed'
    broken "/model.safetensors$differs" flip_byte copy/model.safetensors 9000
    has stdout '"checksums":false'
    broken "/model.safetensors$differs" truncate -s 90000 copy/model.safetensors
    broken "/trainer/state.json$differs" flip_byte copy/trainer/state.json 100
    broken "/trainer/optimizer.safetensors$differs" flip_byte copy/trainer/optimizer.safetensors 9000
    broken '/tokenizer.json: is missing, but trainer/checksums.xxh64 lists it' rm copy/tokenizer.json
    broken ': no config.json (' rm copy/config.json
    broken ': no model.safetensors' rm copy/model.safetensors
    broken ': trainer/checksums.xxh64 is missing' rm copy/trainer/checksums.xxh64
    broken ': no tokenizer: neither tokenizer.json nor vocab.json and merges.txt' rm copy/tokenizer.json copy/vocab.json
}

test_info_of_a_directory_without_training_state() {
    rm -rf copy
    cp -r "$(trained_model)/" copy
    rm -r copy/trainer
    expect 0 "$SFT" info copy
    has stdout 'checksums  none'
}

test_export() {
    model=$(trained_model)
    expect 0 "$SFT" eval --model "$model" "$DATA/chat.jsonl" --json
    full=$(field loss <stdout)
    for dtype in f32 f16 bf16; do
        expect 0 "$SFT" export --model "$model" --dtype $dtype --out deep/$dtype
        expect 0 "$SFT" info deep/$dtype
        [ ! -e deep/$dtype/trainer ] || die 'the training state was exported'
        expect 0 "$SFT" eval --model deep/$dtype "$DATA/chat.jsonl" --json
        holds "$(field loss <stdout) - $full < 1e-2 && $full - $(field loss <stdout) < 1e-2"
    done
    same deep/f32/model.safetensors "$model/model.safetensors"
    has deep/bf16/config.json 'bfloat16'
    [ "$(wc -c <deep/bf16/model.safetensors)" -lt $(($(wc -c <deep/f32/model.safetensors) * 6 / 10)) ] || die 'not half as large'
    expect_error 2 '--out: deep/f16 exists already (choose another name)' "$SFT" export --model "$model" --out deep/f16
    expect_error 2 "--dtype: unknown dtype 'f8' (f32, f16 or bf16)" "$SFT" export --model "$model" --dtype f8 --out x
    [ ! -e x ] || die 'it made x'
}
