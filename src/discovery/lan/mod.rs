//! Local service discovery (BEP 14): peers of the same network find each other without any server.

mod run;

pub use self::run::run;
