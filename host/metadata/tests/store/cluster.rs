use sqlx::{Connection, Executor};
pub struct Cluster;
impl Cluster {
    pub async fn start() -> Self {
        Cluster
    }
    pub async fn database(&self, name: &str) -> String {
        let base = "postgres://postgres@localhost/DB?host=/tmp/pgmeta";
        let mut c = sqlx::PgConnection::connect(&base.replace("DB", "postgres")).await.unwrap();
        let sql = sqlx::AssertSqlSafe(format!(
            "DROP DATABASE IF EXISTS {name} WITH (FORCE); CREATE DATABASE {name}"
        ));
        for s in sql.0.split(';') {
            c.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(s.to_owned()))).await.unwrap();
        }
        base.replace("DB", name)
    }
}
