//! What people do at the chat without saying anything, from node to node: nobody waits for it, and no log has it.

use crate::server::Server;
use plenary_cluster_io::Roster as _;
use plenary_contracts::cluster::v1::{MurmurRequest, ReadMark, cluster_client::ClusterClient};
use plenary_meeting_io::Murmur;
use plenary_model::Cid;
use plenary_signalling::meeting::ParticipantId;
use std::{collections::BTreeSet, time::Duration};

/// What is older than that is told again soon.
const WITHIN: Duration = Duration::from_secs(1);

/// Tells those nodes.
pub(super) fn tell(server: &Server, room: &Cid, to: &BTreeSet<String>, murmur: Murmur) {
    let request = MurmurRequest {
        conference: room.to_string(),
        writing: murmur.writing.into_iter().map(|id| id.0).collect(),
        read: murmur
            .read
            .into_iter()
            .map(|(participant, line)| ReadMark {
                participant: participant.0,
                line,
            })
            .collect(),
    };
    for (_, name, channel) in server.others() {
        if !to.contains(name.as_str()) {
            continue;
        }
        let request = request.clone();
        tokio::spawn(async move {
            let mut client = ClusterClient::new(channel);
            let told = client.murmur(request);
            // A node of before does not know it, and one that is lost needs not.
            drop(tokio::time::timeout(WITHIN, told).await);
        });
    }
}

/// Another node tells of its people.
pub(crate) fn hear(server: &Server, request: MurmurRequest) {
    let (Some(hub), Ok(room)) = (server.meetings.get(), request.conference.parse::<Cid>()) else {
        return;
    };
    let read = request.read.into_iter();
    let murmur = Murmur {
        writing: request.writing.into_iter().map(ParticipantId).collect(),
        read: read
            .map(|mark| (ParticipantId(mark.participant), mark.line))
            .collect(),
    };
    hub.hear_murmur(&room, murmur);
}
