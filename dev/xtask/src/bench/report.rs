//! The figures for people: a table on the screen, the same in `docs/benchmarks.md`.

use std::collections::BTreeMap;

use anyhow::Context;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};

use super::cycles::mebibytes;
use super::dead::SLOW;
use super::oms::{Counts, LOOK, total};
use super::results::{Cycles, DeadOms, Fleet, Mappings, Pair, Results, Stamp, Takeover, Weight};
use super::spread::Spread;
use super::targets;

/// Between these lines of the page stands what is measured.
const BEGIN: &str = "<!-- Written by `cargo xtask bench --write`. -->";
const END: &str = "<!-- End of what is written. -->";

/// What is written beside the page, and is not there before that.
const BESIDE: &str = "![Cost of one project against the number of projects](benchmarks.svg)\n\n\
    A line for each machine that had two sizes or more; that of the first is blue. [The same as JSON](benchmarks.json), with more of it.";

/// One table: its title, the heads of its columns, and its rows.
pub(super) struct Sheet {
    pub title: &'static str,
    pub heads: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// For the screen.
pub fn text(results: &Results) -> String {
    let mut text = machine(results) + "\n";
    for sheet in sheets(results) {
        let mut table = Table::new();
        table
            .load_style(UTF8_HORIZONTAL_ONLY)
            .set_header(&sheet.heads);
        table.add_rows(&sheet.rows);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        text += &format!("\n{}\n{table}\n", sheet.title);
    }
    text
}

/// The page with the figures in their place. Those of the first machine are the page's; others follow.
pub fn page(page: &str, machines: &[Results]) -> anyhow::Result<String> {
    let (before, rest) = page
        .split_once(BEGIN)
        .with_context(|| format!("docs/benchmarks.md lacks the line {BEGIN}"))?;
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("docs/benchmarks.md lacks the line {END}"))?;
    let mut figures = String::new();
    for (index, results) in machines.iter().enumerate() {
        let is_first = index == 0;
        let level = if is_first { "###" } else { "####" };
        if !is_first {
            figures += "\n### On another machine\n\n";
        }
        figures += &format!("{}\n", machine(results));
        for mut sheet in sheets(results) {
            match is_first {
                true => refer(&mut sheet, &machines[1..]),
                // What is missing is told once.
                false => sheet.rows.retain(|row| !is_missing(row)),
            }
            figures += &markdown(level, &sheet);
        }
    }
    Ok(format!(
        "{before}{BEGIN}\n\n{figures}\n{BESIDE}\n\n{END}{after}"
    ))
}

fn is_missing(row: &[String]) -> bool {
    row.iter().any(|cell| cell == targets::NOT_MEASURED)
}

/// Where to look for a target that was measured on other machines alone.
fn refer(sheet: &mut Sheet, others: &[Results]) {
    let others: Vec<Sheet> = others.iter().map(targets::sheet).collect();
    let rows = others.iter().flat_map(|sheet| &sheet.rows);
    for row in sheet.rows.iter_mut().filter(|row| is_missing(row)) {
        if rows
            .clone()
            .any(|other| other[0] == row[0] && !is_missing(other))
        {
            *row.last_mut().expect("a verdict") = targets::ELSEWHERE.to_owned();
        }
    }
}

fn markdown(level: &str, sheet: &Sheet) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = ["---"]
        .into_iter()
        .chain(sheet.heads.iter().skip(1).map(|_| "---:"));
    let rule: Vec<String> = rule.map(str::to_owned).collect();
    let rows = sheet.rows.iter().map(|row| line(row));
    [
        format!("\n{level} {}\n\n", sheet.title),
        line(&sheet.heads),
        line(&rule),
    ]
    .into_iter()
    .chain(rows)
    .collect()
}

fn machine(results: &Results) -> String {
    let machine = &results.machine;
    let processor = match machine.processor.as_str() {
        "" => String::new(),
        processor => format!(" ({processor})"),
    };
    format!(
        "Everything on one machine of {} cores{processor} and {:.0} GiB of memory; Kubernetes {}.",
        machine.cores,
        mebibytes(machine.memory) / 1024.0,
        results.kubernetes
    ) + &stamps(results)
}

/// Which part is of which code.
fn stamps(results: &Results) -> String {
    let mut parts: BTreeMap<&Stamp, Vec<&str>> = BTreeMap::new();
    for (part, stamp) in &results.stamps {
        parts.entry(stamp).or_default().push(part);
    }
    let line = |(stamp, parts): (&Stamp, Vec<&str>)| {
        format!(
            " Of {}, on {}: {}.",
            stamp.code,
            stamp.day,
            parts.join(", ")
        )
    };
    parts.into_iter().map(line).collect()
}

fn sheets(results: &Results) -> Vec<Sheet> {
    let fleets = (!results.fleets.is_empty()).then(|| fleets(&results.fleets));
    let others = [
        results.mappings.as_ref().map(mappings),
        results.dead_oms.as_ref().map(dead_oms),
        results.takeover.as_ref().map(takeover),
        results.cycles.as_ref().and_then(cycles),
    ];
    [targets::sheet(results)]
        .into_iter()
        .chain(fleets)
        .chain(others.into_iter().flatten())
        .collect()
}

fn fleets(fleets: &[Fleet]) -> Sheet {
    let row = |name: &str, figure: &dyn Fn(&Fleet) -> String| {
        let figures = fleets.iter().map(figure);
        std::iter::once(name.to_owned()).chain(figures).collect()
    };
    let each = |fleet: &Fleet, sum: f64| sum / fleet.size as f64;
    let rows: Vec<Vec<String>> = vec![
        row("Memory with no resource (anonymous), MiB", &|f| {
            memory(f.idle)
        }),
        row("Memory at rest (anonymous), MiB", &|f| {
            memory(f.rest.memory)
        }),
        row("Memory at the peak of creating, MiB", &|f| {
            format!("{:.1}", mebibytes(f.creation.peak))
        }),
        row("Anonymous memory at rest, per project, kB", &|f| {
            let grown = f.rest.memory.anonymous.saturating_sub(f.idle.anonymous);
            format!("{:.1}", each(f, grown as f64 / 1000.0))
        }),
        row("All applied / all with an id / all RUNNING, s", &|f| {
            let c = &f.creation;
            format!("{:.1} / {:.1} / {:.1}", c.applied, c.all_ids, c.all_running)
        }),
        row("Apply → id of each, p50 / p99, s", &|f| {
            let id = f.creation.each.id;
            format!("{:.2} / {:.2}", id.p50, id.p99)
        }),
        row("Apply → RUNNING of each, p50 / p99, s", &|f| {
            let running = f.creation.each.running;
            format!("{:.2} / {:.2}", running.p50, running.p99)
        }),
        row(
            "One more, the fleet at rest: → id / → RUNNING, p50, s",
            &|f| {
                let none = "–".to_owned();
                let of = |pair: Pair| format!("{:.2} / {:.2}", pair.id.p50, pair.running.p50);
                f.single.map_or(none, of)
            },
        ),
        row(
            "Kubernetes writes per project until all are RUNNING",
            &|f| format!("{:.2}", each(f, f.creation.writes as f64)),
        ),
        row("… of the resource itself, until it is RUNNING", &|f| {
            or_none(f.creation.writes_until_running.map(|it| format!("{it:.2}")))
        }),
        row("… that changed nothing, of 100 projects", &|f| {
            let idle = f.creation.idle_writes;
            or_none(idle.map(|idle| format!("{:.1}", each(f, idle as f64 * 100.0))))
        }),
        row("… of Events, until all are RUNNING", &|f| {
            format!("{:.2}", each(f, f.creation.events as f64))
        }),
        row("Of 100, caught up by then / older than a minute", &|f| {
            let of = |count: Option<usize>| {
                or_none(count.map(|count| format!("{:.0}", each(f, count as f64 * 100.0))))
            };
            format!("{} / {}", of(f.creation.caught_up), of(f.creation.compared))
        }),
        row("… after that, until at rest (both)", &|f| {
            let more = f.settling.writes + f.settling.events;
            let unsettled = if f.settling.complete {
                ""
            } else {
                " (no rest)"
            };
            format!("{:.2}{unsettled}", each(f, more as f64))
        }),
        row(
            "OMS calls per project until all are RUNNING: look / CreateProject / StartProject / others",
            &|f| {
                let made = Made::of(&f.creation.calls);
                let each = |count| format!("{:.2}", each(f, count as f64));
                [made.looks, made.creates, made.starts, made.others]
                    .map(each)
                    .join(" / ")
            },
        ),
        row("… after that, until at rest", &|f| {
            format!("{:.2}", each(f, own_calls(&f.settling.calls) as f64))
        }),
        row(
            "List calls of sweeps until all are RUNNING / after that",
            &|f| {
                let (first, then) = (lists(&f.creation.calls), lists(&f.settling.calls));
                format!("{first} / {then}")
            },
        ),
        row(
            "CPU per project: the operator / API server and etcd, ms",
            &|f| {
                let (own, theirs) = (f.creation.cpu, f.creation.cpu_kubernetes);
                let each = |sum| each(f, sum * 1000.0);
                format!("{:.2} / {:.2}", each(own), each(theirs))
            },
        ),
        row("At rest: Kubernetes writes", &|f| {
            (f.rest.writes + f.rest.events).to_string()
        }),
        row("At rest: OMS calls a minute", &|f| {
            per_minute(f, total(&f.rest.calls) as f64, 0)
        }),
        row("At rest: CPU a minute, s", &|f| {
            per_minute(f, f.rest.cpu, 2)
        }),
        row(
            "Change in OMS → status, p50 / p99, s (sweep every 30 s)",
            &|f| format!("{:.1} / {:.1}", f.change.delay.p50, f.change.delay.p99),
        ),
        row("Writes per changed project", &|f| {
            let count = f.change.projects.max(1) as f64;
            format!("{:.2}", f.change.writes as f64 / count)
        }),
        row(
            "Restart → ready / all checked, s; from ready on: a changed resource is served / a new one has its id, s",
            &|f| {
                let r = &f.restart;
                let changed = or_none(r.changed.map(|it| format!("{it:.1}")));
                format!(
                    "{:.1} / {:.1}; {changed} / {:.1}",
                    r.ready, r.checked, r.new_id
                )
            },
        ),
        row(
            "Restart: OMS calls / Kubernetes writes, of others / CPU, s",
            &|f| {
                let r = &f.restart;
                let others = or_none(r.others.map(|others| others.to_string()));
                format!(
                    "{} / {}, {others} / {:.2}",
                    total(&r.calls),
                    r.writes,
                    r.cpu
                )
            },
        ),
        row("Restart: memory at the peak / a sweep later, MiB", &|f| {
            let r = &f.restart;
            let later = mebibytes(r.memory.resident);
            format!("{:.1} / {later:.1}", mebibytes(r.peak))
        }),
    ];
    let sizes = fleets.iter().map(|fleet| fleet.size.to_string());
    Sheet {
        title: "A fleet on one OMS",
        heads: std::iter::once("Resources".to_owned())
            .chain(sizes)
            .collect(),
        rows,
    }
}

fn memory(memory: super::proc::Memory) -> String {
    let (resident, anonymous) = (mebibytes(memory.resident), mebibytes(memory.anonymous));
    format!("{resident:.1} ({anonymous:.1})")
}

fn per_minute(fleet: &Fleet, sum: f64, digits: usize) -> String {
    format!("{:.digits$}", sum * 60.0 / fleet.rest.seconds.max(1.0))
}

/// Calls that are made for one project each.
pub(super) fn own_calls(calls: &Counts) -> u64 {
    total(calls) - lists(calls)
}

/// The calls of a creation, but for sweeps.
pub(super) struct Made {
    pub looks: u64,
    pub creates: u64,
    pub starts: u64,
    pub others: u64,
}

impl Made {
    pub fn of(calls: &Counts) -> Made {
        let count = |action| calls.get(action).copied().unwrap_or_default();
        let (looks, creates, starts) = (count(LOOK), count("CreateProject"), count("StartProject"));
        Made {
            looks,
            creates,
            starts,
            others: total(calls) - lists(calls) - looks - creates - starts,
        }
    }
}

fn or_none(figure: Option<String>) -> String {
    figure.unwrap_or_else(|| "–".to_owned())
}

pub(super) fn lists(calls: &Counts) -> u64 {
    calls.get("ListProjects").copied().unwrap_or_default()
}

fn mappings(mappings: &Mappings) -> Sheet {
    let both =
        |figure: &dyn Fn(&Weight) -> String| [figure(&mappings.small), figure(&mappings.large)];
    let rows = [
        ("JSON of one, kB", both(&|w| (w.json / 1000).to_string())),
        (
            "Memory with no resource (anonymous), MiB",
            both(&|w| memory(w.idle)),
        ),
        (
            "… at the peak of creating",
            both(&|w| format!("{:.1}", mebibytes(w.peak))),
        ),
        ("… at rest", both(&|w| memory(w.rest))),
        (
            "… at the peak after a restart",
            both(&|w| format!("{:.1}", mebibytes(w.restart_peak))),
        ),
        (
            "… at rest after the restart",
            both(&|w| memory(w.restart_rest)),
        ),
    ];
    let small = format!("{} small ones", mappings.count);
    let large = format!("{} of {} tables", mappings.count, mappings.tables);
    Sheet {
        title: "Large mappings against small ones",
        heads: vec!["Resources".to_owned(), small, large],
        rows: rows
            .into_iter()
            .map(|(name, both)| [&[name.to_owned()], both.as_slice()].concat())
            .collect(),
    }
}

fn dead_oms(dead: &DeadOms) -> Sheet {
    let row = |name: &str, pair: Option<Pair>| {
        let of = |figure: fn(Pair) -> f64| or_none(pair.map(|it| format!("{:.2}", figure(it))));
        vec![
            name.to_owned(),
            of(|it| it.id.p50),
            of(|it| it.id.p99),
            of(|it| it.running.p50),
            of(|it| it.running.p99),
        ]
    };
    let heads = [
        "Apply → …, s",
        "id, p50",
        "id, p99",
        "RUNNING, p50",
        "RUNNING, p99",
    ];
    Sheet {
        title: "Two healthy OMS beside a slow and a dead one",
        heads: heads.map(str::to_owned).to_vec(),
        rows: vec![
            row(
                &format!(
                    "{} on each of two, beside a third with nothing to do",
                    dead.count
                ),
                dead.beside_idle,
            ),
            row(
                "the same beside a healthy third with as much to do",
                dead.beside_healthy,
            ),
            row(
                &format!("the same beside a third that takes {SLOW:?} for each call"),
                dead.beside_slow,
            ),
            row(
                "the same beside a third that does not answer",
                dead.beside_dead,
            ),
        ],
    }
}

fn takeover(takeover: &Takeover) -> Sheet {
    let row = |name: &str, spread: Spread| {
        let figures = [spread.p50, spread.max].map(|seconds| format!("{seconds:.1}"));
        [&[name.to_owned()], figures.as_slice()].concat()
    };
    Sheet {
        title: "One process after another",
        heads: ["Until a resource applied then has its id, s", "p50", "max"]
            .map(str::to_owned)
            .to_vec(),
        rows: vec![
            row("The one that leads is killed (SIGKILL)", takeover.killed),
            row(
                "The one that leads ends in order (SIGTERM)",
                takeover.stopped,
            ),
        ],
    }
}

fn cycles(cycles: &Cycles) -> Option<Sheet> {
    let all = [&cycles.warm_up[..], &cycles.after].concat();
    let last = all.len().checked_sub(1)?;
    let warm = cycles.warm_up.len();
    let half = warm + cycles.after.len() / 2;
    let mut shown = vec![0, 1, 2, 4, 9, 19, warm, half, last];
    shown.retain(|index| *index <= last);
    shown.sort_unstable();
    shown.dedup();
    let mut rows = vec![vec!["before".to_owned(), memory(cycles.idle)]];
    rows.extend(shown.into_iter().map(|index| {
        let warm = if index < warm { ", warming up" } else { "" };
        vec![format!("{}{warm}", index + 1), memory(all[index])]
    }));
    Some(Sheet {
        title: "Resources that come and go",
        heads: vec![
            format!("After a cycle of {} created and deleted", cycles.count),
            "Memory (anonymous), MiB".to_owned(),
        ],
        rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Results {
        Results {
            fleets: vec![Fleet {
                size: 100,
                ..Fleet::default()
            }],
            mappings: Some(Mappings::default()),
            dead_oms: Some(DeadOms::default()),
            takeover: Some(Takeover::default()),
            stamps: [(
                "a fleet of 100".to_owned(),
                Stamp {
                    code: "commit 1a2b3c4".to_owned(),
                    day: "2026-11-27".to_owned(),
                },
            )]
            .into(),
            cycles: Some(Cycles {
                count: 10,
                warm_up: vec![Default::default(); 2],
                after: vec![Default::default(); 3],
                ..Cycles::default()
            }),
            ..Results::default()
        }
    }

    #[test]
    fn the_figures_replace_what_stood_between_the_lines_and_nothing_else() {
        let old = format!("# Title\n\n{BEGIN}\nstale\n{END}\n\nThe end.\n");
        let new = page(&old, &[some()]).unwrap();
        assert!(new.starts_with(&format!("# Title\n\n{BEGIN}\n")) && !new.contains("stale"));
        assert!(new.ends_with(&format!("{END}\n\nThe end.\n")));
        assert_eq!(page(&new, &[some()]).unwrap(), new);
        assert!(page("no lines", &[some()]).is_err());
    }

    #[test]
    fn another_machine_has_a_place_of_its_own() {
        let new = page(&format!("{BEGIN}\n{END}"), &[some(), some()]).unwrap();
        let (first, other) = new.split_once("\n### On another machine\n").unwrap();
        assert!(first.contains("\n### A fleet on one OMS\n"));
        assert!(other.contains("\n#### A fleet on one OMS\n"));
        assert!(first.contains("| not measured |") && !other.contains("| not measured |"));
    }

    #[test]
    fn the_page_says_what_another_machine_has_measured() {
        let lacks_one = Results {
            takeover: None,
            ..some()
        };
        let alone = page(&format!("{BEGIN}\n{END}"), std::slice::from_ref(&lacks_one)).unwrap();
        let both = page(&format!("{BEGIN}\n{END}"), &[lacks_one, some()]).unwrap();
        assert!(!alone.contains(targets::ELSEWHERE));
        assert_eq!(both.matches(targets::ELSEWHERE).count(), 1);
    }

    #[test]
    fn every_row_has_a_cell_for_every_head() {
        for sheet in sheets(&some()) {
            assert!(sheet.rows.iter().all(|row| row.len() == sheet.heads.len()));
        }
        let text = text(&some());
        assert!(text.contains("A fleet on one OMS"));
        assert!(text.contains(" Of commit 1a2b3c4, on 2026-11-27: a fleet of 100."));
    }
}
