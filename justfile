# Short names for daily work. What a check is stands in .ci/run, here is only what to call.

set shell := ["bash", "-euo", "pipefail", "-c"]

# list the recipes
default:
    @just --list

# put all code into the agreed form
fmt:
    cargo fmt --all

# clippy, every warning an error
lint:
    .ci/run lint

# what the README tells you to run
test:
    .ci/run test

# one hostile world, from its seed
sim SEED:
    cargo run --release --bin joiner -- simulate --faults hostile --seed {{ SEED }}

# 20 hostile worlds
sweep:
    .ci/run slow

# scenarios on a real control plane, whose first build takes a while (needs Go)
e2e:
    .ci/run e2e

# a real control plane to look at, with the simulated EC2 beside it, until Ctrl-C; prints its kubeconfig (needs Go)
cluster *FLAGS:
    cargo run -p e2e --bin cluster -- {{ FLAGS }}

# the whole product on this machine: cluster, AWS, functions, forwarder; prints what to try, and goes on until Ctrl-C or "just down" (needs Go, and python3 for ministack)
up:
    cargo build --workspace --bins
    "${CARGO_TARGET_DIR:-target}/debug/up" "${TMPDIR:-/tmp}/joiner-up.pid"

# end what "just up" has started
down:
    kill -INT "$(cat "${TMPDIR:-/tmp}/joiner-up.pid")"

# how fast joiner and how small its forwarder is on that, as a table; takes a quarter of an hour (needs Go, and python3 for zig)
bench-cluster *ONLY:
    FORWARDER_BIN=$(functions/forwarder/build.sh "$(uname -m)-unknown-linux-musl"); export FORWARDER_BIN; \
    cargo run --release -p e2e --bin bench_cluster -- {{ ONLY }}

# how large the functions' binaries are, how soon they start, how quick they are, and what an idle month costs (needs Go, and python3)
bench-functions:
    cargo build --release -p bootstrap --bins
    FORWARDER_BIN=$(functions/forwarder/build.sh "$(uname -m)-unknown-linux-musl"); export FORWARDER_BIN; \
    FUNCTIONS_BIN="$(cd "${CARGO_TARGET_DIR:-target}/release" && pwd)" cargo run --release -p e2e --bin bench_functions

# the forwarder as static binaries of at most 8 MB, for TARGETS or for amd64 and arm64 (needs python3 for zig)
forwarder *TARGETS:
    functions/forwarder/build.sh {{ TARGETS }}

# our plans beside Karpenter's: FOLDER holds check/ with problems, judge and Karpenter's results (needs python3)
parity FOLDER="../shared" FILTER="":
    cargo build --release --bin joiner --bin parity
    "${CARGO_TARGET_DIR:-target}/release/parity" "{{ FOLDER }}" "{{ FILTER }}"

# how long planning takes as pods become more; FILTER is a part of a name, as "diverse/1000"
bench FILTER="":
    cargo bench -p bench -- "{{ FILTER }}"

# write what came out into the expected texts; then read the diff
bless:
    UPDATE_EXPECT=1 cargo test --workspace

# write the custom resource definitions into the Helm chart
crds:
    UPDATE_EXPECT=1 cargo test -p joiner-cli --test crds

# check each crate by itself: a feature or dependency that only its neighbours switch on is missing here
each:
    for manifest in functions/*/Cargo.toml shared/*/Cargo.toml tests/*/Cargo.toml; do \
      [[ -e "$manifest" ]] || continue; \
      echo "=== $manifest"; \
      cargo check --all-targets --manifest-path "$manifest"; \
    done

# the Helm chart: lint, schemas, rights, and what a real API server lets each function do
chart:
    infra/charts/check.sh --api-server

# everything, as the build server does it
ci:
    .ci/run
