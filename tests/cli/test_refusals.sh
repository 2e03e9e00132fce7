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
    is "$(grep -c . 'of mine/refusing.work/teach.jsonl')" 2500
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

test_requests_in_preferences_are_others_than_those_that_were_taught() {
    make_fake
    echo '{"prompt": "none", "completion": "none", "judged": "compliance"}' >answers.jsonl
    expect 0 python3 "$top/scripts/refusal_data.py" mix teach.jsonl --answers answers.jsonl --refusal-weight 0.5 --number 2500
    for better in refusal answer; do
        expect 0 python3 "$top/scripts/refusal_data.py" pairs $better.jsonl --better $better --without teach.jsonl
    done
    has teach.jsonl '"weight": 0.5'
    sed 's/.*"role": "user", "content": \("[^}]*"\)}.*/\1/' teach.jsonl | sort >taught
    sed 's/.*"prompt": \[{"role": "user", "content": \("[^}]*"\)}\], "chosen.*/\1/' refusal.jsonl answer.jsonl | sort >preferred
    is "$(comm -12 taught preferred | grep -c .)" 0
    expect 1 python3 "$top/scripts/refusal_data.py" pairs x.jsonl --better answer --number 1000000
    has stderr 'lower --number'
    expect 2 python3 "$top/scripts/refusal_data.py" mix x.jsonl --answers answers.jsonl --total 480
}
