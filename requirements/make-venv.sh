#!/bin/sh
# make-venv.sh DIR [PYTHON]: make a virtual environment with PYTHON, or with the newest Python here that can.
# Written for sh because it runs before there is any Python that we know of.
set -u
dir=$1
candidates=${2:-python3.14 python3.13 python3.12 python3.11 python3 python}

answers() { "$1" -c "$2" >/dev/null 2>&1; } # a pyenv shim exists and yet does not run: only an answer counts

incomplete= old=
for python in $candidates; do
  if ! answers "$python" 'import sys'; then continue; fi
  if ! answers "$python" 'import sys; sys.exit(sys.version_info < (3, 11))'; then old=${old:-$python}; continue; fi
  incomplete=${incomplete:-$python}
  if answers "$python" 'import ensurepip, ssl, sqlite3, venv' && "$python" -m venv --clear "$dir" >/dev/null 2>&1; then
    exit 0
  fi
  rm -rf "$dir"
done

version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

if [ -n "$incomplete" ]; then
  v=$(version "$incomplete")
  echo "$incomplete is Python $v but cannot make a virtual environment: a part of its standard library is not installed."
  echo "  Debian, Ubuntu:  apt-get install python$v-venv"
  echo "  Fedora:          dnf install python$v"
  echo "Then run make again, or name another Python: make PYTHON=/path/to/python3"
elif [ -n "$old" ]; then
  echo "$old is Python $(version "$old"); Safelight needs 3.11 or newer."
  echo "Install a newer one, or name it: make PYTHON=/path/to/python3"
else
  echo "No Python found (tried: $candidates); Safelight needs 3.11 or newer."
  echo "  Debian, Ubuntu:  apt-get install python3 python3-venv"
  echo "  Fedora:          dnf install python3"
  echo "Or name one: make PYTHON=/path/to/python3"
fi >&2
exit 1
