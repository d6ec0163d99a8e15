use super::{PartnerTerms, Zones, mirror};
use crate::problem::Problem;
use plenary_access as access;
use plenary_model::ServerMask;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// What passwords must be like.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordPolicy {
    #[schema(minimum = 2, maximum = 64)]
    pub min_length: u8,
    /// Letters in upper and lower case.
    pub mixed_case: bool,
    pub digits: bool,
    /// Anything that is neither letter nor digit.
    pub specials: bool,
}

impl From<access::PasswordPolicy> for PasswordPolicy {
    fn from(policy: access::PasswordPolicy) -> Self {
        Self {
            min_length: policy.min_length,
            mixed_case: policy.mixed_case,
            digits: policy.digits,
            specials: policy.specials,
        }
    }
}

/// When accounts are locked after wrong passwords.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LockoutPolicy {
    pub enabled: bool,
    /// How long an account stays locked: 1 minute to 365 days.
    #[schema(minimum = 60, maximum = 31536000)]
    pub duration_s: u64,
    /// Wrong passwords before the account is locked.
    #[schema(minimum = 1, maximum = 100)]
    pub attempts: u32,
    /// Counting starts again after this long without a wrong password: 1 minute to 30 days.
    #[schema(minimum = 60, maximum = 2592000)]
    pub window_s: u64,
}

/// How long a device stays signed in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionPolicy {
    #[schema(minimum = 1, maximum = 3650)]
    pub lifetime_days: u32,
}

/// From where the control panel may be used.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminAccess {
    /// Address ranges like `10.0.0.0/8`, or single addresses; the address of whoever changes this must stay inside.
    #[schema(min_items = 1, max_items = 256)]
    pub networks: Vec<String>,
}

/// What strangers see before they sign in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FrontPage {
    /// Name of the enterprise; empty: the server's name.
    #[schema(max_length = 128)]
    pub title: String,
    /// What people should know who come here; plain text.
    #[schema(max_length = 2000)]
    pub help: String,
    /// How those who run the server are reached; plain text.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub contacts: String,
    /// Where guests read how it works: an `https` address; empty: nowhere.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub guide: String,
}

/// What is deleted by itself, looked for each hour: conferences, and what is kept of them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConferencePolicy {
    /// Those with a schedule that is over.
    pub delete_past: bool,
    /// So long after they were used last.
    #[schema(minimum = 1, maximum = 10000)]
    pub delete_past_days: u32,
    /// Virtual rooms, and those that moderators start.
    pub delete_unused: bool,
    /// So long after they were used or changed last.
    #[schema(minimum = 1, maximum = 10000)]
    pub delete_unused_days: u32,
    /// Who was in which run of a conference, and calls, are kept for so long.
    #[schema(minimum = 1, maximum = 10000)]
    pub keep_history_days: u32,
    /// What was said in conferences is kept for so long.
    #[schema(minimum = 1, maximum = 10000)]
    pub keep_chat_days: u32,
}

impl From<access::ConferencePolicy> for ConferencePolicy {
    fn from(policy: access::ConferencePolicy) -> Self {
        Self {
            delete_past: policy.delete_past,
            delete_past_days: policy.delete_past_days,
            delete_unused: policy.delete_unused,
            delete_unused_days: policy.delete_unused_days,
            keep_history_days: policy.keep_history_days,
            keep_chat_days: policy.keep_chat_days,
        }
    }
}

/// How the IDs of conferences come about.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConferenceIdPolicy {
    /// Those that the server makes up have letters too, not digits only.
    pub letters: bool,
    /// Characters of those that the server makes up.
    #[schema(minimum = 4, maximum = 20)]
    pub length: u8,
    /// Owners may choose one by hand; administrators always may.
    pub by_owners: bool,
}

impl From<access::IdPolicy> for ConferenceIdPolicy {
    fn from(policy: access::IdPolicy) -> Self {
        Self {
            letters: policy.letters,
            length: policy.length,
            by_owners: policy.by_owners,
        }
    }
}

mirror! {
    /// Who has to be let in by a moderator, in new conferences.
    DefaultWaitingRoom = access::DefaultWaitingRoom { Off, All, Uninvited, UninvitedElsewhere, Guests }
}

/// What new conferences are like where nothing is said.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConferencePolicy {
    /// Guests may come too.
    pub public: bool,
    /// Those may come who are not invited.
    pub uninvited: bool,
    pub waiting_room: DefaultWaitingRoom,
    pub muted_on_entry: bool,
    pub camera_off_on_entry: bool,
    pub guests_chat: bool,
    pub guests_audio: bool,
    pub guests_video: bool,
}

impl From<access::ConferenceDefaults> for NewConferencePolicy {
    fn from(defaults: access::ConferenceDefaults) -> Self {
        Self {
            public: defaults.public,
            uninvited: defaults.uninvited,
            waiting_room: defaults.waiting_room.into(),
            muted_on_entry: defaults.muted_on_entry,
            camera_off_on_entry: defaults.camera_off_on_entry,
            guests_chat: defaults.guests_chat,
            guests_audio: defaults.guests_audio,
            guests_video: defaults.guests_video,
        }
    }
}

impl NewConferencePolicy {
    fn read(self) -> access::ConferenceDefaults {
        access::ConferenceDefaults {
            public: self.public,
            uninvited: self.uninvited,
            waiting_room: self.waiting_room.into(),
            muted_on_entry: self.muted_on_entry,
            camera_off_on_entry: self.camera_off_on_entry,
            guests_chat: self.guests_chat,
            guests_audio: self.guests_audio,
            guests_video: self.guests_video,
        }
    }
}

mirror! {
    /// Which servers of others may meet with this one.
    FederationMode = access::FederationMode { Off, Whitelist, Blacklist }
}

/// Federation: meeting with servers of others, by their DNS names.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FederationPolicy {
    pub mode: FederationMode,
    /// Names or masks as `*.example.com`, `v*.example.com`, `example.*`: who may, with the mode `whitelist`.
    #[schema(max_items = 1000)]
    pub whitelist: Vec<String>,
    /// Who may not, with the mode `blacklist`.
    #[schema(max_items = 1000)]
    pub blacklist: Vec<String>,
}

impl From<access::FederationPolicy> for FederationPolicy {
    fn from(policy: access::FederationPolicy) -> Self {
        let texts = |masks: Vec<ServerMask>| masks.into_iter().map(String::from).collect();
        Self {
            mode: policy.mode.into(),
            whitelist: texts(policy.whitelist),
            blacklist: texts(policy.blacklist),
        }
    }
}

impl FederationPolicy {
    fn read(self) -> Result<access::FederationPolicy, Problem> {
        Ok(access::FederationPolicy {
            mode: self.mode.into(),
            whitelist: masks("federation.whitelist", &self.whitelist)?,
            blacklist: masks("federation.blacklist", &self.blacklist)?,
        })
    }
}

/// In order, each once.
fn masks(field: &str, texts: &[String]) -> Result<Vec<ServerMask>, Problem> {
    let mut masks = BTreeSet::new();
    for (at, text) in texts.iter().enumerate() {
        let mask: Result<ServerMask, _> = text.parse();
        masks.insert(mask.map_err(|error| Problem::field(format!("{field}[{at}]"), error.to_string()))?);
    }
    Ok(masks.into_iter().collect())
}

mirror! {
    /// A field of a profile that others may see or not.
    VisibleField = access::ProfileField {
        Email, FirstName, MiddleName, LastName, Organisation, Branch, Department, JobTitle, Manager, Address, MobilePhone,
        WorkPhone, HomePhone, SipNumber
    }
}

/// Which fields of profiles others see beside the display name. Administrators and the users themselves see all.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileVisibility {
    /// Users of this server.
    #[schema(max_items = 14)]
    pub people: BTreeSet<VisibleField>,
    /// Users of other servers.
    #[schema(max_items = 14)]
    pub partners: BTreeSet<VisibleField>,
}

impl From<access::ProfileVisibility> for ProfileVisibility {
    fn from(visible: access::ProfileVisibility) -> Self {
        Self {
            people: visible.people.into_iter().map(Into::into).collect(),
            partners: visible.partners.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<ProfileVisibility> for access::ProfileVisibility {
    fn from(visible: ProfileVisibility) -> Self {
        Self {
            people: visible.people.into_iter().map(Into::into).collect(),
            partners: visible.partners.into_iter().map(Into::into).collect(),
        }
    }
}

/// What Border Controllers let in, whatever their own configuration says. A limit that is null is that of each controller.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BorderPolicy {
    /// Address ranges from which nobody is let in, like `198.51.100.0/24`.
    #[schema(max_items = 256)]
    pub deny: Vec<String>,
    /// Connections at a time of one network: an IPv4 address, or the 64 bits of an IPv6 network.
    #[schema(required, minimum = 1, maximum = 100000)]
    pub connections_per_network: Option<u32>,
    /// Connections of one network that begin each second.
    #[schema(required, minimum = 1, maximum = 100000)]
    pub rate_per_network: Option<u32>,
    /// Clients of one network whose media flow at a time.
    #[schema(required, minimum = 1, maximum = 100000)]
    pub flows_per_network: Option<u32>,
}

impl From<access::BorderPolicy> for BorderPolicy {
    fn from(policy: access::BorderPolicy) -> Self {
        Self {
            deny: policy.deny,
            connections_per_network: policy.connections_per_network,
            rate_per_network: policy.rate_per_network,
            flows_per_network: policy.flows_per_network,
        }
    }
}

impl BorderPolicy {
    fn read(self) -> Result<access::BorderPolicy, Problem> {
        check_networks("border.deny", &self.deny)?;
        Ok(access::BorderPolicy {
            deny: self.deny,
            connections_per_network: self.connections_per_network,
            rate_per_network: self.rate_per_network,
            flows_per_network: self.flows_per_network,
            ..access::BorderPolicy::default()
        })
    }
}

/// # Errors
/// Which of them is no address range.
fn check_networks(field: &str, networks: &[String]) -> Result<(), Problem> {
    for (at, text) in networks.iter().enumerate() {
        let network: Result<access::Network, _> = text.parse();
        network.map_err(|error| Problem::field(format!("{field}[{at}]"), error.to_string()))?;
    }
    Ok(())
}

/// All settings of the server that people change while it runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Settings {
    pub password: PasswordPolicy,
    pub lockout: LockoutPolicy,
    pub sessions: SessionPolicy,
    pub admin_access: AdminAccess,
    pub front_page: FrontPage,
    pub conferences: ConferencePolicy,
    pub conference_ids: ConferenceIdPolicy,
    pub new_conferences: NewConferencePolicy,
    pub federation: FederationPolicy,
    /// What may be done with servers that have no terms of their own.
    pub partner_terms: PartnerTerms,
    pub profile_fields: ProfileVisibility,
    pub zones: Zones,
    pub border: BorderPolicy,
    /// Changes with each change; also the `ETag`.
    #[schema(pattern = "^[0-9]+$")]
    pub revision: String,
}

impl From<access::Settings> for Settings {
    fn from(settings: access::Settings) -> Self {
        Self {
            password: settings.password.into(),
            lockout: LockoutPolicy {
                enabled: settings.lockout.enabled,
                duration_s: settings.lockout.duration_s,
                attempts: settings.lockout.attempts,
                window_s: settings.lockout.window_s,
            },
            sessions: SessionPolicy {
                lifetime_days: settings.sessions.lifetime_days,
            },
            admin_access: AdminAccess {
                networks: settings.admin_access.networks,
            },
            front_page: FrontPage {
                title: settings.front_page.title,
                help: settings.front_page.help,
                contacts: settings.front_page.contacts,
                guide: settings.front_page.guide,
            },
            conferences: settings.conferences.into(),
            conference_ids: settings.conference_ids.into(),
            new_conferences: settings.new_conferences.into(),
            federation: settings.federation.into(),
            partner_terms: settings.partner_terms.into(),
            profile_fields: settings.profile_fields.into(),
            zones: settings.zones.into(),
            border: settings.border.into(),
            revision: settings.revision.to_string(),
        }
    }
}

/// Changes to settings, a whole section at a time; what is missing or null stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsPatch {
    pub password: Option<PasswordPolicy>,
    pub lockout: Option<LockoutPolicy>,
    pub sessions: Option<SessionPolicy>,
    pub admin_access: Option<AdminAccess>,
    pub front_page: Option<FrontPage>,
    pub conferences: Option<ConferencePolicy>,
    pub conference_ids: Option<ConferenceIdPolicy>,
    pub new_conferences: Option<NewConferencePolicy>,
    pub federation: Option<FederationPolicy>,
    pub partner_terms: Option<PartnerTerms>,
    pub profile_fields: Option<ProfileVisibility>,
    pub zones: Option<Zones>,
    pub border: Option<BorderPolicy>,
}

impl SettingsPatch {
    pub(crate) fn read(self) -> Result<access::SettingsPatch, Problem> {
        if let Some(access) = &self.admin_access {
            check_networks("admin_access.networks", &access.networks)?;
        }
        Ok(access::SettingsPatch {
            password: self.password.map(|policy| access::PasswordPolicy {
                min_length: policy.min_length,
                mixed_case: policy.mixed_case,
                digits: policy.digits,
                specials: policy.specials,
            }),
            lockout: self.lockout.map(|policy| access::LockoutPolicy {
                enabled: policy.enabled,
                duration_s: policy.duration_s,
                attempts: policy.attempts,
                window_s: policy.window_s,
            }),
            sessions: self.sessions.map(|policy| access::SessionPolicy {
                lifetime_days: policy.lifetime_days,
            }),
            admin_access: self.admin_access.map(|access| access::AdminAccess {
                networks: access.networks,
            }),
            front_page: self.front_page.map(|page| access::FrontPage {
                title: page.title,
                help: page.help,
                contacts: page.contacts,
                guide: page.guide,
            }),
            conferences: self.conferences.map(|policy| access::ConferencePolicy {
                delete_past: policy.delete_past,
                delete_past_days: policy.delete_past_days,
                delete_unused: policy.delete_unused,
                delete_unused_days: policy.delete_unused_days,
                keep_history_days: policy.keep_history_days,
                keep_chat_days: policy.keep_chat_days,
            }),
            conference_ids: self.conference_ids.map(|policy| access::IdPolicy {
                letters: policy.letters,
                length: policy.length,
                by_owners: policy.by_owners,
            }),
            new_conferences: self.new_conferences.map(NewConferencePolicy::read),
            federation: self.federation.map(FederationPolicy::read).transpose()?,
            partner_terms: self.partner_terms.map(Into::into),
            profile_fields: self.profile_fields.map(Into::into),
            zones: self.zones.map(Zones::read).transpose()?.map(Box::new),
            border: self.border.map(BorderPolicy::read).transpose()?,
        })
    }
}
