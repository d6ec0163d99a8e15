use crate::{Alarm, Gives, LEASES_LEVEL, SEATS_LEVEL};
use plenary_licences::{Epoch, PoolId, lessee, licence::LicenceId, licence::PublicKey};
use plenary_model::{GroupId, NodeId, Revision, ServerName, UserName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A command about licences and seats, in the form that all commands of a server have.
pub type Command = plenary_access::Command<Change>;

/// What a command changes. Encoded as `docs/decisions/0003` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Seats are counted from here on. Both are random; nothing follows if they are counted already.
    Open {
        pool: PoolId,
        branch: u64,
    },
    /// Installs a licence file. Whoever proposes it has found the key among those that count here.
    Install {
        text: String,
        key: PublicKey,
    },
    Remove {
        licence: LicenceId,
    },
    /// The vendor's word that a licence belongs to this server's pool.
    Confirm {
        text: String,
        key: PublicKey,
    },
    UpdateRules {
        expect: Option<Revision>,
        patch: RulesPatch,
    },
    /// An administrator wants permanent PRO to be picked anew, now.
    Recompute,
    /// An administrator takes temporary PRO away.
    Revoke {
        user: UserName,
    },
    /// Who asks wants temporary PRO in advance.
    AskForPro,
    /// The server borrows from a License Manager from now on, which has admitted it by its token.
    Connect {
        manager: ServerName,
        pool: PoolId,
        addresses: Vec<String>,
    },
    /// The server's own licence holds again.
    Disconnect {
        /// Everything in use ends, and the manager is not waited for.
        end: bool,
    },

    // What follows is proposed by the server itself.
    /// Somebody watches a conference without being in its roster; takes what a join takes.
    Watch {
        user: UserName,
    },
    /// A node says that it has ended these places, whose participants are in no roster any more.
    Ended {
        node: NodeId,
        epoch: u64,
        places: BTreeSet<u64>,
    },
    /// A node is there. Each of its words that is applied lets it use seats for a while longer.
    Beat {
        node: NodeId,
        epoch: u64,
    },
    /// The leader has not seen a later beat of the node for so long that nothing is used there any more.
    Silent {
        node: NodeId,
        beat: u64,
    },
    /// Time passed. Proposed by the leader when [`Desk::due`](crate::Desk::due) has come.
    Tick,

    // What follows is proposed by the lessee on the server's leader.
    Lease(lessee::Change),
    /// What the manager's licences give besides seats.
    Gives(Gives),
    /// Every node on which seats are used has a deadline of this lease.
    Begin {
        epoch: Epoch,
    },
    /// The lease is, or is no more, near its end.
    Alarm {
        epoch: Epoch,
        alarm: Alarm,
    },
    /// The manager has everything back.
    Left {
        pool: PoolId,
    },
}

impl Change {
    /// From which level of the rules on there is such a change.
    pub fn level(&self) -> u32 {
        match self {
            Self::Connect { .. }
            | Self::Disconnect { .. }
            | Self::Lease(_)
            | Self::Gives(_)
            | Self::Begin { .. }
            | Self::Alarm { .. }
            | Self::Left { .. } => LEASES_LEVEL,
            _ => SEATS_LEVEL,
        }
    }
}

/// Changes to what administrators choose: `Some` replaces, `None` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RulesPatch {
    pub show_pro: Option<bool>,
    pub ask_for_pro: Option<bool>,
    /// Groups with permanent PRO, the first ones first.
    pub groups: Option<Vec<GroupId>>,
}
