//! Sets of the few users that a server has.

pub(crate) type User = u32;

/// Below 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Users(u64);

impl Users {
    pub(crate) fn add(&mut self, user: User) {
        self.0 |= 1 << user;
    }

    pub(crate) fn remove(&mut self, user: User) {
        self.0 &= !(1 << user);
    }

    pub(crate) fn contains(self, user: User) -> bool {
        self.0 >> user & 1 == 1
    }

    pub(crate) fn count(self) -> u32 {
        self.0.count_ones()
    }

    pub(crate) fn first(self) -> Option<User> {
        (self.0 != 0).then(|| self.0.trailing_zeros())
    }

    pub(crate) fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub(crate) fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }
}

impl FromIterator<User> for Users {
    fn from_iter<I: IntoIterator<Item = User>>(users: I) -> Self {
        let mut all = Self::default();
        users.into_iter().for_each(|user| all.add(user));
        all
    }
}
