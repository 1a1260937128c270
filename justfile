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

# check each crate by itself: a feature or dependency that only its neighbours switch on is missing here
each:
    for manifest in functions/*/Cargo.toml shared/*/Cargo.toml tests/*/Cargo.toml; do \
      [[ -e "$manifest" ]] || continue; \
      echo "=== $manifest"; \
      cargo check --all-targets --manifest-path "$manifest"; \
    done

# everything, as the build server does it
ci:
    .ci/run
