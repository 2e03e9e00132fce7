# sft info and sft export.

test_info_of_a_good_directory() {
    model=$(trained_model)
    expect 0 "$SFT" info "$model"
    diff - stdout <<'END'
model      gpt2: 2 layers, 2 heads, 32 wide (128 inside), 128 positions,
           vocabulary 404, tied head
weights    42.5K parameters in F32
tokenizer  404 ids, chat template: im_sep
checkpoint step 300 of 300
trained on chat.jsonl: 12 conversations, 429 tokens, of which 132 are trained
checksums  hold
END
    expect 0 "$SFT" info "$model" --json
    is "$(cat stdout)" '{"complete":true,"model_type":"gpt2","n_layer":2,"n_head":2,"n_embd":32,"n_inner":128,"n_positions":128,"vocab_size":404,"tie_word_embeddings":true,"num_parameters":42496,"num_key_value_heads":2,"head_dim":16,"dtype":"F32","tokenizer_vocab_size":404,"template":"im_sep","step":300,"data":{"train":[{"file":"chat.jsonl","conversations":12,"tokens":429,"target_tokens":132}],"eval":[]},"checksums":true,"problems":[]}'
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
    expect_error 2 "--dtype: unknown dtype 'f8' (hf takes f32, f16 or bf16)" "$SFT" export --model "$model" --dtype f8 --out x
    [ ! -e x ] || die 'it made x'
}

test_a_runs_directory_is_its_best_checkpoint() {
    model=$(trained_model)
    run=${model%/last}
    checkpoint=$run/$(readlink "$model")
    expect 0 "$SFT" info "$run"
    is "$(sed -n 1p stdout)" "directory  $checkpoint (last of $run)"
    expect 0 "$SFT" info --model "$run" --json
    has stdout "\"problems\":[],\"model\":\"$checkpoint\"}"
    expect 0 "$SFT" eval "$run" "$DATA/chat.jsonl"
    is "$(cat stderr)" "model  $checkpoint (last of $run)"
    expect 0 "$SFT" eval "$run" "$DATA/chat.jsonl" --json
    [ ! -s stderr ] || die "$(cat stderr)"
    has stdout ",\"model\":\"$checkpoint\"}"
    mkdir copy
    cp -r "$checkpoint" copy/checkpoint-1
    ln -s "$checkpoint" copy/last
    ln -s checkpoint-1 copy/best
    expect 0 "$SFT" generate copy Name a tree.
    is "$(cat stdout)" 'The oak.'
    is "$(cat stderr)" 'model  copy/checkpoint-1 (best of copy)'
    mkdir empty
    expect_error 1 "empty: no config.json (a model's directory has config.json, model.safetensors and tokenizer.json, or vocab.json and merges.txt in place of the latter)" "$SFT" chat empty
}

test_export_says_what_it_wrote() {
    model=$(trained_model)
    expect 0 "$SFT" export "$model" --dtype bf16 --out new/model/
    [ ! -s stdout ] || die "$(cat stdout)"
    grep -q '^check  its logits differ by 0\.[0-9]*% from the original.s; it says the same:' stderr || die "$(cat stderr)"
    sed -i '/^check/,/^next/{/^next/!d}' stderr # tests of its own: test_export_check.sh
    diff - stderr <<END
wrote  new/model/: 42.5K parameters in bf16, 0.1 MB
       README.md config.json generation_config.json merges.txt model.safetensors
       special_tokens_map.json tokenizer.json tokenizer_config.json vocab.json
card   it lacks a licence (--license)
next   $SFT chat new/model/
       or in Python: AutoModelForCausalLM.from_pretrained("new/model/")
END
    is "$(ls new)" model
    expect_error 2 '--out: new/model exists already (choose another name)' "$SFT" export "$model" --out new/model
}

# What is killed leaves nothing under the name, and the same call goes through afterwards.
test_an_export_that_is_killed_leaves_nothing() {
    model=$(trained_model)
    mkdir -p out.tmp/trainer
    echo half >out.tmp/model.safetensors # as if it had been
    expect_error 2 '--out: out is written as out.tmp, which exists already, and not by sft (choose another name)' "$SFT" export "$model" --out out
    is "$(cat out.tmp/model.safetensors)" half
    touch out.tmp/.sft-is-writing
    expect 0 "$SFT" export "$model" --out out
    [ ! -e out.tmp ] && [ ! -e out/trainer ] && [ ! -e out/.sft-is-writing ] || die "$(ls . out)"
    expect 0 "$SFT" info out
    ulimit -f 100 # not enough for the weights
    code=0
    (trap '' XFSZ; "$SFT" export "$model" --out full) >stdout 2>stderr || code=$?
    [ $code -ne 0 ] || die 'no error'
    [ ! -e full ] && [ ! -e full.tmp ] || die "$(ls)"
}

# What is beside the model is named once; in JSON where a program reads it.
test_tensors_that_are_no_part_of_the_model() {
    model=$(trained_model)
    cp -r "$model/" m
    rm -r m/trainer
    python3 - m/model.safetensors <<'END' || { echo 'SKIP: no python3'; return 0; }
import json, struct, sys
path = sys.argv[1]
data = open(path, "rb").read()
size = struct.unpack("<Q", data[:8])[0]
header, body = json.loads(data[8:8 + size]), data[8 + size:]
for name in ["v_head.summary.weight", "score.weight\x1b[31m", "transformer.h.0.attn.bias"]:
    header[name] = {"dtype": "F32", "shape": [2], "data_offsets": [len(body), len(body) + 8]}
    body += bytes(8)
text = json.dumps(header).encode()
open(path, "wb").write(struct.pack("<Q", len(text)) + text + body)
END
    expect 0 "$SFT" eval m "$DATA/chat.jsonl"
    is "$(cat stderr)" 'warning: m: tensors that are not used: score.weight\x1b[31m, v_head.summary.weight'
    expect 0 "$SFT" eval m "$DATA/chat.jsonl" --json
    has stdout '"unused_tensors":"score.weight\\x1b[31m, v_head.summary.weight"}'
    expect 0 "$SFT" info m
    has stdout 'not used   score.weight\x1b[31m, v_head.summary.weight'
    write_config
    expect 0 "$SFT" train config.ini --set model.base=m --set train.max_steps=1
    is "$(grep -c 'not used' stderr)" 1
}
