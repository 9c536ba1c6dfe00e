//! Follows the projects and shows what changes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};
use oms_harness::Process;
use oms_operator::api::v1alpha1::MigrationProject;

use super::row::Row;
use super::scene::CAST;
use super::{lines, story, table};
use crate::screen::Screen;

/// Short against what people see.
const PERIOD: Duration = Duration::from_millis(300);

/// A cluster may be away for a moment, not for longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The projects of one namespace.
pub struct Projects<'a> {
    api: Api<MigrationProject>,
    screen: &'a Screen,
    shown: BTreeMap<String, Row>,
    answered: Instant,
}

impl<'a> Projects<'a> {
    /// None seen yet.
    pub fn new(client: Client, namespace: &str, screen: &'a Screen) -> Projects<'a> {
        Projects {
            api: Api::namespaced(client, namespace),
            screen,
            shown: BTreeMap::new(),
            answered: Instant::now(),
        }
    }

    /// Shows what changes until every project has come to its end; an error when one has not by the
    /// deadline.
    pub async fn until_the_end(
        &mut self,
        operator: &Process,
        deadline: Duration,
    ) -> anyhow::Result<()> {
        let all = async {
            while !late(&self.shown).is_empty() {
                self.look(operator).await?;
                tokio::time::sleep(PERIOD).await;
            }
            Ok(())
        };
        if let Ok(done) = tokio::time::timeout(deadline, all).await {
            return done;
        }
        bail!(
            "after {} s these have not come to the end that the show expects of them: {}",
            deadline.as_secs(),
            late(&self.shown).join("; ")
        )
    }

    /// Shows what changes, without end; an error when the operator or the cluster is gone.
    pub async fn follow(&mut self, operator: &Process) -> anyhow::Result<()> {
        loop {
            self.look(operator).await?;
            tokio::time::sleep(PERIOD).await;
        }
    }

    async fn look(&mut self, operator: &Process) -> anyhow::Result<()> {
        if let Some(exit) = operator.exit() {
            bail!("the operator has ended by itself ({exit})");
        }
        if self.screen.is_unread() {
            bail!("nobody reads what the demo says any more");
        }
        let list = tokio::time::timeout(PATIENCE, self.api.list(&ListParams::default())).await;
        let now = match list {
            Ok(Ok(now)) => now,
            Ok(Err(_)) if self.answered.elapsed() < PATIENCE => return Ok(()),
            Ok(Err(error)) => return Err(error).context("the API server does not answer"),
            Err(_) => bail!(
                "the API server has not answered for {} s",
                PATIENCE.as_secs()
            ),
        };
        self.answered = Instant::now();
        let rows = now.iter().map(|one| (one.name_any(), Row::of(one)));
        self.show(rows.collect());
        Ok(())
    }

    fn show(&mut self, now: BTreeMap<String, Row>) {
        for (name, row) in &now {
            let before = self.shown.get(name);
            if !self.screen.is_live()
                && let Some(line) = lines::change(before, row)
            {
                self.screen.say(line);
            }
            for remark in story::remarks(before, row) {
                self.screen.say(format_args!("  * {remark}"));
            }
        }
        for name in self.shown.keys().filter(|name| !now.contains_key(*name)) {
            self.screen.say(format_args!(
                "  * {name}: the resource is gone; its project stays in OMS."
            ));
        }
        self.shown = now;
        if self.screen.is_live() {
            let columns = console::Term::stdout().size().1;
            self.screen.draw(table::picture(&self.in_order(), columns));
        }
    }

    /// The cast first, as it is written down; then what a user has added.
    fn in_order(&self) -> Vec<Row> {
        let place = |row: &Row| CAST.iter().position(|role| role.name == row.name);
        let mut rows: Vec<Row> = self.shown.values().cloned().collect();
        rows.sort_by_key(|row| (place(row).unwrap_or(CAST.len()), row.name.clone()));
        rows
    }
}

/// Who has not come to his end, and how he is.
fn late(shown: &BTreeMap<String, Row>) -> Vec<String> {
    let late = CAST.iter().filter_map(|role| match shown.get(role.name) {
        Some(row) if role.end.is_reached(row) => None,
        Some(row) => Some(format!(
            "{} is {} instead of {:?} ({})",
            role.name, row.reason, role.end, row.message
        )),
        None => Some(format!("{} was never seen", role.name)),
    });
    late.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::row::Mark;
    use crate::demo::row::tests::row;
    use crate::demo::scene::End;

    fn at_the_end() -> BTreeMap<String, Row> {
        let rows = CAST.iter().map(|role| {
            let (mark, reason) = match role.end {
                End::CaughtUp => (Mark::Good, "CaughtUp"),
                End::Succeeded => (Mark::Good, "Succeeded"),
                End::PrecheckFailed => (Mark::Bad, "PrecheckFailed"),
            };
            let row = Row {
                mark,
                reason: reason.to_owned(),
                ..row(role.name, serde_json::json!({"projectId": "np_1"}))
            };
            (role.name.to_owned(), row)
        });
        rows.collect()
    }

    #[test]
    fn the_show_ends_when_everybody_has_come_to_his_end_and_not_before() {
        let mut shown = at_the_end();
        assert_eq!(late(&shown), [""; 0]);
        let shop = shown.get_mut("shop").unwrap();
        (shop.mark, shop.reason) = (Mark::Busy, "Running".to_owned());
        shown.remove("billing");
        assert_eq!(
            late(&shown),
            [
                "shop is Running instead of CaughtUp ()",
                "billing was never seen"
            ]
        );
    }

    #[test]
    fn an_end_without_an_id_is_none() {
        let mut shown = at_the_end();
        shown.get_mut("orders").unwrap().id = None;
        assert_eq!(late(&shown).len(), 1);
    }
}
