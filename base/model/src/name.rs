use crate::{ParseError, limits};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use unicode_normalization::UnicodeNormalization as _;

macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The text, in the form that is stored and compared.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = ParseError;
            fn try_from(text: String) -> Result<Self, ParseError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }
    };
}
pub(crate) use text_newtype;

/// The part of a user ID before `@`: Latin or Cyrillic letters (not both: `аdmin` would pass for `admin`), digits, `_`,
/// `-`, `.`; 1 to 64 characters.
///
/// Invariant: in Unicode NFC and lower case, so that equal names are equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName(String);
text_newtype!(UserName);

/// Names that accounts cannot take: the product uses them itself.
const RESERVED_USER_NAMES: &[&str] = &["guest", "guests", "federated", "me", "system"];

impl FromStr for UserName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        const WHAT: &str = "user ID";
        let name = folded_name(WHAT, text, limits::USER_NAME)?;
        if RESERVED_USER_NAMES.contains(&name.as_str()) {
            return Err(ParseError::new(
                WHAT,
                format!("{name:?} is reserved; choose another one"),
            ));
        }
        Ok(Self(name))
    }
}

impl UserName {
    /// Whether it reads like the ID of a guest. New accounts cannot take such a name; one that has it keeps it.
    pub fn is_like_a_guest(&self) -> bool {
        self.0.starts_with(GuestId::PREFIX)
    }
}

/// A guest of a public conference: `guest-` and 16 of the lower-case letters and digits of Base32 (RFC 4648 §6).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GuestId(String);
text_newtype!(GuestId);

impl GuestId {
    /// What the ID of every guest begins with, and that of nobody and nothing else that is made from now on.
    pub const PREFIX: &str = "guest-";
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    const LENGTH: usize = 16;

    /// An ID of random bytes, of which it keeps five bits each.
    pub fn of_random(bytes: [u8; Self::LENGTH]) -> Self {
        let letters = bytes.map(|byte| Self::LETTERS[usize::from(byte % 32)]);
        Self(Self::PREFIX.chars().chain(letters.map(char::from)).collect())
    }
}

impl FromStr for GuestId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let letters = text.strip_prefix(Self::PREFIX).unwrap_or_default();
        if letters.len() == Self::LENGTH && letters.bytes().all(|byte| Self::LETTERS.contains(&byte)) {
            return Ok(Self(text.into()));
        }
        Err(ParseError::new(
            "guest ID",
            "must be guest- and 16 lower-case letters or digits from 2 to 7",
        ))
    }
}

/// The bare name of a conference, as it stands in URLs and JSON: `review`. Letters as in a [`UserName`], digits, `_`,
/// `-`, `.`; 1 to 64 characters. What people type to call it is [`CallString`](crate::CallString)'s:
/// `\c\review@paris.example.com`.
///
/// Invariant: in Unicode NFC and lower case, so that equal names are equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cid(String);
text_newtype!(Cid);

/// Names that conferences cannot take: pages and lists stand beside conferences in addresses.
const RESERVED_CIDS: &[&str] = &["all", "join", "me", "new", "system"];

impl Cid {
    /// Whether the product uses the name itself. Not an error of reading: servers of partners may see it otherwise.
    pub fn is_reserved(&self) -> bool {
        RESERVED_CIDS.contains(&self.as_str())
    }
}

impl FromStr for Cid {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        folded_name("conference ID", text, limits::CID).map(Self)
    }
}

/// A name of at most `most` characters in the one form that is stored and compared.
fn folded_name(what: &'static str, text: &str, most: usize) -> Result<String, ParseError> {
    // Bounded before normalising: NFC never makes more than three times the characters.
    if text.len() > most * 8 {
        return Err(ParseError::new(
            what,
            format!("is too long; at most {most} characters"),
        ));
    }
    let name: String = text.nfc().flat_map(char::to_lowercase).collect();
    let length = name.chars().count();
    if length == 0 {
        return Err(ParseError::new(
            what,
            format!("is empty; give 1 to {most} letters, digits, _, - or ."),
        ));
    }
    if length > most {
        return Err(ParseError::new(
            what,
            format!("has {length} characters; at most {most} are allowed"),
        ));
    }
    if let Some(bad) = name.chars().find(|c| !is_name_char(*c)) {
        return Err(ParseError::new(
            what,
            format!("must not contain {bad:?}; use Latin or Cyrillic letters, digits, _, - and ."),
        ));
    }
    if name.chars().all(|c| c == '.') {
        return Err(ParseError::new(what, "must contain a letter or digit"));
    }
    if name.chars().any(is_cyrillic) && name.chars().any(|c| c.is_alphabetic() && !is_cyrillic(c)) {
        return Err(ParseError::new(
            what,
            "mixes Latin and Cyrillic letters, which can look alike; use letters of one of them",
        ));
    }
    Ok(name)
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '_' | '-' | '.')
        || ('\u{00C0}'..='\u{024F}').contains(&c) && c.is_alphabetic()
        || is_cyrillic(c) && c.is_alphabetic()
}

fn is_cyrillic(c: char) -> bool {
    ('\u{0400}'..='\u{052F}').contains(&c)
}

/// The DNS name of a server, without a final dot: `paris.example.com`.
///
/// Invariant: lower case, 1 to 253 characters, labels of 1 to 63 letters, digits and inner hyphens
/// (RFC 1123 §2.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerName(String);
text_newtype!(ServerName);

impl FromStr for ServerName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        const WHAT: &str = "server name";
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name.is_empty() || name.len() > 253 {
            return Err(ParseError::new(
                WHAT,
                "must have 1 to 253 characters, like paris.example.com",
            ));
        }
        let label_is_good = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        match name.split('.').find(|label| !label_is_good(label)) {
            Some(label) => Err(ParseError::new(
                WHAT,
                format!("has the part {label:?}; parts are letters, digits and inner hyphens"),
            )),
            None => Ok(Self(name)),
        }
    }
}

/// A user of any server: `alice@paris.example.com`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId {
    pub name: UserName,
    pub server: ServerName,
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.server)
    }
}

impl FromStr for UserId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let Some((name, server)) = text.split_once('@') else {
            return Err(ParseError::new(
                "user ID",
                "needs a server: name@server.example.com",
            ));
        };
        Ok(Self {
            name: name.parse()?,
            server: server.parse()?,
        })
    }
}

impl TryFrom<String> for UserId {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<UserId> for String {
    fn from(id: UserId) -> String {
        id.to_string()
    }
}

/// Identifies a group for good, whatever its name becomes: 1 to 64 of lower-case letters, digits, `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupId(String);
text_newtype!(GroupId);

impl GroupId {
    /// Users who are in no other group (USR-04).
    pub fn ungrouped() -> Self {
        Self("ungrouped".into())
    }
    /// Users of partner servers (USR-04).
    pub fn federated() -> Self {
        Self("federated".into())
    }
    /// Guests of public conferences (USR-04).
    pub fn guests() -> Self {
        Self("guests".into())
    }
    /// Whether it reads like the ID of a guest. New groups cannot take such an ID; one that has it keeps it.
    pub fn is_like_a_guest(&self) -> bool {
        self.0.starts_with(GuestId::PREFIX)
    }
    /// Whether this is one of the three groups that exist always and keep their names (USR-04).
    pub fn is_builtin(&self) -> bool {
        matches!(self.0.as_str(), "ungrouped" | "federated" | "guests")
    }
}

impl FromStr for GroupId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let good = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if good {
            Ok(Self(text.into()))
        } else {
            Err(ParseError::new(
                "group ID",
                "must be 1 to 64 lower-case letters, digits and hyphens",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_are_folded_to_one_form() {
        let composed: UserName = "Zoé".parse().expect("é is a Latin letter");
        let decomposed: UserName = "zoe\u{301}".parse().expect("the same letter in two parts");
        assert_eq!(composed, decomposed);
        assert_eq!(
            "Иван.Петров".parse::<UserName>().expect("Cyrillic").as_str(),
            "иван.петров"
        );
    }

    #[test]
    fn user_names_refuse_what_the_rule_does_not_list() {
        for bad in [
            "",
            "a b",
            "a/b",
            "../x",
            "a@b",
            "a\0",
            "日本",
            "..",
            "guest",
            "x\u{202e}y",
            "\u{0430}dmin",
            &"x".repeat(65),
        ] {
            assert!(bad.parse::<UserName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn guests_have_ids_that_no_new_account_gets() {
        let id = GuestId::of_random([0, 25, 26, 31, 32, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(id.as_str(), "guest-az27a7bcdefghijk");
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for bad in [
            "",
            "guest-",
            "guest-ABCDEFGHIJKLMNOP",
            "guest-abc",
            "host-abcdefghijklmnop",
        ] {
            assert!(bad.parse::<GuestId>().is_err(), "{bad:?}");
        }
        let alike: UserName = "Guest-Bob".parse().expect("accounts of before may be called so");
        assert!(alike.is_like_a_guest());
        let other: UserName = "guestbook".parse().expect("good");
        assert!(!other.is_like_a_guest());
    }

    #[test]
    fn conference_ids_are_names_like_those_of_users() {
        let cid = |text: &str| text.parse::<Cid>();
        assert_eq!(cid("Week.Review_2-a").expect("good").as_str(), "week.review_2-a");
        assert_eq!(cid("RÉUNION"), cid("re\u{301}union"));
        assert_eq!(cid("Обзор").expect("Cyrillic").as_str(), "обзор");
        assert!(cid(&"x".repeat(64)).is_ok());
        for bad in [
            "",
            "..",
            "a b",
            "a/b",
            "\\c\\review",
            "review@paris.example.com",
            "日本",
            "r\u{435}view",
            &"x".repeat(65),
        ] {
            assert!(cid(bad).is_err(), "{bad:?}");
        }
        assert!(cid("new").expect("can be read").is_reserved());
        assert!(!cid("news").expect("good").is_reserved());
    }

    #[test]
    fn server_names_are_dns_names() {
        assert_eq!(
            "Paris.Example.COM.".parse::<ServerName>().expect("good").as_str(),
            "paris.example.com"
        );
        for bad in [
            "",
            ".",
            "a..b",
            "-a.b",
            "a_b.c",
            "é.fr",
            &format!("{}.com", "x".repeat(64)),
        ] {
            assert!(bad.parse::<ServerName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn user_ids_round_trip_through_json() {
        let id: UserId = "Alice@Paris.example.com".parse().expect("good");
        assert_eq!(id.to_string(), "alice@paris.example.com");
        let json = serde_json::to_string(&id).expect("serialises");
        assert_eq!(serde_json::from_str::<UserId>(&json).expect("parses"), id);
    }
}
