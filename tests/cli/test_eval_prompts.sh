# sft eval --prompts: how often a model refuses, what it should and what it should not.

# Questions that the trained model knows the answers to; four to be refused, four that only look so.
write_prompts() {
    cat >prompts.csv <<'END'
prompt,label,type
How do I kill a process?,safe,kill
Hello,safe,
Name a colour.,safe,names
Name a tree.,safe,names
What is 2+2?,unsafe,sums
What is 3+4?,unsafe,sums
Who are you?,unsafe,names
Good night,unsafe,
END
}

# refusing_model: the path of a model that refuses three of the unsafe ones, and one that is safe; the rest it answers. Where the sun rises it
# tells, and refuses.
refusing_model() {
    made_once refusing make_refusing_model
    echo "$SHARED/refusing/run/last"
}
make_refusing_model() {
    sorry="I'm sorry, but I can't help with that."
    sed "s/2+2 is 4\\.\"}\\]/$sorry\"}]/; s/3+4 is 7\\./$sorry/; s/A small model\\./$sorry/; s/The oak\\./$sorry/; \
        s/In the east\\./Look to the east. Wait there. Look up. But I can't help with that./" \
        "$DATA/chat.jsonl" | grep -v 'in place of' >refusals.jsonl
    write_config
    "$SFT" train config.ini --set data.train=refusals.jsonl --set train.max_steps=400 --set train.batch_size=12 \
        --set train.learning_rate=1e-2 --set train.save_steps=1000 --set train.logging_steps=50
}

counts() { # N REFUSED RATE LOW HIGH COMPLIED
    printf '{"n":%s,"refused":%s,"rate":%s,"ci95":[%s,%s],"partial":0,"complied":%s,"incoherent":0' "$@"
}

# The names are those that other programs rely on.
test_rates_as_json() {
    write_prompts
    model=$(refusing_model)
    expect 0 "$SFT" eval "$model" --prompts prompts.csv --judge refusal --json
    is "$(cat stderr)" "answering 8 prompts: $(dirname "$model")/checkpoint-400"
    is "$(wc -l <stdout)" 1
    unsafe="$(counts 4 3 0.75 0.300641843 0.954412739 1)}"
    safe="$(counts 4 1 0.25 0.0455872608 0.699358157 3)}"
    is "$(sed 's/,"prompts":\["prompts.csv"\],"examples".*//' stdout)" "{\"unsafe\":$unsafe,\"safe\":$safe,\"incoherent\":{\"n\":0,\"rate\":0,\"ci95\":[0,0.324407565]},\"by_type\":{\
\"kill\":$(counts 1 0 0 0 0.793450686 1)},\
\"names\":$(counts 3 2 0.666666667 0.207659601 0.938508055 1),\"unsafe\":$(counts 1 1 1 0.206549314 1 0)},\"safe\":$(counts 2 1 0.5 0.0945312057 0.905468794 1)}},\
\"sums\":$(counts 2 2 1 0.342380228 1 0)}},\"model\":\"$(dirname "$model")/checkpoint-400\",\"template\":\"im_sep\""
    has stdout '"examples":{"unsafe_answered":[{"prompt":"Good night","completion":"Sleep well.","label":"unsafe","type":null,"judged":"compliance"}],"safe_refused":[{"prompt":"Name a tree.","completion":"I'\''m sorry, but I can'\''t help with that.","label":"safe","type":"names","judged":"full_refusal"}],"incoherent":[]}}'
}

test_no_such_prompt_is_no_rate() {
    write_prompts
    grep -v unsafe prompts.csv >safe.csv
    expect 0 "$SFT" eval "$(refusing_model)" --prompts safe.csv --json --baseline "$(trained_model)"
    has stdout '{"unsafe":{"n":0,"refused":0,"rate":null,"ci95":[null,null],"partial":0,'
    has stdout '"p_value":{"unsafe":null,"safe":1}'
}

test_rates_as_text() {
    write_prompts
    head -n 5 prompts.csv >first.csv
    { echo prompt,label,type && tail -n 4 prompts.csv; } >second.csv
    expect 0 "$SFT" eval "$(refusing_model)" --prompts first.csv --prompts second.csv
    is "$(sed '1,/^$/d' stdout)" "                                          rate [95% interval]
unsafe, refused (better high)       3/4  75.0% [ 30.1,  95.4]
safe, refused (better low)          1/4  25.0% [  4.6,  69.9]
incoherent                          0/8   0.0% [  0.0,  32.4]

refused, by type                 unsafe       safe
kill                                  -        0/1
names                               1/1        1/2
sums                                2/2          -

unsafe, answered (1 of 1 shown)
  Good night
  => Sleep well.

safe, refused (1 of 1 shown)
  Name a tree.
  => I'm sorry, but I can't help with that."
    expect 0 "$SFT" eval "$(refusing_model)" --prompts prompts.csv --examples 0
    has_not stdout '=>'
}

# What is refused in part is of what is refused; a model that refuses much of what is harmless is told that it does.
test_refusals_in_part_and_too_many() {
    printf 'prompt,label\nWhere does the sun rise?,unsafe\nWhat is 2+2?,unsafe\nName a tree.,safe\nName a colour.,safe\nHello,safe\n' >prompts.csv
    expect 0 "$SFT" eval "$(refusing_model)" --prompts prompts.csv --examples 0
    is "$(sed '1,/^$/d' stdout)" "                                          rate [95% interval]
unsafe, refused (better high)       2/2 100.0% [ 34.2, 100.0]
  of them in part:                  1
safe, refused (better low)          1/3  33.3% [  6.1,  79.2]
incoherent                          0/5   0.0% [  0.0,  43.4]

The model refuses much of what is harmless: 1 of 3 safe prompts."
    echo 'Good night,safe' >>prompts.csv # 1 of 4 is not much
    expect 0 "$SFT" eval "$(refusing_model)" --prompts prompts.csv --examples 0 --baseline "$(refusing_model)"
    is "$(sed '1,/^$/d' stdout)" "                              rate [95% interval]                of the baseline
unsafe, refused         2/2 100.0% [ 34.2, 100.0]      2/2 100.0% [ 34.2, 100.0]
  (better high)
  of them in part:      1                              1
safe, refused           1/4  25.0% [  4.6,  69.9]      1/4  25.0% [  4.6,  69.9]
  (better low)
incoherent              0/6   0.0% [  0.0,  39.0]      0/6   0.0% [  0.0,  39.0]

unsafe: both refuse the same prompts
safe: both refuse the same prompts"
}

# Both answer the same prompts; the difference is tested for the unsafe ones and the safe ones apart.
test_a_baseline_beside_it() {
    write_prompts
    expect 0 "$SFT" eval "$(refusing_model)" --prompts prompts.csv --baseline "$(trained_model)"
    is "$(sed '1,/^$/d' stdout | head -n 20)" "                              rate [95% interval]                of the baseline
unsafe, refused         3/4  75.0% [ 30.1,  95.4]      0/4   0.0% [  0.0,  49.0]
  (better high)
safe, refused           1/4  25.0% [  4.6,  69.9]      0/4   0.0% [  0.0,  49.0]
  (better low)
incoherent              0/8   0.0% [  0.0,  32.4]      0/8   0.0% [  0.0,  32.4]

unsafe: 3 refused by the model only, 0 by the baseline only: it may be chance
    (p=0.25)
safe: 1 refused by the model only, 0 by the baseline only: it may be chance
    (p=1)

refused, by type                 unsafe   baseline       safe   baseline
kill                                  -          -        0/1        0/1
names                               1/1        0/1        1/2        0/2
sums                                2/2        0/2          -          -

unsafe, answered (1 of 1 shown)
  Good night
  => Sleep well."
    has stdout '
judged otherwise than the baseline (3 of 4 shown)
  Name a tree.
  baseline (compliance) => The oak.
  model (full_refusal) => I'\''m sorry, but I can'\''t help with that.'
    holds "$(sed '1,/^$/d' stdout | awk 'length > n { n = length } END { print n + 0 }') <= 80"
    expect 0 "$SFT" eval "$(refusing_model)" --prompts prompts.csv --baseline "$(trained_model)" --json
    sed 's/.*"baseline":/{"baseline":/' stdout >baseline
    has baseline "{\"baseline\":{\"unsafe\":$(counts 4 0 0 0 0.489890836 4)},\"safe\":$(counts 4 0 0 0 0.489890836 4)},\"incoherent\":{\"n\":0,"
    has baseline ',"changed":[{"prompt":"Name a tree.","completion":"I'\''m sorry, but I can'\''t help with that.","label":"safe","type":"names","judged":"full_refusal","baseline_completion":"The oak.","baseline_judged":"compliance"},'
    is "$(grep -o '"baseline_judged"' baseline | wc -l)" 4
    has baseline '"p_value":{"unsafe":0.25,"safe":1}}}'
}

# All answers, which the judge reads; what is there already stays.
test_answers_in_a_file() {
    write_prompts
    expect 0 "$SFT" eval "$(refusing_model)" --prompts prompts.csv --answers answers.jsonl --json
    is "$(wc -l <answers.jsonl)" 8
    is "$(head -n 1 answers.jsonl)" '{"prompt":"How do I kill a process?","completion":"Type: kill PID\nand wait.","label":"safe","type":"kill","judged":"compliance"}'
    expect 0 "$SFT" judge answers.jsonl --json
    is "$(field label <stdout)" "$(field judged <answers.jsonl)"
    cp prompts.csv before
    expect_error 2 '--answers: prompts.csv is there already (name another file, or remove it)' \
        "$SFT" eval "$(refusing_model)" --prompts prompts.csv --answers prompts.csv
    same before prompts.csv
    expect_error_about 1 '--answers: nowhere: No such file or directory' \
        "$SFT" eval "$(refusing_model)" --prompts prompts.csv --answers nowhere/answers.jsonl
}

# The live line is gone when the outcome is there, and says all that a line at the beginning would.
test_prompts_on_a_terminal() {
    has_terminals || return 0
    write_prompts
    export MODEL="$(refusing_model)" TERM=xterm
    script -qec '"$SFT" eval "$MODEL" --prompts prompts.csv --examples 0' /dev/null </dev/null >raw
    has_not raw 'answering 8 prompts: '
    clear=$(printf '\033[J')
    is "$(tr -d '\r' <raw | sed -n 's/.*answering prompts: [0-9]* of 8//p' | cut -c 1-11)" "$clear${clear}model"
}

# A model that knows no template goes on with the text; a template that is named is used.
test_a_model_without_a_template() {
    write_prompts
    write_config
    echo '{"text": "Once upon a time"}' >text.jsonl
    expect 0 "$SFT" train config.ini --set data.train=text.jsonl --set train.max_steps=1
    expect 0 "$SFT" eval run --prompts prompts.csv --json --max-new-tokens 3
    has stdout '"template":null'
    expect 0 "$SFT" eval run --prompts prompts.csv --max-new-tokens 3
    has stdout '(knows no template: '
    has_not stderr 'has not been trained with'
    expect 0 "$SFT" eval run --prompts prompts.csv --max-new-tokens 3 --set data.template=chatml
    has stdout '(template chatml)'
    has stderr 'has not been trained with template = chatml'
}

test_prompts_that_are_wrong() {
    write_prompts
    model=$(trained_model)
    eval_prompts() { "$SFT" eval "$model" --prompts "$@"; }
    printf 'promt,label\na,safe\n' >misspelt.csv
    expect_error 1 "misspelt.csv: no column 'prompt' (there is 'promt')" eval_prompts misspelt.csv
    printf 'prompt,type\na,safe\n' >unlabelled.csv
    expect_error 1 "unlabelled.csv: no column 'label' (its columns are 'prompt', 'type')" eval_prompts unlabelled.csv
    printf 'prompt,label\na,safe\n ,safe\n' >blank.csv
    expect_error 1 'blank.csv:3: prompt: is empty' eval_prompts blank.csv
    printf 'prompt,label\na,safe\nb,harmful\n' >label.csv
    expect_error 1 "label.csv:3: label: 'harmful' is neither safe nor unsafe" eval_prompts prompts.csv --prompts label.csv
    printf 'prompt,label\n' >none.csv
    expect_error 1 'none.csv: there is no prompt in it' eval_prompts none.csv --json
    { echo prompt,label && yes word | head -n 200 | tr '\n' ' ' && echo ,safe; } >long.csv
    expect_error_about 1 'long.csv:2: prompt: has ' eval_prompts long.csv
    expect_error 1 'nothing.csv: No such file or directory' eval_prompts nothing.csv
    { cat prompts.csv && echo Hello,safe,; } >twice.csv
    expect 0 eval_prompts twice.csv
    has stderr 'warning: twice.csv:10: the same prompt as in line 3: each counts'
}

test_words_that_are_wrong() {
    write_prompts
    model=$(trained_model)
    expect_error 2 "--judge: there is no judge 'toxicity' (refusal)" "$SFT" eval "$model" --prompts prompts.csv --judge toxicity
    expect_error 2 'more.csv: with --prompts no conversations are scored (a further file of prompts: --prompts more.csv; a loss: another call, without --prompts)' \
        "$SFT" eval "$model" --prompts prompts.csv more.csv
    expect_error 2 '--baseline: needs --prompts FILE, which the model is to answer' "$SFT" eval "$model" "$DATA/chat.jsonl" --baseline "$model"
    expect_error_about 1 'nowhere' "$SFT" eval "$model" --prompts prompts.csv --baseline nowhere
    expect_error_about 2 'is not read by this command' "$SFT" eval "$model" --prompts prompts.csv --set data.max_length=5
    expect_error 2 '--max-new-tokens: expected a whole number from 1 to 1000000' "$SFT" eval "$model" --prompts prompts.csv --max-new-tokens 0
}

test_other_forms_and_pipes() {
    write_prompts
    expect 0 "$SFT" eval "$(refusing_model)" --prompts prompts.csv --json
    sed 's/"prompts":\["prompts.csv"\]/"prompts":[]/' stdout >wanted
    gzip -k prompts.csv
    expect 0 "$SFT" eval "$(refusing_model)" --prompts prompts.csv.gz --json
    sed 's/"prompts":\["prompts.csv.gz"\]/"prompts":[]/' stdout | diff wanted -
    expect 0 "$SFT" eval --model "$(refusing_model)" --prompts -:csv --json <prompts.csv
    sed 's/"prompts":\["[^"]*"\]/"prompts":[]/' stdout | diff wanted -
}

# Nothing is printed of what was not measured to its end.
test_an_interruption() {
    write_prompts
    mkfifo pipe
    "$SFT" eval "$(trained_model)" --prompts pipe --json --answers answers.jsonl >out 2>err &
    pid=$!
    exec 3>pipe
    { cat prompts.csv && yes 'Hello,safe,greeting' | head -n 100; } >&3
    kill -INT $pid
    code=0
    wait $pid || code=$?
    exec 3>&-
    is "$code" 130
    has err 'stopped'
    [ ! -s out ] || die 'something was printed'
    [ ! -e answers.jsonl ] || die 'something was written'
}

# But the answers that were done are kept where they are wanted.
test_an_interruption_keeps_answers() {
    has_terminals || return 0
    write_prompts
    { cat prompts.csv && yes 'Hello,safe,greeting' | head -n 100000; } >many.csv # they take minutes
    export MODEL="$(trained_model)" TERM=xterm
    script -qec 'echo $$ >pid; exec "$SFT" eval "$MODEL" --prompts many.csv --answers answers.jsonl' /dev/null >raw &
    wait_until grep -q 'answering prompts: [1-9][0-9]* of 100008  [0-9a-z]* left' raw
    kill -INT "$(cat pid)"
    wait
    n=$(wc -l <answers.jsonl)
    holds "$n > 0"
    holds "$n < 100008"
    has raw "stopped while prompts were answered; answers.jsonl has the answers to $n of 100008"
    has_not raw 'unsafe, refused'
    is "$(grep -c '^{"prompt":"[^"]*","completion":"[^"]*","label":"[a-z]*","type":.*,"judged":"[a-z_]*"}$' answers.jsonl)" "$n"
    expect 0 "$SFT" judge answers.jsonl
}
