//! A temporary folder that does not stay behind, not even after a SIGKILL.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;

/// Waits for the end of its stdin, that is for the end of the owner, and removes the folder. The
/// processes that write to it are being killed at that moment, so one attempt might not be enough.
const JANITOR: &str = r#"
read -r _
tries=0
until rm -rf -- "$1" || [ "$tries" -ge 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
"#;

pub(crate) struct Scratch {
    path: PathBuf,
    janitor: Child,
}

impl Scratch {
    /// Makes a folder that only this user can read: it will hold keys and tokens.
    pub(crate) fn new(prefix: &str) -> anyhow::Result<Scratch> {
        let folder = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir()
            .context("cannot make a temporary folder")?;
        let janitor = Command::new("sh")
            .args(["-c", JANITOR, "janitor"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot start sh to look after the temporary folder")?;
        Ok(Scratch {
            path: folder.keep(),
            janitor,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // `wait` closes the janitor's stdin first, which is its order to work.
        let _ = self.janitor.wait();
    }
}
