//! The interface over the real rules and store, in one process.

mod border;
mod calls;
mod conferences;
mod csv;
mod directory;
mod elsewhere;
mod federation;
mod forms;
mod guest_page;
mod guests;
mod history;
mod invitations;
mod licence;
mod lists;
mod moderation;
mod partners;
mod pictures;
mod registration;
mod rights;
mod schedules;
mod server;
mod sign_in;
mod strict;
mod templates;
mod writes;
mod zones;
