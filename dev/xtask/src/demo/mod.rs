//! `cargo xtask demo`: the whole as a show, with real parts but for OMS, which is simulated.
//!
//! `scene` is what is shown, `play` the order of events, `cluster` where it happens (`theirs` and
//! `removal` if that is the user's own), `watch` what is seen of it: `row` by `row`, as a `table` on
//! a terminal and as `lines` elsewhere, with the `story` in between.

mod cluster;
mod documents;
mod farewell;
mod lines;
pub mod operator;
mod parts;
mod play;
mod removal;
mod row;
mod scene;
mod story;
mod table;
pub mod theirs;
mod watch;

use std::time::Duration;

use anyhow::bail;
use clap::Args;

use crate::interrupted::Interrupted;
use crate::screen::Screen;
use parts::Parts;
use theirs::Theirs;

/// The operator may be in a call, and a namespace takes its time.
const STOP: Duration = Duration::from_secs(400);

#[derive(Debug, Args)]
pub struct Options {
    /// End as soon as every project has come to its end; fail if one does not in time.
    #[arg(long)]
    once: bool,

    /// How many times as fast as real time the simulated OMS works.
    #[arg(long, value_name = "FACTOR", default_value_t = 10.0, value_parser = speed)]
    speed: f64,

    /// Use the cluster of this context of your kubeconfig, instead of a control plane of the demo's own.
    ///
    /// The demo makes the definitions, the rights and two namespaces there, and removes them at the end. It refuses
    /// a cluster that has any of them. The operator and OMS run on this machine.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,

    /// Only remove what a killed demo has left in that cluster.
    #[arg(long, requires = "context", conflicts_with = "once")]
    clean_up: bool,
}

fn speed(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|speed: &f64| (0.1..=1000.0).contains(speed))
        .ok_or_else(|| "it is a number from 0.1 to 1000".to_owned())
}

/// Shows the demo until it is told to stop. Whatever happens, nothing stays behind.
pub async fn demo(options: Options) -> anyhow::Result<()> {
    let screen = Screen::new();
    let mut interrupted = Interrupted::new()?;
    if let (true, Some(context)) = (options.clean_up, &options.context) {
        return clean_up(context, &screen).await;
    }
    let mut parts = Parts::default();
    let played = tokio::select! {
        played = play::play(&options, &screen, &mut parts) => Some(played),
        () = interrupted.wait() => None,
    };
    match played {
        Some(_) => screen.keep(),
        None => screen.leave(),
    }
    screen.say("");
    let all_there = parts.all_there;
    let stopped = tokio::select! {
        stopped = screen.step("stopping everything", STOP, parts.stop(&screen)) => stopped,
        // Everything runs under a supervisor that ends it when this process is gone.
        () = interrupted.wait() => bail!("interrupted twice: what still ran is killed{}", left(&options)),
    };
    match played {
        Some(played) => played.and(stopped),
        None if all_there => stopped,
        None => stopped.and_then(|()| bail!("stopped before every project had come to its end")),
    }
}

fn left(options: &Options) -> String {
    match &options.context {
        Some(context) => format!(
            "; `cargo xtask demo --context {context} --clean-up` removes what is left in the cluster"
        ),
        None => String::new(),
    }
}

async fn clean_up(context: &str, screen: &Screen) -> anyhow::Result<()> {
    let what = format!("removing what a demo has left in the cluster of {context}");
    let work = async {
        let client = Theirs::connect(context, "").await?.client();
        let things = theirs::things()?;
        removal::resources(&client, &things, None, screen).await?;
        removal::things(&client, &things, None, screen).await
    };
    screen.step(what, STOP, work).await
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn parse(words: &[&str]) -> Result<Options, String> {
        let line = Line::try_parse_from([&["demo"], words].concat());
        line.map(|line| line.options)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn without_arguments_it_stays_and_uses_no_cluster_of_the_users() {
        let options = parse(&[]).unwrap();
        assert!(!options.once && !options.clean_up);
        assert_eq!(options.context, None);
    }

    #[test]
    fn a_context_has_a_name() {
        let options = parse(&["--context", "kind-demo", "--once", "--speed", "30"]).unwrap();
        assert_eq!(options.context.as_deref(), Some("kind-demo"));
        assert_eq!((options.once, options.speed), (true, 30.0));
        assert!(parse(&["--context"]).is_err());
    }

    #[test]
    fn cleaning_up_needs_a_context() {
        assert!(parse(&["--clean-up"]).unwrap_err().contains("--context"));
        assert!(parse(&["--clean-up", "--context", "x"]).is_ok());
    }

    #[test]
    fn a_speed_that_would_stop_the_show_is_refused() {
        for wrong in ["0", "-1", "NaN", "inf", "fast"] {
            let error = parse(&[&format!("--speed={wrong}")]).unwrap_err();
            assert!(error.contains("from 0.1 to 1000"), "{error}");
        }
    }
}
