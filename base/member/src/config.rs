//! Sections of the configuration that all members have.

use plenary_program::UsageError;
use plenary_telemetry::LogOptions;
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, time::Duration};

/// What is logged, how and where. What a file leaves out is as the program's own default has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// What is logged: `info`, or directives like `info,plenary_replication=debug`.
    pub level: String,
    /// `text`, `json` or `auto` (text on a terminal).
    pub format: String,
    /// File to log to, turned over at 1 GB; none: standard error.
    pub file: Option<PathBuf>,
}

impl Log {
    /// To standard error.
    pub fn at(level: &str) -> Self {
        Self {
            level: level.to_owned(),
            format: "auto".into(),
            file: None,
        }
    }

    /// # Errors
    /// When the format is none of those that there are.
    pub fn check_format(&self) -> Result<(), UsageError> {
        if matches!(self.format.as_str(), "auto" | "text" | "json") {
            return Ok(());
        }
        let text = "configuration: log.format must be auto, text or json";
        Err(UsageError::new(text))
    }

    fn options(&self) -> Result<LogOptions, UsageError> {
        Ok(LogOptions {
            level: self.level.clone(),
            format: self.format.parse().map_err(UsageError::caused)?,
            file: self.file.clone(),
        })
    }

    /// Whether logging can start like this, but for the file: that is not touched.
    ///
    /// # Errors
    /// What hinders it.
    pub fn check(&self) -> Result<(), UsageError> {
        self.options()?.check().map_err(UsageError::caused)
    }

    /// Logs from now on. Once in a process.
    ///
    /// # Errors
    /// What hinders it, with nothing changed.
    pub fn start(&self) -> Result<(), UsageError> {
        self.options()?.start().map_err(UsageError::caused)
    }
}

/// Raft's clock. Larger for members far apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timing {
    pub heartbeat_ms: u64,
    pub election_min_ms: u64,
    pub election_max_ms: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            heartbeat_ms: 50,
            election_min_ms: 150,
            election_max_ms: 300,
        }
    }
}

impl Timing {
    /// # Errors
    /// When elections would begin between two heartbeats, or all at the same moment.
    pub fn check(&self) -> Result<(), UsageError> {
        let sane = self.heartbeat_ms > 0
            && self.election_min_ms >= 2 * self.heartbeat_ms
            && self.election_max_ms > self.election_min_ms;
        sane.then_some(()).ok_or_else(|| {
            UsageError::new(
                "configuration: timing must have election_min_ms of at least two heartbeats and election_max_ms above it",
            )
        })
    }

    pub(crate) fn of_replica(&self) -> plenary_replication::Timing {
        plenary_replication::Timing {
            heartbeat: Duration::from_millis(self.heartbeat_ms),
            election_min: Duration::from_millis(self.election_min_ms),
            election_max: Duration::from_millis(self.election_max_ms),
            ..plenary_replication::Timing::default()
        }
    }
}

/// Bounds that the operator sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Writes are refused while less than this is free on the disk.
    pub disk_reserve_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            disk_reserve_bytes: 64 << 20,
        }
    }
}
