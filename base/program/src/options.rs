//! What all commands of a program have in common: where its configuration is.

use crate::UsageError;
use clap::Args;
use std::path::{Path, PathBuf};

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Configuration file (TOML)
    #[arg(long, global = true, env = "PLENARY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of all data; overrules the configuration
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

impl Common {
    /// Reads the configuration by `read`, which gets the file and what flags say instead of it.
    ///
    /// # Errors
    /// [`UsageError`], with all causes in one line.
    pub fn load<C>(
        &self,
        read: impl FnOnce(Option<&Path>, &toml::Table) -> anyhow::Result<C>,
    ) -> anyhow::Result<C> {
        let mut flags = toml::Table::new();
        if let Some(data) = &self.data {
            flags.insert("data".into(), data.to_string_lossy().into_owned().into());
        }
        Ok(read(self.config.as_deref(), &flags).map_err(UsageError::caused)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        common: Common,
    }

    #[test]
    fn flags_overrule_and_what_is_wrong_is_for_who_started_it() {
        let Cli { common } = Cli::parse_from(["program", "--config", "a.toml", "--data", "/d"]);
        let read = common.load(|file, flags| Ok((file.map(Path::to_owned), flags.clone())));
        let (file, flags) = read.expect("good");
        assert_eq!(file.as_deref(), Some(Path::new("a.toml")));
        assert_eq!(flags["data"].as_str(), Some("/d"));
        let refused = common.load::<()>(|_, _| Err(anyhow::anyhow!("inner").context("outer")));
        let refused = refused.expect_err("refused");
        assert!(refused.is::<UsageError>());
        assert_eq!(refused.to_string(), "outer: inner");
    }
}
