//! Outgoing webhooks by Standard Webhooks 1.0.0: secrets, signatures, messages, and the sender.

#[cfg(feature = "driver")]
pub(crate) mod endpoint;
#[cfg(feature = "driver")]
mod message;
#[cfg(feature = "driver")]
mod schedule;
pub(crate) mod secret;
#[cfg(feature = "driver")]
pub(crate) mod sender;
pub(crate) mod signature;
#[cfg(feature = "driver")]
#[cfg(test)]
mod tests;
