//! Foreign bytes for what reads messages of a tunnel; for fuzzers (`cluster-tests/fuzz`). Nothing here does anything but return.

use crate::wire::{self, WireError};
use plenary_border::Offer;
use plenary_contracts::border::v1 as proto;
use prost::Message;

/// Foreign bytes as each message that one end of a tunnel says to the other. Whoever is at the other end has a certificate; what
/// it says is bounded all the same, as the machine in the DMZ is the one that is taken over first.
///
/// # Panics
/// Where what is written is read as something else, or more is taken than there may be.
pub fn fuzz_messages(bytes: &[u8]) {
    if let Some(proto::FromNode {
        what: Some(proto::from_node::What::Announcement(said)),
    }) = there_and_back(bytes)
    {
        offer(&said);
    }
    if let Some(said) = there_and_back::<proto::Announcement>(bytes) {
        offer(&said);
    }
    there_and_back::<proto::FromController>(bytes);
    there_and_back::<proto::EnrolProof>(bytes);
    there_and_back::<proto::Enrolment>(bytes);
    there_and_back::<proto::MediaFromNode>(bytes);
    if let Some(place) = there_and_back::<proto::MediaPlace>(bytes)
        && let Ok(reached) = wire::read_place(&place)
    {
        assert!(reached.udp.len() <= wire::ADDRESSES && reached.tcp.len() <= wire::ADDRESSES);
        let again = wire::place(&reached, place.flows as usize);
        assert_eq!(again.flows, place.flows);
        assert!(wire::read_place(&again).is_ok_and(|again| again == reached));
    }
    if let Some(flow) = there_and_back::<proto::Flow>(bytes)
        && let Ok((service, client)) = wire::read_flow(&flow)
    {
        let again = wire::flow(service, client);
        assert!(
            again.encoded_len() <= wire::FLOW,
            "it is read within so many bytes"
        );
        assert!(wire::read_flow(&again).is_ok_and(|again| again == (service, client)));
    }
}

/// The message that these bytes are, once it was written and read again.
fn there_and_back<M: Message + Default + PartialEq>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    match wire::framed(&message) {
        Ok(framed) => {
            let written = framed.get(2..).unwrap_or_default();
            assert!(M::decode(written).is_ok_and(|again| again == message));
        }
        Err(error) => assert!(matches!(error, WireError::TooLong { bytes } if bytes > wire::LONGEST)),
    }
    Some(message)
}

fn offer(said: &proto::Announcement) {
    let offer = wire::read_announcement(said);
    assert!(offer.names.values().all(|names| names.len() <= Offer::NAMES));
    assert_eq!(wire::read_announcement(&wire::announcement("", &offer)), offer);
}
