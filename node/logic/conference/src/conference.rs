use plenary_access::{FieldChange, rules::Changes};
use plenary_model::{Cid, Revision, Timestamp, UserName};
use serde::{Deserialize, Serialize};

/// Who can come in at all (CONF-03).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Accounts of this server.
    #[default]
    Internal,
    /// Guests too.
    Public,
}

/// A conference that exists, whether anybody is in it or not.
///
/// Invariant: the owner is an account of this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conference {
    /// Cannot be changed yet: invitations would have to follow.
    pub cid: Cid,
    /// For people; 1 to 128 characters, not unique.
    pub name: String,
    /// Up to 2,000 characters, with line breaks.
    pub description: String,
    pub owner: UserName,
    pub access: Access,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub revision: Revision,
}

/// Fields that were given, changed or taken, as events show them (REP-01); `None` where it did not exist or does no more.
pub(crate) fn differences(before: Option<&Conference>, after: Option<&Conference>) -> Vec<FieldChange> {
    let mut changes = Changes::default();
    let name = |conference: &Conference| conference.name.clone();
    changes.text("name", before.map(name), after.map(name));
    let description = |conference: &Conference| conference.description.clone();
    changes.text("description", before.map(description), after.map(description));
    changes.value(
        "owner",
        before.map(|conference| &conference.owner),
        after.map(|conference| &conference.owner),
    );
    changes.value(
        "access",
        before.map(|conference| conference.access),
        after.map(|conference| conference.access),
    );
    changes.into_list()
}
