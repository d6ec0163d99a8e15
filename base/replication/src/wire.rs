//! openraft's types to and from the messages between replicas and the records on disk.

use bytes::Bytes;
use openraft::{EntryPayload, raft::StreamAppendError};
use plenary_contracts::replication::v1 as pb;
use prost::Message;

use crate::types::{Entry, LeaderId, LogId, Membership, Payload, Types, Vote};

/// What another replica sent makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed message: {0}")]
pub(crate) struct Malformed(pub(crate) String);

impl From<prost::DecodeError> for Malformed {
    fn from(error: prost::DecodeError) -> Self {
        Self(error.to_string())
    }
}

pub(crate) fn log_id_to(id: &LogId) -> pb::LogId {
    pb::LogId {
        term: id.leader_id.term,
        leader: id.leader_id.node_id,
        index: id.index,
    }
}

pub(crate) fn log_id_from(id: &pb::LogId) -> LogId {
    LogId {
        leader_id: LeaderId {
            term: id.term,
            node_id: id.leader,
        },
        index: id.index,
    }
}

pub(crate) fn vote_to(vote: &Vote) -> pb::Vote {
    pb::Vote {
        term: vote.leader_id.term,
        candidate: vote.leader_id.node_id,
        committed: vote.committed,
    }
}

pub(crate) fn vote_from(vote: &pb::Vote) -> Vote {
    Vote {
        leader_id: LeaderId {
            term: vote.term,
            node_id: vote.candidate,
        },
        committed: vote.committed,
    }
}

pub(crate) fn required_vote(vote: Option<&pb::Vote>) -> Result<Vote, Malformed> {
    vote.map(vote_from).ok_or_else(|| Malformed("no vote".into()))
}

pub(crate) fn entry_to(entry: Entry) -> pb::Entry {
    let payload = match entry.payload {
        EntryPayload::Blank => None,
        EntryPayload::Normal(Payload(bytes)) => Some(pb::entry::Payload::Batch(bytes)),
        EntryPayload::Membership(membership) => {
            Some(pb::entry::Payload::Membership(membership_to(&membership)))
        }
    };
    pb::Entry {
        id: Some(log_id_to(&entry.log_id)),
        payload,
    }
}

pub(crate) fn entry_from(entry: pb::Entry) -> Result<Entry, Malformed> {
    let id = entry
        .id
        .as_ref()
        .ok_or_else(|| Malformed("entry without id".into()))?;
    let payload = match entry.payload {
        None => EntryPayload::Blank,
        Some(pb::entry::Payload::Batch(bytes)) => EntryPayload::Normal(Payload(bytes)),
        Some(pb::entry::Payload::Membership(json)) => EntryPayload::Membership(membership_from(&json)?),
    };
    Ok(Entry {
        log_id: log_id_from(id),
        payload,
    })
}

pub(crate) fn membership_to(membership: &Membership) -> Bytes {
    serde_json::to_vec(membership)
        .expect("numbers and texts are always JSON")
        .into()
}

pub(crate) fn membership_from(json: &[u8]) -> Result<Membership, Malformed> {
    serde_json::from_slice(json).map_err(|error| Malformed(error.to_string()))
}

pub(crate) type AppendRequest = openraft::raft::AppendEntriesRequest<Types>;
pub(crate) type AppendResult = openraft::raft::StreamAppendResult<Types>;

pub(crate) fn append_to(request: AppendRequest) -> Bytes {
    let message = pb::Append {
        vote: Some(vote_to(&request.vote)),
        previous: request.prev_log_id.as_ref().map(log_id_to),
        committed: request.leader_commit.as_ref().map(log_id_to),
        entries: request.entries.into_iter().map(entry_to).collect(),
    };
    message.encode_to_vec().into()
}

pub(crate) fn append_from(body: Bytes) -> Result<AppendRequest, Malformed> {
    let message = pb::Append::decode(body)?;
    Ok(AppendRequest {
        vote: required_vote(message.vote.as_ref())?,
        prev_log_id: message.previous.as_ref().map(log_id_from),
        leader_commit: message.committed.as_ref().map(log_id_from),
        entries: message
            .entries
            .into_iter()
            .map(entry_from)
            .collect::<Result<_, _>>()?,
    })
}

pub(crate) fn append_answer_to(result: &AppendResult) -> Bytes {
    use pb::append_answer::Outcome;
    let answer = match result {
        Ok(accepted) => pb::AppendAnswer {
            outcome: Outcome::Success.into(),
            accepted: accepted.as_ref().map(log_id_to),
            vote: None,
        },
        Err(StreamAppendError::Conflict(id)) => pb::AppendAnswer {
            outcome: Outcome::Conflict.into(),
            accepted: Some(log_id_to(id)),
            vote: None,
        },
        Err(StreamAppendError::HigherVote(vote)) => pb::AppendAnswer {
            outcome: Outcome::HigherVote.into(),
            accepted: None,
            vote: Some(vote_to(vote)),
        },
    };
    answer.encode_to_vec().into()
}

pub(crate) fn append_answer_from(body: Bytes) -> Result<AppendResult, Malformed> {
    use pb::append_answer::Outcome;
    let answer = pb::AppendAnswer::decode(body)?;
    let id = answer.accepted.as_ref().map(log_id_from);
    match answer.outcome() {
        Outcome::Success | Outcome::PartialSuccess => Ok(Ok(id)),
        Outcome::Conflict => Ok(Err(StreamAppendError::Conflict(
            id.ok_or_else(|| Malformed("conflict without id".into()))?,
        ))),
        Outcome::HigherVote => Ok(Err(StreamAppendError::HigherVote(required_vote(
            answer.vote.as_ref(),
        )?))),
        Outcome::Unspecified => Err(Malformed("answer without outcome".into())),
    }
}
