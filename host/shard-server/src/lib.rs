//! shard-server
