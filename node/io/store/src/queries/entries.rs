//! What others find, as the Directory and searches know it.

use super::Found;
use crate::view::body;
use plenary_access::{Group, Profile, ProfileVisibility, User, Viewer};
use plenary_conference::Conference;
use plenary_model::{GroupId, ServerName, UserName};
use plenary_people::{Entry, EntryId, Kind, limits};
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::BTreeMap;

/// Makes entries of rows; what does not keep the limits of entries is left out of them.
pub(super) struct Maker<'a> {
    db: &'a Connection,
    pub(super) server: &'a ServerName,
    visible: ProfileVisibility,
    /// Aliases of people, by whom they mean.
    aliases: BTreeMap<String, Vec<String>>,
}

impl<'a> Maker<'a> {
    pub(super) fn new(db: &'a Connection, server: &'a ServerName) -> Found<Self> {
        let visible = super::directory::settings(db)?.profile_fields;
        let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut query = db.prepare_cached("SELECT id, target FROM aliases ORDER BY id")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let target: String = row.get(1)?;
            let target = match target.split_once('@') {
                Some((name, of)) if of == server.as_str() => name.to_owned(),
                Some(_) => continue,
                None => target,
            };
            aliases.entry(target).or_default().push(row.get(0)?);
        }
        Ok(Self {
            db,
            server,
            visible,
            aliases,
        })
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
        if let Some(aliases) = self.aliases.get(user.id.as_str()) {
            entry.aliases = aliases.iter().take(limits::ALIASES).cloned().collect();
        }
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

    /// The entry of this kind with this ID; `None` where there is none that anybody may find.
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
        Ok(entry.filter(|entry| entry.check().is_ok()))
    }

    fn one<T: serde::de::DeserializeOwned>(&self, query: &str, id: &str) -> Found<Option<T>> {
        let mut query = self.db.prepare_cached(query)?;
        Ok(query.query_row([id], |row| body(row, 0)).optional()?)
    }
}

/// Conferences that everybody may find: open for guests, and not over.
pub(super) const OPEN: &str = "public = 1 AND call = 0 AND (scheduled = 0 OR next_start IS NOT NULL)";

/// A text without control characters, cut off where it is too long.
fn text(text: &str, most: usize) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(most).collect::<String>().trim().to_owned()
}

/// Whether an entry may have this ID.
pub(super) fn is_id(kind: Kind, id: &str) -> bool {
    match kind {
        Kind::User => id.parse::<UserName>().is_ok(),
        Kind::Group => id.parse::<GroupId>().is_ok(),
        Kind::Room | Kind::Conference => id.parse::<plenary_model::Cid>().is_ok(),
    }
}
