//! Messages as they travel. What a stranger sends is bounded by gRPC's limit and by the types here.

use crate::{Credentials, Presence};
use plenary_contracts::directory::v1 as pb;
use plenary_identity::{JoinSecret, SignedRevocations};
use plenary_model::ServerName;
use plenary_people::{Change, Entry, EntryId, Field, Kind, Share, SharedGroups, Viewer};

/// Of these messages.
pub const VERSION: u32 = 1;
/// Largest message between a server and the Directory, in bytes.
pub const MESSAGE_BYTES: usize = 4 << 20;
/// Most changes in a batch, and entries in a part.
pub const MOST_CHANGES: usize = 500;
/// Most people in one message of presence.
pub const MOST_PRESENCES: usize = 10_000;
/// Most groups that a share or viewer names.
const GROUPS: usize = 10_000;

/// A message that cannot be read; the text says what is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the message has no {0} that can be read")]
pub struct WireError(&'static str);

pub fn id_to(id: &EntryId) -> pb::EntryId {
    pb::EntryId {
        server: id.server.to_string(),
        kind: id.kind.as_str().to_owned(),
        id: id.id.clone(),
    }
}

/// # Errors
/// When there is none, or one of its parts cannot be read.
pub fn id_from(id: Option<pb::EntryId>) -> Result<EntryId, WireError> {
    let id = id.ok_or(WireError("ID of an entry"))?;
    Ok(EntryId {
        server: server_from(&id.server)?,
        kind: kind_from(&id.kind)?,
        id: id.id,
    })
}

fn server_from(text: &str) -> Result<ServerName, WireError> {
    text.parse().map_err(|_| WireError("name of a server"))
}

/// # Errors
/// When there is no such kind.
pub fn kind_from(text: &str) -> Result<Kind, WireError> {
    let found = Kind::ALL.into_iter().find(|kind| kind.as_str() == text);
    found.ok_or(WireError("kind of an entry"))
}

pub fn entry_to(entry: Entry) -> pb::Entry {
    pb::Entry {
        id: Some(id_to(&entry.id)),
        display_name: entry.display_name,
        first_name: entry.first_name,
        last_name: entry.last_name,
        email: entry.email,
        phones: entry.phones,
        job_title: entry.job_title,
        department: entry.department,
        company: entry.company,
        groups: entry.groups,
        aliases: entry.aliases,
    }
}

/// # Errors
/// When its ID cannot be read. Whether it keeps the limits is [`Entry::check`]'s to say.
pub fn entry_from(entry: pb::Entry) -> Result<Entry, WireError> {
    Ok(Entry {
        id: id_from(entry.id)?,
        display_name: entry.display_name,
        first_name: entry.first_name,
        last_name: entry.last_name,
        email: entry.email,
        phones: entry.phones,
        job_title: entry.job_title,
        department: entry.department,
        company: entry.company,
        groups: entry.groups,
        aliases: entry.aliases,
    })
}

/// `None` for what no server tells of itself.
pub fn change_to(change: Change) -> Option<pb::Change> {
    let what = match change {
        Change::Put(entry) => pb::change::What::Set(entry_to(*entry)),
        Change::Remove(id) => pb::change::What::Removed(id_to(&id)),
        Change::RemoveServer(_) => return None,
    };
    Some(pb::Change { what: Some(what) })
}

/// # Errors
/// When it says nothing that this version knows.
pub fn change_from(change: pb::Change) -> Result<Change, WireError> {
    match change.what {
        Some(pb::change::What::Set(entry)) => Ok(Change::put(entry_from(entry)?)),
        Some(pb::change::What::Removed(id)) => Ok(Change::Remove(id_from(Some(id))?)),
        None => Err(WireError("change")),
    }
}

/// The word of a field, as in JSON.
fn field_word(field: Field) -> &'static str {
    match field {
        Field::FirstName => "first_name",
        Field::LastName => "last_name",
        Field::Email => "email",
        Field::Phones => "phones",
        Field::JobTitle => "job_title",
        Field::Department => "department",
        Field::Company => "company",
        Field::Groups => "groups",
        Field::Aliases => "aliases",
    }
}

pub fn share_to(share: &Share) -> pb::Share {
    let groups = match &share.groups {
        SharedGroups::All => None,
        SharedGroups::Only(groups) => Some(groups.iter().cloned().collect()),
    };
    pb::Share {
        kinds: share.kinds.iter().map(|kind| kind.as_str().to_owned()).collect(),
        all_groups: groups.is_none(),
        groups: groups.unwrap_or_default(),
        hidden: share.hidden.iter().cloned().collect(),
        fields: share
            .fields
            .iter()
            .map(|field| field_word(*field).to_owned())
            .collect(),
    }
}

/// What is missing shows nothing; so do kinds and fields that this version does not know.
///
/// # Errors
/// When it names more groups than a server has.
pub fn share_from(share: Option<pb::Share>) -> Result<Share, WireError> {
    let Some(share) = share else {
        return Ok(Share::nothing());
    };
    if share.groups.len() > GROUPS || share.hidden.len() > GROUPS {
        return Err(WireError("list of groups"));
    }
    let known = |field: &Field| share.fields.iter().any(|word| word == field_word(*field));
    Ok(Share {
        kinds: share
            .kinds
            .iter()
            .filter_map(|kind| kind_from(kind).ok())
            .collect(),
        groups: match share.all_groups {
            true => SharedGroups::All,
            false => SharedGroups::Only(share.groups.into_iter().collect()),
        },
        hidden: share.hidden.into_iter().collect(),
        fields: Field::ALL.into_iter().filter(known).collect(),
    })
}

pub fn viewer_to(viewer: &Viewer) -> pb::Viewer {
    let recent = viewer.recent.iter().take(plenary_people::limits::RECENT);
    pb::Viewer {
        user: viewer.user.clone(),
        groups: viewer.groups.clone(),
        recent: recent.map(id_to).collect(),
    }
}

/// # Errors
/// When nobody is named, or what is said of them cannot be read.
pub fn viewer_from(server: ServerName, viewer: Option<pb::Viewer>) -> Result<Viewer, WireError> {
    let viewer = viewer.ok_or(WireError("viewer"))?;
    if viewer.user.is_empty() || viewer.user.len() > 256 || viewer.groups.len() > GROUPS {
        return Err(WireError("viewer"));
    }
    let recent = viewer.recent.into_iter().take(plenary_people::limits::RECENT);
    Ok(Viewer {
        server,
        user: viewer.user,
        groups: viewer.groups,
        recent: recent.map(|id| id_from(Some(id))).collect::<Result<_, _>>()?,
    })
}

pub fn presence_to(presence: Presence) -> i32 {
    let state = match presence {
        Presence::Unknown => pb::State::Unknown,
        Presence::Offline => pb::State::Offline,
        Presence::Online => pb::State::Online,
        Presence::InConference => pb::State::InConference,
        Presence::Owner => pb::State::Owner,
        Presence::InCall => pb::State::InCall,
    };
    state.into()
}

/// What this version does not know is unknown.
pub fn presence_from(state: i32) -> Presence {
    match pb::State::try_from(state) {
        Ok(pb::State::Offline) => Presence::Offline,
        Ok(pb::State::Online) => Presence::Online,
        Ok(pb::State::InConference) => Presence::InConference,
        Ok(pb::State::Owner) => Presence::Owner,
        Ok(pb::State::InCall) => Presence::InCall,
        Ok(pb::State::Unknown) | Err(_) => Presence::Unknown,
    }
}

/// Longest list of revoked certificates, in bytes.
const REVOCATIONS_BYTES: usize = 1 << 20;

pub fn revocations_to(signed: Option<&SignedRevocations>) -> pb::Revocations {
    // It is made of texts; one that cannot be written is none.
    let signed = signed.and_then(|signed| serde_json::to_vec(signed).ok());
    pb::Revocations {
        signed: signed.unwrap_or_default(),
    }
}

/// `None`: there are none. Whether they count is not looked at here.
///
/// # Errors
/// When it is no list, or too long.
pub fn revocations_from(list: Option<pb::Revocations>) -> Result<Option<SignedRevocations>, WireError> {
    const WHAT: WireError = WireError("list of revocations");
    let signed = list.map(|list| list.signed).unwrap_or_default();
    match signed.len() {
        0 => Ok(None),
        1..=REVOCATIONS_BYTES => serde_json::from_slice(&signed).map(Some).map_err(|_| WHAT),
        _ => Err(WHAT),
    }
}

/// The name of the store whose leaders have terms; whoever does not say it means the `incarnation`.
///
/// # Errors
/// When it has not 16 bytes.
pub fn store_from(store: &[u8], incarnation: [u8; 16]) -> Result<[u8; 16], WireError> {
    match store {
        [] => Ok(incarnation),
        _ => store.try_into().map_err(|_| WireError("name of a store")),
    }
}

/// The credentials of a hello.
///
/// # Errors
/// When they are not of the right form.
pub fn credentials_from(client_id: String, secret: &[u8]) -> Result<Credentials, WireError> {
    let secret = JoinSecret::from_slice(secret).ok_or(WireError("secret"))?;
    (client_id.len() <= 64)
        .then_some(Credentials { client_id, secret })
        .ok_or(WireError("client ID"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let id = EntryId {
            server: "paris.example.com".parse().expect("good"),
            kind: Kind::Room,
            id: "r1".into(),
        };
        Entry {
            first_name: "First".into(),
            last_name: "Last".into(),
            email: "a@b.c".into(),
            phones: vec!["1".into()],
            job_title: "Job".into(),
            department: "Dep".into(),
            company: "Com".into(),
            groups: vec!["g".into()],
            aliases: vec!["al".into()],
            ..Entry::new(id, "Room 1")
        }
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        let entry = entry();
        assert_eq!(entry_from(entry_to(entry.clone())), Ok(entry.clone()));
        for change in [Change::put(entry.clone()), Change::Remove(entry.id.clone())] {
            let sent = change_to(change.clone()).expect("sent");
            assert_eq!(change_from(sent), Ok(change));
        }
        assert_eq!(change_to(Change::RemoveServer(entry.id.server.clone())), None);
        let only = Share {
            groups: SharedGroups::Only(["a".into()].into()),
            hidden: ["b".into()].into(),
            fields: [Field::Email, Field::Aliases].into(),
            kinds: [Kind::User].into(),
        };
        for share in [Share::default(), Share::nothing(), only] {
            assert_eq!(share_from(Some(share_to(&share))), Ok(share));
        }
        assert_eq!(share_from(None), Ok(Share::nothing()));
        let viewer = Viewer {
            recent: vec![entry.id.clone()],
            groups: vec!["g".into()],
            ..Viewer::new(entry.id.server.clone(), "bob")
        };
        let sent = viewer_to(&viewer);
        assert_eq!(viewer_from(entry.id.server.clone(), Some(sent)), Ok(viewer));
        for presence in [
            Presence::Unknown,
            Presence::Offline,
            Presence::Owner,
            Presence::InCall,
        ] {
            assert_eq!(presence_from(presence_to(presence)), presence);
        }
        assert_eq!(presence_from(99), Presence::Unknown);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert!(id_from(None).is_err());
        let mut foreign = id_to(&entry().id);
        foreign.kind = "robot".into();
        assert!(id_from(Some(foreign)).is_err());
        assert!(change_from(pb::Change { what: None }).is_err());
        let nobody = pb::Viewer::default();
        assert!(viewer_from(entry().id.server, Some(nobody)).is_err());
        assert!(credentials_from("id".into(), &[0; 31]).is_err());
        let list = |signed: &[u8]| {
            let signed = signed.to_vec();
            revocations_from(Some(pb::Revocations { signed }))
        };
        assert_eq!((revocations_from(None), list(b"")), (Ok(None), Ok(None)));
        assert!(list(b"{").is_err() && list(&vec![b' '; REVOCATIONS_BYTES + 1]).is_err());
    }
}
