//! The log: lines for people, or JSON for collectors.

use anyhow::Context as _;
use clap::ValueEnum;
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged when `RUST_LOG` is not set. kube's client logs whole bodies
/// at WARN when it cannot decode them, Secrets too: only its errors are wanted. kube's
/// runtime says nothing at INFO, but opens a span for each piece of work, around our own.
const DEFAULT_FILTER: &str = "info,kube_client=error,kube_runtime=warn";

/// Crates that would print bodies and headers, and with them credentials: the
/// beginning of their targets, and the most that is ever logged of them.
const NEVER_BEYOND: [(&str, LevelFilter); 4] = [
    ("kube_client", LevelFilter::ERROR),
    ("hyper", LevelFilter::INFO),
    ("reqwest", LevelFilter::INFO),
    ("h2", LevelFilter::INFO),
];

/// Installs the log of this process. `filter` is the text of `RUST_LOG`.
///
/// # Errors
/// When `filter` cannot be read, or a log is installed already.
pub fn install(format: LogFormat, filter: Option<&str>) -> anyhow::Result<()> {
    let filter = wanted(filter.unwrap_or(DEFAULT_FILTER))?;
    // A filter of its own: a more specific directive of the user's would
    // outweigh one that is added to his.
    let bounded = filter_fn(|metadata| is_allowed(metadata.target(), *metadata.level()));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false);
    let registry = tracing_subscriber::registry().with(filter).with(bounded);
    let installed = match format {
        LogFormat::Text => registry.with(lines).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    installed.context("the log cannot be installed")
}

type Filter = Box<dyn Layer<Registry> + Send + Sync>;

/// What this text lets through. One that goes by spans takes a look at each entry to a span, a
/// tenth of what a reconcile of a resource at rest costs: only who asks for that has it.
fn wanted(text: &str) -> anyhow::Result<Filter> {
    let by_spans = text.contains('[');
    let filter: anyhow::Result<Filter> = match by_spans {
        true => text.parse().map(EnvFilter::boxed).map_err(Into::into),
        false => text.parse().map(Targets::boxed).map_err(Into::into),
    };
    filter.context(
        "--log-filter (RUST_LOG) cannot be read; it looks like info or info,oms_operator=debug",
    )
}

fn is_allowed(target: &str, level: tracing::Level) -> bool {
    NEVER_BEYOND
        .iter()
        .filter(|(beginning, _)| target.starts_with(beginning))
        .all(|(_, most)| level <= *most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn a_filter_is_read_or_said_to_be_wrong() {
        for good in [
            DEFAULT_FILTER,
            "debug",
            "off",
            "warn,[reconcile{resource=a}]=trace",
        ] {
            assert!(wanted(good).is_ok(), "{good}");
        }
        for bad in ["info,oms_operator=loud", "[reconcile]=loud"] {
            let error = wanted(bad).err().expect(bad);
            assert!(error.to_string().contains("--log-filter"), "{error:#}");
        }
    }

    #[test]
    fn what_prints_bodies_is_bounded_however_it_is_asked_for() {
        assert!(!is_allowed("kube_client::client", Level::WARN));
        assert!(is_allowed("kube_client::client", Level::ERROR));
        assert!(!is_allowed("hyper_util::client::legacy", Level::TRACE));
        assert!(is_allowed("oms_operator::oms::client", Level::TRACE));
    }
}
