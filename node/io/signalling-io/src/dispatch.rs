//! Takes notifications to the runs that they concern: waking thousands for what concerns none of them would cost more than
//! the change itself.

use crate::{Notification, hub::Hub};
use plenary_model::UserName;
use plenary_signalling::{Topic, Who};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::{
    broadcast::{self, error::RecvError},
    mpsc,
};

/// Notifications that may wait for one run; one that is further behind loads anew.
const WAITING: usize = 256;

/// What a run hears.
#[derive(Debug)]
pub(crate) enum News {
    Notification(Notification),
    /// Some were not told, nobody knows which.
    Missed,
}

/// Where the news of one run are put.
pub(crate) struct Letterbox {
    sender: mpsc::Sender<News>,
    behind: Arc<AtomicBool>,
    user: UserName,
    guest_of: Option<String>,
    watched: BTreeSet<Topic>,
}

/// The other end.
pub(crate) struct Mail {
    receiver: mpsc::Receiver<News>,
    behind: Arc<AtomicBool>,
}

/// Both ends, for somebody who watches nothing yet.
pub(crate) fn mail(who: &Who) -> (Letterbox, Mail) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let behind = Arc::new(AtomicBool::new(false));
    let to = Letterbox {
        sender,
        behind: behind.clone(),
        user: who.user.clone(),
        guest_of: who.guest_of.as_ref().map(ToString::to_string),
        watched: BTreeSet::new(),
    };
    (to, Mail { receiver, behind })
}

impl Letterbox {
    /// What the client watches from now on.
    pub(crate) fn watch(&mut self, topics: BTreeSet<Topic>) {
        self.watched = topics;
    }

    pub(crate) fn put(&self, notification: &Notification) {
        if self.concerns(notification) {
            self.send(News::Notification(notification.clone()));
        }
    }

    pub(crate) fn missed(&self) {
        self.send(News::Missed);
    }

    fn send(&self, news: News) {
        if self.sender.try_send(news).is_err() {
            // Seen with the next one that the run takes: there are many.
            self.behind.store(true, Ordering::Release);
        }
    }

    fn concerns(&self, notification: &Notification) -> bool {
        match notification {
            Notification::Changed { topic, object, .. } => {
                let (user, guest_of) = (self.user.as_str(), self.guest_of.as_deref());
                self.watched.contains(topic) || touches_session(user, guest_of, *topic, object)
            }
            Notification::Presence { .. } => self.watched.contains(&Topic::Contacts),
            Notification::Partner { viewers, .. } => {
                self.guest_of.is_none()
                    && self.watched.contains(&Topic::Contacts)
                    && viewers.contains(&self.user)
            }
        }
    }
}

impl Mail {
    /// The next news. Can be dropped and asked again without losing anything.
    pub(crate) async fn next(&mut self) -> News {
        let Some(news) = self.receiver.recv().await else {
            return std::future::pending().await;
        };
        if self.behind.swap(false, Ordering::AcqRel) {
            while self.receiver.try_recv().is_ok() {}
            return News::Missed;
        }
        news
    }
}

/// Whether the session of a user may be over, or its rights may be other ones.
pub(crate) fn touches_session(user: &str, guest_of: Option<&str>, topic: Topic, object: &str) -> bool {
    match topic {
        Topic::Sessions | Topic::Users => object.is_empty() || object == user,
        // The networks of administrators.
        Topic::Settings => true,
        // The room that a guest is in may not be theirs any more.
        Topic::Conferences => guest_of.is_some_and(|cid| object.is_empty() || object == cid),
        _ => false,
    }
}

/// Until there is nothing to be told any more. `upgrade` gives none when the hub is gone.
pub(crate) async fn dispatch(
    mut notifications: broadcast::Receiver<Notification>,
    upgrade: impl Fn() -> Option<Hub>,
) {
    loop {
        let next = notifications.recv().await;
        let Some(hub) = upgrade() else { return };
        match next {
            Ok(notification) => hub.each(|to| to.put(&notification)),
            Err(RecvError::Lagged(_)) => hub.each(Letterbox::missed),
            Err(RecvError::Closed) => return,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn who(user: &str, guest_of: Option<&str>) -> Who {
        Who {
            user: user.parse().unwrap(),
            session: user.into(),
            admin: false,
            guest_of: guest_of.map(|cid| cid.parse().unwrap()),
        }
    }

    fn changed(topic: Topic, object: &str) -> Notification {
        Notification::Changed {
            topic,
            object: object.into(),
            index: 1,
        }
    }

    #[test]
    fn a_run_hears_of_what_it_watches_and_of_its_own_session_and_of_nothing_else() {
        let (mut alice, _mail) = mail(&who("alice", None));
        let (guest, _mail) = mail(&who("guest-1", Some("demo")));
        assert!(!alice.concerns(&changed(Topic::Licensing, "")));
        assert!(!alice.concerns(&changed(Topic::Users, "bob")));
        assert!(alice.concerns(&changed(Topic::Users, "alice")));
        assert!(alice.concerns(&changed(Topic::Sessions, "")));
        assert!(!alice.concerns(&changed(Topic::Conferences, "demo")));
        assert!(guest.concerns(&changed(Topic::Conferences, "demo")));
        assert!(!guest.concerns(&changed(Topic::Conferences, "other")));
        let presence = Notification::Presence {
            user: "bob".parse().unwrap(),
            presence: crate::Presence::Online,
        };
        assert!(!alice.concerns(&presence));
        alice.watch([Topic::Contacts, Topic::Licensing].into());
        assert!(alice.concerns(&presence) && alice.concerns(&changed(Topic::Licensing, "")));
        let partner = |viewer: &str| Notification::Partner {
            viewers: Arc::new([viewer.parse().unwrap()].into()),
            news: crate::PartnerNews::Profiles,
        };
        assert!(alice.concerns(&partner("alice")) && !alice.concerns(&partner("bob")));
    }

    #[tokio::test]
    async fn who_is_too_far_behind_is_told_that_something_was_missed() {
        let (to, mut mail) = mail(&who("alice", None));
        let own = changed(Topic::Users, "alice");
        to.put(&own);
        assert!(matches!(mail.next().await, News::Notification(_)));
        for _ in 0..=WAITING {
            to.put(&own);
        }
        assert!(matches!(mail.next().await, News::Missed));
        to.put(&own);
        assert!(matches!(mail.next().await, News::Notification(_)));
        to.missed();
        assert!(matches!(mail.next().await, News::Missed));
    }
}
