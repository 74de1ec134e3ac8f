//! Filenames that try to reach what the server must not send (R5, R8), for a [`HostileFolder`].

use std::fs;

use fetchlet_codec::Status;

use crate::hostile_folder::HostileFolder;

/// A filename that must not lead to a file, and the status of the answer.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a test needs all three fields")]
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
}
