//! A folder to serve whose links, pipes and permissions are traps (R8).

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

/// Files inside the served folder. Each contains [`HostileFolder::OPEN`] and its name.
const FILES: &[&str] = &[
    "hello.txt",
    "sub/inner.txt",
    "sub/deep/deeper.txt",
    "two words.txt",
    "grüße-日本.txt",
    "...",
    "..a",
    "a..",
    ".hidden",
    ".dot/file",
    "sub/.hidden",
    "sub/.dot/file",
    "back\\slash",
    "new\nline",
    "return\r",
    "tab\tstop",
    "bell\x07",
    "red\x1b[31m",
    "delete\x7f",
    "next\u{85}line",
    "csi\u{9b}31m",
];

/// Links inside the served folder, each with its target.
const LINKS: &[(&str, &str)] = &[
    ("link-inside", "hello.txt"),
    ("link-to-folder", "sub"),
    ("link-to-self", "link-to-self"),
    ("link-to-nothing", "nothing"),
    ("link-outside", "../secret.txt"),
    ("link-to-parent", ".."),
    ("link-to-outside", "../outside"),
    ("link-to-slash", "/"),
    ("link-to-proc", "/proc/self"),
    ("sub/link-outside", "../../secret.txt"),
    ("sub/link-up", ".."),
    ("sub/deep/link-to-outside", "../../../outside"),
];

/// A folder to serve, with secret files beside it that no filename may reach.
///
/// The content of a file that may be read begins with [`OPEN`](Self::OPEN); that of all others is
/// [`SECRET`](Self::SECRET).
#[derive(Debug)]
pub struct HostileFolder {
    base: PathBuf,
}

impl HostileFolder {
    /// First bytes of every readable file inside the served folder.
    pub const OPEN: &str = "inside: ";

    /// Content of every file outside the served folder.
    pub const SECRET: &str = "this must never be sent";

    /// Makes the served folder and the secrets in `base`, an empty folder that the caller removes.
    ///
    /// # Errors
    ///
    /// Errors of the file system.
    pub fn new(base: &Path) -> io::Result<Self> {
        let served = Self { base: base.canonicalize()? };
        fs::write(served.base.join("secret.txt"), Self::SECRET)?;
        fs::create_dir_all(served.base.join("outside/deep"))?;
        fs::write(served.base.join("outside/secret.txt"), Self::SECRET)?;
        fs::write(served.base.join("outside/deep/secret.txt"), Self::SECRET)?;
        // A sibling whose path begins with the root's: a comparison of strings would let it in.
        fs::create_dir(served.base.join("root-2"))?;
        fs::write(served.base.join("root-2/secret.txt"), Self::SECRET)?;
        served.fill()?;
        Ok(served)
    }

    fn fill(&self) -> io::Result<()> {
        let root = self.root();
        for folder in ["sub/deep", ".dot", "sub/.dot"] {
            fs::create_dir_all(root.join(folder))?;
        }
        for file in FILES {
            let content = format!("{}{file}", Self::OPEN);
            fs::write(root.join(file), content)?;
        }
        let longest = root.join(longest());
        fs::create_dir_all(longest.parent().unwrap_or(&root))?;
        fs::write(longest, Self::OPEN)?;

        for (link, target) in LINKS {
            symlink(target, root.join(link))?;
        }
        symlink(self.secret(), root.join("link-absolute"))?;
        symlink(root.join("hello.txt"), root.join("link-absolute-inside"))?;
        // The socket's file stays when the listener is dropped.
        drop(UnixListener::bind(root.join("socket"))?);
        mknodat(CWD, root.join("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        // Only root may make a device. A missing name gets the same answer.
        mknodat(CWD, root.join("device"), FileType::CharacterDevice, Mode::RUSR, makedev(1, 5))
            .ok();
        // A sparse file: it takes no room on the disk.
        fs::File::create(root.join("too-large"))?.set_len(1 << 32)?;
        fs::write(root.join("unreadable"), Self::SECRET)?;
        fs::set_permissions(root.join("unreadable"), fs::Permissions::from_mode(0o000))
    }

    /// Returns the folder to serve.
    pub fn root(&self) -> PathBuf {
        self.base.join("root")
    }

    /// Returns a file outside the served folder.
    pub fn secret(&self) -> PathBuf {
        self.base.join("secret.txt")
    }

    /// Returns names that lead to a file. The file contains [`OPEN`](Self::OPEN) and its name; the
    /// longest name's file contains only `OPEN`.
    pub fn open_names() -> Vec<String> {
        let names = ["hello.txt", "sub/inner.txt", "sub/deep/deeper.txt", "two words.txt", "a.."];
        let mut names: Vec<String> = names.map(String::from).into();
        names.extend(["grüße-日本.txt".into(), longest()]);
        names
    }
}

/// Returns the name of a file that has exactly 1024 bytes: five components with four slashes
/// between.
fn longest() -> String {
    vec!["x".repeat(204); 5].join("/")
}
