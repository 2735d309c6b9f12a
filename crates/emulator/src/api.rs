//! The API: `POST /`, its three actions, and the answers.

mod answer;
mod call;
mod delete;
mod describe;
mod fault_injection;
mod init;
mod response;

pub(crate) use call::call;
