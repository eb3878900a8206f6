#!/bin/sh
# Install what the project needs from the system (compilers, the emulator, a Python), then make its virtual environment.
# Silent when everything is there. PYTHON=python3.12 names the interpreter.
#   ./setup.sh          for `make demo` and `make run`
#   ./setup.sh tests    and clang, cppcheck, Node.js, the compilers and emulators of the cores that only the tests run on
#   ./setup.sh venv     the virtual environment alone: no system packages, no sudo
set -eu
cd "$(dirname "$0")"
FOR=${1:-}
mkdir -p build
LOG=build/setup.log

say() { printf 'setup: %s\n' "$*"; }
has() { command -v "$1" >/dev/null 2>&1; }

find_python() {
    for name in .venv/bin/python ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
        if "$name" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
}

# The sanitizers and libFuzzer are a package of their own, named after clang's version.
can_fuzz() {
    echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d == 0 && n == 1; }' \
        | clang -x c -fsanitize=fuzzer,address,undefined -o build/can_fuzz - >/dev/null 2>&1
}

clang_runtime() {
    version=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
    if [ -n "$version" ] && apt-cache show "libclang-rt-$version-dev" >/dev/null 2>&1; then
        echo "libclang-rt-$version-dev"
    else
        echo "libclang-common-${version:-14}-dev" # before Debian 12 and Ubuntu 23.04
    fi
}

# Names of the Debian packages of everything that is not there. Files are asked for, not packages: a compiler
# or a Python that came another way is as good.
missing_packages() {
    python=$(find_python)
    if [ -z "$python" ]; then
        has python3 || echo python3 python3-venv python3-dev
    else
        version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
        "$python" -c 'import ensurepip, venv' 2>/dev/null || echo "$version-venv"
        include=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
        [ -e "$include/Python.h" ] || echo "$version-dev"
    fi
    echo '#include <stdio.h>' | cc -E - >/dev/null 2>&1 || echo gcc libc6-dev
    has arm-none-eabi-gcc || echo gcc-arm-none-eabi
    case $(arm-none-eabi-gcc -print-file-name=libc.a 2>/dev/null) in
        /*) ;;
        *) echo libnewlib-arm-none-eabi ;;
    esac
    has qemu-system-arm || echo qemu-system-arm
    [ "$FOR" = tests ] || return 0
    has cppcheck || echo cppcheck
    has clang || echo clang
    has cmake || echo cmake
    echo '#include <mbedtls/ecdsa.h>' | cc -E - >/dev/null 2>&1 || echo libmbedtls-dev
    has chromium || has chromium-browser || has google-chrome || echo chromium
    has postgres || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || echo postgresql
    has mosquitto || [ -x /usr/sbin/mosquitto ] || echo mosquitto
    can_fuzz || echo "$(clang_runtime)"
    has riscv64-unknown-elf-gcc || echo gcc-riscv64-unknown-elf
    has xtensa-lx106-elf-gcc || echo gcc-xtensa-lx106
    has node || echo nodejs
    has npm || echo npm
    { has qemu-system-riscv32 && has qemu-system-xtensa; } || echo qemu-system-misc
}

install() {
    say "system packages: $*"
    if ! has apt-get; then
        say "this is neither Debian nor Ubuntu: install what corresponds to these packages by hand."
        return
    fi
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    if { $sudo apt-get update; $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "$@"; } >>"$LOG" 2>&1; then
        return
    fi
    tail -n 3 "$LOG"
    say "could not install them (all of it: $LOG). Do it by hand: apt-get install $*"
    say "going on; what needs them will say so."
}

touch "$LOG"
if [ "$FOR" != venv ]; then
    packages=$(missing_packages | tr '\n' ' ')
    # shellcheck disable=SC2086  # a list of words
    [ -z "$packages" ] || install $packages
fi

if [ ! -x .venv/bin/python ]; then
    python=$(find_python)
    if [ -z "$python" ]; then
        say "no Python 3.10 to 3.13 found (looked for: ${PYTHON:-python3 and python3.10 to python3.13})."
        say "install one and name it: make setup PYTHON=/path/to/python3.12"
        exit 1
    fi
    say "virtual environment .venv with $("$python" --version)"
    "$python" -m venv .venv >>"$LOG" 2>&1 || {
        tail -n 5 "$LOG"
        say "could not make .venv; install the package python3-venv and try again."
        rm -rf .venv
        exit 1
    }
fi
