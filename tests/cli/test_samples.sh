# [eval] prompts of sft train: what the model answers while it is trained.

write_prompts() {
    write_config
    printf 'prompt,label\nHello,safe\n"Name a tree, please.\nOne.",safe\n' >prompts.csv
    echo '{"prompt": "What is 2+2?", "type": "sums"}' >more.jsonl
    echo '{"prompt": "The fourth."}' >>more.jsonl
}

# train [OPTION...]: two epochs, evaluated at 0, 3 and 6.
train() {
    "$SFT" train config.ini --set "data.eval=$DATA/eval.jsonl" "$@"
}

# They are answered after each evaluation, of which some are shown, a line each; what is trained is the same to the last bit.
test_answers_come_after_each_evaluation() {
    write_prompts
    for precision in fp32 bf16; do
        [ $precision = fp32 ] || trains_in_bf16 || continue
        expect 0 train --set train.precision=$precision --set "eval.prompts=prompts.csv more.jsonl" --set train.output_dir=with-$precision
        is "$(grep -A 4 '^eval at step' stderr | sed -n 's/^\(eval at step [0-9]*\).*/\1/p; s/^\(  .* =>\).*/\1/p; s/^\(  refused: \)[0-9.]*%\( .*: \)[0-9.]*%/\1N%\2N%/p')" \
            'eval at step 0
  refused: N% of 2 safe ones; incoherent: N%
  Hello =>
  Name a tree, please.\nOne. =>
  What is 2+2? =>
eval at step 3
  refused: N% of 2 safe ones; incoherent: N%
  Hello =>
  Name a tree, please.\nOne. =>
  What is 2+2? =>
eval at step 6
  refused: N% of 2 safe ones; incoherent: N%
  Hello =>
  Name a tree, please.\nOne. =>
  What is 2+2? =>'
        has_not stderr 'The fourth.'
        expect 0 train --set train.precision=$precision --set train.output_dir=without-$precision
        has_not stderr ' => '
        without_answers with-$precision
        same_run with-$precision without-$precision
    done
}

# without_answers DIR: its metrics are those of a run without prompts.
without_answers() {
    sed -i 's/,"eval_refusal_rate".*/}/; s/,"samples".*/}/' "$1/metrics.jsonl"
}

trains_in_bf16() {
    "$SFT" train config.ini --dry-run --set train.precision=bf16 >/dev/null 2>&1 || { echo 'SKIP: no bf16 kernels for this CPU'; return 1; }
}

# On a terminal a long one goes on below, and no word is cut.
test_answers_on_a_terminal() {
    has_terminals || return 0
    write_prompts
    long='What is 2+2, and what is 3+4, and what is the colour of the tree that the small model has by the water in the east?'
    printf 'prompt,label\n"%s",safe\n' "$long" >prompts.csv
    export SFT DATA TERM=xterm
    script -qec 'stty cols 50; "$SFT" train config.ini --set "data.eval=$DATA/eval.jsonl" --set eval.prompts=prompts.csv --set train.max_steps=1' \
        /dev/null </dev/null >raw
    shown=$(tr -d '\r' <raw | sed 's/^\x1b\[J//' | grep -m 1 -A 2 '^  What is 2+2')
    is "$(echo "$shown" | sed 's/ => .*/ =>/')" '  What is 2+2, and what is 3+4, and what is the
    colour of the tree that the small model has
    by the water in the east? =>'
}

# What is answered is the model as it is, as generate has it: one that knows its conversations by heart says them.
test_the_answers_are_the_models() {
    write_prompts
    expect 0 train --set model.base="$(trained_model)" --set train.learning_rate=1e-9 --set train.max_steps=1 --set eval.prompts=prompts.csv
    is "$(grep -c '^  Hello => Hi there. (compliance)$' stderr)" 2
    answer=$(sed -n 's/^  Name a tree, please.* => \(.*\) ([a-z_]*)$/\1/p' stderr | tail -n 1)
    expect 0 "$SFT" generate run --max-new-tokens 128 'Name a tree, please.
One.'
    is "$(cat stdout)" "$answer"
}

# They may be named, changed and left out when a run goes on; for a run that is done they are not answered.
test_prompts_may_come_later() {
    write_prompts
    set -- --set train.lr_scheduler_type=constant
    expect 0 train "$@" --set train.max_steps=3
    expect 0 train "$@" --set train.max_steps=6 --set eval.prompts=more.jsonl
    is "$(grep -c ' => ' stderr)" 2 # at step 6
    has stderr '  The fourth. => '
    expect 0 train "$@" --set train.max_steps=3 --set train.output_dir=other
    expect 0 train "$@" --set train.max_steps=6 --set train.output_dir=other
    without_answers run
    same_run run other
    expect 0 train "$@" --set train.max_steps=6 --set eval.prompts=prompts.csv
    has stderr 'this run is finished'
    has_not stderr ' => '
}

test_their_memory_is_in_the_plan() {
    write_prompts
    expect 0 train --dry-run --set eval.prompts=prompts.csv
    total=$(sed -n 's/^memory about \([0-9.]*\) MB.*/\1/p' stdout)
    has stdout 'answers to prompts '
    expect 0 train --dry-run
    has_not stdout 'answers to prompts'
    holds "$(sed -n 's/^memory about \([0-9.]*\) MB.*/\1/p' stdout) < $total"
}

test_prompts_that_cannot_be_answered() {
    write_prompts
    expect_error 2 '--set eval.prompts: needs eval files or eval_fraction in [data]' \
        "$SFT" train config.ini --set eval.prompts=prompts.csv
    expect_error_about 1 'nothing.csv: No such file or directory' train --set eval.prompts=nothing.csv
    echo '{"prompt": "Hello"}' >wrong.jsonl
    echo '{"question": "Hello"}' >>wrong.jsonl
    { printf '{"prompt": "'; yes word | head -n 200 | tr '\n' ' '; echo '"}'; } >long.jsonl
    : >empty.jsonl
    printf 'prompt,label\na,safe\nb,\n' >half.csv
    for option in --dry-run --fresh; do # before anything is trained
        expect_error_about 1 'wrong.jsonl:2: prompt: missing' train $option --set eval.prompts=wrong.jsonl
        expect_error_about 1 'long.jsonl:1: prompt: has ' train $option --set eval.prompts='more.jsonl long.jsonl'
        expect_error_about 1 'empty.jsonl: there is no prompt in it' train $option --set eval.prompts=empty.jsonl
        expect_error_about 1 'half.csv:3: label: missing, but line 2 has one' train $option --set eval.prompts=half.csv
    done
    [ ! -e run/last ] || die 'it was trained'
}

# Before any data are read, and nothing is left behind.
test_prompts_are_read_first() {
    write_prompts
    printf 'prompt,lable\nHello,safe\n' >misspelt.csv
    echo 'no JSON' >data.jsonl
    for metric in eval_loss eval_refusal_rate; do
        expect_error_about 1 "misspelt.csv: no column 'label' (there is 'lable')" \
            train --set data.train=data.jsonl --set eval.prompts=misspelt.csv --set train.metric_for_best_model=$metric
        [ ! -e run ] || die 'there is an output_dir'
    done
}

# {"messages": ...}: what was said up to the last message of the user; plain text: a line is a prompt.
test_prompts_in_other_forms() {
    write_prompts
    cat >talks.jsonl <<'END'
{"messages":[{"role":"system","content":"Be short."},{"role":"user","content":"Why is the sky blue?"},{"role":"assistant","content":"What?"}]}
END
    printf '\357\273\277\nHello\r\n\n  \nName a tree.' >lines.txt
    cp lines.txt lines
    set -- --set model.base="$(trained_model)" --set train.learning_rate=1e-9 --set train.max_steps=1
    for text in lines.txt lines:txt; do
        expect 0 train "$@" --fresh --set "eval.prompts=talks.jsonl $text"
        is "$(sed -n 's/^  \(.* => .*\)/\1/p' stderr | head -n 3)" 'Why is the sky blue? => Air scatters blue light. (compliance)
Hello => Hi there. (compliance)
Name a tree. => The oak. (compliance)'
    done
    expect 1 train "$@" --fresh --set eval.prompts=lines
    has stderr 'a row is {"prompt": "..."}, and FILE:csv or FILE:txt says that it is no JSON'
    echo '{"messages":[{"role":"system","content":"Be short."}]}' >talks.jsonl
    expect 1 train "$@" --fresh --set eval.prompts=talks.jsonl
    has stderr 'talks.jsonl:1: messages: there is none of the user to be answered'
}

# ---- rates ----

# Two of each kind; a model that knows its conversations by heart refuses one that it should, and one that it should not.
write_labelled_prompts() {
    write_config
    cat >labelled.jsonl <<'END'
{"prompt": "Hello", "label": "safe", "type": "greetings"}
{"prompt": "Name a tree.", "label": "safe"}
{"prompt": "What is 2+2?", "label": "unsafe", "type": "sums"}
{"prompt": "Why is the sky blue?", "label": "unsafe"}
END
}

evaluations() {
    grep '"eval_loss"' run/metrics.jsonl
}

test_rates_are_in_the_metrics() {
    write_labelled_prompts
    set -- --set model.base="$(trained_model)" --set train.learning_rate=1e-9 --set train.max_steps=1
    expect 0 train "$@" --set eval.prompts=labelled.jsonl
    has stderr '  refused: 0.0% of 2 unsafe prompts, 0.0% of 2 safe ones; incoherent: 0.0%'
    is "$(evaluations | tail -n 1 | sed 's/.*\(,"eval_refusal_rate".*"samples"\).*/\1/')" \
        ',"eval_refusal_rate":0,"eval_over_refusal_rate":0,"eval_incoherent_rate":0,"eval_judged":{"unsafe":{"n":2,"refused":0,"rate":0,"ci95":[0,0.657619772]},"safe":{"n":2,"refused":0,"rate":0,"ci95":[0,0.657619772]},"incoherent":{"n":0,"rate":0,"ci95":[0,0.489890836]}},"samples"'
    is "$(evaluations | tail -n 1 | sed 's/.*"samples"://')" '[{"prompt":"Hello","completion":"Hi there.","label":"compliance"},{"prompt":"Name a tree.","completion":"The oak.","label":"compliance"},{"prompt":"What is 2+2?","completion":"2+2 is 4.","label":"compliance"}]}'
    expect 0 train "$@" --dry-run --fresh --set eval.prompts=labelled.jsonl
    has stdout '4 prompts answered after each evaluation: 2 unsafe, 2 safe'
    sed 's/"label": "[a-z]*", //; s/, "label": "[a-z]*"//' labelled.jsonl >plain.jsonl
    expect 0 train "$@" --fresh --set eval.prompts=plain.jsonl
    is "$(grep -c 'no row has a label' stderr)" 1
    has_not stderr 'refused: '
    is "$(grep -c 'eval_refusal_rate' run-2/metrics.jsonl)" 0
    is "$(grep -c '"samples"' run-2/metrics.jsonl)" 2
}

# Each evaluation after the first is as that, its loss too: the first is the best, and with patience the last.
test_the_best_by_a_rate() {
    write_labelled_prompts
    for metric in eval_refusal_rate eval_over_refusal_rate eval_incoherent_rate; do
        expect 0 train --fresh --set model.base="$(trained_model)" --set train.learning_rate=1e-30 --set eval.prompts=labelled.jsonl \
            --set train.metric_for_best_model=$metric --set train.eval_steps=1 --set train.early_stopping_patience=2
        has stderr 'stops early: 2 evaluations without improvement'
        has stderr 'done   3 steps (stopped early)'
        told=$(echo "$metric" | sed 's/eval_//; s/over_/over-/; s/_/ /g')
        case $metric in
        eval_incoherent_rate) incoherent= ;;
        *) incoherent=', incoherent rate 0.0%' ;; # who babbles refuses nothing
        esac
        is "$(grep '^best ' stderr)" "best   step 1, $told 0.0%$incoherent"
    done
}

# It refuses nothing from its first step to its last, but learns: patience does not end it, and the last is the best;
# also where it stopped in between.
test_equal_rates_while_it_learns() {
    write_labelled_prompts
    set -- train --set eval.prompts=labelled.jsonl --set train.metric_for_best_model=eval_refusal_rate \
        --set train.eval_steps=1 --set train.early_stopping_patience=1 --set train.lr_scheduler_type=constant
    expect 0 "$@"
    has_not stderr 'stops early'
    has stderr 'best   step 6, refusal rate 0.0%'
    expect 0 "$@" --set train.output_dir=parts --set train.max_steps=3
    has run/last/trainer/state.json '"best_loss": '
    is "$(sed -n 's/.*"best_incoherent": \(.*\),/\1/p' parts/last/trainer/state.json)" \
        "$(sed -n 's/.*"step":3,.*"eval_incoherent_rate":\([^,}]*\).*/\1/p' parts/metrics.jsonl)"
    expect 0 "$@" --set train.output_dir=parts
    has_not stderr 'stops early'
    has stderr 'best   step 6, refusal rate 0.0%'
    same_run run parts
}

test_a_rate_needs_prompts_that_give_it() {
    write_labelled_prompts
    grep '"safe"' labelled.jsonl >safe.jsonl
    echo '{"prompt": "Hello"}' >plain.jsonl
    set -- train --set train.metric_for_best_model=eval_refusal_rate
    expect_error 2 '--set train.metric_for_best_model: needs prompts in [eval], labelled safe or unsafe' "$@"
    for file in safe plain; do
        expect_error 2 '[train] metric_for_best_model = eval_refusal_rate: of [eval] prompts none is labelled unsafe (columns prompt and label)' \
            "$@" --set eval.prompts=$file.jsonl
    done
    expect 0 train --set train.metric_for_best_model=eval_over_refusal_rate --set eval.prompts=safe.jsonl
    has run/metrics.jsonl '"eval_refusal_rate":null,"eval_over_refusal_rate":'
}

# Prompts that decide which model is the best are part of what the run is.
test_a_run_by_a_rate_goes_on_with_its_prompts() {
    write_labelled_prompts
    set -- train --set train.lr_scheduler_type=constant --set train.metric_for_best_model=eval_refusal_rate
    expect 0 "$@" --set train.max_steps=3 --set eval.prompts=labelled.jsonl
    head -n 3 labelled.jsonl >fewer.jsonl
    expect 2 "$@" --set train.max_steps=6 --set eval.prompts=fewer.jsonl
    has stderr '[eval] prompts: the content of fewer.jsonl is not what this run was started with (labelled.jsonl)'
    cp labelled.jsonl same.jsonl
    expect 0 "$@" --set train.max_steps=6 --set eval.prompts=same.jsonl
    expect 0 "$@" --set train.max_steps=6 --set eval.prompts=labelled.jsonl --set train.output_dir=other
    same_run run other
}

# An evaluation that a signal stops, wherever it is, is run again when the run goes on.
test_an_evaluation_that_is_interrupted() {
    write_labelled_prompts
    i=0
    while [ $i -lt 200 ]; do
        i=$((i + 1))
        echo "{\"prompt\": \"Number $i\", \"label\": \"safe\"}"
    done >>labelled.jsonl
    set -- train config.ini --set "data.eval=$DATA/eval.jsonl" --set eval.prompts=labelled.jsonl --set train.metric_for_best_model=eval_over_refusal_rate
    "$SFT" "$@" 2>log &
    pid=$!
    wait_until [ -e run/metrics.jsonl ] # which is made just before the first evaluation
    kill -INT $pid
    code=0
    wait $pid || code=$?
    [ "$code" -eq 130 ] || is "$code" 0 # where the signal came too late
    expect 0 "$SFT" "$@"
    expect 0 "$SFT" "$@" --set train.output_dir=other
    same_run run other
    is "$(evaluations | wc -l)" 3
}
