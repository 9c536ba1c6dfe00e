//! One control plane: started, used, stopped.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use kube::Client;

use crate::audit::Audit;
use crate::binaries::Binaries;
use crate::connection::Connection;
use crate::credentials::Credentials;
use crate::history::History;
use crate::ports::Ports;
use crate::process::Process;
use crate::progress::{Progress, say};
use crate::scratch::Scratch;
use crate::servers::{self, Layout};
use crate::wait::until_ok;

/// Four seconds on an idle machine; tests run beside compilers.
const READY_DEADLINE: Duration = Duration::from_secs(120);
/// A request that came too early may never be answered.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);
/// For each program: the API server ends in three seconds, the others at once.
const STOP_GRACE: Duration = Duration::from_secs(20);
/// For an API server that is only restarted: it may wait for requests that somebody holds.
const RESTART_GRACE: Duration = Duration::from_secs(5);
/// A port may be lost to another program between choosing and binding it.
const STARTS: usize = 3;

/// What to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Namespace and garbage-collection controllers, where there is a program for them.
    pub controllers: bool,
    /// Further arguments of kube-apiserver, such as `--feature-gates=WatchList=false`.
    pub api_server_args: Vec<String>,
    /// Whether every request is logged, for [`ControlPlane::audit`]. Without the log the API server does less.
    pub audit: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            controllers: true,
            api_server_args: Vec::new(),
            audit: true,
        }
    }
}

/// A running control plane. Dropping it, or the end of this process, however it comes, ends
/// everything that belongs to it; [`ControlPlane::stop`] does so in order.
pub struct ControlPlane {
    options: Options,
    binaries: Binaries,
    ports: Ports,
    credentials: Credentials,
    audit: Audit,
    kubeconfigs: AtomicUsize,
    // The order of the fields is the order of dropping: clients before servers, the folder last.
    controller_manager: Option<Process>,
    api_server: tokio::sync::Mutex<Process>,
    etcd: Process,
    scratch: Scratch,
}

impl ControlPlane {
    /// Starts a control plane and waits until it is ready. The first time on a machine this builds the programs.
    pub async fn start(options: Options) -> anyhow::Result<ControlPlane> {
        let binaries = find_binaries().await?;
        let progress = Progress::start("starting control plane");
        for _ in 1..STARTS {
            match ControlPlane::try_start(&options, &binaries).await {
                Err(Failure::PortTaken(reason)) => {
                    say(&format!("starting again with other ports: {reason:#}"))
                }
                Err(Failure::Other(reason)) => return Err(reason),
                Ok(control_plane) => {
                    progress.done();
                    return Ok(control_plane);
                }
            }
        }
        let last = ControlPlane::try_start(&options, &binaries).await;
        last.map_err(|failure| match failure {
            Failure::PortTaken(reason) | Failure::Other(reason) => reason,
        })
    }

    /// The one control plane that all tests of a binary share; the first call starts it and blocks meanwhile.
    ///
    /// It is bound to no test's runtime and ends with the process.
    ///
    /// # Panics
    /// When it cannot be started: no test of the binary could go on.
    pub fn shared() -> &'static ControlPlane {
        static SHARED: OnceLock<Result<ControlPlane, String>> = OnceLock::new();
        let started = SHARED.get_or_init(|| {
            // A thread of its own, because the caller may be inside a runtime already.
            let start = || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?;
                runtime.block_on(ControlPlane::start(Options::default()))
            };
            match std::thread::spawn(start).join() {
                Ok(started) => started.map_err(|error| format!("{error:#}")),
                Err(_) => Err("starting it panicked".to_owned()),
            }
        });
        match started {
            Ok(control_plane) => control_plane,
            Err(reason) => panic!("no control plane for the tests: {reason}"),
        }
    }

    async fn try_start(options: &Options, binaries: &Binaries) -> Result<ControlPlane, Failure> {
        let scratch = Scratch::new("oms-control-plane-")?;
        let layout = Layout {
            folder: scratch.path(),
        };
        let credentials = Credentials::make(scratch.path())?;
        let ports = Ports::choose()?;
        let admin =
            credentials.kubeconfig(&ports.api_server_url(), "admin", &credentials.admin_token);
        std::fs::write(layout.admin_kubeconfig(), admin)
            .context("cannot write the admin's kubeconfig")?;
        let connection = Connection {
            url: ports.api_server_url(),
            ca_der: Some(credentials.ca_der.clone()),
            token: credentials.admin_token.clone(),
        };
        let audit = Audit::new(layout.audit_log(), connection);
        let etcd = servers::start_etcd(binaries, &layout, &ports)?;
        let api_server = servers::start_api_server(binaries, &layout, &ports, options)?;
        let mut control_plane = ControlPlane {
            options: options.clone(),
            binaries: binaries.clone(),
            ports,
            credentials,
            audit,
            kubeconfigs: AtomicUsize::new(0),
            controller_manager: None,
            api_server: tokio::sync::Mutex::new(api_server),
            etcd,
            scratch,
        };
        control_plane
            .ready(&*control_plane.api_server.lock().await)
            .await?;
        if options.controllers {
            control_plane.controller_manager =
                servers::start_controller_manager(binaries, &control_plane.layout())?;
        }
        Ok(control_plane)
    }

    /// Waits until requests are answered and the first namespaces are there.
    async fn ready(&self, api_server: &Process) -> Result<(), Failure> {
        let client = self.client();
        let look = async || -> anyhow::Result<Option<&Process>> {
            if let Some(ended) = [&self.etcd, api_server]
                .into_iter()
                .find(|process| !process.is_running())
            {
                return Ok(Some(ended));
            }
            for path in ["/readyz", "/api/v1/namespaces/default"] {
                let request = http::Request::get(path).body(Vec::new())?;
                tokio::time::timeout(ANSWER_DEADLINE, client.request_text(request)).await??;
            }
            Ok(None)
        };
        let ended = until_ok(READY_DEADLINE, "the API server to be ready", look)
            .await
            .with_context(|| format!("{}; {}", api_server.log_tail(), self.etcd.log_tail()))?;
        match ended {
            None => Ok(()),
            Some(process) => {
                let exit = process
                    .exit()
                    .map(|exit| exit.to_string())
                    .unwrap_or_default();
                let reason = anyhow::anyhow!(
                    "{} ended at its start ({exit}); {}",
                    process.name(),
                    process.log_tail()
                );
                match servers::lost_its_port(process) {
                    true => Err(Failure::PortTaken(reason)),
                    false => Err(Failure::Other(reason)),
                }
            }
        }
    }

    /// A client as cluster administrator. It belongs to the runtime of the caller, and retries nothing by itself.
    pub fn client(&self) -> Client {
        self.client_for(&self.credentials.admin_token)
    }

    /// A client that holds this token.
    pub fn client_for(&self, token: &str) -> Client {
        self.connection(token).client()
    }

    /// Where the API server listens.
    pub fn url(&self) -> String {
        self.ports.api_server_url()
    }

    /// The administrator's token.
    pub fn admin_token(&self) -> &str {
        &self.credentials.admin_token
    }

    /// The administrator's kubeconfig, as a file that lives as long as the control plane.
    pub fn kubeconfig(&self) -> PathBuf {
        self.layout().admin_kubeconfig()
    }

    /// A kubeconfig with this token, as text; for `server` instead of the API server itself when given.
    pub fn kubeconfig_for(&self, token: &str, server: Option<&str>) -> String {
        let url = self.url();
        self.credentials
            .kubeconfig(server.unwrap_or(&url), "user", token)
    }

    /// Like [`ControlPlane::kubeconfig_for`], as a file that lives as long as the control plane.
    pub fn write_kubeconfig(&self, token: &str, server: Option<&str>) -> anyhow::Result<PathBuf> {
        let number = self.kubeconfigs.fetch_add(1, Ordering::Relaxed);
        let path = self.folder().join(format!("user-{number}.kubeconfig"));
        std::fs::write(&path, self.kubeconfig_for(token, server))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// The audit log: who did what. It stays empty without [`Options::audit`].
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Every write of custom resources of this API group, from the first on. Whole as long as nothing is
    /// compacted: start the API server with `--etcd-compaction-interval=0` if that may take five minutes.
    pub async fn history(&self, group: &str) -> anyhow::Result<History> {
        History::open(&self.ports.etcd_url(), &format!("/registry/{group}/")).await
    }

    /// The folder for everything that should go away with the control plane.
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// Whether namespaces go away when deleted, and owner references are followed.
    pub fn has_controllers(&self) -> bool {
        self.controller_manager.is_some()
    }

    /// Name and process id of every program of this control plane.
    pub async fn processes(&self) -> Vec<(String, u32)> {
        let api_server = self.api_server.lock().await;
        let all = [&self.etcd, &*api_server]
            .into_iter()
            .chain(&self.controller_manager);
        all.map(|process| (process.name().to_owned(), process.pid()))
            .collect()
    }

    /// Stops the API server, starts it again on the same port, and waits until it is ready.
    ///
    /// Whoever shares this control plane sees it too.
    pub async fn restart_api_server(&self) -> anyhow::Result<()> {
        let mut api_server = self.api_server.lock().await;
        api_server.terminate();
        if api_server.wait(RESTART_GRACE).await.is_err() {
            api_server.kill().await;
        }
        self.start_api_server_again(&mut api_server).await
    }

    /// The same after a SIGKILL, as when its machine is lost.
    pub async fn crash_api_server(&self) -> anyhow::Result<()> {
        let mut api_server = self.api_server.lock().await;
        api_server.kill().await;
        self.start_api_server_again(&mut api_server).await
    }

    async fn start_api_server_again(&self, api_server: &mut Process) -> anyhow::Result<()> {
        let progress = Progress::start("restarting kube-apiserver");
        *api_server =
            servers::start_api_server(&self.binaries, &self.layout(), &self.ports, &self.options)?;
        self.ready(api_server)
            .await
            .map_err(|failure| match failure {
                Failure::PortTaken(reason) | Failure::Other(reason) => reason,
            })?;
        progress.done();
        Ok(())
    }

    /// Stops everything in order, each program waited for, and removes the folder.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let progress = Progress::start("stopping control plane");
        let controller_manager = self.controller_manager.take();
        let api_server = self.api_server.lock().await;
        // The API server hangs when etcd goes first.
        for process in controller_manager.iter().chain([&*api_server, &self.etcd]) {
            if process.is_running() {
                process.stop(STOP_GRACE).await?;
            }
        }
        drop(api_server);
        let folder = self.folder().to_owned();
        tokio::task::spawn_blocking(move || drop(self))
            .await
            .context("removing the folder panicked")?;
        if folder.exists() {
            bail!(
                "the control plane is stopped, but {} could not be removed",
                folder.display()
            );
        }
        progress.done();
        Ok(())
    }

    pub(crate) fn connection(&self, token: &str) -> Connection {
        Connection {
            url: self.url(),
            ca_der: Some(self.credentials.ca_der.clone()),
            token: token.to_owned(),
        }
    }

    fn layout(&self) -> Layout<'_> {
        Layout {
            folder: self.scratch.path(),
        }
    }
}

/// On a plain thread: a runtime that shuts down would wait for its own blocking tasks, and a build
/// takes minutes. This one ends with the process, and Go with it.
async fn find_binaries() -> anyhow::Result<Binaries> {
    let (found, result) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // Nobody waits any more: the start was given up.
        let _ = found.send(Binaries::find());
    });
    result.await.context("looking for the programs panicked")?
}

/// Why a start failed.
enum Failure {
    PortTaken(anyhow::Error),
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Other(error)
    }
}
