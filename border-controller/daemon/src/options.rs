//! What the commands have in common: configuration, and what is made of it.

use crate::{config::Config, data, run, turn::Turn};
use anyhow::{anyhow, bail};
use clap::Args;
use plenary_program::UsageError;
use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    time::{Duration, SystemTime},
};

/// What one connection may hold: 16 KiB of buffers, and 64 KiB on its way in each direction.
const CONNECTION_BYTES: u64 = (16 + 2 * 64) << 10;
/// A certificate that has less than this left was not renewed when it was due.
pub(crate) const EXPIRES_SOON: Duration = Duration::from_secs(24 * 60 * 60);

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
/// Exit code 0 if it can, else 1 with a line for each reason; what had better be otherwise is said in either case. It changes
/// nothing; while the controller runs, its ports are in use and are said to be.
#[derive(Debug, Args)]
pub(crate) struct Check {}

impl Check {
    pub(crate) fn run(&self, common: &Common) -> anyhow::Result<()> {
        // Whatever hinders a start has exit code 2 elsewhere; here it is the answer to a question.
        let config = common.load().map_err(|error| anyhow!("{error:#}"))?;
        let mut reasons = Vec::new();
        let mut better = warnings(&config, &Machine::this());
        let mut who = String::new();
        match data::enrolled(&config) {
            Ok((enrolled, _)) => {
                who = enrolled.me().to_string();
                match enrolled.expires().duration_since(SystemTime::now()) {
                    Err(_) => reasons.push(
                        "its certificate has expired: no node has renewed it in time; it must join again"
                            .to_owned(),
                    ),
                    Ok(left) if left < EXPIRES_SOON => better.push(format!(
                        "its certificate ends in {} h, and no node has renewed it: look whether one has a tunnel",
                        left.as_secs() / 3_600
                    )),
                    Ok(_) => {}
                }
            }
            Err(error) => reasons.push(error.to_string()),
        }
        if let Some(file) = turn_trouble(&config, &mut better) {
            reasons.push(file);
        }
        reasons.extend(config.log.check().err().map(|error| error.to_string()));
        reasons.extend(run::Ports::bind(&config).err().map(|error| error.to_string()));
        reasons.extend(too_few_descriptors(&config));
        for warning in better {
            plenary_program::say(&format!("Better otherwise: {warning}"));
        }
        if reasons.is_empty() {
            plenary_program::say(&format!("{who} can start."));
            return Ok(());
        }
        bail!("it cannot start like this:\n  {}", reasons.join("\n  "))
    }
}

/// What of this machine counts.
#[derive(Debug, Clone, Copy)]
struct Machine {
    memory_bytes: Option<u64>,
    is_root: bool,
}

impl Machine {
    fn this() -> Self {
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        let kib = total.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        Self {
            memory_bytes: kib.map(|kib| kib << 10),
            is_root: fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0),
        }
    }
}

/// What does not hinder a start and had better be otherwise in a DMZ, a sentence each.
fn warnings(config: &Config, machine: &Machine) -> Vec<String> {
    let mut all = Vec::new();
    let everywhere = |text: &str| text.parse().is_ok_and(|at: SocketAddr| at.ip().is_unspecified());
    if everywhere(&config.listen.tunnel) {
        all.push(format!(
            "listen.tunnel = {:?} is found from everywhere; name the address of the inner network",
            config.listen.tunnel
        ));
    }
    if everywhere(&config.listen.metrics) {
        all.push(format!(
            "listen.metrics = {:?} is found from everywhere; name loopback, or the address that monitoring reaches",
            config.listen.metrics
        ));
    }
    let needed = config.limits.connections as u64 * CONNECTION_BYTES;
    if let Some(there) = machine.memory_bytes.filter(|there| needed > there / 4 * 3) {
        all.push(format!(
            "limits.connections = {} may need {} MiB, and this machine has {} MiB: lower it",
            config.limits.connections,
            needed >> 20,
            there >> 20
        ));
    }
    if machine.is_root {
        all.push(
            "it would run as root; the unit in deploy/systemd has a user of its own and a sandbox".into(),
        );
    }
    all
}

/// Why TURN cannot be served; what had better be otherwise with it is put to the others.
fn turn_trouble(config: &Config, better: &mut Vec<String>) -> Option<String> {
    if !config.turn.is_on() {
        return None;
    }
    let turn = match Turn::load(&config.turn, ([0, 0, 0, 0], 443).into()) {
        Ok(turn) => turn?,
        Err(error) => return Some(format!("{error:#}")),
    };
    let name = &config.turn.name;
    match turn.until()?.duration_since(SystemTime::now()) {
        Err(_) => better.push(format!(
            "the certificate of turn.name = {name} has ended: renew it"
        )),
        Ok(left) if left < EXPIRES_SOON => better.push(format!(
            "the certificate of turn.name = {name} ends in {} h",
            left.as_secs() / 3_600
        )),
        Ok(_) => {}
    }
    if !turn.has_certificate_for_its_name() {
        better.push(format!(
            "the certificate in turn.certificate is not for {name}; browsers refuse it"
        ));
    }
    None
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_had_better_be_otherwise_is_said_and_nothing_else() {
        let small = Machine {
            memory_bytes: Some(1 << 30),
            is_root: true,
        };
        let said = warnings(&Config::default(), &small).join("\n");
        for word in [
            "listen.tunnel",
            "limits.connections = 8192 may need 1152 MiB",
            "as root",
        ] {
            assert!(said.contains(word), "{said}");
        }
        assert!(!said.contains("listen.metrics"), "{said}");
        let mut config = Config::default();
        config.listen.tunnel = "10.0.1.10:4312".into();
        config.listen.metrics = "[::]:9464".into();
        let large = Machine {
            memory_bytes: Some(8 << 30),
            is_root: false,
        };
        let said = warnings(&config, &large);
        assert!(
            matches!(&said[..], [one] if one.contains("listen.metrics")),
            "{said:?}"
        );
    }
}
