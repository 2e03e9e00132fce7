#!/usr/bin/env python3
"""Compare where sft finds a model of the Hugging Face cache with huggingface_hub's own look-up, without a network.

usage: hub_peers.py SFT ASSETS   (SFT: the program; needs huggingface_hub; ASSETS is not used)
Caches made by hand: names with and without an owner, branches, tags, commits, refs that lead nowhere, and every way to
say where the cache is. Both find the same snapshot, or both none. Exit 1 at the end if anything differs.
"""
import json, os, shutil, subprocess, sys, tempfile

SFT = os.path.abspath(sys.argv[1])
BASE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "checkpoints", "base")
OLD, NEW, GONE = "1" * 40, "2" * 40, "3" * 40
LOOK_UP = """
import sys
from huggingface_hub import snapshot_download
try: print(snapshot_download(sys.argv[1], revision=sys.argv[2] or None, local_files_only=True))
except Exception as e: print("none:", type(e).__name__)
"""
ENVIRONMENT = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME")


def make_cache(hub):
    for name in ("acme--tiny", "tiny", "a_c-m.e--T.i-n_y"):
        repository = os.path.join(hub, "models--" + name)
        for commit in (OLD, NEW):
            snapshot = os.path.join(repository, "snapshots", commit)
            os.makedirs(snapshot)
            for file in os.listdir(BASE):
                os.symlink(os.path.abspath(os.path.join(BASE, file)), os.path.join(snapshot, file))
        for ref, commit in (("main", NEW), ("v1", OLD), ("refs/pr/1", OLD), ("gone", GONE)):
            path = os.path.join(repository, "refs", ref)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, "w").write(commit)


def ours(name, revision, env, work):
    out = subprocess.run([SFT, "info", "--json", name + ("@" + revision if revision else "")], env=env, cwd=work,
                         capture_output=True, text=True)
    if out.returncode == 0:
        return json.loads(out.stdout)["model"].split("@")[1]
    return None if "hf download" in out.stderr else "unexpected: " + out.stderr


def theirs(name, revision, env, work):
    out = subprocess.run([sys.executable, "-c", LOOK_UP, name, revision], env=env, cwd=work, capture_output=True,
                         text=True)
    found = out.stdout.strip()
    return None if found.startswith("none:") else os.path.basename(found)


failed = compared = 0
work = tempfile.mkdtemp()
plain = {k: v for k, v in os.environ.items() if k not in ENVIRONMENT}
plain["HF_HUB_OFFLINE"] = "1"
home = os.path.join(work, "home")
caches = [({"HOME": home}, "home/.cache/huggingface/hub"), ({"HOME": home, "XDG_CACHE_HOME": work + "/xdg"}, "xdg/huggingface/hub"),
          ({"HOME": home, "HF_HOME": "~/hf", "XDG_CACHE_HOME": work + "/xdg"}, "home/hf/hub"),
          ({"HOME": home, "HUGGINGFACE_HUB_CACHE": work + "/h", "HF_HOME": "/nowhere"}, "h"),
          ({"HOME": home, "HF_HUB_CACHE": work + "/c", "HUGGINGFACE_HUB_CACHE": work + "/h"}, "c")]
try:
    for number, (variables, hub) in enumerate(caches):
        shutil.rmtree(work)
        make_cache(os.path.join(work, hub))
        env = {**plain, **variables}
        names = ["acme/tiny", "a_c-m.e/T.i-n_y", "acme/other"] if number == 0 else ["acme/tiny"]
        for name in names:
            for revision in ["", "main", "v1", "refs/pr/1", OLD, NEW, GONE, "gone", "none"] if number == 0 else [""]:
                found, wanted = ours(name, revision, env, work), theirs(name, revision, env, work)
                compared += 1
                if found != wanted:
                    failed = 1
                    print(f"{variables} {name}@{revision}: {found}, huggingface_hub has {wanted}")
finally:
    shutil.rmtree(work, ignore_errors=True)
print(f"hub_peers: {compared} compared, {'some differ' if failed else 'all as huggingface_hub'}")
sys.exit(failed)
