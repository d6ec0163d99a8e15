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
use plenary_program::{UsageError, addresses, options::Common};
use std::net::AddrParseError;

/// Read the configuration and say whether an instance can start with it
///
/// Exit code 0 if it can, else 1 with a line for each reason. It changes nothing, and may be asked while the instance
/// runs; then the ports are not tried. The database is not asked.
#[derive(Debug, Args)]
pub(crate) struct Check {}

impl Check {
    pub(crate) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let config = common.load(Config::load).map_err(|error| anyhow!("{error:#}"))?;
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
    folder.must_be_of(config.name.as_ref(), &facts.name)?;
    folder.open_identity(&facts.directory, &facts.name, facts.member)
}
