//! People of this server in conferences of partners'.

use super::{
    own::{Hearing, May},
    ringing::propose,
};
use crate::{outside::Seatless, server::Server};
use async_trait::async_trait;
use plenary_access::{PartnerTerms, policy_for};
use plenary_conference::{AwaySeat, Call, Change, How};
use plenary_federation_io::{Attending, Home, Told, Visit, unmet};
use plenary_meeting_io::{Abroad, Attendance, Attendee, Flow, FromAbroad, Permitted, Refused};
use plenary_model::{ServerName, UserName};
use plenary_rest_api::backend::{Backend as _, ReadError};
use plenary_signalling::{
    ClientBody,
    meeting::{Join, ParticipantId, Refusal},
};
use plenary_store::queries;
use std::{any::Any, net::IpAddr, sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};

/// What waits in one direction.
const WAITING: usize = 64;
/// How long it is asked for what this node has not heard of.
const FRESH_WITHIN: Duration = Duration::from_secs(1);
/// So often it is tried to note that a call was answered or has ended, and between that.
const TOLD_TIMES: usize = 10;
const TOLD_EVERY: Duration = Duration::from_secs(1);
/// Participants to whom a partner may confine what somebody is shown.
const ONLY: usize = 4_096;

pub(super) struct Traveller(pub(super) Arc<Server>);

impl Traveller {
    /// Who goes, as this server vouches for them.
    async fn passport(&self, user: &UserName, from: Option<IpAddr>) -> Result<(String, bool), Refused> {
        let name = user.clone();
        let read = self.0.query(move |db| {
            let row = queries::user(db, &name)?;
            let shares = queries::may_share(db, &name, from)?;
            Ok(row.map(|row| (row.user.profile.display_name, shares)))
        });
        let read = read.await;
        let found = read.map_err(|error| Refused::new(Refusal::Unavailable, error.to_string()))?;
        found.ok_or_else(|| Refused::new(Refusal::Forbidden, "your account is no more"))
    }
}

impl Traveller {
    /// What may be done with that server.
    async fn terms(&self, server: &ServerName, by_call: bool) -> Result<PartnerTerms, Refused> {
        let standing = Home::standing(&*self.0, server).await;
        let standing = standing
            .ok_or_else(|| Refused::new(Refusal::Unavailable, "the server cannot answer now; try again"))?;
        let terms = policy_for(&standing, server);
        let terms = terms.map_err(|why| Refused::new(Refusal::Forbidden, unmet(why, server)))?;
        if !terms.lets_meet(by_call) {
            let words = if by_call {
                format!("people of this server have no calls with {server}; ask your administrator")
            } else {
                format!("people of this server do not attend conferences of {server}; ask your administrator")
            };
            return Err(Refused::new(Refusal::Forbidden, words));
        }
        Ok(terms.clone())
    }

    /// The call by which somebody is called into that room, or is in it. Of a newcomer this node may not have heard yet.
    async fn call_to(&self, server: &ServerName, user: &UserName, join: &Join) -> Option<Call> {
        let found = call_to(&self.0, server, user, &join.room).await;
        if found.is_some() || join.resume.is_some() {
            return found;
        }
        tokio::time::timeout(FRESH_WITHIN, self.0.fresh())
            .await
            .ok()?
            .ok()?;
        call_to(&self.0, server, user, &join.room).await
    }

    async fn take_seat(&self, user: &UserName) -> Result<(), Refused> {
        self.0.take_seat_outside(user).await.map_err(|why| match why {
            Seatless::NoSeat(reason) => Refused::new(Refusal::NoProSeat, reason),
            Seatless::Unavailable => {
                Refused::new(Refusal::Unavailable, "the server cannot answer now; try again")
            }
        })
    }

    fn seat(&self, run: u64) -> AwaySeat {
        AwaySeat {
            node: self.0.me(),
            epoch: self.0.epoch,
            run,
            lost_at: None,
        }
    }
}

async fn call_to(server: &Server, partner: &ServerName, user: &UserName, room: &str) -> Option<Call> {
    let room = room.parse().ok()?;
    let (user, partner) = (user.clone(), partner.clone());
    let found = server
        .query(move |db| queries::call_from_away(db, &user, &partner, &room))
        .await;
    let unreadable = |error: &ReadError| tracing::warn!(%error, "what somebody is called to cannot be read");
    found.inspect_err(unreadable).ok()?
}

/// Proposes it, as long as there is a call that it is about; a few times, where that does not succeed.
async fn tell(server: Arc<Server>, who: Attendee, change: Change) {
    for _ in 0..TOLD_TIMES {
        if call_to(&server, &who.server, &who.user, &who.room)
            .await
            .is_none()
        {
            return;
        }
        match propose(&server, change.clone()).await {
            Ok(_) => return,
            Err(error) => {
                tracing::info!(%error, user = %who.user, "a call with a partner is not as it should be; it is tried again")
            }
        }
        tokio::time::sleep(TOLD_EVERY).await;
    }
}

#[async_trait]
impl Abroad for Traveller {
    fn me(&self) -> &ServerName {
        &self.0.facts.server
    }

    async fn attend(
        &self,
        server: &ServerName,
        user: &UserName,
        from: Option<IpAddr>,
        join: Join,
    ) -> Result<Attendance, Refused> {
        let reach = self.0.federation.get().ok_or_else(|| {
            let words =
                "this node does not meet with other servers; ask the administrator to switch federation on";
            Refused::new(Refusal::Forbidden, words)
        })?;
        let call = self.call_to(server, user, &join).await;
        let by_call = call.is_some_and(|call| call.is_of_two());
        let terms = self.terms(server, by_call).await?;
        let (name, shares) = self.passport(user, from).await?;
        // A call of two needs none, as on one server.
        if !by_call {
            self.take_seat(user).await?;
        }
        let unsaid = |error: serde_json::Error| Refused::new(Refusal::BadRequest, error.to_string());
        let may = May {
            write: terms.chat,
            show_screen: shares && terms.content,
        };
        let who = Attending {
            user: user.clone(),
            name,
            shares: may.show_screen,
            join: serde_json::to_vec(&join).map_err(unsaid)?,
        };
        let visit = reach.attend(server, &who).await.map_err(|why| {
            let code = if why.may_change {
                Refusal::Unavailable
            } else {
                Refusal::Forbidden
            };
            Refused::new(code, why.words)
        })?;
        let may = self.may_from_now(server.clone(), (user.clone(), from), may);
        Ok(attendance(server.clone(), visit, may))
    }

    fn enter_hall(&self, server: &ServerName, hall: &str) -> Result<Box<dyn Any + Send>, Refused> {
        let crossing = self.0.crossing.get().ok_or_else(|| {
            Refused::new(
                Refusal::Unavailable,
                "this node exchanges no media with other servers",
            )
        })?;
        let key = hall
            .strip_suffix(&format!("@{server}"))
            .and_then(|key| key.parse().ok());
        let key = key.ok_or_else(|| Refused::new(Refusal::BadRequest, "that is no conference there"))?;
        Ok(Box::new(crossing.attend(&key, server)))
    }

    fn came(&self, who: &Attendee) {
        let Ok(room) = who.room.parse() else { return };
        let change = Change::CameAway {
            server: who.server.clone(),
            room,
            user: who.user.clone(),
            seat: self.seat(who.run),
        };
        tokio::spawn(tell(self.0.clone(), who.clone(), change));
    }

    fn left(&self, who: &Attendee, returns: Duration) {
        let Ok(room) = who.room.parse() else { return };
        let change = Change::LeftAway {
            server: who.server.clone(),
            room,
            user: who.user.clone(),
            seat: self.seat(who.run),
        };
        let (server, who) = (self.0.clone(), who.clone());
        tokio::spawn(async move {
            tokio::time::sleep(returns).await;
            tell(server, who, change).await;
        });
    }

    async fn widened(&self, who: &Attendee) -> Result<(), Refused> {
        self.terms(&who.server, false).await?;
        self.take_seat(&who.user).await?;
        if let Some(call) = call_to(&self.0, &who.server, &who.user, &who.room).await {
            let change = Change::AwayEnds {
                cid: call.cid,
                server: who.server.clone(),
                how: How::Widened,
            };
            tokio::spawn(tell(self.0.clone(), who.clone(), change));
        }
        Ok(())
    }
}

fn attendance(server: ServerName, visit: Visit, mut may: watch::Receiver<May>) -> Attendance {
    let (say, mut asked) = mpsc::channel::<ClientBody>(WAITING);
    let (tell, hear) = mpsc::channel(WAITING);
    let Visit {
        say: out,
        hear: mut told,
    } = visit;
    // It is over when nothing more is told, whatever is asked.
    let (allowed, refused) = (may.clone(), tell.downgrade());
    tokio::spawn(async move {
        while let Some(body) = asked.recv().await {
            let may = *allowed.borrow();
            // Nobody waits for words that will not come.
            if matches!(body, ClientBody::Writing {}) && !may.write {
                continue;
            }
            let refuses = may.refuses(&body);
            if let Some(why) = refuses {
                let Some(refused) = refused.upgrade() else { return };
                let answer = Box::new(why.answers(&body));
                refused.send(FromAbroad::Said(answer)).await.ok();
                continue;
            }
            let Ok(bytes) = serde_json::to_vec(&body) else {
                continue;
            };
            if out.send(bytes).await.is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        let mut hearing = Hearing::new(*may.borrow_and_update());
        loop {
            let news = tokio::select! {
                told = told.recv() => match told {
                    Some(told) => from_abroad(&server, told).map(|told| hearing.hear(told)).into_iter().collect(),
                    None => return,
                },
                Ok(()) = may.changed() => hearing.may_now(*may.borrow_and_update()),
            };
            for told in news {
                if tell.send(told).await.is_err() {
                    return;
                }
            }
        }
    });
    Attendance { say, hear }
}

/// None for what this server does not understand.
fn from_abroad(server: &ServerName, told: Told) -> Option<FromAbroad> {
    match told {
        Told::Said(bytes) => serde_json::from_slice(&bytes)
            .inspect_err(|error| tracing::debug!(%server, %error, "what a partner says is not understood"))
            .ok()
            .map(|body| FromAbroad::Said(Box::new(body))),
        Told::Permit(permit) => {
            // Whatever it is called there, here it is a room of that server and of no other.
            let key: plenary_model::Cid = permit.hall.parse().ok()?;
            let only = permit.only.map(|only| {
                let only = only.into_iter().take(ONLY).map(ParticipantId);
                Arc::new(only.collect())
            });
            Some(FromAbroad::Permitted(Permitted {
                hall: format!("{key}@{server}"),
                place: ParticipantId(permit.place),
                inside: permit.inside,
                flow: Flow {
                    voice: permit.voice,
                    camera: permit.camera,
                    content: permit.content,
                },
                only,
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_federation_io::Permit;

    fn permit(hall: &str) -> Told {
        Told::Permit(Permit {
            hall: hall.into(),
            place: 7,
            inside: true,
            voice: true,
            ..Permit::default()
        })
    }

    #[test]
    fn a_partners_hall_is_of_that_partner() {
        let oslo = "oslo.example.net".parse().unwrap();
        let Some(FromAbroad::Permitted(permitted)) = from_abroad(&oslo, permit("review")) else {
            panic!("it is a permit");
        };
        assert_eq!(permitted.hall, "review@oslo.example.net");
        assert!(permitted.flow.voice && !permitted.flow.camera);
    }

    #[test]
    fn a_hall_that_would_be_somebody_elses_is_none() {
        let oslo = "oslo.example.net".parse().unwrap();
        assert_eq!(from_abroad(&oslo, permit("review@paris.example.com")), None);
        assert_eq!(from_abroad(&oslo, permit("")), None);
        assert_eq!(from_abroad(&oslo, Told::Said(b"no json".to_vec())), None);
    }
}
