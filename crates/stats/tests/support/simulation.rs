//! Simulated samples; equal seeds give equal samples.

use cloudauth_stats::Draws;

/// The number of samples that a test draws: 2,000, or the number in `CLOUDAUTH_DRAWS`.
pub(crate) fn draws() -> u32 {
    std::env::var("CLOUDAUTH_DRAWS").map_or(2000, |draws| draws.parse().unwrap())
}

/// Random numbers of several distributions.
pub(crate) struct Simulation(Draws);

impl Simulation {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Draws::new(seed))
    }

    /// Draws a number strictly between 0 and 1.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.0.bits() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0.below(n)
    }

    /// Draws a standard normal number (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.unit(), self.unit());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    /// Draws the number of successes in `n` independent attempts, by the gaps between successes.
    pub(crate) fn binomial(&mut self, n: u64, p: f64) -> u64 {
        if p <= 0.0 || n == 0 {
            return 0;
        }
        if p > 0.5 {
            return n - self.binomial(n, 1.0 - p);
        }
        let (mut at, mut count) = (0.0, 0);
        loop {
            at += (self.unit().ln() / (-p).ln_1p()).floor() + 1.0;
            if at > n as f64 {
                return count;
            }
            count += 1;
        }
    }

    /// Draws the number of each of several exclusive outcomes in `n` attempts; the other attempts have none of them.
    pub(crate) fn multinomial<const K: usize>(&mut self, n: u64, shares: [f64; K]) -> [u64; K] {
        let (mut left, mut rest) = (n, 1.0);
        shares.map(|share| {
            let count = self.binomial(left, (share / rest).min(1.0));
            left -= count;
            rest -= share;
            count
        })
    }
}
