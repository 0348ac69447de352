#!/usr/bin/env bash
# The one test command. On a fresh machine it first installs what it needs, and says so loudly when it cannot.
#
#   ./test.sh              every stage
#   ./test.sh STAGE...     only these, of: format clippy docs compat windows unit language nixpkgs-lib golden miri asan wasm playground python node c fuzz differ
#
# A stage prints what it ran and closes with `STAGE: N passed, M failed`; the last line is the sum over all of them. The
# exit status is 0 only if nothing failed. Inputs too large for the repository are looked for in Frazil's cache,
# ${XDG_CACHE_HOME:-~/.cache}/frazil, and the checks that need an absent one are named and skipped:
#
#   FRAZIL_ORACLE      default CACHE/cppnix      CppNix 2.34.8, with bin/nix-instantiate
#   FRAZIL_NIX_TESTS   default CACHE/nix-lang    a folder with `lang`, CppNix 2.34.8's tests/functional/lang
#   FRAZIL_NIX_HEAD    default CACHE/nix-lang-head  the same of a later CppNix, whose answers differ here and there
#   FRAZIL_NIXPKGS     default CACHE/nixpkgs     the Nixpkgs that bindings/cli/tests/golden.tsv was made with
#
# FRAZIL_FUZZ_SECONDS (default 60) is the time of each fuzz target, and says how many programs are asked of CppNix: 25000 a
# minute. They start from one seed, so that each run on each machine asks the same ones.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
export PATH="$HOME/.cargo/bin:$PATH" CARGO_TERM_COLOR=never
cache=${XDG_CACHE_HOME:-$HOME/.cache}/frazil
oracle=${FRAZIL_ORACLE:-$cache/cppnix}
nix_tests=${FRAZIL_NIX_TESTS:-$cache/nix-lang}
nix_head=${FRAZIL_NIX_HEAD:-$cache/nix-lang-head}
nixpkgs=${FRAZIL_NIXPKGS:-$cache/nixpkgs}
export FRAZIL_ORACLE=$oracle FRAZIL_NIX_TESTS=$nix_tests FRAZIL_NIXPKGS=$nixpkgs
target=${CARGO_TARGET_DIR:-$PWD/target}
# Code that a test keeps is nobody else's.
export FRAZIL_CACHE=$target/code-cache
host=x86_64-unknown-linux-gnu
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
passed=0 failed=0 skipped=0

# tally STAGE PASSED FAILED [SKIPPED]: the closing line of a stage, which adds to the total.
tally() {
  local line="$1: $2 passed, $3 failed"
  if [ "${4:-0}" -gt 0 ]; then line="$line, $4 skipped"; fi
  echo "$line"
  passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + ${4:-0}))
}

# skip STAGE WHAT WHY: a check that is not run counts as skipped, and is named.
skip() { echo "$1: skipped $2: $3"; skipped=$((skipped + 1)); }

# check STAGE COMMAND...: one command is one check.
check() {
  local stage=$1
  shift
  if "$@"; then tally "$stage" 1 0; else tally "$stage" 0 1; fi
}

# counted STAGE COMMAND...: the command prints how many of its own checks passed, in cargo test's way or in ours.
counted() {
  local stage=$1 status counts
  shift
  "$@" 2>&1 | tee "$log/$stage"
  status=${PIPESTATUS[0]}
  counts=$(sed -nE 's/^(test result: [a-zA-Z]+\. )?([0-9]+) passed[;,] ([0-9]+) failed([;,] ([0-9]+) (ignored|skipped))?.*/\2 \3 0\5/p' "$log/$stage" |
    awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }')
  read -r p f s <<<"$counts"
  # A runner that dies without counting has failed once all the same.
  if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
  tally "$stage" "$p" "$f" "$s"
}

# need COMMAND PACKAGE: COMMAND is there, or is installed from Debian's PACKAGE.
need() {
  command -v "$1" >/dev/null && return
  echo "installing $2, for $1"
  if ! { apt-get -q update && apt-get -q -y install "$2"; } >"$log/apt" 2>&1 || ! command -v "$1" >/dev/null; then
    tail -n 5 "$log/apt" >&2
    echo "test.sh: $1 is needed, and installing Debian's package $2 did not bring it" >&2
    exit 1
  fi
}

# component NAME: a part of the Rust toolchain, which rustup brings.
component() {
  cargo "$1" --version >/dev/null 2>&1 && return
  if ! rustup component add "${2:-$1}"; then
    echo "test.sh: cargo $1 is needed, and rustup could not bring it" >&2
    exit 1
  fi
}

prepare() {
  need cc gcc
  need python3 python3
  if ! command -v cargo >/dev/null; then
    echo "test.sh: cargo is needed, of Rust 1.95 or later; install it with rustup" >&2
    exit 1
  fi
}

binary() {
  cargo build --quiet --release -p frazil-cli --bin frazil || return 1
  drop_in="$target/release/frazil nix-instantiate"
}

stage_format() {
  component fmt rustfmt
  check format cargo fmt --all --check
}

stage_clippy() {
  component clippy
  check clippy cargo clippy --quiet --workspace --all-targets --features frazil/tar,frazil/miette -- -D warnings
}

stage_docs() { RUSTDOCFLAGS="-D warnings" check docs cargo doc --quiet --workspace --features frazil/tar,frazil/miette --no-deps --document-private-items; }

# What is promised to those who use the crate `frazil`: the oldest compiler, and that no public item goes or changes.
stage_compat() {
  local oldest flags="-Zunstable-options --output-format json"
  oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  if [[ $(rustc --version) == "rustc $oldest."* ]]; then
    echo "compat: all stages run with Rust $oldest, the oldest that is promised"
  elif cargo "+$oldest" --version >/dev/null 2>&1 || cargo "+$oldest.0" --version >/dev/null 2>&1; then
    cargo "+$oldest" --version >/dev/null 2>&1 || oldest=$oldest.0
    check compat cargo "+$oldest" check --quiet --workspace --features frazil/tar,frazil/miette --target-dir "$target/oldest"
  else
    skip compat "the oldest compiler" "Rust $oldest is not installed"
  fi
  if ! cargo +nightly --version >/dev/null 2>&1; then
    skip compat "the public items of the crate" "there is no nightly toolchain"
    return
  fi
  if ! RUSTDOCFLAGS=$flags cargo +nightly doc --quiet --no-deps -p frazil -p frazil-engine -p frazil-vm \
    --features frazil/tar,frazil/lint,frazil/miette --target-dir "$target/api"; then
    tally compat 0 1
    return
  fi
  counted compat python3 bindings/rust/tests/api.py "$target/api/doc"
}

# What is shipped for Windows compiles, for GNU's target, which needs no compiler of Microsoft's.
stage_windows() {
  local gnu=x86_64-pc-windows-gnu node=$target/windows-node
  component clippy
  if ! rustup target add "$gnu" >"$log/windows" 2>&1; then
    skip windows "what is for Windows" "rustup does not bring its standard library"
    return
  fi
  # The library that Node's module is linked to has to be there, and is not looked into.
  mkdir -p "$node" && touch "$node/libnode.dll"
  LIBNODE_PATH=$node check windows cargo clippy --quiet --target "$gnu" --features frazil/tar,frazil/miette \
    -p frazil -p frazil-cli -p frazil-c -p frazil-python -p frazil-node -- -D warnings
}

stage_unit() { counted unit cargo test --workspace --features frazil/tar,frazil/miette --no-fail-fast; }

stage_language() {
  local harness=(python3 bindings/cli/tests/lang.py) suites=(--suite cli=bindings/cli/tests/cli)
  if [ -d "$nix_tests/lang" ]; then
    suites=(--suite "lang=$nix_tests" "${suites[@]}")
  else
    skip language "CppNix's language suite" "$nix_tests/lang is absent (FRAZIL_NIX_TESTS)"
  fi
  local head=()
  if [ -d "$nix_head/lang" ]; then
    head=(--suite "head=$nix_head")
  else
    skip language "the language suite of a later CppNix" "$nix_head/lang is absent (FRAZIL_NIX_HEAD)"
  fi
  if ! binary; then tally language 0 1; return; fi
  counted language "${harness[@]}" --command "$drop_in" "${suites[@]}" ${head[@]+"${head[@]}"} --check
  if [ -x "$oracle/bin/nix-instantiate" ]; then
    # A harness that asks for something else than CppNix's answers would judge Frazil wrongly.
    counted oracle "${harness[@]}" --command "$oracle/bin/nix-instantiate" "${suites[@]}"
  else
    skip language "the harness against CppNix itself" "$oracle is absent (FRAZIL_ORACLE)"
  fi
}

stage_golden() {
  if [ ! -e "$nixpkgs/default.nix" ]; then
    skip golden "derivation paths" "$nixpkgs is absent (FRAZIL_NIXPKGS)"
    return
  fi
  if ! binary; then tally golden 0 1; return; fi
  counted golden python3 bindings/cli/tests/golden.py --command "$drop_in" --nixpkgs "$nixpkgs"
}

stage_nixpkgs_lib() {
  if [ ! -d "$nixpkgs/lib/tests" ]; then
    skip nixpkgs-lib "Nixpkgs' own tests" "$nixpkgs is absent (FRAZIL_NIXPKGS)"
    return
  fi
  need git git
  need jq jq
  if ! binary; then tally nixpkgs-lib 0 1; return; fi
  counted nixpkgs-lib python3 bindings/cli/tests/nixpkgs_lib.py --command "$drop_in" --nixpkgs "$nixpkgs" --oracle "$oracle/bin/nix-instantiate"
}

# The one room with unsafe under Miri, which only rustup brings, where its servers are reached.
stage_miri() {
  if ! cargo +nightly --version >/dev/null 2>&1; then
    skip miri "the values under Miri" "there is no nightly toolchain"
    return
  fi
  if ! { cargo +nightly miri --version || rustup component add --toolchain nightly miri rust-src; } >/dev/null 2>&1 ||
    ! cargo +nightly miri setup >"$log/miri" 2>&1; then
    skip miri "the values under Miri" "rustup does not bring it"
    return
  fi
  # Addresses are kept in words, so provenance is exposed; proptest asks for the working directory. Layouts have no unsafe.
  MIRIFLAGS="-Zmiri-permissive-provenance -Zmiri-disable-isolation" counted miri cargo +nightly miri test -p frazil-value \
    --lib --test collect --test mappings --test objects --test thunks --target-dir "$target/miri"
}

# The same under AddressSanitizer, at full size.
stage_asan() {
  if ! cargo +nightly --version >/dev/null 2>&1; then
    skip asan "the values under AddressSanitizer" "there is no nightly toolchain"
    return
  fi
  RUSTFLAGS=-Zsanitizer=address counted asan cargo +nightly test -p frazil-value --lib --tests --target "$host" --target-dir "$target/asan"
}

# The npm package for wasm, packed; built once a run.
wasm_package() {
  need node nodejs
  need npm npm
  if [ ! -e "$log/in/wasm.tgz" ]; then
    CARGO_TARGET_DIR=$target installs "what the npm package is built with" bindings/wasm/build "$target/wasm-package" || return 1
    mkdir -p "$log/in"
    (cd "$target/wasm-package/package" && npm pack --silent --pack-destination "$log/in" >/dev/null) || return 1
    mv "$log"/in/frazil-wasm-*.tgz "$log/in/wasm.tgz"
  fi
}

# The packed package, in an empty folder.
stage_wasm() {
  need xz xz-utils
  local place=$log/in/wasm
  if ! wasm_package || ! mkdir -p "$place" ||
    ! (cd "$place" && npm init -y >/dev/null && npm pkg set type=module && installs "the package with typescript" npm install --silent ../wasm.tgz typescript @types/node); then
    tally wasm 0 1
    return
  fi
  cp bindings/wasm/tests/* bindings/wasm/README.md "$place/"
  check wasm-types env -C "$place" npx tsc --strict --noEmit --skipLibCheck false --module nodenext --lib esnext,dom,dom.iterable,dom.asynciterable types.mts
  counted wasm-contract env -C "$place" node contract.mjs @frazil/wasm "$PWD/bindings/contract/cases.json"
  counted wasm-package bash -c "$(declare -f ours); cd '$place' && set -o pipefail && node --test --test-reporter=spec package.test.mjs 2>&1 | ours"
  local suites=() owed=()
  if [ -d "$nix_tests/lang" ]; then
    suites+=(--suite "lang=$nix_tests")
    # Strings of JavaScript's hold no other bytes than UTF-8.
    owed+=(--owed lang/eval-fail-toJSON-non-utf-8=right)
  else
    skip wasm "CppNix's language suite" "$nix_tests/lang is absent (FRAZIL_NIX_TESTS)"
  fi
  if [ -d "$nix_head/lang" ]; then
    suites+=(--suite "head=$nix_head")
    # Events do not tell warnings of programs from others.
    owed+=(--owed head/eval-fail-toJSON-non-utf-8=right --owed head/eval-okay-warn-indentation=right)
  else
    skip wasm "the language suite of a later CppNix" "$nix_head/lang is absent (FRAZIL_NIX_HEAD)"
  fi
  if [ ${#suites[@]} -gt 0 ]; then
    counted wasm python3 bindings/cli/tests/lang.py --command "node $place/nix-instantiate.mjs @frazil/wasm" "${suites[@]}" "${owed[@]}" --check
  fi
}

# The site, driven in Debian's Chromium.
stage_playground() {
  need chromium chromium
  need xz xz-utils
  local site=$target/playground flags=()
  if ! wasm_package || ! FRAZIL_NIXPKGS=$nixpkgs bindings/wasm/playground/build "$site" "$log/in/wasm.tgz"; then
    tally playground 0 1
    return
  fi
  if [ -x "$oracle/bin/nix-instantiate" ]; then
    flags+=(--oracle "$oracle/bin/nix-instantiate")
  else
    skip playground "the answers of CppNix" "$oracle is absent (FRAZIL_ORACLE)"
  fi
  if [ -e "$nixpkgs/default.nix" ]; then
    # What git archives has the tree in one folder.
    tar -C "$(dirname "$nixpkgs")" -c "$(basename "$nixpkgs")" | gzip -1 >"$site/nixpkgs.tar.gz"
    flags+=(--nixpkgs "$nixpkgs" --archive "$site/nixpkgs.tar.gz")
    if binary; then flags+=(--native "$target/release/frazil"); fi
  else
    skip playground "a package of Nixpkgs" "$nixpkgs is absent (FRAZIL_NIXPKGS)"
  fi
  counted playground node bindings/wasm/playground/tests/playground.mjs "$site/site" ${flags[@]+"${flags[@]}"}
}

# installs WHAT COMMAND...: the command brings something from a registry; without it the stage has failed.
installs() {
  local what=$1
  shift
  "$@" >"$log/install" 2>&1 && return
  tail -n 20 "$log/install" >&2
  echo "test.sh: $what could not be installed" >&2
  return 1
}

# pytest's and node's own closing lines in the form of ours.
ours() {
  sed -E 's/^=*( ?[0-9].* in [0-9.]+s.*)$/\1/' | awk '
    / in [0-9.]+s/ && /passed|failed|error/ {
      for (i = 1; i < NF; i++) {
        if ($(i + 1) ~ /^passed/) p = $i
        if ($(i + 1) ~ /^(failed|errors?)/) f += $i
        if ($(i + 1) ~ /^skipped/) s = $i
      }
    }
    /^(# |ℹ )pass /{ p = $3 } /^(# |ℹ )(fail|cancelled) /{ f += $3 } /^(# |ℹ )skipped /{ s = $3 }
    { print }
    END { printf "%d passed, %d failed%s\n", p, f, s ? ", " s " skipped" : "" }'
}

# The wheel, in an environment that has nothing else, from a folder without its sources.
stage_python() {
  local tools=$target/python/tools place=$log/in/python
  if ! { [ -x "$tools/bin/maturin" ] || { python3 -m venv "$tools" && installs "maturin" "$tools/bin/pip" install -q 'maturin>=1.16,<2'; }; } ||
    ! (cd bindings/python && "$tools/bin/maturin" build --quiet --release --out "$log/wheels") ||
    ! python3 -m venv "$place/env" ||
    ! installs "the wheel with pytest, mypy and ray" "$place/env/bin/pip" install -q "$log"/wheels/frazil-*.whl pytest mypy 'ray>=2.9'; then
    tally python 0 1
    return
  fi
  cp -r bindings/python/{tests,examples,README.md} "$place/"
  local types=(env -C "$place" "$place/env/bin/python" -m mypy --strict --python-executable "$place/env/bin/python")
  check python-types "${types[@]}" -p frazil
  check python-types "${types[@]}" examples tests
  check python-types env -C "$place" "$place/env/bin/stubtest" frazil
  FRAZIL_CONTRACT=$PWD/bindings/contract/cases.json counted python bash -c \
    "$(declare -f ours); cd '$place' && set -o pipefail && env/bin/python -m pytest -q --tb=short tests 2>&1 | ours"
}

# The packed package, in an empty folder.
stage_node() {
  need node nodejs
  need npm npm
  local place=$log/in/node arch
  arch=$(node -p '`${process.platform}-${process.arch}-gnu`')
  mkdir -p "$place/package"
  if ! cargo build --quiet --release -p frazil-node ||
    ! cp bindings/node/{package.json,README.md,*.js,*.mjs,*.ts,*.mts} "$place/package/" ||
    ! strip -o "$place/package/frazil.$arch.node" "$target/release/libfrazil_node.so" ||
    ! (cd "$place/package" && npm pack --silent --pack-destination "$place" >/dev/null) || ! rm -r "$place/package" ||
    ! (cd "$place" && npm init -y >/dev/null && installs "the package with typescript" npm install --silent ./frazil-*.tgz typescript @types/node); then
    tally node 0 1
    return
  fi
  cp -r bindings/node/{test,examples,tsconfig.json,README.md} "$place/"
  check node-types env -C "$place" npx tsc --outDir compiled
  FRAZIL_PACKAGE=frazil FRAZIL_EXAMPLES=$place/compiled FRAZIL_CONTRACT=$PWD/bindings/contract/cases.json counted node bash -c \
    "$(declare -f ours); cd '$place' && set -o pipefail && node --test --test-reporter=spec test/ 2>&1 | ours"
}

# The library from C and from Lua.
stage_c() {
  local place=$log/in/c library=$target/release lua
  need cc gcc
  need lua5.4 lua5.4
  [ -e /usr/include/lua5.4/lua.h ] || installs "Lua's header" apt-get -q -y install liblua5.4-dev
  mkdir -p "$place"
  if ! cargo build --quiet --release -p frazil-c; then tally c 0 1; return; fi
  local compile=(cc -std=c11 -Wall -Wextra -Werror -Ibindings/c/include -I/usr/include/lua5.4) link=("-L$library" -lfrazil_c "-Wl,-rpath,$library")
  awk '/^```c$/{on=1;next}/^```$/{on=0}on' bindings/c/README.md >"$place/readme.c"
  check c "${compile[@]}" bindings/c/tests/frazil.c -o "$place/tests" "${link[@]}"
  check c "${compile[@]}" bindings/c/examples/config.c -o "$place/config" "${link[@]}"
  check c "${compile[@]}" "$place/readme.c" -o "$place/readme" "${link[@]}"
  check c "${compile[@]}" -shared -fPIC bindings/c/examples/frazil_lua.c -o "$place/frazil_lua.so" "${link[@]}"
  counted c "$place/tests"
  counted c-contract python3 bindings/c/tests/contract.py "$library/libfrazil_c.so" bindings/contract/cases.json
  check c [ "$("$place/readme")" = '{"ports":[8001,8002]}' ]
  echo 'rec { a = [ 1 (builtins.pathExists /etc/passwd) ]; b.c = a; }' >"$place/config.nix"
  check c [ "$("$place/config" "$place/config.nix" b.c)" = '[1,false]' ]
  lua=$(LUA_CPATH="$place/?.so" lua5.4 bindings/c/examples/example.lua)
  check c [ "$lua" = "$(printf '{"ports":[8001,8002]}\nrestricted\nmemory')" ]
}

# fuzzed PID:NAME: what came of the target that runs as that process.
fuzzed() {
  local name=${1#*:}
  if wait "${1%%:*}"; then
    echo "fuzz $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log/fuzz-$name") inputs in ${FRAZIL_FUZZ_SECONDS:-60} s"
    tally fuzz 1 0
  else
    tail -n 30 "$log/fuzz-$name"
    tally fuzz 0 1
  fi
}

stage_fuzz() {
  local source name runs=0 seconds=${FRAZIL_FUZZ_SECONDS:-60}
  # The instrumentation that libFuzzer counts by, as cargo-fuzz sets it.
  local flags="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
  flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
  flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0"
  flags+=" -Ccodegen-units=1 -Cdebug-assertions -Zsanitizer=address"
  if ! cargo +nightly --version >/dev/null 2>&1; then
    skip fuzz "every target" "there is no nightly toolchain"
    return
  fi
  local waiting=() pid
  for source in fuzz/targets/*.rs; do
    [ -e "$source" ] || continue
    runs=$((runs + 1)) name=$(basename "$source" .rs)
    mkdir -p "$target/fuzz/corpus/$name" "fuzz/found/$name"
    if ! RUSTFLAGS=$flags cargo +nightly build --quiet --manifest-path fuzz/Cargo.toml --release --target "$host" --target-dir "$target/fuzz" --bin "$name"; then
      tally fuzz 0 1
      continue
    fi
    "$target/fuzz/$host/release/$name" -seed=1 -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 \
      -artifact_prefix="fuzz/found/$name/" "$target/fuzz/corpus/$name" "fuzz/seeds/$name" "fuzz/found/$name" >"$log/fuzz-$name" 2>&1 &
    waiting+=("$!:$name")
    # Two at a time, and while they run the next is built.
    if [ "${#waiting[@]}" -eq 2 ]; then
      fuzzed "${waiting[0]}"
      waiting=("${waiting[1]}")
    fi
  done
  for pid in ${waiting[@]+"${waiting[@]}"}; do fuzzed "$pid"; done
  if [ "$runs" -eq 0 ]; then skip fuzz "every target" "fuzz/targets holds none"; fi
}

stage_differ() {
  local programs=$((25000 * ${FRAZIL_FUZZ_SECONDS:-60} / 60))
  if [ ! -x "$oracle/bin/nix-instantiate" ]; then
    skip differ "generated programs against CppNix" "$oracle is absent (FRAZIL_ORACLE)"
    return
  fi
  check differ cargo run --quiet --release --manifest-path fuzz/differ/Cargo.toml --target-dir "$target" -- \
    --seed 1 --programs "$programs" --oracle "$oracle"
}

all=(format clippy docs compat windows unit language nixpkgs-lib golden miri asan wasm playground python node c fuzz differ)
for stage in "$@"; do
  case " ${all[*]} " in
    *" $stage "*) ;;
    *) echo "test.sh: no stage is called '$stage'; there are: ${all[*]}" >&2; exit 2 ;;
  esac
done
if [ $# -eq 0 ]; then set -- "${all[@]}"; fi
prepare
for stage in "$@"; do
  echo "== $stage ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
  "stage_${stage//-/_}"
done
echo "== total ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
echo "$passed passed, $failed failed$(if [ "$skipped" -gt 0 ]; then echo ", $skipped skipped"; fi)"
[ "$failed" -eq 0 ]
