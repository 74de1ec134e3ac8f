# What this folder's scripts share: how to build, with rustup's target where there is one, else with
# Debian's compiler, which builds `core` from its own sources; and what they start. To be sourced.
# shellcheck shell=bash

FIRMWARE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
WORKSPACE=$(cd "$FIRMWARE/../.." && pwd)
OUT=$WORKSPACE/target/firmware
TARGET=thumbv7m-none-eabi
ELF=$OUT/$TARGET/release/fetchlet-firmware
PROBE=$OUT/$TARGET/release/fetchlet-probe
ALL_PATHS=$OUT/$TARGET/release/fetchlet-all-paths
DECODE=$OUT/host/release/fetchlet-decode
DEBIAN_RUST=(rustc-web rust-web-src cargo-web lld)

fail() {
    echo "$*" >&2
    exit 1
}

install_packages() {
    command -v apt-get > /dev/null || fail "missing: $*; install them"
    [[ $EUID -eq 0 ]] || fail "missing: $*; install them (apt-get install $*), or run this as root"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# need COMMAND PACKAGE...
need() {
    command -v "$1" > /dev/null || install_packages "${@:2}"
}

has_rustup_target() {
    command -v rustup > /dev/null && rustup target list --installed 2> /dev/null | grep -qxF "$TARGET"
}

need_debian_rust() {
    local package absent=()
    command -v dpkg-query > /dev/null ||
        fail "missing: the target $TARGET; get it by: rustup target add $TARGET"
    for package in "${DEBIAN_RUST[@]}"; do
        dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2> /dev/null | grep -q '^ii' ||
            absent+=("$package")
    done
    [[ ${#absent[@]} -eq 0 ]] || [[ $EUID -eq 0 ]] ||
        fail "missing: the target $TARGET; get it by: rustup target add $TARGET" \
            "(or install Debian's ${absent[*]})"
    [[ ${#absent[@]} -eq 0 ]] || install_packages "${absent[@]}"
}

# firmware_cargo COMMAND ARGUMENT...: cargo in this folder, for the bare target.
firmware_cargo() (
    cd "$FIRMWARE"
    # They would replace what .cargo/config.toml says, or build it twice.
    unset RUSTFLAGS CARGO_BUILD_TARGET CARGO_TARGET_DIR CARGO_ENCODED_RUSTFLAGS DEFMT_LOG
    if has_rustup_target; then
        cargo "$1" --release "${@:2}"
    else
        need_debian_rust
        # rustup's proxies may come first in PATH and know nothing of this compiler.
        export PATH="/usr/bin:$PATH" RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
        export CARGO_HOME="$WORKSPACE/target/bare-metal/cargo-home"
        export CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER=ld.lld
        /usr/bin/cargo "$1" --release -Zbuild-std=core "${@:2}"
    fi
)

build_firmware() {
    firmware_cargo build --locked --quiet -p fetchlet-firmware
}

# Apart from the firmware, whose features of cortex-m-rt it shall not get.
build_probe() {
    firmware_cargo build --locked --quiet -p fetchlet-probe --bin fetchlet-probe
}

# build_all_paths FEATURE
build_all_paths() {
    firmware_cargo build --locked --quiet -p fetchlet-probe --bin fetchlet-all-paths --features "$1"
}

# host_cargo ARGUMENT...: cargo for the host, whatever built the firmware.
host_cargo() (
    cd "$WORKSPACE"
    unset RUSTFLAGS CARGO_BUILD_TARGET CARGO_TARGET_DIR RUSTC RUSTC_BOOTSTRAP
    cargo "$@"
)

build_decoder() {
    host_cargo build --release --locked --quiet --target-dir "$OUT/host" \
        --manifest-path "$FIRMWARE/decode/Cargo.toml"
}

# sections ELF NAME...: how many bytes these sections have in all
sections() {
    local name pattern=
    need readelf binutils
    for name in "${@:2}"; do
        pattern+="${pattern:+|}\\$name"
    done
    readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\] *//' | {
        local total=0 section size rest
        while read -r section rest _ _ size _; do
            [[ $section =~ ^($pattern)$ ]] && total=$((total + 16#$size))
        done
        echo "$total"
    }
}

# symbol_bytes ELF NAME: of a static, whatever its name is mangled to
symbol_bytes() {
    readelf -sW "$1" | awk -v name="[0-9]$2" '$4 == "OBJECT" && $8 ~ name { print $3 }'
}

flash_bytes() {
    sections "$ELF" .vector_table .text .rodata .data
}

static_bytes() {
    sections "$ELF" .data .bss .uninit
}

# A folder for this run, and what was started for it; both are gone at the end.
begin() {
    CHILDREN=()
    mkdir -p "$OUT"
    FOLDER=$(mktemp -d "$OUT/run.XXXXXX")
    trap clean_up EXIT
}

clean_up() {
    local child
    for child in "${CHILDREN[@]}"; do
        kill "$child" 2> /dev/null || true
    done
    rm -rf "$FOLDER"
}

# first_line COMMAND...: starts it, and leaves in LINE the first line that it prints
first_line() {
    exec {OUTPUT}< <(exec "$@" < /dev/null 2> "$FOLDER/errors")
    CHILDREN+=($!)
    read -r -t 20 LINE <&"$OUTPUT" || {
        cat "$FOLDER/errors" >&2
        fail "$1 does not start"
    }
}

# made_up BYTES: always the same
made_up() {
    python3 -c 'import random, sys
sys.stdout.buffer.write(random.Random(1).randbytes(int(sys.argv[1])))' "$1"
}
