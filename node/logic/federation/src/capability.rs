//! What servers can do for each other beside the version of the protocol that both speak.

use std::fmt;

/// Something that a server can be asked for. A name, once given, always means the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// People of the other server attend conferences.
    Attend,
    /// Invitations and the like are taken.
    Deliver,
    /// It is told what names stand for.
    Look,
    /// It rings for calls.
    Ring,
    /// It is told what people do.
    Watch,
}

impl Capability {
    /// All that this server can.
    pub const ALL: [Self; 5] = [Self::Attend, Self::Deliver, Self::Look, Self::Ring, Self::Watch];

    /// As it is called between servers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Attend => "attend",
            Self::Deliver => "deliver",
            Self::Look => "look",
            Self::Ring => "ring",
            Self::Watch => "watch",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What both servers can do, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Common(Vec<Capability>);

impl Common {
    /// Of what the other one says; names that this server does not know are passed over.
    pub fn of<T: AsRef<str>>(theirs: &[T]) -> Self {
        let mut all = Capability::ALL.to_vec();
        all.retain(|one| theirs.iter().any(|name| name.as_ref() == one.name()));
        Self(all)
    }

    /// Whether it is worth asking: who names nothing at all is of a version before names were given, and may know it.
    pub fn has(&self, what: Capability) -> bool {
        self.0.is_empty() || self.0.contains(&what)
    }

    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_different_versions_know_what_both_can() {
        let newer = Common::of(&["watch", "attend", "teleport"]);
        assert_eq!(newer.names(), ["attend", "watch"]);
        assert!(newer.has(Capability::Watch) && !newer.has(Capability::Ring));
        let older = Common::of::<&str>(&[]);
        assert!(Capability::ALL.into_iter().all(|what| older.has(what)));
        let same = Common::of(&Capability::ALL.map(Capability::name));
        assert_eq!(same, Common(Capability::ALL.to_vec()));
    }
}
