//! What signalling needs of the server behind it.

use async_trait::async_trait;
use plenary_model::UserName;
use plenary_signalling::{ClientBody, Presence, ServerBody, Topic, Who};
use std::{collections::BTreeSet, net::IpAddr, sync::Arc};
use tokio::sync::{broadcast, mpsc};

/// From where a client speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Unspecified (`0.0.0.0`) if the server does not know it.
    pub address: IpAddr,
    /// It came through a Border Controller: an administrator is none there, and no node is named to it.
    pub from_outside: bool,
    /// What the client calls itself, without control characters and at most 512 characters.
    pub user_agent: String,
}

/// Something that clients may want to hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    /// Something is no longer as it was. To be told after the change can be read.
    Changed {
        topic: Topic,
        /// The ID of the object, empty for "any of them". For `sessions` and `contacts` it is the ID of the user whose
        /// they are.
        object: String,
        /// The index of the log at which it changed.
        index: u64,
    },
    /// Somebody came, went, or was disabled, as seen over all nodes.
    Presence { user: UserName, presence: Presence },
    /// About people of another server, to those who have them in the address book.
    Partner {
        viewers: Arc<BTreeSet<UserName>>,
        news: PartnerNews,
    },
}

/// What is new about people of another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartnerNews {
    /// What somebody does, by name and server; `None` where that is not known any more.
    Presence {
        user: String,
        presence: Option<Presence>,
    },
    /// Who they are is known, or not any more.
    Profiles,
}

/// A client's run, as the meetings of the server see it.
#[derive(Debug, Clone)]
pub struct Client {
    /// Never given twice while the node runs.
    pub run: u64,
    pub who: Who,
    /// From where it is connected now.
    pub address: IpAddr,
    /// As [`Caller::from_outside`].
    pub from_outside: bool,
    /// What the client is told, in this order. Once the run is over nothing is taken.
    pub tell: mpsc::UnboundedSender<ServerBody>,
}

/// The server cannot tell right now.
#[derive(Debug, thiserror::Error)]
#[error("the server cannot tell right now")]
pub struct Unavailable(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The server behind signalling.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// Whose token it is; `None` if it is wrong, expired or revoked, or the account is not active. A token that was
    /// made on another node a moment ago should be found.
    async fn authenticate(&self, token: &str, caller: &Caller) -> Result<Option<Who>, Unavailable>;
    /// As [`Source::authenticate`] for a token that was good before: asked often, so from the local copy.
    async fn still_valid(&self, token: &str, caller: &Caller) -> Result<Option<Who>, Unavailable>;
    /// Whether `user` is in the address book of `viewer`; asked for each change of presence and each viewer.
    async fn in_address_book(&self, viewer: &UserName, user: &UserName) -> Result<bool, Unavailable>;
    /// URLs of the nodes that clients can connect to, this one among them.
    async fn nodes(&self) -> Vec<String>;
    /// The last index of the log that can be read here.
    fn applied(&self) -> u64;
    /// A client asks for something about its meeting. Answers and all that follows go to [`Client::tell`].
    fn request(&self, client: &Client, request: ClientBody);
    /// The client of a run that has asked for something came back from another address, or came from inside and is outside now.
    fn moved(&self, client: &Client);
    /// The run of a client that has asked for something is over.
    fn ended(&self, run: u64);
    /// All notifications from now on. A receiver that falls behind is told, and its client loads anew.
    fn subscribe(&self) -> broadcast::Receiver<Notification>;
}
