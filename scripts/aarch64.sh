#!/bin/sh
# Build and test on 64-bit ARM, on any Debian or Ubuntu machine: a Debian root for arm64 in DIR (about 800 MB, made once), in it the packages, a build
# with its own gcc, the unit tests, and three training steps, all under qemu where the machine is another. Needs root. A quarter of an hour to make
# the root, half an hour to build and test.
#
# usage: sh scripts/aarch64.sh DIR [TEST...]       (TEST: only these unit test programs, test_bpe_train for one; MIRROR= names another Debian mirror)
set -eu
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
. scripts/packages.sh
[ $# -ge 1 ] || { help >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "${0##*/}: making and entering a root needs root" >&2; exit 1; }
root=$1
shift
suite=bookworm
mirror=${MIRROR:-http://deb.debian.org/debian}
binfmt=/proc/sys/fs/binfmt_misc
registered='' mounted=''

leave() {
    umount "$root/proc" 2>/dev/null || true
    [ -z "$registered" ] || echo -1 >$binfmt/sft-aarch64
    [ -z "$mounted" ] || umount $binfmt
}
trap leave EXIT
trap 'exit 130' INT TERM HUP

# The kernel runs arm64's programs by qemu, as long as this script runs; it opens qemu now (the flag F), so that the root needs no copy of it.
emulate() {
    sh scripts/install.sh qemu-user-static
    if [ ! -e $binfmt/register ]; then
        mount -t binfmt_misc none $binfmt
        mounted=1
    fi
    [ ! -e $binfmt/qemu-aarch64 ] || return 0
    [ ! -e $binfmt/sft-aarch64 ] || return 0
    sed 's/^:qemu-aarch64:/:sft-aarch64:/' /usr/lib/binfmt.d/qemu-aarch64.conf >$binfmt/register
    registered=1
}

# Emulated, a test may take fifty times its time.
inside() { # COMMAND
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 CK_TIMEOUT_MULTIPLIER=50 sh -ec "$1"
}

sh scripts/install.sh debootstrap
[ "$(uname -m)" = aarch64 ] || emulate

if [ ! -e "$root/.made" ]; then
    echo "== making a root for arm64 in $root"
    packages=$(echo "$BUILD_PACKAGES $TEST_PACKAGES" | tr ' ' ,)
    debootstrap --arch=arm64 --variant=minbase --include="$packages" $suite "$root" "$mirror" >"$root.log" 2>&1 || {
        tail -n 20 "$root.log" >&2
        exit 1
    }
    : >"$root/.made"
fi
mount -t proc proc "$root/proc"

# A root of before may lack what is needed since.
inside "dpkg -s $BUILD_PACKAGES $TEST_PACKAGES >/dev/null 2>&1 || { apt-get -qq update && apt-get -qq install -y --no-install-recommends $BUILD_PACKAGES $TEST_PACKAGES; }"

echo "== building"
mkdir -p "$root/sft"
find "$root/sft" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
git ls-files -z | tar --null -cf - -T - | tar -C "$root/sft" -xf -
inside "cd /sft && make -s -j$(nproc) sft && ./sft --version && uname -m"

echo "== the unit tests"
if [ $# -gt 0 ]; then
    programs=$(printf ' build/release/tests/%s' "$@")
    inside "cd /sft && make -s -j$(nproc)$programs && sh tests/run_unit.sh$programs"
else
    inside "cd /sft && make -s -j$(nproc) unit"
fi

echo "== three training steps"
inside 'cd /sft && rm -rf /tmp/run && ./sft train configs/quickstart.ini --set train.max_steps=3 --set train.output_dir=/tmp/run --set data.eval= &&
    ./sft info /tmp/run'
echo "== aarch64: all of it passed"
