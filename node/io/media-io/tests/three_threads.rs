//! The stories of the other files once more, with rooms spread over three threads.

#[path = "forwarding.rs"]
mod forwarding;
#[path = "nodes.rs"]
mod nodes;
#[path = "slots.rs"]
mod slots;
