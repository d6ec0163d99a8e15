//! The store over a real database: what is applied, what queries give.

mod address_book;
mod applying;
mod borrowing;
mod calls;
mod chat;
mod conferences;
mod directory;
mod directory_link;
mod elsewhere;
mod events;
mod gate;
mod guest_page;
mod history;
mod home;
mod ids;
mod licensing;
mod lists;
mod meetings;
mod outbox;
mod partners;
mod registration;
mod rings;
mod seats_and_places;
mod sessions;
mod templates;
