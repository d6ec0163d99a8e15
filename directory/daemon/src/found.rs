//! `plenary-directory found`: how an instance comes to be.

use crate::{
    config::Config,
    data::{self, Facts, KIND},
};
use clap::Args;
use plenary_identity::EnterpriseName;
use plenary_model::{NodeId, ServerName};
use plenary_program::{options::Common, say};
use std::path::PathBuf;

/// Make an instance of a Directory on this machine
///
/// Uses the enterprise's root key in --authority, or makes one there. Keep that folder offline afterwards: instances do
/// not need it. Then start the instance with `plenary-directory run`.
///
/// For a second instance with the same PostgreSQL do the same on its machine, with the same --directory and another
/// --number.
#[derive(Debug, Clone, Args)]
pub struct Found {
    /// Name of the Directory, like directory.example.com
    #[arg(long)]
    pub directory: ServerName,
    /// Name of the enterprise
    #[arg(long)]
    pub enterprise: EnterpriseName,
    /// Folder of the enterprise's root certificate and key
    #[arg(long, value_name = "FOLDER")]
    pub authority: PathBuf,
    /// Number of this instance; never give one out twice
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub number: u64,
}

impl Found {
    pub(crate) fn run(&self, common: &Common) -> anyhow::Result<()> {
        self.make(&common.load(Config::load)?)?;
        say(&format!(
            "The Directory {} is made. Start it with: plenary-directory run",
            self.directory
        ));
        Ok(())
    }

    /// Makes the data folder of the instance that is configured.
    ///
    /// # Errors
    /// Whatever hinders it; then the folder can be made again.
    pub fn make(&self, config: &Config) -> anyhow::Result<()> {
        config.database_url()?;
        let folder = data::folder(config);
        folder.make()?;
        let has_root = self.authority.join("root.pem").exists();
        let authority = plenary_member::authority(&self.authority, &self.enterprise, has_root)?;
        let name = match (&config.name, self.number) {
            (None, 2..) => format!("dir-{}", self.number).parse()?,
            (name, _) => KIND.name(name.as_ref()),
        };
        let facts = Facts {
            format: KIND.format,
            member: NodeId(self.number),
            name,
            directory: self.directory.clone(),
            enterprise: self.enterprise.to_string(),
        };
        folder.create_identity(&authority, &facts.directory, &facts.name, facts.member)?;
        folder.finish(&facts)
    }
}
