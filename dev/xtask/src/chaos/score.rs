//! What was done, in figures.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use comfy_table::{Cell, CellAlignment, Table, presets};
use parking_lot::Mutex;

/// Counts by name.
#[derive(Default)]
pub struct Score {
    counts: Mutex<BTreeMap<&'static str, u64>>,
    wrong: Mutex<Vec<String>>,
    failed: AtomicBool,
}

impl Score {
    /// One more.
    pub fn count(&self, what: &'static str) {
        *self.counts.lock().entry(what).or_default() += 1;
    }

    /// Sets a figure.
    pub fn set(&self, what: &'static str, count: usize) {
        self.counts.lock().insert(what, count as u64);
    }

    /// How many.
    pub fn of(&self, what: &'static str) -> u64 {
        self.counts.lock().get(what).copied().unwrap_or_default()
    }

    /// Something that must not be was seen on the way.
    pub fn wrong(&self, what: impl Into<String>) {
        self.failed.store(true, Ordering::Relaxed);
        self.wrong.lock().push(what.into());
    }

    /// All of that.
    pub fn all_wrong(&self) -> Vec<String> {
        self.wrong.lock().clone()
    }

    /// Whether there was any.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Everything, as a table.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        for (what, count) in &*self.counts.lock() {
            let count = Cell::new(count).set_alignment(CellAlignment::Right);
            table.add_row(vec![Cell::new(format!("   {what}")), count]);
        }
        table.to_string()
    }
}
