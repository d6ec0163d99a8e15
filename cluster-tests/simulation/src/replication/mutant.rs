//! Planted faults. They live in the simulated disk and network, so that the product's code has none.

use std::collections::BTreeSet;

use bytes::Bytes;
use plenary_contracts::replication::v1 as pb;
use prost::Message;

/// What is wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    /// Syncs return before the data is safe: entries are acknowledged that a loss of power takes back
    AckBeforeFsync,
    /// A repeated proposal gets a new number: it is applied again
    ApplyTwice,
    /// Votes that were given are not kept over a restart: a replica follows two leaders at once
    ForgetVote,
    /// A snapshot names the members of an earlier time: who installs it counts the wrong majority
    StaleMembershipAfterSnapshot,
    /// The repair after a loss of power cuts off groups of records that were whole and acknowledged
    LostTail,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::AckBeforeFsync,
        Self::ApplyTwice,
        Self::ForgetVote,
        Self::StaleMembershipAfterSnapshot,
        Self::LostTail,
    ];

    /// As it is named on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::AckBeforeFsync => "ack-before-fsync",
            Self::ApplyTwice => "apply-twice",
            Self::ForgetVote => "forget-vote",
            Self::StaleMembershipAfterSnapshot => "stale-membership-after-snapshot",
            Self::LostTail => "lost-tail",
        }
    }

    /// What is wrong, in a sentence.
    pub fn what(self) -> &'static str {
        match self {
            Self::AckBeforeFsync => "syncs return before the data is safe",
            Self::ApplyTwice => "a repeated proposal gets a new number and is applied again",
            Self::ForgetVote => "votes that were given are not kept over a restart",
            Self::StaleMembershipAfterSnapshot => "a snapshot names the members of an earlier time",
            Self::LostTail => "the repair after a loss of power cuts off records that were acknowledged",
        }
    }
}

/// Added to the number of a proposal that was sent before.
const SHIFT: u64 = 1 << 40;

/// Gives proposals that it has seen before another number, and their answers the old one back.
#[derive(Default)]
pub(crate) struct Renumber(BTreeSet<(u64, u64, u64)>);

impl Renumber {
    pub(crate) fn proposals(&mut self, body: &Bytes) -> Bytes {
        let Ok(mut frame) = pb::Propose::decode(body.clone()) else {
            return body.clone();
        };
        for proposal in &mut frame.proposals {
            let known = (proposal.node, proposal.session, proposal.sequence);
            if !self.0.insert(known) {
                proposal.sequence += SHIFT;
            }
        }
        frame.encode_to_vec().into()
    }

    pub(crate) fn answers(body: &Bytes) -> Bytes {
        let Ok(mut frame) = pb::ProposeAnswers::decode(body.clone()) else {
            return body.clone();
        };
        for answer in &mut frame.answers {
            answer.sequence %= SHIFT;
        }
        frame.encode_to_vec().into()
    }
}

/// Puts the founder alone into the head of a snapshot.
pub(crate) fn stale_members(head: &Bytes) -> Bytes {
    let stale = || -> Option<Bytes> {
        let mut header = pb::SnapshotHeader::decode(head.clone()).ok()?;
        let mut meta: serde_json::Value = serde_json::from_slice(&header.meta).ok()?;
        let membership = meta.get_mut("last_membership")?.get_mut("membership")?;
        *membership.get_mut("configs")? = serde_json::json!([[1]]);
        let nodes = membership.get_mut("nodes")?.as_object_mut()?;
        nodes.retain(|id, _| id == "1");
        header.meta = serde_json::to_vec(&meta).ok()?.into();
        Some(header.encode_to_vec().into())
    };
    stale().unwrap_or_else(|| head.clone())
}

/// Takes votes that were given, but not followed by a leader's message, out of a log file: each becomes the
/// one before it. The layout is that of `log/frame.rs` in `base/replication`.
pub(crate) fn forget_votes(file: &mut [u8]) {
    const FILE_HEADER: usize = 40;
    const FRAME_HEADER: usize = 24;
    const VOTE: u8 = 2;
    const META: u8 = 6;
    const VOTE_BYTES: usize = 17;
    let mut kept: Option<Vec<u8>> = None;
    let mut at = FILE_HEADER;
    while file.get(at..at + 4) == Some(b"PLF1".as_slice()) {
        let Some(length) = number(file, at + 4) else {
            return;
        };
        let (start, end) = (at + FRAME_HEADER, at + FRAME_HEADER + length);
        if file.len() <= end {
            return;
        }
        let mut record = start;
        while record < end {
            let (kind, Some(length)) = (file[record], number(file, record + 1)) else {
                return;
            };
            let content = record + 5;
            // In a record of kind META the vote follows a byte that says that there is one.
            let vote = match kind {
                VOTE => Some(content),
                META if file[content] == 1 => Some(content + 1),
                _ => None,
            };
            if let Some(vote) = vote {
                let bytes = vote..vote + VOTE_BYTES;
                let committed = file[vote + VOTE_BYTES - 1] == 1;
                match &kept {
                    Some(before) if !committed => file[bytes].copy_from_slice(before),
                    _ => kept = Some(file[bytes].to_vec()),
                }
            }
            record = content + length;
        }
        let body = crc32fast::hash(&file[start..end]);
        file[at + 20..at + 24].copy_from_slice(&body.to_le_bytes());
        at = end + 1;
    }
}

fn number(file: &[u8], at: usize) -> Option<usize> {
    let bytes = file.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}
