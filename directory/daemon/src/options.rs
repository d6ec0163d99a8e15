//! What the commands have in common: configuration, and what is made of it.

use crate::{
    config::Config,
    data::{self, Facts},
    run,
};
use anyhow::anyhow;
use clap::Args;
use plenary_identity::Identity;
use plenary_member::Folder;
use plenary_program::{UsageError, addresses};
use std::{net::AddrParseError, path::PathBuf};

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Configuration file (TOML)
    #[arg(long, global = true, env = "PLENARY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of all data of this instance; overrules the configuration
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

/// Read the configuration and say whether an instance can start with it
///
/// Exit code 0 if it can, else 1 with a line for each reason. It changes nothing, and may be asked while the instance
/// runs; then the ports are not tried. The database is not asked.
#[derive(Debug, Args)]
pub(crate) struct Check {}

impl Check {
    pub(crate) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let config = common.load().map_err(|error| anyhow!("{error:#}"))?;
        let folder = data::folder(&config);
        let rest = [config.log.check().err(), config.database_url().err()];
        folder.check_while(
            data::is_in_use(&folder),
            || open_identity(&config, &folder, &folder.facts()?),
            || run::Ports::bind(&config),
            rest.into_iter().flatten().map(|error| error.to_string()),
        )
    }
}

/// `host:port` at which servers reach this instance, which listens at `listen`.
pub(crate) fn address(config: &Config, listen: &str) -> Result<String, AddrParseError> {
    addresses::reachable(config.advertise.directory.as_deref(), listen)
}

/// Opens who this instance is. A folder that lies where another one belongs is refused.
pub(crate) fn open_identity(config: &Config, folder: &Folder, facts: &Facts) -> Result<Identity, UsageError> {
    if let Some(name) = config.name.as_ref().filter(|name| **name != facts.name) {
        return Err(UsageError::new(format!(
            "{} is the data of the instance {}, but the configuration is that of {name}; two data folders were swapped: put back the one that belongs here",
            folder.path().display(),
            facts.name
        )));
    }
    folder.open_identity(&facts.directory, &facts.name, facts.member)
}
