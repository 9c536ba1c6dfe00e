//! The binary as it stands in an image (`Dockerfile`): what it needs beside
//! itself, and that it does its work with no more than that, in a file system
//! that it cannot write to, as a user with no rights.
//!
//! The debug binary of the tests is tried, which is linked like the one that ships;
//! `OMS_OPERATOR_RELEASE` names another. The workflows run the image itself.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::elf::{DT_NEEDED, FileHeader64};
use object::read::elf::{Dyn as _, FileHeader as _};
use object::{Endianness, StringTable};
use serde_json::json;

use crate::world::{Operator, World};

/// The shared libraries of `gcr.io/distroless/cc-debian12` that it may use.
const LIBRARIES: [&str; 5] = [
    "libc.so.6",
    "libm.so.6",
    "libgcc_s.so.1",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
];

/// The glibc of Debian 12.
const GLIBC: (u32, u32) = (2, 36);

/// Where the image has its certificate authorities.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// As in `Dockerfile` and in the chart.
const USER: &str = "65532:65532";

/// Mounts the folder over itself, so that it can be read-only, and becomes the
/// program in it.
const ENTER: &str = r#"
    root=$0 user=$1; shift
    mount --bind "$root" "$root" && mount -o remount,bind,ro "$root" || exit 1
    exec chroot --userspec="$user" "$root" /oms-operator "$@""#;

fn program() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is told which binary to try"
    )]
    let release = std::env::var_os("OMS_OPERATOR_RELEASE");
    release.map_or_else(|| env!("CARGO_BIN_EXE_oms-operator").into(), PathBuf::from)
}

/// The libraries that the loader is asked for.
fn needed(binary: &[u8]) -> Vec<String> {
    let header = FileHeader64::<Endianness>::parse(binary).expect("an ELF file");
    let endian = header.endian().expect("a byte order");
    let sections = header.sections(endian, binary).expect("sections");
    let (entries, strings) = sections
        .dynamic(endian, binary)
        .expect("a dynamic section")
        .expect("a dynamic program");
    let strings: StringTable = sections.strings(endian, binary, strings).expect("strings");
    let needed = entries
        .iter()
        .filter(|entry| entry.tag(endian) == DT_NEEDED);
    needed
        .map(|entry| entry.string(endian, strings).expect("a name"))
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect()
}

/// The newest glibc that a symbol is asked of: `GLIBC_2.34` stands in the file.
fn newest_glibc(binary: &[u8]) -> (u32, u32) {
    let text = String::from_utf8_lossy(binary);
    let versions = text.split("GLIBC_").skip(1).filter_map(|rest| {
        let (major, rest) = rest.split_once('.')?;
        let minor = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    });
    versions.max().expect("a version of glibc")
}

#[test]
fn it_needs_the_libraries_of_its_base_image_and_no_other() {
    let binary = fs::read(program()).expect("the binary");
    let needed = needed(&binary);
    assert!(needed.iter().any(|name| name == "libc.so.6"), "{needed:?}");
    for name in &needed {
        assert!(
            LIBRARIES.contains(&name.as_str()),
            "the base image has no {name}: {needed:?}"
        );
    }
    let glibc = newest_glibc(&binary);
    assert!(
        glibc <= GLIBC,
        "it needs glibc {glibc:?}, and the base image has {GLIBC:?}: link on its Debian"
    );
}

/// A root with the binary, what it needs, and nothing else.
fn root(folder: &Path, kubeconfig: &Path) -> PathBuf {
    let root = folder.join("image");
    let put = |from: &Path, to: &str| {
        let to = root.join(to.trim_start_matches('/'));
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(from, &to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    };
    put(&program(), "/oms-operator");
    put(kubeconfig, "/kubeconfig");
    let readable = fs::Permissions::from_mode(0o644);
    fs::set_permissions(root.join("kubeconfig"), readable).expect("readable");
    if Path::new(AUTHORITIES).exists() {
        put(Path::new(AUTHORITIES), AUTHORITIES);
    }
    let listed = Command::new("ldd").arg(program()).output().expect("ldd");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let libraries = listed
        .split_whitespace()
        .filter(|word| word.starts_with('/'));
    for library in libraries {
        put(Path::new(library), library);
    }
    root
}

/// The arguments of `unshare` that run the binary in this root.
fn inside<'a>(root: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    let enter = ["--mount", "sh", "-c", ENTER, root, USER];
    enter.iter().chain(arguments).copied().collect()
}

/// Whether this machine lets a test mount and change its root.
fn may_enter(root: &str) -> bool {
    let tried = Command::new("unshare")
        .args(["--mount", "chroot", root, "/oms-operator", "--version"])
        .output();
    tried.is_ok_and(|output| output.status.success())
}

#[tokio::test]
async fn it_does_its_work_in_a_root_that_has_nothing_else() {
    let world = World::new("image").await;
    let kubeconfig = world.kubeconfig();
    let root = root(world.plane.folder(), &kubeconfig);
    let root = root.to_str().expect("UTF-8");
    if !may_enter(root) {
        // `cargo xtask test` counts it as left out. The workflows try the image itself.
        let words = "\nNOT TESTED: the binary in an empty root: this user may not change it\n";
        std::io::stdout().write_all(words.as_bytes()).unwrap();
        world.finish([]).await;
        return;
    }
    // It has no shell, and nobody to be root.
    let outcome = Command::new("unshare")
        .args(inside(root, &["run", "--kubeconfig", "/nowhere"]))
        .output()
        .expect("unshare");
    let said = String::from_utf8_lossy(&outcome.stderr);
    assert!(said.contains("/nowhere"), "{said}");

    let flags = ["--watch-namespace", &world.namespace];
    let arguments = Operator::arguments(&flags);
    let environment = [("KUBECONFIG", "/kubeconfig"), ("RUST_LOG", "trace")];
    let operator = Operator::of("unshare", &inside(root, &arguments), &environment);
    world.create("orders", json!({})).await;
    world.until_running("orders").await;
    world.finish([operator]).await;
}
