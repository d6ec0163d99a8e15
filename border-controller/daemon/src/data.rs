//! The data folder: who this controller is.

use crate::config::Config;
use plenary_identity::{Enrolled, MACHINE_KEY_FILE, MachineKey};
use plenary_program::UsageError;
use std::path::PathBuf;

/// Where its identity is kept.
pub(crate) fn identity(config: &Config) -> PathBuf {
    config.data.join("identity")
}

/// The key that seals the other key; made where it is not there.
pub(crate) fn machine_key(config: &Config) -> Result<MachineKey, UsageError> {
    let folder = identity(config);
    std::fs::create_dir_all(&folder).map_err(|error| {
        UsageError::new(format!(
            "the data folder {} cannot be made: {error}",
            folder.display()
        ))
    })?;
    MachineKey::open_or_create(&folder.join(MACHINE_KEY_FILE)).map_err(UsageError::caused)
}

/// Who this controller is.
pub(crate) fn enrolled(config: &Config) -> Result<(Enrolled, MachineKey), UsageError> {
    let folder = identity(config);
    if !Enrolled::is_in(&folder) {
        return Err(UsageError::new(format!(
            "{} holds no controller; make a token inside with: plenaryctl border-controller invite, and give it here to: \
             plenary-border-controller join TOKEN",
            config.data.display()
        )));
    }
    let machine = machine_key(config)?;
    let enrolled = Enrolled::open(&folder, &machine).map_err(UsageError::caused)?;
    Ok((enrolled, machine))
}
