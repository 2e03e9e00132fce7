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

# The first three are answered after each evaluation, a line each; what is trained is the same to the last bit.
test_answers_come_after_each_evaluation() {
    write_prompts
    for precision in fp32 bf16; do
        [ $precision = fp32 ] || trains_in_bf16 || continue
        expect 0 train --set train.precision=$precision --set "eval.prompts=prompts.csv more.jsonl" --set train.output_dir=with-$precision
        is "$(grep -A 3 '^eval at step' stderr | sed -n 's/^\(eval at step [0-9]*\).*/\1/p; s/^\(  .* =>\).*/\1/p')" \
            'eval at step 0
  Hello =>
  Name a tree, please.\nOne. =>
  What is 2+2? =>
eval at step 3
  Hello =>
  Name a tree, please.\nOne. =>
  What is 2+2? =>
eval at step 6
  Hello =>
  Name a tree, please.\nOne. =>
  What is 2+2? =>'
        has_not stderr 'The fourth.'
        expect 0 train --set train.precision=$precision --set train.output_dir=without-$precision
        has_not stderr ' => '
        same_run with-$precision without-$precision
    done
}

trains_in_bf16() {
    "$SFT" train config.ini --dry-run --set train.precision=bf16 >/dev/null 2>&1 || { echo 'SKIP: no bf16 kernels for this CPU'; return 1; }
}

# What is answered is the model as it is, as generate has it: one that knows its conversations by heart says them.
test_the_answers_are_the_models() {
    write_prompts
    expect 0 train --set model.base="$(trained_model)" --set train.learning_rate=1e-9 --set train.max_steps=1 --set eval.prompts=prompts.csv
    is "$(grep -c '^  Hello => Hi there.$' stderr)" 2
    answer=$(sed -n 's/^  Name a tree, please.* => //p' stderr | tail -n 1)
    expect 0 "$SFT" generate run --max-new-tokens 64 'Name a tree, please.
One.'
    is "$(cat stdout)" "$answer"
}

# They may be named, changed and left out when a run goes on; a run that is done does not read them.
test_prompts_may_come_later() {
    write_prompts
    set -- --set train.lr_scheduler_type=constant
    expect 0 train "$@" --set train.max_steps=3
    expect 0 train "$@" --set train.max_steps=6 --set eval.prompts=more.jsonl
    is "$(grep -c ' => ' stderr)" 2 # at step 6
    has stderr '  The fourth. => '
    expect 0 train "$@" --set train.max_steps=3 --set train.output_dir=other
    expect 0 train "$@" --set train.max_steps=6 --set train.output_dir=other
    same_run run other
    echo 'no JSON' >more.jsonl
    expect 0 train "$@" --set train.max_steps=6 --set eval.prompts=more.jsonl
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
    for option in --dry-run --fresh; do # before anything is trained
        expect 1 train $option --set eval.prompts=wrong.jsonl
        has stderr 'error: wrong.jsonl:2: prompt: missing'
    done
    [ ! -e run/last ] || die 'it was trained'
    { printf '{"prompt": "'; yes word | head -n 200 | tr '\n' ' '; echo '"}'; } >long.jsonl
    expect 0 train --set eval.prompts='long.jsonl more.jsonl'
    is "$(grep -c 'warning: .*\[eval\] prompts: one has [0-9]* tokens, and the model sees 128 at most: it is not answered' stderr)" 1
    is "$(grep -c '  What is 2+2? => ' stderr)" 3
    : >empty.jsonl
    expect 0 train --fresh --set eval.prompts=empty.jsonl
    has stderr '[eval] prompts: there is none to be answered'
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
        is "$(sed -n 's/^  \(.* => .*\)/\1/p' stderr | head -n 3)" 'Why is the sky blue? => Air scatters blue light.
Hello => Hi there.
Name a tree. => The oak.'
    done
    expect 1 train "$@" --fresh --set eval.prompts=lines
    has stderr 'of [eval] prompts a row is {"prompt": "..."} or {"messages": [...]}, and in FILE:txt each line is a prompt'
    echo '{"messages":[{"role":"system","content":"Be short."}]}' >talks.jsonl
    expect 1 train "$@" --fresh --set eval.prompts=talks.jsonl
    has stderr 'talks.jsonl:1: messages: there is none of the user to be answered'
}
