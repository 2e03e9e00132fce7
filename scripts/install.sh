#!/bin/sh
# Install what building and testing needs, if it is not there: Debian's and Ubuntu's packages, as root or by sudo.
#
# usage: sh scripts/install.sh [PACKAGE...]        (without a package: all that building and testing sft need)
set -eu
. "$(dirname "$0")/help.sh"
if [ $# -eq 0 ]; then
    . "$(dirname "$0")/packages.sh"
    # shellcheck disable=SC2086
    set -- $BUILD_PACKAGES $TEST_PACKAGES
fi

missing=
if command -v dpkg-query >/dev/null 2>&1; then
    for package in "$@"; do
        status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$status" = installed ] || missing="$missing $package"
    done
else
    echo "This system has no dpkg. Install the equivalents of these Debian packages, then run make:" >&2
    echo "    $*" >&2
    exit 1
fi
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "These packages are missing, and installing them needs root or sudo:$missing" >&2
        exit 1
    fi
    as_root=sudo
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
    $as_root apt-get update -qq
    $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
