-- Only what SQLite and PostgreSQL both say in the same words.

-- Keys with which servers prove themselves; only hashes of their secrets.
CREATE TABLE keys (
    client_id TEXT NOT NULL PRIMARY KEY,
    server TEXT NOT NULL,
    secret TEXT NOT NULL,
    -- good or revoked
    state TEXT NOT NULL,
    nodes TEXT NOT NULL,
    added_ms BIGINT NOT NULL,
    -- 0: not yet
    used_ms BIGINT NOT NULL
);
CREATE INDEX keys_of_servers ON keys (server);

-- What is known of servers; a row stays when a server is removed, so that its version goes on.
CREATE TABLE servers (
    name TEXT NOT NULL PRIMARY KEY,
    -- 1: its feed counts, and its nodes may ask
    active BIGINT NOT NULL,
    -- The number of the feed that counts; only higher ones take its place.
    feed BIGINT NOT NULL,
    -- Of the server's store, in hexadecimal; empty: nothing came yet
    incarnation TEXT NOT NULL,
    -- Of the server's store
    position BIGINT NOT NULL,
    -- Grows with each change of anything here, or of an entry.
    version BIGINT NOT NULL,
    -- Whoever knows less than this version reads all entries anew.
    floor BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    share TEXT NOT NULL,
    changed_ms BIGINT NOT NULL
);

CREATE TABLE entries (
    server TEXT NOT NULL,
    -- kind, a space, and what the server calls it
    id TEXT NOT NULL,
    -- Of the server, when the entry changed last
    version BIGINT NOT NULL,
    -- JSON; empty: it was removed, which instances may not have heard of yet
    body TEXT NOT NULL,
    PRIMARY KEY (server, id)
);
CREATE INDEX entries_by_version ON entries (server, version);
CREATE INDEX entries_gone ON entries (server, version) WHERE body = '';

-- Parts of snapshots that did not end yet.
CREATE TABLE staged (
    server TEXT NOT NULL,
    feed BIGINT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (server, feed, id)
);

CREATE TABLE instances (
    name TEXT NOT NULL PRIMARY KEY,
    address TEXT NOT NULL,
    seen_ms BIGINT NOT NULL
);

CREATE TABLE events (
    -- The time and a random number, in hexadecimal: they sort as they happened.
    id TEXT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    content TEXT NOT NULL
);
