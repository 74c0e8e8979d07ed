#!/bin/sh
# Makes the environments of the frameworks that batchsweep is compared with,
# each a Python venv with the versions pinned in its requirements-*.txt:
#
#   tools/compare/setup.sh [jax] [keras] [numpy] [onnxruntime] [torch]
#
# All if none is named. They come from the package index that pip is configured
# for and go into build/compare/. One that cannot be installed is told, with the
# reason, and left out of comparisons, unless the system's Python has it: the
# exit code is 0 all the same. What is already there is kept and needs no
# network.
set -eu
cd "$(dirname "$0")/../.."
if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  sed -n '2,/^set /s/^# \{0,1\}//p' "$0" | sed '/^set /d'
  exit 0
fi

folder=build/compare
python=${PYTHON:-/usr/bin/python3}
all=
for file in tools/compare/requirements-*.txt; do
  file=${file#*requirements-}
  all="$all ${file%.txt}"
done

missing() {
  echo "$2" >"$folder/$1.missing"
  echo "compare/setup: $1 is missing: $2" >&2
}

# Installs into a new venv; the reason on stdout if it does not work.
install_venv() {
  log=$folder/$1.log
  if ! "$python" -m venv "$folder/$1" >"$log" 2>&1; then
    echo "no venv: $(tail -n 1 "$log"); install python3-venv"
    return 1
  fi
  if ! "$folder/$1/bin/pip" install --disable-pip-version-check --requirement "tools/compare/requirements-$1.txt" >>"$log" 2>&1; then
    echo "pip: $(grep -m 1 '^ERROR' "$log" || tail -n 1 "$log")"
    return 1
  fi
  # From elsewhere, since a folder here may be called like the module.
  if ! (cd / && "$OLDPWD/$folder/$1/bin/python" -c "import $2") >>"$log" 2>&1; then
    echo "it does not start: $(tail -n 1 "$log")"
    return 1
  fi
}

mkdir -p "$folder"
# shellcheck disable=SC2086 # names without spaces
[ $# -gt 0 ] || set -- $all
for framework in "$@"; do
  if ! [ -f "tools/compare/requirements-$framework.txt" ]; then
    echo "compare/setup: no framework '$framework'; there are$all" >&2
    exit 1
  fi
  wanted=$(cat "tools/compare/requirements-$framework.txt")
  # The module that says that an environment is whole.
  module=$(echo "$wanted" | sed -n 's/^#: import //p')
  if [ -x "$folder/$framework/bin/python" ]; then
    # A link to an environment elsewhere is kept as it is.
    if [ -L "$folder/$framework" ] || [ "$(cat "$folder/$framework.contents" 2>/dev/null || true)" = "$wanted" ]; then
      echo "compare/setup: $framework is there ($module)"
      continue
    fi
  fi
  echo "compare/setup: installing $framework (minutes; torch and keras take some GB)"
  rm -rf "${folder:?}/$framework" "$folder/$framework.contents" "$folder/$framework.missing"
  if reason=$(install_venv "$framework" "$module"); then
    echo "$wanted" >"$folder/$framework.contents"
  else
    rm -rf "${folder:?}/$framework"
    missing "$framework" "$reason"
  fi
done
