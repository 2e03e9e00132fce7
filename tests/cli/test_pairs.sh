# Rows with a chosen and a rejected answer, where objective = dpo.

write_pairs() {
    tiny_base base
    cat >pairs.jsonl <<'END'
{"prompt":"Hello","chosen":"Hi there.","rejected":"Go away."}
{"chosen":"\n\nHuman: Hello\n\nAssistant: Hi.\n\nHuman: Why?\n\nAssistant: Because.","rejected":"\n\nHuman: Hello\n\nAssistant: Hi.\n\nHuman: Why?\n\nAssistant: No."}
{"prompt":"Hello","chosen":"Hi.","rejected":"Hi."}
{"prompt":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hello"}],"chosen":[{"role":"assistant","content":"Hi."}],"rejected":[{"role":"assistant","content":"Bye."}],"meta":{"id":4}}
END
}

pairs() {
    "$SFT" inspect --base base "$@" --set train.objective=dpo
}

# What "inspect --json" says of a row of messages, from its tokens on.
of_messages() {
    printf '{"messages":[%s]}\n' "$1" >one.jsonl
    "$SFT" inspect --base base one.jsonl --json --set data.train_on=last_assistant | sed 's/^[^,]*,//; s/}$//'
}

user() { printf '{"role":"user","content":"%s"}' "$1"; }
assistant() { printf '{"role":"assistant","content":"%s"}' "$1"; }

# Each answer is what the same turns are as messages, of which the last is trained.
test_a_line_an_answer() {
    write_pairs
    expect 0 pairs pairs.jsonl --json
    {
        echo "{\"source\":\"pairs.jsonl:1\",$(of_messages "$(user Hello),$(assistant 'Hi there.')"),\"pair\":\"chosen\"}"
        echo "{\"source\":\"pairs.jsonl:1\",$(of_messages "$(user Hello),$(assistant 'Go away.')"),\"pair\":\"rejected\"}"
        begin="$(user Hello),$(assistant Hi.),$(user 'Why?')"
        echo "{\"source\":\"pairs.jsonl:2\",$(of_messages "$begin,$(assistant Because.)"),\"pair\":\"chosen\"}"
        echo "{\"source\":\"pairs.jsonl:2\",$(of_messages "$begin,$(assistant No.)"),\"pair\":\"rejected\"}"
    } >expected
    head -n 4 stdout | diff - expected
    sed -n '5,6s/.*"truncated"/"truncated"/p' stdout >ends
    diff - ends <<'END'
"truncated":false,"pair":"chosen","dropped":"chosen and rejected are the same"}
"truncated":false,"pair":"rejected","dropped":"chosen and rejected are the same"}
END
    is "$(wc -l <stdout)" 8
}

# A pair is one: what is counted are pairs, and both of one are shown.
test_a_pair_is_shown_whole() {
    write_pairs
    expect 0 pairs pairs.jsonl --limit 1
    diff - stdout <<'END'
pairs.jsonl:1  chosen: 21 tokens, 6 trained, 2 turns
<|im_start|>user<|im_sep|>Hello<|im_end|>
<|im_start|>assistant<|im_sep|>[[Hi there.<|im_end|>]]

pairs.jsonl:1  rejected: 22 tokens, 7 trained, 2 turns
<|im_start|>user<|im_sep|>Hello<|im_end|>
<|im_start|>assistant<|im_sep|>[[Go away.<|im_end|>]]

END
    expect 0 pairs pairs.jsonl --row 2 --json
    is "$(field source <stdout | tr '\n' ' ')" 'pairs.jsonl:2 pairs.jsonl:2 '
    expect 0 pairs pairs.jsonl --source pairs.jsonl:4 --json
    is "$(field pair <stdout | tr '\n' ' ')" 'chosen rejected '
    expect_error 2 '--row 9: there are only 4 conversations' pairs pairs.jsonl --row 9
}

test_the_report_counts_pairs() {
    write_pairs
    echo "{\"messages\":[$(user a),$(assistant b)]}" >>pairs.jsonl
    expect 0 pairs pairs.jsonl --report --set dpo.sft_weight=1 --set data.eval_fraction=0
    has stdout 'comparing chosen answers with rejected ones'
    has stdout 'train  pairs.jsonl (hh): 3 pairs and 1 conversation, 20 turns, '
    has stdout '       left out: 1 (chosen and rejected are the same)'
    has stdout 'keys that are not used: meta (1 row)'
    has stdout 'dpo    loss_type sigmoid, beta 0.1, sft_weight 1, learning_rate 1e-06'
    has stdout '       the reference is asked once, for 3 pairs, before the first step'
    has stdout 'warning: chosen and rejected are the same, left out: 1 of 5 pairs and conversations (20.0%), first pairs.jsonl:3'
    expect 0 pairs pairs.jsonl --report --json --set dpo.sft_weight=1
    has stdout '"conversations":4,"pairs":3,"examples":4,'
    has stdout '"examples":4,"eval_examples":0,"pairs":3,"eval_pairs":0,'
    expect 0 "$SFT" inspect --base base pairs.jsonl --report
    has_not stdout pairs:
    has_not stdout rejected:
}

test_rows_that_are_no_pairs() {
    write_pairs
    echo "{\"messages\":[$(user a),$(assistant b)]}" >>pairs.jsonl
    expect_error 1 'pairs.jsonl:5: there is no rejected answer; objective = dpo learns from such rows where dpo.sft_weight is above 0' \
        pairs pairs.jsonl --json
    expect 0 pairs pairs.jsonl --json --set dpo.sft_weight=0.5
    tail -n 1 stdout | sed 's/.*"truncated"/"truncated"/' >end
    is "$(cat end)" '"truncated":false}'
    printf 'A text.\n' >a.txt
    expect_error 1 'a.txt: no row has a chosen and a rejected answer, which objective = dpo compares ([data] columns = KEY:chosen KEY:rejected says which keys they are)' \
        pairs a.txt
}

test_a_row_without_a_chosen_answer_is_told_of_the_key_that_may_be_it() {
    write_pairs
    echo '{"prompt": "a", "choosen": "b", "rejected": "c"}' >pairs.jsonl
    expect 1 pairs pairs.jsonl
    has stderr 'pairs.jsonl:1: unknown structure: it has the keys prompt, choosen, rejected (a rejected answer, and no chosen one); expected'
    has stderr '; [data] columns = choosen:chosen says which answer is the chosen one'
    echo '{"question": "a", "better": "b", "rejected": "c"}' >pairs.jsonl
    expect 1 pairs pairs.jsonl
    has stderr '; [data] columns = better:chosen says which answer is the chosen one'
    for row in '{"prompt": "a", "rejected": "c"}' '{"prompt": "a", "good": "b", "rejected": "c", "model": "d"}'; do
        echo "$row" >pairs.jsonl
        expect 1 pairs pairs.jsonl
        has stderr '; [data] columns = OTHER:chosen says which answer is the chosen one'
    done
}

test_settings_that_do_not_go_with_it() {
    write_pairs
    expect_error 2 '--set data.train_on: all, but objective = dpo compares answers: assistant or last_assistant' \
        pairs pairs.jsonl --set data.train_on=all
    expect_error 2 '--set dpo.beta: only for objective = dpo in [train]' \
        "$SFT" inspect --base base pairs.jsonl --set dpo.beta=0.2
    write_config
    sed -i '/^learning_rate/d' config.ini
    expect 0 "$SFT" train config.ini --print-config --set train.objective=dpo
    has stdout 'learning_rate = 1e-06'
    has stdout '[dpo]'
    expect 0 "$SFT" train config.ini --print-config
    has_not stdout dpo]
}

# Conversations beside pairs: steps and evaluations without a pair say nothing of pairs, and nothing is chosen by them.
test_conversations_beside_pairs() {
    write_pairs
    write_config
    echo "{\"messages\":[$(user a),$(assistant b)]}" | awk '{ for (i = 0; i < 8; i++) print }' >singles.jsonl
    sed -i 's|^train = .*|train = singles.jsonl pairs.jsonl\nshuffle = false|; s|^num_train_epochs.*|max_steps = 3|' config.ini
    with_pairs() { "$SFT" train config.ini --set train.objective=dpo --set dpo.sft_weight=1 "$@"; }
    expect 0 with_pairs --set data.eval=singles.jsonl
    has_not stderr nan
    is "$(grep -c '^step .* acc ' stderr) $(grep -c '^step .* won ' stderr)" '2 1'
    has stderr '%  (8 conversations)'
    is "$(sed -n 's/.*"step":\([0-9]*\),.*"rewards\/margins":null.*/\1/p' run/metrics.jsonl | tr '\n' ' ')" '1 2 '
    rm -r run
    expect 0 with_pairs --set data.eval=pairs.jsonl
    has stderr '(3 pairs)'
    has stderr 'warning: evaluated and trained on: 3 of 3 eval pairs (100.0%), first pairs.jsonl:1'
    rm -r run
    expect_error 2 '[train] metric_for_best_model = eval_rewards/margins: of what is evaluated nothing is a pair (name a file of pairs in [data] eval, or raise eval_fraction)' \
        with_pairs --set data.eval=singles.jsonl --set train.metric_for_best_model=eval_rewards/margins
}

# What other data call the three, and what review keeps of such rows.
test_names_and_rows_of_review() {
    tiny_base base
    echo '{"question":"Hello","good":"Hi there.","bad":"Go away."}' >named.jsonl
    expect 0 pairs named.jsonl --json --set 'data.columns=question:prompt good:chosen bad:rejected'
    cut -d, -f2- stdout >named
    write_pairs
    echo '{"row":1,"decision":"accept"}' >pairs.jsonl.review.anna.jsonl
    expect 0 "$SFT" review pairs.jsonl --export kept.jsonl
    expect 0 pairs kept.jsonl --json
    cut -d, -f2- stdout | diff - named
    echo '{"question":"Hello","chosen":"I can.","rejected":"I will not."}' >asked.jsonl
    expect_error 1 'asked.jsonl:1: chosen and rejected have no prompt; [data] columns = question:prompt says that this is it, question:ignore that it is not' \
        pairs asked.jsonl
}

# Both kinds of reading have places of their own in the cache.
test_the_cache_keeps_them_apart() {
    write_pairs
    sed -n 1p pairs.jsonl | awk '{ for (i = 0; i < 20000; i++) print }' >many.jsonl
    export SFT_CACHE_DIR="$PWD/cache"
    for turn in 1 2; do
        expect 0 pairs many.jsonl --report
        has stdout 'many.jsonl (hh): 20000 pairs'
        expect 0 "$SFT" inspect --base base many.jsonl --report
        has stdout 'many.jsonl (hh): 20000 conversations'
    done
    is "$(find cache -name '*.tokens' | wc -l)" 2
}
