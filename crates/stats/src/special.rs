//! Special functions: quantiles and tails of distributions, to the precision of a double.

pub(crate) mod beta;
pub(crate) mod gamma;
pub(crate) mod gamma_sum;
mod hypergeometric;
mod normal;
mod root;
pub(crate) mod saddle;

pub use hypergeometric::hypergeometric_at_most;
pub use normal::probit;
