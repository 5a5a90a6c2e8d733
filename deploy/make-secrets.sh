#!/bin/sh
# Makes the secret files that docker-compose.yml mounts, once: what exists is never overwritten.
set -eu
cd "$(dirname "$0")/.."

mkdir -p secrets
# The folder keeps others out. The files are readable, because compose mounts them with the host's
# owner and mode, and the containers run as users that the host does not know.
chmod 0700 secrets
echo '*' > secrets/.gitignore

if [ -e secrets/postgres_password ] || [ -e secrets/database_url ]; then
    echo "secrets/ is already there; nothing was changed." >&2
    exit 0
fi

password=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
[ "${#password}" -eq 64 ]
printf '%s' "$password" > secrets/postgres_password
printf 'postgresql://bridge:%s@postgres:5432/bridge' "$password" > secrets/database_url
chmod 0444 secrets/postgres_password secrets/database_url
echo "Wrote secrets/postgres_password and secrets/database_url. Back them up with the database." >&2
