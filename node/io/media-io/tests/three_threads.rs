//! The stories of the other files once more, with rooms spread over three threads.

#![allow(clippy::duplicate_mod, reason = "each of them brings its clients along")]

#[path = "forwarding.rs"]
mod forwarding;
#[path = "nodes.rs"]
mod nodes;
#[path = "partners.rs"]
mod partners;
#[path = "slots.rs"]
mod slots;
