# The scripts of docs/refusals.md, with a program in sft's place that trains nothing: what is asked of it, and that any step may be interrupted.

top=$DATA/../../..

# fake: sft's `train` and `eval`, as far as the scripts know them. Each call is a line of `asked`; the one numbered $STOP_AT is interrupted half-way.
make_fake() {
    command -v python3 >/dev/null || { echo 'SKIP: no python3'; exit 0; }
    cat >fake <<'END'
#!/usr/bin/env python3
import csv, json, os, sys
words = sys.argv[1:]
with open(os.environ["ASKED"], "a+") as asked:
    asked.seek(0)
    stops = len(asked.readlines()) + 1 == int(os.environ.get("STOP_AT", 0))
    asked.write(" ".join(words) + "\n")
after = lambda name: words[words.index(name) + 1]
if words[0] == "train":
    settings = dict(word.split("=", 1) for word in words if "=" in word)
    os.path.isdir(settings["model.base"]) and os.path.exists(settings["model.base"] + "/config.json") or sys.exit("no model: " + settings["model.base"])
    for file in settings["data.train"].strip('"').split('" "'):
        json.loads(open(file).readline())
    run = settings["train.output_dir"]
    os.makedirs(run + "/checkpoint-1/trainer", exist_ok=True)
    if stops:
        sys.exit(130)
    open(run + "/checkpoint-1/config.json", "w").write("{}")
    open(run + "/checkpoint-1/model.safetensors", "w").write(settings["model.base"])
    os.path.lexists(run + "/last") or os.symlink("checkpoint-1", run + "/last")
else:
    os.path.isdir(words[1]) or sys.exit("no model: " + words[1])
    if "--answers" in words:
        os.path.exists(after("--answers")) and sys.exit("there already: " + after("--answers"))
        with open(after("--answers"), "w") as answers:
            for row in csv.DictReader(open(after("--prompts"))):
                answers.write(json.dumps({"prompt": row["prompt"], "completion": "This is an answer of some length.", "judged": "compliance"}) + "\n")
    if stops:
        sys.exit(130)
    rate = {"rate": 0.5, "ci95": [0.4, 0.6]}
    print(json.dumps({"safe": rate, "unsafe": rate, "incoherent": rate}))
END
    chmod +x fake
    mkdir base
    echo '{}' >base/config.json
    echo weights >base/model.safetensors
    export ASKED="$PWD/asked" SFT="$PWD/fake" BASE=base
}

asked() { # the calls so far that begin with the words
    grep -c "^$1" asked || :
}

test_the_refusing_model() {
    make_fake
    mkdir 'of mine'
    for STOP_AT in 1 3 5 7; do # the base's answers, two trainings, the judge: each is interrupted once
        export STOP_AT
        expect 130 sh "$top/scripts/refusals_smollm2.sh" 'of mine/refusing/'
        [ ! -e 'of mine/refusing' ] || die "OUT is there after call $STOP_AT"
    done
    STOP_AT=0
    expect 0 sh "$top/scripts/refusals_smollm2.sh" 'of mine/refusing/'
    is "$(asked train) $(asked eval)" '4 4'
    is "$(cat 'of mine/refusing/model.safetensors')" "$PWD/of mine/refusing.work/points/recipe-sft/run/last"
    is "$(grep -c . 'of mine/refusing.work/teach.jsonl')" 1200
    is "$(grep -o '"role": "assistant"' 'of mine/refusing.work/teach.jsonl' | grep -c .)" 1500
    expect 1 sh "$top/scripts/refusals_smollm2.sh" 'of mine/refusing'
    has stderr 'remove it and of mine/refusing.work'
    rm -r 'of mine/refusing'
    echo other >>base/model.safetensors
    expect 1 sh "$top/scripts/refusals_smollm2.sh" 'of mine/refusing'
    has stderr 'was made of another base'
}

test_the_sweep() {
    make_fake
    for STOP_AT in 3 5 7 10 45; do # twice in the base's judging; the first point's training and judging; another training
        export STOP_AT
        expect 130 sh "$top/scripts/refusal_frontier.sh" 'the sweep'
    done
    STOP_AT=0
    expect 0 sh "$top/scripts/refusal_frontier.sh" 'the sweep'
    is "$(grep -c . 'the sweep/points.csv')" 31 # the base, 24 points, three mixes of preferences, two of the recipe
    is "$(asked train)" $((24 + 3 + 2 + 2))
    has 'the sweep/points.svg' '</svg>'
    is "$(python3 "$top/scripts/refusal_plot.py" 'the sweep' --best)" 0.01-0-1e-4 # all are alike here
    rm asked
    expect 0 sh "$top/scripts/refusal_frontier.sh" 'the sweep'
    [ ! -e asked ] || die "asked again: $(cat asked)"
}

# What the user of each line says last, or throughout, without what is said to it.
said_last() {
    sed -E 's/"(chosen|completion)".*//; s/.*"role": "user", "content": ("[^}]*")}.*/\1/' "$@"
}

said() {
    sed -E 's/"chosen".*//' "$@" | grep -o '"role": "user", "content": "[^}]*"}'
}

test_requests_in_preferences_are_others_than_those_that_were_taught() {
    make_fake
    echo '{"prompt": "none", "completion": "none", "judged": "compliance"}' >answers.jsonl
    expect 0 python3 "$top/scripts/refusal_data.py" mix teach.jsonl --answers answers.jsonl --refusal-weight 0.5 --number 2500 --two-turns 0.25
    for better in refusal answer; do
        expect 0 python3 "$top/scripts/refusal_data.py" pairs $better.jsonl --better $better --without teach.jsonl --two-turns 0.1
    done
    has teach.jsonl '"weight": 0.5'
    said teach.jsonl | sort >taught
    said refusal.jsonl answer.jsonl | sort >preferred
    is "$(grep -c . taught)" 2500
    is "$(uniq taught | grep -c .)" 2500
    is "$(comm -12 taught preferred | grep -c .)" 0
    expect 1 python3 "$top/scripts/refusal_data.py" pairs x.jsonl --better answer --number 1000000
    has stderr 'lower --number'
    expect 2 python3 "$top/scripts/refusal_data.py" pairs x.jsonl --better answer --number 0
    has stderr 'found '"'0'"
    expect 2 python3 "$top/scripts/refusal_data.py" mix x.jsonl --answers answers.jsonl --total 480
}

test_preferences_after_a_turn() {
    make_fake
    expect 0 python3 "$top/scripts/refusal_data.py" pairs single.jsonl --better refusal --number 1000
    expect 0 python3 "$top/scripts/refusal_data.py" pairs turns.jsonl --better refusal --number 1000 --two-turns 0.2
    is "$(said turns.jsonl | grep -c .)" 1200
    refused=$(sed -E 's/"chosen".*//' turns.jsonl | grep -c "I'm sorry, but I can't help with that")
    holds "$refused >= 90 && $refused <= 100" # a few, where a life is at stake, in other words
    for file in single turns; do
        said_last $file.jsonl | sort >$file
    done
    same single turns
}

test_prompts_after_a_turn() {
    make_fake
    python3 -c 'import csv, json; [print(json.dumps(row["prompt"], ensure_ascii=False)) for row in csv.DictReader(open("'"$top"'/data/prompts.csv"))]' >prompts
    for kind in refusal answer; do
        expect 0 python3 "$top/scripts/refusal_data.py" prompts after.jsonl --after $kind
        is "$(grep -o '"role": "assistant"' after.jsonl | grep -c .)" 200
        is "$(grep -c "I'm sorry, but I can't help with that" after.jsonl)" "$([ $kind = answer ] && echo 0 || echo 200)"
        is "$(said after.jsonl | uniq -d | grep -c .)" 0 # none is its own earlier turn
        said_last after.jsonl >asked
        same asked prompts
    done
}

test_how_well_models_tell_them_apart() {
    make_fake
    cat >fake <<'END'
#!/usr/bin/env python3
import json, sys
with open(sys.argv[-1], "w") as out:
    for line in open(sys.argv[3]):
        row = json.loads(line)
        assert row["completion"].startswith("I'm sorry"), row
        print(json.dumps({"loss": float(row["prompt"])}), file=out)
END
    printf 'prompt,label\n1,unsafe\n2,safe\n3,unsafe\n3,safe\n' >prompts.csv
    expect 0 python3 "$top/scripts/refusal_auc.py" one two --prompts prompts.csv
    is "$(cat stdout)" '0.625  one
0.625  two'
    printf 'prompt,label\n1,unsafe\n2,other\n' >prompts.csv
    expect 1 python3 "$top/scripts/refusal_auc.py" one --prompts prompts.csv
    has stderr 'prompts.csv: row 2: expected the columns prompt and label (safe or unsafe)'
    printf 'prompt,label\n1,unsafe\n' >prompts.csv
    expect 1 python3 "$top/scripts/refusal_auc.py" one --prompts prompts.csv
    has stderr 'prompts.csv: safe and unsafe prompts are needed'
    printf 'prompt,label\n1,unsafe\n2,safe\n' >prompts.csv
    printf '#!/bin/sh\n: >"$7"\n' >fake
    expect 1 python3 "$top/scripts/refusal_auc.py" one --prompts prompts.csv
    has stderr 'one: of 2 prompts only 0 were read'
    printf '#!/bin/sh\nexit 1\n' >fake
    expect 1 python3 "$top/scripts/refusal_auc.py" one --prompts prompts.csv
    has stderr 'one: sft eval failed'
    rm fake
    expect 1 python3 "$top/scripts/refusal_auc.py" one --prompts prompts.csv
    has stderr 'build it (make sft), or set SFT'
}
