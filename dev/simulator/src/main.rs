//! The simulator as a process.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use oms_simulator::{Admin, Casing, Config, ReplyForm, Simulator, Tls, UnknownKeys};
use tracing_subscriber::EnvFilter;

/// An OceanBase Migration Service to talk to. It migrates nothing.
#[derive(Parser)]
#[command(name = "oms-simulator")]
struct Args {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8089", env = "OMS_SIMULATOR_LISTEN")]
    listen: SocketAddr,
    /// The user whose Basic credentials are accepted
    #[arg(long, default_value = "admin", env = "OMS_SIMULATOR_USERNAME")]
    username: String,
    /// That user's password
    #[arg(
        long,
        default_value = "admin-password",
        env = "OMS_SIMULATOR_PASSWORD",
        hide_env_values = true
    )]
    password: String,
    /// How many times as fast as real time projects work
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// How reply keys are written
    #[arg(long, value_enum, default_value_t = CasingArg::Camel)]
    casing: CasingArg,
    /// Accept request keys that nobody documents
    #[arg(long)]
    ignore_unknown_keys: bool,
    /// Serve HTTPS
    #[arg(long)]
    tls: bool,
    /// A further name or address of the certificate
    #[arg(long, requires = "tls")]
    tls_name: Vec<String>,
    /// Write the authority's certificate there
    #[arg(long, requires = "tls")]
    ca_file: Option<PathBuf>,
    /// Open the admin API, which asks for no credentials, to everybody
    #[arg(long)]
    admin_for_everybody: bool,
    /// Give the same ids at every run
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum CasingArg {
    Camel,
    PascalEnvelope,
    Pascal,
    VendorExample,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let args = Args::parse();
    let ca_file = args.ca_file.clone();
    let simulator = Simulator::start(config(args)?).await?;
    if let (Some(path), Some(pem)) = (&ca_file, simulator.ca_pem()) {
        std::fs::write(path, pem).with_context(|| format!("cannot write {}", path.display()))?;
    }
    greet(&simulator);
    tokio::signal::ctrl_c()
        .await
        .context("cannot wait for Ctrl-C")?;
    simulator.stop().await;
    Ok(())
}

fn config(args: Args) -> anyhow::Result<Config> {
    let names: Vec<&str> = args.tls_name.iter().map(String::as_str).collect();
    let defaults = Config::default();
    Ok(Config {
        listen: args.listen,
        username: args.username,
        password: args.password,
        speed: args.speed,
        reply_form: ReplyForm {
            casing: match args.casing {
                CasingArg::Camel => Casing::Camel,
                CasingArg::PascalEnvelope => Casing::PascalEnvelope,
                CasingArg::Pascal => Casing::Pascal,
                CasingArg::VendorExample => Casing::VendorExample,
            },
            ..ReplyForm::default()
        },
        unknown_keys: if args.ignore_unknown_keys {
            UnknownKeys::Ignore
        } else {
            UnknownKeys::Refuse
        },
        tls: args.tls.then(|| Tls::new(&names)).transpose()?,
        admin: if args.admin_for_everybody {
            Admin::Everybody
        } else {
            Admin::Loopback
        },
        seed: args.seed.unwrap_or(defaults.seed),
        ..defaults
    })
}

/// The first line is the URL alone, for scripts.
fn greet(simulator: &Simulator) {
    let url = simulator.url();
    println!("{url}");
    println!("\nData sources:");
    for source in simulator.data_sources() {
        println!("  {:<14} {:<12} {}", source.id, source.kind, source.name);
    }
    println!("\nThe admin API:        curl {url}/admin");
    println!(
        "Lose the next create: curl {url}/admin/faults -H 'content-type: application/json' \\"
    );
    println!(
        "  -d '{{\"action\":\"CreateProject\",\"times\":1,\"when\":\"AfterWork\",\"kind\":{{\"type\":\"drop\"}}}}'"
    );
    println!("\nCtrl-C ends it, and everything it holds.");
}
