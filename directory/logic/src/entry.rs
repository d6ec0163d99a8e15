//! What the Directory knows of somebody or something, and how it changes.

use crate::limits;
use plenary_model::{ParseError, ServerName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    User,
    Group,
    /// A device of a room, which is called as a person is.
    Room,
    Conference,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::User, Self::Group, Self::Room, Self::Conference];

    /// Its name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Room => "room",
            Self::Conference => "conference",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which entry: no two of an enterprise have the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryId {
    pub server: ServerName,
    pub kind: Kind,
    /// What its server calls it: a user name, a group ID, a CID. In the form that this server compares.
    pub id: String,
}

impl EntryId {
    /// Whether it keeps the [`limits`].
    pub fn check(&self) -> Result<(), ParseError> {
        check_id("ID of an entry", &self.id, limits::ID)
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}@{}", self.kind, self.id, self.server)
    }
}

/// What a server says of one of its people, groups, rooms or conferences. Texts are as people wrote them, and empty where
/// nothing is known. A server sends no disabled accounts: for the Directory they are removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub id: EntryId,
    /// Never empty.
    pub display_name: String,
    #[serde(default)]
    pub first_name: String,
    #[serde(default)]
    pub last_name: String,
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub phones: Vec<String>,
    #[serde(default)]
    pub job_title: String,
    #[serde(default)]
    pub department: String,
    #[serde(default)]
    pub company: String,
    /// IDs of groups of its server. None means the group of those who are in no other (USR-04).
    #[serde(default)]
    pub groups: Vec<String>,
    /// Other names by which it is called (USR-09).
    #[serde(default)]
    pub aliases: Vec<String>,
}

impl Entry {
    /// One of which nothing is known but its name.
    pub fn new(id: EntryId, display_name: impl Into<String>) -> Self {
        Self {
            id,
            display_name: display_name.into(),
            first_name: String::new(),
            last_name: String::new(),
            email: String::new(),
            phones: Vec::new(),
            job_title: String::new(),
            department: String::new(),
            company: String::new(),
            groups: Vec::new(),
            aliases: Vec::new(),
        }
    }

    /// Whether it keeps the [`limits`]. The error names the field and what would be right.
    pub fn check(&self) -> Result<(), ParseError> {
        self.id.check()?;
        if self.display_name.trim().is_empty() {
            return Err(wrong("display name", "is empty; give what people call the entry"));
        }
        let texts = [
            ("display name", &self.display_name, limits::TEXT),
            ("first name", &self.first_name, limits::TEXT),
            ("last name", &self.last_name, limits::TEXT),
            ("email address", &self.email, limits::EMAIL),
            ("job title", &self.job_title, limits::TEXT),
            ("department", &self.department, limits::TEXT),
            ("company", &self.company, limits::TEXT),
        ];
        for (what, text, most) in texts {
            check_text(what, text, most)?;
        }
        check_count("list of phones", &self.phones, limits::PHONES)?;
        for phone in &self.phones {
            check_text("phone number", phone, limits::PHONE)?;
        }
        check_count("list of groups", &self.groups, limits::GROUPS)?;
        for group in &self.groups {
            check_id("ID of a group", group, limits::ID)?;
        }
        check_count("list of aliases", &self.aliases, limits::ALIASES)?;
        for alias in &self.aliases {
            check_id("alias", alias, limits::ALIAS)?;
        }
        let bytes = self.bytes();
        if bytes > limits::ENTRY_BYTES {
            let most = limits::ENTRY_BYTES;
            return Err(wrong(
                "entry",
                format!("has {bytes} bytes of text; at most {most} are allowed"),
            ));
        }
        Ok(())
    }

    /// Bytes of all its texts.
    pub fn bytes(&self) -> usize {
        let lists = [&self.phones, &self.groups, &self.aliases];
        let of_lists = lists.into_iter().flatten().map(String::len).sum::<usize>();
        let texts = [
            self.id.server.as_str(),
            &self.id.id,
            &self.display_name,
            &self.first_name,
            &self.last_name,
            &self.email,
            &self.job_title,
            &self.department,
            &self.company,
        ];
        of_lists + texts.into_iter().map(str::len).sum::<usize>()
    }

    /// Takes out what turns the direction of writing around: in a list of people it would turn what stands beside it, too,
    /// and make one name look like another. Names in scripts that are written from the right need none of it.
    pub fn straighten(&mut self) {
        let texts = [
            &mut self.display_name,
            &mut self.first_name,
            &mut self.last_name,
            &mut self.email,
            &mut self.job_title,
            &mut self.department,
            &mut self.company,
        ];
        let lists = self.phones.iter_mut();
        texts
            .into_iter()
            .chain(lists)
            .for_each(|text| text.retain(|c| !turns(c)));
    }
}

/// Embeddings, overrides and isolates (Unicode Standard Annex #9, §2).
pub fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How the entries of an enterprise change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Adds an entry, or replaces the one with its ID. Boxed: it is much larger than the others.
    Put(Box<Entry>),
    Remove(EntryId),
    /// Removes all entries of a server.
    RemoveServer(ServerName),
}

impl Change {
    pub fn put(entry: Entry) -> Self {
        Self::Put(Box::new(entry))
    }

    /// Whose entries it is about. A server changes none but its own.
    pub fn server(&self) -> &ServerName {
        match self {
            Self::Put(entry) => &entry.id.server,
            Self::Remove(id) => &id.server,
            Self::RemoveServer(server) => server,
        }
    }
}

fn wrong(what: &'static str, reason: impl Into<String>) -> ParseError {
    ParseError {
        what,
        reason: reason.into(),
    }
}

fn check_text(what: &'static str, text: &str, most: usize) -> Result<(), ParseError> {
    let length = text.chars().count();
    if length > most {
        return Err(wrong(
            what,
            format!("has {length} characters; at most {most} are allowed"),
        ));
    }
    match text.chars().find(|c| c.is_control() || turns(*c)) {
        Some(bad) => Err(wrong(
            what,
            format!("must not contain {bad:?}; leave control characters out"),
        )),
        None => Ok(()),
    }
}

fn check_id(what: &'static str, text: &str, most: usize) -> Result<(), ParseError> {
    if text.is_empty() {
        return Err(wrong(what, format!("is empty; give 1 to {most} characters")));
    }
    check_text(what, text, most)?;
    match text
        .chars()
        .find(|c| c.is_whitespace() || matches!(c, '@' | '/' | '\\'))
    {
        Some(bad) => Err(wrong(
            what,
            format!("must not contain {bad:?}; it is the name alone, without a server"),
        )),
        None => Ok(()),
    }
}

fn check_count(what: &'static str, list: &[String], most: usize) -> Result<(), ParseError> {
    if list.len() > most {
        return Err(wrong(
            what,
            format!("has {} items; at most {most} are allowed", list.len()),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> Entry {
        let id = EntryId {
            server: "paris.example.com".parse().expect("good"),
            kind: Kind::User,
            id: "alice".into(),
        };
        Entry::new(id, "Alice Martin")
    }

    #[test]
    fn faults_of_entries_are_said_in_words() {
        assert_eq!(alice().check(), Ok(()));
        let said = |change: fn(&mut Entry)| {
            let mut entry = alice();
            change(&mut entry);
            entry.check().expect_err("wrong").to_string()
        };
        assert_eq!(
            said(|entry| entry.display_name = " ".into()),
            "display name is empty; give what people call the entry"
        );
        assert_eq!(
            said(|entry| entry.company = "x".repeat(257)),
            "company has 257 characters; at most 256 are allowed"
        );
        assert_eq!(
            said(|entry| entry.phones = vec!["1".into(); 9]),
            "list of phones has 9 items; at most 8 are allowed"
        );
        assert_eq!(
            said(|entry| entry.id.id = "alice@paris.example.com".into()),
            "ID of an entry must not contain '@'; it is the name alone, without a server"
        );
        assert!(said(|entry| entry.job_title = "a\nb".into()).contains("control characters"));
        assert!(said(|entry| entry.groups = vec!["🦀".repeat(64); 256]).starts_with("entry has 65"));
        assert!(said(|entry| entry.aliases = vec![String::new()]).starts_with("alias is empty"));
    }

    #[test]
    fn no_name_turns_what_stands_beside_it_around() {
        let mut entry = alice();
        entry.display_name = "Alice\u{202e}nitraM\u{2066}".into();
        assert!(entry.check().is_err());
        entry.straighten();
        assert_eq!(
            (entry.check(), entry.display_name.as_str()),
            (Ok(()), "AlicenitraM")
        );
        // These are part of how Persian and Hebrew are written.
        entry.display_name = "می\u{200c}خواهم \u{200f}א".into();
        assert_eq!(entry.check(), Ok(()));
    }

    #[test]
    fn entries_and_changes_survive_json() {
        let change = Change::put(alice());
        let json = serde_json::to_string(&change).expect("serialises");
        assert_eq!(serde_json::from_str::<Change>(&json).expect("parses"), change);
        let short =
            r#"{"id":{"server":"paris.example.com","kind":"room","id":"r1"},"display_name":"Room 1"}"#;
        let entry: Entry = serde_json::from_str(short).expect("what is not known may be left out");
        assert_eq!(entry.id.to_string(), "room r1@paris.example.com");
    }
}
