//! How often something may happen.

use std::time::Duration;

use tokio::time::Instant;

/// A bucket of permits that fills up again at a steady rate.
#[derive(Debug)]
pub(crate) struct Rate {
    burst: f64,
    per_second: f64,
    permits: f64,
    as_of: Instant,
}

impl Rate {
    /// `burst` at once, then `per_second`.
    pub(crate) fn new(now: Instant, burst: u32, per_second: u32) -> Self {
        let burst = f64::from(burst);
        Self {
            burst,
            per_second: f64::from(per_second),
            permits: burst,
            as_of: now,
        }
    }

    /// Takes a permit, if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let passed: Duration = now.saturating_duration_since(self.as_of);
        self.permits = self
            .burst
            .min(self.permits + passed.as_secs_f64() * self.per_second);
        self.as_of = now;
        if self.permits < 1.0 {
            return false;
        }
        self.permits -= 1.0;
        true
    }

    /// Puts a permit back.
    pub(crate) fn give_back(&mut self) {
        self.permits = self.burst.min(self.permits + 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_run_out_and_come_back() {
        let start = Instant::now();
        let mut rate = Rate::new(start, 3, 2);
        assert_eq!(
            [(); 4].map(|()| rate.take(start)),
            [true, true, true, false]
        );
        assert!(!rate.take(start + Duration::from_millis(499)));
        assert!(rate.take(start + Duration::from_millis(500)));
        assert!(!rate.take(start + Duration::from_millis(500)));
        rate.give_back();
        assert!(rate.take(start + Duration::from_millis(500)));
        let later = start + Duration::from_secs(60);
        assert_eq!(
            [(); 4].map(|()| rate.take(later)),
            [true, true, true, false]
        );
    }
}
