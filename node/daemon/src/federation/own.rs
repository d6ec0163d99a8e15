//! What this server lets its people do in conferences of partners', for as long as they are there (FED-03): the terms with
//! that server, and their own rights. What is changed holds at once.

use super::travel::Traveller;
use plenary_access::policy_for;
use plenary_federation_io::Home as _;
use plenary_meeting_io::{FromAbroad, Permitted, Refused};
use plenary_model::{ServerName, UserName};
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{Counts, NoChat, Participant, Refusal, Roster},
};
use plenary_signalling_io::{Notification, Topic};
use plenary_store::queries;
use std::net::IpAddr;
use tokio::sync::{
    broadcast::{self, error::RecvError},
    watch,
};

/// What somebody may do there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct May {
    pub(super) write: bool,
    pub(super) show_screen: bool,
}

impl May {
    /// Why they may not ask for that.
    pub(super) fn refuses(self, asked: &ClientBody) -> Option<Refused> {
        let words = match asked {
            ClientBody::Say(_) | ClientBody::Edit(_) if !self.write => {
                "people of this server do not write in conferences of that one; ask your administrator"
            }
            ClientBody::State(state) if state.content == Some(true) && !self.show_screen => {
                "you may not show your screen to people of that server; ask your administrator"
            }
            _ => return None,
        };
        Some(Refused::new(Refusal::Forbidden, words))
    }
}

/// What is told from there, as it holds for one of this server's people.
pub(super) struct Hearing {
    may: May,
    permitted: Option<Permitted>,
    mine: Option<Participant>,
    counts: Counts,
}

impl Hearing {
    pub(super) fn new(may: May) -> Self {
        Self {
            may,
            permitted: None,
            mine: None,
            counts: Counts::default(),
        }
    }

    pub(super) fn hear(&mut self, mut told: FromAbroad) -> FromAbroad {
        match &mut told {
            FromAbroad::Permitted(permitted) => {
                self.permitted = Some(permitted.clone());
                return FromAbroad::Permitted(self.permit(permitted.clone()));
            }
            FromAbroad::Said(body) => match &mut **body {
                ServerBody::Joined(joined) => {
                    let me = joined.participant;
                    self.counts = joined.counts;
                    self.look_at(joined.participants.iter_mut().filter(|one| one.id == me));
                }
                ServerBody::Roster(roster) => {
                    let me = self.mine.as_ref().map(|mine| mine.id);
                    self.counts = roster.counts;
                    self.look_at(roster.participants.iter_mut().filter(|one| Some(one.id) == me));
                }
                _ => {}
            },
        }
        told
    }

    /// What is to be told because of what they may from now on.
    pub(super) fn may_now(&mut self, may: May) -> Vec<FromAbroad> {
        self.may = may;
        let permitted = self.permitted.clone().map(|permitted| self.permit(permitted));
        let mine = self.mine.clone().map(|mine| {
            FromAbroad::Said(Box::new(ServerBody::Roster(Roster {
                participants: vec![self.seen(mine)],
                gone: Vec::new(),
                counts: self.counts,
            })))
        });
        permitted
            .map(FromAbroad::Permitted)
            .into_iter()
            .chain(mine)
            .collect()
    }

    fn look_at<'a>(&mut self, mine: impl Iterator<Item = &'a mut Participant>) {
        for one in mine {
            self.mine = Some(one.clone());
            *one = self.seen(one.clone());
        }
    }

    fn permit(&self, mut permitted: Permitted) -> Permitted {
        permitted.flow.content &= self.may.show_screen;
        permitted
    }

    fn seen(&self, mut mine: Participant) -> Participant {
        mine.screenless |= !self.may.show_screen;
        if !self.may.write {
            mine.no_chat.get_or_insert(NoChat::Home);
        }
        mine
    }
}

impl Traveller {
    /// None where it cannot be read, or they meet no more: what was found last holds, until they leave.
    async fn may(&self, server: &ServerName, user: &UserName, from: Option<IpAddr>) -> Option<May> {
        let standing = self.0.standing(server).await?;
        let terms = policy_for(&standing, server).ok()?;
        let user = user.clone();
        let shares = self.0.query(move |db| queries::may_share(db, &user, from)).await;
        Some(May {
            write: terms.chat,
            show_screen: terms.content && shares.ok()?,
        })
    }

    /// Told until nobody listens.
    pub(super) fn may_from_now(
        &self,
        server: ServerName,
        (user, from): (UserName, Option<IpAddr>),
        may: May,
    ) -> watch::Receiver<May> {
        let (tell, told) = watch::channel(may);
        let this = Self(self.0.clone());
        let mut changes = self.0.notifications.subscribe();
        tokio::spawn(async move {
            loop {
                // Once at the begin: something may have changed since it was read.
                if let Some(may) = this.may(&server, &user, from).await {
                    tell.send_if_modified(|known| std::mem::replace(known, may) != may);
                }
                tokio::select! {
                    goes_on = may_change(&mut changes) => if !goes_on { return },
                    () = tell.closed() => return,
                }
            }
        });
        told
    }
}

/// Waits until somebody may do something else; `false` if that will not be any more.
async fn may_change(changes: &mut broadcast::Receiver<Notification>) -> bool {
    loop {
        match changes.recv().await {
            Ok(Notification::Changed {
                topic: Topic::Settings | Topic::Licensing | Topic::Groups | Topic::Users,
                ..
            })
            | Err(RecvError::Lagged(_)) => return true,
            Ok(_) => {}
            // The node ends, and with it everything.
            Err(RecvError::Closed) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_meeting_io::Flow;
    use plenary_signalling::meeting::{ParticipantId, Say, State};

    const ALL: May = May {
        write: true,
        show_screen: true,
    };
    const NOTHING: May = May {
        write: false,
        show_screen: false,
    };

    fn permitted() -> FromAbroad {
        FromAbroad::Permitted(Permitted {
            hall: "review@oslo.example.net".into(),
            place: ParticipantId(7),
            inside: true,
            flow: Flow {
                voice: true,
                camera: true,
                content: true,
            },
            only: None,
        })
    }

    fn content(told: &FromAbroad) -> bool {
        let FromAbroad::Permitted(permitted) = told else {
            panic!("it is a permit");
        };
        assert!(permitted.flow.voice && permitted.flow.camera);
        permitted.flow.content
    }

    #[test]
    fn who_may_not_is_told_so_here() {
        let say = ClientBody::Say(Say::default());
        let show = |content| {
            ClientBody::State(State {
                content: Some(content),
                ..State::default()
            })
        };
        assert!(NOTHING.refuses(&say).is_some() && NOTHING.refuses(&show(true)).is_some());
        assert!(NOTHING.refuses(&show(false)).is_none() && NOTHING.refuses(&ClientBody::Leave {}).is_none());
        assert!(ALL.refuses(&say).is_none() && ALL.refuses(&show(true)).is_none());
    }

    #[test]
    fn what_is_changed_holds_for_who_is_there() {
        let mut hearing = Hearing::new(ALL);
        assert!(content(&hearing.hear(permitted())));
        let told = hearing.may_now(NOTHING);
        assert!(!content(&told[0]));
        assert!(!content(&hearing.hear(permitted())));
        // What is allowed there is not forgotten meanwhile.
        assert!(content(&hearing.may_now(ALL)[0]));
    }
}
