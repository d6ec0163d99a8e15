//! The rules over a server in memory: one file for each subject.

mod accounts;
mod acme;
mod border;
mod directory;
mod directory_link;
mod guest_page;
mod idempotency;
mod import;
mod nodes;
mod partners;
mod property;
mod sessions;
mod settings;
mod world;
mod zones;
