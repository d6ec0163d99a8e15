//! Starts logging.

use crate::turnover::{TURN_OVER_AT, TurnoverFile};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
    str::FromStr,
    sync::Mutex,
};
use tracing_subscriber::{EnvFilter, fmt::writer::BoxMakeWriter, layer::SubscriberExt as _};

/// Overrules what is configured to be logged.
const VARIABLE: &str = "PLENARY_LOG";

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    Text,
    Json,
}

impl FromStr for LogFormat {
    type Err = LogError;
    fn from_str(text: &str) -> Result<Self, LogError> {
        match text {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(LogError::Format(other.to_owned())),
        }
    }
}

/// What is logged, how and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    /// `info`, or directives like `info,plenary_replication=debug`. `PLENARY_LOG` overrules it.
    pub level: String,
    pub format: LogFormat,
    /// Turned over at 1 GB, three older ones are kept; none: standard error.
    pub file: Option<PathBuf>,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: LogFormat::Auto,
            file: None,
        }
    }
}

/// Why logging could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error(
        "the log level {0:?} is not understood; use error, warn, info, debug or trace, or directives like info,plenary_replication=debug"
    )]
    Level(String, #[source] tracing_subscriber::filter::ParseError),
    #[error("the log format {0:?} is not known; use auto, text or json")]
    Format(String),
    #[error("the log file {} cannot be opened", .0.display())]
    File(PathBuf, #[source] io::Error),
    #[error("logging was started already")]
    Twice,
}

impl LogOptions {
    /// Logs from now on, panics too. Once in a process.
    ///
    /// # Errors
    /// [`LogError`], with nothing changed.
    pub fn start(&self) -> Result<(), LogError> {
        let level = std::env::var(VARIABLE).ok().filter(|level| !level.is_empty());
        let subscriber = self.subscriber(level.as_deref().unwrap_or(&self.level))?;
        tracing::dispatcher::set_global_default(subscriber).map_err(|_| LogError::Twice)?;
        log_panics();
        Ok(())
    }

    /// Whether it could be started, but for the file: that is not touched.
    ///
    /// # Errors
    /// [`LogError`]
    pub fn check(&self) -> Result<(), LogError> {
        let without_file = Self {
            file: None,
            ..self.clone()
        };
        without_file.subscriber(&self.level).map(drop)
    }

    fn subscriber(&self, level: &str) -> Result<tracing::Dispatch, LogError> {
        let filter = EnvFilter::try_new(level).map_err(|error| LogError::Level(level.to_owned(), error))?;
        let terminal = self.file.is_none() && io::stderr().is_terminal();
        let writer = match &self.file {
            None => BoxMakeWriter::new(io::stderr),
            Some(path) => {
                let file = TurnoverFile::open(path, TURN_OVER_AT)
                    .map_err(|error| LogError::File(path.clone(), error))?;
                BoxMakeWriter::new(Mutex::new(file))
            }
        };
        let json = match self.format {
            LogFormat::Auto => !terminal,
            LogFormat::Text => false,
            LogFormat::Json => true,
        };
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(writer)
            .with_ansi(terminal);
        let registry = tracing_subscriber::registry().with(filter);
        Ok(if json {
            registry
                .with(
                    lines
                        .json()
                        .flatten_event(true)
                        .with_span_list(true)
                        .with_current_span(false),
                )
                .into()
        } else {
            registry.with(lines).into()
        })
    }
}

/// Panics become log lines, in the same form and place as everything else.
fn log_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let words = panic.payload_as_str().unwrap_or("no words");
        tracing::error!(place, "a task failed for a reason that should not exist: {words}");
        if std::env::var_os("RUST_BACKTRACE").is_some() {
            before(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(options: &LogOptions, level: &str) -> String {
        let path = options.file.clone().expect("a file");
        let subscriber = options.subscriber(level).expect("starts");
        tracing::dispatcher::with_default(&subscriber, || {
            let span = tracing::info_span!("request", id = "abc");
            let _inside = span.enter();
            tracing::info!(users = 3, "signed in");
            tracing::debug!("details");
        });
        std::fs::read_to_string(path).expect("written")
    }

    fn options(folder: &tempfile::TempDir, format: LogFormat) -> LogOptions {
        LogOptions {
            format,
            file: Some(folder.path().join("node.log")),
            ..LogOptions::default()
        }
    }

    #[test]
    fn files_hold_json_with_fields_and_spans() {
        let folder = tempfile::tempdir().expect("folder");
        let text = logged(&options(&folder, LogFormat::Auto), "info");
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(line["message"], "signed in");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["users"], 3);
        assert_eq!(line["spans"][0]["id"], "abc");
        assert!(line["timestamp"].as_str().expect("text").ends_with('Z'));
    }

    #[test]
    fn text_is_for_people_and_without_colours_in_files() {
        let folder = tempfile::tempdir().expect("folder");
        let text = logged(&options(&folder, LogFormat::Text), "debug");
        assert!(
            text.contains("signed in users=3") && text.contains("details"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        let folder = tempfile::tempdir().expect("folder");
        let mut bad = options(&folder, LogFormat::Json);
        assert!(
            bad.subscriber("info,=x=y")
                .expect_err("refused")
                .to_string()
                .contains("directives like")
        );
        bad.file = Some("/no/such/folder/node.log".into());
        assert!(
            bad.subscriber("info")
                .expect_err("refused")
                .to_string()
                .contains("/no/such/folder/node.log")
        );
        assert!(
            "xml"
                .parse::<LogFormat>()
                .expect_err("refused")
                .to_string()
                .contains("auto, text or json")
        );
    }
}
