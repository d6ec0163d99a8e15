//! What the inside wants a controller to let in, beside what its own configuration says.

use serde::{Deserialize, Serialize};

/// As nodes write it, and as it is kept; what a newer version says more is passed over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Milliseconds since 1970 when it was changed last. A newer one counts instead of an older one.
    pub version: u64,
    /// Address ranges from which nobody is let in, beside those of the configuration.
    pub deny: Vec<String>,
    /// Limits for one network instead of those of the configuration.
    pub connections_per_network: Option<u32>,
    pub rate_per_network: Option<u32>,
    pub flows_per_network: Option<u32>,
}

impl Policy {
    /// Address ranges at most; more are left out.
    pub const NETWORKS: usize = 256;

    /// `None` for what is none of any version.
    pub fn read(text: &str) -> Option<Self> {
        let mut policy: Self = serde_json::from_str(text).ok()?;
        policy.deny.truncate(Self::NETWORKS);
        Some(policy)
    }

    /// As [`Self::read`] reads it.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_newer_passed_over() {
        let policy = Policy {
            version: 7,
            deny: vec!["198.51.100.0/24".into()],
            rate_per_network: Some(20),
            ..Policy::default()
        };
        let text = policy.write();
        assert_eq!(Policy::read(&text).as_ref(), Some(&policy));
        let newer = text.replacen('{', r#"{"countries":["xx"],"#, 1);
        assert_eq!(Policy::read(&newer), Some(policy));
        assert_eq!(Policy::read("deny all"), None);
        assert_eq!(Policy::read("{}"), Some(Policy::default()));
    }
}
