use super::state::Office;
use crate::{
    PoolId,
    licence::{Confirmation, Holder, Licence, LicenceError, LicenceId, Pool, Signed, Trust},
};
use plenary_model::Timestamp;

/// The licence files of a manager, as one program judges them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// What those give together that count.
    pub pool: Pool,
    pub judged: Vec<Judged>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub id: LicenceId,
    /// What it says, if it can be read.
    pub licence: Option<Licence>,
    /// Anybody could have signed it.
    pub is_for_development: bool,
    /// Why it does not count.
    pub refused: Option<LicenceError>,
}

impl Files {
    /// Judges what is installed for the manager of this pool.
    pub fn of(office: &Office, pool: PoolId, trust: &Trust, now: Timestamp) -> Self {
        let confirmations = confirmations(office, pool, trust);
        let holder = Holder::Manager {
            pool,
            confirmations: &confirmations,
        };
        let mut signed = Vec::new();
        let mut judged = Vec::new();
        for file in &office.licences {
            let read = Signed::of_text(file.text.as_bytes(), trust.keys());
            let counts = read
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|read| read.counts(holder, now));
            judged.push(Judged {
                id: file.id,
                licence: Signed::peek(file.text.as_bytes())
                    .ok()
                    .map(|(licence, _)| licence),
                is_for_development: read.as_ref().is_ok_and(Signed::is_for_development),
                refused: counts.err(),
            });
            signed.extend(read.ok());
        }
        Self {
            pool: Pool::of(&signed, holder, now),
            judged,
        }
    }
}

fn confirmations(office: &Office, pool: PoolId, trust: &Trust) -> Vec<Confirmation> {
    let files = office.confirmations.iter();
    files
        .filter_map(|file| Confirmation::of_text(file.text.as_bytes(), trust.keys(), pool).ok())
        .collect()
}

/// Judges a file that somebody wants to install: which licence it is or confirms, and whether it is a confirmation.
///
/// # Errors
/// Why it is refused; then everything stays as it is. A licence that waits for its confirmation is not refused.
pub fn judge(
    office: &Office,
    pool: PoolId,
    text: &[u8],
    trust: &Trust,
    now: Timestamp,
) -> Result<(LicenceId, bool), LicenceError> {
    if String::from_utf8_lossy(text).contains("PLENARY LICENCE CONFIRMATION") {
        let confirmation = Confirmation::of_text(text, trust.keys(), pool)?;
        let known = office.licences.iter().any(|file| file.id == confirmation.licence);
        return match known {
            true => Ok((confirmation.licence, true)),
            false => Err(LicenceError::OtherPool),
        };
    }
    let confirmations = confirmations(office, pool, trust);
    let installed: Vec<Signed> = office
        .licences
        .iter()
        .filter_map(|file| Signed::of_text(file.text.as_bytes(), trust.keys()).ok())
        .collect();
    let holder = Holder::Manager {
        pool,
        confirmations: &confirmations,
    };
    let signed = Signed::install(text, trust.keys(), &installed, holder, now)?;
    Ok((signed.licence.id, false))
}
