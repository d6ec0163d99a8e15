//! The same people in a table of PostgreSQL, with an index of trigrams over all that is searched.

use crate::rate::Asked;
use anyhow::Context as _;
use plenary_people::fold;
use plenary_people_index::samples::{Samples, Typed};
use plenary_testkit::Postgres;
use sqlx::{AnyPool, AssertSqlSafe, Row as _, any::AnyPoolOptions};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Rows in one statement.
const ROWS: u64 = 1_000;
/// As many as are asked at once: it has a process for each.
const CONNECTIONS: u32 = 16;

#[derive(Clone)]
pub(crate) struct Table {
    pool: AnyPool,
    pub(crate) filled: Duration,
    /// Ends with this.
    _postgres: Arc<Postgres>,
}

impl Table {
    pub(crate) async fn fill(samples: &Samples, people: u64) -> anyhow::Result<Self> {
        sqlx::any::install_default_drivers();
        let settings = [
            "shared_buffers=1GB",
            "maintenance_work_mem=512MB",
            "max_wal_size=8GB",
        ];
        let postgres = Postgres::start_with(&settings).await?;
        let postgres = postgres.context("PostgreSQL is not installed")?;
        let pool = AnyPoolOptions::new().max_connections(CONNECTIONS);
        let pool = pool.connect(&postgres.url()).await?;
        let start = Instant::now();
        for sql in [
            "CREATE EXTENSION pg_trgm",
            "CREATE TABLE people (id TEXT NOT NULL, server TEXT NOT NULL, name TEXT NOT NULL, words TEXT NOT NULL)",
        ] {
            sqlx::query(sql).execute(&pool).await?;
        }
        for first in (0..people).step_by(ROWS as usize) {
            let numbers = first..(first + ROWS).min(people);
            let places = |row: u64| {
                let at = 4 * row;
                format!("(${}, ${}, ${}, ${})", at + 1, at + 2, at + 3, at + 4)
            };
            let rows: Vec<String> = (0..numbers.end - numbers.start).map(places).collect();
            let sql = format!("INSERT INTO people VALUES {}", rows.join(", "));
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for person in numbers.map(|number| samples.person(number)) {
                let words = format!("{} {}", person.display_name, person.department);
                query = query
                    .bind(person.id.id.clone())
                    .bind(person.id.server.to_string())
                    .bind(person.display_name.clone())
                    .bind(format!("{} {}", fold::fold(&words), person.id.id));
            }
            query.execute(&pool).await?;
        }
        for sql in [
            "CREATE INDEX people_words ON people USING gin (words gin_trgm_ops)",
            "ANALYZE people",
        ] {
            sqlx::query(sql).execute(&pool).await?;
        }
        Ok(Self {
            pool,
            filled: start.elapsed(),
            _postgres: Arc::new(postgres),
        })
    }

    /// Of the table and its index.
    pub(crate) async fn megabytes(&self) -> anyhow::Result<f64> {
        let sql = "SELECT pg_total_relation_size('people')";
        let bytes: i64 = sqlx::query(sql).fetch_one(&self.pool).await?.try_get(0)?;
        Ok(bytes as f64 / (1 << 20) as f64)
    }
}

impl Asked for Table {
    async fn ask(&self, typed: &Typed) -> anyhow::Result<usize> {
        let all: Vec<String> = (1..=typed.words.len())
            .map(|n| format!("words ILIKE ${n}"))
            .collect();
        let sql = format!(
            "SELECT id FROM people WHERE {} ORDER BY server <> ${}, name LIMIT 10",
            all.join(" AND "),
            typed.words.len() + 1
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for word in &typed.words {
            query = query.bind(format!("%{word}%"));
        }
        let rows = query.bind(typed.viewer.server.to_string()).fetch_all(&self.pool);
        Ok(rows.await?.len())
    }
}
