//! Many runs, on every core.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::run::Outcome;

/// Does every run, and hands on each outcome, one at a time, until `heard` has
/// heard enough.
pub fn each<T: Sync>(
    work: &[T],
    run: impl Fn(&T) -> Outcome + Sync,
    heard: impl FnMut(&T, Outcome) -> bool + Send,
) {
    let (next, heard) = (AtomicUsize::new(0), Mutex::new(heard));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(work.len()) {
            scope.spawn(|| {
                while let Some(one) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = run(one);
                    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                    if !heard(one, outcome) {
                        next.store(work.len(), Ordering::Relaxed);
                    }
                }
            });
        }
    });
}
