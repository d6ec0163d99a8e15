//! How a conference is run: what its owner sets before and while people are in it.

use crate::{Arrangement, GuestRights, KeptLayout, Party, Registration, meeting::check_kept};
use plenary_access::{Refusal, rules::invalid};
use plenary_model::{Timestamp, UserId, UserName, limits};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use subtle::ConstantTimeEq as _;

/// Who is seen and heard (CONF-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everybody.
    #[default]
    AllOnScreen,
    /// Whoever speaks takes a place on the podium from who has been silent for longest.
    Smart,
    /// Who asked for a place on the podium and got it from a moderator, or was invited there.
    RoleBased,
    /// Everybody sees who lectures; lecturers and moderators see everybody.
    Lecture,
}

/// Who has to be let in by a moderator (CONF-06). Owner, moderators and operators never wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingRoom {
    All,
    /// Who is not on the list of those who were invited before the meeting began; all guests.
    Uninvited,
    /// Of those who come from elsewhere, who is not on that list; all guests.
    UninvitedElsewhere,
    Guests,
}

/// What must be typed to come in (CONF-05): 4 to 16 digits. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pin(pub String);

impl Pin {
    /// Whether both are the same, in a time that does not tell how much of them is.
    pub fn is(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }

    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let good = (limits::PIN_MIN..=limits::PIN).contains(&self.0.len());
        if good && self.0.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(());
        }
        Err(invalid("pin", "must have 4 to 16 digits, and nothing else"))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(hidden)")
    }
}

/// The ways in that are open (CONF-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ways {
    /// The meeting room of the web pages.
    pub browser: bool,
    /// Programs that publish or watch (WHIP, WHEP).
    pub programs: bool,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            browser: true,
            programs: true,
        }
    }
}

/// The most that people are to send into a conference (CONF-10); 0 is no limit of its own. Pages ask browsers for no more;
/// nodes forward no larger pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Quality {
    /// Pixels of the shorter side of a camera's picture: 0, or 90 to 4,320.
    pub camera_height: u16,
    /// Pictures a second: 0, or 1 to 60.
    pub camera_fps: u8,
    pub content_height: u16,
    pub content_fps: u8,
}

impl Quality {
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde asks so.
    fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    fn check(self) -> Result<(), Refusal> {
        for (field, height) in [
            ("quality.camera_height", self.camera_height),
            ("quality.content_height", self.content_height),
        ] {
            if height != 0 && !(90..=4_320).contains(&height) {
                return Err(invalid(field, "must be 90 to 4,320 pixels, or 0 for no limit"));
            }
        }
        for (field, fps) in [
            ("quality.camera_fps", self.camera_fps),
            ("quality.content_fps", self.content_fps),
        ] {
            if fps > 60 {
                return Err(invalid(
                    field,
                    "must be 1 to 60 pictures a second, or 0 for no limit",
                ));
            }
        }
        Ok(())
    }
}

/// How a conference is run. The default is what conferences were before there were settings.
///
/// Stored as a part of the conference; fields may be added with a default, never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub mode: Mode,
    /// 1 to 49; counts in modes with a podium.
    pub podium_places: u8,
    pub pin: Option<Pin>,
    pub waiting_room: Option<WaitingRoom>,
    /// Each run is locked from its beginning until a moderator opens it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub begins_locked: bool,
    /// Whether those may come who are not invited.
    pub uninvited: bool,
    pub ways: Ways,
    pub muted_on_entry: bool,
    pub camera_off_on_entry: bool,
    /// Accounts with a moderator's rights, beside the owner.
    pub moderators: BTreeMap<UserName, Timestamp>,
    /// Accounts that are invited, and since when.
    pub invited: BTreeMap<UserName, Timestamp>,
    /// People of partners' servers with a moderator's rights.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub moderators_abroad: BTreeMap<UserId, Timestamp>,
    /// Those who are invited, and since when.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub invited_abroad: BTreeMap<UserId, Timestamp>,
    /// Whether those who are named are called when it begins by its schedule.
    #[serde(skip_serializing_if = "is_true")]
    pub call_at_start: bool,
    /// Where people meet beside the conference: a room, a building; up to 256 characters.
    pub place: String,
    /// Fewer than the server takes.
    pub participant_limit: Option<u32>,
    pub guest_limit: Option<u32>,
    /// What guests may do in the meeting.
    #[serde(skip_serializing_if = "GuestRights::is_all")]
    pub guests: GuestRights,
    /// How people register who have no account (CONF-12).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<Box<Registration>>,
    #[serde(skip_serializing_if = "Quality::is_unlimited")]
    pub quality: Quality,
    /// Layouts between which moderators switch (CONF-11).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layouts: Vec<KeptLayout>,
    /// Who lectures when they come, at most 49; nobody is named: the owner. Each is invited, or moderates.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub lecturers: BTreeSet<Party>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            podium_places: 6,
            pin: None,
            waiting_room: None,
            begins_locked: false,
            uninvited: true,
            ways: Ways::default(),
            muted_on_entry: false,
            camera_off_on_entry: false,
            moderators: BTreeMap::new(),
            invited: BTreeMap::new(),
            moderators_abroad: BTreeMap::new(),
            invited_abroad: BTreeMap::new(),
            call_at_start: true,
            place: String::new(),
            participant_limit: None,
            guest_limit: None,
            guests: GuestRights::default(),
            registration: None,
            quality: Quality::default(),
            layouts: Vec::new(),
            lecturers: BTreeSet::new(),
        }
    }
}

impl Settings {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Places on the podium; in a lecture all who are named as its lecturers have one.
    pub fn places(&self) -> usize {
        let places = usize::from(self.podium_places.min(limits::PODIUM));
        match self.mode {
            Mode::AllOnScreen => 0,
            Mode::Smart | Mode::RoleBased => places,
            Mode::Lecture => places.max(self.lecturers.len()),
        }
    }

    /// Who lectures comes in where only those do who are invited, and is told of it as these are.
    fn invite_lecturers(&mut self, before: &Self, now: Timestamp) {
        for one in &self.lecturers {
            match one {
                Party::Here(user) if !self.moderators.contains_key(user) => {
                    let since = before.invited.get(user).copied().unwrap_or(now);
                    self.invited.entry(user.clone()).or_insert(since);
                }
                Party::There(user) if !self.moderators_abroad.contains_key(user) => {
                    let since = before.invited_abroad.get(user).copied().unwrap_or(now);
                    self.invited_abroad.entry(user.clone()).or_insert(since);
                }
                Party::Here(_) | Party::There(_) => {}
            }
        }
    }

    /// Everybody who is named, each once: when their account goes, so does what they may here.
    pub fn named(&self) -> impl Iterator<Item = &UserName> {
        let others = self.invited.keys();
        let others = others.filter(|user| !self.moderators.contains_key(*user));
        self.moderators.keys().chain(others)
    }

    /// Accounts of this server that have a place in a layout.
    pub fn in_layouts(&self) -> BTreeSet<&UserName> {
        let people = self.layouts.iter().flat_map(|kept| kept.people.values());
        people.filter_map(Party::here).collect()
    }

    /// Nobody who gets the same user ID later is named because of it.
    pub(crate) fn forget(&mut self, user: &UserName) {
        self.moderators.remove(user);
        self.invited.remove(user);
        self.lecturers.retain(|one| *one != *user);
        for kept in &mut self.layouts {
            kept.people.retain(|_, who| *who != *user);
        }
    }

    /// People of partners' servers who are named, and whether as moderators.
    pub fn named_abroad(&self) -> BTreeMap<UserId, bool> {
        let invited = self.invited_abroad.keys().map(|user| (user.clone(), false));
        let moderators = self.moderators_abroad.keys().map(|user| (user.clone(), true));
        invited.chain(moderators).collect()
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // The form that serde asks for.
fn is_true(value: &bool) -> bool {
    *value
}

/// Something that can be taken away: a plain option could not tell that from leaving it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Put<T> {
    To(T),
    Nothing,
}

impl<T> From<Option<T>> for Put<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Self::To)
    }
}

impl<T: Clone> Put<T> {
    fn value(&self) -> Option<T> {
        match self {
            Self::To(value) => Some(value.clone()),
            Self::Nothing => None,
        }
    }
}

/// Changes to how a conference is run: `Some` replaces, `None` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsPatch {
    pub mode: Option<Mode>,
    pub podium_places: Option<u8>,
    pub pin: Option<Put<Pin>>,
    pub waiting_room: Option<Put<WaitingRoom>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begins_locked: Option<bool>,
    pub uninvited: Option<bool>,
    pub ways: Option<Ways>,
    pub muted_on_entry: Option<bool>,
    pub camera_off_on_entry: Option<bool>,
    /// The whole list.
    pub moderators: Option<Vec<UserName>>,
    /// The whole list; who is on it already keeps the time.
    pub invited: Option<Vec<UserName>>,
    /// Beside `moderators`, and with them the whole list: none where those are given without these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moderators_abroad: Vec<UserId>,
    /// The same beside `invited`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invited_abroad: Vec<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_at_start: Option<bool>,
    pub place: Option<String>,
    pub participant_limit: Option<Put<u32>>,
    pub guest_limit: Option<Put<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guests: Option<GuestRights>,
    /// The whole of it; fields without a number are new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<Box<Registration>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// All of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layouts: Option<Vec<KeptLayout>>,
    /// The whole list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lecturers: Option<Vec<Party>>,
}

impl SettingsPatch {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it names people of other servers.
    pub(crate) fn is_of_abroad(&self) -> bool {
        let mut lecturers = self.lecturers.iter().flatten();
        let lectures = lecturers.any(|one| one.there().is_some());
        lectures || !self.moderators_abroad.is_empty() || !self.invited_abroad.is_empty()
    }

    /// Whether nodes read it that know lectures with lecturers, and no others.
    fn is_of_lectures(&self) -> bool {
        let mut layouts = self.layouts.iter().flatten();
        self.lecturers.is_some() || layouts.any(|kept| kept.layout.arrangement == Arrangement::Content)
    }

    /// Whether people have places in its layouts.
    pub(crate) fn places_people(&self) -> bool {
        let mut layouts = self.layouts.iter().flatten();
        layouts.any(|kept| !kept.people.is_empty())
    }

    /// The level of the rules from which on nodes can read it; 0 where nothing is said.
    pub(crate) fn level(&self) -> u32 {
        if self.is_of_lectures() {
            crate::LECTURES_LEVEL
        } else if self.begins_locked.is_some() {
            crate::DOORS_LEVEL
        } else if self.places_people() {
            crate::PLACES_LEVEL
        } else if self.is_of_abroad() {
            crate::OUTBOX_LEVEL
        } else if self.layouts.is_some() {
            crate::CHAT_LEVEL
        } else if self.quality.is_some() {
            crate::IDS_LEVEL
        } else if self.call_at_start.is_some() {
            crate::CALLING_LEVEL
        } else if self.guests.is_some() || self.registration.is_some() {
            crate::REGISTRATION_LEVEL
        } else if !self.is_empty() {
            crate::CONFERENCES_LEVEL
        } else {
            0
        }
    }

    /// What a moderator may change who is not the owner: what is needed while the meeting runs.
    pub(crate) fn is_for_moderators(&self) -> bool {
        let rest = Self {
            pin: None,
            waiting_room: None,
            uninvited: None,
            muted_on_entry: None,
            camera_off_on_entry: None,
            podium_places: None,
            invited: None,
            invited_abroad: Vec::new(),
            guests: None,
            layouts: None,
            lecturers: None,
            ..self.clone()
        };
        rest.is_empty()
    }

    /// The settings after this, at `now`.
    ///
    /// # Errors
    /// The first value that is not good.
    pub(crate) fn apply(&self, before: &Settings, now: Timestamp) -> Result<Settings, Refusal> {
        self.check()?;
        let mut after = before.clone();
        let Settings {
            mode,
            podium_places,
            pin,
            waiting_room,
            begins_locked,
            uninvited,
            ways,
            muted_on_entry,
            camera_off_on_entry,
            moderators,
            invited,
            moderators_abroad,
            invited_abroad,
            call_at_start,
            place,
            participant_limit,
            guest_limit,
            guests,
            registration,
            quality,
            layouts,
            lecturers,
        } = &mut after;
        put(mode, self.mode);
        put(podium_places, self.podium_places);
        put(pin, self.pin.as_ref().map(Put::value));
        put(waiting_room, self.waiting_room.as_ref().map(Put::value));
        put(begins_locked, self.begins_locked);
        put(uninvited, self.uninvited);
        put(ways, self.ways);
        put(muted_on_entry, self.muted_on_entry);
        put(camera_off_on_entry, self.camera_off_on_entry);
        put(
            moderators,
            self.moderators.as_ref().map(|list| since(list, moderators, now)),
        );
        put(
            invited,
            self.invited.as_ref().map(|list| since(list, invited, now)),
        );
        if self.moderators.is_some() {
            *moderators_abroad = since(&self.moderators_abroad, moderators_abroad, now);
        }
        if self.invited.is_some() {
            *invited_abroad = since(&self.invited_abroad, invited_abroad, now);
        }
        put(call_at_start, self.call_at_start);
        put(place, self.place.as_ref().map(|text| text.trim().to_owned()));
        put(participant_limit, self.participant_limit.as_ref().map(Put::value));
        put(guest_limit, self.guest_limit.as_ref().map(Put::value));
        put(guests, self.guests);
        put(quality, self.quality);
        put(layouts, self.layouts.as_ref().map(|list| trimmed(list)));
        put(
            lecturers,
            self.lecturers.as_ref().map(|list| list.iter().cloned().collect()),
        );
        if let Some(new) = &self.registration {
            *registration = Some(Box::new(new.replacing(registration.as_deref())?));
        }
        after.invite_lecturers(before, now);
        if after.invited.len() + after.invited_abroad.len() > limits::PARTICIPANTS {
            return Err(invalid("invited", "must be at most 2,000, with the lecturers"));
        }
        Ok(after)
    }

    fn check(&self) -> Result<(), Refusal> {
        if self
            .podium_places
            .is_some_and(|places| !(1..=limits::PODIUM).contains(&places))
        {
            return Err(invalid("podium_places", "must be 1 to 49"));
        }
        if let Some(Put::To(pin)) = &self.pin {
            pin.check()?;
        }
        if let Some(quality) = self.quality {
            quality.check()?;
        }
        if let Some(layouts) = &self.layouts {
            check_kept(layouts)?;
        }
        let lecturers = self.lecturers.as_ref().map_or(0, Vec::len);
        if lecturers > usize::from(limits::PODIUM) {
            return Err(invalid("lecturers", "must be at most 49"));
        }
        let longest = |list: &Option<Vec<UserName>>| list.as_ref().map_or(0, Vec::len);
        if longest(&self.moderators) + self.moderators_abroad.len() > limits::MODERATORS {
            return Err(invalid("moderators", "must be at most 100"));
        }
        if longest(&self.invited) + self.invited_abroad.len() > limits::PARTICIPANTS {
            return Err(invalid("invited", "must be at most 2,000"));
        }
        if let Some(place) = &self.place {
            let long = place.trim().chars().count() > limits::PROFILE_FIELD;
            if long || place.chars().any(char::is_control) {
                return Err(invalid("place", "must be one line of at most 256 characters"));
            }
        }
        for (field, limit) in [
            ("participant_limit", &self.participant_limit),
            ("guest_limit", &self.guest_limit),
        ] {
            if let Some(Put::To(limit)) = limit
                && !(1..=limits::PARTICIPANTS as u32).contains(limit)
            {
                return Err(invalid(field, "must be 1 to 2,000"));
            }
        }
        Ok(())
    }
}

fn put<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn trimmed(list: &[KeptLayout]) -> Vec<KeptLayout> {
    let one = |kept: &KeptLayout| KeptLayout {
        name: kept.name.trim().to_owned(),
        ..kept.clone()
    };
    list.iter().map(one).collect()
}

/// Each of the list with the time at which it came onto it.
fn since<K: Ord + Clone>(
    list: &[K],
    before: &BTreeMap<K, Timestamp>,
    now: Timestamp,
) -> BTreeMap<K, Timestamp> {
    let known = |user: &K| before.get(user).copied().unwrap_or(now);
    list.iter().map(|user| (user.clone(), known(user))).collect()
}
