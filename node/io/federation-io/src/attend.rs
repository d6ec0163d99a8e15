//! Attending a conference: what of it both ends have in common.
//!
//! ```text
//!  the server of who attends                                the conference's server
//!   Reach::attend ── Begin ─────────────────────────────────► Home::host
//!        Visit ───── said ──────────────────────────────────► Visit
//!              ◄──── said, permits ──────────────────────────
//! ```
//! What is said is not read here.

use plenary_contracts::federation::v1 as wire;
use plenary_model::{ServerName, UserName};
use tokio::sync::mpsc;

/// The longest thing that somebody says in a meeting, in bytes; less than a message has.
pub const SAID: usize = 60 * 1024;
/// The longest thing that they are told: all of the chat, when they come in.
pub const TOLD: usize = 4 << 20;
/// What waits in one direction.
pub(crate) const WAITING: usize = 64;
/// The longest name that others see, in characters, and rights that are looked at.
const NAME: usize = 256;
const RIGHTS: usize = 64;
/// The right to show a screen.
const SHARE_SCREEN: &str = "share-screen";

/// Somebody who wants to come into a conference of another server.
#[derive(Clone, PartialEq, Eq)]
pub struct Attending {
    pub user: UserName,
    /// What others see.
    pub name: String,
    /// Whether their rights at home let them show a screen.
    pub shares: bool,
    /// What they say at the door, as JSON.
    pub join: Vec<u8>,
}

/// What may flow of who attends, and to them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permit {
    /// The conference's key.
    pub hall: String,
    pub place: u64,
    pub inside: bool,
    pub voice: bool,
    pub camera: bool,
    pub content: bool,
    /// Whom alone they may be shown.
    pub only: Option<Vec<u64>>,
}

/// What the conference's server tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// To the client, as JSON.
    Said(Vec<u8>),
    /// To the server that serves its media.
    Permit(Permit),
}

/// Somebody who attends, on either side. It is over when one of the channels is closed.
#[derive(Debug)]
pub struct Visit {
    pub say: mpsc::Sender<Vec<u8>>,
    pub hear: mpsc::Receiver<Told>,
}

/// Somebody who attends here.
pub struct Hosted {
    pub visit: Visit,
    /// In the conference of a call of two.
    pub by_call: bool,
    /// Has them leave at once, and hear why.
    pub part: Box<dyn FnOnce() + Send>,
}

impl Attending {
    pub(crate) fn to_wire(&self, me: &ServerName, wanted: &ServerName) -> wire::Begin {
        let rights = self.shares.then(|| SHARE_SCREEN.to_owned());
        wire::Begin {
            server: me.to_string(),
            wanted: wanted.to_string(),
            user: self.user.to_string(),
            name: self.name.clone(),
            rights: rights.into_iter().collect(),
            join: self.join.clone(),
        }
    }

    /// Gives which field is wrong, and why.
    pub(crate) fn from_wire(begin: wire::Begin) -> Result<Self, String> {
        let user = begin.user.parse().map_err(|error| format!("user: {error}"))?;
        if begin.name.trim().is_empty() || begin.name.chars().count() > NAME {
            return Err(format!("name: must have 1 to {NAME} characters"));
        }
        let shares = begin
            .rights
            .iter()
            .take(RIGHTS)
            .any(|right| right == SHARE_SCREEN);
        Ok(Self {
            user,
            name: begin.name,
            shares,
            join: begin.join,
        })
    }
}

impl From<Told> for wire::AttendResponse {
    fn from(told: Told) -> Self {
        use wire::attend_response::What;
        let what = match told {
            Told::Said(bytes) => What::Said(bytes),
            Told::Permit(permit) => What::Permit(wire::Permit {
                hall: permit.hall,
                place: permit.place,
                inside: permit.inside,
                voice: permit.voice,
                camera: permit.camera,
                content: permit.content,
                restricted: permit.only.is_some(),
                only: permit.only.unwrap_or_default(),
            }),
        };
        Self { what: Some(what) }
    }
}

/// None for what a newer version says.
pub(crate) fn told(response: wire::AttendResponse) -> Option<Told> {
    use wire::attend_response::What;
    Some(match response.what? {
        What::Said(bytes) => Told::Said(bytes),
        What::Permit(permit) => Told::Permit(Permit {
            hall: permit.hall,
            place: permit.place,
            inside: permit.inside,
            voice: permit.voice,
            camera: permit.camera,
            content: permit.content,
            only: permit.restricted.then_some(permit.only),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody() -> Attending {
        Attending {
            user: "demo2".parse().unwrap(),
            name: "Demo Two".into(),
            shares: true,
            join: b"{}".to_vec(),
        }
    }

    #[test]
    fn who_attends_crosses_unchanged() {
        let (me, wanted) = (
            "oslo.example.net".parse().unwrap(),
            "paris.example.com".parse().unwrap(),
        );
        let begin = somebody().to_wire(&me, &wanted);
        assert_eq!(
            (begin.server.as_str(), begin.wanted.as_str()),
            ("oslo.example.net", "paris.example.com")
        );
        assert!(Attending::from_wire(begin).unwrap() == somebody());
    }

    #[test]
    fn names_that_cannot_be_are_refused_by_their_field() {
        let me = "oslo.example.net".parse().unwrap();
        for (user, name, field) in [
            ("", "Demo", "user"),
            ("a b", "Demo", "user"),
            ("demo2", "  ", "name"),
        ] {
            let begin = wire::Begin {
                user: user.into(),
                name: name.into(),
                ..somebody().to_wire(&me, &me)
            };
            let why = Attending::from_wire(begin).err().expect("it is wrong");
            assert!(why.starts_with(field), "{why}");
        }
        let long = wire::Begin {
            name: "n".repeat(NAME + 1),
            ..somebody().to_wire(&me, &me)
        };
        assert!(Attending::from_wire(long).is_err());
    }

    #[test]
    fn what_is_told_crosses_unchanged() {
        let permit = Permit {
            hall: "review".into(),
            place: 7,
            inside: true,
            camera: true,
            only: Some(vec![1, 2]),
            ..Permit::default()
        };
        for this in [
            Told::Said(b"{}".to_vec()),
            Told::Permit(permit),
            Told::Permit(Permit {
                only: Some(Vec::new()),
                ..Permit::default()
            }),
            Told::Permit(Permit::default()),
        ] {
            assert_eq!(told(this.clone().into()), Some(this));
        }
        assert_eq!(told(wire::AttendResponse { what: None }), None);
    }
}
