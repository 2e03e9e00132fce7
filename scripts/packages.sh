# The Debian packages that sft needs; sourced by the other scripts.
BUILD_PACKAGES="gcc libc6-dev make pkg-config libopenblas-openmp-dev libcjson-dev libcurl4-openssl-dev libedit-dev libinih-dev libmicrohttpd-dev libpcre2-dev libutf8proc-dev zlib1g-dev"
TEST_PACKAGES="check curl clang libomp-dev clang-tidy cppcheck"
