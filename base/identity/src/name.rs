//! Who is who: the names inside certificates.

use crate::Refusal;
use plenary_model::{NodeId, NodeName, ParseError, ServerName};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

const SCHEME: &str = "plenary://";

/// What an enterprise calls itself: 1 to 64 letters, digits, spaces and `.,&'-_()`.
///
/// Shown to people; trust never depends on it but on the root certificate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnterpriseName(String);

impl EnterpriseName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Percent-encoded as one segment of a URI (RFC 3986 §2.1).
    fn encoded(&self) -> String {
        let mut text = String::new();
        for byte in self.0.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => text.push(char::from(byte)),
                _ => text.push_str(&format!("%{byte:02X}")),
            }
        }
        text
    }

    fn decode(text: &str) -> Option<Self> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let (high, low) = (char::from(rest.next()?), char::from(rest.next()?));
                bytes.push(u8::try_from(high.to_digit(16)? * 16 + low.to_digit(16)?).ok()?);
            } else {
                bytes.push(byte);
            }
        }
        let name: Self = String::from_utf8(bytes).ok()?.parse().ok()?;
        // One spelling each, so that equal names are equal texts.
        (name.encoded() == text).then_some(name)
    }
}

impl fmt::Display for EnterpriseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EnterpriseName {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = |reason: String| ParseError {
            what: "enterprise name",
            reason,
        };
        if !(1..=64).contains(&text.chars().count()) {
            return Err(bad("must have 1 to 64 characters".into()));
        }
        if let Some(c) = text
            .chars()
            .find(|c| !c.is_alphanumeric() && !" .,&'-_()".contains(*c))
        {
            return Err(bad(format!(
                "must not contain {c:?}; use letters, digits, spaces and .,&'-_()"
            )));
        }
        if text.trim() != text {
            return Err(bad("must not start or end with a space".into()));
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for EnterpriseName {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<EnterpriseName> for String {
    fn from(name: EnterpriseName) -> String {
        name.0
    }
}

/// The programs of Plenary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    Node,
    LicenseManager,
    Directory,
    BorderController,
}

impl Program {
    const ALL: [Self; 4] = [
        Self::Node,
        Self::LicenseManager,
        Self::Directory,
        Self::BorderController,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::LicenseManager => "license-manager",
            Self::Directory => "directory",
            Self::BorderController => "border-controller",
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Program {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let found = Self::ALL.into_iter().find(|program| program.as_str() == text);
        found.ok_or_else(|| ParseError {
            what: "program",
            reason: format!("{text:?} is none of Plenary's"),
        })
    }
}

/// What an issuer may certify: `plenary://<enterprise>/<program>/<server>`.
///
/// `server` is the name of the server, License Manager or Directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    pub enterprise: EnterpriseName,
    pub program: Program,
    pub server: ServerName,
}

impl Scope {
    /// A program inside of this scope.
    pub fn program_named(&self, name: NodeName, member: NodeId) -> ProgramName {
        let Self {
            enterprise,
            program,
            server,
        } = self.clone();
        ProgramName {
            enterprise,
            program,
            server,
            name,
            member,
        }
    }

    /// Whether an issuer with this scope may certify `who`: its own kind under its own server name, and for a
    /// server also its border controllers, which hold no issuing key themselves.
    pub fn covers(&self, who: &ProgramName) -> bool {
        let program = who.program == self.program
            || (self.program == Program::Node && who.program == Program::BorderController);
        program && who.enterprise == self.enterprise && who.server == self.server
    }

    pub(crate) fn parse(uri: &str) -> Option<Self> {
        let mut parts = uri.strip_prefix(SCHEME)?.split('/');
        let enterprise = EnterpriseName::decode(parts.next()?)?;
        let scope = Self {
            enterprise,
            program: parts.next()?.parse().ok()?,
            server: parts.next()?.parse().ok()?,
        };
        // One spelling each: `Paris.Example.com.` parses too, but is not how we write it.
        (parts.next().is_none() && scope.to_string() == uri).then_some(scope)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{SCHEME}{}/{}/{}",
            self.enterprise.encoded(),
            self.program,
            self.server
        )
    }
}

/// One program of an enterprise: `plenary://<enterprise>/<program>/<server>/<name>?member=<number>`, such as
/// `plenary://Demo/node/paris.example.com/node-1?member=1`. The only subject alternative name of its certificate.
///
/// The number is never given out twice, so that a removed machine stays refused when another one takes its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramName {
    pub enterprise: EnterpriseName,
    pub program: Program,
    pub server: ServerName,
    pub name: NodeName,
    pub member: NodeId,
}

impl ProgramName {
    pub(crate) fn parse(uri: &str) -> Option<Self> {
        let (path, member) = uri.rsplit_once("?member=")?;
        let (scope, name) = path.rsplit_once('/')?;
        let who = Scope::parse(scope)?.program_named(name.parse().ok()?, NodeId(member.parse().ok()?));
        (who.to_string() == uri).then_some(who)
    }
}

impl fmt::Display for ProgramName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            enterprise,
            program,
            server,
            name,
            member,
        } = self;
        write!(
            f,
            "{SCHEME}{}/{program}/{server}/{name}?member={member}",
            enterprise.encoded()
        )
    }
}

/// Who is expected at the other end: a kind of program and, if given, its server and name.
///
/// The enterprise is always our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub program: Program,
    pub server: Option<ServerName>,
    pub name: Option<NodeName>,
    pub member: Option<NodeId>,
}

impl Expected {
    /// Any program of this kind in the enterprise.
    pub fn any(program: Program) -> Self {
        Self {
            program,
            server: None,
            name: None,
            member: None,
        }
    }

    /// Any node of this server.
    pub fn node_of(server: &ServerName) -> Self {
        Self::any(Program::Node).at(server)
    }

    #[must_use]
    pub fn at(mut self, server: &ServerName) -> Self {
        self.server = Some(server.clone());
        self
    }

    #[must_use]
    pub fn named(mut self, name: &NodeName) -> Self {
        self.name = Some(name.clone());
        self
    }

    #[must_use]
    pub fn member(mut self, member: NodeId) -> Self {
        self.member = Some(member);
        self
    }

    fn matches(&self, who: &ProgramName) -> bool {
        self.program == who.program
            && self.server.as_ref().is_none_or(|server| *server == who.server)
            && self.name.as_ref().is_none_or(|name| *name == who.name)
            && self.member.is_none_or(|member| member == who.member)
    }

    /// # Errors
    /// [`Refusal::Unexpected`] unless one of `expected` is `who`.
    pub(crate) fn check(expected: &[Self], who: &ProgramName) -> Result<(), Refusal> {
        if expected.iter().any(|expected| expected.matches(who)) {
            return Ok(());
        }
        let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
        Err(Refusal::Unexpected {
            found: who.to_string(),
            expected: expected.join(" or "),
        })
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "the {} {name}", self.program)?,
            None => write!(f, "a {}", self.program)?,
        }
        if let Some(member) = self.member {
            write!(f, " (member {member})")?;
        }
        match &self.server {
            Some(server) => write!(f, " of {server}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(enterprise: &str, program: Program, server: &str) -> Scope {
        let (enterprise, server) = (enterprise.parse().expect("good"), server.parse().expect("good"));
        Scope {
            enterprise,
            program,
            server,
        }
    }

    #[test]
    fn names_survive_the_way_through_a_uri() {
        for enterprise in ["Demo", "Société Générale", "Müller & Söhne (Ost)", "Завод 12"] {
            let scope = scope(enterprise, Program::Node, "paris.example.com");
            assert_eq!(Scope::parse(&scope.to_string()).as_ref(), Some(&scope), "{scope}");
            let who = scope.program_named("node-1".parse().expect("good"), NodeId(7));
            assert_eq!(ProgramName::parse(&who.to_string()), Some(who.clone()), "{who}");
            assert!(who.to_string().is_ascii());
        }
    }

    #[test]
    fn other_spellings_of_a_name_are_no_names() {
        for bad in [
            "",
            "plenary://",
            "https://Demo/node/a.b/node-1",
            "plenary://Demo/node/a.b?member=1",
            "plenary://Demo/node/a.b/?member=1",
            "plenary://Demo/node/a.b/node-1",
            "plenary://Demo/node/a.b/node-1?member=",
            "plenary://Demo/node/a.b/node-1?member=01",
            "plenary://Demo/node/a.b/node-1?member=+1",
            "plenary://Demo/node/A.b/node-1?member=1",
            "plenary://Demo/node/a.b./node-1?member=1",
            "plenary://D%65mo/node/a.b/node-1?member=1",
            "plenary://Demo/nodes/a.b/node-1?member=1",
            "plenary://Demo/node/a.b/node-1/x?member=1",
            "plenary://%/node/a.b/node-1?member=1",
            "plenary://%ff/node/a.b/node-1?member=1",
        ] {
            assert!(ProgramName::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn enterprise_names_say_what_is_wrong_with_them() {
        for (bad, word) in [
            ("", "1 to 64"),
            ("a/b", "'/'"),
            (" a", "space"),
            ("a\0", "must not contain"),
        ] {
            let error = bad.parse::<EnterpriseName>().expect_err("refused").to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_scope_covers_its_own_programs_only() {
        let paris = scope("Demo", Program::Node, "paris.example.com");
        let name = || "node-1".parse().expect("good");
        let at = |program, server| scope("Demo", program, server).program_named(name(), NodeId(1));
        assert!(paris.covers(&at(Program::Node, "paris.example.com")));
        assert!(paris.covers(&at(Program::BorderController, "paris.example.com")));
        assert!(!paris.covers(&at(Program::Node, "oslo.example.com")));
        assert!(!paris.covers(&at(Program::LicenseManager, "paris.example.com")));
        assert!(
            !paris
                .covers(&scope("Other", Program::Node, "paris.example.com").program_named(name(), NodeId(1)))
        );
        let licences = scope("Demo", Program::LicenseManager, "lm.example.com");
        assert!(!licences.covers(&at(Program::BorderController, "lm.example.com")));
    }
}
