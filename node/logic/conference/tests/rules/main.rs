//! The rules over conferences in memory.

mod away;
mod chat;
mod guests;
mod lifecycle;
mod limits;
mod meetings;
mod property;
mod rights;
mod world;
