//! How rooms are called on the way between servers: `key@domain`.

use super::Side;
use plenary_cascade::{Control, Room};
use plenary_model::{Cid, ServerName};

/// Of one link.
pub(super) struct Names<'a> {
    side: Side,
    /// Whose rooms the link is about.
    home: &'a ServerName,
}

impl<'a> Names<'a> {
    pub(super) fn new(side: Side, me: &'a ServerName, other: &'a ServerName) -> Self {
        let home = match side {
            Side::Home => other,
            Side::Guest => me,
        };
        Self { side, home }
    }

    /// From what counts here to what goes over the wire; `false` for a room that the link is not about.
    pub(super) fn give(&self, message: &mut Control) -> bool {
        let Some(room) = message.room_mut() else {
            return true;
        };
        match self.side {
            Side::Home => self.key(&room.0).is_some(),
            Side::Guest if room.0.contains('@') => false,
            Side::Guest => {
                *room = Room(format!("{}@{}", room.0, self.home));
                true
            }
        }
    }

    /// The other way round.
    pub(super) fn take(&self, message: &mut Control) -> bool {
        let Some(room) = message.room_mut() else {
            return true;
        };
        let Some(key) = self.key(&room.0) else {
            return false;
        };
        if self.side == Side::Home {
            return true;
        }
        // As this server itself writes keys.
        let written = key.parse().is_ok_and(|cid: Cid| cid.as_str() == key);
        if written {
            *room = Room(key.to_owned());
        }
        written
    }

    fn key<'b>(&self, name: &'b str) -> Option<&'b str> {
        let (key, domain) = name.split_once('@')?;
        (!key.is_empty() && domain == self.home.as_str()).then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(side: Side, name: &str) -> Option<String> {
        changed(side, name, |names, message| names.take(message))
    }

    fn given(side: Side, name: &str) -> Option<String> {
        changed(side, name, |names, message| names.give(message))
    }

    fn changed(side: Side, name: &str, change: impl Fn(&Names<'_>, &mut Control) -> bool) -> Option<String> {
        let me = "paris.example.com".parse().expect("a name");
        let other = "oslo.example.net".parse().expect("a name");
        let room = Room(name.to_owned());
        let mut message = Control::Interest { room };
        change(&Names::new(side, &me, &other), &mut message).then(|| match message {
            Control::Interest { room } => room.0,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn at_home_rooms_have_their_keys_and_on_the_way_the_domain_too() {
        assert_eq!(
            taken(Side::Guest, "review@paris.example.com").as_deref(),
            Some("review")
        );
        assert_eq!(
            given(Side::Guest, "review").as_deref(),
            Some("review@paris.example.com")
        );
        let there = Some("review@oslo.example.net");
        assert_eq!(taken(Side::Home, "review@oslo.example.net").as_deref(), there);
        assert_eq!(given(Side::Home, "review@oslo.example.net").as_deref(), there);
    }

    #[test]
    fn rooms_of_others_are_refused() {
        for name in [
            "review",
            "review@oslo.example.net",
            "@paris.example.com",
            "Review@paris.example.com",
            "a b@paris.example.com",
            "review@oslo.example.net@paris.example.com",
            "review@paris.example.com.",
        ] {
            assert_eq!(taken(Side::Guest, name), None, "{name}");
        }
        // A room of another server in which people of this one are guests is not a partner's affair.
        assert_eq!(given(Side::Guest, "review@bergen.example.net"), None);
        for name in ["review", "review@paris.example.com", "review@bergen.example.net"] {
            assert_eq!(taken(Side::Home, name), None, "{name}");
            assert_eq!(given(Side::Home, name), None, "{name}");
        }
    }
}
