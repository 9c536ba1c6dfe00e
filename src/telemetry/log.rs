//! The log: lines for people, or JSON for collectors.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

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
/// at WARN when it cannot decode them, Secrets too: only its errors are wanted.
const DEFAULT_FILTER: &str = "info,kube_client=error";

/// What is never logged, whatever the filter says: at these levels the crates
/// would print bodies and headers, and with them credentials.
const NEVER: [&str; 4] = [
    "kube_client=error",
    "hyper=info",
    "hyper_util=info",
    "reqwest=info",
];

/// Installs the log of this process. `filter` is the text of `RUST_LOG`.
///
/// # Errors
/// When `filter` cannot be read, or a log is installed already.
pub fn install(format: LogFormat, filter: Option<&str>) -> anyhow::Result<()> {
    let mut filter: EnvFilter = filter.unwrap_or(DEFAULT_FILTER).parse()?;
    for directive in NEVER {
        filter = filter.add_directive(directive.parse()?);
    }
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let installed = match format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("the log cannot be installed: {error}"))
}
