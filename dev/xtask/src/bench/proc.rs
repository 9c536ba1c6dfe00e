//! What a process costs, from /proc: Linux only.

use std::fs;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// In RAM, the pages of the program's own file included.
    pub resident: u64,
    /// Of it, what belongs to the process alone and to no file: heap and stacks.
    pub anonymous: u64,
}

/// The memory that the process has now.
pub fn memory(pid: u32) -> anyhow::Result<Memory> {
    let text = read(pid, "smaps_rollup")?;
    Ok(Memory {
        resident: kilobytes(&text, "Rss:")?,
        anonymous: kilobytes(&text, "Anonymous:")?,
    })
}

/// The most that the process ever had in RAM.
pub fn peak(pid: u32) -> anyhow::Result<u64> {
    kilobytes(&read(pid, "status")?, "VmHWM:")
}

/// The time that all cores together have spent on the process, in user and kernel mode. The kernel counts in
/// hundredths of a second.
pub fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let text = read(pid, "stat")?;
    let ticks = ticks(&text).with_context(|| format!("/proc/{pid}/stat reads {text:?}"))?;
    let second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_secs(ticks) / u32::try_from(second)?)
}

/// Of several processes together.
pub fn cpu_of(pids: &[u32]) -> anyhow::Result<Duration> {
    pids.iter().map(|pid| cpu(*pid)).sum()
}

fn read(pid: u32, file: &str) -> anyhow::Result<String> {
    let path = format!("/proc/{pid}/{file}");
    fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
}

fn kilobytes(text: &str, word: &str) -> anyhow::Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(word));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    Ok(number.with_context(|| format!("/proc does not tell {word}"))? * 1024)
}

/// utime and stime, which follow the name in brackets as the 12th and 13th word.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace().skip(11);
    let user: u64 = words.next()?.parse().ok()?;
    let system: u64 = words.next()?.parse().ok()?;
    Some(user + system)
}

/// The machine, as far as it matters to who compares figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// RAM, in bytes.
    pub memory: u64,
    /// What the processor calls itself; empty where the kernel does not tell.
    pub processor: String,
}

impl Machine {
    /// Whether figures of both may stand side by side. The kernel keeps some of the RAM for itself, and not always
    /// as much.
    pub fn is_like(&self, other: &Machine) -> bool {
        let gibibytes = |machine: &Machine| (machine.memory as f64 / f64::from(1 << 30)).round();
        self.cores == other.cores
            && self.processor == other.processor
            && gibibytes(self) == gibibytes(other)
    }
}

/// This one.
pub fn machine() -> anyhow::Result<Machine> {
    let memory = fs::read_to_string("/proc/meminfo").context("cannot read /proc/meminfo")?;
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    Ok(Machine {
        cores: std::thread::available_parallelism()?.get(),
        memory: kilobytes(&memory, "MemTotal:")?,
        processor: name
            .unwrap_or_default()
            .trim_matches([' ', '\t', ':'])
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_brackets_does_not_move_the_figures() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 5 0 1000 1 1";
        assert_eq!(ticks(stat), Some(300));
    }

    #[test]
    fn some_pages_more_make_no_other_machine() {
        let of = |memory| Machine {
            memory,
            ..Machine::default()
        };
        assert!(of(24 << 30).is_like(&of((24 << 30) + (100 << 20))));
        assert!(!of(24 << 30).is_like(&of(32 << 30)));
    }

    #[test]
    fn this_process_has_memory_and_has_been_at_work() {
        let me = std::process::id();
        let now = memory(me).unwrap();
        assert!(now.anonymous > 0 && now.anonymous <= now.resident);
        assert!(peak(me).unwrap() >= now.anonymous);
        assert!(cpu_of(&[me, me]).unwrap() >= cpu(me).unwrap());
        assert!(machine().unwrap().cores > 0);
    }
}
