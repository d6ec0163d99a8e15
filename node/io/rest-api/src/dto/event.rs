use super::{Time, mirror};
use plenary_access as access;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

mirror! {
    /// What kind of thing happened.
    EventKind = access::EventKind {
        Login, Logout, Lock, Unlock, Activation, Deactivation, Status, Connect, Disconnect, Start, Stop, Restart,
        Change, ProLicenseLimit, ProLicenseRevocation, LicenseExpiry, ConferenceStart, ConferenceEnd, Call,
        Agreement,
    }
}

/// One line of the event log.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    /// Counts up without gaps.
    #[schema(pattern = "^[0-9]+$")]
    pub id: String,
    pub at: Time,
    pub kind: EventKind,
    pub success: bool,
    /// ID of the user who did it; null: the server itself, or somebody who was not signed in.
    #[schema(required)]
    pub actor: Option<String>,
    pub address: String,
    pub user_agent: String,
    /// `user`, `group`, `alias`, `settings`, `node` and the like.
    pub object_kind: String,
    pub object: String,
    /// What the event says beyond its kind, for people.
    pub description: String,
    pub changes: Vec<FieldChange>,
}

/// One field before and after; null: not set. Secrets have no values.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldChange {
    pub field: String,
    #[schema(required)]
    pub before: Option<Value>,
    #[schema(required)]
    pub after: Option<Value>,
}

impl From<access::Event> for Event {
    fn from(event: access::Event) -> Self {
        let changes = event.changes.into_iter().map(|change| FieldChange {
            field: change.field,
            before: change.before.map(value),
            after: change.after.map(value),
        });
        Self {
            id: event.id.to_string(),
            at: Time(event.at),
            kind: event.kind.into(),
            success: event.success,
            actor: event.actor.map(String::from),
            address: event.address,
            user_agent: event.user_agent,
            object_kind: event.object_kind,
            object: event.object,
            description: event.description,
            changes: changes.collect(),
        }
    }
}

/// The stored JSON text as a value; text that is not JSON stays text.
fn value(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}
