//! What tests of several packages need: programs that were just built, free ports, waiting for conditions.
//!
//! Only for tests: nothing that runs for people depends on it.

mod ports;
mod postgres;
mod program;
mod wait;
mod zones;

pub use ports::FreePorts;
pub use postgres::Postgres;
pub use program::{Process, program};
pub use wait::eventually;
pub use zones::Zones;
