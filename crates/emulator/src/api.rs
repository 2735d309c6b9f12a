//! The Cloudauth API at `/`: its three actions, their answers, and injected faults.

mod answer;
mod call;
mod delete;
mod describe;
mod fault_injection;
mod init;
mod response;

pub(crate) use call::call;
