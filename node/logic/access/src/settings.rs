use crate::{BorderPolicy, PartnerTerms, ProfileVisibility, Zones};
use plenary_model::{Revision, ServerMask, ServerName};
use serde::{Deserialize, Serialize};

/// All settings of a server that people change at run time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub password: PasswordPolicy,
    pub lockout: LockoutPolicy,
    pub sessions: SessionPolicy,
    pub admin_access: AdminAccess,
    pub front_page: FrontPage,
    pub conferences: ConferencePolicy,
    #[serde(skip_serializing_if = "is_usual")]
    pub conference_ids: IdPolicy,
    #[serde(skip_serializing_if = "is_usual")]
    pub new_conferences: ConferenceDefaults,
    #[serde(skip_serializing_if = "is_usual")]
    pub federation: FederationPolicy,
    /// What may be done with partners that have no terms of their own.
    #[serde(skip_serializing_if = "is_usual")]
    pub partner_terms: PartnerTerms,
    #[serde(skip_serializing_if = "is_usual")]
    pub profile_fields: ProfileVisibility,
    #[serde(skip_serializing_if = "is_usual")]
    pub zones: Zones,
    #[serde(skip_serializing_if = "is_usual")]
    pub border: BorderPolicy,
    pub revision: Revision,
}

/// What nodes of before, who do not know a section, go by as well.
fn is_usual<T: Default + PartialEq>(section: &T) -> bool {
    *section == T::default()
}

/// USR-10.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PasswordPolicy {
    /// 2 to 64 characters.
    pub min_length: u8,
    /// Letters in upper and lower case.
    pub mixed_case: bool,
    pub digits: bool,
    pub specials: bool,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            min_length: 8,
            mixed_case: false,
            digits: false,
            specials: false,
        }
    }
}

/// USR-10; arithmetic of §14.11.2 of the guide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LockoutPolicy {
    pub enabled: bool,
    /// How long an account stays locked; 1 minute to 365 days.
    pub duration_s: u64,
    /// Wrong passwords before the account is locked; 1 to 100.
    pub attempts: u32,
    /// After this long without a wrong password, counting starts again at one; 1 minute to 30 days.
    pub window_s: u64,
}

impl Default for LockoutPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            duration_s: 24 * 3600,
            attempts: 10,
            window_s: 600,
        }
    }
}

/// AUTH-01.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionPolicy {
    /// 1 to 3650 days.
    pub lifetime_days: u32,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self { lifetime_days: 60 }
    }
}

/// From where the control panel may be used (AUTH-07): address ranges in CIDR notation, at most 256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AdminAccess {
    pub networks: Vec<String>,
}

impl Default for AdminAccess {
    /// Loopback, private and link-local ranges (RFC 1918, RFC 4193, RFC 3927, RFC 4291).
    fn default() -> Self {
        let ranges = [
            "127.0.0.0/8",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "::1/128",
            "fc00::/7",
            "fe80::/10",
        ];
        Self {
            networks: ranges.map(String::from).to_vec(),
        }
    }
}

/// What strangers see before they sign in (WEB-01).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FrontPage {
    /// Name of the enterprise, at most 128 characters; empty: the server's name.
    pub title: String,
    /// What people should know who come to it, at most 2,000 characters, plain text.
    pub help: String,
    /// How those who run the server are reached, at most 2,000 characters, plain text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub contacts: String,
    /// Where guests read how it works: an `https` address; empty: nowhere.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub guide: String,
}

/// What is deleted by itself, looked for each hour (CONF-15, CONF-17).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConferencePolicy {
    /// Those with a schedule that is over.
    pub delete_past: bool,
    /// So long after they were used last; 1 to 10,000 days.
    pub delete_past_days: u32,
    /// Virtual rooms, and those that moderators start.
    pub delete_unused: bool,
    /// So long after they were used or changed last; 1 to 10,000 days.
    pub delete_unused_days: u32,
    /// Who was in runs that are over, and calls, are kept for so long; 1 to 10,000 days.
    #[serde(skip_serializing_if = "is_year")]
    pub keep_history_days: u32,
    /// What was said in conferences is kept for so long; 1 to 10,000 days.
    #[serde(skip_serializing_if = "is_year")]
    pub keep_chat_days: u32,
}

/// What nodes of before, who do not know the setting, go by as well.
const YEAR: u32 = 365;

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks so.
fn is_year(days: &u32) -> bool {
    *days == YEAR
}

impl Default for ConferencePolicy {
    fn default() -> Self {
        Self {
            delete_past: false,
            delete_past_days: 90,
            delete_unused: false,
            delete_unused_days: 365,
            keep_history_days: YEAR,
            keep_chat_days: YEAR,
        }
    }
}

/// How the IDs of conferences come about (CONF-04).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IdPolicy {
    /// Those that the server makes up have letters too, not digits only.
    pub letters: bool,
    /// Characters of those that the server makes up; 4 to 20.
    pub length: u8,
    /// Owners may choose one by hand; administrators always may.
    pub by_owners: bool,
}

impl Default for IdPolicy {
    fn default() -> Self {
        Self {
            letters: false,
            length: 9,
            by_owners: true,
        }
    }
}

/// What new conferences are like where nothing is said (CONF-10). Whoever proposes one fills it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConferenceDefaults {
    /// Guests may come too.
    pub public: bool,
    /// Those may come who are not invited.
    pub uninvited: bool,
    pub waiting_room: DefaultWaitingRoom,
    pub muted_on_entry: bool,
    pub camera_off_on_entry: bool,
    /// What guests may do.
    pub guests_chat: bool,
    pub guests_audio: bool,
    pub guests_video: bool,
}

impl Default for ConferenceDefaults {
    fn default() -> Self {
        Self {
            public: false,
            uninvited: true,
            waiting_room: DefaultWaitingRoom::Off,
            muted_on_entry: false,
            camera_off_on_entry: false,
            guests_chat: true,
            guests_audio: true,
            guests_video: true,
        }
    }
}

/// Who has to be let in by a moderator, in new conferences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultWaitingRoom {
    #[default]
    Off,
    All,
    Uninvited,
    UninvitedElsewhere,
    Guests,
}

/// Which servers of others may meet with this one (FED-01).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FederationPolicy {
    pub mode: FederationMode,
    /// Who may, where only those who are listed; at most [`FederationPolicy::MASKS`].
    pub whitelist: Vec<ServerMask>,
    /// Who may not, where all others may; at most [`FederationPolicy::MASKS`].
    pub blacklist: Vec<ServerMask>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FederationMode {
    #[default]
    Off,
    /// Only servers on the whitelist.
    Whitelist,
    /// All servers but those on the blacklist.
    Blacklist,
}

/// Why a server may not meet with this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPartner {
    Off,
    NotOnWhitelist,
    OnBlacklist,
    /// The free licence has no federation (LIC-02); the one before may have ended.
    NotLicensed,
}

impl FederationPolicy {
    pub const MASKS: usize = 1_000;

    /// Whether the lists let that server meet with this one. What may be done then is said by [`policy_for`](crate::policy_for).
    pub fn admits(&self, server: &ServerName) -> Result<(), NoPartner> {
        let on = |list: &[ServerMask]| list.iter().any(|mask| mask.matches(server));
        match self.mode {
            FederationMode::Off => Err(NoPartner::Off),
            FederationMode::Whitelist if !on(&self.whitelist) => Err(NoPartner::NotOnWhitelist),
            FederationMode::Blacklist if on(&self.blacklist) => Err(NoPartner::OnBlacklist),
            FederationMode::Whitelist | FederationMode::Blacklist => Ok(()),
        }
    }
}

/// Changes to [`Settings`], a whole section at a time: `Some` replaces, `None` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsPatch {
    pub password: Option<PasswordPolicy>,
    pub lockout: Option<LockoutPolicy>,
    pub sessions: Option<SessionPolicy>,
    pub admin_access: Option<AdminAccess>,
    pub front_page: Option<FrontPage>,
    pub conferences: Option<ConferencePolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conference_ids: Option<IdPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_conferences: Option<ConferenceDefaults>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub federation: Option<FederationPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner_terms: Option<PartnerTerms>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_fields: Option<ProfileVisibility>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zones: Option<Box<Zones>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub border: Option<BorderPolicy>,
}
