use plenary_model::Timestamp;
use serde::{Deserialize, Serialize};

/// Why a command changes nothing. The text is a sentence for people; [`Refusal::code`] stays the same for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    #[error("there is no {what} {id:?}")]
    NotFound { what: String, id: String },
    #[error("{what} {id:?} exists already; choose another one")]
    Exists { what: String, id: String },
    /// HTTP 412.
    #[error("{what} was changed by somebody else meanwhile; load it again and repeat your change")]
    Stale { what: String },
    #[error("your account may not do this: {needs} is needed")]
    Forbidden { needs: String },
    /// One field has a bad value.
    #[error("{field}: {reason}")]
    Invalid { field: String, reason: String },
    /// Rows of an import that are wrong; nothing was imported.
    #[error("nothing was imported: {} of the rows are wrong", .0.len())]
    InvalidRows(Vec<RowError>),
    #[error("built-in groups cannot be {0}")]
    BuiltinGroup(String),
    #[error(
        "the last administrator with full rights cannot be removed, disabled or demoted; make another one first"
    )]
    LastAdministrator,
    #[error("the user ID or the password is wrong")]
    WrongCredentials,
    #[error("this account is disabled; ask your administrator")]
    AccountDisabled,
    #[error("this account is locked after too many wrong passwords")]
    AccountLocked { until: Timestamp },
    #[error("the idempotency key was used for another request")]
    IdempotencyMismatch,
    #[error("the join token is {0}")]
    BadInvitation(String),
    #[error("{0}")]
    Conflict(String),
    /// As many as there may be are there already.
    #[error("{0}")]
    Full(String),
    /// No seat, or a licence that does not count; the code is that of the rules which say so (`plenary_seats`,
    /// `plenary_licences`).
    #[error("{reason}")]
    Licensing { code: String, reason: String },
    /// Somebody is not let into a conference; the code is that of the rules which say so (`plenary_conference`).
    #[error("{reason}")]
    KeptOut {
        code: String,
        reason: String,
        /// Until one may try again, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        minutes: Option<u64>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// Line of the file, counted from 1.
    pub line: u32,
    pub field: String,
    pub reason: String,
}

impl Refusal {
    /// Stable code; the last part of the problem's `type` in the API.
    pub fn code(&self) -> &str {
        match self {
            Refusal::NotFound { .. } => "not-found",
            Refusal::Exists { .. } => "exists",
            Refusal::Stale { .. } => "stale",
            Refusal::Forbidden { .. } => "forbidden",
            Refusal::Invalid { .. } => "invalid-field",
            Refusal::InvalidRows(_) => "invalid-rows",
            Refusal::BuiltinGroup(_) => "builtin-group",
            Refusal::LastAdministrator => "last-administrator",
            Refusal::WrongCredentials => "wrong-credentials",
            Refusal::AccountDisabled => "account-disabled",
            Refusal::AccountLocked { .. } => "account-locked",
            Refusal::IdempotencyMismatch => "idempotency-mismatch",
            Refusal::BadInvitation(_) => "bad-invitation",
            Refusal::Conflict(_) => "conflict",
            Refusal::Full(_) => "full",
            Refusal::Licensing { code, .. } | Refusal::KeptOut { code, .. } => code,
        }
    }
}
