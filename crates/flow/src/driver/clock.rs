//! The clock of a flow: the system's clock, guarded by one that cannot jump.

use std::fmt;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use cloudauth_protocol::UnixTime;

/// The sources of time and randomness of a flow. Simulations replace them.
#[derive(Clone, Copy, Debug)]
pub struct ClockAndRandom {
    /// The wall clock.
    pub wall: fn() -> UnixTime,
    /// A clock that never jumps, from any origin.
    pub steady: fn() -> Duration,
    /// Fills the bytes at random, and returns whether it did.
    pub random: fn(&mut [u8]) -> bool,
}

impl Default for ClockAndRandom {
    fn default() -> Self {
        static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
        Self {
            wall: || SystemTime::now().into(),
            steady: || ORIGIN.elapsed(),
            random: |bytes| getrandom::fill(bytes).is_ok(),
        }
    }
}

/// The error of a wall clock that jumped, or that differs from the clock of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockJump {
    by: Duration,
    ahead: bool,
    of_store: bool,
}

impl ClockJump {
    /// Returns by how much the clock jumped or differs.
    #[must_use]
    pub const fn by(&self) -> Duration {
        self.by
    }

    /// Whether it jumped ahead, or is ahead of the store's clock.
    #[must_use]
    pub const fn is_ahead(&self) -> bool {
        self.ahead
    }
}

impl fmt::Display for ClockJump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.by.as_secs();
        match (self.of_store, self.ahead) {
            (true, true) => {
                write!(f, "the system's clock is ahead of the store's by {seconds} s: set it right")
            }
            (true, false) => {
                write!(f, "the system's clock is behind the store's by {seconds} s: set it right")
            }
            (false, ahead) => {
                let way = if ahead { "ahead" } else { "back" };
                write!(f, "the system's clock jumped {way} by {seconds} s: set it right, or restart")
            }
        }
    }
}

impl std::error::Error for ClockJump {}

/// A wall clock with a guard.
#[derive(Debug)]
pub(crate) struct Clock {
    inputs: ClockAndRandom,
    tolerance: Duration,
    /// A moment at which both clocks were read, and agreed with the moments before.
    anchor: Mutex<(UnixTime, Duration)>,
    /// When the steady clock showed the last successful comparison with the store's clock.
    compared: Mutex<Option<Duration>>,
}

/// The time after which the clock is compared with the store's again.
const COMPARE_EVERY: Duration = Duration::from_secs(10);

/// Both clocks at one moment.
pub(crate) struct Read {
    wall: UnixTime,
    steady: Duration,
    /// What the wall clock should show.
    expected: UnixTime,
}

impl Clock {
    pub(crate) fn new(inputs: ClockAndRandom, tolerance: Duration) -> Self {
        let anchor = Mutex::new(((inputs.wall)(), (inputs.steady)()));
        Self { inputs, tolerance, anchor, compared: Mutex::default() }
    }

    /// Returns the time. After a jump: what the clock would show without it.
    pub(crate) fn now(&self) -> UnixTime {
        let read = self.read();
        if self.jump(&read).is_some() { read.expected } else { read.wall }
    }

    /// Returns the time, unless the clock has jumped since the last check.
    pub(crate) fn check(&self) -> Result<UnixTime, ClockJump> {
        let read = self.read();
        if let Some(jump) = self.jump(&read) {
            return Err(jump);
        }
        // Small steps and drift do not add up.
        *self.anchor() = (read.wall, read.steady);
        Ok(read.wall)
    }

    /// Accepts the wall clock as it is, and compares it with the store's soon.
    pub(crate) fn trust(&self) {
        self.accept(&self.read());
        *self.compared() = None;
    }

    /// Accepts a reading of the wall clock, and returns it.
    pub(crate) fn accept(&self, read: &Read) -> UnixTime {
        *self.anchor() = (read.wall, read.steady);
        read.wall
    }

    /// Whether the clock must be compared with the store's.
    pub(crate) fn is_comparison_due(&self) -> bool {
        let steady = self.steady();
        self.compared().is_none_or(|last| steady.saturating_sub(last) >= COMPARE_EVERY)
    }

    pub(crate) fn steady(&self) -> Duration {
        (self.inputs.steady)()
    }

    /// Compares the wall clock with the store's, which was read since the steady clock showed `asked`. Returns the reading that it
    /// compared.
    pub(crate) fn compare(&self, shared: UnixTime, asked: Duration) -> Result<Read, ClockJump> {
        let read = self.read();
        // The store may have read its clock at any moment of the query.
        let latest = shared.plus(read.steady.saturating_sub(asked));
        let expected = read.wall.clamp(shared, latest);
        if let Some(jump) = self.jump(&Read { expected, ..read }) {
            return Err(ClockJump { of_store: true, ..jump });
        }
        *self.compared() = Some(read.steady);
        Ok(read)
    }

    pub(crate) fn fill(&self, bytes: &mut [u8]) -> bool {
        (self.inputs.random)(bytes)
    }

    fn read(&self) -> Read {
        let (wall, since) = *self.anchor();
        let steady = self.steady();
        Read { wall: (self.inputs.wall)(), steady, expected: wall.plus(steady.saturating_sub(since)) }
    }

    fn jump(&self, &Read { wall, expected, .. }: &Read) -> Option<ClockJump> {
        let ahead = wall > expected;
        let by = if ahead { wall.since(expected) } else { expected.since(wall) };
        (by > self.tolerance).then_some(ClockJump { by, ahead, of_store: false })
    }

    fn compared(&self) -> MutexGuard<'_, Option<Duration>> {
        self.compared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn anchor(&self) -> MutexGuard<'_, (UnixTime, Duration)> {
        self.anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
