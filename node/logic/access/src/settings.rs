use plenary_model::Revision;
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
    pub revision: Revision,
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
    /// Whom to ask for help, at most 2,000 characters, plain text.
    pub help: String,
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
}
