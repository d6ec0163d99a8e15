-- Only what SQLite and PostgreSQL both say in the same words.

-- Two keys of one server that are given at the same time cannot both count.
UPDATE keys SET state = 'revoked' WHERE state = 'good' AND EXISTS
    (SELECT 1 FROM keys AS newer WHERE newer.server = keys.server AND newer.state = 'good'
     AND (newer.added_ms > keys.added_ms OR newer.added_ms = keys.added_ms AND newer.client_id > keys.client_id));
CREATE UNIQUE INDEX keys_that_count ON keys (server) WHERE state = 'good';

-- The newest leadership of the server's store that was heard, and the incarnation that it is of.
ALTER TABLE servers ADD COLUMN term BIGINT NOT NULL DEFAULT 0;
ALTER TABLE servers ADD COLUMN term_of TEXT NOT NULL DEFAULT '';
-- Of the bodies of all its entries.
ALTER TABLE servers ADD COLUMN bytes BIGINT NOT NULL DEFAULT 0;
UPDATE servers SET bytes =
    (SELECT COALESCE(SUM(octet_length(body)), 0) FROM entries WHERE entries.server = servers.name);

-- What is newer is read in this order, in pages.
DROP INDEX entries_by_version;
CREATE INDEX entries_by_version ON entries (server, version, id);

-- When the part came: those of feeds that never came back are forgotten.
ALTER TABLE staged ADD COLUMN at_ms BIGINT NOT NULL DEFAULT 0;
