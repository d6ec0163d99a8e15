//! Configuration of one instance: TOML file, `PLENARY_…` variables over it, flags over those.

use plenary_member::config::Log;
use plenary_model::NodeName;
use plenary_people::Rule;
use plenary_program::{UsageError, config::layered, ports};
use plenary_telemetry::Secret;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Everything an instance must know before it can read its own data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder of this instance: who it is, and the database where that is SQLite.
    pub data: PathBuf,
    /// Name of this instance; read when it is founded, and compared with the data afterwards.
    pub name: Option<NodeName>,
    pub listen: Listen,
    pub advertise: Advertise,
    pub database: Database,
    pub follow: Follow,
    pub limits: Limits,
    pub policy: PolicyRules,
    pub log: Log,
}

/// Addresses to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Servers of the enterprise.
    pub directory: String,
    /// Metrics, health and readiness; keep it on loopback.
    pub metrics: String,
}

/// How others reach this instance, where it is not what it listens on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Advertise {
    /// `host:port` of the directory port.
    pub directory: Option<String>,
}

/// Where entries are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `postgres://user:password@host/database`; none: SQLite in the data folder.
    pub url: Option<Secret<String>>,
    /// File that holds the address instead.
    pub url_file: Option<PathBuf>,
}

/// Whom this instance follows, with SQLite: it has a copy, and answers also while the other is away.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Follow {
    /// `host:port` of the instance that serves; none: this one does.
    pub first: Option<String>,
}

/// Bounds that the operator sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Entries of one server.
    pub entries: u64,
    /// Size of all entries of one server, as they are kept.
    pub megabytes: u64,
    /// Changes of one server that are taken each second in the long run.
    pub changes_per_second: u32,
    /// Questions of one server.
    pub queries_per_second: u32,
    /// Questions of one user.
    pub user_queries_per_second: u32,
    /// Different searches of one user.
    pub user_searches_per_minute: u32,
}

/// Which servers see which: the first rule that is about both decides, and without any rule all see all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyRules {
    pub rules: Vec<Rule>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "/var/lib/plenary-directory".into(),
            name: None,
            listen: Listen::default(),
            advertise: Advertise::default(),
            database: Database::default(),
            follow: Follow::default(),
            limits: Limits::default(),
            policy: PolicyRules::default(),
            log: Log::at("info,sqlx=warn"),
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            directory: "[::]:4311".into(),
            metrics: "127.0.0.1:9464".into(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 1_000_000,
            megabytes: 2_048,
            changes_per_second: 10_000,
            queries_per_second: 500,
            user_queries_per_second: 5,
            user_searches_per_minute: 20,
        }
    }
}

impl Config {
    /// Reads the file (if any) and the environment; `overrides` are the flags.
    pub(crate) fn load(file: Option<&Path>, overrides: &toml::Table) -> anyhow::Result<Self> {
        let full = Config {
            name: "dir-1".parse().ok(),
            advertise: Advertise {
                directory: Some(String::new()),
            },
            database: Database {
                url: Some(Secret::new(String::new())),
                url_file: Some(PathBuf::new()),
            },
            follow: Follow {
                first: Some(String::new()),
            },
            log: Log {
                file: Some(PathBuf::new()),
                ..Log::at("")
            },
            ..Config::default()
        };
        let config: Config = layered(file, overrides, &full)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        ports::check("listen.directory", &self.listen.directory, 4311)?;
        ports::check("listen.metrics", &self.listen.metrics, 9464)?;
        let Limits {
            entries,
            megabytes,
            changes_per_second,
            queries_per_second,
            user_queries_per_second,
            user_searches_per_minute,
        } = self.limits;
        let rates = [
            changes_per_second,
            queries_per_second,
            user_queries_per_second,
            user_searches_per_minute,
        ];
        if entries == 0 || megabytes == 0 || rates.contains(&0) {
            let text =
                "configuration: limits must be at least 1; a server that shall tell nothing is removed";
            return Err(UsageError::new(text).into());
        }
        if self.database.url.is_some() && self.database.url_file.is_some() {
            let text = "configuration: give database.url or database.url_file, not both";
            return Err(UsageError::new(text).into());
        }
        self.check_follow()?;
        Ok(self.log.check_format()?)
    }

    fn check_follow(&self) -> Result<(), UsageError> {
        let Some(first) = &self.follow.first else {
            return Ok(());
        };
        let is_address = |(host, port): (&str, &str)| !host.is_empty() && port.parse::<u16>().is_ok();
        if !first.rsplit_once(':').is_some_and(is_address) {
            let text = format!(
                "configuration: follow.first is {first:?}, but must be host:port of the other instance"
            );
            return Err(UsageError::new(text));
        }
        if self.advertise.directory.as_ref() == Some(first) {
            let text =
                "configuration: follow.first is this instance itself; give the address of the other one";
            return Err(UsageError::new(text));
        }
        if self.database.url.is_some() || self.database.url_file.is_some() {
            let text = "configuration: instances with PostgreSQL serve together; leave out follow.first, or the database";
            return Err(UsageError::new(text));
        }
        Ok(())
    }

    /// Address of the database; `None`: SQLite in the data folder.
    pub(crate) fn database_url(&self) -> Result<Option<String>, UsageError> {
        let url = match (&self.database.url, &self.database.url_file) {
            (Some(url), _) => Some(url.expose().clone()),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    UsageError::new(format!(
                        "database.url_file {} cannot be read: {error}",
                        file.display()
                    ))
                })?;
                Some(text.trim().to_owned())
            }
            (None, None) => None,
        };
        match url {
            Some(url) if !crate::store::is_postgres(&url) => Err(UsageError::new(
                "configuration: database.url is not that of a PostgreSQL, like postgres://user:password@host/database; leave it out for SQLite",
            )),
            url => Ok(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Config> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("directory.toml");
        std::fs::write(&file, text)?;
        Config::load(Some(&file), &toml::Table::new())
    }

    #[test]
    fn a_whole_file_is_read_and_secrets_are_not_shown() {
        let config = read(
            "data = '/d'\nname = 'dir-2'\n[database]\nurl = 'postgres://a:open@h/d'\n[limits]\nentries = 10\n\
             [[policy.rules]]\nviewers = 'all'\nseen = { like = '*.example.com' }\nallow = true\n",
        )
        .expect("good");
        assert_eq!(config.limits.entries, 10);
        assert_eq!(config.policy.rules.len(), 1);
        assert_eq!(
            config.database_url().expect("good").as_deref(),
            Some("postgres://a:open@h/d")
        );
        assert!(!format!("{config:?}").contains("open"));
    }

    #[test]
    fn what_cannot_be_is_refused_in_words() {
        let said = |text| format!("{:#}", read(text).expect_err("refused"));
        assert!(said("date = '/d'").contains("\"data\""));
        assert!(said("[limits]\nentries = 0").contains("at least 1"));
        assert!(said("[listen]\ndirectory = 'here'").contains("listen.directory"));
        assert!(said("[database]\nurl = 'a'\nurl_file = 'b'").contains("not both"));
        assert!(said("[follow]\nfirst = 'dir-1'").contains("host:port"));
        let both = "[follow]\nfirst = 'dir-1:4311'\n[database]\nurl = 'postgres://h/d'";
        assert!(said(both).contains("serve together"));
        let itself = "[follow]\nfirst = 'a:1'\n[advertise]\ndirectory = 'a:1'";
        assert!(said(itself).contains("itself"));
        let other = read("[database]\nurl = 'mysql://h/d'").expect("read");
        assert!(
            other
                .database_url()
                .expect_err("refused")
                .to_string()
                .contains("PostgreSQL")
        );
    }
}
