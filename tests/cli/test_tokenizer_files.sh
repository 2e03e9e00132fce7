# A base's tokenizer files as others write them: added tokens, files that contradict, formats of the base.
# Ids are transformers 5.24's (tests/peers/tokenizer_files_peers.py compares live).

# tokenizer_dir MEMBERS-OF-tokenizer_config.json [CLASS]: t/, the tiny tokenizer of tests/golden and the config.json of a
# GPT-2 without weights.
tokenizer_dir() {
    rm -rf t
    tiny_base t
    rm t/vocab.json t/merges.txt t/special_tokens_map.json
    cp "$GOLDEN/tiny_tokenizer/tokenizer.json" t/tokenizer.json
    printf '{"tokenizer_class": "%s", "eos_token": "<|endoftext|>"%s}\n' "${2:-GPT2Tokenizer}" "$1" >t/tokenizer_config.json
}

# ids TEXT [OPTION...]: of the text, a JSON string.
ids() {
    text=$1
    shift
    printf '%s\n' "$text" | "$SFT" tokenizer encode --model t --json-lines "$@"
}

test_json_lines() {
    tokenizer_dir ''
    printf '"a"\n""\n"\\ud83d\\ude00 \\u00e9"\n"a\\nb"' | "$SFT" tokenizer encode --model t --json-lines >out
    printf '[64]\n[]\n[172,253,246,222,220,127,102]\n[64,198,65]\n' | diff - out
    printf '"a"\n7\n' >lines
    expect 1 "$SFT" tokenizer encode --model t --json-lines <lines
    is "$(cat stdout)" '[64]'
    has stderr 'error: standard input:2: expected a string, found a number'
}

test_added_tokens_that_are_not_special() {
    tokenizer_dir ''
    is "$(ids '"a <mask> b<tool>  c"')" '[64,220,27,76,64,82,74,29,264,402,66]'
    is "$(ids '"a <mask> b<tool>  c"' --special)" '[64,401,264,402,66]'
    printf '%s\n' '{"messages": [{"role": "user", "content": "[w]"}, {"role": "assistant", "content": "x <tool>\n[w]"}]}' >chat.jsonl
    expect 0 "$SFT" inspect --base t chat.jsonl --json --set data.template=chatml
    is "$(grep -o '"tokens":[^]]*]' stdout)" \
        '"tokens":[405,293,267,198,403,406,198,405,64,82,320,357,198,87,220,402,403,406,198]'
}

# A token that a file gives a name (pad_token, image_token) is a control token, though tokenizer.json calls it none; one
# of a list of further tokens is what tokenizer.json says.
test_a_token_with_a_name_is_special() {
    tokenizer_dir ', "pad_token": "<tool>"'
    is "$(ids '"a <tool>"' | grep -c 402)" 0
    is "$(ids '"a <tool>"' --special)" '[64,220,402]'
    tokenizer_dir ', "extra_special_tokens": {"tool_token": "<tool>"}'
    is "$(ids '"<tool>"' | grep -c 402)" 0
    tokenizer_dir ', "additional_special_tokens": ["<tool>"]'
    is "$(ids '"a <tool>"')" '[64,220,402]'
    tokenizer_dir '' PreTrainedTokenizerFast
    echo '{"mask_token": {"content": "<tool>", "lstrip": false}}' >t/special_tokens_map.json
    is "$(ids '"<tool>"' | grep -c 402)" 0
}

test_prefix_space_is_the_configs() {
    tokenizer_dir ', "add_prefix_space": true'
    is "$(ids '"the the"')" '[259,259]'
    tokenizer_dir ''
    is "$(ids '"the the"')" '[83,256,259]'
    sed -i 's/"add_prefix_space": false/"add_prefix_space": true/' t/tokenizer.json
    is "$(ids '"the the"')" '[83,256,259]'
    tokenizer_dir ', "add_prefix_space": true' PreTrainedTokenizerFast
    is "$(ids '"the the"')" '[83,256,259]'
}

test_files_that_contradict() {
    tokenizer_dir ''
    sed -i 's/"use_regex": true/"use_regex": false/' t/tokenizer.json
    expect 1 "$SFT" tokenizer encode --model t </dev/null
    has stderr "error: t/tokenizer.json: pre_tokenizer is not what tokenizer_config.json's tokenizer_class, GPT2Tokenizer, builds"
    sed -i 's/GPT2Tokenizer/PreTrainedTokenizerFast/' t/tokenizer_config.json
    expect 0 "$SFT" tokenizer encode --model t </dev/null
    tokenizer_dir '' Qwen2Tokenizer
    expect 1 "$SFT" tokenizer encode --model t </dev/null
    has stderr "error: t/tokenizer.json: normalizer is not what tokenizer_config.json's tokenizer_class, Qwen2Tokenizer, builds"
    tokenizer_dir ', "added_tokens_decoder": {"400": {"content": "<|endoftext|>", "special": true}}'
    expect_error 1 "t: '<mask>' is an added token in tokenizer.json, but not in tokenizer_config.json's added_tokens_decoder (transformers 4 knows it, 5 does not; add it there, or take it out of tokenizer.json)" \
        "$SFT" tokenizer encode --model t
    tokenizer_dir ', "added_tokens_decoder": {"402": {"content": "<mask>", "special": true}}' PreTrainedTokenizerFast
    expect_error 1 "t/tokenizer_config.json: added_tokens_decoder: '<mask>' has id 402 here, but in tokenizer.json it has 401" \
        "$SFT" tokenizer encode --model t
    tokenizer_dir ', "chat_template": [{"name": "tools", "template": "x"}]'
    echo '{"messages": []}' >chat.jsonl
    expect 2 "$SFT" inspect --base t chat.jsonl
    has stderr "the base's own chat template is one of several, and none of them is named default (choose template = "
    "$SFT" info t >stdout || true
    has stdout "chat template: not one that sft renders"
    has stdout "t/tokenizer_config.json: template = auto: the base's own chat template is one of several, and none of them is named default (choose template = "
}

# What a run writes says what was read, though the base's two files did not agree.
test_what_is_written_agrees() {
    tokenizer_dir ', "add_prefix_space": true, "pad_token": "[PAD]", "split_special_tokens": true'
    write_config
    expect 0 "$SFT" train config.ini --set model.base=t/config.json --set data.template=im_sep --set train.max_steps=1
    before=$(ids '"the <mask> the<tool> x"')
    rm -rf t
    mv run/last/ t 2>/dev/null || cp -rL run/last t
    is "$(ids '"the <mask> the<tool> x"')" "$before"
    has t/tokenizer.json '"add_prefix_space": true'
    has t/tokenizer_config.json '"pad_token": "[PAD]"'
    has_not t/tokenizer_config.json split_special_tokens
    expect 0 "$SFT" info t
}

# Five of the tokenizer's tokens have no row: added ones, which get one as control tokens do.
test_more_tokens_than_rows() {
    tokenizer_dir ''
    write_config
    sed -i 's/"vocab_size": 401/"vocab_size": 400/' t/config.json
    expect 0 "$SFT" train config.ini --set model.base=t/config.json --set data.template=im_sep --set train.max_steps=1
    has stderr "5 tokens of the base's tokenizer had no embedding row: <|endoftext|>,"
    has stderr '       <mask>, <tool>, [w], <mask><tool>'
    has stderr '3 control tokens added: '
    has stderr '8 new embedding rows start at the mean of the others'
    has run/last/config.json '"vocab_size": 408'
    tokenizer_dir ''
    sed -i 's/"vocab_size": 401/"vocab_size": 399/' t/config.json
    expect 1 "$SFT" train config.ini --fresh --set model.base=t/config.json --set data.template=im_sep
    has stderr "the tokenizer has ids up to 399, but config.json's vocab_size is 399"
}

test_a_bases_own_end_of_text_format() {
    tokenizer_dir ', "chat_template": "{% for message in messages %}{{ message.content }}{{ eos_token }}{% endfor %}"'
    echo '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}' >chat.jsonl
    write_config
    expect 0 "$SFT" inspect --base t chat.jsonl
    tail -n +2 stdout | diff - /dev/stdin <<'END'
a<|endoftext|>
[[b<|endoftext|>]]

END
    expect 0 "$SFT" train config.ini --set model.base=t/config.json --set data.train=chat.jsonl --set train.max_steps=60 \
        --set train.num_train_epochs=1 --set train.learning_rate=0.01
    has_not stderr 'control tokens added'
    echo '{"messages": [{"role": "user", "content": "a"}]}' | "$SFT" generate --model run/last --json --temperature 0 >out
    has out '"content":"b"}],"tokens":[65,400],"finish_reason":"stop"'
    has run/last/generation_config.json '"eos_token_id": 400'
}

# A pattern whose time grows exponentially: an error of the row, with its place.
test_a_pattern_that_gives_up() {
    tokenizer_dir '' PreTrainedTokenizerFast
    sed -i '/"pre_tokenizer": {/,/^  },/c\
"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "(x+x+)+[yz]"}, \
"behavior": "Isolated", "invert": false}, {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}]},' t/tokenizer.json
    echo '"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"' >lines
    expect 1 "$SFT" tokenizer encode --model t --json-lines <lines
    has stderr "error: standard input:1: a pattern of tokenizer.json's pre_tokenizer needs more than 10000000 steps"
    { echo '{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "b"}]}'
      echo '{"messages": [{"role": "user", "content": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}, {"role": "assistant", "content": "b"}]}'; } >chat.jsonl
    write_config
    expect 1 "$SFT" train config.ini --set model.base=t/config.json --set data.train=chat.jsonl --set data.template=im_sep
    has stderr "chat.jsonl:2: a pattern of tokenizer.json's pre_tokenizer needs more than"
}

# What the base marks as generated is what is trained; here a model does not learn to end an answer.
test_a_marked_template_that_leaves_the_end_out() {
    tokenizer_dir ', "chat_template": "{% for m in messages %}{% if m.role == '"'assistant'"' %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{{ eos_token }}{% endfor %}"'
    echo '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}' >chat.jsonl
    write_config
    for train_on in assistant all; do
        expect 0 "$SFT" inspect config.ini --report --set model.base=t/config.json --set data.train=chat.jsonl --set data.train_on=$train_on
        cp stdout $train_on
    done
    has assistant "warning: the base's chat template ends its {% generation %} before <|endoftext|>, which ends an answer: the model does not learn to end one (move the token into the block)"
    has_not all 'generation'
}
