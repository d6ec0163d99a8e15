use super::Time;
use crate::border::{ControllerSeen, SourceSeen, TunnelSeen};
use plenary_access::BorderStage as Stage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Border Controllers, by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct BorderControllers {
    pub items: Vec<BorderController>,
    /// Connections and requests from outside that the node that is asked refused itself since it started.
    pub refused: Vec<BorderRefused>,
}

/// How far a Border Controller is. `invited`: its token was not used yet; `enrolled`: nodes dial it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BorderControllerStage {
    Invited,
    Enrolled,
}

/// A program in the DMZ through which the outside reaches this server.
#[derive(Debug, Serialize, ToSchema)]
pub struct BorderController {
    pub name: String,
    /// `host:port` that nodes dial.
    pub address: String,
    pub stage: BorderControllerStage,
    /// Since when it is in this stage.
    pub since: Time,
    /// Until when its token is good; null: there is none.
    #[schema(required)]
    pub token_expires_at: Option<Time>,
    pub tunnel: BorderTunnel,
}

/// The tunnel of the node that is asked to a Border Controller, and what that counted since it started.
#[derive(Debug, Serialize, ToSchema)]
pub struct BorderTunnel {
    /// Since when it is there; null: it is not.
    #[schema(required)]
    pub up_since: Option<Time>,
    /// Why not; null: it is there, or was not tried yet.
    #[schema(required)]
    pub trouble: Option<String>,
    pub version: String,
    /// Tunnels that it has, of all nodes.
    pub tunnels: u64,
    /// Connections from outside at this moment.
    pub flows: u64,
    pub flows_begun: u64,
    /// From outside, and to it.
    pub received_bytes: u64,
    pub sent_bytes: u64,
    pub refused: Vec<BorderRefused>,
    /// When its certificate ends; null: not known.
    #[schema(required)]
    pub certificate_expires_at: Option<Time>,
    /// When the setting `border` was changed last that it goes by; null: it goes by its own configuration alone.
    #[schema(required)]
    pub policy_changed_at: Option<Time>,
    pub media: BorderMedia,
    /// What the path of the tunnel carries in one packet, bytes of UDP, the lesser of both ways; null: not known.
    #[schema(required)]
    pub mtu_bytes: Option<u16>,
    /// What it would have to carry so that no media goes in two halves.
    pub mtu_wanted_bytes: u16,
    /// The networks from which most connections came in the last ten to twenty minutes, those first.
    pub sources: Vec<BorderSource>,
}

/// A network from which connections came.
#[derive(Debug, Serialize, ToSchema)]
pub struct BorderSource {
    /// An IPv4 address, or the first 64 bits of IPv6 addresses: as `deny` of the setting `border` takes it.
    pub network: String,
    /// At least so many.
    pub connections: u64,
    /// Of those, at least.
    pub refused: u64,
}

/// What a Border Controller counted of media by UDP since it started.
#[derive(Debug, Serialize, ToSchema)]
pub struct BorderMedia {
    /// Clients whose media flow at this moment; each has one or two.
    pub flows: u64,
    /// From outside, and to it.
    pub received_bytes: u64,
    pub sent_bytes: u64,
    /// Datagrams from outside that went nowhere.
    pub dropped: Vec<BorderRefused>,
}

/// Connections from outside, or requests, that were refused for one reason.
#[derive(Debug, Serialize, ToSchema)]
pub struct BorderRefused {
    /// A stable word, like `too_fast`.
    pub reason: String,
    pub count: u64,
}

fn refused(all: Vec<(String, u64)>) -> Vec<BorderRefused> {
    all.into_iter()
        .map(|(reason, count)| BorderRefused { reason, count })
        .collect()
}

/// A Border Controller that is to be enrolled.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBorderController {
    /// Of the controller; of one that was invited before and has not come, the token is made anew.
    #[schema(min_length = 1, max_length = 63)]
    pub name: String,
    /// `host:port` at which nodes reach its tunnel port.
    #[schema(min_length = 3, max_length = 256)]
    pub address: String,
    /// Seconds that the token is good for; 1 minute to 7 days; one hour if missing.
    #[schema(minimum = 60, maximum = 604800)]
    pub ttl_s: Option<u64>,
}

impl BorderControllers {
    pub(crate) fn of(all: Vec<ControllerSeen>, refused_here: Vec<(String, u64)>) -> Self {
        Self {
            items: all.into_iter().map(BorderController::from).collect(),
            refused: refused(refused_here),
        }
    }
}

impl From<ControllerSeen> for BorderController {
    fn from(ControllerSeen { controller, tunnel }: ControllerSeen) -> Self {
        let (stage, token_expires_at) = match controller.stage {
            Stage::Invited { expires_at, .. } => (BorderControllerStage::Invited, Some(Time(expires_at))),
            // Those that were removed are not listed.
            Stage::Enrolled | Stage::Removed => (BorderControllerStage::Enrolled, None),
        };
        Self {
            name: controller.name.to_string(),
            address: controller.address,
            stage,
            since: Time(controller.since),
            token_expires_at,
            tunnel: tunnel.into(),
        }
    }
}

impl From<TunnelSeen> for BorderTunnel {
    fn from(tunnel: TunnelSeen) -> Self {
        Self {
            up_since: tunnel.up.map(Time),
            trouble: Some(tunnel.trouble).filter(|text| !text.is_empty()),
            version: tunnel.version,
            tunnels: tunnel.tunnels,
            flows: tunnel.flows,
            flows_begun: tunnel.flows_begun,
            received_bytes: tunnel.received_bytes,
            sent_bytes: tunnel.sent_bytes,
            refused: refused(tunnel.refused),
            certificate_expires_at: tunnel.certificate_expires.map(Time),
            policy_changed_at: tunnel.policy.map(Time),
            media: BorderMedia {
                flows: tunnel.media.flows,
                received_bytes: tunnel.media.received_bytes,
                sent_bytes: tunnel.media.sent_bytes,
                dropped: refused(tunnel.media.dropped),
            },
            mtu_bytes: tunnel.mtu,
            mtu_wanted_bytes: tunnel.mtu_wanted,
            sources: tunnel.sources.into_iter().map(BorderSource::from).collect(),
        }
    }
}

impl From<SourceSeen> for BorderSource {
    fn from(seen: SourceSeen) -> Self {
        Self {
            network: seen.network,
            connections: seen.connections,
            refused: seen.refused,
        }
    }
}
