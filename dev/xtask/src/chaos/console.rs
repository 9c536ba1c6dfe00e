//! What people do in OMS's console: they pause, fail, release and remove projects behind the operator's back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_simulator::Oms;
use parking_lot::Mutex;

/// What was done there, and to which project.
#[derive(Default)]
pub struct Console {
    planted: Mutex<BTreeMap<String, String>>,
    removed: Mutex<BTreeMap<String, Timestamp>>,
    released: Mutex<BTreeMap<String, Timestamp>>,
}

impl Console {
    /// Makes a project.
    pub fn plant(&self, oms: &Oms, name: &str, status: &str) {
        let id = oms.insert_project(name, status, Oms::example_body(name));
        self.planted.lock().insert(id, name.to_owned());
    }

    /// Takes one away. False when it is not there.
    pub fn remove(&self, oms: &Oms, id: &str) -> bool {
        // Noted first: whoever sees it gone finds the reason. And only once: the second time is in vain.
        let mut removed = self.removed.lock();
        if removed.contains_key(id) {
            return false;
        }
        removed.insert(id.to_owned(), Timestamp::now());
        drop(removed);
        let done = oms.remove(id).is_ok();
        if !done {
            self.removed.lock().remove(id);
        }
        done
    }

    /// Puts one into a status. False when it is not there.
    pub fn set(&self, oms: &Oms, id: &str, status: &str) -> bool {
        if status == "RELEASED" {
            self.released.lock().insert(id.to_owned(), Timestamp::now());
        }
        oms.set_status(id, status).is_ok()
    }

    /// When it was removed here.
    pub fn removed(&self, id: &str) -> Option<Timestamp> {
        self.removed.lock().get(id).copied()
    }

    /// Whether it was released here.
    pub fn has_released(&self, id: &str) -> bool {
        self.released.lock().contains_key(id)
    }

    /// Whether it was made here.
    pub fn has_planted(&self, id: &str) -> bool {
        self.planted.lock().contains_key(id)
    }
}

#[cfg(test)]
mod tests {
    use oms_simulator::Config;

    use super::*;

    #[test]
    fn what_is_removed_twice_was_removed() {
        let (oms, console) = (Oms::new(Config::default()), Console::default());
        let id = oms.insert_project("orders", "RUNNING", Oms::example_body("orders"));
        assert!(console.remove(&oms, &id));
        assert!(!console.remove(&oms, &id));
        assert!(console.removed(&id).is_some());
        assert!(!console.remove(&oms, "np_of_nobody"));
        assert_eq!(console.removed("np_of_nobody"), None);
    }
}
