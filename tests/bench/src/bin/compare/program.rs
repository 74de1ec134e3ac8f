//! Finds the program under measure, built in this program's profile. Building first keeps an old
//! build from being measured by mistake.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use fetchlet_test_kit::built;

use crate::result::Result;

/// Returns the path of `fetchlet` beside this program. Under `cargo run`, which builds only
/// `compare`, `fetchlet` is built first.
pub(crate) fn find() -> Result<PathBuf> {
    let own = env::current_exe()?;
    let folder = own.parent().ok_or("no folder around this program")?;
    if let Some(cargo) = env::var_os("CARGO") {
        build(Command::new(cargo), folder)?;
    }
    Ok(built("fetchlet")?)
}

fn build(mut cargo: Command, folder: &Path) -> Result<()> {
    let profile = match folder.file_name().and_then(|it| it.to_str()) {
        Some("debug") => "dev",
        Some(profile) => profile,
        None => return Err("no profile in this program's path".into()),
    };
    let target = folder.parent().ok_or("no target folder around this program")?;
    cargo
        .args(["build", "--quiet", "-p", "fetchlet-cli", "--profile", profile, "--target-dir"])
        .arg(target);
    let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status()?;
    if status.success() { Ok(()) } else { Err("fetchlet does not build".into()) }
}
