# The Debian packages that sft needs; sourced by the other scripts.
BUILD_PACKAGES="gcc libc6-dev make pkg-config libopenblas-openmp-dev libcjson-dev libinih-dev libpcre2-dev libutf8proc-dev zlib1g-dev"
TEST_PACKAGES="check clang libomp-dev clang-tidy cppcheck"
