//! The rules over conferences in memory.

mod lifecycle;
mod limits;
mod rights;
mod world;
