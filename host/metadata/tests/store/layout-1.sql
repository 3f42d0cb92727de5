CREATE TABLE charge (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    epoch BIGINT NOT NULL,
    holder TEXT NOT NULL,
    beat BIGINT NOT NULL,
    released BOOLEAN NOT NULL
);
INSERT INTO charge VALUES (1, 0, '', 0, FALSE);
CREATE TABLE configuration (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    cluster_id TEXT NOT NULL,
    protocol TEXT,
    table_schema TEXT,
    sharding TEXT NOT NULL,
    hash_plugin TEXT,
    placement_plugin TEXT
);
CREATE TABLE shard_t (
    position BIGINT NOT NULL,
    id TEXT PRIMARY KEY,
    low BIGINT NOT NULL,
    size BIGINT NOT NULL,
    valid_at BIGINT NOT NULL
);
CREATE TABLE server (
    position BIGINT NOT NULL,
    id BIGINT NOT NULL UNIQUE,
    name TEXT PRIMARY KEY,
    incarnation TEXT
);
CREATE TABLE map_t (
    shard TEXT NOT NULL REFERENCES shard_t (id),
    server TEXT NOT NULL REFERENCES server (name) ON DELETE CASCADE,
    state TEXT NOT NULL,
    PRIMARY KEY (shard, server)
);
CREATE TABLE ring (
    slot BIGINT PRIMARY KEY,
    virtual_node BIGINT NOT NULL,
    server TEXT NOT NULL
);
CREATE TABLE remembered (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    answer TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX remembered_at ON remembered (at);
PRAGMA user_version = 1;
