# Models as GGUF and what ollama is told beside them: sft export --format gguf (that llama.cpp agrees: tests/peers).

chat=$GOLDEN/gguf/chat.gguf

ask() { # MODEL: what it answers, and continues
    echo '{"messages":[{"role":"user","content":"Name a tree."}]}' |
        "$SFT" generate --model "$1" --json --temperature 0 --max-new-tokens 12
    echo '{"prompt":"The oak"}' | "$SFT" generate --model "$1" --raw --json --temperature 0 --max-new-tokens 12
}

test_what_is_exported_is_imported_bit_for_bit() {
    expect 0 "$SFT" import "$chat" --out model
    for dtype in f32 f16 bf16; do
        expect 0 "$SFT" export model --out $dtype.gguf --dtype $dtype
        expect 0 "$SFT" import $dtype.gguf --out back-$dtype --dtype $dtype
        expect 0 "$SFT" export model --out same-$dtype --dtype $dtype
        same back-$dtype/model.safetensors same-$dtype/model.safetensors
    done
    for file in config.json generation_config.json merges.txt special_tokens_map.json vocab.json; do
        same model/$file back-f32/$file
    done
    # What comes of a GGUF file is the file again.
    expect 0 "$SFT" export back-f32 --out again.gguf --dtype f32
    LC_ALL=C sed 's/again/f32/' again.gguf | cmp -n 400 - f32.gguf || : # the name is in it
    "$SFT" import again.gguf --out back-again 2>/dev/null
    same back-again/model.safetensors model/model.safetensors
    same back-again/tokenizer.json back-f32/tokenizer.json
}

test_a_trained_model_answers_the_same() {
    model=$(trained_model)
    ask "$model" >of_directory
    expect 0 "$SFT" export "$model" --format gguf --dtype f32 --out new.gguf
    ask new.gguf >of_file
    same of_directory of_file
    has of_file 'The oak.'
    for dtype in q8_0 q4_0; do
        expect 0 "$SFT" export "$model" --dtype $dtype --out $dtype.gguf
        has stderr "wrote  $dtype.gguf: 42.5K parameters in $dtype, 0.1 MB"
        expect 0 "$SFT" info $dtype.gguf
    done
    has stdout '42.5K parameters in F32, Q4_0, Q8_0'
    expect 0 "$SFT" export "$model" --out half.gguf --license apache-2.0 --base-model acme/tiny # of a file's name alone follow format and dtype
    expect 0 "$SFT" info half.gguf
    has stdout 'parameters in F32, F16'
    LC_ALL=C grep -qa 'apache-2.0' half.gguf || die 'no licence'
    LC_ALL=C grep -qa 'https://huggingface.co/acme/tiny' half.gguf || die 'no base'
    ! LC_ALL=C grep -qa 'generation -%}' half.gguf || die 'generation markers'
}

test_a_modelfile_is_beside_it() {
    model=$(trained_model)
    expect 0 "$SFT" export "$model" --out new.gguf
    is "$(sed '/^check/,/^next/{/^next/!d}' stderr)" "wrote  new.gguf: 42.5K parameters in f16, 0.1 MB
       Modelfile
       README.md
card   it lacks a licence (--license)
next   $SFT chat new.gguf
       or llama-cli -m new.gguf
       or ollama create new -f Modelfile"
    is "$(echo $(ls))" 'Modelfile README.md new.gguf stderr stdout'
    diff - Modelfile <<'END'
# written by sft export, which replaces this file while this line stands
FROM ./new.gguf
TEMPLATE """{{- range $i, $_ := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 }}
{{- if eq .Role "system" }}<|im_start|>system<|im_sep|>{{ .Content }}<|im_end|>{{ else if eq .Role "user" }}<|im_start|>user<|im_sep|>{{ .Content }}<|im_end|>{{ else if eq .Role "assistant" }}<|im_start|>assistant<|im_sep|>{{ .Content }}
{{- if not $last }}<|im_end|>{{ end }}
{{- else if eq .Role "tool" }}<|im_start|>tool<|im_sep|>{{ .Content }}<|im_end|>{{ end }}
{{- if and $last (ne .Role "assistant") }}<|im_start|>assistant<|im_sep|>{{ end }}
{{- end }}"""
PARAMETER stop "<|im_end|>"
PARAMETER num_ctx 128
END
    # It is written anew by the next export, unless somebody else has made it his own.
    expect 0 "$SFT" export "$model" --out second.gguf
    has Modelfile 'FROM ./second.gguf'
    is "$(sed -n 2,3p stderr)" "       Modelfile (in place of new.gguf's)
       README.md (in place of new's)"
    rm second.gguf
    expect 0 "$SFT" export "$model" --out second.gguf # its own
    has_not stderr 'in place of'
    echo 'FROM ./mine.gguf' >Modelfile
    expect_error 2 '--out: Modelfile goes beside third.gguf, and there is one already that sft has not written (move it, or choose another directory)' \
        "$SFT" export "$model" --out third.gguf
    is "$(cat Modelfile)" 'FROM ./mine.gguf'
    [ ! -e third.gguf ] || die 'it was written'
}

# Settings of sampling where the model samples; every token that ends a text; no template where there is none.
test_what_the_modelfile_says_of_other_models() {
    expect 0 "$SFT" import "$chat" --out model
    sed 's/{/{"do_sample": true, "temperature": 0.6, "top_p": 0.95, "top_k": 20, "repetition_penalty": 1.1,/' \
        model/generation_config.json >generation_config.json
    mv generation_config.json model
    expect 0 "$SFT" export model --out sampled.gguf
    is "$(grep PARAMETER Modelfile)" 'PARAMETER stop "<|im_end|>"
PARAMETER temperature 0.6
PARAMETER top_p 0.95
PARAMETER top_k 20
PARAMETER repeat_penalty 1.1
PARAMETER num_ctx 512'
    expect 0 "$SFT" import sampled.gguf --out back
    has back/generation_config.json '"top_k"'
    sed 's/"chat_template"/"a_template"/' model/tokenizer_config.json >tokenizer_config.json
    mv tokenizer_config.json model
    expect 0 "$SFT" export model --out plain.gguf
    has_not Modelfile TEMPLATE
    has stderr "next   $SFT generate --raw plain.gguf"
    has stderr '       or llama-completion -m plain.gguf -no-cnv -p "The quick brown fox"'
    expect 0 "$SFT" export model --out plain
    has stderr "next   $SFT generate --raw plain"
}

# As a directory is: with those above it, and by the name that was given.
test_a_file_in_a_place_that_is_still_to_be_made() {
    expect 0 "$SFT" export "$(trained_model)" --format gguf --out models/tiny/weights
    has stderr 'ollama create weights -f models/tiny/Modelfile'
    has models/tiny/Modelfile 'FROM ./weights'
    expect 0 "$SFT" export "$(trained_model)" --out IN.CAPITALS.GGUF --dtype q8_0
    has stderr 'ollama create in.capitals -f Modelfile'
    expect 0 "$SFT" info IN.CAPITALS.GGUF
    expect 0 "$SFT" info models/tiny/weights
}

test_what_export_refuses() {
    model=$(trained_model)
    expect 0 "$SFT" export "$model" --out there.gguf
    cp there.gguf before
    expect_error 2 '--out: there.gguf exists already (choose another name)' "$SFT" export "$model" --out there.gguf --dtype f32
    same there.gguf before
    ln -s nowhere.gguf link.gguf
    expect_error 2 '--out: link.gguf exists already (choose another name)' "$SFT" export "$model" --out link.gguf
    expect_error 2 "--out: expected a file's name, such as model.gguf, found 'none/'" "$SFT" export "$model" --format gguf --out none/
    expect_error 2 "--dtype: unknown dtype 'q5_0' (gguf takes f16, f32, bf16, q8_0 or q4_0)" "$SFT" export "$model" --out new.gguf --dtype q5_0
    expect_error 2 "--dtype: q8_0 is for gguf: sft export --out NAME.gguf (hf takes f32, f16 or bf16)" "$SFT" export "$model" --out new --dtype q8_0
    expect_error 2 "--format: unknown format 'onnx' (hf or gguf)" "$SFT" export "$model" --out new --format onnx
    expect_error 2 '--max-shard-size: a model in gguf is one file' "$SFT" export "$model" --out new.gguf --max-shard-size 1GB
    mkdir new.gguf.tmp && echo mine >new.gguf.tmp/notes
    expect_error 2 '--out: new.gguf is written as new.gguf.tmp, which exists already, and not by sft (choose another name)' \
        "$SFT" export "$model" --out new.gguf
    is "$(cat new.gguf.tmp/notes)" mine
    [ ! -e new ] && [ ! -e new.gguf ] && [ ! -e none ] || die "$(ls)"
}

# The model would be lost to what goes beside it.
test_names_that_are_taken_beside_a_file() {
    model=$(trained_model)
    for name in README.md Modelfile .sft-is-writing; do
        expect_error 2 "--out: $name is the name of a file that goes beside the model's (choose another name, such as model.gguf)" \
            "$SFT" export "$model" --format gguf --out $name
    done
    for name in new/. new/..; do
        expect_error 2 "--out: expected a directory's name, such as model, found '$name'" "$SFT" export "$model" --out $name
    done
    is "$(ls -A)" "$(printf 'stderr\nstdout')"
}

# A name is told to other programs: on a line of the Modelfile, in the file's own metadata.
test_names_that_say_more_than_a_name() {
    model=$(trained_model)
    expect_error_about 2 "a file's name is told to other programs, and holds control characters, or what is not UTF-8 (choose another name)" \
        "$SFT" export "$model" --out "$(printf 'evil\nPARAMETER stop "x"\n.gguf')"
    expect_error_about 2 'or what is not UTF-8 (choose another name)' "$SFT" export "$model" --out "$(printf 'a\377.gguf')"
    is "$(ls -A)" "$(printf 'stderr\nstdout')"
    expect 0 "$SFT" export "$model" --out="-My Model.gguf"
    has stderr "chat './-My Model.gguf'"
    has stderr "or llama-cli -m './-My Model.gguf'"
    has stderr 'or ollama create my-model -f Modelfile'
    has README.md 'ollama create my-model -f Modelfile'
    has Modelfile 'FROM ./-My Model.gguf'
}

# What cannot be seen when it begins: the directory that the path goes through is made on the way.
test_what_is_met_at_the_end_stays() {
    model=$(trained_model)
    echo mine >r.gguf
    mkdir h
    echo mine >h/notes
    expect_error 2 '--out: way/../r.gguf exists already (choose another name)' "$SFT" export "$model" --out way/../r.gguf
    rmdir way
    expect_error 2 '--out: way/../h exists already (choose another name)' "$SFT" export "$model" --out way/../h
    is "$(cat r.gguf h/notes)" "$(printf 'mine\nmine')"
    is "$(echo $(ls -A . h))" '.: h r.gguf stderr stdout way h: notes'
    rmdir way
    mkdir r2.gguf.tmp h2.tmp
    echo mine | tee r2.gguf.tmp/notes >h2.tmp/notes
    for name in r2.gguf h2; do
        expect_error 2 "--out: way/../$name is written as way/../$name.tmp, which exists already, and not by sft (choose another name)" \
            "$SFT" export "$model" --out way/../$name
        rmdir way
    done
    is "$(cat r2.gguf.tmp/notes h2.tmp/notes)" "$(printf 'mine\nmine')"
}

# A pipe is no file of ours, and nobody waits for it.
test_pipes_where_files_go_beside() {
    model=$(trained_model)
    mkfifo README.md
    expect 0 "$SFT" export "$model" --out a.gguf
    has stderr "README.md is not sft's, and stays"
    [ -p README.md ] || die 'the pipe is gone'
    rm Modelfile
    mkfifo Modelfile
    expect_error_about 2 '--out: Modelfile goes beside b.gguf, and there is one already' "$SFT" export "$model" --out b.gguf
    [ -p Modelfile ] || die 'the pipe is gone'
}

# A tokenizer of which llama.cpp would make other ids.
test_tokenizers_that_llama_cpp_has_not() {
    expect 0 "$SFT" import "$chat" --out model
    tokenizer=model/tokenizer.json
    cp $tokenizer as_it_was
    grep -q '"type": "Digits"' $tokenizer || sed -n 1,40p $tokenizer
    sed 's/"individual_digits": true/"individual_digits": false/' as_it_was >$tokenizer
    expect_error_about 1 "tokenizer.json: not written as GGUF: llama.cpp has no name for how it cuts text into words: by '" "$SFT" export model --out x.gguf
    sed 's/"ignore_merges": false/"ignore_merges": true/' as_it_was >$tokenizer
    expect_error 1 "tokenizer.json: not written as GGUF: it cuts text as llama.cpp's starcoder does, but ignore_merges is true" "$SFT" export model --out x.gguf
    [ ! -e x.gguf ] && [ ! -e x.gguf.tmp ] || die 'something was written'
}

# What is killed, or finds no room, leaves nothing under the name.
test_an_export_that_is_killed_leaves_no_file() {
    model=$(trained_model)
    mkdir out.gguf.tmp
    echo half >out.gguf.tmp/out.gguf
    touch out.gguf.tmp/.sft-is-writing # as if it had been
    expect 0 "$SFT" export "$model" --out out.gguf
    is "$(echo $(ls -A))" 'Modelfile README.md out.gguf stderr stdout'
    rm Modelfile README.md
    ulimit -f 50 # not enough for the weights
    code=0
    (trap '' XFSZ; "$SFT" export "$model" --out full.gguf) >stdout 2>stderr || code=$?
    [ $code -ne 0 ] || die 'no error'
    [ ! -e full.gguf ] && [ ! -e full.gguf.tmp ] && [ ! -e Modelfile ] && [ ! -e README.md ] || die "$(ls)"
}
