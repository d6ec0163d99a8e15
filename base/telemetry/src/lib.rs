//! What operators see of a program: logs, metrics, health.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`LogOptions::start`] | text on a terminal, JSON elsewhere, a file that is turned over at 1 GB |
//! | [`RequestId`] and its layers | one name for a request through all programs that serve it |
//! | [`Metrics`] | Prometheus metrics, with those of the process |
//! | [`Health`] | named checks: is this program alive, and should it get requests |
//! | [`management_router`] | `/metrics`, `/healthz`, `/readyz` |
//! | [`Secret`] | a value that logs never show |
//!
//! Deliberately not here: what the programs measure. Metrics never carry names of users or meetings.

mod health;
mod logs;
mod management;
mod metrics;
mod process;
mod request_id;
mod secret;
mod turnover;

pub use health::{CheckReport, CheckState, Health, HealthReport};
pub use logs::{LogError, LogFormat, LogOptions};
pub use management::{management_router, serve_management};
pub use metrics::{Figures, Metrics, prometheus};
pub use process::{DiskSpace, ProcessFacts, disk_space, resident_memory_bytes};
pub use request_id::{AcceptRequestIds, CarryRequestIds, REQUEST_ID_HEADER, RequestId};
pub use secret::Secret;
pub use turnover::TurnoverFile;
