# SPDX-License-Identifier: Apache-2.0
#
# libfeature: one makefile for everything; `make help` lists the targets. All
# output lies under $(B), so variants live side by side:
#
#     make B=build/debug CFLAGS='-O0 -UNDEBUG'

# --- variables ---------------------------------------------------------------

B          ?= build
PREFIX     ?= /usr/local
bindir     ?= $(PREFIX)/bin
includedir ?= $(PREFIX)/include
libdir     ?= $(PREFIX)/lib
mandir     ?= $(PREFIX)/share/man
bashdir    ?= $(PREFIX)/share/bash-completion/completions
OBJCOPY    ?= objcopy
PKG_CONFIG ?= pkg-config
PROTOC_C   ?= protoc-c
INSTALL    ?= install

version_of = $(shell sed -n 's/^.define FEATURE_VERSION_$(1) //p' \
                 include/libfeature.h)
VERSION := $(call version_of,MAJOR).$(call version_of,MINOR).$(call \
               version_of,PATCH)
SONAME  := libfeature.so.$(firstword $(subst ., ,$(VERSION)))

# A recursive variable that asks once, on first use: `make deps` has to work
# where pkg-config is what is missing.
once = $(eval $(1) := $(2))$($(1))

REQUIRES    := lmdb libzstd libprotobuf-c
pc_requires  = $(call once,pc_requires,$(if $(shell $(PKG_CONFIG) --exists \
                   lmdb && echo yes),$(REQUIRES),$(filter-out lmdb,$(REQUIRES))))
no_pc_libs   = $(if $(filter lmdb,$(pc_requires)),,-llmdb)
pc_cflags    = $(call once,pc_cflags,$(shell $(PKG_CONFIG) --cflags \
                   $(pc_requires)))
pc_libs      = $(call once,pc_libs,$(shell $(PKG_CONFIG) --libs \
                   $(pc_requires)) $(no_pc_libs))
cmocka_libs  = $(call once,cmocka_libs,$(shell $(PKG_CONFIG) --libs cmocka))

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wvla
WERROR   ?= $(if $(CI),1)
# glibc warns about _FORTIFY_SOURCE without optimisation.
FORTIFY  := $(if $(filter -O0 -Og,$(CFLAGS)),,-U_FORTIFY_SOURCE \
                -D_FORTIFY_SOURCE=2)
HARDEN   := -fstack-protector-strong -fstack-clash-protection $(FORTIFY)
# Stored states come from floating-point arithmetic: none may be fused.
common    = -std=c11 -D_GNU_SOURCE -O2 -g -pthread -ffp-contract=off \
            $(HARDEN) -MMD -MP $(CPPFLAGS)
checked   = $(common) $(WARNINGS) $(if $(WERROR),-Werror)
# The library is compiled without its assertions; checking variants pass
# -UNDEBUG, and the user's CFLAGS come last.
lib_flags   = $(checked) -fPIC -fvisibility=hidden -DNDEBUG -Iinclude -Ilib \
              -I$(B)/gen $(pc_cflags) $(CFLAGS)
gen_flags   = $(common) -w -fPIC -fvisibility=hidden -I$(B)/gen $(pc_cflags) \
              $(CFLAGS)
tool_flags  = $(checked) -fPIE -Iinclude -Itools $(CFLAGS)
test_flags  = $(checked) -fPIE -Iinclude -Itests $(CFLAGS)
# C++ sees what a C++ program sees; CFLAGS make the variants here too.
cxx_flags   = -std=c++17 -O2 -g -pthread $(HARDEN) -MMD -MP $(CPPFLAGS) \
              -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast \
              -Weffc++ $(if $(WERROR),-Werror) -fPIE -Iinclude $(CFLAGS)
unit_flags  = $(checked) -fPIE -Iinclude -Ilib -Itests -I$(B)/gen \
              $(pc_cflags) $(CFLAGS)
link_flags  = -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(CFLAGS) $(LDFLAGS)
Z_DEFS     ?= -Wl,-z,defs
so_flags    = -shared -Wl,-soname,$(SONAME) -Wl,--version-script=$(map) \
              $(Z_DEFS) -Wl,-z,nodelete
pie_flags   = -pie $(link_flags)
# Some hundred tests are linked for a `make test`, most of all with sanitizers: mold
# takes a fifth of the time. The library itself is left to the system's linker.
test_linker := $(if $(shell command -v mold),-fuse-ld=mold)
$(B)/tests/%: private pie_flags = -pie $(link_flags) $(test_linker)

map         := lib/libfeature.map
protos      := $(sort $(wildcard lib/format/*.proto))
gen_sources := $(patsubst lib/%.proto,$(B)/gen/%.pb-c.c,$(protos))
gen_headers := $(gen_sources:.c=.h)
lib_objects := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard lib/*/*.c))) \
               $(gen_sources:.c=.o)
tool_objects := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tools/*.c)))
tool_parts   := $(filter-out $(B)/tools/feature.o,$(tool_objects))
support_objects := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/*.c)))
support      := $(B)/tests/support.a
so           := $(B)/libfeature.so

# A file with a main is a program; the others of its folder are linked into it.
mains       := $(shell grep -lsw '^main' examples/*.c tests/*/*.c)
programs_of  = $(patsubst %.c,$(B)/%,$(filter $(1)/%,$(mains)))
parts_of     = $(patsubst %.c,$(B)/%.o,$(filter-out $(mains),$(sort \
                   $(wildcard $(1)/*.c))))
examples    := $(call programs_of,examples)
unit_tests  := $(call programs_of,tests/unit)
api_tests   := $(call programs_of,tests/api)
fuzz_tests  := $(call programs_of,tests/fuzz)
# One parser each; a plant is the same with a bound off by one in the parser.
fuzz_targets := $(patsubst %.c,$(B)/%,$(sort $(wildcard tests/fuzz/targets/*.c)))
fuzz_plants  := $(patsubst tests/fuzz/plants/%.sed,$(B)/tests/fuzz/planted/%,\
                    $(sort $(wildcard tests/fuzz/plants/*.sed)))
model_tests := $(call programs_of,tests/model)
tool_tests  := $(call programs_of,tests/tool)
golden_tests := $(call programs_of,tests/golden)
# Rigs of `make trust`: too long for `make test`, which runs none of them.
rig_folders := crash fault stress disk
rigs        := $(foreach folder,$(rig_folders),$(call \
                   programs_of,tests/$(folder)))
cpp_sources := $(sort $(wildcard tests/cpp/*.cpp))
cpp_tests   := $(cpp_sources:%.cpp=$(B)/%)
# Only where librdkafka is: an example, its tests and their rig.
kafka       := $(shell $(PKG_CONFIG) --exists rdkafka 2>/dev/null && echo yes)
kafka_tests := $(if $(kafka),$(call programs_of,tests/kafka))
tests       := $(unit_tests) $(fuzz_tests) $(fuzz_targets) $(api_tests) $(model_tests) \
               $(tool_tests) $(golden_tests) $(cpp_tests) \
               $(kafka_tests)
# The cases that every language runs: tests/golden/README.md.
vectors     := $(sort $(wildcard tests/golden/vectors/*.txt))
scripts     := $(sort $(wildcard tests/tool/*.sh))
# The one that waits most, for others, comes first.
waits      := run/tests/kafka/scenes
runs       := $(tests:$(B)/%=run/%) $(scripts:%=run/%)
runs       := $(filter $(waits),$(runs)) $(filter-out $(waits),$(runs))

pc_files := $(B)/libfeature.pc $(B)/libfeature-static.pc
products := $(so) $(B)/libfeature.a $(pc_files) \
            $(if $(tool_objects),$(B)/feature $(B)/installed/feature)
sources   = $(sort $(wildcard include/*.h lib/*/*.[ch] tools/*.[ch] \
                examples/*.c examples/*/*.[ch] bench/*.[ch] tests/*.[ch] tests/*/*.[ch] \
                tests/fuzz/*/*.[ch] tests/kafka/hooks/*.c include/*.hpp examples/*/*.cpp bench/*.cpp tests/cpp/*.[ch]pp))

# Operations of one run of each model test, and what they are drawn from: the same
# each time, so that a run can be made again; `make hunt` draws a new one.
MODEL_SEED ?= 20261122
MODEL_OPERATIONS ?= 40000
# Those of events and windows: with plants, as a number says.
EVENT_OPERATIONS ?= 4000

V ?=
quiet := $(if $(V),,@)
# Silent under `make -s`.
say    = $(if $(findstring s,$(firstword -$(MAKEFLAGS))),@:,@printf \
             '  %-7s %s\n') $(1) $(2)
# Jobs for our own sub-makes, unless the caller already said how many.
jobs   = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all deps demo test check lint format install uninstall dist clean help \
        examples bench-load tests api-tests begin-check check-plain check-asan check-tsan check-install \
        demo-run asan-fuzz asan-cpp tsan-threads check-mdb-get fuzz-descent fuzz-arrow fuzz-verify \
        fuzz-snapshot fuzz-windows check-go check-abi \
        check-gen gen abi-baseline \
        bench bench-plot deps-bench FORCE $(runs)

all: $(products) examples ## build the library, the tool and the examples
examples: $(examples)
tests: $(tests)
api-tests: $(api_tests)

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | sort | \
	    awk -F'\t' '{ printf "  %-12s %s\n", $$1, $$2 }'
	@echo '  variables    B PREFIX DESTDIR libdir CC CFLAGS LDFLAGS WERROR=1 V=1'

# --- rules -------------------------------------------------------------------

# Objects depend on this file, which changes when the flags do.
flags_now = $(CC) $(lib_flags) $(tool_flags) $(link_flags) $(CXX) $(cxx_flags)
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(flags_now))' | cmp -s - $@ || \
	    printf '%s\n' '$(subst ','\'',$(flags_now))' > $@

$(gen_headers): %.h: %.c
$(gen_sources): $(B)/gen/%.pb-c.c: lib/%.proto
	$(call say,PROTO,$<)
	@mkdir -p $(@D)
	$(quiet)$(PROTOC_C) --c_out=$(B)/gen/$(dir $*) \
	    --proto_path=lib/$(dir $*) $<

define compile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(quiet)$(CC) $(1) -c -o $@ $<
endef

$(B)/lib/%.o: lib/%.c $(B)/flags | $(gen_headers)
	$(call compile,$(lib_flags))
# Folds and their answers have the same bits everywhere.
folds := state* tiles* exact* ddsketch* hll* limbs* wide*
$(patsubst %.c,$(B)/%.o,$(wildcard $(folds:%=lib/format/%.c))): \
    private lib_flags += -ffp-contract=off
$(B)/gen/%.o: $(B)/gen/%.c $(B)/flags
	$(call compile,$(gen_flags))
$(B)/tools/%.o: tools/%.c $(B)/flags
	$(call compile,$(tool_flags))
# Compiling the tests took longer than running most of them.
unhurried := -O0 -U_FORTIFY_SOURCE
$(B)/tests/unit/%.o: tests/unit/%.c $(B)/flags | $(gen_headers)
	$(call compile,$(unit_flags) $(unhurried))
$(B)/tests/fuzz/%.o: tests/fuzz/%.c $(B)/flags | $(gen_headers)
	$(call compile,$(unit_flags) -Itools)
$(B)/tests/tool/%.o: tests/tool/%.c $(B)/flags
	$(call compile,$(test_flags) -Itools)
$(B)/tests/api/%.o: tests/api/%.c $(B)/flags
	$(call compile,$(test_flags) $(unhurried))
$(B)/tests/%.o: tests/%.c $(B)/flags
	$(call compile,$(test_flags))
$(B)/examples/%.o: examples/%.c $(B)/flags
	$(call compile,$(tool_flags))
$(B)/bench/%.o: bench/%.c $(B)/flags
	$(call compile,$(tool_flags) $(bench_flags))

# Tests of templates take long to optimise, most of all with sanitizers.
$(B)/tests/cpp/%.o: private cxx_more = -O0 -U_FORTIFY_SOURCE \
    $(if $(filter %/status_style.o,$@),-fno-exceptions -fno-rtti)
# It shares a header with C.
$(B)/bench/bindings_cpp.o: private cxx_more = -Wno-old-style-cast
$(B)/%.o: %.cpp $(B)/flags
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(quiet)$(CXX) $(cxx_flags) $(cxx_more) -c -o $@ $<

$(so).$(VERSION): $(lib_objects) $(map)
	$(call say,LINK,$@)
	$(quiet)$(CC) $(so_flags) $(link_flags) -o $@ $(lib_objects) $(pc_libs)
$(B)/$(SONAME): $(so).$(VERSION)
	@ln -sf $(<F) $@
$(so): $(B)/$(SONAME)
	@ln -sf $(<F) $@

# One object with its private names made local: no lf_ name can collide.
$(B)/libfeature.a: $(lib_objects)
	$(call say,AR,$@)
	$(quiet)$(LD) -r -o $(B)/libfeature.o $(lib_objects)
	$(quiet)$(OBJCOPY) --localize-hidden $(B)/libfeature.o
	$(quiet)rm -f $@ && $(AR) rcsD $@ $(B)/libfeature.o

comma := ,
# rpath is where a program in the build tree finds the library.
define link_so
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(quiet)$(CC) $(pie_flags) $(if $(1),-Wl$(comma)-rpath$(comma)'$(1)') \
	    -o $@ $(filter %.o,$^) $(filter %.a,$^) $(so) $(2)
endef

define link_cxx
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(quiet)$(CXX) $(pie_flags) -Wl$(comma)-rpath$(comma)'$(1)' -o $@ \
	    $(filter %.o,$^) $(filter %.a,$^) $(so)
endef

$(B)/feature: $(tool_objects) $(so)
	$(call link_so,$$ORIGIN)
$(B)/installed/feature: $(tool_objects) $(so)
	$(call link_so,)
$(examples): $(B)/examples/%: $(B)/examples/%.o $(so)
	$(call link_so,$$ORIGIN/..,-lm)
$(B)/examples/score $(B)/examples/latency: $(call parts_of,examples/common)
# An example in C++ is a folder of its own; the rest needs no C++ compiler.
cpp_examples := $(if $(shell command -v $(CXX)),$(patsubst %.cpp,$(B)/%,$(sort \
                    $(wildcard examples/*/*.cpp))))
examples: $(cpp_examples)
$(cpp_examples): $(B)/%: $(B)/%.o $(so)
	$(call link_cxx,$$ORIGIN/../..)
# One of several files.
weblog := $(B)/examples/weblog/weblog
examples: $(weblog)
$(weblog): $(patsubst %.c,$(B)/%.o,$(sort $(wildcard examples/weblog/*.c))) $(so)
	$(call link_so,$$ORIGIN/../..,-lm)
# An example with librdkafka, and the same with what its tests plant into it.
kafka_objects := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard \
                     examples/kafka-ingest/*.c)))
kafka_example := $(if $(kafka),$(B)/examples/kafka-ingest/kafka-ingest)
kafka_planted := $(B)/tests/kafka/consumer
kafka_libs     = $(call once,kafka_libs,$(shell $(PKG_CONFIG) --libs rdkafka))
examples: $(kafka_example)
$(kafka_example) $(kafka_planted): $(kafka_objects) $(so)
	$(call link_so,$$ORIGIN/../..,$(kafka_libs) $(kafka_wrap) -lm)
$(kafka_planted): $(B)/tests/kafka/hooks/hooks.o
$(kafka_planted): private kafka_wrap := $(addprefix -Wl$(comma)--wrap=,\
    feature_store_write feature_store_offset rd_kafka_assign)
time_programs := $(B)/bench/times $(B)/bench/times_write
$(time_programs): $(B)/bench/times_rows.o
$(B)/bench/heap $(time_programs): $(B)/bench/%: $(B)/bench/%.o $(so)
	$(call link_so,$$ORIGIN/..,$(pc_libs))
window_programs := $(B)/bench/windows_write $(B)/bench/windows_read
$(window_programs): $(addprefix $(B)/bench/,times_rows.o windows_rows.o)
$(B)/bench/windows_read: $(addprefix $(B)/bench/,windows_redis.o windows_sqlite.o)
$(window_programs): $(B)/bench/%: $(B)/bench/%.o $(so)
	$(call link_so,$$ORIGIN/..,$(pc_libs) $(if $(filter %_read,$@),$(window_peers)))
$(B)/bench/loads: $(patsubst %.c,$(B)/%.o,$(wildcard bench/loads*.c)) \
    $(B)/bench/times_rows.o $(so)
	$(call link_so,$$ORIGIN/..,$(pc_libs))
# An archive: a test links only what it uses, be it of the support or of the
# library that is being built.
$(support): $(support_objects)
	@rm -f $@ && $(AR) rcsD $@ $^
$(api_tests): $(call parts_of,tests/api)
$(model_tests): $(call parts_of,tests/model)
$(tool_tests): $(call parts_of,tests/tool) $(tool_parts)
$(golden_tests): $(call parts_of,tests/golden)
$(api_tests) $(model_tests) $(tool_tests) $(golden_tests): $(B)/%: $(B)/%.o $(support) $(so)
	$(call link_so,$$ORIGIN/../..,$(cmocka_libs) -lm)
$(B)/tests/kafka/records: $(filter %/rows.o %/value.o,$(kafka_objects))
$(kafka_tests): $(B)/%: $(B)/%.o $(call parts_of,tests/kafka) $(support) $(so) \
    | $(kafka_planted)
	$(call link_so,$$ORIGIN/../..,$(kafka_libs) $(cmocka_libs) -lm)
$(cpp_tests): $(B)/%: $(B)/%.o $(support) $(so)
	$(call link_cxx,$$ORIGIN/../..)
$(foreach folder,$(rig_folders),$(eval $(call programs_of,tests/$(folder)): \
    $(call parts_of,tests/$(folder))))
$(rigs): $(B)/%: $(B)/%.o $(support) $(so)
	$(call link_so,$$ORIGIN/../..,-lm)
# Preloaded into the rigs of tests/disk; no sanitizer is in it.
shim := $(B)/tests/shim/shim.so
$(filter $(B)/tests/disk/%,$(rigs)): | $(shim)
$(shim): tests/shim/shim.c tests/shim/shim.h $(B)/flags
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(quiet)$(CC) $(filter-out -MMD -MP,$(checked)) -U_FORTIFY_SOURCE -Itests \
	    -fPIC -fvisibility=hidden -shared -o $@ $<
$(unit_tests): $(call parts_of,tests/unit)
$(fuzz_tests): $(call parts_of,tests/fuzz)
# There the descent can be another one, with a fault in it (plants.c).
fuzz_wrap := $(addprefix -Wl$(comma)--wrap=,lf_descend lf_row_checksum \
    lf_window_bounds lf_tile_bounds lf_tile_newest lf_entry_last lf_acc_add \
    lf_state_bury lf_state_pull lf_state_set_edge)
$(fuzz_tests): private wrap := $(fuzz_wrap)
# And there other libraries than there are, and a disk that spoils a new store.
$(B)/tests/unit/libraries: private wrap := -Wl,--wrap=ZSTD_versionNumber \
    -Wl,--wrap=protobuf_c_version_number -Wl,--wrap=mdb_version
$(B)/tests/unit/made: private wrap := -Wl,--wrap=lf_rebuild_finish
$(B)/tests/unit/swap_short: private wrap := -Wl,--wrap=lf_catch_gather
define link_unit
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(quiet)$(CC) $(pie_flags) $(1) -o $@ $(filter-out $(2),$(filter \
	    %.o,$^)) $(filter %.a,$^) $(pc_libs) $(cmocka_libs) -lm
endef
$(unit_tests) $(fuzz_tests): $(B)/%: $(B)/%.o $(support) $(lib_objects)
	$(call link_unit,$(wrap))

# Targets: with a driver of our own, with libFuzzer's (CC=clang), and planted.
fuzz_objects := $(call parts_of,tests/fuzz) $(tool_parts) $(lib_objects)
replay       := $(B)/tests/fuzz/driver/replay.o
$(fuzz_targets): $(B)/%: $(B)/%.o $(replay) $(fuzz_objects) $(support)
	$(call link_unit,$(fuzz_wrap))
$(B)/tests/fuzz/libfuzzer/%: $(B)/tests/fuzz/targets/%.o $(fuzz_objects) $(support)
	$(call link_unit,$(fuzz_wrap) -fsanitize=fuzzer)
$(B)/tests/fuzz/driver/seeds: $(B)/tests/fuzz/driver/seeds.o $(fuzz_objects) $(support)
	$(call link_unit,$(fuzz_wrap))
# The first line of a plant names the file that it changes.
planted_file = $(shell sed -n '1s/^\# //p' tests/fuzz/plants/$(1).sed)
define plant
$(B)/tests/fuzz/planted/$(1).c: tests/fuzz/plants/$(1).sed $(call planted_file,$(1))
	@mkdir -p $$(@D)
	$$(quiet)sed -f $$^ > $$@ && ! cmp -s $$@ $$(word 2,$$^)
$(B)/tests/fuzz/planted/$(1): $(B)/tests/fuzz/planted/$(1).o \
    $(B)/tests/fuzz/targets/$(1).o $(replay) $(fuzz_objects) $(support)
	$$(call link_unit,$$(fuzz_wrap),$(patsubst %.c,$(B)/%.o,$(call planted_file,$(1))))
endef
$(foreach name,$(notdir $(fuzz_plants)),$(eval $(call plant,$(name))))
$(B)/tests/fuzz/planted/%.o: $(B)/tests/fuzz/planted/%.c $(B)/flags | $(gen_headers)
	$(call compile,$(unit_flags) -Itools -DNDEBUG)

$(B)/%.pc: pkgconfig/%.pc.in Makefile include/libfeature.h $(B)/paths
	@mkdir -p $(@D)
	$(quiet)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' \
	    -e 's|@LIBDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(libdir))|' \
	    -e 's|@INCLUDEDIR@|$(patsubst \
	        $(PREFIX)/%,$${prefix}/%,$(includedir))|' \
	    -e 's|@REQUIRES@|$(pc_requires)|' -e 's|@LIBS@|$(no_pc_libs)|' \
	    $< > $@
# The .pc files name the paths, so they change when PREFIX does.
$(B)/paths: FORCE
	@mkdir -p $(@D)
	@echo $(PREFIX) $(libdir) $(includedir) | cmp -s - $@ || \
	    echo $(PREFIX) $(libdir) $(includedir) > $@

# --- targets: packages, demo, formatting -------------------------------------

deps: ## install what is missing: Debian packages, Python's and Go's for tests
	@scripts/deps.sh
	@scripts/deps-python.sh
	@scripts/deps-go.sh

# What deps installs, the build below must find: hence the second make.
demo: ## load real flight records, read and score them
	@scripts/deps.sh build
	@$(MAKE) -s --no-print-directory $(jobs) demo-run
demo-run: all
	@scripts/demo.sh $(B)

format: ## run clang-format over the C sources
	clang-format -i $(sources)

bench-load: all $(B)/bench/heap ## time `feature load` against the sqlite3 shell
	@bench/load.sh $(B)

clean: ## remove what was built
	rm -rf $(B)

dist: ## make a source archive of the last commit
	@mkdir -p $(B)
	git archive --format=tar --prefix=libfeature-$(VERSION)/ HEAD | \
	    gzip -9n > $(B)/libfeature-$(VERSION).tar.gz

# --- targets: tests ----------------------------------------------------------

results ?= $(B)/results
begin-check:
	@rm -rf $(results) && mkdir -p $(results)

# One line a program; failures are counted, not fatal, so that all are seen.
$(tests:$(B)/%=run/%): run/%: $(B)/% | begin-check tests all
	@B=$(B) RESULTS=$(results) scripts/run-test.sh $* $< $(if $(filter \
	    tests/model/%,$*),--seed $(MODEL_SEED) $(if $(filter %/events,$*),\
	    $(EVENT_OPERATIONS),$(MODEL_OPERATIONS))) $(if $(filter \
	    tests/fuzz/windows,$*),$(WINDOW_READS)) $(if $(filter \
	    tests/golden/% tests/cpp/golden,$*),$(vectors))
$(scripts:%=run/%): run/%: % | begin-check tests all
	@B=$(B) RESULTS=$(results) FEATURE_TOOL=$(abspath $(B))/feature \
	    scripts/run-test.sh $* sh $<

check: $(runs) ## run the tests of one variant
	@scripts/run-summary.sh $(results)

lint: all ## check layers, sizes, format, symbols; run the analyser
	@rm -rf $(B)/lint && mkdir -p $(B)/lint
	@B=$(B) scripts/lint/all.sh
	@scripts/run-summary.sh $(B)/lint

test: ## run everything: tests, sanitizers, headers, installation, lint
	@scripts/deps.sh
	@scripts/deps-go.sh
	@MAKE='$(MAKE) -k --no-print-directory $(jobs)' B='$(B)' scripts/test.sh

ASAN := -O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined \
        -fno-sanitize-recover=all -UNDEBUG -U_FORTIFY_SOURCE
MODEL_ASAN_OPERATIONS ?= 25000
# The rigs of tests/fuzz run with the sanitizers; those of damaged stores, which are
# the longest, in `make trust`.
# They are left to `make trust`, which kills more often.
trusted = run/tests/unit/follow_kill
check-plain:
	@$(MAKE) --no-print-directory check \
	    runs='$(filter-out run/tests/fuzz/% $(trusted),$(runs))'

# The scenes and kills of Kafka wait for its groups, not for us. Templates take as long
# to build with sanitizers as all of C to run: `make trust` has them.
# Scripts of the command that bring no call of the library of their own.
plain_scripts = $(patsubst %,run/tests/tool/%.sh,compare export fleet recipes taxi \
                    time weblog)
check-asan:
	@$(MAKE) --no-print-directory check B=$(B)/asan CFLAGS='$(ASAN)' Z_DEFS= \
	    runs='$(filter-out $(waits) run/tests/cpp/% $(trusted) \
	        run/tests/unit/change_largest \
	        run/tests/fuzz/verify run/tests/fuzz/corrupt run/tests/fuzz/snapshot \
	        run/tests/kafka/kill $(plain_scripts),$(runs))' cpp_sources= \
	    MODEL_OPERATIONS='--operations $(MODEL_ASAN_OPERATIONS)' \
	    EVENT_OPERATIONS='--operations 1000' WINDOW_READS=30000
# Of the tests of C++ those that a tool needs no long wait for: tests/trust/70-*.sh.
asan_cpp = $(filter-out tests/cpp/golden.cpp tests/cpp/reads.cpp,$(cpp_sources))
asan-cpp:
	@$(MAKE) --no-print-directory B=$(B)/asan CFLAGS='$(ASAN)' Z_DEFS= \
	    $(asan_cpp:%.cpp=$(B)/asan/%) $(B)/asan/tests/fault/defects

# Without the rigs of tests/fuzz and the random operations, which have one thread.
# LMDB is not instrumented; there are no suppressions. Two maps of 1 TiB are more
# than ThreadSanitizer leaves room for.
TSAN := -O1 -fno-omit-frame-pointer -fsanitize=thread -UNDEBUG -U_FORTIFY_SOURCE
tsan_tests = $(patsubst $(B)/%,$(B)/tsan/%,$(filter-out %/change_largest,\
                 $(unit_tests)) $(api_tests))
check-tsan:
	@TSAN_OPTIONS="allocator_may_return_null=1:$$TSAN_OPTIONS" TEST_TIMEOUT=400 \
	FEATURE_MAP_SIZE=64G $(MAKE) --no-print-directory check B=$(B)/tsan CFLAGS='$(TSAN)' Z_DEFS= \
	    tests='$(tsan_tests)' scripts= products=$(B)/tsan/libfeature.so examples=
# Those of the release tier of tests/trust/50-fuzz.sh.
asan-fuzz:
	@$(MAKE) --no-print-directory B=$(B)/asan CFLAGS='$(ASAN)' Z_DEFS= \
	    $(patsubst $(B)/%,$(B)/asan/%,$(fuzz_targets))
# Those of tests/trust/70-sanitizers.sh, and what they have to find.
tsan-threads:
	@$(MAKE) --no-print-directory B=$(B)/tsan CFLAGS='$(TSAN)' Z_DEFS= $(addprefix \
	    $(B)/tsan/tests/,unit/engine_threads api/threads api/group api/group_events \
	    api/snapshot_busy fault/defects)

# Every look-up by mdb_get; the rigs of tests/fuzz compare both ways anyway.
forced := $(filter run/tests/unit/engine% run/tests/unit/read% \
              run/tests/unit/history% run/tests/api/% run/tests/model/%,\
              $(filter-out run/tests/api/snapshot%,$(runs)))
check-mdb-get:
	@FEATURE_READ_PATH=mdb_get $(MAKE) --no-print-directory check \
	    results=$(B)/mdb_get runs='$(forced)' \
	    MODEL_OPERATIONS='--operations 20000' EVENT_OPERATIONS='--operations 1000'

OPERATIONS ?= 1000000
hunt: $(B)/tests/model/model $(B)/tests/model/events ## look for wrong answers anew
	@$(B)/tests/model/model --operations $(OPERATIONS)
	@$(B)/tests/model/events --fork --operations $(OPERATIONS)

COUNT ?= 10000000
fuzz-descent: $(B)/tests/fuzz/descent ## compare COUNT look-ups with mdb_get
	@$< $(COUNT) $(SEED)

fuzz-verify: private COUNT = 5000
fuzz-verify: $(B)/tests/fuzz/verify ## verify COUNT damaged stores
	@$< $(COUNT) $(SEED)

fuzz-arrow: $(B)/tests/fuzz/arrow ## write COUNT random Arrow streams
	@$< $(COUNT) $(SEED)

fuzz-windows: $(B)/tests/fuzz/windows ## compare COUNT windows with plain arrays
	@$< $(or $(COUNT),1000000) $(SEED)
fuzz-snapshot: $(B)/tests/fuzz/snapshot ## check COUNT damaged snapshots
	@$< $(COUNT) $(SEED)

# libFuzzer on one target; what it adds stays under $(B)/fuzz/corpus.
FUZZ := -O1 -fno-omit-frame-pointer \
        -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
        -UNDEBUG -U_FORTIFY_SOURCE
SECONDS ?= 60
FUZZ_CC ?= clang
.PHONY: fuzz hunt
fuzz: ## run libFuzzer: TARGET (tests/fuzz/targets), SECONDS; needs clang
	@[ -f 'tests/fuzz/targets/$(TARGET).c' ] || { echo 'TARGET is one of:' \
	    $(notdir $(fuzz_targets)) >&2; exit 1; }
	@$(MAKE) -s --no-print-directory $(jobs) B=$(B)/fuzz CC='$(FUZZ_CC)' \
	    CFLAGS='$(FUZZ)' Z_DEFS= $(B)/fuzz/tests/fuzz/libfuzzer/$(TARGET)
	@tests/fuzz/driver/libfuzzer.sh $(B)/fuzz $(TARGET) $(SECONDS)

ROUNDS ?= 200
.PHONY: follow-kill
follow-kill: $(B)/tests/unit/follow_kill ## kill a leader and its follower ROUNDS times
	@$< $(ROUNDS) $(SEED)

.PHONY: kafka-kill
kafka-kill: $(B)/tests/kafka/kill ## kill a consumer of Kafka ROUNDS times
	@$< $(ROUNDS) $(SEED)

# One line a promise, and $(B)/trust.json; TIER=release for the figures of
# docs/reliability.md, which `make trust-doc` puts there.
TIER ?= ci
.PHONY: trust trust-doc rigs
rigs: all $(rigs) $(model_tests) $(B)/tests/unit/follow_kill $(fuzz_tests) $(fuzz_targets) $(fuzz_plants) $(kafka_tests)
trust: ## try every promise, TIER=ci or TIER=release
	@scripts/deps.sh
	@scripts/deps-python.sh
	@scripts/deps-go.sh
	@$(MAKE) -s --no-print-directory $(jobs) rigs
	@B='$(B)' CC='$(CC)' MAKE='$(MAKE) --no-print-directory $(jobs)' \
	    $(GEN_PYTHON) scripts/trust.py $(TIER)
trust-doc: ## put the figures of the last make trust into the docs
	@B='$(B)' $(GEN_PYTHON) scripts/trust.py document docs/reliability.md

# The wrapper in every C++ and with every compiler it promises; the tests
# themselves are among those of `check`.
.PHONY: check-cpp
check-cpp: all $(support) ## libfeature.hpp: compilers, standards, example
	@rm -rf $(B)/cpp && mkdir -p $(B)/cpp
	@export B='$(B)' RESULTS=$(B)/cpp; for test in tests/cpp/*.sh; do \
	    scripts/run-test.sh $${test%.sh} sh $$test; done
	@scripts/run-summary.sh $(B)/cpp

# One after the other: they install from the same build directory.
check-install: all
	@rm -rf $(B)/install && mkdir -p $(B)/install
	@export B='$(B)' CC='$(CC)' CXX='$(CXX)' MAKE='$(MAKE)' RESULTS=$(B)/install; \
	for test in tests/install/*.sh; do \
	    scripts/run-test.sh $${test%.sh} sh $$test; done
	@scripts/run-summary.sh $(B)/install

# --- targets: what is generated from the header, and the ABI -----------------

# A Python that has libclang's module: Debian's package serves Debian's Python.
GEN_PYTHON ?= /usr/bin/python3
generate    = $(GEN_PYTHON) bindings/gen/generate.py
abi_tools   = B='$(B)' CC='$(CC)' CXX='$(CXX)' GEN_PYTHON='$(GEN_PYTHON)'

gen: ## write what bindings/gen makes of the header
	$(generate)
check-gen: ## compare what is committed with what bindings/gen makes
	@rm -rf $(B)/gen-check && mkdir -p $(B)/gen-check
	@$(abi_tools) RESULTS=$(B)/gen-check scripts/run-test.sh \
	    tests/abi/generated sh tests/abi/generated.sh
	@scripts/run-summary.sh $(B)/gen-check
check-abi: all ## run the ABI gates, and the tests that they can fail
	@rm -rf $(B)/abi && mkdir -p $(B)/abi
	@export $(abi_tools) RESULTS=$(B)/abi LIBS='$(pc_libs)'; \
	for test in tests/abi/*.sh; do \
	    scripts/run-test.sh $${test%.sh} sh $$test; done
	@scripts/run-summary.sh $(B)/abi
# While a release is being made its interface may still change: this freezes it
# anew. Once it is out, never.
abi-baseline: all
	@$(abi_tools) VERSION=$(VERSION) scripts/abi-baseline.sh

# --- targets: Python ---------------------------------------------------------

# The environment that deps makes, or any with bindings/python/requirements.txt:
# make check-python PYTHON=.venv/bin/python
own_python  := $(if $(PYTHON),,yes)
PYTHON      ?= $(call once,PYTHON,$(shell scripts/deps-python.sh --where)/bin/python)
python_test  = @B=$(B) RESULTS=$(B)/python LIBFEATURE_PATH=$(abspath $(so)) \
                   PYTHONPATH=bindings/python PYTHONDONTWRITEBYTECODE=1 \
                   scripts/run-test.sh bindings/python/$(1)

# Joins against DuckDB and sqlite3: LABELS of them, then two wrong oracles, which
# have to be found.
LABELS ?= 1000000
oracle = LIBFEATURE_PATH=$(abspath $(so)) PYTHONPATH=bindings/python \
         PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest -q -s -p no:cacheprovider \
         bindings/python/tests/test_join_oracle.py \
         bindings/python/tests/test_windows_oracle.py
.PHONY: check-time
check-time: all ## compare LABELS joined labels with DuckDB and sqlite3
	@$(if $(own_python),scripts/deps-python.sh)
	@FEATURE_JOIN_LABELS=$(LABELS) $(oracle)
	@FEATURE_JOIN_PLANT=before $(oracle)
	@FEATURE_JOIN_PLANT=first $(oracle)

.PHONY: check-python wheel
check-python: all ## test the Python package and its types
	@$(if $(own_python),scripts/deps-python.sh)
	@rm -rf $(B)/python && mkdir -p $(B)/python
	$(call python_test,tests) $(PYTHON) -m pytest bindings/python/tests
	$(call python_test,types) $(PYTHON) -m mypy \
	    --config-file bindings/python/pyproject.toml --cache-dir $(B)/mypy \
	    bindings/python/libfeature
	$(call python_test,wheel) sh bindings/python/tests/wheel.sh \
	    $(PYTHON) $(abspath $(so))
	@scripts/run-summary.sh $(B)/python

# Paths are absolute: a kernel works where its notebook is. matplotlib's list of
# fonts, which takes seconds to make, is kept.
.PHONY: check-notebook notebook
notebook_env = LIBFEATURE_PATH=$(abspath $(so)) \
                   PYTHONPATH=$(CURDIR)/bindings/python \
                   MPLCONFIGDIR=$(abspath $(B))/matplotlib
check-notebook: all ## run the notebook of the examples
	@$(if $(own_python),scripts/deps-python.sh)
	@rm -rf $(B)/notebook && mkdir -p $(B)/notebook $(B)/matplotlib
	@B=$(B) RESULTS=$(B)/notebook PYTHONDONTWRITEBYTECODE=1 $(notebook_env) \
	    scripts/run-test.sh tests/notebook/run sh tests/notebook/run.sh \
	    $(PYTHON) examples/notebook/flights.ipynb
	@scripts/run-summary.sh $(B)/notebook
notebook: all ## open that notebook in JupyterLab, where it is installed
	$(notebook_env) jupyter lab examples/notebook/flights.ipynb

.PHONY: check-spark
check-spark: all ## run the example of Spark; installs Java and PySpark
	@scripts/deps-spark.sh
	@rm -rf $(B)/spark && mkdir -p $(B)/spark
	@B=$(B) RESULTS=$(B)/spark TEST_TIMEOUT=400 LIBFEATURE_PATH=$(abspath $(so)) \
	    SPARK_PYTHON=$$(scripts/deps-spark.sh --where)/bin/python \
	    FEATURE_TOOL=$(abspath $(B)/feature) \
	    scripts/run-test.sh tests/spark sh tests/spark.sh
	@scripts/run-summary.sh $(B)/spark

wheel: $(so) ## make a Python wheel with the library inside, in $(B)/wheel
	@$(if $(own_python),scripts/deps-python.sh)
	@bindings/python/packaging/wheel.sh $(PYTHON) $(so) $(B)/wheel

# --- targets: the Go bindings -------------------------------------------------

# Go's build cache remembers what pkg-config answered and does not ask again: so
# the prefix stays where it is, and another build directory has another cache.
go_cache = $(if $(filter-out build,$(B)),GOCACHE=$(abspath $(B))/go-cache)

go_prefix = $(abspath $(B))/go/prefix
go_ready = export B='$(B)' PREFIX=$(go_prefix) GO="$$(scripts/go.sh)" $(go_cache); \
    [ -n "$$GO" ] || { echo 'no Go of 1.24: run make deps' >&2; exit 1; }; \
    $(MAKE) -s --no-print-directory install DESTDIR= PREFIX=$(go_prefix) \
        libdir=$(go_prefix)/lib

check-go: all ## test the Go bindings, offline
	@rm -rf $(B)/go && mkdir -p $(B)/go/results
	@$(go_ready) && export RESULTS=$(B)/go/results TEST_TIMEOUT=400 && \
	for test in form module arrow serve link; do \
	    scripts/run-test.sh tests/go/$$test sh tests/go/$$test.sh; done
	@scripts/run-summary.sh $(B)/go/results

# Finds the library by LD_LIBRARY_PATH=$(B).
$(B)/bench/bindings_go: all FORCE
	@mkdir -p $(@D)
	@$(go_ready) && export PKG_CONFIG_PATH=$(go_prefix)/lib/pkgconfig && \
	cd bindings/go && GOPROXY=off GOTOOLCHAIN=local "$$GO" build -o $(abspath $@) ./bench

# --- targets: the speed bench ------------------------------------------------

# make bench QUICK=1 is short; ONLY=base runs one part. A peer takes part where
# its header is there.
BENCH_READS ?= /dev/shm/feature-bench
BENCH_TMPFS ?= /dev/shm/feature-bench
BENCH_DISK  ?= $(B)/bench/data
speed_parts := $(filter-out bench/heap.c bench/micro.c bench/sketches.c bench/tiles.c bench/times%.c \
                   bench/bindings_%.c,$(wildcard bench/*.c))
speed_parts := $(filter-out bench/windows%.c bench/loads%.c,$(speed_parts))
speed_parts := $(patsubst %.c,$(B)/%.o,$(speed_parts))
micro_parts := $(addprefix $(B)/bench/,dataset.o harness.o micro.o rows.o \
                   store.o)
has          = $(if $(shell $(CC) -include $(1) -E -x c /dev/null \
                   >/dev/null 2>&1 && echo yes),$(2))
peer_flags   = $(call once,peer_flags,\
    $(call has,rocksdb/c.h,-DBENCH_ROCKSDB='"$(shell $(PKG_CONFIG) \
        --modversion rocksdb)"') $(call has,leveldb/c.h,-DBENCH_LEVELDB) \
    $(call has,sqlite3.h,-DBENCH_SQLITE) \
    $(call has,hiredis/hiredis.h,-DBENCH_REDIS))
peer_libs    = $(subst -DBENCH_SQLITE,-lsqlite3,$(subst \
    -DBENCH_LEVELDB,-lleveldb,$(subst -DBENCH_REDIS,-lhiredis,$(patsubst \
    -DBENCH_ROCKSDB%,-lrocksdb,$(peer_flags)))))

$(speed_parts): bench_flags = $(peer_flags) $(pc_cflags)
$(filter $(B)/bench/peer_%,$(speed_parts)): $(B)/bench/peers
$(B)/bench/micro.o $(B)/bench/tiles.o: bench_flags = -Ilib -I$(B)/gen $(pc_cflags)
$(B)/bench/micro.o $(B)/bench/tiles.o: | $(gen_headers)
# What is installed may change.
$(B)/bench/peers: FORCE
	@mkdir -p $(@D)
	@echo $(peer_libs) | cmp -s - $@ || echo $(peer_libs) > $@
$(B)/bench/speed: $(speed_parts) $(so)
	$(call link_so,$$ORIGIN/..,$(peer_libs) $(pc_libs) -lm)
$(B)/bench/micro: $(micro_parts) $(lib_objects)
	$(call say,LINK,$@)
	$(quiet)$(CC) $(pie_flags) -o $@ $(filter %.o,$^) $(pc_libs) -lm

# Reads in C and in C++, and the store that all languages read.
bindings_programs := $(addprefix $(B)/bench/bindings_,c store cpp)
$(filter-out %_cpp,$(bindings_programs)): $(B)/%: $(B)/%.o $(so)
	$(call link_so,$$ORIGIN/..)
$(filter %_cpp,$(bindings_programs)): $(B)/%: $(B)/%.o $(so)
	$(call link_cxx,$$ORIGIN/..)

# What is not installed is left out. QUICK=1 shows that it runs; its figures are
# good for nothing else. DOCUMENT=docs/bindings-performance.md writes them there.
.PHONY: bench-bindings
bench-bindings: all $(bindings_programs) ## time reads from C, C++, Go, Python, Feast
	@[ -z "$$(scripts/go.sh)" ] || \
	    $(MAKE) -s --no-print-directory $(B)/bench/bindings_go
	@$(if $(own_python),scripts/deps-python.sh)
	@$(PYTHON) bench/bindings.py --build $(B) --python $(PYTHON) --cc '$(CC)' \
	    --go "$$(scripts/go.sh)" $(if $(QUICK),--quick) \
	    $(if $(DOCUMENT),--document $(DOCUMENT)) \
	    --feast "$$(scripts/deps-feast.sh --where)/bin/python"

# QUICK=1 shows that it runs; DOCUMENT=docs/performance.md writes the tables there.
.PHONY: bench-time
bench-time: all $(time_programs) ## time reads at past times, history and feed
	@$(if $(own_python),scripts/deps-python.sh)
	@python3 bench/times.py --build $(B) --python $(PYTHON) $(if $(QUICK),--quick) \
	    $(if $(DOCUMENT),--document $(DOCUMENT))

# The same for windows.
$(B)/bench/windows_redis.o $(B)/bench/windows_sqlite.o: bench_flags = $(peer_flags)
$(B)/bench/windows_redis.o $(B)/bench/windows_sqlite.o: $(B)/bench/peers
window_peers = $(filter -lsqlite3 -lhiredis,$(peer_libs))
.PHONY: bench-windows
bench-windows: all $(window_programs) ## time events and windows beside LMDB and peers
	@$(if $(own_python),scripts/deps-python.sh)
	@python3 bench/windows.py --build $(B) --python $(PYTHON) \
	    $(if $(QUICK),--quick) $(if $(DOCUMENT),--document $(DOCUMENT))

# The same for loads; ROWS=n for other than 10,000,000.
.PHONY: bench-loads
bench-loads: all $(B)/bench/loads ## time loads beside LMDB, and what goes on beside them
	@python3 bench/loads.py --build $(B) $(if $(ROWS),--rows $(ROWS)) \
	    $(if $(QUICK),--quick) $(if $(DOCUMENT),--document $(DOCUMENT))

bench: $(B)/bench/speed $(B)/bench/micro ## speed, against LMDB and its peers
	@$(B)/bench/speed $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY)) \
	    --reads $(BENCH_READS) --tmpfs $(BENCH_TMPFS) --disk $(BENCH_DISK) \
	    --results $(B)/bench/results.json
bench-plot: ## draw docs/latency.svg from the last bench, write its tables
	python3 bench/plot.py $(B)/bench/results.json docs/latency.svg
	python3 bench/table.py $(B)/bench/results.json docs/performance.md
$(B)/bench/sketches: $(B)/bench/sketches.o $(so)
	$(call link_so,$$ORIGIN/..,-lm)
.PHONY: bench-sketches
bench-sketches: $(B)/bench/sketches ## errors, sizes and times of sketches
	@$< $(B)/bench/sketches.json && cat $(B)/bench/sketches.json
$(B)/bench/tiles: $(B)/bench/tiles.o $(lib_objects)
	$(call say,LINK,$@)
	$(quiet)$(CC) $(pie_flags) -o $@ $(filter %.o,$^) $(pc_libs) -lm
.PHONY: bench-tiles
bench-tiles: $(B)/bench/tiles ## times and bytes of window states
	@$<
deps-bench: ## install the peers of the bench
	@scripts/deps-bench.sh
	@scripts/deps-feast.sh

# --- targets: installation ---------------------------------------------------

to = $(DESTDIR)$(1)
man_pages   := $(wildcard tools/*.1)
completions := $(wildcard tools/feature.bash-completion)

install: $(products) ## install under PREFIX (DESTDIR for packagers)
	$(INSTALL) -d $(call to,$(includedir)) $(call to,$(libdir)/pkgconfig)
	$(INSTALL) -m 644 include/libfeature.h include/libfeature.hpp \
	    $(call to,$(includedir))
	$(INSTALL) -m 755 $(so).$(VERSION) $(call to,$(libdir))
	ln -sf libfeature.so.$(VERSION) $(call to,$(libdir)/$(SONAME))
	ln -sf $(SONAME) $(call to,$(libdir)/libfeature.so)
	$(INSTALL) -m 644 $(B)/libfeature.a $(call to,$(libdir))
	$(INSTALL) -m 644 $(pc_files) $(call to,$(libdir)/pkgconfig)
ifneq ($(tool_objects),)
	$(INSTALL) -d $(call to,$(bindir))
	$(INSTALL) -m 755 $(B)/installed/feature $(call to,$(bindir))
endif
ifneq ($(man_pages),)
	$(INSTALL) -d $(call to,$(mandir)/man1)
	$(INSTALL) -m 644 $(man_pages) $(call to,$(mandir)/man1)
endif
ifneq ($(completions),)
	$(INSTALL) -d $(call to,$(bashdir))
	$(INSTALL) -m 644 $(completions) $(call to,$(bashdir)/feature)
endif
	@case '$(DESTDIR)$(libdir)' in \
	    /usr/lib* | /usr/local/lib*) ldconfig 2>/dev/null || true ;; esac

uninstall: ## remove what install put there
	rm -f $(call to,$(includedir)/libfeature.h) \
	    $(call to,$(includedir)/libfeature.hpp) \
	    $(call to,$(libdir)/libfeature.so.$(VERSION)) \
	    $(call to,$(libdir)/$(SONAME)) $(call to,$(libdir)/libfeature.so) \
	    $(call to,$(libdir)/libfeature.a) \
	    $(pc_files:$(B)/%=$(call to,$(libdir)/pkgconfig)/%) \
	    $(call to,$(bindir)/feature) \
	    $(man_pages:tools/%=$(call to,$(mandir)/man1)/%) \
	    $(call to,$(bashdir)/feature)

-include $(lib_objects:.o=.d) $(tool_objects:.o=.d) $(support_objects:.o=.d) \
         $(wildcard $(B)/examples/*/*.d $(B)/tests/*/*.d $(B)/tests/*/*/*.d \
         $(B)/bench/*.d) \
         $(examples:=.d)
