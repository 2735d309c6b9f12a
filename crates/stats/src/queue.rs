//! The queue in front of a team: how many agents a load needs, and how long work waits (Erlang C, the M/M/c queue).
//!
//! Source: Erlang 1917; in today's notation Gross and Harris, "Fundamentals of Queueing Theory", section 2.3. Work arrives at
//! random times and waits until an agent is free. Peaks and breaks are not in the model, so use the load of a busy hour.

/// The maximum number of agents, which bounds the work.
const MOST_AGENTS: u64 = 10_000_000;

/// The queue of a team.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Queue {
    /// The number of agents.
    pub agents: u64,
    /// The probability that work waits at all.
    pub waits: f64,
    /// The share of the time in which an agent is busy, below 1.
    pub occupancy: f64,
    load: f64,
}

impl Queue {
    /// Returns the queue of `agents` under a load in Erlangs: arrivals in a time, times the handling time in the same unit.
    /// `None` if the load is not a positive number, or not less than the number of agents: the queue would grow without end.
    #[must_use]
    pub fn of(load: f64, agents: u64) -> Option<Self> {
        let is_valid = load > 0.0 && load < agents as f64 && agents <= MOST_AGENTS;
        is_valid.then(|| Self::from_blocking(load, agents, (1..=agents).fold(1.0, |b, n| next(load, b, n))))
    }

    /// Returns the queue of the fewest agents with which at least the share `service` of the work waits at most `wait`. `wait`
    /// is in units of the handling time. `None` if `load` is not a positive number, `wait` is negative or not finite, `service`
    /// is not strictly between 0 and 1, or more than ten million agents would be needed.
    #[must_use]
    pub fn needed(load: f64, wait: f64, service: f64) -> Option<Self> {
        let is_valid = load > 0.0 && wait >= 0.0 && wait.is_finite() && service > 0.0 && service < 1.0;
        if !is_valid || load >= MOST_AGENTS as f64 {
            return None;
        }
        let mut blocking = 1.0;
        for agents in 1..=MOST_AGENTS {
            blocking = next(load, blocking, agents);
            if agents as f64 > load {
                let queue = Self::from_blocking(load, agents, blocking);
                if queue.within(wait) >= service {
                    return Some(queue);
                }
            }
        }
        None
    }

    fn from_blocking(load: f64, agents: u64, blocking: f64) -> Self {
        let occupancy = load / agents as f64;
        Self { agents, waits: blocking / (1.0 - occupancy * (1.0 - blocking)), occupancy, load }
    }

    /// Returns the share of the work that waits at most `wait`, in units of the handling time.
    #[must_use]
    pub fn within(&self, wait: f64) -> f64 {
        1.0 - self.waits * (-(self.agents as f64 - self.load) * wait).exp()
    }

    /// Returns the mean wait, in units of the handling time. Work that does not wait counts as 0.
    #[must_use]
    pub fn mean_wait(&self) -> f64 {
        self.waits / (self.agents as f64 - self.load)
    }
}

/// Erlang B with one more agent: the recurrence is stable, because every term is positive.
fn next(load: f64, blocking: f64, agents: u64) -> f64 {
    let offered = load * blocking;
    offered / (agents as f64 + offered)
}
