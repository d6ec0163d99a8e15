//! Questions about the stored state. All are functions of one read transaction.

mod address_book;
mod candidates;
mod conferences;
mod digest;
mod directory;
mod directory_link;
mod elsewhere;
mod entries;
mod events;
mod guest_page;
mod history;
mod licensing;
mod meetings;
mod outbox;
mod page;
mod partners;
mod people;
mod presence;
mod registrations;
mod search;
mod server;
mod templates;
mod watchers;

pub use address_book::{address_book, finds, person};
pub use conferences::{
    call, call_from_away, calls, conference, conference_called, conferences, due, is_called_away, rings,
    rings_away, runs_of,
};
pub use digest::digest;
pub use directory::{alias, aliases, group, group_behind, groups, groups_of, resolve, settings};
pub use directory_link::{
    DirectoryPlace, directory, directory_changes, directory_changes_until, directory_entries,
    directory_place, directory_presence,
};
pub use elsewhere::{InView, Meant, in_view, meant};
pub use events::events;
pub use guest_page::{document, guest_page, logo, past_document, past_documents};
pub use history::{calls_of, last_run, old_history, past_run, runs_over, runs_with, visits};
pub use licensing::{
    ProRow, WithoutProRow, desk, figures, lost_seats, needs, needs_pro, nodes_with_seats, orphans, pro_of,
    pro_seats, seats_due, uses_seats, without_pro,
};
pub use meetings::{
    FromPartner, bandwidth, chat, guest, has_lines_before, is_operator, lines, lines_before, lines_of_person,
    may_share, needs_sweep, old_conferences, participant, participant_anywhere, participants_of_node,
    people_of, places_of_person, readable, roster, run, strangers_inside, terms_with,
};
pub use outbox::{Waiting, messages, old_messages, partner_invitation, partner_invitations, waiting};
pub use partners::{federates, partner, partners, standing};
pub use people::{avatar, credentials, names, session, sessions, user, users};
pub use registrations::{Registered, registered, registrant, registrants};
pub use search::{OwnHit, OwnHits, search};
pub use server::{
    Counts, acme, border_controllers, counts, epoch_of, founded, invitation, last_node, nodes, online_by_node,
};
pub use templates::{template, templates};
pub use watchers::{is_watching, named_watchers, removed, shut_out, watchers, watchers_of_node};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The text says what is wrong with the question, for who asked it.
    #[error("{0}")]
    BadQuery(String),
    #[error("the state database failed")]
    Database(#[from] rusqlite::Error),
    #[error("the state cannot be read")]
    State(#[from] plenary_replication::AppError),
}

/// What a query gives.
type Found<T> = Result<T, QueryError>;
