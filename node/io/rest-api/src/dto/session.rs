use super::{DocumentHead, Logos, Me, Time};
use plenary_access as access;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What anybody may know of the server before signing in.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServerInfo {
    /// The DNS name, the part of user IDs after `@`.
    pub name: String,
    /// Name of the enterprise, or the server's name.
    pub title: String,
    /// What people should know who come here; plain text.
    pub help: String,
    /// How those who run the server are reached; plain text.
    pub contacts: String,
    /// Where guests read how it works; empty: nowhere.
    pub guide: String,
    pub logo: Logos,
    /// What people without an account agree to before they come in, in this order.
    pub documents: Vec<DocumentHead>,
    /// Whether the control panel is open to where this was asked from.
    pub administration: bool,
    pub version: String,
    /// Languages of the web pages (BCP 47).
    pub languages: Vec<String>,
}

/// Credentials to sign in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// User ID with or without `@server`, or email.
    #[schema(min_length = 1, max_length = 320)]
    pub login: String,
    #[schema(min_length = 1, max_length = 64)]
    pub password: String,
    /// A name for the device, shown in the list of sessions.
    #[schema(max_length = 128)]
    pub device_label: Option<String>,
}

/// A new session.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    /// For `Authorization: Bearer`; given out this once.
    pub token: String,
    pub expires_at: Time,
    pub user: Me,
}

/// The old and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    #[schema(min_length = 1, max_length = 64)]
    pub old: String,
    /// The password policy says more.
    #[schema(min_length = 1, max_length = 64)]
    pub new: String,
}

/// A device that is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Names the session; not the token.
    pub id: String,
    pub user_agent: String,
    pub address: String,
    pub label: String,
    pub created_at: Time,
    pub expires_at: Time,
    /// Whether the device is connected right now.
    pub online: bool,
    /// Whether this request came with it.
    pub current: bool,
}

impl Session {
    pub(crate) fn of(session: access::Session, current: &str) -> Self {
        Self {
            current: session.id == current,
            id: session.id,
            user_agent: session.device.user_agent,
            address: session.device.address,
            label: session.device.label,
            created_at: Time(session.created_at),
            expires_at: Time(session.expires_at),
            online: session.online_on.is_some(),
        }
    }
}
