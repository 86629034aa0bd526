#!/bin/sh
# Runs once, when PostgreSQL's volume is made (docker-compose.yml): the server gets a role of its own, which owns its
# database and has no right on anything else. After that nobody can log in as the superuser over the network.
set -e
psql --set ON_ERROR_STOP=1 --set password="$POSTGRES_PASSWORD" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE invok LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
CREATE DATABASE invok OWNER invok;
REVOKE ALL ON DATABASE invok FROM PUBLIC;
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
ALTER ROLE CURRENT_USER PASSWORD NULL;
SQL
