//! The texts to check: files, folders and standard input.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A text, and where it is from.
pub struct Source {
    /// What to call it; `-` for standard input.
    pub name: String,
    /// The content, or why there is none.
    pub text: io::Result<String>,
    /// Found in a folder rather than named by the user, who may not even know
    /// of it.
    pub found: bool,
}

/// The texts that a path stands for: the file itself; standard input for `-`;
/// for a folder, its `.yaml`, `.yml` and `.json` files at any depth, those of
/// hidden folders left out, in the order of their names.
pub fn sources(path: &Path, stdin: &mut dyn Read) -> Vec<Source> {
    let source = |path: &Path, text, found| Source {
        name: path.display().to_string(),
        text,
        found,
    };
    if path.as_os_str() == "-" {
        let mut text = String::new();
        let text = stdin.read_to_string(&mut text).map(|_| text);
        return vec![source(path, text, false)];
    }
    if !path.is_dir() {
        return vec![source(path, std::fs::read_to_string(path), false)];
    }
    let mut files = Vec::new();
    match walk(path, &mut files) {
        Ok(()) => files
            .iter()
            .map(|file| source(file, std::fs::read_to_string(file), true))
            .collect(),
        Err(error) => vec![source(path, Err(error), false)],
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        // Not through links to folders: they may lead in a circle.
        if entry.file_type()?.is_dir() {
            if !hidden {
                walk(&path, files)?;
            }
        } else if path.is_file() && is_manifest(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        ["yaml", "yml", "json"]
            .iter()
            .any(|known| extension == *known)
    })
}
