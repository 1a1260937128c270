#!/usr/bin/env bash
# Builds the forwarder as a static binary, for the targets that are named or for both, into target/forwarder/ARCH/, which
# is the context of the Containerfile. Fails if one is not static or larger than 8 MB. Prints the paths, nothing else, on
# standard output.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

limit=8000000
tools="${XDG_CACHE_HOME:-$HOME/.cache}/joiner/zig"
target="${CARGO_TARGET_DIR:-target}"

# zig is the C compiler and linker for both targets, and ring the only crate that needs one.
if ! command -v cargo-zigbuild >/dev/null; then
  if [[ ! -x "$tools/bin/cargo-zigbuild" ]]; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet cargo-zigbuild ziglang==0.17.1 >&2
  fi
  export PATH="$tools/bin:$PATH"
fi

if (($# == 0)); then
  set -- x86_64-unknown-linux-musl aarch64-unknown-linux-musl
fi
for triple in "$@"; do
  case "$triple" in
    x86_64-unknown-linux-musl) arch=amd64 ;;
    aarch64-unknown-linux-musl) arch=arm64 ;;
    *)
      echo "usage: build.sh [x86_64-unknown-linux-musl] [aarch64-unknown-linux-musl]" >&2
      exit 2
      ;;
  esac
  rustup target add "$triple" >&2
  cargo zigbuild --profile small --target "$triple" -p forwarder --bin forwarder >&2
  mkdir -p "$target/forwarder/$arch"
  binary="$target/forwarder/$arch/forwarder"
  cp "$target/$triple/small/forwarder" "$binary"
  # A static binary asks for no interpreter.
  if LC_ALL=C grep --quiet --text -E '/lib(64)?/ld-(linux|musl)' "$binary"; then
    echo "$binary: is not static" >&2
    exit 1
  fi
  size=$(stat -c %s "$binary")
  echo "$triple: $size bytes" >&2
  if ((limit < size)); then
    echo "$binary: $size bytes, at most $limit allowed" >&2
    exit 1
  fi
  echo "$binary"
done
