use plenary_model::{ServerName, Timestamp};

/// Why a file does not count. Nothing that counted before is touched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LicenceError {
    #[error("the file is larger than 64 KiB, so it is no licence file; choose the file that the vendor sent")]
    TooLarge,
    #[error(
        "the file cannot be read: {what}; ask for it to be sent again as it is, without copying its text"
    )]
    Unreadable { what: &'static str },
    #[error("the file was made by a newer version; update this program first")]
    TooNew,
    #[error("the file was changed after it was signed; ask the vendor for it again")]
    Tampered,
    #[error("the file was signed with another key than the vendor's; it may come from another vendor")]
    ForeignKey,
    #[error("the licence is signed with the development key, which anybody has; it does not count here")]
    DevelopmentKey,
    #[error("the licence is valid only from a later day on")]
    NotYetValid { from: Timestamp },
    #[error("the licence has expired; ask the vendor to renew it")]
    Expired { since: Timestamp },
    #[error("the licence is for other servers: {}", list(.covers))]
    OtherServers { covers: Vec<ServerName> },
    #[error("the licence is for several servers and belongs into a License Manager")]
    NeedsManager,
    #[error("the licence has to be confirmed for this License Manager; send the vendor a request")]
    NotConfirmed,
    #[error("the confirmation is for another License Manager or another licence")]
    OtherPool,
    #[error("the same licence is there already")]
    Known,
    #[error("{what}")]
    Impossible { what: &'static str },
}

fn list(names: &[ServerName]) -> String {
    let names: Vec<&str> = names.iter().map(ServerName::as_str).collect();
    names.join(", ")
}

impl LicenceError {
    /// Stable for ever, for interfaces and scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "licence_too_large",
            Self::Unreadable { .. } => "licence_unreadable",
            Self::TooNew => "licence_too_new",
            Self::Tampered => "licence_tampered",
            Self::ForeignKey => "licence_foreign_key",
            Self::DevelopmentKey => "licence_development_key",
            Self::NotYetValid { .. } => "licence_not_yet_valid",
            Self::Expired { .. } => "licence_expired",
            Self::OtherServers { .. } => "licence_other_servers",
            Self::NeedsManager => "licence_needs_manager",
            Self::NotConfirmed => "licence_not_confirmed",
            Self::OtherPool => "licence_other_pool",
            Self::Known => "licence_known",
            Self::Impossible { .. } => "licence_impossible",
        }
    }
}
