//! What failed in the replicated store, as the REST API says it.

use plenary_replication::{ProposeError, ReadError as ReplicaReadError};
use plenary_rest_api::backend::{ReadError, WriteError};
use plenary_store::QueryError;

pub(super) fn read_error(error: ReplicaReadError) -> ReadError {
    match error {
        ReplicaReadError::Timeout { .. } => ReadError::NoLeader,
        other => ReadError::Internal(Box::new(other)),
    }
}

pub(super) fn query_error(error: QueryError) -> ReadError {
    match error {
        QueryError::BadQuery(text) => ReadError::BadQuery(text),
        other => ReadError::Internal(Box::new(other)),
    }
}

pub(crate) fn write_error(error: ProposeError) -> WriteError {
    match error {
        ProposeError::Timeout { .. } => WriteError::Unknown,
        ProposeError::DiskFull => WriteError::DiskFull,
        ProposeError::ClockOff { .. } => WriteError::ClockOff,
        ProposeError::Busy => WriteError::Busy,
        ProposeError::TooLarge { bytes, limit } => WriteError::TooLarge { bytes, limit },
        ProposeError::Stopped => WriteError::NoLeader,
        other => WriteError::Internal(Box::new(other)),
    }
}
