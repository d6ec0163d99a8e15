//! What servers of partners and this one tell each other of invitations.

mod inbox;
mod outbox;

pub use inbox::{Delivery, InboxView, PartnerInvitation};
pub use outbox::{Bidding, MESSAGE_MS, Message, Opening, OutboxView, Settled, tell_partners};
pub(crate) use outbox::{at_home, check_room};
