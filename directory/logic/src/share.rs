//! Who sees what: servers say what of theirs is shown, the enterprise says which servers see which.

use crate::{Entry, EntryId, Kind};
use plenary_model::{ServerMask, ServerName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A field that is shown or not. The display name is none: without it nobody could be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    FirstName,
    LastName,
    Email,
    Phones,
    JobTitle,
    Department,
    Company,
    Groups,
    Aliases,
}

impl Field {
    pub const ALL: [Self; 9] = [
        Self::FirstName,
        Self::LastName,
        Self::Email,
        Self::Phones,
        Self::JobTitle,
        Self::Department,
        Self::Company,
        Self::Groups,
        Self::Aliases,
    ];

    /// Takes it out of an entry.
    fn clear(self, entry: &mut Entry) {
        match self {
            Self::FirstName => entry.first_name.clear(),
            Self::LastName => entry.last_name.clear(),
            Self::Email => entry.email.clear(),
            Self::Phones => entry.phones.clear(),
            Self::JobTitle => entry.job_title.clear(),
            Self::Department => entry.department.clear(),
            Self::Company => entry.company.clear(),
            Self::Groups => entry.groups.clear(),
            Self::Aliases => entry.aliases.clear(),
        }
    }
}

/// Groups of a server that are shown with their people.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SharedGroups {
    #[default]
    All,
    Only(BTreeSet<String>),
}

impl SharedGroups {
    fn has(&self, group: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(groups) => groups.contains(group),
        }
    }
}

/// What a server shows of its entries. It counts for everybody who asks the Directory, people of the same server included:
/// what a server shows to its own people besides, it shows itself.
///
/// What is not shown is not searched either: who looks for a phone number that is not shown finds nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Share {
    pub kinds: BTreeSet<Kind>,
    /// A person is shown who is in one of these groups. Rooms and conferences need none.
    pub groups: SharedGroups,
    /// Groups that are never shown, nor anybody and anything in them, whatever other groups they are in.
    pub hidden: BTreeSet<String>,
    pub fields: BTreeSet<Field>,
}

/// All that a server sends.
impl Default for Share {
    fn default() -> Self {
        Self {
            kinds: Kind::ALL.into(),
            groups: SharedGroups::All,
            hidden: BTreeSet::new(),
            fields: Field::ALL.into(),
        }
    }
}

/// The group of those who are in no other (USR-04).
const UNGROUPED: &str = "ungrouped";

impl Share {
    /// Nothing at all.
    pub fn nothing() -> Self {
        Self {
            kinds: BTreeSet::new(),
            groups: SharedGroups::Only(BTreeSet::new()),
            hidden: BTreeSet::new(),
            fields: BTreeSet::new(),
        }
    }

    /// Whether an entry of this server is shown.
    pub fn shows(&self, entry: &Entry) -> bool {
        if !self.kinds.contains(&entry.id.kind)
            || entry.groups.iter().any(|group| self.hidden.contains(group))
        {
            return false;
        }
        match entry.id.kind {
            Kind::User if entry.groups.is_empty() => self.shows_group(UNGROUPED),
            Kind::User => entry.groups.iter().any(|group| self.groups.has(group)),
            Kind::Group => self.shows_group(&entry.id.id),
            Kind::Room | Kind::Conference => {
                entry.groups.is_empty() || entry.groups.iter().any(|group| self.groups.has(group))
            }
        }
    }

    fn shows_group(&self, group: &str) -> bool {
        self.groups.has(group) && !self.hidden.contains(group)
    }

    /// What the Directory is told of it by a server that sends only what it shows. Where groups are no field that is sent,
    /// everybody looks as if they were in none.
    pub fn told(&self) -> Self {
        let mut told = self.clone();
        if !told.fields.contains(&Field::Groups) {
            told.groups = SharedGroups::All;
            told.hidden.remove(UNGROUPED);
        }
        told
    }

    /// What is shown of an entry: without the fields, and without the groups, that are not. `None` where it is not shown.
    pub fn shown(&self, entry: &Entry) -> Option<Entry> {
        if !self.shows(entry) {
            return None;
        }
        let mut shown = entry.clone();
        for field in Field::ALL {
            if !self.fields.contains(&field) {
                field.clear(&mut shown);
            }
        }
        shown.groups.retain(|group| self.groups.has(group));
        Some(shown)
    }
}

/// Servers that a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Servers {
    All,
    Like(ServerMask),
}

impl Servers {
    fn has(&self, server: &ServerName) -> bool {
        match self {
            Self::All => true,
            Self::Like(mask) => mask.matches(server),
        }
    }
}

/// Whether people of some servers see entries of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Whose people.
    pub viewers: Servers,
    /// Whose entries.
    pub seen: Servers,
    pub allow: bool,
}

/// Which servers of the enterprise see which. A server sees itself always.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// All see all.
    #[default]
    All,
    /// The first rule that is about both servers decides. Where there is none, nothing is seen.
    Rules(Vec<Rule>),
}

impl Policy {
    /// Whether people of one server see entries of another.
    pub fn allows(&self, viewers: &ServerName, seen: &ServerName) -> bool {
        if viewers == seen {
            return true;
        }
        match self {
            Self::All => true,
            Self::Rules(rules) => rules
                .iter()
                .find(|rule| rule.viewers.has(viewers) && rule.seen.has(seen))
                .is_some_and(|rule| rule.allow),
        }
    }
}

/// Who asks. The server that asks for them is authenticated, and is believed about the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    pub server: ServerName,
    /// The ID of a user of that server.
    pub user: String,
    /// IDs of the groups that they are in.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Whom they talked to, the latest first. Those after the first [`limits::RECENT`](crate::limits::RECENT) do not count.
    #[serde(default)]
    pub recent: Vec<EntryId>,
}

impl Viewer {
    /// Somebody without groups who has talked to nobody yet.
    pub fn new(server: ServerName, user: impl Into<String>) -> Self {
        Self {
            server,
            user: user.into(),
            groups: Vec::new(),
            recent: Vec::new(),
        }
    }
}

/// What somebody sees of an entry, with the share of that entry's server. `None` where they do not see it.
pub fn seen(policy: &Policy, share: &Share, viewer: &Viewer, entry: &Entry) -> Option<Entry> {
    if !policy.allows(&viewer.server, &entry.id.server) {
        return None;
    }
    share.shown(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(name: &str) -> ServerName {
        name.parse().expect("a good name")
    }

    fn entry(kind: Kind, id: &str, groups: &[&str]) -> Entry {
        let id = EntryId {
            server: server("paris.example.com"),
            kind,
            id: id.into(),
        };
        let mut entry = Entry::new(id, "Alice Martin");
        entry.groups = groups.iter().map(|&group| group.into()).collect();
        entry
    }

    fn set(groups: &[&str]) -> BTreeSet<String> {
        groups.iter().map(|&group| group.into()).collect()
    }

    #[test]
    fn people_are_shown_with_a_shared_group_and_without_a_hidden_one() {
        let share = Share {
            groups: SharedGroups::Only(set(&["sales", "board"])),
            hidden: set(&["board"]),
            ..Share::default()
        };
        assert!(share.shows(&entry(Kind::User, "a", &["sales"])));
        assert!(share.shows(&entry(Kind::User, "a", &["law", "sales"])));
        for not_shown in [&["law"][..], &["board"], &["sales", "board"], &[]] {
            assert!(!share.shows(&entry(Kind::User, "a", not_shown)), "{not_shown:?}");
        }
        assert!(share.shows(&entry(Kind::Group, "sales", &[])));
        assert!(!share.shows(&entry(Kind::Group, "law", &[])));
        assert!(!share.shows(&entry(Kind::Group, "board", &[])));
        assert!(share.shows(&entry(Kind::Room, "r1", &[])));
        assert!(!share.shows(&entry(Kind::Room, "r1", &["board"])));
        let shown = share
            .shown(&entry(Kind::User, "a", &["law", "sales"]))
            .expect("shown");
        assert_eq!(
            shown.groups,
            ["sales"],
            "nor are the names of groups that are not shared"
        );
    }

    #[test]
    fn a_hidden_group_of_those_without_group_hides_them() {
        let share = Share {
            hidden: set(&[UNGROUPED]),
            ..Share::default()
        };
        assert!(!share.shows(&entry(Kind::User, "a", &[])));
        assert!(share.shows(&entry(Kind::User, "a", &["sales"])));
    }

    #[test]
    fn what_was_sent_is_shown_by_what_was_told() {
        let people = [
            entry(Kind::User, "a", &["sales"]),
            entry(Kind::User, "b", &["law"]),
            entry(Kind::User, "c", &["sales", "board"]),
            entry(Kind::User, "d", &[]),
            entry(Kind::Group, "sales", &[]),
        ];
        let some = || SharedGroups::Only(set(&["sales", UNGROUPED]));
        for groups in [SharedGroups::All, some(), SharedGroups::Only(set(&["sales"]))] {
            for hidden in [set(&[]), set(&["board"]), set(&[UNGROUPED])] {
                for fields in [Field::ALL.into(), BTreeSet::new()] {
                    let share = Share {
                        groups: groups.clone(),
                        hidden: hidden.clone(),
                        fields,
                        ..Share::default()
                    };
                    for sent in people.iter().filter_map(|entry| share.shown(entry)) {
                        assert_eq!(share.told().shown(&sent), Some(sent), "{share:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn fields_that_are_not_shared_are_empty() {
        let mut full = entry(Kind::User, "a", &["sales"]);
        full.email = "alice@example.com".into();
        full.phones = vec!["1".into()];
        full.job_title = "Lawyer".into();
        let share = Share {
            fields: [Field::JobTitle].into(),
            ..Share::default()
        };
        let shown = share.shown(&full).expect("shown");
        assert_eq!(
            (shown.display_name.as_str(), shown.job_title.as_str()),
            ("Alice Martin", "Lawyer")
        );
        assert!(shown.email.is_empty() && shown.phones.is_empty() && shown.groups.is_empty());
        assert_eq!(Share::default().shown(&full), Some(full.clone()));
        assert_eq!(Share::nothing().shown(&full), None);
    }

    #[test]
    fn the_first_rule_about_both_servers_decides() {
        let like = |mask: &str| Servers::Like(mask.parse().expect("a good mask"));
        let rule = |viewers, seen, allow| Rule { viewers, seen, allow };
        let policy = Policy::Rules(vec![
            rule(like("*.lab.example.com"), Servers::All, false),
            rule(Servers::All, like("*.example.com"), true),
        ]);
        let (lab, paris, oslo) = ("x.lab.example.com", "paris.example.com", "oslo.example.com");
        let (lab, paris, oslo) = (server(lab), server(paris), server(oslo));
        assert!(policy.allows(&paris, &oslo) && policy.allows(&paris, &lab));
        assert!(!policy.allows(&lab, &paris));
        assert!(policy.allows(&lab, &lab), "a server sees itself");
        assert!(!policy.allows(&paris, &server("other.example.org")));
        assert!(Policy::All.allows(&lab, &paris));
        let viewer = Viewer::new(lab, "bob");
        assert_eq!(
            seen(&policy, &Share::default(), &viewer, &entry(Kind::User, "a", &[])),
            None
        );
    }
}
