//! Configuration of one replica: TOML file, `PLENARY_…` variables over it, flags over those.

use plenary_licences::lessor::Lessor;
use plenary_member::config::{Limits, Log, Timing};
use plenary_model::NodeName;
use plenary_program::{config::layered, ports};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Everything a replica must know before it can read its own data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Folder of all data of this replica.
    pub(crate) data: PathBuf,
    /// Name of this replica; read when it founds or joins, and compared with the data afterwards.
    pub(crate) name: Option<NodeName>,
    pub(crate) listen: Listen,
    pub(crate) advertise: Advertise,
    pub(crate) log: Log,
    pub(crate) timing: Timing,
    pub(crate) limits: Limits,
}

/// Addresses to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Listen {
    /// Servers that borrow, and the other replicas.
    pub(crate) leases: String,
    /// Metrics, health and readiness; keep it on loopback.
    pub(crate) metrics: String,
}

/// How others reach this replica, where it is not what it listens on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Advertise {
    /// `host:port` of the lease port.
    pub(crate) leases: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "/var/lib/plenary-license-manager".into(),
            name: None,
            listen: Listen::default(),
            advertise: Advertise::default(),
            log: Log::at("info,openraft=error"),
            timing: Timing::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            leases: "[::]:4310".into(),
            metrics: "127.0.0.1:9464".into(),
        }
    }
}

impl Config {
    /// Reads the file (if any) and the environment; `overrides` are the flags.
    pub(crate) fn load(file: Option<&Path>, overrides: &toml::Table) -> anyhow::Result<Self> {
        let full = Config {
            name: "lm-1".parse().ok(),
            advertise: Advertise {
                leases: Some(String::new()),
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
        ports::check("listen.leases", &self.listen.leases, 4310)?;
        ports::check("listen.metrics", &self.listen.metrics, 4310)?;
        self.timing.check()?;
        Ok(self.log.check_format()?)
    }
}

/// Reads a duration like `12h`, `30m`, `90s`, as milliseconds of a TTL.
pub(crate) fn ttl(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let unit_ms = match unit {
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => 0,
    };
    let ms = number.parse::<u64>().unwrap_or(0).saturating_mul(unit_ms);
    match Lessor::TTL_MS.contains(&ms) {
        true => Ok(ms),
        false => Err("write a time from 60s to 7d, like 12h".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_leases_are_read_and_bounded() {
        assert_eq!(ttl("12h"), Ok(12 * 3_600_000));
        assert_eq!(ttl("60s"), Ok(60_000));
        assert_eq!(ttl("7d"), Ok(7 * 86_400_000));
        for text in ["", "12", "59s", "8d", "h", "-1h", "1w", "999999999999999999999d"] {
            ttl(text).expect_err(text);
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        let flags = toml::Table::from_iter([("date".to_owned(), toml::Value::from("/b"))]);
        let error = Config::load(None, &flags).expect_err("refused").to_string();
        assert!(error.contains("\"data\""), "{error}");
    }
}
