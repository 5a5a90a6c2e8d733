#!/usr/bin/env bash
# Does what a new user does: clones HEAD, has an empty home, pastes README's two commands, then the curl line that the demo prints.
#
#   scripts/fresh_clone.sh          both commands
#   scripts/fresh_clone.sh demo     the demo only, where the tests have just run
set -euo pipefail
root=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)

scratch=$(mktemp -d)
demo=
finish() {
    if [ -n "$demo" ]; then
        kill -INT -- "-$demo" 2>/dev/null || true
        wait "$demo" || true
    fi
    rm -rf "$scratch"
}
trap finish EXIT

git clone --quiet "$root" "$scratch/clone"
# A Python that has nothing installed, an empty home, none of our variables.
python3 -m venv "$scratch/python"
mkdir "$scratch/home"
unset UV_PROJECT_ENVIRONMENT "${!BRIDGE_@}"
export HOME="$scratch/home" PATH="$scratch/python/bin:$PATH" XDG_CACHE_HOME="$scratch/home/.cache"
cd "$scratch/clone"

# Free ports, so that a Bridge that runs here already is not in the way.
read -r port ws_port < <(python3 - <<'PY'
import socket
a, b = socket.socket(), socket.socket()
for s in (a, b):
    s.bind(("127.0.0.1", 0))
print(a.getsockname()[1], b.getsockname()[1])
PY
)

command=$(python3 scripts/readme_command.py demo)
echo "--- $command"
set -m
bash -c "$command --port $port --ws-port $ws_port" < /dev/null > "$scratch/demo.log" 2>&1 &
demo=$!
set +m

# The demo is ready when it has printed the line to paste; the packages have to be fetched first.
for _ in $(seq 600); do
    grep -q '^ *curl ' "$scratch/demo.log" && break
    kill -0 "$demo" 2>/dev/null || { cat "$scratch/demo.log"; echo "The demo ended by itself."; exit 1; }
    sleep 0.5
done
python3 scripts/paste_demo_curl.py "$scratch/demo.log"

if [ "${1:-all}" != demo ]; then
    command=$(python3 scripts/readme_command.py test)
    echo "--- $command"
    bash -c "$command" < /dev/null
fi
echo "A fresh clone works."
