#!/bin/sh
# Run once by the postgres image, on an empty volume: the database and the three roles that may use it.
# None is a superuser or may make roles; sublet_app and sublet_system own nothing, migrations grant to them.
set -eu
: "${OWNER_PASSWORD:?}" "${APP_PASSWORD:?}" "${SYSTEM_PASSWORD:?}"
psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
\getenv system_password SYSTEM_PASSWORD
CREATE ROLE sublet_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE sublet_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'app_password';
CREATE ROLE sublet_system LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'system_password';
CREATE DATABASE sublet OWNER sublet_owner;
REVOKE ALL ON DATABASE sublet FROM PUBLIC;
GRANT CONNECT ON DATABASE sublet TO sublet_app, sublet_system;
SQL
