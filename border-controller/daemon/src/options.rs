//! What the commands have in common: configuration, and what is made of it.

use crate::{config::Config, data, run};
use anyhow::{anyhow, bail};
use clap::Args;
use plenary_program::UsageError;
use std::{path::PathBuf, time::SystemTime};

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Configuration file (TOML)
    #[arg(long, global = true, env = "PLENARY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of all data of this controller; overrules the configuration
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

impl Common {
    pub(crate) fn load(&self) -> anyhow::Result<Config> {
        let mut flags = toml::Table::new();
        if let Some(data) = &self.data {
            flags.insert("data".into(), data.to_string_lossy().into_owned().into());
        }
        Ok(Config::load(self.config.as_deref(), &flags).map_err(UsageError::caused)?)
    }
}

/// Read the configuration and say whether the controller can start with it
///
/// Exit code 0 if it can, else 1 with a line for each reason. It changes nothing; while the controller runs, its ports are in
/// use and are said to be.
#[derive(Debug, Args)]
pub(crate) struct Check {}

impl Check {
    pub(crate) fn run(&self, common: &Common) -> anyhow::Result<()> {
        // Whatever hinders a start has exit code 2 elsewhere; here it is the answer to a question.
        let config = common.load().map_err(|error| anyhow!("{error:#}"))?;
        let mut reasons = Vec::new();
        let mut who = String::new();
        match data::enrolled(&config) {
            Ok((enrolled, _)) => {
                who = enrolled.me().to_string();
                if enrolled.expires() <= SystemTime::now() {
                    reasons.push(
                        "its certificate has expired: no node has renewed it in time; it must join again"
                            .to_owned(),
                    );
                }
            }
            Err(error) => reasons.push(error.to_string()),
        }
        reasons.extend(config.log.check().err().map(|error| error.to_string()));
        reasons.extend(run::Ports::bind(&config).err().map(|error| error.to_string()));
        reasons.extend(too_few_descriptors(&config));
        if reasons.is_empty() {
            plenary_program::say(&format!("{who} can start."));
            return Ok(());
        }
        bail!("it cannot start like this:\n  {}", reasons.join("\n  "))
    }
}

/// Where the system allows fewer open files than there may be connections.
pub(crate) fn too_few_descriptors(config: &Config) -> Option<String> {
    let (there, needed) = (plenary_program::descriptors(), config.limits.descriptors());
    (there < needed).then(|| {
        format!(
            "limits.connections = {} needs {needed} open files, and the system allows {there}: raise LimitNOFILE, or lower it",
            config.limits.connections
        )
    })
}
