# sft: `make` builds ./sft; `make help` lists the targets; V=1 shows the commands. Objects go to build/VARIANT/.
#
# No flag here is global above x86-64-v2: kernels for newer CPUs are compiled file by file (kernels/avx2,
# kernels/avx512, kernels/amx) and chosen at run time. Never -ffast-math: it would remove the checks for NaN.

VARIANT  ?= release
CC       ?= gcc
CLANG    ?= clang
WARNINGS  = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes $(WERROR)
ifneq ($(findstring clang,$(CC)),)
WARNINGS += -Wno-pass-failed # loops that only gcc vectorises
endif
CPPFLAGS += -D_GNU_SOURCE -Isrc -Ikernels
# What a variant is, also where only a part of it is built: VARIANT=asan without its sanitizers would test nothing.
ifeq ($(VARIANT),asan)
OPTIMIZE ?= -O1
DEBUG    ?= -g1
SANITIZE ?= -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
endif
OPTIMIZE ?= -O3
DEBUG    ?= -g
# Hidden: no name of ours can take the place of one of the same name in a library that is loaded.
BASE_CFLAGS = -std=gnu17 $(DEBUG) $(OPTIMIZE) -fno-math-errno -fno-trapping-math -fopenmp -fvisibility=hidden $(WARNINGS) \
              $(SANITIZE) $(CFLAGS)
LDLIBS    = -ldl -lcjson -ledit -linih -lpcre2-8 -lutf8proc -lz -lm
SILENT    = $(findstring s,$(firstword -$(MAKEFLAGS)))
Q         = $(if $(V),,@$(if $(SILENT),,echo "  $(1)  $@" &&))
MACHINE  := $(shell uname -m)
B         = build/$(VARIANT)

ifeq ($(MACHINE),x86_64)
ARCH_FLAGS   = -march=x86-64-v2
AVX2_FLAGS   = -mavx2 -mfma
AVX512_FLAGS = $(AVX2_FLAGS) -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512
AMX_FLAGS    = $(AVX512_FLAGS) -mavx512bf16 -mamx-tile -mamx-bf16 -mamx-int8
KERNEL_DIRS  = kernels/avx512 kernels/amx kernels/avx2 kernels/generic kernels/blas kernels/ref kernels
BF16_TEST_SRC := $(wildcard tests/unit/bf16/*.c)
else
KERNEL_DIRS  = kernels/generic kernels/blas kernels/ref kernels
NO_TESTS     = tests/unit/test_bf16.c
endif

CMD_SRC  := src/main.c $(wildcard src/cmd/*.c)
# the tables of kernels first: each takes as long as a hundred others, which fill the other cores meanwhile
KERNEL_SRC := $(foreach dir,$(KERNEL_DIRS),$(wildcard $(dir)/*.c))
LIB_SRC  := $(KERNEL_SRC) $(filter-out $(CMD_SRC),$(sort $(shell find src -name '*.c')))
LIB_OBJ   = $(LIB_SRC:%.c=$(B)/%.o)
CMD_OBJ   = $(CMD_SRC:%.c=$(B)/%.o)
# what tests share is compiled over float and over double, the transformer and the reference kernels over double too:
# the oracle of the kernels' and the gradients' tests
SUPPORT_SRC := $(wildcard tests/unit/support/*.c)
F64_SRC  := src/model/transformer.c src/model/activations.c src/model/param_set.c \
            $(filter-out src/model/block/tensors.c,$(wildcard src/model/block/*.c)) \
            src/train/objective.c src/train/objective_sft.c src/train/objective_dpo.c $(wildcard kernels/ref/*.c) $(SUPPORT_SRC)
TEST_OBJ  = $(SUPPORT_SRC:%.c=$(B)/%.o) $(F64_SRC:%.c=$(B)/f64/%.o) $(BF16_TEST_SRC:%.c=$(B)/%.o)
TEST_SRC := $(filter-out $(NO_TESTS),$(wildcard tests/unit/test_*.c))
TESTS     = $(TEST_SRC:tests/unit/%.c=$(B)/tests/%)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZERS   = $(FUZZ_SRC:tests/fuzz/%.c=$(B)/fuzz/%)
FUZZ_MAIN = tests/fuzz/replay.c

.PHONY: all help test unit cli fuzz-replay fuzzers asan clang fuzz msan coverage bench bench-peers lint docs golden \
        test-peers clean

all: sft

sft: $(B)/sft ## build the program
	ln -sf $< $@

$(B)/sft: $(B)/libsft.a $(CMD_OBJ)
	$(call Q,link) $(CC) $(BASE_CFLAGS) $(LDFLAGS) -o $@ $(CMD_OBJ) $< $(LDLIBS)

$(B)/libsft.a: $(LIB_OBJ)
	$(call Q,ar  ) rm -f $@ && ar rcs $@ $^

$(B)/tests/libtest.a: $(TEST_OBJ)
	@mkdir -p $(@D)
	$(call Q,ar  ) rm -f $@ && ar rcs $@ $^

$(B)/kernels/avx2/%.o: ARCH_FLAGS += $(AVX2_FLAGS)
$(B)/kernels/avx512/%.o: ARCH_FLAGS += $(AVX512_FLAGS)
$(B)/kernels/avx512/bf16_avx512.o: ARCH_FLAGS += -mavx512bf16
$(B)/kernels/amx/%.o: ARCH_FLAGS += $(AMX_FLAGS)
$(B)/tests/unit/bf16/%.o: ARCH_FLAGS += $(AVX512_FLAGS) -mavx512bf16
# AMX in plain C, in which the tests of what is built on it spend most of their time: fast in every variant, and without sanitizers of its own, for
# what it reads and writes of others' memory goes by memcpy, which they watch
$(B)/tests/unit/bf16/amx_model.o: OPTIMIZE = -O3
$(B)/tests/unit/bf16/amx_model.o: SANITIZE =
$(B)/kernels/ref/%.o $(B)/f64/kernels/ref/%.o $(B)/src/files/gguf/gguf_types.o: BASE_CFLAGS += -ffp-contract=off

# what is compiled into it (.incbin), which no compiler tells
$(B)/src/serve/page.o: src/serve/page.html
$(B)/src/collect/synth/persona.o: $(wildcard configs/personas/*.md)
$(B)/src/collect/review/review_page.o: $(wildcard src/collect/review/*.html src/collect/review/*.css src/collect/review/*.js)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call Q,cc  ) $(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(ARCH_FLAGS) -MMD -MP -c -o $@ $<

$(B)/f64/%.o: %.c
	@mkdir -p $(@D)
	$(call Q,cc  ) $(CC) $(CPPFLAGS) -DSFT_REAL_F64 $(BASE_CFLAGS) $(ARCH_FLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/%: tests/unit/%.c $(B)/tests/libtest.a $(B)/libsft.a
	@mkdir -p $(@D)
	$(call Q,link) $(CC) $(CPPFLAGS) -Itests $(BASE_CFLAGS) $(ARCH_FLAGS) -Wno-missing-prototypes -MMD -MP -o $@ $< \
	  $(B)/tests/libtest.a $(B)/libsft.a $(LDFLAGS) $(shell pkg-config --libs check) $(LDLIBS)

$(B)/fuzz/%: tests/fuzz/%.c $(filter %.c,$(FUZZ_MAIN)) $(B)/libsft.a
	@mkdir -p $(@D)
	$(call Q,link) $(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(ARCH_FLAGS) -Wno-missing-prototypes -o $@ $< $(FUZZ_MAIN) \
	  $(B)/libsft.a $(LDFLAGS) $(LDLIBS)

# what tests of `sft synth` ask instead of a model
FAKE_ENDPOINT = $(B)/tests/fake_endpoint
$(FAKE_ENDPOINT): $(wildcard tests/support/*.c tests/support/*.h) $(B)/libsft.a
	@mkdir -p $(@D)
	$(call Q,link) $(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(ARCH_FLAGS) -o $@ $(filter-out %.h,$^) $(LDFLAGS) $(LDLIBS)
$(B)/tests/test_client $(B)/tests/test_client_key $(B)/tests/test_synth: | $(FAKE_ENDPOINT)

$(B)/bench/%: tests/bench/%.c $(B)/libsft.a
	@mkdir -p $(@D)
	$(call Q,link) $(CC) $(CPPFLAGS) -Itests -Itests/unit $(BASE_CFLAGS) $(ARCH_FLAGS) -MMD -MP -o $@ $< $(B)/libsft.a $(LDFLAGS) $(LDLIBS)

$(B)/browser/%_test: tests/browser/%_test.c tests/browser/cdp.c tests/browser/checks.c tests/browser/cdp.h tests/browser/checks.h \
                      $(B)/libsft.a
	@mkdir -p $(@D)
	$(call Q,link) $(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(ARCH_FLAGS) -o $@ $(filter-out %.h,$^) $(LDFLAGS) $(LDLIBS)

$(B)/peers/%: tests/peers/%.c $(B)/libsft.a
	@mkdir -p $(@D)
	$(call Q,link) $(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(ARCH_FLAGS) -MMD -MP -o $@ $< $(B)/libsft.a $(LDFLAGS) $(LDLIBS)

$(B)/browser/review_test: tests/browser/reviewer.c tests/browser/review_looks.c tests/browser/review_lost.c \
                          tests/browser/reviewer.h tests/browser/review_looks.h tests/browser/review_lost.h

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

RUN_UNIT = sh tests/run_unit.sh $(TESTS)
RUN_FUZZ = for f in $(FUZZERS); do name=$${f\#\#*/fuzz_}; echo "fuzz corpus $$name"; $$f tests/fuzz/corpus/$$name || exit 1; done
RUN_CLI  = SFT=$(B)/sft sh tests/cli/run.sh
CLI_PROGRAMS = $(B)/sft $(B)/bench/bench_server $(B)/browser/page_test $(B)/browser/review_test $(FAKE_ENDPOINT)

# First all is built, that no core waits for one program; then each kind of tests has all cores.
test: $(CLI_PROGRAMS) $(TESTS) $(FUZZERS) ## all tests that need no Python
	$(RUN_UNIT)
	@$(RUN_FUZZ)
	$(RUN_CLI)

unit: $(TESTS) ## the unit tests (Check)
	$(RUN_UNIT)

fuzzers: $(FUZZERS)

fuzz-replay: $(FUZZERS) ## the fuzz targets' corpora
	@$(RUN_FUZZ)

cli: $(CLI_PROGRAMS) ## the command line's tests
	$(RUN_CLI)

asan: ## all tests under the address and undefined-behaviour sanitizers
	$(MAKE) VARIANT=asan test

clang: ## build program and unit tests with clang, and run these
	$(MAKE) VARIANT=clang CC='$(CLANG)' WERROR=-Werror build/clang/sft unit

# found by coverage-guided mutation: FUZZ_SECONDS a target; what crashed it stays in build/fuzz/
fuzz: ## look for new inputs that break the fuzz targets (clang's libFuzzer; FUZZ_SECONDS=30 each)
	$(MAKE) VARIANT=fuzz CC='$(CLANG)' OPTIMIZE=-O1 FUZZ_MAIN=-fsanitize=fuzzer \
	  SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer' fuzzers
	sh scripts/fuzz.sh build/fuzz

# The memory sanitizer knows of memory only what it has compiled: it is for targets that call no library but libc.
MSAN = -fsanitize=memory -fsanitize-memory-track-origins -fno-sanitize-recover=memory -fno-omit-frame-pointer
MSAN_FUZZERS = bytes store
msan: ## the corpora of those fuzz targets that run only our code, under clang's memory sanitizer
	$(MAKE) VARIANT=msan CC='$(CLANG)' OPTIMIZE=-O1 SANITIZE='$(MSAN)' $(MSAN_FUZZERS:%=build/msan/fuzz/fuzz_%)
	for f in $(MSAN_FUZZERS); do build/msan/fuzz/fuzz_$$f tests/fuzz/corpus/$$f || exit 1; done

coverage: ## which lines the tests run: a line a file, the least covered first (gcov)
	find build/coverage -name '*.gcda' -delete 2>/dev/null || true
	$(MAKE) VARIANT=coverage OPTIMIZE=-O1 SANITIZE=--coverage test
	sh scripts/coverage.sh build/coverage

bench: $(B)/bench/bench_kernels $(B)/bench/bench_models $(B)/bench/bench_few ## how fast ops, the products of whole models, and a step of generation are
	$(B)/bench/bench_kernels
	$(B)/bench/bench_models
	$(B)/bench/bench_few

bench-peers: ## compare the speed with TRL's and PyTorch's on this CPU (makes its own venv)
	sh scripts/bench_peers.sh

lint: ## layers, headers that compile alone, formatting rules; clang-tidy and cppcheck
	sh scripts/lint.sh
	sh scripts/analyse.sh

docs: sft ## put the tables of keys into docs/configuration.md and docs/synth.md
	sh scripts/update_docs.sh

golden: ## make the golden values again (needs Python with transformers and tokenizers)
	sh scripts/golden.sh

test-peers: sft $(B)/peers/logits $(B)/peers/adapter ## compare live with transformers, tokenizers, PEFT and TRL (needs Python with PyTorch)
	LOGITS=$(B)/peers/logits ADAPTER=$(B)/peers/adapter sh tests/peers/run.sh

clean: ## remove what was built
	rm -rf build sft

-include $(shell find build -path build/peers-venv -prune -o -name '*.d' -print 2>/dev/null)
