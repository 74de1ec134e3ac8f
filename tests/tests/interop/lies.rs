//! The FETCH client in Python against a server that lies, a lie for each clause of R22 and R26.

use std::fs;

use fetchlet_test_kit::fetch::{Caught, FetchPeer, FileVersion, Lie};
use fetchlet_test_kit::{LIMIT, on_disk, random_bytes, within};

use crate::python_fetch::{Ended, FetchFolder};

const LEN: usize = 1000;

/// Returns the options with which the client's requests give this lie its occasion.
const fn occasion(lie: Lie) -> &'static [&'static str] {
    match lie {
        Lie::OverLimit => &["--limit", "300"],
        Lie::UnaskedDigest => &["--plain"],
        Lie::UnchangedOther => &["--if-changed"],
        _ => &[],
    }
}

#[test]
fn nothing_of_a_lie_is_ever_taken_for_the_file() {
    within(LIMIT, || {
        let version = FileVersion::hashed(&random_bytes(3, LEN));
        for lie in Lie::ALL {
            let peer = FetchPeer::lying(version.clone(), lie);
            let target = FetchFolder::new();
            if lie == Lie::UnchangedOther {
                fs::write(target.file("x"), "old").unwrap();
            }
            let before = on_disk(target.path());
            let options = [occasion(lie), &["--tries", "2"]].concat();
            let ended = target.fetch(peer.port(), &["x"], &options);
            match lie.caught() {
                Caught::Malformed => {
                    assert_eq!(ended.code, 5, "{lie:?}: {ended:?}");
                    let kept = target.kept("x");
                    // R29: a fault drops nothing, and R22: nothing of it was written.
                    assert!(kept.is_none_or(|kept| kept < LEN as u64), "{lie:?}: {kept:?}");
                    if let Some(kept) = kept {
                        let part = fs::read(target.file("x.part")).unwrap();
                        let len = usize::try_from(kept).unwrap();
                        assert_eq!(part, version.content[..len], "{lie:?}");
                    } else {
                        assert_eq!(on_disk(target.path()), before, "{lie:?}");
                    }
                }
                Caught::Hash => {
                    assert_eq!(ended, Ended::new(7, &["the hash is wrong"]), "{lie:?}");
                    assert_eq!(on_disk(target.path()), before, "{lie:?}");
                }
            }
        }
    });
}
