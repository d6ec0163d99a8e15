//! People of partners' servers as a node knows them: what names there stand for, and what people do who somebody here has in
//! view.

use plenary_access::{Presence, Profile};
use plenary_model::{AliasName, Cid, ParseError, ServerName, UserName};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

/// A name of another server, without that server: of a person, an alias, a group or a conference. In the form that is
/// compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalName(String);

impl LocalName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LocalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LocalName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if let Ok(user) = text.parse::<UserName>() {
            return Ok(Self(user.into()));
        }
        if let Ok(alias) = text.parse::<AliasName>() {
            return Ok(Self(alias.into()));
        }
        text.parse::<Cid>().map(|cid| Self(cid.into()))
    }
}

/// What a name stands for at its server, as that one tells those of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The profile has what is shown to others.
    Person {
        user: UserName,
        profile: Box<Profile>,
    },
    /// People who are called by this name.
    Group(UserName),
    Conference(Cid),
    /// There is no such name, or none for who asks.
    Nothing,
}

/// Names of one server that a node remembers what they stand for.
type Kept = BTreeMap<LocalName, Entry>;

#[derive(Debug, Clone)]
struct Entry {
    found: Found,
    at_ms: u64,
    used: u64,
}

/// What was found at partners' servers: not for long, and of those that are asked for most lately.
#[derive(Debug, Clone)]
pub struct Faces {
    most: usize,
    servers: BTreeMap<ServerName, Kept>,
    /// By when they were used last.
    uses: BTreeMap<u64, (ServerName, LocalName)>,
    last_use: u64,
}

impl Faces {
    /// What was found holds for so long.
    pub const HOLDS_MS: u64 = 15 * 60 * 1_000;
    /// That there was nothing holds for so long: names are given, and mistakes in lists are corrected.
    pub const NOTHING_HOLDS_MS: u64 = 60 * 1_000;

    /// Remembers at most so many names.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            servers: BTreeMap::new(),
            uses: BTreeMap::new(),
            last_use: 0,
        }
    }

    /// What the name stands for, if that is known by now.
    pub fn get(&mut self, server: &ServerName, name: &LocalName, now_ms: u64) -> Option<Found> {
        let entry = self.servers.get_mut(server)?.get_mut(name)?;
        let holds_ms = match entry.found {
            Found::Nothing => Self::NOTHING_HOLDS_MS,
            _ => Self::HOLDS_MS,
        };
        if now_ms.saturating_sub(entry.at_ms) >= holds_ms {
            self.forget(server, name);
            return None;
        }
        self.last_use += 1;
        self.uses.remove(&entry.used);
        entry.used = self.last_use;
        self.uses.insert(self.last_use, (server.clone(), name.clone()));
        Some(entry.found.clone())
    }

    /// Remembers what a name stands for. Gives whether that is not what was known.
    pub fn put(&mut self, server: &ServerName, name: &LocalName, found: Found, now_ms: u64) -> bool {
        let before = self.forget(server, name);
        self.last_use += 1;
        self.uses.insert(self.last_use, (server.clone(), name.clone()));
        let is_new = before.as_ref() != Some(&found);
        let entry = Entry {
            found,
            at_ms: now_ms,
            used: self.last_use,
        };
        self.servers
            .entry(server.clone())
            .or_default()
            .insert(name.clone(), entry);
        while self.uses.len() > self.most {
            let Some((_, (server, name))) = self.uses.pop_first() else {
                break;
            };
            self.forget(&server, &name);
        }
        is_new
    }

    /// Gives what was known.
    pub fn forget(&mut self, server: &ServerName, name: &LocalName) -> Option<Found> {
        let kept = self.servers.get_mut(server)?;
        let entry = kept.remove(name)?;
        if kept.is_empty() {
            self.servers.remove(server);
        }
        self.uses.remove(&entry.used);
        Some(entry.found)
    }

    /// Of which servers something is remembered.
    pub fn servers(&self) -> impl Iterator<Item = &ServerName> {
        self.servers.keys()
    }

    /// Forgets all of one server. Gives whether there was something.
    pub fn forget_server(&mut self, server: &ServerName) -> bool {
        let forgotten = self.servers.remove(server).unwrap_or_default();
        for entry in forgotten.values() {
            self.uses.remove(&entry.used);
        }
        !forgotten.is_empty()
    }

    /// Names that are remembered.
    pub fn len(&self) -> usize {
        self.uses.len()
    }

    pub fn is_empty(&self) -> bool {
        self.uses.is_empty()
    }
}

/// Who has whom of one server in view.
pub type Viewers = BTreeMap<LocalName, BTreeSet<UserName>>;

/// To whom somebody's presence is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub viewers: BTreeSet<UserName>,
    pub name: LocalName,
    /// `None`: it is not known any more.
    pub presence: Option<Presence>,
}

/// What people of one partner's server do, as far as somebody at this node has them in view.
///
/// Invariant: there is no presence of anybody whom nobody has in view.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    viewers: Viewers,
    presence: BTreeMap<LocalName, Presence>,
}

impl Sight {
    /// Names that one node watches at one server. Who comes after is not seen.
    pub const MOST: usize = 2_000;

    /// From now on these have those in view, as many as may be.
    pub fn look(&mut self, mut viewers: Viewers) {
        if let Some(first) = viewers.keys().nth(Self::MOST).cloned() {
            viewers.split_off(&first);
        }
        self.presence.retain(|name, _| viewers.contains_key(name));
        self.viewers = viewers;
    }

    pub fn names(&self) -> impl Iterator<Item = &LocalName> {
        self.viewers.keys()
    }

    pub fn has(&self, name: &LocalName) -> bool {
        self.viewers.contains_key(name)
    }

    pub fn presence(&self, name: &LocalName) -> Option<Presence> {
        self.presence.get(name).copied()
    }

    /// Who has one of these in view.
    pub fn viewers<'a>(&self, names: impl IntoIterator<Item = &'a LocalName>) -> BTreeSet<UserName> {
        let names = names.into_iter();
        let viewers = names.filter_map(|name| self.viewers.get(name));
        viewers.flatten().cloned().collect()
    }

    /// The partner tells what somebody does. `None` where nobody here asked, or knows it.
    pub fn heard(&mut self, name: &LocalName, presence: Option<Presence>) -> Option<Sighting> {
        let viewers = self.viewers.get(name)?.clone();
        let before = match presence {
            Some(presence) => self.presence.insert(name.clone(), presence),
            None => self.presence.remove(name),
        };
        (before != presence).then(|| Sighting {
            viewers,
            name: name.clone(),
            presence,
        })
    }

    /// What the partner's people do is not known any more.
    pub fn lost(&mut self) -> Vec<Sighting> {
        let known = std::mem::take(&mut self.presence);
        let lost = known.into_keys().map(|name| Sighting {
            viewers: self.viewers.get(&name).cloned().unwrap_or_default(),
            name,
            presence: None,
        });
        lost.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> LocalName {
        text.parse().expect("a name")
    }

    fn server(text: &str) -> ServerName {
        text.parse().expect("a server")
    }

    fn person(user: &str) -> Found {
        Found::Person {
            user: user.parse().expect("a name"),
            profile: Box::default(),
        }
    }

    #[test]
    fn names_are_compared_in_one_form_and_have_no_server() {
        assert_eq!(name("Demo2"), name("demo2"));
        for bad in ["", "demo2@oslo.example.net", "a b", "\u{7}", &"1".repeat(65)] {
            assert!(bad.parse::<LocalName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_was_found_holds_for_a_while_and_nothing_for_a_moment() {
        let (oslo, mut faces) = (server("oslo.example.net"), Faces::new(10));
        assert!(faces.put(&oslo, &name("demo2"), person("demo2"), 1_000));
        assert!(!faces.put(&oslo, &name("demo2"), person("demo2"), 1_000));
        faces.put(&oslo, &name("nobody"), Found::Nothing, 1_000);
        let later = 1_000 + Faces::NOTHING_HOLDS_MS;
        assert_eq!(faces.get(&oslo, &name("nobody"), later - 1), Some(Found::Nothing));
        assert_eq!(faces.get(&oslo, &name("nobody"), later), None);
        assert_eq!(faces.get(&oslo, &name("demo2"), later), Some(person("demo2")));
        assert_eq!(faces.get(&oslo, &name("demo2"), 1_000 + Faces::HOLDS_MS), None);
        assert!(faces.is_empty());
    }

    #[test]
    fn those_that_nobody_asks_for_go_first() {
        let (oslo, mut faces) = (server("oslo.example.net"), Faces::new(2));
        for user in ["a", "b"] {
            faces.put(&oslo, &name(user), person(user), 0);
        }
        faces.get(&oslo, &name("a"), 0).expect("it is known");
        faces.put(&oslo, &name("c"), person("c"), 0);
        assert_eq!(faces.len(), 2);
        assert_eq!(faces.get(&oslo, &name("b"), 0), None);
        assert_eq!(faces.get(&oslo, &name("a"), 0), Some(person("a")));
        faces.put(&server("lyon.example.org"), &name("a"), Found::Nothing, 0);
        assert!(faces.forget_server(&oslo) && !faces.forget_server(&oslo));
        assert_eq!(faces.len(), 1);
    }

    fn viewers(names: &[(&str, &[&str])]) -> Viewers {
        let names = names.iter();
        let of = |users: &[&str]| users.iter().map(|user| user.parse().expect("a name")).collect();
        names.map(|(one, users)| (name(one), of(users))).collect()
    }

    #[test]
    fn only_those_who_are_in_view_are_heard_of() {
        let mut sight = Sight::default();
        sight.look(viewers(&[("demo2", &["alice", "bob"])]));
        let online = Some(Presence::Online);
        assert_eq!(sight.heard(&name("demo3"), online), None, "nobody asked");
        let told = sight.heard(&name("demo2"), online).expect("it is new");
        assert_eq!((told.viewers.len(), told.presence), (2, online));
        assert_eq!(sight.heard(&name("demo2"), online), None, "it is known");
        assert_eq!(sight.presence(&name("demo2")), online);
        sight.look(Viewers::new());
        assert_eq!(sight, Sight::default(), "nothing is kept of whom nobody sees");
    }

    #[test]
    fn when_the_partner_is_lost_nothing_is_known() {
        let mut sight = Sight::default();
        sight.look(viewers(&[("demo2", &["alice"]), ("demo3", &["bob"])]));
        sight.heard(&name("demo2"), Some(Presence::InCall));
        let lost = sight.lost();
        assert_eq!(lost.len(), 1, "who was not known is not lost");
        assert_eq!(lost[0].presence, None);
        assert_eq!(lost[0].viewers, ["alice".parse().expect("a name")].into());
        assert_eq!((sight.presence(&name("demo2")), sight.lost()), (None, Vec::new()));
        assert!(sight.has(&name("demo2")), "it is still asked for");
    }

    #[test]
    fn one_node_watches_so_many_and_no_more() {
        let mut sight = Sight::default();
        let crowd = (0..Sight::MOST + 5).map(|n| (name(&format!("u{n}")), BTreeSet::new()));
        sight.look(crowd.collect());
        assert_eq!(sight.names().count(), Sight::MOST);
    }
}
