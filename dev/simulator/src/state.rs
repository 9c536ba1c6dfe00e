//! What an OMS remembers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::calls::CallLog;
use crate::clock::{Clock, Now};
use crate::config::{Config, ReplyForm};
use crate::fault::Faults;
use crate::gate::Gates;
use crate::project::{Project, StepError};
use crate::render::View;
use crate::seed::{self, DataSource};

pub(crate) struct State {
    pub projects: Projects,
    pub data_sources: Vec<DataSource>,
    /// Name by id.
    pub labels: BTreeMap<String, String>,
    /// Password by user.
    pub users: BTreeMap<String, String>,
    /// Actions that the server shall not know.
    pub unsupported: BTreeSet<String>,
    pub reply_form: ReplyForm,
    pub faults: Faults,
    /// By the name of a project that is not there yet: the step that is to fail.
    pub failures: BTreeMap<String, (String, Vec<StepError>)>,
    pub gates: Gates,
    pub calls: CallLog,
    /// When this OMS began, by its own clock.
    pub opened: Duration,
    ids: Ids,
}

impl State {
    pub fn new(config: &Config, now: Now) -> Self {
        Self {
            projects: Projects::default(),
            data_sources: seed::data_sources(),
            labels: seed::labels(),
            users: [(config.username.clone(), config.password.clone())].into(),
            unsupported: BTreeSet::new(),
            reply_form: config.reply_form,
            faults: Faults::default(),
            failures: BTreeMap::new(),
            gates: Gates::default(),
            calls: CallLog::default(),
            opened: now.wall,
            ids: Ids {
                seed: config.seed,
                drawn: 0,
            },
        }
    }

    /// `np_` and twelve letters and digits.
    pub fn project_id(&mut self) -> String {
        const ALPHABET: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut bits = self.ids.draw();
        let mut id = String::from("np_");
        for _ in 0..12 {
            id.push(ALPHABET[(bits % 36) as usize].into());
            bits /= 36;
        }
        id
    }

    pub fn request_id(&mut self) -> String {
        format!("{:016X}", self.ids.draw())
    }

    pub fn view<'a>(&'a self, clock: &'a Clock, config: &'a Config, now: Now) -> View<'a> {
        View {
            clock,
            now,
            durations: &config.durations,
            data_sources: &self.data_sources,
            labels: &self.labels,
        }
    }
}

/// Projects in the order in which they were made, and by id.
#[derive(Default)]
pub(crate) struct Projects {
    by_number: BTreeMap<u64, Project>,
    numbers: HashMap<String, u64>,
    last: u64,
}

impl Projects {
    pub fn add(&mut self, project: Project) {
        self.last += 1;
        self.numbers.insert(project.id.clone(), self.last);
        self.by_number.insert(self.last, project);
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut Project> {
        self.by_number.get_mut(self.numbers.get(id)?)
    }

    pub fn get(&self, id: &str) -> Option<&Project> {
        self.by_number.get(self.numbers.get(id)?)
    }

    pub fn remove(&mut self, id: &str) -> Option<Project> {
        self.by_number.remove(&self.numbers.remove(id)?)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Project> {
        self.by_number.values()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Project> {
        self.by_number.values_mut()
    }
}

/// Ids that look random, are unique, and come again from the same seed.
struct Ids {
    seed: u64,
    drawn: u64,
}

impl Ids {
    /// The output function of splitmix64: a bijection, so no two draws of one
    /// seed are the same.
    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        let step = self.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut z = self.seed.wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
