#!/bin/sh
# python314.sh DIR: print a CPython 3.14, which is what AWS Lambda runs. One that is on the PATH is taken as it is; on
# Debian and its relatives one is unpacked into DIR from Debian's packages, with the C library it was linked against,
# and without a change of the system. Exits 1, with the reason on stderr, where neither can be had.
set -eu

answers() { "$1" -c 'import sys, ssl, sqlite3, venv; sys.exit(sys.version_info[:2] != (3, 14))' >/dev/null 2>&1; }

if answers python3.14; then command -v python3.14; exit 0; fi
case $1 in /*) dir=$1 ;; *) dir=$PWD/$1 ;; esac
python=$dir/root/usr/bin/python3.14
if answers "$python"; then echo "$python"; exit 0; fi
if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
  echo "There is no python3.14 on the PATH, and no apt-get to get it with." >&2
  exit 1
fi

rm -rf "$dir"
mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/debs"
# The mirror is the one that this machine is set up with, whichever that is.
mirror=$(awk '/^URIs/{print $2; exit} $1=="deb"{for(i=2;i<=NF;i++) if ($i ~ /:\/\//){print $i; exit}}' \
  /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || true)
if [ -z "$mirror" ]; then echo "apt knows no mirror of Debian." >&2; exit 1; fi
suite=forky # the first with 3.14
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$dir/source.list"
apt() {
  apt-get -qq -o Acquire::Retries=2 -o Acquire::Languages=none -o Dir::Etc::sourcelist="$dir/source.list" \
    -o Dir::Etc::sourceparts=/dev/null -o Dir::State="$dir" -o Dir::State::status=/var/lib/dpkg/status \
    -o Dir::Cache="$dir" -o APT::Sandbox::User="$(id -un)" "$@" >&2
}
apt update
(cd "$dir/debs" && apt download python3.14 python3.14-minimal libpython3.14-minimal libpython3.14-stdlib libc6 \
  libssl3t64 libexpat1 zlib1g libffi8 libbz2-1.0 liblzma5 libsqlite3-0 libuuid1 libzstd1 libncursesw6 \
  libreadline8t64 libtinfo6 libdb5.3t64 libgcc-s1 libstdc++6)
for deb in "$dir"/debs/*.deb; do dpkg -x "$deb" "$dir/root"; done
libraries=$(echo "$dir"/root/usr/lib/*-linux-gnu)
"$2" --set-interpreter "$(echo "$libraries"/ld-linux-*.so.*)" --force-rpath --set-rpath "$libraries" "$python"
answers "$python" || { echo "The Python that was unpacked does not run." >&2; exit 1; }
rm -rf "$dir/debs" "$dir/lists" "$dir/archives"
"$python" -m compileall -q "$dir/root/usr/lib/python3.14" >&2 || true
echo "$python"
