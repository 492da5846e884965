#!/usr/bin/env bash
# Installs system packages where they are missing: libraries for headless rendering, with the argument `test` also what
# the tests drive: a browser, Node.js and two proxies; with `test slow` PostgreSQL too. Only Debian and its kin are known.
set -eu

missing=()
has_library() { ldconfig -p | grep -q "$1"; }
has_library libEGL.so.1 || missing+=(libegl1 libegl-mesa0 libgl1-mesa-dri)
has_library libOSMesa.so || missing+=(libosmesa6)
has_library libGL.so.1 || missing+=(libgl1)
if [ "${1:-}" = test ]; then
    [ -x /usr/bin/chromium ] || missing+=(chromium)
    command -v node >/dev/null || missing+=(nodejs)
    [ -x /usr/sbin/nginx ] || missing+=(nginx)
    [ -x /usr/bin/caddy ] || missing+=(caddy)
    if [ "${2:-}" = slow ]; then
        compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
    fi
fi
[ "${#missing[@]}" -eq 0 ] && exit 0

run() { if [ "$(id -u)" -eq 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else return 1; fi; }
echo "Installing system packages: ${missing[*]}"
if ! command -v apt-get >/dev/null; then
    echo "No apt-get here: install these yourself; 'rl-teacher doctor' says what works." >&2
    exit 0
fi
if ! { run apt-get update -qq &&
    run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; }; then
    echo "Could not install ${missing[*]}: training works, clips or browser tests do not ('rl-teacher doctor')." >&2
fi
# The tests start their own proxies; those that Debian starts would take this machine's ports 80 and 443.
for proxy in nginx caddy; do
    if [[ " ${missing[*]} " = *" $proxy "* ]] && [ -d /run/systemd/system ]; then
        run systemctl disable --quiet --now "$proxy" || echo "Could not stop $proxy, which was just installed." >&2
    fi
done
