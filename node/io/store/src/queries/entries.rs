//! What others find, as the Directory and searches know it.

use super::Found;
use crate::{found_by::shown as text, view::body};
use plenary_access::{Group, Profile, ProfileVisibility, User, Viewer};
use plenary_conference::Conference;
use plenary_model::{GroupId, ServerName, UserName};
use plenary_people::{Entry, EntryId, Kind, limits};
use rusqlite::{Connection, OptionalExtension as _};

/// Makes entries of rows; what does not keep the limits of entries is left out of them.
pub(super) struct Maker<'a> {
    db: &'a Connection,
    pub(super) server: &'a ServerName,
    visible: ProfileVisibility,
}

impl<'a> Maker<'a> {
    pub(super) fn new(db: &'a Connection, server: &'a ServerName) -> Found<Self> {
        let visible = super::directory::settings(db)?.profile_fields;
        Ok(Self { db, server, visible })
    }

    fn id(&self, kind: Kind, id: &str) -> EntryId {
        EntryId {
            server: self.server.clone(),
            kind,
            id: id.to_owned(),
        }
    }

    /// An account that is not disabled, with what people here may see of it.
    pub(super) fn user(&self, user: &User) -> Found<Entry> {
        let profile: Profile = self.visible.profile(Viewer::Here, user.profile.clone());
        let id = self.id(Kind::User, user.id.as_str());
        let name = text(&profile.display_name, limits::TEXT);
        let mut entry = Entry::new(
            id,
            if name.is_empty() {
                user.id.to_string()
            } else {
                name
            },
        );
        entry.first_name = text(&profile.first_name, limits::TEXT);
        entry.last_name = text(&profile.last_name, limits::TEXT);
        entry.email = text(&profile.email, limits::EMAIL);
        entry.job_title = text(&profile.job_title, limits::TEXT);
        entry.department = text(&profile.department, limits::TEXT);
        entry.company = text(&profile.organisation, limits::TEXT);
        let phones = [
            &profile.work_phone,
            &profile.mobile_phone,
            &profile.home_phone,
            &profile.sip_number,
        ];
        let phones = phones.into_iter().map(|phone| text(phone, limits::PHONE));
        entry.phones = phones.filter(|phone| !phone.is_empty()).collect();
        let mut groups = self
            .db
            .prepare_cached("SELECT grp FROM members WHERE user = ? ORDER BY grp")?;
        entry.groups = groups
            .query_map([user.id.as_str()], |row| row.get(0))?
            .take(limits::GROUPS)
            .collect::<rusqlite::Result<_>>()?;
        let mut aliases = self
            .db
            .prepare_cached("SELECT id FROM aliases WHERE target IN (?, ?) ORDER BY id LIMIT ?")?;
        let (name, whole) = (user.id.as_str(), format!("{}@{}", user.id, self.server));
        entry.aliases = aliases
            .query_map(rusqlite::params![name, whole, limits::ALIASES as i64], |row| {
                row.get(0)
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(entry)
    }

    pub(super) fn group(&self, group: &Group) -> Entry {
        let name = text(&group.name, limits::TEXT);
        let id = self.id(Kind::Group, group.id.as_str());
        let mut entry = Entry::new(
            id,
            if name.is_empty() {
                group.id.to_string()
            } else {
                name
            },
        );
        entry.aliases = group.call_id.iter().map(ToString::to_string).collect();
        entry
    }

    pub(super) fn conference(&self, conference: &Conference) -> Entry {
        let name = text(&conference.name, limits::TEXT);
        let id = self.id(Kind::Conference, conference.id().as_str());
        let name = if name.is_empty() {
            conference.id().to_string()
        } else {
            name
        };
        Entry::new(id, name)
    }

    /// The entry of this kind with this ID; `None` where there is none that anybody may find. Whether it keeps the limits is
    /// looked at by whoever tells it, and says so.
    pub(super) fn entry(&self, kind: Kind, id: &str) -> Found<Option<Entry>> {
        let entry = match kind {
            Kind::User => {
                let query = "SELECT body FROM users WHERE id = ? AND active = 1";
                let user: Option<User> = self.one(query, id)?;
                user.map(|user| self.user(&user)).transpose()?
            }
            Kind::Group => {
                let query = "SELECT body FROM groups WHERE id = ?";
                let group: Option<Group> = self.one(query, id)?;
                let group = group.filter(|group| !group.id.is_builtin());
                group.map(|group| self.group(&group))
            }
            Kind::Conference => {
                let query = format!("SELECT body FROM conferences WHERE id = ? AND {OPEN}");
                let conference: Option<Conference> = self.one(&query, id)?;
                conference.map(|conference| self.conference(&conference))
            }
            Kind::Room => None,
        };
        Ok(entry)
    }

    fn one<T: serde::de::DeserializeOwned>(&self, query: &str, id: &str) -> Found<Option<T>> {
        let mut query = self.db.prepare_cached(query)?;
        Ok(query.query_row([id], |row| body(row, 0)).optional()?)
    }
}

/// Conferences that everybody may find: open for guests, and not over.
pub(super) const OPEN: &str = "public = 1 AND call = 0 AND (scheduled = 0 OR next_start IS NOT NULL)";

/// Whether an entry may have this ID.
pub(super) fn is_id(kind: Kind, id: &str) -> bool {
    match kind {
        Kind::User => id.parse::<UserName>().is_ok(),
        Kind::Group => id.parse::<GroupId>().is_ok(),
        Kind::Room | Kind::Conference => id.parse::<plenary_model::Cid>().is_ok(),
    }
}
