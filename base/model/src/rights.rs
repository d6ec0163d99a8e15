use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What members of a group may do (USR-05). The names are those of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    EditAddressBook,
    MakeCalls,
    CreateConferences,
    ShareScreen,
    AskRemoteControl,
    AllowRemoteControl,
    Slides,
    SendFiles,
    ReceiveFiles,
    Record,
    Surveys,
    /// Moderator of every conference of the own server; does not travel over federation.
    Operator,
}

impl Right {
    /// All rights in the order in which people see them.
    pub const ALL: [Right; 12] = [
        Right::EditAddressBook,
        Right::MakeCalls,
        Right::CreateConferences,
        Right::ShareScreen,
        Right::AskRemoteControl,
        Right::AllowRemoteControl,
        Right::Slides,
        Right::SendFiles,
        Right::ReceiveFiles,
        Right::Record,
        Right::Surveys,
        Right::Operator,
    ];
}

/// A set of rights. Allowed in any group wins (USR-05): the union is [`Rights::union`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rights(pub BTreeSet<Right>);

impl Rights {
    /// What a new group allows: everything but being an operator.
    pub fn usual() -> Self {
        Self(
            Right::ALL
                .into_iter()
                .filter(|right| *right != Right::Operator)
                .collect(),
        )
    }
    /// Every right of either set.
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).copied().collect())
    }
    /// Whether the set has `right`.
    pub fn allows(&self, right: Right) -> bool {
        self.0.contains(&right)
    }
}
