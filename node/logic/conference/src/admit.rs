//! The one gate: whether somebody comes in, waits, or is kept out, whatever way they come by.
//!
//! ```text
//!  way open? ► guests let in, also from here? ► invited, or need not be? ► registered? ► locked? ► PIN ► room? ► must wait? ► inside
//!                                owner, moderators and operators pass these ────────────────────────────────┘
//! ```
//!
//! Who was removed from the run is not let in before any of it is asked ([`Removed`](crate::Removed)). Into a call come the
//! two of it, each by one device. Seats are counted afterwards, by the rules of licences, in the same
//! command.

use crate::{Access, Conference, Pin, RegistrationState, Role, Run, WaitingRoom};
use plenary_access::{Refusal, Zone, ZoneRefusal};
use plenary_model::{GuestId, Timestamp, UserId, UserName, limits};
use serde::{Deserialize, Serialize};

/// Who wants to come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor<'a> {
    /// Signed in to this server with an account that is active.
    Account {
        user: &'a UserName,
        /// Whether the rights of the account, as they are narrowed by where it comes from, make it an operator.
        operator: bool,
        /// When a moderator called them into the run that goes on, the last time: they are invited to it since.
        called_at: Option<Timestamp>,
    },
    /// Has no account.
    Guest(Option<&'a GuestId>),
    /// Signed in to a partner's server. What they are there does not travel; a conference may name them.
    Federated {
        user: &'a UserId,
        /// As of an account.
        called_at: Option<Timestamp>,
    },
}

impl Visitor<'_> {
    /// What they are in the conference before anybody gave them anything.
    pub fn role(&self, conference: &Conference) -> Role {
        match self {
            Self::Account { user, .. } if **user == conference.owner => Role::Owner,
            Self::Account { user, .. } if conference.settings.moderators.contains_key(*user) => {
                Role::Moderator
            }
            Self::Account { operator: true, .. } => Role::Moderator,
            Self::Federated { user, .. } if conference.settings.moderators_abroad.contains_key(*user) => {
                Role::Moderator
            }
            _ => Role::Participant,
        }
    }

    /// Since when they are invited.
    fn invited_at(&self, conference: &Conference) -> Option<Timestamp> {
        match self {
            Self::Account { user, .. } => conference.settings.invited.get(*user).copied(),
            Self::Federated { user, .. } => conference.settings.invited_abroad.get(*user).copied(),
            Self::Guest(_) => None,
        }
    }

    /// Since when they are invited at the latest: a lock from before does not keep them out.
    fn last_invited_at(&self, conference: &Conference) -> Option<Timestamp> {
        let called = match self {
            Self::Account { called_at, .. } | Self::Federated { called_at, .. } => *called_at,
            Self::Guest(_) => None,
        };
        called.max(self.invited_at(conference))
    }

    /// Since when somebody asks them to come at the latest: invites or calls them, or makes them a moderator.
    pub(crate) fn last_asked_at(&self, conference: &Conference) -> Option<Timestamp> {
        let settings = &conference.settings;
        let named = match self {
            Self::Account { user, .. } => settings.moderators.get(*user).copied(),
            Self::Federated { user, .. } => settings.moderators_abroad.get(*user).copied(),
            Self::Guest(_) => None,
        };
        named.max(self.last_invited_at(conference))
    }

    /// Whether the conference names them as a lecturer.
    fn is_lecturer(&self, conference: &Conference) -> bool {
        let mut lecturers = conference.settings.lecturers.iter();
        match self {
            Self::Account { user, .. } => lecturers.any(|one| *one == **user),
            Self::Federated { user, .. } => lecturers.any(|one| one.there() == Some(user)),
            Self::Guest(_) => false,
        }
    }

    /// Whether the conference names them: as who owns, moderates, lectures or is invited.
    pub(crate) fn is_named(&self, conference: &Conference) -> bool {
        self.role(conference) > Role::Participant
            || self.invited_at(conference).is_some()
            || self.is_lecturer(conference)
    }

    fn is_guest(&self) -> bool {
        matches!(self, Self::Guest(_))
    }

    fn is_from_elsewhere(&self) -> bool {
        matches!(self, Self::Guest(_) | Self::Federated { .. })
    }
}

/// The way by which somebody wants to come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Browser,
    /// A program that publishes.
    Publish,
    /// A program that watches, and stands in no roster ([`Watcher`](crate::Watcher)).
    Watch,
}

/// Wrong PINs of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attempts {
    pub count: u32,
    pub last_at: Timestamp,
}

impl Attempts {
    /// Those that still count at `now`.
    pub(crate) fn at(self, now: Timestamp) -> Self {
        if now.since_ms(self.last_at) < limits::PIN_WINDOW_MS {
            return self;
        }
        Self::default()
    }
}

/// A conference as it is when somebody is at its gate.
#[derive(Debug, Clone, Copy)]
pub struct Gate<'a> {
    pub conference: &'a Conference,
    /// The run that goes on.
    pub run: Option<&'a Run>,
    /// Who is in or watches by a program, but for places that the newcomer has lost and that would be given up.
    pub inside: u64,
    /// Guests who are in, counted where the conference limits them.
    pub guests: u64,
    /// How many have registered.
    pub registered: u64,
    /// How many people of the newcomer's partner may be in conferences here, where that many are and the newcomer is none of
    /// them.
    pub partner_full: Option<u32>,
}

/// Somebody at the gate.
#[derive(Debug, Clone, Copy)]
pub struct Knock<'a> {
    pub visitor: Visitor<'a>,
    pub way: Way,
    pub pin: Option<&'a Pin>,
    /// Wrong PINs of the same source before.
    pub attempts: Attempts,
    /// Those of all people of the same partner's server.
    pub of_partner: Attempts,
    /// Those of all guests of the conference; none of who has registered.
    pub of_guests: Attempts,
    pub link: Link,
    /// The zone that they come from; people of partners' servers have none.
    pub zone: Option<&'a Zone>,
    /// Has registered and is in already: the place is taken over from another device.
    pub is_in: bool,
    pub called: Called,
    pub now: Timestamp,
}

/// What a call that goes on says of who wants to come into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called {
    /// Nothing: it is no call, or the conference itself knows its two.
    Unsaid,
    /// A partner's server lets them answer.
    Yes,
    No,
    /// Another device of theirs has answered, or another one of the group.
    Elsewhere,
}

/// What a guest shows of a registration (CONF-12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    None,
    /// Has registered for this conference.
    Good,
    /// Forged, of another conference, or taken back.
    Bad,
}

/// What becomes of who may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Admission {
    Inside,
    /// In the waiting room: sees, hears, sends and says nothing.
    Waiting,
}

/// Why somebody is kept out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeptOut {
    #[error("this conference is not open by this way; join it in the browser")]
    WayClosed,
    #[error("this conference is joined by programs only; its browser room is closed")]
    BrowserClosed,
    #[error("this conference is for people with an account here; sign in, or ask who invited you")]
    Guest,
    #[error("{}", ZoneRefusal::Guests)]
    ZoneGuests,
    #[error("this call was answered on another device, or by another one of the group")]
    AnsweredElsewhere,
    #[error("only those who are invited may come; ask the owner of the conference to invite you")]
    Uninvited,
    #[error(
        "a moderator removed you from this meeting; you may come again after it, or when one lets you back in"
    )]
    Removed,
    #[error("the meeting has not begun; it begins by its schedule, or when a moderator starts it")]
    NotBegun,
    #[error("the conference is locked: nobody new is let in; ask a moderator to unlock it")]
    Locked,
    #[error("this conference has a PIN; enter it to come in")]
    PinNeeded,
    #[error("the PIN is wrong; {left} more attempts are left")]
    WrongPin { left: u32 },
    #[error("too many wrong PINs came from you; try again in {minutes} min")]
    TooManyPins { minutes: u64 },
    #[error("too many wrong PINs came from people of your server; try again in {minutes} min")]
    TooManyPinsOfPartner { minutes: u64 },
    #[error(
        "too many wrong PINs came from guests of this conference; sign in, use a personal link, or try again in {minutes} min"
    )]
    TooManyPinsOfGuests { minutes: u64 },
    #[error("the meeting is full: {0} people are in it, and it takes no more")]
    Full(u64),
    #[error("as many guests are in the meeting as it takes; try again when one has left")]
    GuestsFull,
    #[error(
        "as many people of your server are in conferences here as may be: {0}; try again when one has left"
    )]
    PartnerFull(u32),
    #[error(
        "people register for this conference before they come: fill in its form, or open your personal link"
    )]
    NotRegistered,
    #[error("registration for this conference has not opened yet; come back when it has")]
    RegistrationNotOpen,
    #[error("registration for this conference is closed; ask who invited you")]
    RegistrationClosed,
    #[error("as many have registered for this conference as may; ask who invited you")]
    RegistrationFull,
    #[error(
        "this personal link is not valid here: it is another conference's, or was taken back; register again"
    )]
    LinkNotValid,
    #[error(
        "in a lecture only moderators and those whom it names as lecturers may watch by a program; join in the browser"
    )]
    LectureWatch,
    #[error(
        "this conference has a PIN; programs cannot enter one: join in the browser, or come as a moderator"
    )]
    PinOfProgram,
    #[error("you would have to be let in from the waiting room; join in the browser")]
    WatcherWaits,
    #[error(
        "a moderator removed your program from this meeting; it may watch again after it, or you join in the browser"
    )]
    WatcherRemoved,
}

impl KeptOut {
    /// Stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::WayClosed | Self::BrowserClosed | Self::LectureWatch => "way-closed",
            Self::Guest => "forbidden",
            Self::ZoneGuests => "zone-guests",
            Self::Uninvited => "uninvited",
            Self::AnsweredElsewhere => "answered-elsewhere",
            Self::Removed => "removed-from-meeting",
            Self::NotBegun => "not-begun",
            Self::Locked => "locked",
            Self::PinNeeded | Self::PinOfProgram => "pin-needed",
            Self::WrongPin { .. } => "wrong-pin",
            Self::TooManyPins { .. }
            | Self::TooManyPinsOfPartner { .. }
            | Self::TooManyPinsOfGuests { .. } => "too-many-pins",
            Self::WatcherWaits => "waiting",
            Self::WatcherRemoved => "removed",
            Self::Full(_) => "full",
            Self::GuestsFull => "guests-full",
            Self::PartnerFull(_) => "partner-full",
            Self::NotRegistered => "not-registered",
            Self::RegistrationNotOpen => "registration-not-open",
            Self::RegistrationClosed => "registration-closed",
            Self::RegistrationFull => "registration-full",
            Self::LinkNotValid => "link-not-valid",
        }
    }

    /// After a wrong PIN.
    pub(crate) fn attempts_left(self) -> Option<u32> {
        match self {
            Self::WrongPin { left } => Some(left),
            _ => None,
        }
    }

    /// Until wrong PINs count no more, after too many.
    fn minutes(self) -> Option<u64> {
        match self {
            Self::TooManyPins { minutes }
            | Self::TooManyPinsOfPartner { minutes }
            | Self::TooManyPinsOfGuests { minutes } => Some(minutes),
            _ => None,
        }
    }

    /// Why somebody does not come who has not registered.
    pub(crate) fn unregistered(state: RegistrationState) -> Self {
        match state {
            RegistrationState::Open => Self::NotRegistered,
            RegistrationState::NotYet(_) => Self::RegistrationNotOpen,
            RegistrationState::Closed => Self::RegistrationClosed,
            RegistrationState::Full => Self::RegistrationFull,
        }
    }
}

impl From<KeptOut> for Refusal {
    fn from(why: KeptOut) -> Self {
        match why {
            KeptOut::Guest => Self::Forbidden {
                needs: "an account".into(),
            },
            KeptOut::Full(_) => Self::Full(why.to_string()),
            why => Self::KeptOut {
                code: why.code().into(),
                reason: why.to_string(),
                minutes: why.minutes(),
            },
        }
    }
}

/// Whether there is a door at all for somebody: by this way, with or without account, invited or not. What depends on
/// the moment (lock, PIN, room) is decided by [`admit`] only.
///
/// # Errors
/// Why there is none.
pub fn door(conference: &Conference, visitor: Visitor<'_>, way: Way) -> Result<(), KeptOut> {
    let settings = &conference.settings;
    if conference.call {
        return match (visitor, way) {
            (Visitor::Account { user, .. }, Way::Browser) if conference.is_of(user) => Ok(()),
            _ => Err(KeptOut::Uninvited),
        };
    }
    match way {
        Way::Browser if !settings.ways.browser => return Err(KeptOut::BrowserClosed),
        Way::Publish | Way::Watch if !settings.ways.programs => return Err(KeptOut::WayClosed),
        _ => {}
    }
    if visitor.is_guest() && conference.access == Access::Internal {
        return Err(KeptOut::Guest);
    }
    let trusted = visitor.role(conference) > Role::Participant;
    if way == Way::Watch
        && settings.mode == crate::Mode::Lecture
        && !trusted
        && !visitor.is_lecturer(conference)
    {
        return Err(KeptOut::LectureWatch);
    }
    if !trusted && !settings.uninvited && visitor.last_invited_at(conference).is_none() {
        return Err(KeptOut::Uninvited);
    }
    Ok(())
}

/// Whether somebody comes in: the one gate for every way in.
///
/// # Errors
/// Why not.
pub fn admit(gate: &Gate<'_>, knock: &Knock<'_>) -> Result<Admission, KeptOut> {
    let Gate { conference, run, .. } = *gate;
    let visitor = knock.visitor;
    match knock.called {
        Called::No => return Err(KeptOut::Uninvited),
        Called::Elsewhere => return Err(KeptOut::AnsweredElsewhere),
        Called::Yes => {
            check_partner(gate)?;
            return Ok(Admission::Inside);
        }
        Called::Unsaid => door(conference, visitor, knock.way)?,
    }
    if visitor.is_guest() && knock.zone.is_some_and(|zone| !zone.guests) {
        return Err(KeptOut::ZoneGuests);
    }
    check_registration(gate, knock)?;
    if knock.is_in {
        return Ok(Admission::Inside);
    }
    let trusted = visitor.role(conference) > Role::Participant;
    if !trusted {
        let open = conference.launch.is_virtual_room() || run.is_some_and(|run| run.opened.is_some());
        if !open {
            return Err(KeptOut::NotBegun);
        }
        let locked_at = locked_at(conference, run, knock.now);
        let came_later = |locked: Timestamp| {
            let invited = visitor.last_invited_at(conference);
            invited.is_some_and(|at| at > locked)
        };
        if locked_at.is_some_and(|locked| !came_later(locked)) {
            return Err(KeptOut::Locked);
        }
        check_pin(conference, knock)?;
    }
    check_room(gate, visitor, trusted)?;
    check_partner(gate)?;
    let waits = !trusted && must_wait(conference, run, visitor);
    Ok(if waits {
        Admission::Waiting
    } else {
        Admission::Inside
    })
}

/// Since when nobody new is let in. Whoever would be the first of a run that begins locked is not let in either.
fn locked_at(conference: &Conference, run: Option<&Run>, now: Timestamp) -> Option<Timestamp> {
    match run.filter(|run| run.is_on()) {
        Some(run) => run.locked_at,
        None => conference.settings.begins_locked.then_some(now),
    }
}

/// Whether a program may watch: it has no PIN to give, and does not wait.
///
/// # Errors
/// Why not.
pub fn admit_watcher(gate: &Gate<'_>, visitor: Visitor<'_>, now: Timestamp) -> Result<(), KeptOut> {
    let knock = Knock {
        visitor,
        way: Way::Watch,
        pin: None,
        attempts: Attempts::default(),
        of_partner: Attempts::default(),
        of_guests: Attempts::default(),
        link: Link::None,
        // Guests do not watch by programs.
        zone: None,
        is_in: false,
        called: Called::Unsaid,
        now,
    };
    match admit(gate, &knock)? {
        Admission::Inside => Ok(()),
        Admission::Waiting => Err(KeptOut::WatcherWaits),
    }
}

/// Whether a guest has registered, where guests must.
///
/// # Errors
/// Why that keeps them out.
pub(crate) fn check_registration(gate: &Gate<'_>, knock: &Knock<'_>) -> Result<(), KeptOut> {
    if !knock.visitor.is_guest() || knock.link == Link::Good {
        return Ok(());
    }
    if knock.link == Link::Bad {
        return Err(KeptOut::LinkNotValid);
    }
    let conference = gate.conference;
    if conference
        .registration()
        .is_none_or(|registration| registration.others)
    {
        return Ok(());
    }
    let state = conference.registration_state(gate.run, gate.registered, knock.now);
    state.map_or(Ok(()), |state| Err(KeptOut::unregistered(state)))
}

fn check_pin(conference: &Conference, knock: &Knock<'_>) -> Result<(), KeptOut> {
    let Some(pin) = &conference.settings.pin else {
        return Ok(());
    };
    let (own, partner) = (knock.attempts.at(knock.now), knock.of_partner.at(knock.now));
    let guests = knock.of_guests.at(knock.now);
    if own.count >= limits::PIN_ATTEMPTS {
        let minutes = minutes_left(own, knock.now);
        return Err(KeptOut::TooManyPins { minutes });
    }
    if partner.count >= limits::PIN_ATTEMPTS_OF_PARTNER {
        let minutes = minutes_left(partner, knock.now);
        return Err(KeptOut::TooManyPinsOfPartner { minutes });
    }
    if guests.count >= limits::PIN_ATTEMPTS_OF_GUESTS {
        let minutes = minutes_left(guests, knock.now);
        return Err(KeptOut::TooManyPinsOfGuests { minutes });
    }
    let left = (limits::PIN_ATTEMPTS - own.count)
        .min(limits::PIN_ATTEMPTS_OF_PARTNER - partner.count)
        .min(limits::PIN_ATTEMPTS_OF_GUESTS - guests.count);
    match knock.pin {
        None if knock.way != Way::Browser => Err(KeptOut::PinOfProgram),
        None => Err(KeptOut::PinNeeded),
        Some(given) if pin.is(given) => Ok(()),
        Some(_) => Err(KeptOut::WrongPin { left: left - 1 }),
    }
}

/// Until wrong PINs count no more, rounded up.
fn minutes_left(attempts: Attempts, now: Timestamp) -> u64 {
    let passed = now.since_ms(attempts.last_at);
    let left = limits::PIN_WINDOW_MS.saturating_sub(passed);
    left.div_ceil(60_000).max(1)
}

/// Owner, moderators and operators are stopped only by what the server takes: they would be needed inside.
fn check_room(gate: &Gate<'_>, visitor: Visitor<'_>, trusted: bool) -> Result<(), KeptOut> {
    let most = room_for(gate.conference, trusted);
    if gate.inside >= most {
        return Err(KeptOut::Full(most));
    }
    let guests = gate
        .conference
        .settings
        .guest_limit
        .filter(|_| visitor.is_guest());
    if guests.is_some_and(|most| gate.guests >= u64::from(most)) {
        return Err(KeptOut::GuestsFull);
    }
    Ok(())
}

/// Not only this conference may be full for people of a partner: the terms with their server bound all.
fn check_partner(gate: &Gate<'_>) -> Result<(), KeptOut> {
    gate.partner_full
        .map_or(Ok(()), |most| Err(KeptOut::PartnerFull(most)))
}

/// How many may be in for one more to come.
pub(crate) fn room_for(conference: &Conference, trusted: bool) -> u64 {
    let most = limits::PARTICIPANTS as u64;
    let own = conference.settings.participant_limit.filter(|_| !trusted);
    own.map_or(most, |own| most.min(u64::from(own)))
}

fn must_wait(conference: &Conference, run: Option<&Run>, visitor: Visitor<'_>) -> bool {
    let began = run.filter(|run| run.is_on()).map(|run| run.started_at);
    let before = |invited: Timestamp| began.is_none_or(|began| invited <= began);
    let expected = visitor.invited_at(conference).is_some_and(before);
    match conference.settings.waiting_room {
        None => false,
        Some(WaitingRoom::All) => true,
        Some(WaitingRoom::Uninvited) => !expected,
        Some(WaitingRoom::UninvitedElsewhere) => !expected && visitor.is_from_elsewhere(),
        Some(WaitingRoom::Guests) => visitor.is_guest(),
    }
}
