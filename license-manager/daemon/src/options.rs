//! What the commands have in common: configuration, and what is made of it.

use crate::{
    config::Config,
    data::{self, Facts},
    run,
};
use anyhow::anyhow;
use clap::Args;
use plenary_identity::Identity;
use plenary_licences::licence::{Build, Trust};
use plenary_member::Folder;
use plenary_program::{UsageError, addresses, options::Common};
use plenary_replication::Options;
use std::net::AddrParseError;

/// Read the configuration and say whether a replica can start with it
///
/// Exit code 0 if it can, else 1 with a line for each reason. It changes nothing, and may be asked while the replica
/// runs; then the ports are not tried.
#[derive(Debug, Args)]
pub(crate) struct Check {}

impl Check {
    pub(crate) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let config = common.load(Config::load).map_err(|error| anyhow!("{error:#}"))?;
        let folder = data::folder(&config);
        let rest = [config.log.check().err(), trust().err()];
        folder.check(
            || open_identity(&config, &folder, &folder.facts()?),
            || run::Ports::bind(&config),
            rest.into_iter().flatten().map(|error| error.to_string()),
        )
    }
}

/// Whose licences count in this process.
pub(crate) fn trust() -> Result<Trust, UsageError> {
    let asked = std::env::var(Trust::VARIABLE).ok();
    Trust::new(Build::THIS, asked.as_deref()).map_err(UsageError::caused)
}

/// `host:port` at which servers and the other replicas reach this one.
pub(crate) fn address(config: &Config) -> Result<String, AddrParseError> {
    addresses::reachable(config.advertise.leases.as_deref(), &config.listen.leases)
}

/// Opens who this replica is. A folder that was put together from those of two replicas, or that lies where another
/// one belongs, is refused: its replica would vote in the name of one with the certificate or address of the other.
pub(crate) fn open_identity(config: &Config, folder: &Folder, facts: &Facts) -> Result<Identity, UsageError> {
    folder.must_be_of(config.name.as_ref(), &facts.name)?;
    folder.open_identity(&facts.manager, &facts.name, facts.member)
}

/// How this replica is opened.
pub(crate) fn replica_options(config: &Config, folder: &Folder, facts: &Facts) -> anyhow::Result<Options> {
    let me = (&facts.name, facts.member);
    let address = address(config)?;
    let (timing, limits) = (&config.timing, &config.limits);
    let mut options = plenary_member::replica_options(folder, &facts.manager, me, address, timing, limits);
    options.limits.command_bytes = 1 << 20;
    Ok(options)
}
