//! What decisions about conferences change.

use crate::{
    Attempts, Call, Conference, Guest, Line, Message, Participant, ParticipantId, PartnerInvitation, Party,
    PastRun, Registrant, Removed, Run, RunId, Template, TemplateId, Visit, Watcher,
};
use plenary_model::{Cid, GuestId, NodeId, Timestamp, UserId, UserName};

/// One change of the stored state. The store carries effects out in order and decides nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Writes a conference whole.
    Put(Conference),
    /// Removes a conference with its run, participants, chat, guests and registrants.
    Remove(Cid),
    PutRun(Run),
    /// Writes a participant whole.
    PutParticipant(Participant),
    RemoveParticipant {
        cid: Cid,
        id: ParticipantId,
    },
    /// Everybody goes at once.
    RemoveAll(Cid),
    /// Writes a program that watches whole.
    PutWatcher(Watcher),
    RemoveWatcher {
        cid: Cid,
        id: ParticipantId,
    },
    /// Those that watch by another start of the node than `but` watch no more.
    EndWatching {
        node: NodeId,
        but: u64,
    },
    /// Writes whole whom a moderator removed.
    PutRemoved(Removed),
    /// One of those may come again.
    LetBack {
        cid: Cid,
        id: ParticipantId,
    },
    /// Who was removed may come again, and accounts whose programs moderators removed may watch again.
    ForgetRemoved(Cid),
    /// Replaces what is known of a source's wrong PINs; a count of 0 forgets them.
    PutAttempts {
        cid: Cid,
        source: String,
        attempts: Attempts,
    },
    /// Forgets wrong PINs whose last one was before then.
    ForgetAttempts {
        until: Timestamp,
    },
    /// Whoever is on another start of the node than `but`, and is not away yet, is away.
    MarkAway {
        node: NodeId,
        but: u64,
        since: Timestamp,
    },
    /// Adds a line; those numbered up to `forget_until` are forgotten.
    AddLine {
        line: Line,
        forget_until: u64,
    },
    /// Writes a line that is there whole.
    PutLine(Line),
    /// Removes the whole chat of a conference.
    RemoveLines(Cid),
    /// Forgets the oldest lines of a conference until the texts of those that stay have at most so many bytes.
    TrimLines {
        cid: Cid,
        bytes: u64,
    },
    /// Forgets lines that were said before then, the oldest first, at most so many.
    ForgetLines {
        before: Timestamp,
        most: u32,
    },
    /// Lines of an account are nobody's any more.
    ForgetWriter(UserName),
    /// Writes a guest whole.
    PutGuest(Guest),
    /// Removes a guest who has no registration.
    RemoveGuest(GuestId),
    /// Writes a registrant whole.
    PutRegistrant(Registrant),
    /// Removes a registrant, and the guest that they are.
    RemoveRegistrant(GuestId),
    /// Writes a call whole.
    PutCall(Call),
    /// Forgets the oldest calls that a user has made, but for so many; those that led into conferences are not counted.
    ForgetCalls {
        caller: Party,
        but: u32,
    },
    /// Forgets a call.
    RemoveCall(Cid),
    /// Forgets how a user was called into conferences and groups, but for the newest so many.
    ForgetRings {
        callee: Party,
        but: u32,
    },
    /// Forgets how people of partners' servers called a user, but for the newest so many.
    ForgetAway {
        callee: UserName,
        but: u32,
    },
    /// Forgets all calls from and to a user.
    RemoveCalls(UserName),
    /// Writes a run of the history whole.
    PutPastRun(PastRun),
    /// Writes a visit whole.
    PutVisit(Visit),
    /// Who is still in a run of the history, or one of them, has left.
    EndVisits {
        run: RunId,
        participant: Option<ParticipantId>,
        at: Timestamp,
    },
    /// Visits of an account are nobody's any more.
    ForgetVisitor(UserName),
    /// Forgets runs that ended before then with their visits, and calls that began before then, at most so many of each.
    ForgetHistory {
        runs: Timestamp,
        calls: Timestamp,
        most: u32,
    },
    /// Writes a template whole.
    PutTemplate(Template),
    RemoveTemplate(TemplateId),
    /// Removes the guests of a conference; their places are removed each by itself.
    RemoveGuests(Cid),
    /// Writes a message to a partner's server, in the place of the one about the same conference and person.
    PutMessage(Message),
    RemoveMessage {
        cid: Cid,
        user: UserId,
    },
    /// Writes an invitation by a partner whole.
    PutPartnerInvitation(PartnerInvitation),
    /// Forgets those that are over by then.
    ForgetPartnerInvitations {
        until: Timestamp,
    },
    /// Forgets guests who can neither be in nor come back by then.
    ForgetGuests {
        until: Timestamp,
    },
}

/// What follows from a command about conferences.
pub type Decision = plenary_access::Decision<Effect>;
