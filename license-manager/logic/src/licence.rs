//! Signed licence files.
