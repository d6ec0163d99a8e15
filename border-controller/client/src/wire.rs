//! Messages on streams, each behind its length (two bytes, big-endian), and what they mean.

use crate::turn::Turn;
use plenary_border::{HostName, Offer, Service};
use plenary_contracts::border::v1 as proto;
use prost::Message;
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The longest message. Lists of who is refused are the longest; they hold a number for each node that was ever removed.
pub const LONGEST: usize = u16::MAX as usize;

/// Why a message was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("the stream has ended")]
    Ended(#[source] std::io::Error),
    #[error("a message cannot be read")]
    Malformed(#[from] prost::DecodeError),
    #[error("a message of {bytes} bytes is longer than allowed")]
    TooLong { bytes: usize },
    #[error("a message is not what it must be: {0}")]
    Unfit(&'static str),
}

/// Reads one message of at most so many bytes. Not to be cancelled: a message half read is lost.
///
/// # Errors
/// [`WireError`].
pub async fn read<M: Message + Default>(
    stream: &mut (impl AsyncRead + Unpin),
    most: usize,
) -> Result<M, WireError> {
    let bytes = usize::from(stream.read_u16().await.map_err(WireError::Ended)?);
    if bytes > most {
        return Err(WireError::TooLong { bytes });
    }
    let mut message = vec![0; bytes];
    stream.read_exact(&mut message).await.map_err(WireError::Ended)?;
    Ok(M::decode(message.as_slice())?)
}

/// Writes one message.
///
/// # Errors
/// [`WireError`].
pub async fn write(stream: &mut (impl AsyncWrite + Unpin), message: &impl Message) -> Result<(), WireError> {
    stream
        .write_all(&framed(message)?)
        .await
        .map_err(WireError::Ended)?;
    stream.flush().await.map_err(WireError::Ended)
}

/// A message behind its length.
///
/// # Errors
/// [`WireError::TooLong`].
pub fn framed(message: &impl Message) -> Result<Vec<u8>, WireError> {
    let bytes = message.encoded_len();
    let length = u16::try_from(bytes).map_err(|_| WireError::TooLong { bytes })?;
    let mut framed = Vec::with_capacity(2 + bytes);
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(&message.encode_to_vec());
    Ok(framed)
}

/// The longest [`proto::Flow`].
pub const FLOW: usize = 64;

pub fn service(service: Service) -> proto::Service {
    match service {
        Service::Web => proto::Service::Web,
        Service::Federation => proto::Service::Federation,
        Service::Media => proto::Service::Media,
    }
}

fn known(service: proto::Service) -> Option<Service> {
    match service {
        proto::Service::Unspecified => None,
        proto::Service::Web => Some(Service::Web),
        proto::Service::Federation => Some(Service::Federation),
        proto::Service::Media => Some(Service::Media),
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

fn read_address(bytes: &[u8], port: u32) -> Result<SocketAddr, WireError> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from).ok();
    let address = v4.or_else(|| <[u8; 16]>::try_from(bytes).map(IpAddr::from).ok());
    let address = address.ok_or(WireError::Unfit("its address is none"))?;
    let port = u16::try_from(port).map_err(|_| WireError::Unfit("its port is none"))?;
    Ok(SocketAddr::new(address.to_canonical(), port))
}

/// What a stream for a client begins with.
pub fn flow(what: Service, from: SocketAddr) -> proto::Flow {
    proto::Flow {
        service: service(what).into(),
        address: octets(from.ip()),
        port: from.port().into(),
    }
}

/// Where a controller is reached for media.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reached {
    pub udp: Vec<SocketAddr>,
    pub tcp: Vec<SocketAddr>,
    pub turn: Option<Turn>,
}

pub fn place(reached: &Reached, flows: usize) -> proto::MediaPlace {
    let written = |addresses: &[SocketAddr]| {
        let addresses = addresses.iter().map(|address| proto::SocketAddress {
            address: octets(address.ip()),
            port: address.port().into(),
        });
        addresses.collect()
    };
    proto::MediaPlace {
        addresses: written(&reached.udp),
        flows: u32::try_from(flows).unwrap_or(u32::MAX),
        tcp: written(&reached.tcp),
        turn: reached.turn.as_ref().map(|turn| proto::Turn {
            name: turn.name.to_string(),
            port: turn.port.into(),
            secret: turn.secret().to_vec(),
        }),
    }
}

/// At most so many addresses of one controller are taken.
pub(crate) const ADDRESSES: usize = 8;

fn read_turn(turn: &proto::Turn) -> Result<Turn, WireError> {
    let name = turn.name.parse();
    let port = u16::try_from(turn.port);
    let secret = <[u8; 32]>::try_from(turn.secret.as_slice());
    match (name, port, secret) {
        (Ok(name), Ok(port), Ok(secret)) => Ok(Turn::new(name, port, secret)),
        _ => Err(WireError::Unfit("its TURN is none")),
    }
}

/// # Errors
/// [`WireError::Unfit`] for addresses that do not exist.
pub fn read_place(place: &proto::MediaPlace) -> Result<Reached, WireError> {
    let read = |addresses: &[proto::SocketAddress]| {
        let addresses = addresses.iter().take(ADDRESSES);
        addresses
            .map(|one| read_address(&one.address, one.port))
            .collect::<Result<_, _>>()
    };
    Ok(Reached {
        udp: read(&place.addresses)?,
        tcp: read(&place.tcp)?,
        turn: place.turn.as_ref().map(read_turn).transpose()?,
    })
}

/// # Errors
/// [`WireError::Unfit`] for services and addresses that do not exist.
pub fn read_flow(flow: &proto::Flow) -> Result<(Service, SocketAddr), WireError> {
    let service = known(flow.service()).ok_or(WireError::Unfit("its service is unknown"))?;
    Ok((service, read_address(&flow.address, flow.port)?))
}

pub fn announcement(version: &str, offer: &Offer) -> proto::Announcement {
    let offers = offer.names.iter().map(|(what, names)| proto::Offer {
        service: service(*what).into(),
        names: names.iter().map(ToString::to_string).collect(),
    });
    proto::Announcement {
        version: version.to_owned(),
        offers: offers.collect(),
        drains: offer.drains,
        flows: u32::try_from(offer.most).unwrap_or(u32::MAX),
    }
}

/// What a node offers. Services that this version does not know, and what is no name, are left out.
pub fn read_announcement(announcement: &proto::Announcement) -> Offer {
    let mut offer = Offer {
        drains: announcement.drains,
        most: announcement.flows as usize,
        ..Offer::default()
    };
    for one in &announcement.offers {
        let Some(service) = known(one.service()) else {
            continue;
        };
        let names = offer.names.entry(service).or_default();
        let good = one.names.iter().filter_map(|name| name.parse::<HostName>().ok());
        let room = Offer::NAMES.saturating_sub(names.len());
        names.extend(good.take(room));
    }
    offer
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[tokio::test]
    async fn messages_come_as_they_went_and_within_bounds() {
        let (mut near, mut far) = tokio::io::duplex(256);
        for text in ["192.0.2.7:5", "[2001:db8::1]:443", "[::ffff:192.0.2.7]:5"] {
            let from: SocketAddr = text.parse().expect("good");
            write(&mut near, &flow(Service::Federation, from))
                .await
                .expect("written");
            let read: proto::Flow = read(&mut far, FLOW).await.expect("read");
            let (service, address) = read_flow(&read).expect("good");
            assert_eq!(
                (service, address.ip()),
                (Service::Federation, from.ip().to_canonical())
            );
        }
        near.write_u16(65).await.expect("written");
        let long = read::<proto::Flow>(&mut far, FLOW).await.expect_err("too long");
        assert!(matches!(long, WireError::TooLong { bytes: 65 }), "{long}");
    }

    #[test]
    fn what_does_not_exist_is_no_flow() {
        let good = flow(Service::Web, ([192, 0, 2, 1], 9).into());
        for bad in [
            proto::Flow {
                service: 77,
                ..good.clone()
            },
            proto::Flow {
                address: vec![1, 2, 3],
                ..good.clone()
            },
            proto::Flow {
                port: 65_536,
                ..good.clone()
            },
        ] {
            read_flow(&bad).expect_err("unfit");
        }
    }

    #[test]
    fn where_media_are_taken_comes_as_it_went() {
        let at: SocketAddr = "[2001:db8::1]:53000".parse().expect("good");
        let name = "turn.example.com".parse().expect("good");
        let reached = Reached {
            udp: vec![at],
            tcp: Vec::new(),
            turn: Some(Turn::new(name, 443, [7; 32])),
        };
        let mut said = place(&reached, 9);
        assert_eq!(read_place(&said).expect("good"), reached);
        if let Some(turn) = &mut said.turn {
            turn.secret.pop();
        }
        read_place(&said).expect_err("half a secret");
    }

    #[test]
    fn offers_come_as_they_went_but_for_what_is_no_name() {
        let names = BTreeSet::from(["meet.example.com".parse().expect("good")]);
        let offer = Offer {
            names: BTreeMap::from([(Service::Web, names)]),
            drains: true,
            most: 7,
        };
        let mut said = announcement("1", &offer);
        assert_eq!(read_announcement(&said), offer);
        said.offers.push(proto::Offer {
            service: 77,
            names: vec!["a.example".into()],
        });
        if let Some(first) = said.offers.first_mut() {
            first.names.push("192.0.2.1".into());
        }
        assert_eq!(read_announcement(&said), offer);
    }

    #[test]
    fn one_service_has_no_more_names_however_often_it_is_offered() {
        let offers = (0..100).map(|part| proto::Offer {
            service: proto::Service::Web.into(),
            names: (0..100).map(|n| format!("{part}-{n}.example.com")).collect(),
        });
        let said = proto::Announcement {
            offers: offers.collect(),
            ..proto::Announcement::default()
        };
        let names = read_announcement(&said).names;
        assert_eq!(names.get(&Service::Web).map(BTreeSet::len), Some(Offer::NAMES));
    }
}
