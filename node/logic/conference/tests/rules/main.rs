//! The rules over conferences in memory.

mod away;
mod calls;
mod chat;
mod consent;
mod federated;
mod gate;
mod group_calls;
mod guests;
mod history;
mod ids;
mod invitations;
mod lifecycle;
mod limits;
mod meetings;
mod moderation;
mod podium;
mod presence;
mod property;
mod registration;
mod rights;
mod rings;
mod schedules;
mod strangers;
mod templates;
mod world;
