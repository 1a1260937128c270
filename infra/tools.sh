#!/usr/bin/env bash
# tools.sh NAME PACKAGE... - Python packages in a folder of their own, as their pins do not go together. They come from PyPI, once
# for each name, into ~/.cache/joiner. Prints where their programs are.
set -euo pipefail

folder="${JOINER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/joiner}/$1"
shift
mkdir -p "$(dirname "$folder")"
# Two that want the same folder take turns.
exec 9>"$folder.lock"
flock 9
# The last word of an installation is its mark.
if [[ ! -e "$folder/done" ]]; then
  echo "installing $* into $folder" >&2
  python3 -m venv "$folder" >&2
  "$folder/bin/pip" install --quiet --disable-pip-version-check "$@" >&2
  touch "$folder/done"
fi
echo "$folder/bin"
