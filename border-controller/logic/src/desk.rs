//! Which node takes a connection from outside.

use crate::{HostName, Refused};
use plenary_model::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// A kind of connection that goes through a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Browsers and programs: TLS that ends at the node.
    Web,
    /// Servers of other enterprises: TLS that ends at the node.
    Federation,
    /// Media by TCP: nodes offer it by the names of their sessions.
    Media,
}

impl Service {
    pub const ALL: [Self; 3] = [Self::Web, Self::Federation, Self::Media];

    /// A stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Federation => "federation",
            Self::Media => "media",
        }
    }
}

/// What a node says that it takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offer {
    pub names: BTreeMap<Service, BTreeSet<HostName>>,
    /// It takes nothing new while others can.
    pub drains: bool,
    /// Connections that it bears through one tunnel.
    pub most: usize,
}

impl Offer {
    /// Names of one service that are taken at most; more are left out.
    pub const NAMES: usize = 64;

    fn has(&self, service: Service, name: &HostName) -> bool {
        self.names.get(&service).is_some_and(|names| names.contains(name))
    }
}

/// A tunnel, in the order in which they came up. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TunnelId(pub u64);

#[derive(Debug, Clone)]
struct Tunnel {
    node: NodeId,
    offer: Offer,
    flows: usize,
    /// It did not answer; others come first until it does.
    silent: bool,
}

/// All tunnels that are up, and how busy they are.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    tunnels: BTreeMap<TunnelId, Tunnel>,
}

impl Desk {
    /// A tunnel came up; it takes nothing until it makes an offer.
    pub fn up(&mut self, id: TunnelId, node: NodeId) {
        let tunnel = Tunnel {
            node,
            offer: Offer::default(),
            flows: 0,
            silent: false,
        };
        self.tunnels.insert(id, tunnel);
    }

    pub fn down(&mut self, id: TunnelId) {
        self.tunnels.remove(&id);
    }

    /// The last word of a node counts.
    pub fn offer(&mut self, id: TunnelId, offer: Offer) {
        if let Some(tunnel) = self.tunnels.get_mut(&id) {
            tunnel.offer = offer;
        }
    }

    /// Whether a tunnel answered what was given to it.
    pub fn heard(&mut self, id: TunnelId, answered: bool) {
        if let Some(tunnel) = self.tunnels.get_mut(&id) {
            tunnel.silent = !answered;
        }
    }

    /// Gives a connection to the tunnel that is the least busy of those that offer its name; one that did not answer the
    /// last time, and one whose node drains, only where there is no other. `tried` are left out.
    ///
    /// Whoever gets an ID gives it back with [`Desk::ended`].
    ///
    /// # Errors
    /// [`Refused::UnknownName`] where nothing offers it, else [`Refused::NoNode`].
    pub fn choose(
        &mut self,
        service: Service,
        name: &HostName,
        tried: &BTreeSet<TunnelId>,
    ) -> Result<TunnelId, Refused> {
        if self.tunnels.is_empty() {
            return Err(Refused::NoNode);
        }
        let mut offering = self
            .tunnels
            .iter_mut()
            .filter(|(_, tunnel)| tunnel.offer.has(service, name))
            .peekable();
        if offering.peek().is_none() {
            return Err(Refused::UnknownName);
        }
        let best = offering
            .filter(|(id, tunnel)| !tried.contains(id) && tunnel.flows < tunnel.offer.most)
            .min_by_key(|(id, tunnel)| (tunnel.silent, tunnel.offer.drains, tunnel.flows, **id));
        let (id, tunnel) = best.ok_or(Refused::NoNode)?;
        tunnel.flows += 1;
        Ok(*id)
    }

    /// A connection that [`Desk::choose`] gave away has ended, or never began.
    pub fn ended(&mut self, id: TunnelId) {
        if let Some(tunnel) = self.tunnels.get_mut(&id) {
            tunnel.flows = tunnel.flows.saturating_sub(1);
        }
    }

    /// Tunnels that are up.
    pub fn tunnels(&self) -> usize {
        self.tunnels.len()
    }

    /// Nodes with a tunnel.
    pub fn nodes(&self) -> BTreeSet<NodeId> {
        self.tunnels.values().map(|tunnel| tunnel.node).collect()
    }

    /// Connections at this moment.
    pub fn flows(&self) -> usize {
        self.tunnels.values().map(|tunnel| tunnel.flows).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn meet() -> HostName {
        "meet.example.com".parse().expect("good")
    }

    fn offer(drains: bool, most: usize) -> Offer {
        Offer {
            names: BTreeMap::from([(Service::Web, BTreeSet::from([meet()]))]),
            drains,
            most,
        }
    }

    fn desk(offers: &[Offer]) -> Desk {
        let mut desk = Desk::default();
        for (offer, id) in offers.iter().zip(1..) {
            desk.up(TunnelId(id), NodeId(id));
            desk.offer(TunnelId(id), offer.clone());
        }
        desk
    }

    fn next(desk: &mut Desk) -> Result<u64, Refused> {
        desk.choose(Service::Web, &meet(), &BTreeSet::new())
            .map(|id| id.0)
    }

    #[test]
    fn connections_are_spread_and_go_elsewhere_when_a_tunnel_is_gone() {
        let mut desk = desk(&[offer(false, 9), offer(false, 9)]);
        assert_eq!(
            [next(&mut desk), next(&mut desk), next(&mut desk)],
            [Ok(1), Ok(2), Ok(1)]
        );
        desk.ended(TunnelId(1));
        desk.ended(TunnelId(1));
        assert_eq!(next(&mut desk), Ok(1));
        desk.down(TunnelId(1));
        assert_eq!([next(&mut desk), next(&mut desk)], [Ok(2), Ok(2)]);
        desk.down(TunnelId(2));
        assert_eq!(next(&mut desk), Err(Refused::NoNode));
    }

    #[test]
    fn who_is_silent_or_drains_comes_last() {
        let mut desk = desk(&[offer(false, 9), offer(true, 9), offer(false, 9)]);
        desk.heard(TunnelId(1), false);
        assert_eq!([next(&mut desk), next(&mut desk)], [Ok(3), Ok(3)]);
        let tried = BTreeSet::from([TunnelId(3)]);
        assert_eq!(desk.choose(Service::Web, &meet(), &tried), Ok(TunnelId(2)));
        desk.down(TunnelId(2));
        assert_eq!(desk.choose(Service::Web, &meet(), &tried), Ok(TunnelId(1)));
        desk.heard(TunnelId(1), true);
        assert_eq!(next(&mut desk), Ok(1));
    }

    #[test]
    fn only_what_is_offered_is_passed_on() {
        let mut desk = desk(&[offer(false, 1)]);
        let other = "admin.example.com".parse().expect("good");
        let none = BTreeSet::new();
        assert_eq!(
            desk.choose(Service::Web, &other, &none),
            Err(Refused::UnknownName)
        );
        assert_eq!(
            desk.choose(Service::Federation, &meet(), &none),
            Err(Refused::UnknownName)
        );
        assert_eq!(next(&mut desk), Ok(1));
        assert_eq!(next(&mut desk), Err(Refused::NoNode), "it bears one");
        desk.up(TunnelId(2), NodeId(2));
        assert_eq!(next(&mut desk), Err(Refused::NoNode), "the other made no offer");
    }

    proptest! {
        #[test]
        fn no_tunnel_has_more_than_it_bears_and_all_come_back(acts in vec((0_u8..5, 1_u64..4), 0..200)) {
            let mut desk = desk(&[offer(false, 3), offer(false, 2), offer(true, 1)]);
            let mut open: Vec<TunnelId> = Vec::new();
            for (act, which) in acts {
                match act {
                    0..=1 => open.extend(desk.choose(Service::Web, &meet(), &BTreeSet::new())),
                    2 => if let Some(id) = open.pop() { desk.ended(id) },
                    3 => desk.heard(TunnelId(which), which % 2 == 0),
                    _ => {
                        desk.down(TunnelId(which));
                        open.retain(|id| *id != TunnelId(which));
                    }
                }
                prop_assert_eq!(desk.flows(), open.len());
                for (id, tunnel) in &desk.tunnels {
                    prop_assert!(tunnel.flows <= tunnel.offer.most, "{:?}", id);
                }
            }
        }
    }
}
