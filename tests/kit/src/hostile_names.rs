//! A folder to serve whose links, pipes and permissions are traps, and filenames that try to abuse
//! them (R5, R8).

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use fetchlet_codec::Status;
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

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
        for file in [
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
        ] {
            let content = format!("{}{file}", Self::OPEN);
            fs::write(root.join(file), content)?;
        }
        let longest = root.join(longest());
        fs::create_dir_all(longest.parent().unwrap_or(&root))?;
        fs::write(longest, Self::OPEN)?;

        for (link, target) in [
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
        ] {
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
}

/// Returns the name of a file that has exactly 1024 bytes: five components with four slashes
/// between.
fn longest() -> String {
    vec!["x".repeat(204); 5].join("/")
}

/// A filename that must not lead to a file, and the status of the answer.
#[derive(Clone, Debug)]
pub struct HostileName {
    /// What the name tries.
    pub what: &'static str,
    /// The bytes on the wire.
    pub name: Vec<u8>,
    /// The status of the answer.
    pub status: Status,
}

/// Names that don't depend on the path of the folder. A name that violates the protocol is answered
/// as malformed (R5), every other name that leads to no file as not found (R8).
const NAMES: &[(&str, &[u8], Status)] = &[
    ("missing", b"nothing", Status::NotFound),
    ("missing in a folder", b"sub/nothing", Status::NotFound),
    ("below a file", b"hello.txt/nothing", Status::NotFound),
    ("another case", b"HELLO.TXT", Status::NotFound),
    ("up", b"../secret.txt", Status::NotFound),
    ("up twice", b"../../secret.txt", Status::NotFound),
    ("up from a folder", b"sub/../../secret.txt", Status::NotFound),
    ("up from what is missing", b"nothing/../../secret.txt", Status::NotFound),
    ("up from a file", b"hello.txt/../../secret.txt", Status::NotFound),
    ("up and in again", b"../root/hello.txt", Status::NotFound),
    ("up within the root", b"sub/../hello.txt", Status::NotFound),
    ("up through a link", b"link-to-folder/../hello.txt", Status::NotFound),
    ("up to a folder whose name begins alike", b"../root-2/secret.txt", Status::NotFound),
    ("up, with slashes doubled", b"..//secret.txt", Status::NotFound),
    ("up, as Windows would", b"..\\secret.txt", Status::NotFound),
    ("up, as a URL would", b"%2e%2e%2fsecret.txt", Status::NotFound),
    ("up, in full-width dots", "．．/secret.txt".as_bytes(), Status::NotFound),
    ("up, with a full-width slash", "..／secret.txt".as_bytes(), Status::NotFound),
    ("the parent", b"..", Status::NotFound),
    ("the parent of a folder", b"sub/..", Status::NotFound),
    ("the root, by a dot", b".", Status::NotFound),
    ("the root, by a slash", b"/", Status::NotFound),
    ("a dot first", b"./hello.txt", Status::NotFound),
    ("a dot between", b"sub/./inner.txt", Status::NotFound),
    ("a dot last", b"hello.txt/.", Status::NotFound),
    ("a slash first", b"/hello.txt", Status::NotFound),
    ("two slashes first", b"//hello.txt", Status::NotFound),
    ("two slashes between", b"sub//inner.txt", Status::NotFound),
    ("a slash last", b"hello.txt/", Status::NotFound),
    ("an absolute path", b"/etc/passwd", Status::NotFound),
    ("an absolute path with slashes doubled", b"//etc/passwd", Status::NotFound),
    ("the server's own descriptors", b"/proc/self/fd/0", Status::NotFound),
    ("a drive", b"C:\\hello.txt", Status::NotFound),
    ("a home", b"~/hello.txt", Status::NotFound),
    ("a link to a file inside", b"link-inside", Status::NotFound),
    ("an absolute link to a file inside", b"link-absolute-inside", Status::NotFound),
    ("a file below a link to a folder", b"link-to-folder/inner.txt", Status::NotFound),
    ("a link in the middle", b"sub/link-up/hello.txt", Status::NotFound),
    ("a link outside", b"link-outside", Status::NotFound),
    ("an absolute link outside", b"link-absolute", Status::NotFound),
    ("a file below a link outside", b"link-to-outside/secret.txt", Status::NotFound),
    ("a file deeper below a link outside", b"link-to-outside/deep/secret.txt", Status::NotFound),
    ("a file below a link to the parent", b"link-to-parent/secret.txt", Status::NotFound),
    ("a file below a link to /", b"link-to-slash/etc/passwd", Status::NotFound),
    ("a magic link", b"link-to-proc/exe", Status::NotFound),
    ("a link outside, in a folder", b"sub/link-outside", Status::NotFound),
    ("a link outside, as last but one", b"sub/deep/link-to-outside/secret.txt", Status::NotFound),
    ("up after a link", b"sub/link-up/../secret.txt", Status::NotFound),
    ("a link to itself", b"link-to-self", Status::NotFound),
    ("a link to nothing", b"link-to-nothing", Status::NotFound),
    ("a folder", b"sub", Status::NotFound),
    ("a folder in a folder", b"sub/deep", Status::NotFound),
    ("a folder with a slash", b"sub/", Status::NotFound),
    ("a pipe", b"pipe", Status::NotFound),
    ("a socket", b"socket", Status::NotFound),
    ("a device", b"device", Status::NotFound),
    ("a file too large to be announced (R9)", b"too-large", Status::NotFound),
    ("hidden", b".hidden", Status::NotFound),
    ("hidden in a folder", b"sub/.hidden", Status::NotFound),
    ("in a hidden folder", b".dot/file", Status::NotFound),
    ("in a hidden folder of a folder", b"sub/.dot/file", Status::NotFound),
    ("three dots are a hidden name", b"...", Status::NotFound),
    ("two dots and more are a hidden name", b"..a", Status::NotFound),
    ("NUL alone", b"\0", Status::NotFound),
    ("NUL after a name that leads somewhere", b"hello.txt\0", Status::NotFound),
    ("NUL and a harmless ending", b"../secret.txt\0.txt", Status::NotFound),
    ("a backslash", b"back\\slash", Status::NotFound),
    ("a backslash for a slash", b"sub\\inner.txt", Status::NotFound),
    ("a newline", b"new\nline", Status::NotFound),
    ("a carriage return", b"return\r", Status::NotFound),
    ("a tab", b"tab\tstop", Status::NotFound),
    ("a bell", b"bell\x07", Status::NotFound),
    ("an escape sequence", b"red\x1b[31m", Status::NotFound),
    ("a title for the terminal", b"\x1b]0;owned\x07", Status::NotFound),
    ("a line that looks like a log's", b"x\n2026-01-01T00:00:00Z INFO sent", Status::NotFound),
    ("DEL", b"delete\x7f", Status::NotFound),
    ("a C1 newline", b"next\xC2\x85line", Status::NotFound),
    ("a C1 control sequence", b"csi\xC2\x9B31m", Status::NotFound),
    ("a space", b" ", Status::NotFound),
    ("a name and a space", b"hello.txt ", Status::NotFound),
    ("a byte order mark", b"\xEF\xBB\xBFhello.txt", Status::NotFound),
    ("not a character", b"\xEF\xBF\xBF", Status::NotFound),
    ("not UTF-8: a lone continuation", b"\x80", Status::Malformed),
    ("not UTF-8: a byte that never is", b"hello\xFF.txt", Status::Malformed),
    ("not UTF-8: an overlong slash", b"..\xC0\xAFsecret.txt", Status::Malformed),
    ("not UTF-8: an overlong NUL", b"hello.txt\xC0\x80", Status::Malformed),
    ("not UTF-8: a surrogate", b"\xED\xA0\x80", Status::Malformed),
    ("not UTF-8: beyond Unicode", b"\xF4\x90\x80\x80", Status::Malformed),
    ("not UTF-8: Latin-1", b"gr\xFC\xDFe.txt", Status::Malformed),
    ("not UTF-8: cut within a character", b"hello\xE2\x82", Status::Malformed),
    ("no name at all", b"", Status::Malformed),
];

impl HostileFolder {
    /// Returns every name that must not lead to a file.
    pub fn hostile(&self) -> Vec<HostileName> {
        let mut all: Vec<HostileName> = NAMES
            .iter()
            .map(|(what, name, status)| HostileName { what, name: name.to_vec(), status: *status })
            .collect();
        let mut add = |what, name: Vec<u8>, status| all.push(HostileName { what, name, status });
        for (what, path) in [
            ("the secret's own path", self.secret()),
            ("a served file's own path", self.root().join("hello.txt")),
        ] {
            let path = path.into_os_string().into_encoded_bytes();
            add(what, path, Status::NotFound);
        }
        let ladder = ["../"; 64].concat() + "etc/passwd";
        add("up and up and up", ladder.into_bytes(), Status::NotFound);
        add("1024 bytes in one component", vec![b'a'; 1024], Status::NotFound);
        add("1024 bytes of folders", b"a/".repeat(512), Status::NotFound);
        add("1024 bytes of slashes", vec![b'/'; 1024], Status::NotFound);
        add("1024 bytes of going up", b"../a".repeat(256), Status::NotFound);
        add("1024 NULs", vec![0; 1024], Status::NotFound);
        add("1025 bytes", vec![b'a'; 1025], Status::Malformed);
        add("40000 bytes", vec![b'a'; 40000], Status::Malformed);
        if fs::File::open(self.root().join("unreadable")).is_err() {
            add("no permission", b"unreadable".to_vec(), Status::NotFound);
        }
        all
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
