#!/usr/bin/env python3
"""Write tests/golden/go_templates.json: the Go templates of all chat formats, and what Go makes of conversations with them.

usage: golden_go_templates.py    (in the repository's root; needs go, and make's build/release/peers/go_templates)
A conversation is given to Go as ollama does: as .Messages, and where it begins with no system message with the one of the format's
own before it. It is rendered as it is asked: ending with a question or with what tools say; the last one, which ends with an
answer, is to be gone on with.
"""
import json, os, subprocess, sys, tempfile

CONVERSATIONS = [
    ["user: Hi"],
    ["user: Hi", "assistant: Yo", "user: Sure?"],
    ["system: Be kind.", "user: Hi", "assistant: Yo\n\nyo", "user: And?", "assistant: That.", "user: na\u00efve {{ x }} \"'"],
    ["system: Be\nkind.", "user: Hi"],
    ["user: Hi", "assistant: x", "tool: 1", "tool: 2"],
    ["user: Hi", "assistant: x", "tool: 1", "assistant: y", "tool: 2", "assistant: z", "user: So?"],
    ["user: Hi", "assistant: Yo"],
]
PROGRAM = """
package main

import ("encoding/json"; "os"; "strings"; "text/template"; "runtime")

type message struct { Role, Content string }
type job struct { Template string; Messages []*message }

func main() {
    var jobs []job
    if err := json.NewDecoder(os.Stdin).Decode(&jobs); err != nil { panic(err) }
    texts := []string{}
    for _, j := range jobs {
        var out strings.Builder
        t := template.Must(template.New("").Option("missingkey=zero").Parse(j.Template))
        if err := t.Execute(&out, map[string]any{"Messages": j.Messages, "System": "", "Response": ""}); err != nil { panic(err) }
        texts = append(texts, out.String())
    }
    json.NewEncoder(os.Stdout).Encode(map[string]any{"version": runtime.Version(), "texts": texts})
}
"""


def messages(lines):
    return [dict(zip(("role", "content"), line.split(": ", 1))) for line in lines]


def run_go(jobs):
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "main.go")
        with open(path, "w") as f:
            f.write(PROGRAM)
        done = subprocess.run(["go", "run", path], input=json.dumps(jobs).encode(), stdout=subprocess.PIPE, check=True,
                              env={**os.environ, "GO111MODULE": "off", "GOFLAGS": ""})
    return json.loads(done.stdout)


def main():
    subprocess.run(["make", "-s", "build/release/peers/go_templates"], check=True)
    rows = json.loads(subprocess.run(["build/release/peers/go_templates"], stdout=subprocess.PIPE, check=True).stdout)
    conversations = [messages(c) for c in CONVERSATIONS]
    jobs = []
    for row in rows:
        for c in conversations:
            has_system = c[0]["role"] == "system" or not row["system"]
            jobs.append({"Template": row["template"], "Messages": c if has_system else [{"role": "system", "content": row["system"]}, *c]})
    made = run_go(jobs)
    for i, row in enumerate(rows):
        row["texts"] = made["texts"][i * len(conversations) : (i + 1) * len(conversations)]
    with open("tests/golden/go_templates.json", "w", encoding="utf-8") as out:
        json.dump({"versions": made["version"], "conversations": conversations, "rows": rows}, out, ensure_ascii=False, indent=0)
        out.write("\n")


if __name__ == "__main__":
    main()
