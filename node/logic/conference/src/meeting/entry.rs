//! Somebody at the gate, as a command has them.

use super::{ParticipantId, Person, SecretHash, Via};
use crate::{Change, Pin};
use plenary_model::{Cid, NodeId};

/// Somebody who wants to come in: the fields of [`Change::Enter`](crate::Change::Enter).
pub(crate) struct Entry<'a> {
    pub(crate) cid: &'a Cid,
    pub(crate) participant: ParticipantId,
    pub(crate) person: &'a Person,
    pub(crate) name: Option<&'a str>,
    pub(crate) via: Via,
    pub(crate) node: NodeId,
    pub(crate) epoch: u64,
    pub(crate) secret: SecretHash,
    pub(crate) muted: bool,
    pub(crate) camera: bool,
    pub(crate) pin: Option<&'a Pin>,
    pub(crate) screenless_at_home: bool,
}

impl<'a> Entry<'a> {
    /// None of what is no entry.
    pub(crate) fn of(change: &'a Change) -> Option<Self> {
        let Change::Enter {
            cid,
            participant,
            person,
            name,
            via,
            node,
            epoch,
            secret,
            muted,
            camera,
            pin,
            screenless_at_home,
        } = change
        else {
            return None;
        };
        Some(Self {
            cid,
            participant: *participant,
            person,
            name: name.as_deref(),
            via: *via,
            node: *node,
            epoch: *epoch,
            secret: *secret,
            muted: *muted,
            camera: *camera,
            pin: pin.as_ref(),
            screenless_at_home: *screenless_at_home,
        })
    }
}
