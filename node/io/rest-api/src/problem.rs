use crate::{
    backend::{ReadError, WriteError},
    dto::Time,
    request_id,
};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use plenary_access::Refusal;
use plenary_licences::licence::LicenceError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! codes {
    // Token trees, because attributes do not see through literals that a macro took.
    ($($code:ident $status:ident $slug:tt $title:tt,)+) => {
        /// What went wrong, by a name that stays the same for ever: the last part of a problem's `type`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        pub enum Code {
            $(#[serde(rename = $slug)] $code,)+
        }

        impl Code {
            /// All codes in the order of `docs/protocols/rest.md`.
            pub const ALL: &[Code] = &[$(Code::$code,)+];

            /// The HTTP status that goes with the code.
            pub fn status(self) -> StatusCode {
                match self {
                    $(Code::$code => StatusCode::$status,)+
                }
            }

            /// The code as it stands in `code` and at the end of `type`.
            pub fn slug(self) -> &'static str {
                match self {
                    $(Code::$code => $slug,)+
                }
            }

            /// The code of a rule, by the name that it has there: `no_pro_seat` for `no-pro-seat`.
            fn of_rules(name: &str) -> Option<Self> {
                let slug = name.replace('_', "-");
                Self::ALL.iter().find(|code| code.slug() == slug).copied()
            }

            fn title(self) -> &'static str {
                match self {
                    $(Code::$code => $title,)+
                }
            }
        }
    };
}

codes! {
    BadJson BAD_REQUEST "bad-json" "The request body is not the JSON that is expected",
    UnknownField BAD_REQUEST "unknown-field" "The request has a field that does not exist",
    BadQuery BAD_REQUEST "bad-query" "The query of the address is wrong",
    BadHeader BAD_REQUEST "bad-header" "A request header is wrong",
    NotSignedIn UNAUTHORIZED "not-signed-in" "Not signed in",
    WrongCredentials UNAUTHORIZED "wrong-credentials" "User ID or password wrong",
    Forbidden FORBIDDEN "forbidden" "Not allowed",
    AccountDisabled FORBIDDEN "account-disabled" "Account disabled",
    AccountLocked FORBIDDEN "account-locked" "Account locked",
    NotRegistered FORBIDDEN "not-registered" "Not registered",
    RegistrationNotOpen FORBIDDEN "registration-not-open" "Registration has not opened yet",
    RegistrationClosed FORBIDDEN "registration-closed" "Registration is closed",
    RegistrationFull FORBIDDEN "registration-full" "Registration is full",
    NotAgreed FORBIDDEN "not-agreed" "Not agreed to what guests agree to",
    LinkNotValid FORBIDDEN "link-not-valid" "Personal link not valid",
    ZoneOff FORBIDDEN "zone-off" "Nobody signs in from this network",
    ZoneMethod FORBIDDEN "zone-method" "Nobody signs in this way from this network",
    ZoneGuests FORBIDDEN "zone-guests" "No guests from this network",
    ZoneRight FORBIDDEN "zone-right" "The right does not count from this network",
    AdminNetwork FORBIDDEN "admin-network" "Not allowed from this network",
    NotFound NOT_FOUND "not-found" "Not found",
    MethodNotAllowed METHOD_NOT_ALLOWED "method-not-allowed" "Method not allowed",
    NotAcceptable NOT_ACCEPTABLE "not-acceptable" "No such form of the answer",
    Exists CONFLICT "exists" "Exists already",
    Conflict CONFLICT "conflict" "Not possible right now",
    BuiltinGroup CONFLICT "builtin-group" "Built-in group",
    LastAdministrator CONFLICT "last-administrator" "Last administrator",
    NoProSeat CONFLICT "no-pro-seat" "No PRO seat is free",
    NoOnlineSeat CONFLICT "no-online-seat" "No online seat is free",
    NoGuestSeat CONFLICT "no-guest-seat" "No guest seat is free",
    NetworkFull CONFLICT "network-full" "Too many guests from this network",
    GuestsFull CONFLICT "guests-full" "Too many guests for this conference",
    ServerFull CONFLICT "server-full" "Too many guests for this server",
    NoGatewaySeat CONFLICT "no-gateway-seat" "No gateway seat is free",
    AskingForProIsOff CONFLICT "asking-for-pro-is-off" "PRO cannot be asked for here",
    NotTemporaryPro CONFLICT "not-temporary-pro" "No temporary PRO seat",
    LicenceKnown CONFLICT "licence-known" "Licence installed already",
    LicencesInstalled CONFLICT "licences-installed" "Licence files are installed on this server",
    LicenceManagerConnected CONFLICT "licence-manager-connected" "Connected to a License Manager",
    LicenceManagerNotConnected CONFLICT "licence-manager-not-connected" "Not connected to a License Manager",
    LicenceManagerLeaving CONFLICT "licence-manager-leaving" "Being disconnected",
    NotLicensed CONFLICT "not-licensed" "Not in the licence",
    SeatsInUse CONFLICT "seats-in-use" "More seats in use than the server has itself",
    Stale PRECONDITION_FAILED "stale" "Changed by somebody else",
    TooLarge PAYLOAD_TOO_LARGE "too-large" "Too large",
    UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "unsupported-media-type" "Kind of content not supported",
    InvalidField UNPROCESSABLE_ENTITY "invalid-field" "A field has a value that is not allowed",
    InvalidRows UNPROCESSABLE_ENTITY "invalid-rows" "Rows of the import are wrong",
    IdempotencyMismatch UNPROCESSABLE_ENTITY "idempotency-mismatch" "Idempotency key used for another request",
    BadInvitation UNPROCESSABLE_ENTITY "bad-invitation" "Join token not valid",
    LicenceTooLarge UNPROCESSABLE_ENTITY "licence-too-large" "Not a licence file",
    LicenceUnreadable UNPROCESSABLE_ENTITY "licence-unreadable" "Licence file damaged",
    LicenceTooNew UNPROCESSABLE_ENTITY "licence-too-new" "Licence file of a newer version",
    LicenceTampered UNPROCESSABLE_ENTITY "licence-tampered" "Licence file changed after it was signed",
    LicenceForeignKey UNPROCESSABLE_ENTITY "licence-foreign-key" "Licence of another vendor",
    LicenceDevelopmentKey UNPROCESSABLE_ENTITY "licence-development-key" "Development licence",
    LicenceNotYetValid UNPROCESSABLE_ENTITY "licence-not-yet-valid" "Licence not valid yet",
    LicenceExpired UNPROCESSABLE_ENTITY "licence-expired" "Licence expired",
    LicenceOtherServers UNPROCESSABLE_ENTITY "licence-other-servers" "Licence for other servers",
    LicenceNeedsManager UNPROCESSABLE_ENTITY "licence-needs-manager" "Licence for a License Manager",
    LicenceNotConfirmed UNPROCESSABLE_ENTITY "licence-not-confirmed" "Licence not confirmed",
    LicenceOtherPool UNPROCESSABLE_ENTITY "licence-other-pool" "Confirmation for another pool",
    LicenceImpossible UNPROCESSABLE_ENTITY "licence-impossible" "Licence that cannot be",
    LicenceManagerToken UNPROCESSABLE_ENTITY "licence-manager-token" "Not a token of a License Manager",
    LicenceManagerRefused UNPROCESSABLE_ENTITY "licence-manager-refused" "Refused by the License Manager",
    PasswordPolicy UNPROCESSABLE_ENTITY "password-policy" "Password too weak",
    TooManyRequests TOO_MANY_REQUESTS "too-many-requests" "Too many attempts",
    Internal INTERNAL_SERVER_ERROR "internal" "Something went wrong on the server",
    NoLeader SERVICE_UNAVAILABLE "no-leader" "The server has no leader right now",
    Behind SERVICE_UNAVAILABLE "behind" "This node is behind",
    LicenceManagerUnreachable SERVICE_UNAVAILABLE "licence-manager-unreachable" "License Manager out of reach",
    Draining SERVICE_UNAVAILABLE "draining" "This node is being taken out of service",
    Busy SERVICE_UNAVAILABLE "busy" "This node has too much to do",
    DiskFull INSUFFICIENT_STORAGE "disk-full" "Disk full",
}

/// What a wrong field, or a wrong row of an import, is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Line of an imported file, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Path of the field, like `bandwidth.in_kbps`.
    pub field: String,
    /// What is wrong with it and what would be right.
    pub reason: String,
}

/// Why a request was not done (RFC 9457). Nothing has changed, but where `detail` says otherwise.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `https://plenary.invalid/problems/` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// What kind of problem it is, in a few words.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened and what to do, for people.
    detail: String,
    code: Code,
    /// Names the request in the logs.
    request_id: String,
    /// The fields or rows that are wrong, if it is about some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// When a locked account can be used again.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Time>,
}

/// A problem on its way to the client.
#[derive(Debug)]
pub(crate) struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    until: Option<Time>,
    retry_after_s: Option<u64>,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let retry_after_s = (code.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            until: None,
            retry_after_s,
        }
    }

    /// One field with a value that is not allowed.
    pub(crate) fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::about(Code::InvalidField, field, reason)
    }

    /// A problem of `code` about one field.
    pub(crate) fn about(code: Code, field: impl Into<String>, reason: impl Into<String>) -> Self {
        let (field, reason) = (field.into(), reason.into());
        let detail = match field.as_str() {
            "" | "." => reason.clone(),
            field => format!("{field}: {reason}"),
        };
        Self::new(code, detail).with_errors(vec![FieldError {
            line: None,
            field,
            reason,
        }])
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    #[cfg(test)]
    pub(crate) fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    pub(crate) fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        Self::from(Refusal::NotFound {
            what: what.into(),
            id: id.into(),
        })
    }

    pub(crate) fn not_signed_in() -> Self {
        Self::new(
            Code::NotSignedIn,
            "sign in first: the token is missing, wrong, or has ended",
        )
    }

    /// Our own fault; the cause goes to the log, not to the client.
    pub(crate) fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %Chain(cause), "request failed");
        Self::new(
            Code::Internal,
            "the server failed at this request; its log says why under this request ID",
        )
    }
}

/// An error and its causes in one line.
struct Chain<'a>(&'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let body = ProblemBody {
            kind: format!("https://plenary.invalid/problems/{}", self.code.slug()),
            title: self.code.title(),
            status: status.as_u16(),
            detail: self.detail,
            code: self.code,
            request_id: request_id::current(),
            errors: self.errors,
            until: self.until,
        };
        let json = serde_json::to_vec(&body).expect("a problem has only strings and numbers");
        let mut response = (status, json).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::NotFound { .. } => Code::NotFound,
            Refusal::Exists { .. } => Code::Exists,
            Refusal::Stale { .. } => Code::Stale,
            Refusal::Forbidden { .. } => Code::Forbidden,
            Refusal::Invalid { .. } => Code::InvalidField,
            Refusal::InvalidRows(_) => Code::InvalidRows,
            Refusal::BuiltinGroup(_) => Code::BuiltinGroup,
            Refusal::LastAdministrator => Code::LastAdministrator,
            Refusal::WrongCredentials => Code::WrongCredentials,
            Refusal::AccountDisabled => Code::AccountDisabled,
            Refusal::AccountLocked { .. } => Code::AccountLocked,
            Refusal::IdempotencyMismatch => Code::IdempotencyMismatch,
            Refusal::BadInvitation(_) => Code::BadInvitation,
            Refusal::Conflict(_) | Refusal::Full(_) => Code::Conflict,
            Refusal::Licensing { code, .. } => Code::of_rules(code).unwrap_or(Code::Conflict),
            Refusal::KeptOut { code, .. } => Code::of_rules(code).unwrap_or(Code::Forbidden),
        };
        let mut problem = Problem::new(code, refusal.to_string());
        match refusal {
            Refusal::Invalid { field, reason } => {
                problem.errors.push(FieldError {
                    line: None,
                    field,
                    reason,
                });
            }
            Refusal::InvalidRows(rows) => {
                problem.errors = rows
                    .into_iter()
                    .map(|row| FieldError {
                        line: Some(row.line),
                        field: row.field,
                        reason: row.reason,
                    })
                    .collect();
            }
            Refusal::AccountLocked { until } => problem.until = Some(Time(until)),
            _ => {}
        }
        problem
    }
}

impl From<LicenceError> for Problem {
    fn from(error: LicenceError) -> Self {
        let code = Code::of_rules(error.code()).unwrap_or(Code::Conflict);
        Problem::new(code, error.to_string())
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        let code = match error {
            WriteError::Refused(refusal) => return refusal.into(),
            WriteError::Internal(_) => return Problem::internal(&error),
            WriteError::NoLeader | WriteError::Unknown => Code::NoLeader,
            WriteError::DiskFull => Code::DiskFull,
            WriteError::TooLarge { .. } => Code::TooLarge,
            WriteError::Busy | WriteError::ClockOff => Code::Busy,
        };
        Problem::new(code, error.to_string())
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        let code = match error {
            ReadError::BadQuery(_) => Code::BadQuery,
            ReadError::Behind => Code::Behind,
            ReadError::NoLeader => Code::NoLeader,
            ReadError::TooOften(wait_s) => {
                return Problem::new(Code::TooManyRequests, error.to_string()).retry_after(wait_s);
            }
            ReadError::Internal(_) => return Problem::internal(&error),
        };
        Problem::new(code, error.to_string())
    }
}
