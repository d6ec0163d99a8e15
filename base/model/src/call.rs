use crate::{Cid, GuestId, ParseError, ServerName, UserName, limits, name::text_newtype};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A short name for any call string (USR-09): 1 to 32 of letters, digits, `-`, `_`; lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AliasName(String);
text_newtype!(AliasName);

impl AliasName {
    /// Whether it reads like the ID of a guest. New aliases cannot take such a name; one that has it keeps it.
    pub fn is_like_a_guest(&self) -> bool {
        self.0.starts_with(GuestId::PREFIX)
    }
}

impl FromStr for AliasName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let name: String = text
            .chars()
            .take(limits::ALIAS * 2)
            .flat_map(char::to_lowercase)
            .collect();
        let good = (1..=limits::ALIAS).contains(&name.chars().count())
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
        if good {
            Ok(Self(name))
        } else {
            Err(ParseError::new(
                "alias",
                "must be 1 to 32 letters, digits, - or _",
            ))
        }
    }
}

/// Anything that can be called. The text is kept as typed; [`CallString::kind`] says what it means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CallString(String);
text_newtype!(CallString);

/// What a [`CallString`] means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallKind {
    /// A user or an alias, here or on a named server: `alice`, `111@paris.example.com`.
    Account {
        name: String,
        server: Option<ServerName>,
    },
    /// A conference: `\c\review@paris.example.com`.
    Conference { cid: Cid, server: Option<ServerName> },
    /// A gateway address after `#`: scheme (`sip`, `h323`, `rtsp`, `tel`, `mailto`) and the rest.
    Gateway { scheme: &'static str, address: String },
}

const SCHEMES: &[&str] = &["sips", "sip", "h323", "rtsps", "rtsp", "tel", "mailto"];

impl CallString {
    /// Reads what the string means.
    pub fn kind(&self) -> CallKind {
        read(&self.0).expect("checked when the call string was made")
    }
}

fn split_server(text: &str) -> Result<(&str, Option<ServerName>), ParseError> {
    match text.rsplit_once('@') {
        Some((name, server)) => Ok((name, Some(server.parse()?))),
        None => Ok((text, None)),
    }
}

fn read(text: &str) -> Result<CallKind, ParseError> {
    const WHAT: &str = "call string";
    if text.is_empty() || text.chars().count() > limits::CALL_STRING || text.chars().any(char::is_control) {
        return Err(ParseError::new(WHAT, "must have 1 to 512 printable characters"));
    }
    if let Some(rest) = text.strip_prefix("\\c\\") {
        let (cid, server) = split_server(rest)?;
        let Ok(cid) = cid.parse() else {
            return Err(ParseError::new(
                WHAT,
                "names no conference; after \\c\\ come letters, digits, _, - or .",
            ));
        };
        return Ok(CallKind::Conference { cid, server });
    }
    if let Some(rest) = text.strip_prefix('#') {
        for scheme in SCHEMES {
            if let Some(address) = rest.strip_prefix(scheme).and_then(|r| r.strip_prefix(':'))
                && !address.is_empty()
            {
                return Ok(CallKind::Gateway {
                    scheme,
                    address: address.into(),
                });
            }
        }
        return Err(ParseError::new(
            WHAT,
            "has an unknown kind after #; use #sip:, #h323:, #rtsp:, #tel: or #mailto:",
        ));
    }
    let (name, server) = split_server(text)?;
    if name.parse::<UserName>().is_err() && name.parse::<AliasName>().is_err() {
        return Err(ParseError::new(
            WHAT,
            "is neither a user ID, an alias, a conference (\\c\\name) nor #sip:… and the like",
        ));
    }
    Ok(CallKind::Account {
        name: name.to_lowercase(),
        server,
    })
}

impl FromStr for CallString {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        read(text).map(|_| Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_strings_say_what_they_mean() {
        let kind = |text: &str| text.parse::<CallString>().map(|c| c.kind());
        assert_eq!(
            kind("Alice"),
            Ok(CallKind::Account {
                name: "alice".into(),
                server: None
            })
        );
        assert_eq!(
            kind("\\c\\Review@oslo.example.net"),
            Ok(CallKind::Conference {
                cid: "review".parse().expect("good"),
                server: "oslo.example.net".parse().ok()
            })
        );
        assert!(
            kind("\\c\\new").is_ok(),
            "what is reserved here may be called elsewhere"
        );
        assert_eq!(
            kind("#sip:a@b"),
            Ok(CallKind::Gateway {
                scheme: "sip",
                address: "a@b".into()
            })
        );
        for bad in [
            "", "#ftp:x", "#sip:", "\\c\\", "\\c\\a b", "a b", "a@", "a@b c", "\u{7}",
        ] {
            assert!(kind(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn aliases_have_at_most_32_characters() {
        assert!("1".repeat(32).parse::<AliasName>().is_ok());
        assert!("1".repeat(33).parse::<AliasName>().is_err());
        assert!("a.b".parse::<AliasName>().is_err());
    }
}
